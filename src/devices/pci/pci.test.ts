import { beforeEach, describe, expect, it } from 'vitest';
import type { Region } from '../device.ts';
import { Pic } from '../pic.ts';
import { TestBus, TestClock, TestLine } from '../test-rig.ts';
import { I440fx } from './i440fx.ts';
import { PciBus } from './pci-bus.ts';
import { PciConfig } from './pci-config.ts';
import { Piix3 } from './piix3.ts';
import { PM_TIMER_HZ, Piix4Pm } from './piix4-pm.ts';

let bus: TestBus;
let clock: TestClock;
let pic: Pic;
let piix3: Piix3;
let pm: Piix4Pm;
let pci: PciBus;
let i440fx: I440fx;
let sci: TestLine;
let resets: number;
let poweredOff: number;
let shadow: Map<number, string>;
let device: PciConfig;
let io: Region;
let memory: Region;

beforeEach(() => {
  bus = new TestBus();
  clock = new TestClock();
  sci = new TestLine();
  resets = 0;
  poweredOff = 0;
  shadow = new Map();
  pic = new Pic({ intr: new TestLine() });
  piix3 = new Piix3({ irqLine: (irq) => pic.line(irq), resetMachine: () => resets++ });
  pci = new PciBus({ router: piix3, resetControl: piix3.resetControl });
  pm = new Piix4Pm({ clock, sci, powerOff: () => poweredOff++ });
  i440fx = new I440fx({ memory: { setShadow: (base, _size, read, write) => shadow.set(base, `${read}/${write}`) } });
  device = new PciConfig({ vendorId: 0x10ec, deviceId: 0x8029, classCode: 0x020000, interruptPin: 1 });
  const nothing = { read: () => 0x5a, write: () => {} };
  io = bus.ports('nic', 0x20, nothing);
  memory = bus.memory('nic-memory', 0x1000, nothing);
  device.addIoBar(0, io);
  device.addMemoryBar(1, memory, { prefetchable: true });
  device.addRomBar(bus.memory('nic-rom', 0x8000, nothing));
  pci.add(0, 0, i440fx.config);
  pci.add(1, 0, piix3.config);
  pci.add(1, 3, pm.config);
  pci.add(3, 0, device);
  for (const d of [pic, piix3, pci, pm, i440fx]) d.attach(bus);
  for (const d of [pic, piix3, pci, pm, i440fx, device]) d.reset();
});

const address = (slot: number, fn: number, offset: number): number => 0x80000000 + (slot << 11) + (fn << 8) + offset;
const get32 = (slot: number, fn: number, offset: number): number => {
  bus.out32(0xcf8, address(slot, fn, offset & ~3));
  return bus.in32(0xcfc);
};
const set32 = (slot: number, fn: number, offset: number, value: number): void => {
  bus.out32(0xcf8, address(slot, fn, offset));
  bus.out32(0xcfc, value);
};
const set8 = (slot: number, fn: number, offset: number, value: number): void => {
  bus.out32(0xcf8, address(slot, fn, offset & ~3));
  bus.out8(0xcfc + (offset & 3), value);
};

describe('configuration mechanism #1', () => {
  it('finds functions and gives all ones for the rest', () => {
    expect([get32(0, 0, 0), get32(1, 0, 0), get32(1, 3, 0)]).toEqual([0x12378086, 0x70008086, 0x71138086]);
    expect(get32(1, 0, 0x0c) >>> 16).toBe(0x80);
    expect(get32(0, 0, 0x2c)).toBe(0x11001af4);
    expect([get32(7, 0, 0), get32(0, 1, 0)]).toEqual([0xffffffff, 0xffffffff]);
    bus.out32(0xcf8, 0);
    expect(bus.in32(0xcfc)).toBe(0xffffffff);
  });

  it('answers bytes and words of the data port, and only doublewords of the address port', () => {
    bus.out32(0xcf8, address(3, 0, 0));
    expect([bus.in16(0xcfe), bus.in8(0xcfd)]).toEqual([0x8029, 0x10]);
    expect(bus.in8(0xcf8)).toBe(0xff);
    bus.out8(0xcf8, 0);
    expect(bus.in32(0xcf8)).toBe(address(3, 0, 0));
  });

  it('resets the machine by CF9h', () => {
    bus.out8(0xcf9, 0x02);
    expect([resets, bus.in8(0xcf9)]).toEqual([0, 0x02]);
    bus.out8(0xcf9, 0x06);
    expect(resets).toBe(1);
  });
});

