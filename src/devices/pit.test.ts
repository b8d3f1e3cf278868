import { beforeEach, describe, expect, it } from 'vitest';
import { ticks } from '../memory/address.ts';
import { timeOfCycle } from './frequency.ts';
import { PIT_HZ, Pit } from './pit.ts';
import { TestBus, TestClock, TestLine } from './test-rig.ts';

let clock: TestClock;
let irq: TestLine;
let pit: Pit;
let bus: TestBus;

beforeEach(() => {
  clock = new TestClock();
  irq = new TestLine();
  pit = new Pit({ clock, irq });
  bus = new TestBus();
  pit.attach(bus);
  pit.reset();
});

/** Moves to `cycle` periods of CLK since power-on. */
const to = (cycle: number): void => clock.advance(timeOfCycle(cycle, PIT_HZ) - clock.now);
const program = (counter: number, mode: number, count: number, bcd = 0): void => {
  bus.out8(0x43, (counter << 6) | 0x30 | (mode << 1) | bcd);
  bus.out8(0x40 + counter, count & 0xff);
  bus.out8(0x40 + counter, count >> 8);
};
const count = (counter: number): number => {
  bus.out8(0x43, counter << 6);
  const low = bus.in8(0x40 + counter);
  return low | (bus.in8(0x40 + counter) << 8);
};
const status = (counter: number): number => {
  bus.out8(0x43, 0xe0 | (2 << counter));
  return bus.in8(0x40 + counter);
};
const out2 = (): boolean => (bus.in8(0x61) & 0x20) !== 0;

