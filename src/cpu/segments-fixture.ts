/**
 * What the tests of segments, gates and tasks share: a processor without instructions on 2 MiB of real guest memory, in
 * protected mode without paging, with a GDT, an LDT, an IDT and two TSSs at fixed places; or in long mode, without paging too,
 * which no processor can be, so that linear addresses of 64 bits name the memory that their low half does.
 */
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { PagePool } from '../memory/pool.ts';
import type { CpuContext, CpuHost } from './context.ts';
import { ATTR_P, findDescriptor, LDT, TSS32_BUSY } from './descriptors.ts';
import { GuestFault } from './fault.ts';
import * as L from './layout.ts';
import { highHalf } from './linear.ts';
import { Mmu } from './mmu.ts';
import { MsrFile } from './msr.ts';
import { CR0_PE, CS, EFER_LMA, EFER_LME, EFER_SCE, LDTR, RSP, SS, TR } from './registers.ts';
import { loadSegment, resetSegments, setCodeSegment, setFromDescriptor, setSegment } from './segments.ts';
import { CpuState } from './state.ts';
import { LONG_PROFILE } from './test-cpu.ts';

export const GDT_BASE = 0x1000, IDT_BASE = 0x2000, LDT_BASE = 0x3000, TSS_BASE = 0x4000, TSS2_BASE = 0x5000;

// Selectors of the GDT. Flat segments reach 4 GiB.
export const CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x1b, DATA3 = 0x23, CONFORMING0 = 0x28, LDT_SELECTOR = 0x30;
export const TSS_SELECTOR = 0x38, TSS2_SELECTOR = 0x40, CODE16 = 0x48, STACK16 = 0x50, CODE1 = 0x59, DATA1 = 0x61;
/** 64-bit code of levels 0 and 3. */
export const LONG0 = 0x68, LONG3 = 0x73;
/** First of the entries that tests fill themselves. */
export const FREE = 0x80;

// Access bytes and flags of descriptors.
export const CODE = 0x9a, DATA = 0x92, USER = 0x60, FLAGS_32 = 0xc, FLAGS_16 = 0, FLAGS_64 = 0xa;

export class TestCpu implements CpuContext {
  readonly state: CpuState;
  readonly mmu: Mmu;
  readonly host: CpuHost;
  readonly profile = LONG_PROFILE;
  readonly msrs: MsrFile;
  nextEip = 0x1002;
  shadows = 0;
  /** DR6 bits of the traps that were asked for. */
  traps = 0;
  isShutDown = false;

  constructor() {
    const arena = new Arena();
    const memory = new GuestMemory(new PagePool(arena), 2 << 20);
    this.state = new CpuState(arena, arena.reserve(L.VCPU_SIZE));
    this.mmu = new Mmu(this.state, memory, this.profile);
    this.msrs = new MsrFile(this.profile, this.mmu, this.state);
    this.host = {
      memory,
      ports: { readPort: () => 0xffffffff, writePort: () => {} },
      interrupts: { pending: false, acknowledge: () => 0 },
      tsc: () => 0n,
    };
    resetSegments(this.state);
    this.state.eflags = 2;
    this.state.eip = 0x1000;
    this.state.setReg(RSP, 0x8000);
    this.state.setU32(L.IDTR_LIMIT, 0x3ff);
  }

  updateMode(): void {}
  inhibitInterrupts(): void { this.shadows++; }
  inhibitDebug(): void {}
  debugTrap(dr6: number): void { this.traps |= dr6; }
  halt(): void {}
  shutdown(): void { this.isShutDown = true; }

  descriptor(at: number, base: number, limit: number, access: number, flags: number): void {
    this.mmu.write32(at, (limit & 0xffff) | (base << 16), false);
    const high = ((base >>> 16) & 0xff) | (access << 8) | (limit & 0xf0000) | (flags << 20) | (base & 0xff000000);
    this.mmu.write32(at + 4, high, false);
  }

  /** A descriptor in the GDT, or in the LDT for a selector with TI. */
  define(selector: number, base: number, limit: number, access: number, flags = FLAGS_32): void {
    this.descriptor((selector & 4 ? LDT_BASE : GDT_BASE) + (selector & 0xfff8), base, limit, access, flags);
  }

  gate(at: number, selector: number, offset: number, access: number, parameters = 0): void {
    this.mmu.write32(at, (offset & 0xffff) | (selector << 16), false);
    this.mmu.write32(at + 4, (offset & 0xffff0000) | (access << 8) | parameters, false);
  }

  interruptGate(vector: number, selector: number, offset: number, access = 0x8e): void {
    this.gate(IDT_BASE + vector * 8, selector, offset, access);
  }

  /** A gate of 16 bytes. */
  gate64(at: number, selector: number, offset: number, access: number, ist = 0): void {
    this.gate(at, selector, offset >>> 0, access, ist);
    this.mmu.write32(at + 8, highHalf(offset), false);
    this.mmu.write32(at + 12, 0, false);
  }

  interruptGate64(vector: number, selector: number, offset: number, access = 0x8e, ist = 0): void {
    this.gate64(IDT_BASE + vector * 16, selector, offset, access, ist);
  }

  /** 64-bit mode at a privilege level. The stacks of the TSS: 0x9000 and 0xa000 for levels 0 and 1, 0xb000 for IST1. */
  long(cpl: 0 | 3 = 0): this {
    this.protect(cpl);
    this.state.setU32(L.EFER, EFER_LME | EFER_LMA | EFER_SCE);
    this.mmu.setEfer(this.state.efer);
    this.define(LONG0, 0, 0, CODE, FLAGS_64);
    this.define(LONG3, 0, 0, CODE | USER, FLAGS_64);
    this.state.setU32(L.IDTR_LIMIT, 0xfff);
    for (const [at, value] of [[4, 0x9000], [12, 0xa000], [0x24, 0xb008]]) this.mmu.writeLinear(TSS_BASE + at, value, false);
    const selector = cpl === 0 ? LONG0 : LONG3;
    setCodeSegment(this.state, selector, findDescriptor(this, selector)!, cpl);
    return this;
  }

