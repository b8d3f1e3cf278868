import { beforeEach, expect, it } from 'vitest';
import { Hpet } from './hpet.ts';
import { TestBus, TestClock, TestLine } from './test-rig.ts';

const CONFIGURATION = 0x10, STATUS = 0x20, COUNTER = 0xf0, TIMER0 = 0x100, TIMER2 = 0x140;
const LEVEL = 2, ENABLE = 4, PERIODIC = 8, VAL_SET = 0x40, MODE_32 = 0x100, ROUTE_2 = 2 << 9;

let clock: TestClock;
let irq0: TestLine;
let irq8: TestLine;
let routed: TestLine;
let hpet: Hpet;
let bus: TestBus;

beforeEach(() => {
  clock = new TestClock();
  [irq0, irq8, routed] = [new TestLine(), new TestLine(), new TestLine()];
  hpet = new Hpet({ clock, irq0, irq8, routed });
  bus = new TestBus();
  hpet.attach(bus);
  hpet.reset();
});

const read = (offset: number): number => bus.memoryRegions[0].handler.read(offset, 4);
const write = (offset: number, value: number): void => bus.memoryRegions[0].handler.write(offset, 4, value);

it('counts at 100 MHz while enabled [HPET 2.3.4, 2.3.7]', () => {
  expect([read(0) >>> 0, read(4)]).toEqual([0x8086a201, 10_000_000]);
  clock.advance(1000);
  expect(read(COUNTER)).toBe(0);
  write(COUNTER, 0xfffffff0);
  write(COUNTER + 4, 7);
  write(CONFIGURATION, 1);
  clock.advance(200);
  expect([read(COUNTER), read(COUNTER + 4)]).toEqual([4, 8]);
  write(CONFIGURATION, 0);
  clock.advance(200);
  expect(read(COUNTER)).toBe(4);
});

it('interrupts once at a comparator, by its route', () => {
  write(TIMER2, ENABLE | ROUTE_2 | MODE_32);
  write(TIMER2 + 8, 50);
  write(CONFIGURATION, 1);
  clock.advance(499);
  expect(routed.edges).toBe(0);
  clock.advance(1);
  expect(routed.edges).toBe(1);
  clock.advance(1_000_000);
  expect(routed.edges).toBe(1);
});

it('repeats, and takes the place of the 8254 in legacy replacement [HPET 2.3.9.2.2, 2.3.5]', () => {
  hpet.pit.set(true);
  expect(irq0.level).toBe(true);
  write(TIMER0, ENABLE | PERIODIC | VAL_SET | MODE_32);
  write(TIMER0 + 8, 100);
  write(TIMER0 + 8, 40);
  write(CONFIGURATION, 3);
  expect(irq0.level).toBe(false);
  hpet.pit.set(false);
  hpet.pit.set(true);
  expect(irq0.edges).toBe(1);
  const at: number[] = [];
  for (let i = 0; i < 3; i++) {
    const { edges } = irq0;
    while (irq0.edges === edges) clock.advance(10);
    at.push(clock.now);
  }
  expect(at).toEqual([1000, 1400, 1800]);
  write(CONFIGURATION, 1);
  expect(irq0.level).toBe(true);
  hpet.rtc.set(true);
  expect(irq8.level).toBe(true);
});

it('holds its line while a level-triggered interrupt is not cleared [HPET 2.3.6]', () => {
  write(TIMER2, ENABLE | LEVEL | ROUTE_2);
  write(TIMER2 + 8, 10);
  write(TIMER2 + 12, 0);
  write(CONFIGURATION, 1);
  clock.advance(100);
  expect([routed.level, read(STATUS)]).toEqual([true, 4]);
  write(STATUS, 4);
  expect([routed.level, read(STATUS)]).toEqual([false, 0]);
});

it('is the same after saving and restoring', () => {
  write(TIMER0, ENABLE | PERIODIC | VAL_SET | MODE_32);
  write(TIMER0 + 8, 100);
  write(TIMER0 + 8, 40);
  write(CONFIGURATION, 3);
  clock.advance(1090);
  const state = hpet.save();
  hpet.reset();
  hpet.restore(state);
  expect([hpet.save(), clock.nextDeadline]).toEqual([state, 1400]);
});
