/**
 * What a device may know: its bus, its interrupt line, the clock, DMA and its backend. A device never reaches into the
 * processor or another device; the board (src/machine) makes the wires.
 */
import type { PhysAddr, Ticks } from '../memory/address.ts';

/** Access widths in bytes. */
export type Width = 1 | 2 | 4;

/** Called with an offset into the region, never with an absolute address. Values are unsigned, `width` bytes wide. */
export interface IoHandler {
  read(offset: number, width: Width): number;
  write(offset: number, width: Width, value: number): void;
}

export interface RegionOptions {
  /** Widths that the handler takes; the bus splits a wider access into several, in ascending order. Default: [1]. */
  readonly widths?: readonly Width[];
}

/** A range of ports or of memory that a device answers. Not visible to the guest until `mapAt`. */
export interface Region {
  readonly name: string;
  /** Bytes (memory) or ports. */
  readonly size: number;
  /** Where it is mapped now; undefined while unmapped. */
  readonly base: number | undefined;
  /** Maps or moves the region. Overlap with a fixed region of another device throws; PCI BARs may overlap (first wins). */
  mapAt(base: number): void;
  unmap(): void;
}

/** Memory of a device's own that the guest reads and writes at full speed (frame buffer), or only reads (ROM). */
export interface RamRegion extends Region {
  read(offset: number, target: Uint8Array): void;
  write(offset: number, source: Uint8Array): void;
  /** True when the guest or the device wrote to it since the last call. */
  takeDirty(): boolean;
}

export interface BusRegistrar {
  /** Claims ports. Unclaimed ports read as all ones and ignore writes. */
  ports(name: string, size: number, handler: IoHandler, options?: RegionOptions): Region;
  /** Claims guest-physical memory, `size` a multiple of one byte. */
  memory(name: string, size: number, handler: IoHandler, options?: RegionOptions): Region;
  /** Memory backed by page frames; `size` a multiple of 4096. `rom` makes guest writes vanish. */
  ram(name: string, size: number, options?: { readonly rom?: boolean }): RamRegion;
}

/** One wire towards an interrupt controller (or from it to the processor). Idempotent. */
export interface IrqLine {
  set(level: boolean): void;
}

/** The machine's virtual clock; see src/machine/clock.ts. */
export interface Clock {
  /** Virtual nanoseconds, exact to the instruction that is executing. */
  readonly now: Ticks;
  /** A deadline in the clock's queue. `onDeadline` runs at an instruction boundary, never inside another device call. */
  timer(name: string, onDeadline: (now: Ticks) => void): Timer;
}

export interface Timer {
  /** Arms or re-arms. A time in the past fires at the next instruction boundary. */
  armAt(at: Ticks): void;
  cancel(): void;
  /** undefined while not armed. */
  readonly deadline: Ticks | undefined;
}

/** Bus-master access to guest-physical memory. Unmapped addresses read as all ones and swallow writes. */
export interface Dma {
  read(address: PhysAddr, target: Uint8Array): void;
  write(address: PhysAddr, source: Uint8Array): void;
}

/**
 * The one door through which results from outside (a disk's answer, a packet) enter the machine: `done` or `failed` runs
 * at an instruction boundary, stamped, so that a run can be recorded. A value that is no promise enters by the clock.
 */
export interface AsyncDoor {
  enter<T>(work: Promise<T> | T, done: (result: T) => void, failed: (error: Error) => void): void;
}

export type ResetKind = 'power-on' | 'warm';

/** `S`: named fields of plain data (numbers, booleans, strings, arrays, typed arrays) and a `version`. */
export interface Device<S> {
  /** Snapshot key and trace name, unique in a machine: 'pit', 'serial0'. */
  readonly id: string;
  /** Claims ranges; called once, before the first reset. */
  attach(bus: BusRegistrar): void;
  /** Local state only; lines are lowered by the board after every device has reset. */
  reset(kind: ResetKind): void;
  save(): S;
  /** Touches no other device except by re-driving its own lines and timers. */
  restore(state: S): void;
}
