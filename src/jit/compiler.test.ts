import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Cpu, type CpuOptions } from '../cpu/cpu.ts';
import { setFlatSegment } from '../cpu/segments.ts';
import { generateInterpreter } from '../interp/generate.ts';
import { HANDLERS } from '../interp/handlers.ts';
import { physAddr } from '../memory/address.ts';
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { PagePool } from '../memory/pool.ts';

const EAX = 0, ECX = 1, EBX = 3, ESI = 6;
const CS = 1;
const FLAT_DATA = 16, FLAT_CODE = 8;
const ENTRY = 0x1000;
const DATA = 0x4000;
/** A device that answers reads of memory with a number that grows. */
const DEVICE = 0x80000;

const modules = {
  interpreter: new WebAssembly.Module(new Uint8Array(generateInterpreter(HANDLERS))),
  kernel: new WebAssembly.Module(readFileSync(new URL('../../build/kernel.wasm', import.meta.url))),
};

const LOOP = [
  0x03, 0x06, // again: add eax, [esi]
  0x43, // inc ebx
  0x49, // dec ecx
  0x75, 0xfa, // jnz again
  0xf4, // hlt
];

describe('compiled code', () => {
  let memory: GuestMemory;
  let cpu: Cpu;
  let reads = 0;

  function start(options: CpuOptions, code: readonly number[] = LOOP): void {
    reads = 0;
    const arena = new Arena();
    memory = new GuestMemory(new PagePool(arena), 1 << 20);
    memory.memory('device', 4096, { read: () => ++reads, write: () => {} }, { widths: [4] }).mapAt(DEVICE);
    cpu = new Cpu(arena, {
      memory, ports: { readPort: () => 0xff, writePort: () => {} }, interrupts: { pending: false, acknowledge: () => 0 }, tsc: () => 0n,
    }, modules, options);
    const { state } = cpu;
    state.setCr(0, state.cr(0) | 1);
    for (let n = 0; n < 6; n++) setFlatSegment(state, n, n === CS ? FLAT_CODE : FLAT_DATA, 0);
    cpu.updateMode();
    memory.write(physAddr(ENTRY), Uint8Array.from(code));
    memory.writePhys(DATA, 4, 3);
    state.eip = ENTRY;
    state.setReg(ESI, DATA);
    state.setReg(EAX, 0);
    state.setReg(EBX, 0);
  }
  /** In slices, as a machine runs. */
  function run(fuel = 1000): void {
    while (cpu.run(fuel) === 'budget');
  }

  beforeEach(() => start({ compileThreshold: 10 }));

  it('takes over a loop that runs hot, and ends it as the interpreter does', () => {
    cpu.state.setReg(ECX, 100_000);
    run();
    expect([cpu.state.reg(EAX), cpu.state.reg(EBX), cpu.state.reg(ECX)]).toEqual([300_000, 100_000, 0]);
    expect(cpu.instructions).toBe(400_001);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
  });

  it('is not made by the interpreter alone', () => {
    start({ tier: 'interp' });
    cpu.state.setReg(ECX, 100_000);
    run();
    expect(cpu.state.reg(EBX)).toBe(100_000);
    expect(cpu.compilerCounters.regions).toBe(0);
  });

  it('stops at exact counts of instructions', () => {
    start({ tier: 'compiled' });
    cpu.state.setReg(ECX, 1_000_000);
    let done = 0;
    for (const fuel of [5000, 1, 777, 4, 12_345, 61, 122, 9999]) {
      cpu.run(fuel);
      done += fuel;
      expect(cpu.instructions).toBe(done);
      expect(cpu.state.reg(EBX)).toBe(Math.floor((done + 2) / 4));
    }
  });

  it('goes when its guest code is written to', () => {
    cpu.state.setReg(ECX, 1_000_000);
    for (let i = 0; i < 50; i++) cpu.run(1000);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
    const before = cpu.state.reg(EBX);
    memory.write(physAddr(ENTRY + 2), Uint8Array.of(0x4b)); // dec ebx
    for (let i = 0; i < 50; i++) cpu.run(1000);
    expect(cpu.state.reg(EBX)).toBeLessThan(before);
    expect(cpu.compilerCounters.dropped).toBeGreaterThan(0);
  });

  it('leaves device memory to the interpreter, one access for one', () => {
    cpu.state.setReg(ECX, 5000);
    cpu.state.setReg(ESI, DEVICE);
    run();
    expect(reads).toBe(5000);
    expect(cpu.state.reg(EAX)).toBe((5000 * 5001) / 2);
  });

  it('raises a fault with the registers of the instruction that faults', () => {
    start({ tier: 'compiled' }, [0x03, 0x06, 0x83, 0xc6, 0x04, 0x49, 0x75, 0xf8, 0xf4]); // add eax, [esi]; add esi, 4; dec ecx; jnz
    cpu.state.setReg(ECX, 100);
    cpu.run(40);
    expect(cpu.instructions).toBe(40);
    expect([cpu.state.reg(ESI), cpu.state.reg(ECX)]).toEqual([DATA + 40, 90]);
  });
});
