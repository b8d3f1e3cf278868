/**
 * Fuzzer `long`: bytes as code of 64 bits and in compatibility mode, on random descriptors, gates of 16 bytes, interrupt
 * stacks and page tables of four levels. The rest is as in `code`.
 */
import { writeCr0, writeCr3, writeCr4 } from '../../src/cpu/control-registers.ts';
import { applyDebugRegisters } from '../../src/cpu/debug-registers.ts';
import * as L from '../../src/cpu/layout.ts';
import {
  IA32_CSTAR, IA32_EFER, IA32_FMASK, IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, IA32_LSTAR, IA32_STAR, IA32_SYSENTER_CS, IA32_SYSENTER_EIP,
  IA32_SYSENTER_ESP,
} from '../../src/cpu/msr.ts';
import {
  CR0_AM, CR0_EM, CR0_ET, CR0_MP, CR0_NE, CR0_PE, CR0_PG, CR0_TS, CR0_WP, CR4_DE, CR4_FSGSBASE, CR4_OSFXSR, CR4_OSXMMEXCPT, CR4_OSXSAVE, CR4_PAE, CR4_PGE, CR4_SMAP,
  CR4_SMEP, CR4_TSD, CR4_UMIP, CS, DS, EFER_LME, EFER_NXE, EFER_SCE, ES, FS, GS, SS, TR,
} from '../../src/cpu/registers.ts';
import { setSegment, setUnusable } from '../../src/cpu/segments.ts';
import { physAddr } from '../../src/memory/address.ts';
import type { Random } from '../oracle/random.ts';
import { execute } from './code.ts';
import type { Fuzzer } from './fuzzer.ts';
import { CodeGenerator } from './generator.ts';
import { FuzzMachine } from './machine.ts';
import * as W from './world.ts';

const PROGRAMS = 150;
const GDT = W.GDT, IDT = 0x13000, TSS = 0x14000, LDT = 0x12000, PML4 = 0x18000, PDPT = 0x19000, DIRECTORY = 0x1a000, TABLE = 0x20000;
const CODE64 = 0x08, DATA = 0x10, CODE32 = 0x18, USER32 = 0x20, USER_DATA = 0x28, USER64 = 0x30, TSS_SELECTOR = 0x38, LDT_SELECTOR = 0x48, CALL_GATE = 0x58;
const CONFORMING = 0x68, CODE16 = 0x70, GDT_LIMIT = 0xff;
const SELECTORS = [0, 3, CODE64, DATA, CODE32, USER32 | 3, USER_DATA | 3, USER64 | 3, TSS_SELECTOR, LDT_SELECTOR, CALL_GATE, CALL_GATE | 3, CONFORMING, CODE16, 0xc, 0x80, 0xfff8];
/** Where the low memory is seen again. */
const BASES = [0n, 0n, 0n, 0xffff800000000000n, 0xffffffff80000000n];

/** An address of 64 bits at which something is, or that is none. */
function address(random: Random): bigint {
  if (random.chance(8)) return random.pick([0x7fffffffffffn, 0x800000000000n, 0xffff7fffffffffffn, 0xffffffffffffffffn, BigInt(random.u32()) << 32n]);
  return BigInt.asUintN(64, random.pick(BASES) + BigInt(W.interesting(random)));
}

const little = (value: bigint, bytes: number): number[] => Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn));

/** Instructions of kernels, and what leads from mode to mode. */
function system(random: Random): number[] {
  const load = (register: number, value: bigint): number[] => [0x48, 0xb8 + register, ...little(value, 8)];
  const push = (value: bigint): number[] => [...load(0, value), 0x50];
  switch (random.below(16)) {
    case 0: return [0x0f, 0x01, random.pick([0xf8, 0xf9, 0xca, 0xcb, 0xd0, 0xd1])];
    case 1: return [0x0f, 0x05];
    case 2: return [...load(1, address(random)), 0x49, 0xbb, ...little(BigInt(random.u32() & 0x3f7fd7), 8), ...(random.chance(70) ? [0x48] : []), 0x0f, 0x07];
    case 3: return [...push(BigInt(random.pick(SELECTORS))), ...push(address(random)), ...push(BigInt(random.u32() & 0x3f7fd7)), ...push(BigInt(random.pick(SELECTORS))), ...push(address(random)), ...(random.chance(85) ? [0x48] : []), 0xcf];
    case 4: return [...push(BigInt(random.pick(SELECTORS))), ...push(address(random)), 0x48, 0xcb];
    case 5: return [0xb9, ...little(BigInt(random.pick([IA32_EFER, IA32_STAR, IA32_LSTAR, IA32_FMASK, IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, 0x1b, 0x277])), 4), ...(random.chance(60) ? [0x0f, 0x32] : []), 0x0f, 0x30];
    case 6: return [...load(0, address(random)), random.chance(50) ? 0x44 : 0x48, 0x0f, random.pick([0x20, 0x22, 0x21, 0x23]), 0xc0 | (random.below(8) << 3)];
    case 7: return [...load(0, address(random)), 0xf3, 0x48, 0x0f, 0xae, 0xc0 | (random.below(4) << 3)];
    case 8: return [...load(0, address(random)), 0x0f, 0x01, random.below(5) << 3];
    case 9: return [...load(0, address(random) & ~63n), 0x0f, 0xae, random.below(7) << 3];
    case 10: return [...load(0, BigInt(random.below(5))), ...load(1, address(random)), 0x66, 0x0f, 0x38, 0x82, 0x01];
    case 11: return [0x66, 0xb8, ...little(BigInt(random.pick(SELECTORS)), 2), random.pick([0x8e, 0x8e, 0x0f]), random.pick([0xd8, 0xc0, 0xd0, 0xe0, 0xe8, 0x00])];
    case 12: return [0x66, 0xb8, ...little(BigInt(random.pick(SELECTORS)), 2), 0x0f, 0x00, 0xc0 | (random.below(6) << 3)];
    case 13: return [...load(0, address(random)), 0x48, 0x89, 0x04, 0x25, ...little(BigInt(W.DATA), 4), 0x66, 0xc7, 0x04, 0x25, ...little(BigInt(W.DATA + 8), 4), ...little(BigInt(random.pick(SELECTORS)), 2), 0x48, 0xff, random.pick([0x1c, 0x2c]), 0x25, ...little(BigInt(W.DATA), 4)];
    case 14: return [...load(random.below(8), address(random)), 0xff, random.pick([0xd0, 0xe0]) | random.below(8)];
    default: return [0xcd, random.below(256)];
  }
}

