/**
 * Runs cases of 64-bit code on the emulator: at privilege level 3, every exception ends one. What the kernel would have
 * lies in the upper half of the linear space, so that user addresses are mapped as they are for the host's program.
 */
import { Cpu } from '../../../src/cpu/cpu.ts';
import { generatedModules } from '../../../src/cpu/modules-fixture.ts';
import * as L from '../../../src/cpu/layout.ts';
import { DEFAULT_PROFILE } from '../../../src/cpu/profiles.ts';
import { CS, DS, ES, FS, GS, LDTR, RSP, SS, TR } from '../../../src/cpu/registers.ts';
import { setSegment } from '../../../src/cpu/segments.ts';
import { FEATURES } from '../../../src/isa/features.ts';
import { physAddr } from '../../../src/memory/address.ts';
import { Arena } from '../../../src/memory/arena.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { PagePool } from '../../../src/memory/pool.ts';
import { TIERS } from '../coracle.ts';
import { DataPages, loadFx, saveFx } from '../state.ts';
import * as R from './record.ts';

const RAM_BYTES = 4 << 20;
/** Linear address of physical 0, for the kernel. */
const KERNEL = -0x8000_0000;
// Physical addresses
const PML4 = 0x100000;
const GDT = 0x110000;
const IDT = 0x111000;
const TSS = 0x112000;
const STACK_TOP = 0x114000;
/** Sixteen bytes for each vector, beginning with HLT. */
const HANDLERS = 0x115000;
const DATA_FRAMES = 0x120000;
const CODE_FRAMES = 0x130000;
const PRESENT = 1, WRITABLE = 2, USER = 4, LARGE = 0x80;
const NO_EXECUTE = 1n << 63n;
const KERNEL_CODE = 0x08;
const TASK = 0x38;
/** Descriptors where Linux has those of its programs. */
const USER_CODE32 = 0x20;
const CPU_NODE = 0x78;
const USER_DATA = 0x2b;
const USER_CODE = 0x33;
const CR0 = 0x80050033;
const CR4 = 0x50620; // PAE, OSFXSR, OSXMMEXCPT, FSGSBASE, OSXSAVE
const XCR0 = 7; // x87, SSE, AVX
const EFER = 0xd01; // SCE, LME, LMA, NXE
const HLT = 0xf4;
const HAS_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
/** A case that takes more instructions does not end. */
const INSTRUCTION_LIMIT = 100_000;
/** Result vector of a case that does not end, or that ends where no handler is. */
export const ENDLESS = 255;
const XMM_REGISTERS = 16;
const SEGMENT_BYTES = 8 * L.SEGMENT_SIZE;

const descriptor = (access: number, flags: number): bigint => 0xf00000000ffffn | (BigInt(access) << 40n) | (BigInt(flags) << 52n);

export class Machine {
  private readonly cpu: Cpu;
  private readonly memory: GuestMemory;
  private readonly arena = new Arena();
  private readonly fuel: readonly number[];
  private readonly data: DataPages;
  private readonly segments: Uint8Array;
  /** The code that is there, and where. */
  private rip = R.CODE_BASE;
  private code = new Uint8Array(0);
  private nextTable = PML4 + 4096;

  constructor(tier: string) {
    const options = TIERS[tier];
    if (!options) throw new Error(`no tier ${tier}`);
    this.fuel = options.fuel;
    this.memory = new GuestMemory(new PagePool(this.arena), RAM_BYTES);
    const ports = { readPort: () => 0xffffffff, writePort: () => {} };
    const interrupts = { pending: false, acknowledge: () => 0 };
    const profile = { ...DEFAULT_PROFILE, features: new Set(FEATURES) };
    this.cpu = new Cpu(this.arena, { memory: this.memory, ports, interrupts, tsc: () => 0n }, generatedModules(), { ...options.cpu, profile });
    this.buildTables();
    this.data = new DataPages(this.memory, DATA_FRAMES);
    this.memory.write(physAddr(CODE_FRAMES), new Uint8Array(R.CODE_SIZE).fill(R.INT3));
    this.segments = this.prepareState();
  }

