/** The processor that the segment model is compared with: one instruction at a time, every exception caught. */
import { Cpu } from '../../../src/cpu/cpu.ts';
import { generatedModules } from '../../../src/cpu/modules-fixture.ts';
import * as L from '../../../src/cpu/layout.ts';
import { CS, LDTR, SS, TR } from '../../../src/cpu/registers.ts';
import { setSegment } from '../../../src/cpu/segments.ts';
import { physAddr } from '../../../src/memory/address.ts';
import { Arena } from '../../../src/memory/arena.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { PagePool } from '../../../src/memory/pool.ts';

export const RAM_BYTES = 4 << 20;
const GDT = 0x10000, LDT = 0x11000, IDT = 0x12000, TSS = 0x13000, HANDLERS = 0x14000, CODE = 0x20000, KERNEL_STACK = 0x30000, USER_STACK = 0x38000;
/** Selectors that no case changes: the handlers' code and stack, and for each level code and stack. */
const KERNEL_CODE = 0xf00, KERNEL_DATA = 0xf08;
const FIXED_CODE = 0xf10, FIXED_STACK = 0xf50, GDT_BYTES = 0x1000;
/** What segment registers hold at first in real and virtual-8086 mode. */
export const PARAGRAPH = 0x4000;
const HAS_ERROR = [10, 11, 12, 13, 14];
const CR0_PE = 1, CR0_NE = 0x20;
const CR4_OSFXSR = 0x200;
const EFLAGS_VM = 1 << 17;

export type Kind = 'protected' | 'v86' | 'real';

export interface Outcome {
  /** 0: the instruction is done. */
  readonly vector: number;
  readonly error: number;
}

const descriptor = (base: number, limit: number, access: number, flags: number): bigint =>
  BigInt(limit & 0xffff) | (BigInt(base & 0xffffff) << 16n) | (BigInt(access) << 40n) | (BigInt(limit >>> 16) << 48n) | (BigInt(flags) << 52n) | (BigInt(base >>> 24) << 56n);

export class SegmentMachine {
  readonly cpu: Cpu;
  private readonly memory: GuestMemory;
  private kind: Kind = 'protected';
  private next = CODE;

  constructor() {
    const arena = new Arena();
    this.memory = new GuestMemory(new PagePool(arena), RAM_BYTES);
    const ports = { readPort: () => 0xff, writePort: () => {} };
    this.cpu = new Cpu(arena, { memory: this.memory, ports, interrupts: { pending: false, acknowledge: () => 0 }, tsc: () => 0n }, generatedModules());
    const { state } = this.cpu;
    state.setCr(4, CR4_OSFXSR);
  }

  /** Vectors, handlers and stack pointers: cases write anywhere. */
  private refresh(): void {
    const gates = new Uint8Array(0x100);
    const vectors = new Uint8Array(0x80);
    const handlers = new Uint8Array(0x200);
    for (let v = 0; v < 32; v++) {
      const handler = HANDLERS + 16 * v;
      handlers[16 * v] = 0xf4;
      gates.set([handler & 0xff, (handler >> 8) & 0xff, KERNEL_CODE & 0xff, KERNEL_CODE >> 8, 0, 0x8e, handler >>> 16, 0], 8 * v);
      // Real mode's vectors, to the same places
      vectors.set([(16 * v) & 0xff, v >> 4, (HANDLERS >> 4) & 0xff, HANDLERS >> 12], 4 * v);
    }
    this.bytes(IDT, gates);
    this.bytes(0, vectors);
    this.bytes(HANDLERS, handlers);
    this.bytes(TSS + 4, [KERNEL_STACK & 0xff, (KERNEL_STACK >> 8) & 0xff, KERNEL_STACK >>> 16, 0, KERNEL_DATA & 0xff, KERNEL_DATA >> 8]);
  }

  bytes(at: number, bytes: ArrayLike<number>): void {
    this.memory.write(physAddr(at), Uint8Array.from(bytes));
  }
  read(at: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    this.memory.read(physAddr(at), out);
    return out;
  }

  /** Sets the mode, tables and level up, and code and stack of that level. */
  prepare(kind: Kind, cpl: number, gdt: readonly bigint[], gdtLimit: number, ldt: readonly bigint[], ldtLimit: number | undefined): void {
    const { state } = this.cpu;
    this.kind = kind;
    this.next = CODE;
    this.refresh();
    state.setCr(0, kind === 'real' ? CR0_NE : CR0_NE | CR0_PE);
    state.eflags = kind === 'v86' ? EFLAGS_VM | 2 : 2;
    state.setU32(L.GDTR_BASE, GDT);
    state.setU32(L.GDTR_LIMIT, gdtLimit);
    state.setU32(L.IDTR_BASE, kind === 'real' ? 0 : IDT);
    state.setU32(L.IDTR_LIMIT, 0x3ff);
    this.table(GDT, gdt);
    this.table(LDT, ldt);
    this.table(GDT + KERNEL_CODE, [descriptor(0, 0xfffff, 0x9b, 0xc), descriptor(0, 0xfffff, 0x93, 0xc)]);
    setSegment(state, LDTR, ldtLimit === undefined ? 0 : 0xfe0, LDT, ldtLimit ?? 0, ldtLimit === undefined ? 0 : 0x82);
    setSegment(state, TR, 0xfe8, TSS, 0x67, 0x8b);
    if (kind === 'protected') {
      setSegment(state, CS, FIXED_CODE | cpl, 0, 0xffffffff, 0xc09b | (cpl << 5));
      setSegment(state, SS, FIXED_STACK | cpl, 0, 0xffffffff, 0xc093 | (cpl << 5));
    } else for (let n = 0; n < 6; n++) setSegment(state, n, n === CS ? CODE >> 4 : PARAGRAPH, n === CS ? CODE : PARAGRAPH << 4, 0xffff, kind === 'v86' ? 0xf3 : 0x93);
    state.setReg(4, kind === 'protected' ? USER_STACK : 0x8000);
    // The handlers halt.
    (this.cpu as unknown as { halted: boolean }).halted = false;
    this.cpu.updateMode();
  }

  private table(at: number, entries: readonly bigint[]): void {
    const bytes = new Uint8Array(8 * entries.length);
    const view = new DataView(bytes.buffer);
    for (const [i, d] of entries.entries()) view.setBigUint64(8 * i, d, true);
    this.bytes(at, bytes);
  }
  /** The descriptor as it is in memory now. */
  descriptor(selector: number): bigint {
    const bytes = this.read((selector & 4 ? LDT : GDT) + (selector & 0xfff8), 8);
    return new DataView(bytes.buffer).getBigUint64(0, true);
  }
  /** A handler's return pops a level: after a fault the machine has to be prepared anew. */
  run(code: readonly number[]): Outcome {
    const { state } = this.cpu;
    this.next += 16;
    this.bytes(this.next, code);
    state.eip = this.kind === 'protected' ? this.next : this.next - CODE;
    this.cpu.run(1);
    const at = (state.segBase(CS) + state.eip) >>> 0;
    if (at < HANDLERS || at >= HANDLERS + 0x200) return { vector: 0, error: 0 };
    const vector = (at - HANDLERS) >> 4;
    const coded = this.kind !== 'real' && HAS_ERROR.includes(vector);
    const error = coded ? new DataView(this.read((state.segBase(SS) + state.reg(4)) >>> 0, 4).buffer).getUint32(0, true) : 0;
    return { vector, error };
  }
}

export const TABLE_ENTRIES = KERNEL_CODE / 8;
export const GDT_FULL_LIMIT = GDT_BYTES - 1;