function writeCode(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const plain = new CodeGenerator(random, 32);
  const bytes: number[] = [];
  while (bytes.length < W.CODE_BYTES) {
    if (random.chance(35)) bytes.push(...system(random));
    else bytes.push(...(random.chance(55) ? [0x40 | random.below(16)] : []), ...plain.code(3));
  }
  for (let n = 0; n < 10; n++) bytes[random.below(W.CODE_BYTES)] = random.pick([0xcf, 0xc3, 0xcb, 0xf4]);
  m.machine.memory.write(physAddr(W.CODE), Uint8Array.from(bytes.slice(0, W.CODE_BYTES)));
}

/** Descriptors, gates, the task segment and page tables. */
function layOut(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const image = new DataView(new ArrayBuffer(TABLE + 4096 - GDT));
  const put = (at: number, value: bigint): void => image.setBigUint64(at - GDT, BigInt.asUintN(64, random.chance(2) ? BigInt(random.u32()) << 20n : value), true);
  const target = (): bigint => random.pick(BASES) + BigInt(W.CODE + random.below(W.CODE_BYTES));
  const gate = (at: number, selector: number, access: number, offset: bigint): void => {
    const stack = random.chance(30) ? random.below(8) : 0;
    put(at, (offset & 0xffffn) | (BigInt(selector) << 16n) | (BigInt(stack) << 32n) | (BigInt(access) << 40n) | (((offset >> 16n) & 0xffffn) << 48n));
    put(at + 8, BigInt.asUintN(64, offset) >> 32n);
  };
  const table = (at: number, base: number, limit: number, access: number): void => {
    put(at, BigInt(limit) | (BigInt(base) << 16n) | (BigInt(access) << 40n));
    put(at + 8, 0n);
  };
  const segments = [0n, 0xaf9b000000ffffn, 0xcf93000000ffffn, 0xcf9b000000ffffn, 0xcffb000000ffffn, 0xcff3000000ffffn, 0xaffb000000ffffn];
  for (const [i, value] of segments.entries()) put(GDT + 8 * i, value);
  table(GDT + TSS_SELECTOR, TSS, random.pick([0x67, 0x67, 0x30, 0x20ff]), 0x8b);
  table(GDT + LDT_SELECTOR, LDT, 0x1f, 0x82);
  gate(GDT + CALL_GATE, random.pick([CODE64, CODE64, CONFORMING, CODE32]), 0x8c | random.pick([0, 0x60]), target());
  put(GDT + CONFORMING, 0xaf9f000000ffffn);
  put(GDT + CODE16, 0x00fb04000000ffffn);
  for (let at = GDT + 0x78; at < GDT + GDT_LIMIT; at += 8) put(at, (BigInt(random.u32()) << 32n) | BigInt(random.u32()));
  for (let i = 0; i < 4; i++) put(LDT + 8 * i, random.pick(segments));
  for (let i = 0; i < 256; i++) gate(IDT + 16 * i, random.chance(85) ? CODE64 : random.pick(SELECTORS), random.pick([0x8e, 0x8e, 0x8f, 0xee, 0xef, 0x0e, random.below(256)]), target());
  for (let at = TSS; at < TSS + 0x70; at += 8) put(at, 0n);
  for (let i = 0; i < 12; i++) put(TSS + 4 + 8 * i, random.chance(85) ? random.pick(BASES) + BigInt(W.STACK + random.below(0x8000)) : address(random));
  for (let i = 0; i < 512; i++) put(PML4 + 8 * i, i === 0 || i === 256 || i === 511 ? BigInt(PDPT | 7) : random.chance(90) ? 0n : BigInt(random.u32()));
  for (let i = 0; i < 512; i++) put(PDPT + 8 * i, i === 0 || i === 510 ? BigInt(DIRECTORY | 7) : random.pick([0n, 0n, (BigInt(i) << 30n) | 0x87n]));
  for (let i = 0; i < 512; i++) {
    const own = random.pick([BigInt(TABLE | 7), 0n, 1n << 63n | (BigInt(i) << 21n) | 0x87n]);
    put(DIRECTORY + 8 * i, i === 0 || random.chance(10) ? BigInt(TABLE | 7) : random.chance(90) ? (BigInt(i) << 21n) | 0x87n : own);
  }
  for (let i = 0; i < 512; i++) {
    const page = random.chance(95) ? i : random.pick([0xa0, 0xfee00, 0xe0000, W.CODE >> 12, PML4 >> 12]);
    put(TABLE + 8 * i, (BigInt(page) << 12n) | (random.chance(94) ? 7n : BigInt(random.below(0x200))) | (random.chance(3) ? 1n << 63n : 0n));
  }
  m.machine.memory.write(physAddr(GDT), new Uint8Array(image.buffer));
}