  /** `count` values of 64 bits from the top of the stack. */
  stack64(count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.mmu.readLinear(this.state.reg64(RSP) + i * 8, false));
  }
  push64(...values: number[]): void {
    for (const value of values) {
      this.state.setReg64(RSP, this.state.reg64(RSP) - 8);
      this.mmu.writeLinear(this.state.reg64(RSP), value, false);
    }
  }
  get where64(): string {
    return `${this.state.selector(CS).toString(16)}:${this.state.rip.toString(16)} cpl ${this.state.cpl} ss ${this.state.selector(SS).toString(16)}`;
  }

  /** Protected mode at a privilege level, on the flat segments of that level. */
  protect(cpl: 0 | 3 = 0): this {
    const s = this.state;
    this.defineTables();
    s.setCr(0, CR0_PE);
    s.setU32(L.GDTR_BASE, GDT_BASE);
    s.setU32(L.GDTR_LIMIT, 0xfff);
    s.setU32(L.IDTR_BASE, IDT_BASE);
    s.setU32(L.IDTR_LIMIT, 0x7ff);
    setSegment(s, LDTR, LDT_SELECTOR, LDT_BASE, 0xff, ATTR_P | LDT);
    setSegment(s, TR, TSS_SELECTOR, TSS_BASE, 0x67, ATTR_P | TSS32_BUSY);
    const code = findDescriptor(this, cpl === 0 ? CODE0 : CODE3)!;
    setCodeSegment(s, cpl === 0 ? CODE0 : CODE3, code, cpl);
    const stack = cpl === 0 ? DATA0 : DATA3;
    setFromDescriptor(s, SS, stack, findDescriptor(this, stack)!);
    for (const n of [0, 3, 4, 5]) loadSegment(this, n, cpl === 0 ? DATA0 : DATA3);
    return this;
  }

  private defineTables(): void {
    this.define(CODE0, 0, 0xfffff, CODE);
    this.define(DATA0, 0, 0xfffff, DATA);
    this.define(CODE3, 0, 0xfffff, CODE | USER);
    this.define(DATA3, 0, 0xfffff, DATA | USER);
    this.define(CONFORMING0, 0, 0xfffff, CODE | 4);
    this.define(LDT_SELECTOR, LDT_BASE, 0xff, 0x82, 0);
    this.define(TSS_SELECTOR, TSS_BASE, 0x67, 0x8b, 0);
    this.define(TSS2_SELECTOR, TSS2_BASE, 0x67, 0x89, 0);
    this.define(CODE16, 0x10000, 0xffff, CODE, FLAGS_16);
    this.define(STACK16, 0x20000, 0xffff, DATA, FLAGS_16);
    this.define(CODE1, 0, 0xfffff, CODE | 0x20);
    this.define(DATA1, 0, 0xfffff, DATA | 0x20);
    this.write32(TSS_BASE + 4, 0x9000);
    this.write32(TSS_BASE + 8, DATA0);
    this.write32(TSS_BASE + 12, 0xa000);
    this.write32(TSS_BASE + 16, DATA1);
  }

  read32(at: number): number { return this.mmu.read32(at, false); }
  read16(at: number): number { return this.mmu.read16(at, false); }
  write32(at: number, value: number): void { this.mmu.write32(at, value, false); }
  write16(at: number, value: number): void { this.mmu.write16(at, value, false); }

  /** The access byte of a GDT entry. */
  access(selector: number): number { return this.mmu.read8(GDT_BASE + (selector & 0xfff8) + 5, false); }

  /** `count` values from the top of the current stack, in the flat or any other segment. */
  stack(count: number, size: 16 | 32 = 32): number[] {
    const top = this.state.segBase(SS) + this.state.reg(RSP);
    return Array.from({ length: count }, (_, i) => (size === 32 ? this.read32(top + i * 4) : this.read16(top + i * 2)));
  }

  push(...values: number[]): void {
    for (const value of values) {
      this.state.setReg(RSP, this.state.reg(RSP) - 4);
      this.write32(this.state.segBase(SS) + this.state.reg(RSP), value);
    }
  }

  get where(): string {
    return `${this.state.selector(CS).toString(16)}:${this.state.eip.toString(16)} cpl ${this.state.cpl}`;
  }

  /** Registers, segments and flags: to see that a fault left them alone. */
  registers(): string {
    const bytes = this.state.arena.u8.slice(this.state.base, this.state.base + L.GDTR_BASE);
    return Array.from(bytes).join();
  }
}

const names = ['DE', 'DB', 'NMI', 'BP', 'OF', 'BR', 'UD', 'NM', 'DF', '', 'TS', 'NP', 'SS', 'GP', 'PF'];

/** Runs something; gives 'GP(18)' for a fault (error code in hexadecimal), 'none' without. */
export function faultOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    return `${names[error.vector]}${error.errorCode === undefined ? '' : `(${error.errorCode.toString(16)})`}`;
  }
}

/** The same, and after a fault the registers must be as before. */
export function cleanFaultOf(cpu: TestCpu, action: () => unknown): string {
  const before = cpu.registers();
  const fault = faultOf(action);
  return fault === 'none' || cpu.registers() === before ? fault : `${fault} with changed registers`;
}
