import { expect, test } from 'vitest';
import type { IoHandler } from '../devices/device.ts';
import { PortBus } from './port-bus.ts';

function recorder(): IoHandler & { log: string[] } {
  const log: string[] = [];
  return {
    log,
    read: (offset, width) => {
      log.push(`r${width}@${offset}`);
      return 0xa0 + offset;
    },
    write: (offset, width, value) => {
      log.push(`w${width}@${offset}=${value.toString(16)}`);
    },
  };
}

test('ports nobody claims read as all ones and swallow writes', () => {
  const bus = new PortBus();
  expect(bus.readPort(0x80, 1)).toBe(0xff);
  expect(bus.readPort(0x80, 2)).toBe(0xffff);
  expect(bus.readPort(0xffff, 4)).toBe(0xffffffff);
  bus.writePort(0xfffe, 4, 1);
});

test('an access is passed on, split, or shared between regions and open bus', () => {
  const bus = new PortBus();
  const bytes = recorder();
  const words = recorder();
  bus.ports('bytes', 2, bytes).mapAt(0x60);
  bus.ports('words', 4, words, { widths: [1, 2] }).mapAt(0x62);
  bus.writePort(0x60, 4, 0x44332211);
  expect(bytes.log).toEqual(['w1@0=11', 'w1@1=22']);
  expect(words.log).toEqual(['w2@0=4433']);
  expect(bus.readPort(0x64, 4)).toBe(0xffff00a2);
  expect(bus.readPort(0x63, 2)).toBe(0xa1);
  expect(words.log.slice(1)).toEqual(['r2@2', 'r2@1']);
});

test('an overlap throws while wiring; afterwards the first one wins and the other shows when it leaves', () => {
  const bus = new PortBus();
  const first = bus.ports('first', 4, { read: () => 1, write: () => {} });
  const second = bus.ports('second', 4, { read: () => 2, write: () => {} });
  first.mapAt(0x100);
  expect(() => second.mapAt(0x102)).toThrow(/overlap first/);
  bus.seal();
  second.mapAt(0x102);
  expect(bus.readPort(0x103, 1)).toBe(1);
  expect(bus.readPort(0x104, 1)).toBe(2);
  first.unmap();
  expect(bus.readPort(0x103, 1)).toBe(2);
  expect(bus.readPort(0x100, 1)).toBe(0xff);
  second.mapAt(0xfffe);
  expect(bus.readPort(0xffff, 1)).toBe(2);
  expect(bus.readPort(0, 1)).toBe(0xff);
});
