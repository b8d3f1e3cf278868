import { beforeEach, describe, expect, it } from 'vitest';
import { Pic } from './pic.ts';
import { TestBus, TestLine } from './test-rig.ts';

let pic: Pic;
let bus: TestBus;
let intr: TestLine;

function initialise(icw4 = 0x01, mask = 0): void {
  for (const [port, base, icw3] of [[0x20, 0x08, 0x04], [0xa0, 0x70, 0x02]]) {
    bus.out8(port, 0x11);
    bus.out8(port + 1, base);
    bus.out8(port + 1, icw3);
    bus.out8(port + 1, icw4);
    bus.out8(port + 1, mask);
  }
}

beforeEach(() => {
  intr = new TestLine();
  pic = new Pic({ intr });
  bus = new TestBus();
  pic.attach(bus);
  pic.reset();
  initialise();
});

const ocw3Read = (port: number, command: number): number => {
  bus.out8(port, command);
  return bus.in8(port);
};
const irr = (port = 0x20): number => ocw3Read(port, 0x0a);
const isr = (port = 0x20): number => ocw3Read(port, 0x0b);

describe('8259A pair', () => {
  it('lets nothing through until it is programmed', () => {
    pic.reset();
    pic.line(1).set(true);
    expect(intr.level).toBe(false);
  });

  it('gives the vector of an edge once', () => {
    pic.line(1).set(true);
    expect(pic.pending).toBe(true);
    expect(pic.acknowledge()).toBe(0x09);
    expect(pic.pending).toBe(false);
    expect(isr()).toBe(0x02);
    bus.out8(0x20, 0x20);
    expect(isr()).toBe(0);
    expect(pic.pending).toBe(false);
  });

  it('drops an edge that falls before the acknowledge, leaving a spurious interrupt', () => {
    const line = pic.line(3);
    line.set(true);
    line.set(false);
    expect(intr.edges).toBe(1);
    expect(pic.pending).toBe(false);
    expect(pic.acknowledge()).toBe(0x0f);
    expect(isr()).toBe(0);
  });

  it('drops the cascade input with the slave’s request, so that what is left is the master’s spurious interrupt', () => {
    pic.line(14).set(true);
    expect(irr()).toBe(0x04);
    bus.out8(0xa1, 0x40);
    expect([irr(), pic.pending]).toEqual([0, false]);
    expect(pic.acknowledge()).toBe(0x0f);
    expect([isr(), isr(0xa0)]).toEqual([0, 0]);
  });

  it('asks again for a level input that stays high', () => {
    bus.out8(0x4d1, 0x0c);
    expect(bus.in8(0x4d1)).toBe(0x0c);
    const line = pic.line(11);
    line.set(true);
    expect(pic.acknowledge()).toBe(0x73);
    expect([isr(), isr(0xa0)]).toEqual([0x04, 0x08]);
    bus.out8(0xa0, 0x20);
    bus.out8(0x20, 0x20);
    expect(pic.pending).toBe(true);
    line.set(false);
    expect(pic.pending).toBe(false);
  });

  it('keeps the fixed inputs edge-triggered', () => {
    bus.out8(0x4d0, 0xff);
    bus.out8(0x4d1, 0xff);
    expect([bus.in8(0x4d0), bus.in8(0x4d1)]).toEqual([0xf8, 0xde]);
  });

  it('ORs the sources of one input', () => {
    bus.out8(0x4d1, 0x04);
    const [a, b] = [pic.line(10), pic.line(10)];
    a.set(true);
    b.set(true);
    a.set(false);
    expect(pic.pending).toBe(true);
    b.set(false);
    expect(pic.pending).toBe(false);
  });

  it('nests by priority and masks', () => {
    pic.line(4).set(true);
    expect(pic.acknowledge()).toBe(0x0c);
    pic.line(5).set(true);
    expect(pic.pending).toBe(false);
    pic.line(3).set(true);
    expect(pic.pending).toBe(true);
    bus.out8(0x21, 0x08);
    expect(pic.pending).toBe(false);
    expect(irr()).toBe(0x28);
    expect(bus.in8(0x21)).toBe(0x08);
    bus.out8(0x20, 0x20);
    expect(pic.acknowledge()).toBe(0x0d);
  });

  it('rotates priorities by OCW2', () => {
    bus.out8(0x20, 0xc3); // level 3 becomes the lowest
    pic.line(3).set(true);
    pic.line(4).set(true);
    expect(pic.acknowledge()).toBe(0x0c);
    bus.out8(0x20, 0xa0); // rotate on non-specific EOI: 4 is now the lowest
    pic.line(5).set(true);
    expect(pic.acknowledge()).toBe(0x0d);
    bus.out8(0x20, 0x65); // specific EOI
    expect(pic.acknowledge()).toBe(0x0b);
  });

  it('lets lower levels through in special mask mode', () => {
    pic.line(2 + 1).set(true);
    pic.acknowledge();
    pic.line(6).set(true);
    expect(pic.pending).toBe(false);
    bus.out8(0x21, 0x08);
    bus.out8(0x20, 0x68);
    expect(pic.pending).toBe(true);
    expect(pic.acknowledge()).toBe(0x0e);
    bus.out8(0x20, 0x20); // non-specific: the masked level 3 stays in service
    expect(isr()).toBe(0x08);
  });

  it('blocks the whole slave in fully nested mode, and not in special fully nested mode', () => {
    pic.line(12).set(true);
    expect(pic.acknowledge()).toBe(0x74);
    pic.line(9).set(true);
    expect(pic.pending).toBe(false);
    initialise(0x11);
    pic.line(14).set(true);
    expect(pic.acknowledge()).toBe(0x76);
    pic.line(10).set(true);
    expect(pic.acknowledge()).toBe(0x72);
  });

  it('ends automatically with AEOI', () => {
    initialise(0x03);
    pic.line(1).set(true);
    pic.line(9).set(true);
    pic.line(8).set(true);
    expect([pic.acknowledge(), pic.acknowledge(), pic.acknowledge()]).toEqual([0x09, 0x70, 0x71]);
    expect(isr()).toBe(0);
    expect(pic.pending).toBe(false);
  });

  it('answers a poll and takes the request with it', () => {
    pic.line(6).set(true);
    bus.out8(0x20, 0x0c);
    expect(bus.in8(0x20)).toBe(0x86);
    expect(pic.pending).toBe(false);
    bus.out8(0x20, 0x0c);
    expect(bus.in8(0x20)).toBe(0);
    expect(isr()).toBe(0x40);
  });

  it('forgets edges when it is initialised', () => {
    pic.line(5).set(true);
    initialise();
    expect(pic.pending).toBe(false);
  });

  it('goes on from a snapshot', () => {
    const line = pic.line(12);
    pic.line(4).set(true);
    pic.acknowledge();
    line.set(true);
    const state = structuredClone(pic.save());
    const other = new Pic({ intr: new TestLine() });
    other.restore(state);
    expect(other.save()).toEqual(state);
    other.line(12).set(true); // a device that drives its line again makes no new edge
    expect(other.save()).toEqual(state);
    expect(other.acknowledge()).toBe(0x74);
  });
});
