import { beforeEach, expect, it } from 'vitest';
import { TestBus, TestDma, TestLine } from '../test-rig.ts';
import { VirtioConsole } from './console.ts';
import { VirtioRng } from './rng.ts';
import { TestDoor } from './test-driver.ts';
import { VirtioPci } from './virtio-pci.ts';

let bus: TestBus;
let device: VirtioPci;
let fn: VirtioConsole;
let memory: TestDma;
let pin: TestLine;
let messages: [address: number, data: number][];

beforeEach(() => {
  bus = new TestBus();
  memory = new TestDma(0x20000);
  pin = new TestLine();
  messages = [];
  fn = new VirtioConsole({ id: 'console', output: () => {} });
  device = new VirtioPci({ function: fn, memory, messages: { message: (address, data) => messages.push([address, data]) } });
  device.attach(bus);
  device.config.connect(pin);
  device.reset('power-on');
  device.config.write(0x10, 4, 0xc000);
  device.config.write(0x04, 2, 7);
});

const modern = () => bus.memoryRegions.find(({ name }) => name === 'console-modern')!.handler;
const table = () => bus.memoryRegions.find(({ name }) => name === 'console-msix')!.handler;

/** Capabilities as [id, offset], in the order of the list. */
function capabilities(): [number, number][] {
  const found: [number, number][] = [];
  for (let at = device.config.read(0x34, 1); at !== 0; at = device.config.read(at + 1, 1)) found.push([device.config.read(at, 1), at]);
  return found;
}

/** A queue at 1000h with one buffer of four bytes at 5000h. */
function offerBuffer(size = 128): void {
  const view = new DataView(memory.bytes.buffer);
  view.setUint32(0x1000, 0x5000, true);
  view.setUint32(0x1008, 4, true);
  view.setUint16(0x100c, 2, true);
  const available = 0x1000 + 16 * size;
  view.setUint16(available + 2, 1, true);
}

it('is a transitional device with structures for both kinds of drivers [VIRTIO 4.1]', () => {
  expect([device.config.read(0, 4), device.config.read(0x2c, 4) >>> 0]).toEqual([0x10031af4, 0x00031af4]);
  const list = capabilities();
  expect(list.map(([id]) => id)).toEqual([9, 9, 9, 9, 9, 0x11]);
  const kinds = list.filter(([id]) => id === 9).map(([, at]) => [3, 4, 8].map((field) => device.config.read(at + field, field === 8 ? 4 : 1)));
  expect(kinds).toEqual([[5, 0, 0], [2, 4, 0x3000], [4, 4, 0x2000], [3, 4, 0x1000], [1, 4, 0]]);
});

it('works for a legacy driver, by the interrupt pin', () => {
  expect(bus.in16(0xc00c)).toBe(128);
  bus.out32(0xc008, 1);
  offerBuffer();
  bus.out8(0xc012, 7);
  fn.receive(Uint8Array.of(1, 2));
  expect([[...memory.bytes.subarray(0x5000, 0x5002)], pin.level]).toEqual([[1, 2], true]);
  expect([bus.in8(0xc013), pin.level, bus.in8(0xc013)]).toEqual([1, false, 0]);
  bus.out32(0xc008, 0);
  expect(bus.in32(0xc008)).toBe(0);
});

it('works for a modern driver, by messages', () => {
  const msix = capabilities().find(([id]) => id === 0x11)![1];
  device.config.write(msix + 2, 2, 0x8000);
  expect(device.config.read(msix + 2, 2)).toBe(0x8002);
  table().write(0x10, 4, 0xfee00000);
  table().write(0x18, 4, 0x41);
  const common = modern();
  common.write(0x1a, 2, 1);
  common.write(0x20, 4, 0x1000);
  common.write(0x28, 4, 0x1000 + 16 * 128);
  common.write(0x30, 4, 0x3000);
  common.write(0x1c, 2, 1);
  common.write(0x14, 1, 0xf);
  offerBuffer();
  common.write(0x3000, 2, 0);
  fn.receive(Uint8Array.of(1));
  expect([messages, table().read(0x800, 4)]).toEqual([[], 2]);
  table().write(0x1c, 4, 0);
  expect([messages, table().read(0x800, 4), pin.level]).toEqual([[[0xfee00000, 0x41]], 0, false]);
});

it('moves nothing and sends no message unless it may be a bus master [PCI 2.3, 6.2.2]', () => {
  bus.out32(0xc008, 1);
  offerBuffer();
  device.config.write(0x04, 2, 3);
  bus.out8(0xc012, 7);
  fn.receive(Uint8Array.of(1, 2));
  bus.out16(0xc010, 0);
  expect([[...memory.bytes.subarray(0x5000, 0x5002)], pin.level, bus.in8(0xc012)]).toEqual([[0, 0], false, 7]);
  device.config.write(0x04, 2, 7);
  bus.out16(0xc010, 0);
  expect([[...memory.bytes.subarray(0x5000, 0x5002)], pin.level]).toEqual([[1, 2], true]);
});

it('a request under way when the guest takes that away is not answered', () => {
  const door = new TestDoor();
  const rng = new VirtioPci({
    function: new VirtioRng({ id: 'rng', door, random: (length) => new Uint8Array(length).fill(7) }), memory, messages: { message: () => {} },
  });
  const other = new TestBus();
  rng.attach(other);
  rng.reset('power-on');
  rng.config.write(0x10, 4, 0xc000);
  rng.config.write(0x04, 2, 7);
  other.out32(0xc008, 1);
  offerBuffer(8);
  other.out8(0xc012, 7);
  rng.config.write(0x04, 2, 3);
  const before = memory.bytes.slice();
  door.open();
  expect(memory.bytes).toEqual(before);
});

it('is a bus master for a legacy driver that forgets to ask for it', () => {
  device.config.write(0x04, 2, 3);
  bus.out8(0xc012, 1);
  expect(device.config.read(0x04, 2)).toBe(3);
  bus.out8(0xc012, 3);
  expect(device.config.read(0x04, 2)).toBe(7);
});

it('refuses features that it does not have, vectors and sizes that there are not', () => {
  const common = modern();
  common.write(0x08, 4, 1);
  common.write(0x0c, 4, 0xffffffff);
  common.write(0x14, 1, 0xb);
  expect(common.read(0x14, 1)).toBe(3);
  common.write(0x10, 2, 9);
  common.write(0x18, 2, 24);
  common.write(0x18, 2, 256);
  expect([common.read(0x10, 2), common.read(0x18, 2)]).toEqual([0xffff, 128]);
  common.write(0x16, 2, 2);
  expect(common.read(0x18, 2)).toBe(0);
});

it('shows its structures through configuration space [VIRTIO 4.1.4.9]', () => {
  const window = capabilities()[0][1];
  device.config.write(window + 4, 1, 4);
  device.config.write(window + 8, 4, 0x12);
  device.config.write(window + 12, 4, 2);
  expect(device.config.read(window + 16, 2)).toBe(2);
  device.config.write(window + 8, 4, 0x16);
  device.config.write(window + 16, 2, 1);
  expect(modern().read(0x16, 2)).toBe(1);
});

it('is the same after saving and restoring', () => {
  modern().write(0x14, 1, 3);
  table().write(0x10, 4, 0xfee00000);
  const state = device.save();
  device.reset('warm');
  device.restore(state);
  expect(device.save()).toEqual(state);
});
