/** Runs one case of the SIMD oracle (a `Record` of simd-oracle.c) on the processor and says how the outcome differs from the host's. */
import { Cpu, type CpuModules, type CpuOptions } from '../../../src/cpu/cpu.ts';
import * as L from '../../../src/cpu/layout.ts';
import { cpuProfile } from '../../../src/cpu/profiles.ts';
import { setFlatSegment } from '../../../src/cpu/segments.ts';
import { setStatusWord } from '../../../src/cpu/x87/environment.ts';
import { Arena } from '../../../src/memory/arena.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { PagePool } from '../../../src/memory/pool.ts';
import { hostDifference, onAmd } from '../host-differences.ts';
import { undefinedFor } from '../undefined.ts';
import { simdEncodings } from './encodings.ts';
import { estimateOf, isEstimate } from './estimates.ts';

const MEMORY_BYTES = 32;
const HEADER = 4;
const PLAIN_SIZE = 72 + MEMORY_BYTES;
/** EAX, XMM0, and the upper halves of YMM0 to YMM2. */
const EAX_AT = PLAIN_SIZE, XMM0_AT = EAX_AT + 4, HIGH_AT = XMM0_AT + 16;
const SIZE = HIGH_AT + 3 * 16;
export const RECORD_SIZE = HEADER + 2 * SIZE;
/** Fields of a state: name, offset, and bytes. */
const FIELDS: readonly (readonly [string, number, number])[] = [
  ['MXCSR', 0, 4], ['EFLAGS', 4, 4], ['ECX', 8, 4], ['EDX', 12, 4], ['FSW', 16, 2], ['exponent of MM1', 18, 2], ['exponent of MM2', 20, 2],
  ['FTW', 22, 1], ['XMM1', 24, 16], ['XMM2', 40, 16], ['MM1', 56, 8], ['MM2', 64, 8], ['memory', 72, MEMORY_BYTES],
  ['EAX', EAX_AT, 4], ['XMM0', XMM0_AT, 16], ['upper YMM0', HIGH_AT, 16], ['upper YMM1', HIGH_AT + 16, 16], ['upper YMM2', HIGH_AT + 32, 16],
];
const hexOf = (bytes: Uint8Array): string => [...bytes].reverse().map((b) => b.toString(16).padStart(2, '0')).join('');

/** Offsets in a state. */
const XMM1 = 24, MEMORY = 72;

/** Where memory operands lie. */
export const DATA = 0x6000;
const IDT = 0x3000, GDT = 0x3800, STACK = 0x4ff0, HANDLERS = 0x5000, CODE = 0x10000;
/** Room for each immediate's copy of the instruction. */
const CODE_STEP = 16;
const CR0 = 0x60000031;
const CR4_ALL = 0x40600; // OSFXSR, OSXMMEXCPT and OSXSAVE
const XCR0_ALL = 7;

const ROWS = new Map(simdEncodings().map(({ row, text }) => [text, row]));
const EFLAGS_AT = 4;

/** Which of several NaNs a dot product gives: where both have one, the host's counts. */
function takeNans(out: Uint8Array, expected: Uint8Array, bytes: 4 | 8): void {
  const value = (state: Uint8Array, at: number): number => {
    const view = new DataView(state.buffer, state.byteOffset);
    return bytes === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
  };
  for (const base of [XMM1, HIGH_AT + 16]) {
    for (let at = base; at < base + 16; at += bytes) if (Number.isNaN(value(out, at)) && Number.isNaN(value(expected, at))) out.set(expected.subarray(at, at + bytes), at);
  }
}

export class Subject {
  readonly cpu: Cpu;
  readonly memory: GuestMemory;
  private readonly arena: Arena;
  private length = 0;
  private text = '';
  private mnemonic = '';
  private hasImmediate = false;
  private next = CODE + 256 * CODE_STEP;

