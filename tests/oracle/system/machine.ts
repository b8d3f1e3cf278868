/** System cases on the emulator. */
import { Cpu } from '../../../src/cpu/cpu.ts';
import { generatedModules } from '../../../src/cpu/modules-fixture.ts';
import { cpuProfile } from '../../../src/cpu/profiles.ts';
import * as L from '../../../src/cpu/layout.ts';
import { LDTR, TR } from '../../../src/cpu/registers.ts';
import { setSegment } from '../../../src/cpu/segments.ts';
import { physAddr } from '../../../src/memory/address.ts';
import { Arena } from '../../../src/memory/arena.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { PagePool } from '../../../src/memory/pool.ts';
import { TIERS } from '../coracle.ts';
import * as E from '../environment.ts';
import * as W from './world.ts';

export class System {
  private readonly cpu: Cpu;
  private readonly memory: GuestMemory;

  constructor(tier: string) {
    const options = TIERS[tier];
    if (!options) throw new Error(`no tier ${tier}`);
    const arena = new Arena();
    this.memory = new GuestMemory(new PagePool(arena), E.RAM_BYTES);
    const host = { memory: this.memory, ports: { readPort: () => 0xffffffff, writePort: () => {} }, interrupts: { pending: false, acknowledge: () => 0 }, tsc: () => 0n };
    this.cpu = new Cpu(arena, host, generatedModules(), { ...options.cpu, profile: cpuProfile('max') });
  }

  /** Undefined: the processor has shut down. */
  run(c: W.Case, image: Uint8Array): W.Outcome | undefined {
    const { cpu, memory } = this;
    const { kind } = c;
    const { state } = cpu;
    cpu.reset();
    for (const [at, length] of kind.regions) memory.write(physAddr(at), image.subarray(at, at + length));
    memory.write(physAddr(W.codeAt(kind) + (c.eip & 0xffff)), c.code);
    state.setCr(0, kind.cr0);
    state.setCr(3, E.CR3);
    state.setCr(4, kind.cr4);
    state.setU32(L.GDTR_BASE, E.GDT);
    state.setU32(L.GDTR_LIMIT, W.GDT_LIMIT);
    state.setU32(L.IDTR_BASE, kind.idt.base);
    state.setU32(L.IDTR_LIMIT, kind.idt.limit);
    for (const [n, s] of [...kind.segments.entries(), [LDTR, W.LDTR], [TR, W.TR]] as const) setSegment(state, n, s.selector, s.base, s.limit, s.attributes);
    for (const [i, value] of c.registers.entries()) state.setReg(i, value);
    state.eflags = c.eflags;
    state.eip = c.eip;
    cpu.updateMode();
    cpu.run(1);
    if ((cpu as unknown as { stopped: boolean }).stopped) return undefined;
    return { state: this.state(), memory: kind.regions.map(([at, length]) => this.read(at, length)) };
  }

  private read(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.memory.read(physAddr(at), bytes);
    return bytes;
  }

  private state(): W.State {
    const { state } = this.cpu;
    const all: W.State = new Map(W.GENERAL.map((name, i) => [name, state.reg(i)]));
    all.set('EIP', state.eip).set('EFLAGS', state.eflags);
    for (const n of [0, 2, 3, 4]) all.set(`CR${n}`, state.cr(n));
    for (const [i, name] of W.SEGMENTS.entries()) {
      const at = state.segment(i);
      all.set(name, state.selector(i)).set(`base of ${name}`, state.segBase(i)).set(`limit of ${name}`, state.segLimit(i)).set(`attributes of ${name}`, state.getU32(at + L.SEG_ATTRIBUTES));
    }
    for (const [name, at] of [['GDT', L.GDTR_BASE], ['IDT', L.IDTR_BASE]] as const) {
      all.set(`base of ${name}`, state.getU32(at)).set(`limit of ${name}`, state.getU32(at + 8));
    }
    return all;
  }
}
