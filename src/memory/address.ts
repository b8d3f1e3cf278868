/** Branded number types that keep the address spaces apart; mint them through the constructors here only. */

declare const brand: unique symbol;
type Branded<B extends string> = number & { readonly [brand]: B };

/** Guest-physical byte address, 0 to 2^52 - 1 (a plain number: exact up to 2^53). */
export type PhysAddr = Branded<'PhysAddr'>;
/** Linear address, 32 bits, unsigned. */
export type LinearAddr = Branded<'LinearAddr'>;
/** Byte offset in the arena, the one WebAssembly.Memory. */
export type ArenaAddr = Branded<'ArenaAddr'>;
/** I/O port number, 0 to 0xffff. */
export type Port = Branded<'Port'>;
/** Segment selector, 16 bits: index, TI, RPL [SDM3 3.4.2]. */
export type Selector = Branded<'Selector'>;
/** Virtual time in nanoseconds since the machine was switched on. */
export type Ticks = Branded<'Ticks'>;

export const physAddr = (n: number): PhysAddr => n as PhysAddr;
export const linearAddr = (n: number): LinearAddr => (n >>> 0) as LinearAddr;
export const arenaAddr = (n: number): ArenaAddr => (n >>> 0) as ArenaAddr;
export const port = (n: number): Port => (n & 0xffff) as Port;
export const selector = (n: number): Selector => (n & 0xffff) as Selector;
export const ticks = (n: number): Ticks => n as Ticks;

export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;