  constructor(modules: CpuModules, cr4 = CR4_ALL, options: CpuOptions = {}) {
    this.arena = new Arena();
    this.memory = new GuestMemory(new PagePool(this.arena), 1 << 20);
    this.cpu = new Cpu(this.arena, {
      memory: this.memory, ports: { readPort: () => 0xff, writePort: () => {} }, interrupts: { pending: false, acknowledge: () => 0 }, tsc: () => 0n,
    }, modules, { profile: cpuProfile('max'), ...options });
    const { state } = this.cpu;
    state.setCr(0, CR0);
    state.setCr(4, cr4);
    state.setU32(L.XCR0, XCR0_ALL);
    for (let n = 0; n < 6; n++) setFlatSegment(state, n, n === 1 ? 8 : 16, 0);
    state.setU32(L.GDTR_BASE, GDT);
    state.setU32(L.GDTR_LIMIT, 0x17);
    state.setU32(L.IDTR_BASE, IDT);
    state.setU32(L.IDTR_LIMIT, 0xff);
    this.write(GDT + 8, [0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0]);
    for (let v = 0; v < 32; v++) {
      const handler = HANDLERS + v * 16;
      // A fault retires nothing, so one instruction of the handler runs too: a jump to itself.
      this.write(handler, [0xeb, 0xfe]);
      this.write(IDT + v * 8, [handler & 0xff, handler >> 8, 8, 0, 0, 0x8e, 0, 0]);
    }
    this.cpu.updateMode();
  }

  write(at: number, bytes: ArrayLike<number>): void {
    this.memory.write(at as never, Uint8Array.from(bytes));
  }

  /** Prepares an encoding: `text` as in encodings.ts. */
  load(text: string): void {
    const bytes = (text.replace('ib', '00').match(/../g) as string[]).map((h) => Number.parseInt(h, 16));
    this.length = bytes.length;
    this.text = text;
    this.mnemonic = ROWS.get(text)?.mnemonic ?? '';
    const copies = text.endsWith('ib') ? 256 : 1;
    for (let i = 0; i < copies; i++) {
      if (copies > 1) bytes[bytes.length - 1] = i;
      this.write(CODE + i * CODE_STEP, bytes);
    }
    this.hasImmediate = copies > 1;
  }

  /** Runs one instruction, with everything else as it stands; returns the vector of its exception, 0 for none. */
  execute(code: readonly number[]): number {
    this.next += CODE_STEP;
    this.write(this.next, code);
    this.length = code.length;
    this.cpu.state.eip = this.next;
    this.cpu.state.setReg(4, STACK);
    this.cpu.run(1);
    return this.vector(this.next);
  }

  /** Runs the record in `bytes` and returns the differences, none when it does as the host did. */
  check(bytes: Uint8Array): string[] {
    const offset = bytes[2];
    const start = CODE + (this.hasImmediate ? bytes[0] * CODE_STEP : 0);
    this.enter(bytes.subarray(HEADER, HEADER + SIZE), offset, start);
    this.cpu.run(1);
    const vector = this.vector(start);
    const out = this.leave();
    const expected = bytes.subarray(HEADER + SIZE, HEADER + 2 * SIZE);
    // An operand that the host does not ask to be aligned.
    if (vector === 13 && hostDifference(this.mnemonic, bytes[1] === 0 ? 3 : bytes[1], [`vector ${bytes[1] === 0 ? 3 : bytes[1]}, here 13`])) return [];
    const differences = vector === bytes[1] ? [] : [`vector ${vector} instead of ${bytes[1]}`];
    if (onAmd && /^V?DPP[SD]$/.test(this.mnemonic)) takeNans(out, expected, this.mnemonic.endsWith('S') ? 4 : 8);
    const unknown = undefinedFor(this.mnemonic, { count: 1, bits: 32 }).flags;
    for (const state of [out, expected]) state[EFLAGS_AT] &= ~unknown;
    if (vector === 0) differences.push(...this.estimates(bytes, out, expected));
    for (const [name, at, size] of FIELDS) {
      const got = hexOf(out.subarray(at, at + size));
      const want = hexOf(expected.subarray(at, at + size));
      if (got !== want) differences.push(`${name} ${got} instead of ${want}`);
    }
    return differences;
  }

  /** Judges estimates by the manual, the host's too; then they count as the same. */
  private estimates(record: Uint8Array, out: Uint8Array, expected: Uint8Array): string[] {
    const estimate = estimateOf(this.text);
    if (!estimate) return [];
    const modrm = Number.parseInt(this.text.slice(-2), 16);
    /** Where a lane of register 1 or 2 lies, or of memory. */
    const place = (register: number, n: number): number => (n < 4 ? XMM1 + 16 * (register - 1) : HIGH_AT + 16 * (register - 1)) + 4 * n;
    // Behind the memory of a record there are zeros.
    const memory = new Uint8Array(2 * MEMORY_BYTES);
    memory.set(record.subarray(HEADER + MEMORY, HEADER + MEMORY + MEMORY_BYTES));
    const lane = (state: Uint8Array, at: number): number => new DataView(state.buffer, state.byteOffset).getUint32(at, true);
    const differences: string[] = [];
    for (let n = 0; n < estimate.lanes; n++) {
      const operand = modrm < 0xc0 ? lane(memory, record[2] + 4 * n) : lane(record, HEADER + place(modrm & 7, n));
      const at = place(1, n);
      for (const [who, state] of [['here', out], ['there', expected]] as const) {
        const result = lane(state, at);
        if (!isEstimate(estimate.ofRoot, operand, result)) differences.push(`${result.toString(16)} is no estimate for ${operand.toString(16)} ${who}`);
      }
      out.set(expected.subarray(at, at + 4), at);
    }
    return differences;
  }

