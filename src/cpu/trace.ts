/** What a processor tells of its work, for those who ask; the items are named as those of QEMU's `-d` [QEMU, Invocation]. */
import { modeBits, type RegionListing } from '../jit/listing.ts';
import type { CpuEvent } from './interrupts.ts';
import * as L from './layout.ts';
import { CS, VECTOR_PF } from './registers.ts';
import type { CpuState } from './state.ts';

export type { ListedPart, RegionListing } from '../jit/listing.ts';

/** The items, and what each tells. */
export const TRACE_ITEMS = {
  in_asm: 'guest code of each block, when it is decoded',
  ir: 'each region that is compiled: its operations beside the guest code',
  wasm: 'each region that is compiled: its WebAssembly beside the guest code',
  exec: 'where the dispatcher enters code, interpreted or compiled; what is linked goes on without it',
  nochain: 'with exec: each block on its own, interpreted; slow',
  int: 'interrupts and exceptions that are delivered',
} as const;
export type TraceItem = keyof typeof TRACE_ITEMS;

/** `instructions`: retired before it. Addresses are linear, of 32 bits outside 64-bit code. */
export type TraceEvent =
  | { readonly item: 'in_asm'; readonly instructions: number; readonly linear: number; readonly bits: 16 | 32 | 64; readonly bytes: Uint8Array }
  | { readonly item: 'exec'; readonly instructions: number; readonly linear: number; readonly bits: 16 | 32 | 64; readonly compiled: boolean }
  | {
    readonly item: 'int'; readonly instructions: number; readonly vector: number; readonly kind: CpuEvent['kind'];
    readonly errorCode: number | undefined; readonly cpl: number; readonly selector: number; readonly ip: number;
    /** Of a page fault: the linear address that was accessed. */
    readonly address: number | undefined;
  }
  | { readonly item: 'region'; readonly instructions: number; readonly listing: RegionListing };

/** Absent while nothing is traced. */
export class Tracer {
  readonly blocks: boolean;
  readonly regions: boolean;
  readonly entries: boolean;
  readonly chained: boolean;
  readonly events: boolean;
  /** Instructions retired so far. */
  count: () => number = () => 0;
  private readonly emit: (event: TraceEvent) => void;

  constructor(items: readonly TraceItem[], emit: (event: TraceEvent) => void) {
    const has = (item: TraceItem): boolean => items.includes(item);
    this.blocks = has('in_asm');
    this.regions = has('ir') || has('wasm');
    this.entries = has('exec');
    this.chained = !this.entries || !has('nochain');
    this.events = has('int');
    this.emit = emit;
  }

  block(linear: number, mode: number, bytes: Uint8Array): void {
    this.emit({ item: 'in_asm', instructions: this.count(), linear, bits: modeBits(mode), bytes });
  }
  entry(linear: number, mode: number, compiled: boolean): void {
    this.emit({ item: 'exec', instructions: this.count(), linear, bits: modeBits(mode), compiled });
  }
  event(state: CpuState, vector: number, { kind, errorCode }: CpuEvent): void {
    this.emit({
      item: 'int', instructions: this.count(), vector, kind, errorCode, cpl: state.cpl, selector: state.selector(CS), ip: state.rip,
      address: vector === VECTOR_PF && kind === 'exception' ? state.getLinear(L.CR2) : undefined,
    });
  }
  region(listing: RegionListing): void {
    this.emit({ item: 'region', instructions: this.count(), listing });
  }
}

