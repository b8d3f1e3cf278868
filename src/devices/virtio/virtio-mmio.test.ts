import { beforeEach, expect, it } from 'vitest';
import { TestBus, TestDma, TestLine } from '../test-rig.ts';
import { VirtioConsole } from './console.ts';
import { VirtioMmio } from './virtio-mmio.ts';

const QUEUE_NUM = 0x38, QUEUE_READY = 0x44, QUEUE_NOTIFY = 0x50, STATUS = 0x70, DESC = 0x80, DRIVER = 0x90, DEVICE = 0xa0;

let bus: TestBus;
let device: VirtioMmio;
let fn: VirtioConsole;
let memory: TestDma;
let irq: TestLine;
let printed: number[];

beforeEach(() => {
  bus = new TestBus();
  memory = new TestDma(0x8000);
  irq = new TestLine();
  printed = [];
  fn = new VirtioConsole({ id: 'console', output: (byte) => printed.push(byte) });
  device = new VirtioMmio({ function: fn, memory, irq, base: 0xfeb00000 });
  device.attach(bus);
  device.reset('power-on');
});

const read = (offset: number): number => bus.memoryRegions[0].handler.read(offset, 4);
const write = (offset: number, value: number): void => bus.memoryRegions[0].handler.write(offset, 4, value);

it('says what it is [VIRTIO 4.2.2]', () => {
  expect([0, 4, 8].map(read)).toEqual([0x74726976, 2, 3]);
  write(0x14, 1);
  expect([read(0x10), read(0x34), bus.memoryRegions[0].base]).toEqual([1, 128, 0xfeb00000]);
});

it('carries requests, and interrupts until it is acknowledged', () => {
  write(0x30, 1);
  write(QUEUE_NUM, 8);
  for (const [part, address] of [[DESC, 0x1000], [DRIVER, 0x2000], [DEVICE, 0x3000]]) write(part, address);
  write(QUEUE_READY, 1);
  // What is in use stays where it is.
  write(DESC, 0x7000);
  write(STATUS, 0xf);
  const view = new DataView(memory.bytes.buffer);
  view.setUint32(0x1000, 0x5000, true);
  view.setUint32(0x1008, 2, true);
  memory.bytes.set([0x68, 0x69], 0x5000);
  view.setUint16(0x2002, 1, true);
  write(QUEUE_NOTIFY, 1);
  expect([printed, irq.level, read(0x60)]).toEqual([[0x68, 0x69], true, 1]);
  write(0x64, 1);
  expect([irq.level, read(0x60)]).toEqual([false, 0]);
  const state = device.save();
  write(STATUS, 0);
  expect([read(QUEUE_READY), read(STATUS)]).toEqual([0, 0]);
  device.restore(state);
  expect([device.save(), read(QUEUE_READY)]).toEqual([state, 1]);
});