  private poke64(address: number, value: bigint): void {
    this.memory.writePhys(address, 4, Number(value & 0xffffffffn));
    this.memory.writePhys(address + 4, 4, Number(value >> 32n));
  }

  /** Maps a page, or 2 MiB with LARGE. */
  private map(linear: number, physical: number, flags: number, executable = true): void {
    let table = PML4;
    const last = flags & LARGE ? 1 : 0;
    const page = BigInt.asUintN(48, BigInt(linear));
    for (let level = 3; ; level--) {
      const entry = table + Number((page >> BigInt(12 + 9 * level)) & 511n) * 8;
      if (level === last) return this.poke64(entry, BigInt(physical | flags | PRESENT) | (executable ? 0n : NO_EXECUTE));
      const there = this.memory.readPhys(entry, 4) >>> 0;
      if (there & PRESENT) table = there & ~0xfff;
      else {
        table = this.nextTable;
        this.nextTable += 4096;
        this.poke64(entry, BigInt(table | PRESENT | WRITABLE | USER));
      }
    }
  }

  private buildTables(): void {
    for (const at of [0, 1 << 21]) this.map(KERNEL + at, at, LARGE | WRITABLE);
    for (const offset of R.DATA_PAGES) for (const base of [R.DATA_LOW, R.DATA_HIGH]) this.map(base + offset, DATA_FRAMES + offset, WRITABLE | USER, false);
    for (let offset = 0; offset < R.CODE_SIZE; offset += 4096) this.map(R.CODE_BASE + offset, CODE_FRAMES + offset, USER);
    this.poke64(GDT + KERNEL_CODE, descriptor(0x9b, 0xa));
    this.poke64(GDT + USER_CODE32, descriptor(0xfb, 0xc));
    this.poke64(GDT + CPU_NODE, descriptor(0xf5, 0x4));
    this.poke64(GDT + (USER_DATA & ~7), descriptor(0xf3, 0xc));
    this.poke64(GDT + (USER_CODE & ~7), descriptor(0xfb, 0xa));
    for (let vector = 0; vector < 256; vector++) {
      const at = KERNEL + HANDLERS + vector * 16;
      const dpl = vector === 3 || vector === 4 ? 3 : 0;
      this.memory.writePhys(IDT + 16 * vector, 4, ((KERNEL_CODE << 16) | (at & 0xffff)) >>> 0);
      this.memory.writePhys(IDT + 16 * vector + 4, 4, ((at & 0xffff0000) | 0x8e00 | (dpl << 13)) >>> 0);
      this.memory.writePhys(IDT + 16 * vector + 8, 4, 0xffffffff);
      this.memory.writePhys(HANDLERS + vector * 16, 1, HLT);
    }
    this.poke64(TSS + 4, BigInt.asUintN(64, BigInt(KERNEL + STACK_TOP)));
    // No map of I/O permissions.
    this.memory.writePhys(TSS + 0x66, 2, 0x68);
  }

  private prepareState(): Uint8Array {
    const { state, mmu } = this.cpu;
    state.setCr(0, CR0);
    state.setCr(3, PML4);
    state.setCr(4, CR4);
    state.setU32(L.XCR0, XCR0);
    state.setU32(L.EFER, EFER);
    mmu.setEfer(EFER);
    state.setLinear(L.GDTR_BASE, KERNEL + GDT);
    state.setU32(L.GDTR_LIMIT, 0x7f);
    state.setLinear(L.IDTR_BASE, KERNEL + IDT);
    state.setU32(L.IDTR_LIMIT, 0xfff);
    setSegment(state, CS, USER_CODE, 0, 0xffffffff, 0xa0fb);
    setSegment(state, SS, USER_DATA, 0, 0xffffffff, 0xc0f3);
    for (const n of [ES, DS, FS, GS, LDTR]) setSegment(state, n, 0, 0, 0, 0);
    setSegment(state, TR, TASK, KERNEL + TSS, 0x67, 0x8b);
    return this.arena.u8.slice(state.base + L.SEGMENTS, state.base + L.SEGMENTS + SEGMENT_BYTES);
  }

  baseline(pages: Uint8Array): void {
    this.data.baseline(pages);
  }

  run(batch: R.Batch): void {
    for (let n = 0; n < batch.count; n++) this.runCase(batch, n);
  }

