/** For tests: a processor with its engine in 32-bit protected mode, flat segments and 1 MiB of memory. */
import { physAddr } from '../memory/address.ts';
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { PagePool } from '../memory/pool.ts';
import { Cpu, type CpuOptions } from './cpu.ts';
import { Engine } from './engine.ts';
import { generatedModules } from './modules-fixture.ts';
import { CR0_PE, CS } from './registers.ts';
import { setFlatSegment } from './segments.ts';


export interface FlatMachine {
  readonly cpu: Cpu;
  readonly memory: GuestMemory;
  readonly engine: Engine;
}

/** `code` at the physical address `at`, where EIP is. `prepare` gets the memory before the processor is made. */
export function flatMachine(
  options: CpuOptions, at: number, code: ArrayLike<number>, prepare: (memory: GuestMemory) => void = () => {}, modules = generatedModules(),
): FlatMachine {
  const arena = new Arena();
  const memory = new GuestMemory(new PagePool(arena), 1 << 20);
  prepare(memory);
  const cpu = new Cpu(arena, {
    memory, ports: { readPort: () => 0xff, writePort: () => {} }, interrupts: { pending: false, acknowledge: () => 0 }, tsc: () => 0n,
  }, modules, options);
  const { state } = cpu;
  state.setCr(0, state.cr(0) | CR0_PE);
  for (let n = 0; n < 6; n++) setFlatSegment(state, n, n === CS ? 8 : 16, 0);
  cpu.updateMode();
  memory.write(physAddr(at), Uint8Array.from(code));
  state.eip = at;
  return { cpu, memory, engine: Engine.of(memory.pool, modules, new Map(), { nowMs: () => 0, thread: undefined }) };
}