describe('base address registers', () => {
  it('can be sized', () => {
    for (const offset of [0x10, 0x14, 0x18, 0x30]) set32(3, 0, offset, 0xffffffff);
    expect([0x10, 0x14, 0x18, 0x30].map((o) => get32(3, 0, o))).toEqual([0xffffffe1, 0xfffff008, 0, 0xffff8001]);
  });

  it('map and unmap their regions with the command register', () => {
    set32(3, 0, 0x10, 0xc001);
    set32(3, 0, 0x14, 0xfebf0000);
    expect([io.base, memory.base]).toEqual([undefined, undefined]);
    set32(3, 0, 4, 1);
    expect([io.base, memory.base]).toEqual([0xc000, undefined]);
    expect(bus.in8(0xc01f)).toBe(0x5a);
    set32(3, 0, 4, 3);
    expect(memory.base).toBe(0xfebf0000);
    set32(3, 0, 0x14, 0xffffffff);
    expect(memory.base).toBeUndefined();
    set32(3, 0, 0x14, 0xe0000000);
    expect(memory.base).toBe(0xe0000000);
    set32(3, 0, 4, 0);
    expect([io.base, memory.base]).toEqual([undefined, undefined]);
  });

  it('keep read-only registers read-only', () => {
    set32(3, 0, 0, 0);
    set32(3, 0, 8, 0xffffffff);
    set32(3, 0, 0x3c, 0xffffff0b);
    expect([get32(3, 0, 0), get32(3, 0, 8), get32(3, 0, 0x3c)]).toEqual([0x802910ec, 0x02000000, 0x010b]);
  });
});

describe('interrupt routing', () => {
  it('goes through the PIRQ registers to a level-triggered input', () => {
    bus.out8(0x4d1, 0x0c);
    for (const [port, value] of [[0xa0, 0x11], [0xa1, 0x70], [0xa1, 2], [0xa1, 1], [0xa1, 0]]) bus.out8(port, value);
    // The request register is what a read gives after initialisation.
    const request = (): number => bus.in8(0xa0);
    device.interrupt.set(true);
    expect(request()).toBe(0);
    set8(1, 0, 0x62, 11); // slot 3, INTA#: PIRQC#
    expect(request()).toBe(0x08);
    expect(get32(3, 0, 4) & 0x80000).not.toBe(0);
    set8(1, 0, 0x62, 10);
    expect(request()).toBe(0x04);
    set32(3, 0, 4, 0x400); // interrupt disable
    expect(request()).toBe(0);
    set32(3, 0, 4, 0);
    set8(1, 0, 0x62, 0x80);
    expect(request()).toBe(0);
  });

  it('ORs wires that share an input', () => {
    set32(1, 0, 0x60, 0x0b0b0b0b);
    bus.out8(0x4d1, 0x08);
    const [a, b] = [piix3.pirq(0), piix3.pirq(1)];
    const high = (): boolean => ((pic.save().slave.inputs >> 3) & 1) === 1;
    a.set(true);
    b.set(true);
    a.set(false);
    expect(high()).toBe(true);
    b.set(false);
    expect(high()).toBe(false);
  });
});

