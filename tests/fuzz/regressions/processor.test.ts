/** What the fuzzers found in the processor, each as the shortest guest that shows it. */
import { beforeEach, expect, it } from 'vitest';
import { writeCr0, writeCr3, writeCr4 } from '../../../src/cpu/control-registers.ts';
import { Cpu } from '../../../src/cpu/cpu.ts';
import { generatedModules } from '../../../src/cpu/modules-fixture.ts';
import * as L from '../../../src/cpu/layout.ts';
import { CR0_PG, CR4_PSE, CS, DS, ES, SS, TR } from '../../../src/cpu/registers.ts';
import { setSegment } from '../../../src/cpu/segments.ts';
import { physAddr } from '../../../src/memory/address.ts';
import { Arena } from '../../../src/memory/arena.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { PagePool } from '../../../src/memory/pool.ts';

const CODE = 0x1000, HANDLER = 0x6000;
let memory: GuestMemory;
let cpu: Cpu;
let onPortWrite: () => void;

const put = (address: number, ...bytes: number[]): void => memory.write(physAddr(address), Uint8Array.from(bytes));

beforeEach(() => {
  const arena = new Arena();
  memory = new GuestMemory(new PagePool(arena), 1 << 20);
  onPortWrite = () => undefined;
  const ports = { readPort: () => 0, writePort: () => onPortWrite() };
  cpu = new Cpu(arena, { memory, ports, interrupts: { pending: false, acknowledge: () => 0 }, tsc: () => 0n }, generatedModules());
  setSegment(cpu.state, CS, 0, 0, 0xffff, 0x93);
  cpu.state.eip = CODE;
  cpu.state.setReg(4, 0x8000);
  cpu.updateMode();
});

it('an exception whose handler faults at once uses up fuel', () => {
  put(6 * 4, HANDLER & 0xff, HANDLER >> 8, 0, 0);
  put(CODE, 0x0f, 0x0b);
  put(HANDLER, 0x0f, 0x0b);
  expect(cpu.run(1000)).toBe('budget');
  expect(cpu.instructions).toBe(1000);
  // Each frame is three words below the last.
  expect(cpu.state.reg16(4)).toBe((0x8000 - 6 * 1000) & 0xffff);
});

it('a debug handler that is a task with its T bit set, and never becomes busy, uses up fuel', () => {
  const GDT = 0xf0000, IDT = 0x4000, TASK = 0x5000;
  const rom = memory.ram('gdt', 0x1000, { rom: true });
  const descriptor = (base: number, limit: number, access: number, flags: number): number[] => {
    return [limit & 0xff, limit >> 8, base & 0xff, (base >> 8) & 0xff, base >> 16, access, flags, 0];
  };
  rom.write(0, Uint8Array.from([...new Uint8Array(8), ...descriptor(0, 0xffff, 0x9b, 0xcf), ...descriptor(0, 0xffff, 0x93, 0xcf), ...descriptor(TASK, 0x67, 0x89, 0)]));
  rom.mapAt(GDT);
  put(IDT + 8, 0, 0, 0x18, 0, 0, 0x85, 0, 0);
  const word = (offset: number, value: number): void => memory.writePhys(TASK + offset, 4, value);
  for (const [offset, value] of [[0x20, CODE], [0x24, 2], [0x38, 0x8000], [0x48, 0x10], [0x4c, 8], [0x50, 0x10], [0x54, 0x10], [0x64, 1]]) word(offset, value);
  const { state } = cpu;
  state.setCr(0, 0x11);
  setSegment(state, CS, 8, 0, 0xffffffff, 0xc09b);
  for (const n of [DS, ES, SS]) setSegment(state, n, 0x10, 0, 0xffffffff, 0xc093);
  setSegment(state, TR, 0x18, TASK, 0x67, 0x8b);
  state.setU32(L.GDTR_BASE, GDT);
  state.setU32(L.GDTR_LIMIT, 0x1f);
  state.setU32(L.IDTR_BASE, IDT);
  state.setU32(L.IDTR_LIMIT, 0x7ff);
  cpu.updateMode();
  put(CODE, 0xf1);
  expect(cpu.run(100)).toBe('budget');
  expect(cpu.instructions).toBe(100);
});

it('TF traps after an instruction that lies in two pages', () => {
  put(4, HANDLER & 0xff, HANDLER >> 8, 0, 0);
  put(HANDLER, 0xf4);
  put(CODE + 0xffe, 0xb8, 0x34, 0x12, 0xf4);
  cpu.state.eip = CODE + 0xffe;
  cpu.state.eflags = 0x102;
  cpu.updateMode();
  expect(cpu.run(100)).toBe('halted');
  expect([cpu.state.reg16(0), cpu.state.eip, cpu.state.dr(6) & 0x4000]).toEqual([0x1234, HANDLER + 1, 0x4000]);
  expect(memory.readPhys(cpu.state.reg16(4), 2)).toBe(CODE + 0x1001);
});

it('a repeated string instruction lets the board in between its iterations', () => {
  onPortWrite = () => cpu.requestAttention();
  cpu.state.setReg(1, 1000);
  put(CODE, 0xf3, 0x6e);
  expect(cpu.run(100_000)).toBe('attention');
  expect([cpu.state.reg16(1), cpu.state.eip, cpu.instructions]).toEqual([999, CODE, 1]);
});

it('a repeated string instruction that faults near the end of a slice takes no more than is left of it', () => {
  const GDT = 0x5000, IDT = 0x4000, DIRECTORY = 0x7000;
  put(GDT + 8, 0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0);
  put(IDT + 8 * 14, HANDLER & 0xff, HANDLER >> 8, 8, 0, 0, 0x8e, 0, 0);
  put(HANDLER, ...Array<number>(400).fill(0x90)); // nop
  put(CODE, 0xf3, 0xa6); // repe cmpsb: the third one is of a page that is not there
  put(DIRECTORY, 0x87, 0, 0, 0); // the first 4 MiB
  const { state } = cpu;
  state.setCr(0, 0x11);
  setSegment(state, CS, 8, 0, 0xffffffff, 0xc09b);
  setSegment(state, SS, 0x10, 0, 0xffffffff, 0xc093);
  setSegment(state, ES, 0x10, 0, 0xffffffff, 0xc093);
  setSegment(state, DS, 0x10, 0, 0xffffffff, 0xc093);
  writeCr4(cpu, CR4_PSE);
  writeCr3(cpu, DIRECTORY);
  writeCr0(cpu, CR0_PG | 0x11);
  for (const [register, value] of [[L.GDTR_BASE, GDT], [L.GDTR_LIMIT, 0x1f], [L.IDTR_BASE, IDT], [L.IDTR_LIMIT, 0x7ff]]) state.setU32(register, value);
  cpu.updateMode();
  state.eip = HANDLER;
  cpu.run(150); // its blocks are known from now on
  for (const fuel of [7, 7, 3, 1, 20]) {
    for (const [register, value] of [[1, 1000], [4, 0x8000], [6, 0x3ffffe], [7, 0x3ffffe]]) state.setReg(register, value);
    state.eip = CODE;
    const before = cpu.instructions;
    expect(cpu.run(fuel)).toBe('budget');
    expect(cpu.instructions - before).toBe(fuel);
  }
});
