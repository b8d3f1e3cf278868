/**
 * Fuzzer `code`: bytes as code in real, virtual-8086 and protected mode of 16 and 32 bits, with and without paging, on
 * random descriptors, gates, task segments and page tables. Single steps, slices and whole turns of the run loop mix.
 */
import { writeCr0, writeCr3, writeCr4 } from '../../src/cpu/control-registers.ts';
import { applyDebugRegisters } from '../../src/cpu/debug-registers.ts';
import { GuestFault } from '../../src/cpu/fault.ts';
import * as L from '../../src/cpu/layout.ts';
import {
  CR0_AM, CR0_EM, CR0_ET, CR0_MP, CR0_NE, CR0_PE, CR0_PG, CR0_TS, CR0_WP, CR4_DE, CR4_OSFXSR, CR4_OSXMMEXCPT, CR4_PAE, CR4_PGE, CR4_PSE, CR4_PVI, CR4_TSD,
  CR4_VME, CS, DS, EFLAGS_VM, ES, FS, GS, LDTR, SS, TR,
} from '../../src/cpu/registers.ts';
import { setSegment, setUnusable } from '../../src/cpu/segments.ts';
import { physAddr } from '../../src/memory/address.ts';
import type { Fuzzer } from './fuzzer.ts';
import { CodeGenerator } from './generator.ts';
import { FuzzMachine } from './machine.ts';
import * as W from './world.ts';

const PROGRAMS = 150;
type Mode = 'real' | 'v86' | 'protected16' | 'protected32';
const MODES: readonly Mode[] = ['real', 'v86', 'protected16', 'protected32', 'protected32'];
const REAL_DATA = 0x93, V86_DATA = 0xf3, CODE_32 = 0xc09b, DATA_32 = 0xc093, CODE_16 = 0x009b, DATA_16 = 0x0093;

const size = (mode: Mode): 16 | 32 => (mode === 'protected32' ? 32 : 16);

function writeCode(m: FuzzMachine, mode: Mode): void {
  const { random } = m.fuzz;
  const bytes = new Uint8Array(W.CODE_BYTES);
  if (random.chance(15)) for (let i = 0; i < bytes.length; i++) bytes[i] = random.u32();
  else {
    const generator = new CodeGenerator(random, size(mode));
    // Handlers of the other size lie in the second half.
    const other = new CodeGenerator(random, size(mode) === 16 ? 32 : 16);
    const half = W.CODE_BYTES / 2;
    bytes.set(generator.code(half).slice(0, half));
    bytes.set((random.chance(50) ? other : generator).code(half).slice(0, half), half);
    for (let n = 0; n < 10; n++) bytes[random.below(bytes.length)] = random.pick([0xcf, 0xc3, 0xcb, 0xf4]);
  }
  m.machine.memory.write(physAddr(W.CODE), bytes);
}

/** Puts the processor into a mode. What a guest could not reach is not set. */
function enter(m: FuzzMachine, mode: Mode): void {
  const { random } = m.fuzz;
  const { cpu } = m;
  const { state } = cpu;
  cpu.reset();
  for (let i = 0; i < 8; i++) state.setReg(i, random.chance(50) ? W.interesting(random) : random.value());
  for (let i = 0; i < 8 * 16; i += 4) state.setU32(L.FPR + i, random.value());
  for (let i = 0; i < 8 * L.XMM_STRIDE; i += 4) state.setU32(L.XMM + i, random.value());
  for (const [at, limit, base] of [[L.GDTR_BASE, W.GDT_LIMIT, W.GDT], [L.IDTR_BASE, mode === 'real' ? 0x3ff : W.IDT_LIMIT, mode === 'real' ? 0 : W.IDT]] as const) {
    state.setU32(at, base);
    state.setU32(at + 8, random.chance(95) ? limit : random.below(0x100));
  }
  let flags = random.value() & 0x0ed5;
  if (random.chance(10)) flags |= 0x100;
  if (random.chance(40)) flags |= random.below(4) << 12;
  if (random.chance(10)) flags |= random.pick([0x4000, 0x40000, 0x10000, 0x80000, 0x100000, 0x200000]);
  state.eflags = mode === 'v86' ? flags | EFLAGS_VM : flags;
  setSegments(m, mode);
  state.eip = size(mode) === 32 ? W.CODE + random.below(0x400) : random.below(0x400);
  setControl(m, mode);
  if (random.chance(15)) {
    for (let n = 0; n < 4; n++) state.setDr(n, random.pick([W.CODE + random.below(W.CODE_BYTES), W.interesting(random), 0x60, 0xcf8]));
    state.setDr(7, (random.u32() & 0xffff23ff) | 0x400);
  }
  applyDebugRegisters(cpu);
  cpu.updateMode();
  cpu.mmu.flush();
}