describe('i440FX', () => {
  it('shadows by the PAM registers', () => {
    expect(shadow.get(0xf0000)).toBe('bus/bus');
    set8(0, 0, 0x59, 0x30);
    expect(shadow.get(0xf0000)).toBe('ram/ram');
    set8(0, 0, 0x59, 0x10);
    expect(shadow.get(0xf0000)).toBe('ram/bus');
    set8(0, 0, 0x5a, 0x21);
    expect([shadow.get(0xc0000), shadow.get(0xc4000)]).toEqual(['ram/bus', 'bus/ram']);
    set8(0, 0, 0x5f, 0x33);
    expect([shadow.get(0xe8000), shadow.get(0xec000)]).toEqual(['ram/ram', 'ram/ram']);
    i440fx.reset();
    expect(new Set(shadow.values())).toEqual(new Set(['bus/bus']));
  });

  it('opens SMRAM until it is locked', () => {
    set8(0, 0, 0x72, 0x4a);
    expect(shadow.get(0xa0000)).toBe('ram/ram');
    set8(0, 0, 0x72, 0x1a);
    set8(0, 0, 0x72, 0x4a);
    expect(shadow.get(0xa0000)).toBe('bus/bus');
    expect(get32(0, 0, 0x70) >>> 16).toBe(0x1a);
  });
});

describe('PIIX4 power management', () => {
  beforeEach(() => pm.configure());

  it('is where the firmware puts it', () => {
    expect(get32(1, 3, 0x40)).toBe(0x601);
    expect(get32(1, 3, 0x58)).toBe(0x02000000);
    set32(1, 3, 0x40, 0xb001);
    expect(bus.in16(0xb000)).toBe(0);
    set8(1, 3, 0x80, 0);
    expect(bus.in16(0xb000)).toBe(0xffff);
  });

  it('has a timer of 24 bits', () => {
    clock.advance(1e9);
    expect(bus.in32(0x608)).toBe(PM_TIMER_HZ);
    clock.advance(4e9);
    expect(bus.in32(0x608)).toBe((5 * PM_TIMER_HZ) % (1 << 24));
  });

  it('reports the timer overflow and the power button by the SCI once ACPI is on', () => {
    bus.out16(0x602, 0x0101);
    bus.out8(0xb2, 0xf1);
    expect(bus.in16(0x604)).toBe(1);
    expect(bus.in8(0xb2)).toBe(0xf1);
    clock.advance(2.35e9);
    expect(sci.level).toBe(true);
    expect(bus.in16(0x600)).toBe(1);
    bus.out16(0x600, 1);
    expect(sci.level).toBe(false);
    bus.out16(0x602, 0x0100);
    expect(clock.nextDeadline).toBeUndefined();
    pm.pressPowerButton();
    expect(sci.level).toBe(true);
    bus.out8(0xb2, 0xf0);
    expect(sci.level).toBe(false);
  });

  it('powers off by S5 and not by other sleep types', () => {
    bus.out16(0x604, 0x2401);
    expect(poweredOff).toBe(0);
    bus.out16(0x604, 0x2001);
    expect(poweredOff).toBe(1);
    expect(bus.in16(0x604) & 0x2000).toBe(0);
  });

  it('goes on from a snapshot', () => {
    bus.out16(0x602, 0x0001);
    clock.advance(1e9);
    const state = structuredClone(pm.save());
    const other = new Piix4Pm({ clock, sci: new TestLine(), powerOff: () => {} });
    const ports = new TestBus();
    other.attach(ports);
    other.restore(state);
    expect(other.save()).toEqual(state);
    expect(ports.in16(0x602)).toBe(1);
  });
});

it('configuration space goes on from a snapshot', () => {
  set32(3, 0, 0x10, 0xc001);
  set32(3, 0, 4, 7);
  const state = structuredClone(device.save());
  device.reset();
  expect(io.base).toBeUndefined();
  device.restore(state);
  expect(io.base).toBe(0xc000);
  expect(device.busMaster).toBe(true);
});
