/** The kernel's exports; documented in ../kernel-interface.ts. */
export * from './arithmetic-instructions';
export * from './load-store';
export * from './stack-instructions';
export * from './transcendental-instructions';
export * from './value-instructions';