describe('8254', () => {
  it('has no deadline while nobody asks for one', () => {
    expect(clock.nextDeadline).toBeUndefined();
    program(1, 2, 18);
    program(2, 3, 1000);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('mode 0 interrupts once, N + 1 cycles after the count was written', () => {
    program(0, 0, 100);
    expect(irq.level).toBe(false);
    expect(status(0)).toBe(0x70); // null count: not loaded yet
    to(1);
    expect(status(0)).toBe(0x30);
    expect(count(0)).toBe(100);
    to(100);
    expect(irq.level).toBe(false);
    expect(count(0)).toBe(1);
    to(101);
    expect(irq.level).toBe(true);
    expect(count(0)).toBe(0);
    to(102);
    expect(count(0)).toBe(0xffff);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('mode 2 interrupts every N cycles without drift', () => {
    program(0, 2, 1193);
    expect(irq.level).toBe(true);
    const before = irq.edges;
    to(1 + 1193 * 1000);
    expect(irq.edges - before).toBe(1000);
    to(1 + 1193 * 1000 + 1192);
    expect(count(0)).toBe(1);
    expect(status(0) & 0x80).toBe(0);
  });

  it('mode 2 takes a new count at the end of the cycle', () => {
    program(0, 2, 100);
    to(50);
    bus.out8(0x40, 10);
    bus.out8(0x40, 0);
    expect(status(0) & 0x40).toBe(0x40);
    const before = irq.edges;
    to(100);
    expect(irq.edges).toBe(before);
    to(101);
    expect(irq.edges).toBe(before + 1);
    to(111);
    expect(irq.edges).toBe(before + 2);
    expect(status(0) & 0x40).toBe(0);
  });

  it('mode 3 is a square wave that counts by two', () => {
    program(0, 3, 10);
    to(1);
    expect([irq.level, count(0)]).toEqual([true, 10]);
    to(3);
    expect(count(0)).toBe(6);
    to(6);
    expect([irq.level, count(0)]).toEqual([false, 10]);
    to(11);
    expect(irq.level).toBe(true);
    program(0, 3, 5);
    to(12);
    to(12 + 2);
    expect(irq.level).toBe(true);
    to(12 + 3);
    expect(irq.level).toBe(false);
    to(12 + 5);
    expect(irq.level).toBe(true);
  });

  it('mode 4 strobes once', () => {
    program(0, 4, 20);
    const before = irq.edges;
    to(21);
    expect(status(0) & 0x80).toBe(0);
    to(22);
    expect(irq.edges).toBe(before + 1);
    expect(clock.nextDeadline).toBeUndefined();
    bus.out8(0x40, 5); // a new count starts it again
    bus.out8(0x40, 0);
    to(22 + 7);
    expect(irq.edges).toBe(before + 2);
  });

  it('mode 1 and mode 5 wait for the gate of counter 2', () => {
    program(2, 1, 10);
    expect(out2()).toBe(true);
    to(5);
    bus.out8(0x61, 1);
    to(6);
    expect(out2()).toBe(false);
    to(15);
    expect(out2()).toBe(false);
    to(16);
    expect(out2()).toBe(true);
    bus.out8(0x61, 0);
    program(2, 5, 10);
    to(20);
    bus.out8(0x61, 1);
    to(30);
    expect(out2()).toBe(true);
    to(31);
    expect(out2()).toBe(false);
    to(32);
    expect(out2()).toBe(true);
  });

  it('stops counter 2 while its gate is low', () => {
    bus.out8(0x61, 1);
    program(2, 0, 1000);
    to(101);
    bus.out8(0x61, 0);
    to(5000);
    expect(count(2)).toBe(900);
    bus.out8(0x61, 1);
    to(5899);
    expect(out2()).toBe(false);
    to(5900);
    expect(out2()).toBe(true);
  });

  it('reloads modes 2 and 3 when the gate rises', () => {
    bus.out8(0x61, 1);
    program(2, 2, 1000);
    to(500);
    bus.out8(0x61, 0);
    to(700);
    bus.out8(0x61, 1);
    to(701);
    expect(count(2)).toBe(1000);
  });

  it('counts in BCD', () => {
    program(2, 2, 0x1000, 1);
    bus.out8(0x61, 1);
    to(2);
    expect(count(2)).toBe(0x0999);
    program(2, 2, 0, 1);
    to(4);
    expect(count(2)).toBe(0x9999);
  });

  it('latches the count and the status until they are read', () => {
    bus.out8(0x61, 1);
    program(2, 2, 0x1234);
    to(1);
    bus.out8(0x43, 0xc8); // read-back of both
    to(1000);
    bus.out8(0x43, 0x80);
    expect([bus.in8(0x42), bus.in8(0x42), bus.in8(0x42)]).toEqual([0xb4, 0x34, 0x12]);
    expect(count(2)).toBe(0x1234 - 999);
  });

  it('reads one byte at a time as the control word says', () => {
    bus.out8(0x61, 1);
    bus.out8(0x43, 0xa0 | 4);
    bus.out8(0x42, 0x12); // high byte only
    to(1);
    expect([bus.in8(0x42), bus.in8(0x42)]).toEqual([0x12, 0x12]);
  });

  it('shows the refresh toggle and keeps the low bits of port 61h', () => {
    bus.out8(0x61, 0xff);
    expect(bus.in8(0x61) & 0x0f).toBe(0x0f);
    expect(pit.speakerOn).toBe(true);
    const before = bus.in8(0x61) & 0x10;
    to(18);
    expect(bus.in8(0x61) & 0x10).not.toBe(before);
  });

  it('goes on from a snapshot', () => {
    program(0, 2, 5000);
    program(2, 3, 77);
    bus.out8(0x61, 3);
    to(1234);
    const state = structuredClone(pit.save());
    const line = new TestLine();
    const other = new Pit({ clock, irq: line });
    other.restore(state);
    expect(other.save()).toEqual(state);
    to(5001);
    expect(line.edges).toBe(2);
  });

  it('is the same after a snapshot that comes between the end of a cycle and its deadline', () => {
    program(0, 2, 5000);
    to(10);
    bus.out8(0x40, 4096 & 0xff);
    bus.out8(0x40, 4096 >> 8);
    clock.now = ticks(timeOfCycle(5002, PIT_HZ));
    const state = structuredClone(pit.save());
    pit.restore(state);
    expect(pit.save()).toEqual(state);
    expect(count(0)).toBe(4095);
  });
});
