/** Runs cases on the emulator, one instruction at a time or in whole blocks. */
import { Cpu, type CpuOptions } from '../../src/cpu/cpu.ts';
import { generatedModules } from '../../src/cpu/modules-fixture.ts';
import * as L from '../../src/cpu/layout.ts';
import { cpuProfile } from '../../src/cpu/profiles.ts';
import { CS, DS, EFLAGS_VM, ES, FS, GS, LDTR, SS, TR } from '../../src/cpu/registers.ts';
import { setSegment, setV86Segment } from '../../src/cpu/segments.ts';
import { physAddr } from '../../src/memory/address.ts';
import { Arena } from '../../src/memory/arena.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { PagePool } from '../../src/memory/pool.ts';
import * as E from './environment.ts';
import * as R from './record.ts';
import { DataPages, loadFx, saveFx } from './state.ts';

/** How a tier runs a case: fuel of each call of `Cpu.run`, again and again, and options of its processor. */
interface TierOptions {
  readonly fuel: readonly number[];
  readonly cpu: CpuOptions;
}

const XMM_REGISTERS = 8;
const WHOLE = 100_000;
/** What cases can run on. To compare another way of running, add it here. */
export const TIERS: Readonly<Record<string, TierOptions>> = {
  /** As the emulator usually runs. */
  block: { fuel: [WHOLE], cpu: { tier: 'interp' } },
  /** Every instruction by itself. */
  step: { fuel: [1], cpu: { tier: 'interp' } },
  /** In slices of odd lengths. */
  slice: { fuel: [3, 122, 1, 61, 7, 181, 2, 130, 59, 17, 125], cpu: { tier: 'interp' } },
  /** Every block compiled before it runs, as far as it can be; and in slices of odd lengths. */
  compiled: { fuel: [WHOLE], cpu: { tier: 'compiled' } },
  compiled_slice: { fuel: [251, 3, 122, 1, 61, 1007, 7, 490], cpu: { tier: 'compiled' } },
};
export type Tier = string;

const HAS_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
const SEGMENT_BYTES = 8 * L.SEGMENT_SIZE;
/** A case that takes more instructions does not end. */
const INSTRUCTION_LIMIT = WHOLE;
/** Result vector of a case that does not end, or that ends where no handler is. */
export const ENDLESS = 255;
const VECTOR_DB = 1;
const CR0 = 0x80010033, CR0_AM = 0x40000;

export class CoracleExecutor {
  readonly name: string;
  readonly tier: Tier;
  readonly cpu: Cpu;
  readonly memory: GuestMemory;
  private readonly arena = new Arena();
  private readonly v86Segments: Uint8Array;
  private readonly data: DataPages;
  private readonly options: TierOptions;
  private readonly filler = new Uint8Array(R.CODE_SIZE).fill(R.INT3);

  constructor(tier: Tier, options: E.EnvironmentOptions = {}) {
    this.tier = tier;
    const found = TIERS[tier];
    if (!found) throw new Error(`no tier ${tier}: there are ${Object.keys(TIERS).join(', ')}`);
    this.options = found;
    this.name = `coracle ${tier}`;
    this.memory = new GuestMemory(new PagePool(this.arena), E.RAM_BYTES);
    const ports = { readPort: () => 0xffffffff, writePort: () => {} };
    const interrupts = { pending: false, acknowledge: () => 0 };
    this.cpu = new Cpu(this.arena, { memory: this.memory, ports, interrupts, tsc: () => 0n }, generatedModules(), { ...found.cpu, profile: cpuProfile('max') });
    E.buildEnvironment((address, value) => this.memory.writePhys(address, 4, value >>> 0), options);
    this.data = new DataPages(this.memory, E.DATA_FRAMES);
    const { state } = this.cpu;
    state.setCr(0, options.alignmentChecks ? CR0 | CR0_AM : CR0);
    state.setCr(3, E.CR3);
    state.setCr(4, 0x610);
    state.setU32(L.GDTR_BASE, E.GDT);
    state.setU32(L.GDTR_LIMIT, E.GDT_LIMIT);
    state.setU32(L.IDTR_BASE, E.IDT);
    state.setU32(L.IDTR_LIMIT, 0x7ff);
    for (let n = 0; n < 6; n++) setV86Segment(state, n, n === CS ? E.V86_CODE : E.V86_DATA);
    setSegment(state, LDTR, E.LOCAL_TABLE, E.LDT, E.LDT_LIMIT, 0x82);
    setSegment(state, TR, E.TASK, E.TSS, 0x67, 0x8b);
    this.v86Segments = this.arena.u8.slice(state.base + L.SEGMENTS, state.base + L.SEGMENTS + SEGMENT_BYTES);
  }