  /** Cases of the same code follow each other: what is there already stays, with what was decoded of it. */
  private writeCode(rip: number, code: Uint8Array): void {
    if (rip === this.rip && Buffer.compare(code, this.code) === 0) return;
    const at = (from: number) => physAddr(CODE_FRAMES + from - R.CODE_BASE);
    this.memory.write(at(this.rip), new Uint8Array(this.code.length).fill(R.INT3));
    this.memory.write(at(rip), code);
    this.rip = rip;
    this.code = code.slice();
  }

  private runCase(batch: R.Batch, n: number): void {
    const { cpu } = this;
    const { state } = cpu;
    const rip = Number(batch.u64(n, R.RIP));
    this.writeCode(rip, batch.code(n));
    this.arena.u8.set(this.segments, state.base + L.SEGMENTS);
    for (const [i, segment] of [FS, GS].entries()) state.setU64(state.segment(segment) + L.SEG_BASE, batch.u64(n, R.FS_BASE + 8 * i));
    for (let i = 0; i < 16; i++) state.setU64(L.GPR + 8 * i, batch.u64(n, R.REGISTERS + 8 * i));
    state.eflags = batch.u32(n, R.EFLAGS) | 0x202;
    state.rip = rip;
    state.setU64(L.CR + 16, 0n);
    (cpu as unknown as { halted: boolean }).halted = false;
    loadFx(state, batch.fxBefore(n), XMM_REGISTERS);
    const upper = batch.ymm(n, R.YMM_BEFORE);
    for (let i = 0; i < 16; i++) this.arena.u8.set(upper.subarray(16 * i, 16 * i + 16), this.upperHalf(i));
    cpu.updateMode();
    const end = cpu.instructions + INSTRUCTION_LIMIT;
    for (let i = 0; cpu.instructions < end; i++) if (cpu.run(this.fuel[i % this.fuel.length] as number) === 'halted') break;
    this.results(batch, n);
    saveFx(state, batch.fxAfter(n), XMM_REGISTERS);
    for (let i = 0; i < 16; i++) batch.ymm(n, R.YMM_AFTER).set(this.arena.u8.subarray(this.upperHalf(i), this.upperHalf(i) + 16), 16 * i);
  }
  private upperHalf(i: number): number {
    return this.cpu.state.base + L.XMM + L.XMM_STRIDE * i + 16;
  }

  private results(batch: R.Batch, n: number): void {
    const { state } = this.cpu;
    for (let i = 0; i < 16; i++) batch.setU64(n, R.REGISTERS_AFTER + 8 * i, state.getU64(L.GPR + 8 * i));
    for (const [i, segment] of [FS, GS].entries()) batch.setU64(n, R.FS_BASE_AFTER + 8 * i, state.getU64(state.segment(segment) + L.SEG_BASE));
    const handler = state.rip - 1 - KERNEL - HANDLERS;
    if (state.cpl !== 0 || handler < 0 || handler >= 0x1000 || (handler & 15) !== 0) {
      batch.setU32(n, R.VECTOR, ENDLESS);
      batch.setU64(n, R.RIP_AFTER, state.getU64(L.RIP));
    } else this.trapped(batch, n, handler >> 4);
    this.data.after(batch, n, R);
  }
  private trapped(batch: R.Batch, n: number, vector: number): void {
    const { state } = this.cpu;
    let at = state.reg64(RSP) - KERNEL;
    const pop = (): bigint => {
      const [low, high] = [this.memory.readPhys(at, 4) >>> 0, this.memory.readPhys(at + 4, 4) >>> 0];
      at += 8;
      return (BigInt(high) << 32n) | BigInt(low);
    };
    batch.setU32(n, R.VECTOR, vector);
    batch.setU32(n, R.ERROR, HAS_ERROR.has(vector) ? Number(pop()) : 0);
    batch.setU64(n, R.RIP_AFTER, pop());
    pop();
    batch.setU32(n, R.EFLAGS_AFTER, Number(pop()));
    batch.setU64(n, R.REGISTERS_AFTER + 8 * RSP, pop());
    batch.setU64(n, R.CR2, vector === 14 ? state.getU64(L.CR + 16) : 0n);
  }
}
