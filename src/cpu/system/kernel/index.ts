/** The kernel's exports for system instructions; documented in ../kernel-interface.ts. */
export { time_stamp } from './clock';
export { sysenter, sysexit } from './fast-calls';
export { load_data_segment } from './segments';