function enter(m: FuzzMachine, compatibility: boolean): void {
  const { random } = m.fuzz;
  const { cpu } = m;
  const { state } = cpu;
  const some = (bits: readonly number[], percent: number): number => bits.reduce((sum, bit) => (random.chance(percent) ? sum | bit : sum), 0);
  cpu.reset();
  for (let i = 0; i < 16; i++) state.setU64(L.GPR + i * 8, random.chance(60) ? address(random) : (BigInt(random.value()) << 32n) | BigInt(random.value()));
  for (let i = 0; i < 16 * L.XMM_STRIDE; i += 4) state.setU32(L.XMM + i, random.value());
  state.setLinear(L.GDTR_BASE, GDT);
  state.setU32(L.GDTR_LIMIT, GDT_LIMIT);
  state.setLinear(L.IDTR_BASE, IDT);
  state.setU32(L.IDTR_LIMIT, random.chance(95) ? 0xfff : random.below(0x1000));
  const write = (index: number, value: bigint): boolean => cpu.msrs.write(index, value, 0n);
  write(IA32_EFER, BigInt(EFER_LME | some([EFER_SCE, EFER_NXE], 85)));
  for (const index of [IA32_LSTAR, IA32_CSTAR, IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP]) write(index, address(random));
  write(IA32_STAR, (BigInt(USER32 | 3) << 48n) | (BigInt(CODE64) << 32n));
  write(IA32_SYSENTER_CS, BigInt(CODE64));
  write(IA32_FMASK, BigInt(random.u32()));
  writeCr4(cpu, CR4_PAE | some([CR4_OSFXSR, CR4_OSXMMEXCPT, CR4_OSXSAVE, CR4_FSGSBASE], 70) | some([CR4_PGE, CR4_DE, CR4_TSD, CR4_SMEP, CR4_SMAP, CR4_UMIP], 20));
  writeCr3(cpu, PML4);
  setSegment(state, TR, TSS_SELECTOR, TSS, 0x67, 0x8b);
  writeCr0(cpu, CR0_ET | CR0_PE | CR0_PG | some([CR0_NE, CR0_MP, CR0_WP, CR0_AM], 40) | some([CR0_EM, CR0_TS], 8));
  const user = random.chance(40) ? 3 : 0;
  const selector = compatibility ? (user ? USER32 : CODE32) : user ? USER64 : CODE64;
  setSegment(state, CS, selector | user, 0, 0xffffffff, (compatibility ? 0xc09b : 0xa09b) | (user << 5));
  for (const n of [ES, SS, DS, FS, GS]) {
    if (n !== SS && random.chance(20)) setUnusable(state, n, 0);
    else setSegment(state, n, (user ? USER_DATA : DATA) | user, 0, 0xffffffff, 0xc093 | (user << 5));
  }
  state.eflags = (random.value() & 0x0ed5) | (random.chance(10) ? 0x100 : 0) | (random.chance(10) ? 0x40000 : 0);
  state.rip = (compatibility ? 0 : Number(BigInt.asIntN(64, random.pick(BASES)))) + W.CODE + random.below(0x400);
  if (random.chance(15)) {
    for (let n = 0; n < 4; n++) state.setU64(L.DR + n * 8, address(random));
    state.setDr(7, (random.u32() & 0xffff23ff) | 0x400);
  }
  applyDebugRegisters(cpu);
  cpu.updateMode();
  cpu.mmu.flush();
}

export const long: Fuzzer = {
  name: 'long',
  share: 4,
  async run(fuzz) {
    const { random } = fuzz;
    const m = new FuzzMachine(fuzz, { ramMiB: random.pick([2, 4, 8]) });
    await m.run(2);
    for (let n = 0; n < PROGRAMS; n++) {
      const compatibility = random.chance(25);
      fuzz.note(`program ${n}, ${compatibility ? 'compatibility mode' : '64-bit mode'}`);
      if (n % 10 === 0) layOut(m);
      writeCode(m);
      enter(m, compatibility);
      await execute(m);
    }
    m.check();
    await m.answers();
    await m.dispose();
  },
};
