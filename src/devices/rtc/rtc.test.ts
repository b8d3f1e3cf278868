import { beforeEach, describe, expect, it } from 'vitest';
import { TestBus, TestClock, TestLine } from '../test-rig.ts';
import { cmosNvram } from './cmos.ts';
import { Rtc } from './rtc.ts';

const SECOND = 1e9;
const START = Date.UTC(2026, 10, 24, 13, 59, 58) / 1000;

let clock: TestClock;
let irq: TestLine;
let rtc: Rtc;
let bus: TestBus;

beforeEach(() => {
  clock = new TestClock();
  irq = new TestLine();
  rtc = new Rtc({ clock, irq, startSeconds: START, nvram: new Map([[0x40, 0x77]]) });
  bus = new TestBus();
  rtc.attach(bus);
  rtc.reset();
});

const get = (index: number): number => {
  bus.out8(0x70, index);
  return bus.in8(0x71);
};
const set = (index: number, value: number): void => {
  bus.out8(0x70, index);
  bus.out8(0x71, value);
};
const time = (): number[] => [0x32, 9, 8, 7, 4, 2, 0].map(get);

describe('MC146818', () => {
  it('shows the start date and goes with the virtual clock', () => {
    expect(time()).toEqual([0x20, 0x26, 0x11, 0x24, 0x13, 0x59, 0x58]);
    expect(get(6)).toBe(3); // Tuesday
    clock.advance(2 * SECOND);
    expect(time()).toEqual([0x20, 0x26, 0x11, 0x24, 0x14, 0x00, 0x00]);
    expect(get(0x0d)).toBe(0x80);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('speaks binary and twelve hours', () => {
    set(0x0b, 0x04);
    expect(time()).toEqual([20, 26, 11, 24, 0x81, 59, 58]);
  });

  it('is set while SET is on, and counts on from there', () => {
    set(0x0b, 0x82);
    clock.advance(5 * SECOND);
    const values = [0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59];
    for (const [i, value] of values.entries()) set([0x32, 9, 8, 7, 4, 2, 0][i], value);
    expect(get(0)).toBe(0x59);
    set(0x0b, 0x02);
    clock.advance(SECOND);
    expect(time()).toEqual([0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00]);
  });

  it('updates half a second after its divider was released', () => {
    set(0x0a, 0x76);
    clock.advance(10 * SECOND);
    expect(get(0)).toBe(0x58);
    set(0x0a, 0x26);
    clock.advance(0.4 * SECOND);
    expect(get(0)).toBe(0x58);
    clock.advance(0.1 * SECOND);
    expect(get(0)).toBe(0x59);
  });

  it('announces an update', () => {
    clock.advance(0.5 * SECOND);
    expect(get(0x0a)).toBe(0x26);
    clock.advance(0.5 * SECOND - 100_000);
    expect(get(0x0a)).toBe(0xa6);
    clock.advance(100_000);
    expect(get(0x0a)).toBe(0x26);
  });

  it('interrupts after each update, until register C is read', () => {
    set(0x0b, 0x12);
    clock.advance(SECOND);
    expect(irq.level).toBe(true);
    clock.advance(3 * SECOND);
    expect(irq.edges).toBe(1);
    expect(get(0x0c)).toBe(0xf0 & ~0x20);
    expect(irq.level).toBe(false);
    expect(get(0x0c)).toBe(0);
    clock.advance(SECOND);
    expect(irq.edges).toBe(2);
  });

  it('interrupts periodically at the rate of register A', () => {
    set(0x0b, 0x42);
    const count = (): number => {
      const before = irq.edges;
      const end = clock.now + SECOND;
      while (clock.now < end) {
        clock.advance(Math.min((clock.nextDeadline ?? end) - clock.now, end - clock.now));
        if (irq.level) get(0x0c);
      }
      return irq.edges - before;
    };
    expect(count()).toBe(1024);
    set(0x0a, 0x2f);
    expect(count()).toBe(2);
    set(0x0a, 0x20);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('raises the alarm, with fields that match everything', () => {
    set(1, 0x01);
    set(3, 0x00);
    set(5, 0xff);
    set(0x0b, 0x22);
    clock.advance(2.5 * SECOND);
    expect(irq.level).toBe(false);
    clock.advance(0.5 * SECOND);
    expect(irq.level).toBe(true);
    expect(get(0x0c) & 0xa0).toBe(0xa0);
    clock.advance(3599 * SECOND);
    expect(irq.level).toBe(false);
    clock.advance(SECOND);
    expect(irq.level).toBe(true);
    get(0x0c);
    set(5, 0x25);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('sets its flags without interrupts', () => {
    clock.advance(SECOND);
    expect(get(0x0c)).toBe(0x50);
    set(0x0b, 0x12);
    expect(irq.level).toBe(false);
  });

  it('keeps its memory over a reset', () => {
    set(0x0f, 0x05);
    set(0x0b, 0x72);
    rtc.reset();
    expect([get(0x40), get(0x0f), get(0x0b)]).toEqual([0x77, 0x05, 0x02]);
    expect(get(0xc0)).toBe(0x77); // the top bit of the index masks NMI
  });

  it('goes on from a snapshot', () => {
    set(0x0b, 0x12);
    clock.advance(0.25 * SECOND);
    const state = structuredClone(rtc.save());
    const line = new TestLine();
    const other = new Rtc({ clock, irq: line, startSeconds: 0 });
    other.restore(state);
    expect(other.save()).toEqual(state);
    clock.advance(SECOND);
    expect(line.level).toBe(true);
  });
});

it('CMOS memory tells SeaBIOS sizes and boot order', () => {
  const nvram = cmosNvram({
    ramBytes: 256 << 20,
    bootOrder: ['cdrom', 'disk', 'floppy'],
    floppies: [4],
    diskSectors: [2_000_000, 1000],
  });
  const word = (index: number): number => nvram.get(index)! | (nvram.get(index + 1)! << 8);
  expect([word(0x15), word(0x17), word(0x30), word(0x34)]).toEqual([640, 0xffff, 0xffff, 3840]);
  expect([nvram.get(0x3d), nvram.get(0x38), nvram.get(0x10), nvram.get(0x14)]).toEqual([0x23, 0x10, 0x40, 0x07]);
  expect([nvram.get(0x39), nvram.get(0x5f)]).toEqual([0x01, 0]);
});
