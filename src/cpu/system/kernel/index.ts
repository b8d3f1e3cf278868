/** The kernel's exports for system instructions; documented in ../kernel-interface.ts. */
export * from './segments';