  private setSegments(batch: R.Batch, n: number, mode: number): void {
    const { state } = this.cpu;
    this.arena.u8.set(this.v86Segments, state.base + L.SEGMENTS);
    if (mode === R.MODE_V86) return;
    for (let i = 0; i < 6; i++) {
      const selector = batch.selectorBefore(n, i);
      const { base, limit, access, flags } = E.segmentOf(selector);
      setSegment(state, i, selector, base, limit, access | (flags << 12));
    }
  }

  async baseline(pages: Uint8Array): Promise<void> {
    this.data.baseline(pages);
  }

  async run(batch: R.Batch): Promise<void> {
    for (let n = 0; n < batch.count; n++) this.runCase(batch, n);
  }
  close(): void {}

  private writeCode(mode: number, eip: number, bytes: Uint8Array): void {
    const linear = R.is16(mode) ? R.CODE_BASE + eip : eip;
    this.memory.write(physAddr(E.CODE_FRAMES + linear - R.CODE_BASE), bytes);
  }

  private runCase(batch: R.Batch, n: number): void {
    const { cpu } = this;
    const { state } = cpu;
    const mode = batch.u32(n, R.MODE);
    const eip = batch.u32(n, R.EIP);
    const code = batch.code(n);
    this.writeCode(mode, eip, code);
    this.setSegments(batch, n, mode);
    for (let i = 0; i < 8; i++) state.setReg(i, batch.u32(n, R.REGISTERS + 4 * i));
    state.eflags = batch.u32(n, R.EFLAGS) | 0x202;
    state.eip = eip;
    state.setCr(2, 0);
    (cpu as unknown as { halted: boolean }).halted = false;
    if (batch.hasFx) loadFx(state, batch.fxBefore(n), XMM_REGISTERS);
    cpu.updateMode();
    const steps = batch.u32(n, R.STEPS);
    if (steps > 0) this.single(steps);
    else this.execute();
    if (code.length > 16) this.memory.write(physAddr(E.CODE_FRAMES), this.filler);
    else this.writeCode(mode, eip, this.filler.subarray(0, code.length));
    this.results(batch, n);
    if (batch.hasFx) saveFx(state, batch.fxAfter(n), XMM_REGISTERS);
  }

  private execute(): void {
    const { fuel } = this.options;
    const end = this.cpu.instructions + INSTRUCTION_LIMIT;
    for (let i = 0; this.cpu.instructions < end; i++) if (this.cpu.run(fuel[i % fuel.length] as number) === 'halted') return;
  }

  /** So many instructions, one that repeats counting once, with the tier's slices as far as they go. */
  private single(steps: number): void {
    const { cpu } = this;
    let last = cpu.state.eip;
    for (let i = 0; i < INSTRUCTION_LIMIT && steps > 0; i++) {
      if (cpu.run(1) === 'halted') return;
      if (cpu.state.eip === last) continue;
      last = cpu.state.eip;
      steps--;
    }
  }

  private results(batch: R.Batch, n: number): void {
    const { state } = this.cpu;
    const handler = state.eip - 1 - E.HANDLERS;
    if (state.cpl !== 0 || handler < 0 || handler >= 0x1000 || (handler & 15) !== 0) {
      batch.setU32(n, R.VECTOR, batch.u32(n, R.STEPS) > 0 ? VECTOR_DB : ENDLESS);
      batch.setU32(n, R.EIP_AFTER, state.eip);
      batch.setU32(n, R.EFLAGS_AFTER, state.eflags);
      for (let i = 0; i < 8; i++) batch.setU32(n, R.REGISTERS_AFTER + 4 * i, state.reg(i));
      for (let i = 0; i < 6; i++) batch.setSelector(n, i, state.selector(i));
      this.data.after(batch, n, R);
      return;
    }
    const vector = handler >> 4;
    let at = state.reg(4);
    const pop = () => this.memory.readPhys((at += 4) - 4, 4) >>> 0;
    batch.setU32(n, R.VECTOR, vector);
    batch.setU32(n, R.ERROR, HAS_ERROR.has(vector) ? pop() : 0);
    batch.setU32(n, R.EIP_AFTER, pop());
    const cs = pop();
    const flags = pop();
    batch.setU32(n, R.EFLAGS_AFTER, flags);
    for (let i = 0; i < 8; i++) batch.setU32(n, R.REGISTERS_AFTER + 4 * i, state.reg(i));
    batch.setU32(n, R.REGISTERS_AFTER + 16, pop());
    const ss = pop();
    batch.setU32(n, R.CR2, vector === 14 ? state.cr(2) : 0);
    // From virtual-8086 mode, ES, DS, FS and GS are on the stack too [SDM3 20.2.3].
    const pushed = flags & EFLAGS_VM ? new Map([ES, DS, FS, GS].map((i) => [i, pop()])) : new Map<number, number>();
    pushed.set(CS, cs).set(SS, ss);
    for (let i = 0; i < 6; i++) batch.setSelector(n, i, pushed.get(i) ?? state.selector(i));
    this.data.after(batch, n, R);
  }
}
