/** The kernel's exports for system instructions; documented in ../kernel-interface.ts. */
export { area_bytes, move_area, move_state } from './areas';
export { time_stamp } from './clock';
export { beside_code, beside_code64 } from './code-lines';
export { syscall, sysenter, sysexit, sysret } from './fast-calls';
export { deliver_event, deliver_fault, interrupt_return, software_interrupt } from './gates';
export { load_data_segment } from './segments';