  private enter(input: Uint8Array, offset: number, start: number): void {
    const { state } = this.cpu;
    const { u8 } = this.arena;
    const view = new DataView(input.buffer, input.byteOffset);
    state.setU32(L.MXCSR, view.getUint32(0, true));
    state.eflags = view.getUint32(4, true) | 2;
    state.setReg(1, view.getUint32(8, true));
    state.setReg(2, view.getUint32(12, true));
    state.setReg(4, STACK);
    state.setReg(6, DATA + offset);
    state.setReg(7, DATA + offset);
    setStatusWord(state, view.getUint16(16, true));
    u8[state.base + L.FTW] = input[22];
    for (let i = 1; i <= 2; i++) {
      state.setU16(L.FPR + i * 16 + 8, view.getUint16(16 + i * 2, true));
      u8.set(input.subarray(8 + i * 16, 24 + i * 16), state.base + L.XMM + i * L.XMM_STRIDE);
      u8.set(input.subarray(48 + i * 8, 56 + i * 8), state.base + L.FPR + i * 16);
    }
    const data = this.memory.writeFrame(DATA >> 12);
    u8.set(input.subarray(72, PLAIN_SIZE), data);
    u8.fill(0, data + MEMORY_BYTES, data + 2 * MEMORY_BYTES);
    state.setReg(0, view.getUint32(EAX_AT, true));
    u8.set(input.subarray(XMM0_AT, HIGH_AT), state.base + L.XMM);
    for (let i = 0; i < 3; i++) u8.set(input.subarray(HIGH_AT + i * 16, HIGH_AT + (i + 1) * 16), state.base + L.XMM + i * L.XMM_STRIDE + 16);
    state.eip = start;
  }

  private vector(start: number): number {
    const { eip } = this.cpu.state;
    return eip === start + this.length ? 0 : (eip - HANDLERS) >> 4;
  }

  private leave(): Uint8Array {
    const { state } = this.cpu;
    const { u8 } = this.arena;
    const out = new Uint8Array(SIZE);
    const view = new DataView(out.buffer);
    view.setUint32(0, state.getU32(L.MXCSR), true);
    view.setUint32(4, state.eflags & 0x8d5, true);
    view.setUint32(8, state.reg(1), true);
    view.setUint32(12, state.reg(2), true);
    view.setUint16(16, state.getU16(L.FSW), true);
    out[22] = u8[state.base + L.FTW];
    for (let i = 1; i <= 2; i++) {
      view.setUint16(16 + i * 2, state.getU16(L.FPR + i * 16 + 8), true);
      out.set(u8.subarray(state.base + L.XMM + i * L.XMM_STRIDE, state.base + L.XMM + i * L.XMM_STRIDE + 16), 8 + i * 16);
      out.set(u8.subarray(state.base + L.FPR + i * 16, state.base + L.FPR + i * 16 + 8), 48 + i * 8);
    }
    const data = this.memory.readFrame(DATA >> 12);
    out.set(u8.subarray(data, data + MEMORY_BYTES), 72);
    view.setUint32(EAX_AT, state.reg(0), true);
    out.set(u8.subarray(state.base + L.XMM, state.base + L.XMM + 16), XMM0_AT);
    for (let i = 0; i < 3; i++) {
      const high = state.base + L.XMM + i * L.XMM_STRIDE + 16;
      out.set(u8.subarray(high, high + 16), HIGH_AT + i * 16);
    }
    return out;
  }
}

/** One record as text, for a report. */
export function describe(bytes: Uint8Array): string {
  const input = FIELDS.map(([name, at, size]) => `${name} ${hexOf(bytes.subarray(HEADER + at, HEADER + at + size))}`).join(' ');
  return `immediate ${bytes[0].toString(16)} offset ${bytes[2]}: ${input}`;
}