function setSegments(m: FuzzMachine, mode: Mode): void {
  const { random } = m.fuzz;
  const { state } = m.cpu;
  if (mode === 'real' || mode === 'v86') {
    const attributes = mode === 'real' ? REAL_DATA : V86_DATA;
    for (const n of [ES, SS, DS, FS, GS]) {
      const selector = random.pick([W.DATA >> 4, W.STACK >> 4, W.CODE >> 4, 0xa000, 0xffff, 0, random.below(0x10000)]);
      const unreal = mode === 'real' && random.chance(10);
      setSegment(state, n, selector, selector << 4, unreal ? 0xffffffff : 0xffff, attributes);
    }
    setSegment(state, CS, W.CODE >> 4, W.CODE, 0xffff, attributes);
  } else {
    const user = random.chance(40) ? 3 : 0;
    const dpl = user << 5;
    const [code, data] = mode === 'protected32' ? [CODE_32, DATA_32] : [CODE_16, DATA_16];
    if (mode === 'protected32') setSegment(state, CS, user ? W.USER_CODE32 | 3 : W.CODE32, 0, 0xffffffff, code | dpl);
    else setSegment(state, CS, W.CODE16 | user, W.CODE, 0xffff, code | dpl);
    for (const n of [ES, SS, DS, FS, GS]) {
      if (n !== SS && random.chance(10)) setUnusable(state, n, 0);
      else if (random.chance(70)) setSegment(state, n, user ? W.USER_DATA32 | 3 : W.DATA32, 0, 0xffffffff, DATA_32 | dpl);
      else setSegment(state, n, W.DATA16 | user, W.DATA, 0xffff, data | dpl);
    }
  }
  if (mode === 'real') return;
  setSegment(state, TR, W.TASK, W.TASKS, random.pick([0x67, 0x1ff, 0x20ff]), 0x8b);
  if (random.chance(80)) setSegment(state, LDTR, W.LOCAL, W.LDT, W.LDT_LIMIT, 0x82);
}

function setControl(m: FuzzMachine, mode: Mode): void {
  const { random } = m.fuzz;
  const { cpu } = m;
  const some = (bits: readonly number[], percent: number): number => bits.reduce((sum, bit) => (random.chance(percent) ? sum | bit : sum), 0);
  let cr0 = CR0_ET | some([CR0_NE, CR0_MP, CR0_WP, CR0_AM], 40) | some([CR0_EM, CR0_TS], 8);
  if (mode !== 'real') cr0 |= CR0_PE;
  try {
    writeCr4(cpu, some([CR4_PSE, CR4_OSFXSR, CR4_OSXMMEXCPT], 60) | some([CR4_PGE, CR4_DE, CR4_VME, CR4_PVI, CR4_PAE, CR4_TSD], 25));
    writeCr3(cpu, cpu.state.cr(4) & CR4_PAE ? W.PDPT : W.PAGE_DIRECTORY);
    writeCr0(cpu, cr0);
    if (mode !== 'real' && random.chance(60)) writeCr0(cpu, cr0 | CR0_PG);
  } catch (error) {
    // Page-directory pointers that the processor refuses: it goes on without paging.
    if (!(error instanceof GuestFault)) throw error;
  }
}

/** Runs what has been set up: single steps, odd slices, and turns of the run loop for resets and events. */
export async function execute(m: FuzzMachine): Promise<void> {
  const { random } = m.fuzz;
  const { cpu, machine } = m;
  for (let n = random.below(16); n > 0; n--) {
    const fuel = random.pick([1, 1, 2, 3, 7, 59, 61, 119, 121, 500, 3000]);
    m.fuzz.note(`fuel ${fuel} at ${cpu.state.selector(CS).toString(16)}:${cpu.state.eip.toString(16)}`);
    machine.clock.fireDue();
    const before = cpu.instructions;
    const result = cpu.run(machine.clock.instructionsToDeadline(fuel));
    if (cpu.instructions - before > fuel) throw new Error(`run(${fuel}) executed ${cpu.instructions - before} instructions`);
    if (result === 'shutdown') break;
  }
  if (random.chance(4)) await m.run(1);
}

export const code: Fuzzer = {
  name: 'code',
  share: 8,
  async run(fuzz) {
    const { random } = fuzz;
    const m = new FuzzMachine(fuzz, { ramMiB: random.pick([2, 4, 8]) });
    await m.run(2);
    for (let n = 0; n < PROGRAMS; n++) {
      const mode = random.pick(MODES);
      fuzz.note(`program ${n}, ${mode}`);
      if (n % 10 === 0) W.layOut(m);
      writeCode(m, mode);
      enter(m, mode);
      await execute(m);
    }
    m.check();
    await m.answers();
    await m.dispose();
  },
};
