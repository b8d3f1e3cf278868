import { beforeEach, expect, it } from 'vitest';
import { TestBus } from '../test-rig.ts';
import { ApicBus, type ApicMessage } from './apic-bus.ts';
import { IoApic } from './io-apic.ts';
import { REDIRECTION_MASKED, REDIRECTION_REMOTE_IRR, TRIGGER_LEVEL } from './registers.ts';

let bus: ApicBus;
let chip: IoApic;
let memory: TestBus;
let sent: ApicMessage[];

beforeEach(() => {
  bus = new ApicBus();
  sent = [];
  bus.add({ matches: () => true, receive: (message) => sent.push(message) });
  chip = new IoApic({ bus });
  memory = new TestBus();
  chip.attach(memory);
  chip.reset();
});

const page = () => memory.memoryRegions[0].handler;
const read = (index: number): number => {
  page().write(0, 4, index);
  return page().read(0x10, 4);
};
const write = (index: number, value: number): void => {
  page().write(0, 4, index);
  page().write(0x10, 4, value);
};
const low = (pin: number): number => 0x10 + 2 * pin;

it('has 24 masked inputs [82093AA 3.2.2]', () => {
  expect(memory.memoryRegions[0].base).toBe(0xfec00000);
  expect(read(1)).toBe(0x00170020);
  expect([read(low(0)), read(low(23)), read(low(24))]).toEqual([REDIRECTION_MASKED, REDIRECTION_MASKED, 0]);
  write(0, 0xff000000);
  expect(read(0)).toBe(0x0f000000);
});

it('sends what an entry says for a rising edge, and loses edges while masked [82093AA 3.2.4]', () => {
  write(low(4) + 1, 0x05000000);
  const line = chip.line(4);
  line.set(true);
  write(low(4), 0x0934);
  expect(sent).toEqual([]);
  line.set(false);
  line.set(true);
  line.set(true);
  expect(sent).toEqual([{ destination: 5, logical: true, mode: 1, vector: 0x34, level: false }]);
});

it('sends a level once until its end, and again while it stays', () => {
  write(low(10), TRIGGER_LEVEL | 0x50);
  const a = chip.line(10), b = chip.line(10);
  a.set(true);
  b.set(true);
  a.set(false);
  expect([sent.length, read(low(10)) & REDIRECTION_REMOTE_IRR]).toEqual([1, REDIRECTION_REMOTE_IRR]);
  bus.endOfInterrupt(0x51);
  expect(sent.length).toBe(1);
  bus.endOfInterrupt(0x50);
  expect(sent.length).toBe(2);
  b.set(false);
  bus.endOfInterrupt(0x50);
  expect([sent.length, read(low(10)) & REDIRECTION_REMOTE_IRR]).toEqual([2, 0]);
});

it('ends an interrupt by its own register, and by a detour over edge mode', () => {
  write(low(10), TRIGGER_LEVEL | 0x50);
  chip.line(10).set(true);
  page().write(0x40, 4, 0x50);
  expect(sent.length).toBe(2);
  write(low(10), REDIRECTION_MASKED | 0x50);
  write(low(10), TRIGGER_LEVEL | 0x50);
  expect(sent.length).toBe(3);
});
