import { beforeEach, describe, expect, it } from 'vitest';
import { Port92 } from '../port92.ts';
import { TestBus, TestClock, TestLine } from '../test-rig.ts';
import { I8042 } from './i8042.ts';
import { usKeystrokes } from './us-layout.ts';

let clock: TestClock;
let irq1: TestLine;
let irq12: TestLine;
let a20: boolean;
let resets: number;
let leds: number;
let i8042: I8042;
let bus: TestBus;

const make = (): I8042 =>
  new I8042({
    clock,
    keyboardIrq: irq1,
    mouseIrq: irq12,
    a20: (on) => (a20 = on),
    resetCpu: () => resets++,
    leds: (value) => (leds = value),
  });

beforeEach(() => {
  clock = new TestClock();
  irq1 = new TestLine();
  irq12 = new TestLine();
  a20 = true;
  resets = 0;
  i8042 = make();
  bus = new TestBus();
  i8042.attach(bus);
  i8042.reset();
});

const command = (value: number, ...parameters: number[]): void => {
  bus.out8(0x64, value);
  for (const parameter of parameters) bus.out8(0x60, parameter);
};
/** Everything that arrives within a while, read by polling. */
const drain = (): number[] => {
  const bytes: number[] = [];
  for (let i = 0; i < 40; i++) {
    if (bus.in8(0x64) & 1) bytes.push(bus.in8(0x60));
    clock.advance(200_000);
  }
  return bytes;
};
/** Sends bytes to a device, waiting for its answers to each. */
const talk = (send: (byte: number) => void, bytes: readonly number[]): number[] =>
  bytes.flatMap((byte) => {
    send(byte);
    return drain();
  });
const keyboard = (...bytes: number[]): number[] => talk((byte) => bus.out8(0x60, byte), bytes);
const mouse = (...bytes: number[]): number[] => talk((byte) => command(0xd4, byte), bytes);

describe('8042 controller', () => {
  it('keeps 16 bytes of each source for a guest that does not take them', () => {
    for (let i = 0; i < 100; i++) {
      command(0xaa);
      bus.out8(0x60, 0xee);
      command(0xd4, 0xee);
      command(0xd4, i);
    }
    const { replies, keyboard: k, mouse: m } = i8042.save();
    expect([replies.length, k.replies.length, m.replies.length]).toEqual([16, 16, 16]);
    expect(m.replies.slice(0, 3)).toEqual([0xfa, 0, 0xee]);
  });

  it('passes its self test and shows the system flag', () => {
    expect(bus.in8(0x64) & 4).toBe(0);
    command(0xaa);
    expect(bus.in8(0x64)).toBe(0x1d);
    expect(bus.in8(0x60)).toBe(0x55);
    command(0xab);
    expect(bus.in8(0x60)).toBe(0);
    command(0xa9);
    expect(bus.in8(0x60)).toBe(0);
  });

  it('keeps the command byte and its memory', () => {
    command(0x60, 0x61);
    command(0x20);
    expect(bus.in8(0x60)).toBe(0x61);
    command(0x71, 0x99);
    command(0x31);
    expect(bus.in8(0x60)).toBe(0x99);
    command(0xa7);
    command(0xad);
    command(0x20);
    expect(bus.in8(0x60)).toBe(0x71);
  });

  it('keeps an answer while the buffer is full', () => {
    command(0xaa);
    command(0xab);
    expect([bus.in8(0x60), bus.in8(0x60)]).toEqual([0x55, 0x00]);
    expect(bus.in8(0x64) & 1).toBe(0);
  });

  it('drives A20 and reset', () => {
    command(0xd1, 0xcd);
    expect(a20).toBe(false);
    command(0xd0);
    expect(bus.in8(0x60) & 2).toBe(0);
    command(0xdf);
    expect(a20).toBe(true);
    command(0xfe);
    command(0xf1);
    expect(resets).toBe(1);
    command(0xd1, 0xce);
    expect(resets).toBe(2);
  });

  it('loops bytes to either buffer with its interrupt', () => {
    command(0xd3, 0xa5);
    expect(bus.in8(0x64) & 0x21).toBe(0x21);
    expect([irq1.level, irq12.level]).toEqual([false, true]);
    expect(bus.in8(0x60)).toBe(0xa5);
    command(0xd2, 0x5a);
    expect([irq1.level, irq12.level]).toEqual([true, false]);
    expect(bus.in8(0x60)).toBe(0x5a);
    expect(irq1.level).toBe(false);
  });
});

describe('keyboard', () => {
  it('sends translated codes one at a time, with an edge of IRQ 1 for each', () => {
    i8042.keyboard.key('KeyA', true);
    i8042.keyboard.key('KeyA', false);
    expect(irq1.level).toBe(false);
    clock.advance(200_000);
    expect(irq1.level).toBe(true);
    expect([bus.in8(0x60), bus.in8(0x60)]).toEqual([0x1e, 0x1e]);
    expect(irq1.level).toBe(false);
    expect(drain()).toEqual([0x9e]);
    expect(irq1.edges).toBe(2);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('knows extended, Pause and Print Screen codes in sets 1 and 2', () => {
    const press = (code: string): number[] => {
      i8042.keyboard.key(code, true);
      i8042.keyboard.key(code, false);
      return drain();
    };
    expect(press('ArrowUp')).toEqual([0xe0, 0x48, 0xe0, 0xc8]);
    expect(press('F7')).toEqual([0x41, 0xc1]);
    expect(press('Pause')).toEqual([0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5]);
    expect(press('PrintScreen')).toEqual([0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa]);
    expect(press('Unidentified')).toEqual([]);
    command(0x60, 0x03);
    expect(press('Delete')).toEqual([0xe0, 0x71, 0xe0, 0xf0, 0x71]);
    expect(keyboard(0xf0, 0x01)).toEqual([0xfa, 0xfa]);
    expect(press('Delete')).toEqual([0xe0, 0x53, 0xe0, 0xd3]);
  });

  it('answers reset, identify, echo, LEDs and the scan code set', () => {
    expect(keyboard(0xff)).toEqual([0xfa, 0xaa]);
    expect(keyboard(0xee)).toEqual([0xee]);
    expect(keyboard(0xf2)).toEqual([0xfa, 0xab, 0x41]);
    expect(keyboard(0xed, 0x05)).toEqual([0xfa, 0xfa]);
    expect(leds).toBe(5);
    expect(keyboard(0xf0, 0x00)).toEqual([0xfa, 0xfa, 0x41]);
    expect(keyboard(0x12)).toEqual([0xfe]);
  });

  it('is silent while scanning or its clock is off', () => {
    keyboard(0xf5);
    i8042.keyboard.key('KeyB', true);
    expect(drain()).toEqual([]);
    keyboard(0xf4);
    command(0xad);
    i8042.keyboard.key('KeyC', true);
    i8042.keyboard.key('KeyC', false);
    expect(drain()).toEqual([]);
    command(0xae);
    expect(drain()).toEqual([0x2e, 0xae]);
  });

  it('repeats the key that is held', () => {
    keyboard(0xf3, 0x00); // a quarter of a second, then 30 a second
    i8042.keyboard.key('KeyA', true);
    i8042.keyboard.key('KeyA', true);
    let bytes = drain();
    for (let i = 0; i < 100; i++) {
      clock.advance(5_000_000);
      if (bus.in8(0x64) & 1) bytes.push(bus.in8(0x60));
    }
    expect(bytes.length).toBeGreaterThan(6);
    expect(bytes.length).toBeLessThan(11);
    expect(new Set(bytes)).toEqual(new Set([0x1e]));
    i8042.keyboard.releaseAll();
    bytes = drain();
    expect(bytes.at(-1)).toBe(0x9e);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('types text with the US layout', () => {
    for (const { code, down } of usKeystrokes('A-\n')) i8042.keyboard.key(code, down);
    expect(drain()).toEqual([0x2a, 0x1e, 0x9e, 0xaa, 0x0c, 0x8c, 0x1c, 0x9c]);
  });
});

describe('mouse', () => {
  it('resets, identifies and reports movement once it is enabled', () => {
    expect(mouse(0xff)).toEqual([0xfa, 0xaa, 0x00]);
    expect(mouse(0xf2)).toEqual([0xfa, 0x00]);
    i8042.mouse.move({ dx: 5, dy: 5, buttons: 0 });
    expect(drain()).toEqual([]);
    expect(mouse(0xf4)).toEqual([0xfa]);
    i8042.mouse.move({ dx: 5, dy: 3, buttons: 1 });
    clock.advance(200_000);
    expect([irq12.level, bus.in8(0x64) & 0x21]).toEqual([true, 0x21]);
    expect(drain()).toEqual([0x29, 5, 0xfd]);
  });

  it('turns into an IntelliMouse by the knock', () => {
    mouse(0xf3, 200, 0xf3, 100, 0xf3, 80);
    expect(mouse(0xf2)).toEqual([0xfa, 0x03]);
    mouse(0xf4);
    i8042.mouse.move({ dx: 0, dy: 0, dz: -1, buttons: 0 });
    expect(drain()).toEqual([0x08, 0, 0, 0xff]);
    mouse(0xf3, 200, 0xf3, 200, 0xf3, 80);
    expect(mouse(0xf2)).toEqual([0xfa, 0x04]);
    i8042.mouse.move({ dx: 0, dy: 0, dz: 1, buttons: 8 });
    expect(drain()).toEqual([0x08, 0, 0, 0x11]);
  });

  it('splits large steps and answers status and remote requests', () => {
    mouse(0xf4);
    i8042.mouse.move({ dx: 300, dy: 0, buttons: 0 });
    expect(drain()).toEqual([0x08, 255, 0, 0x08, 45, 0]);
    expect(mouse(0xe8, 3, 0xe9)).toEqual([0xfa, 0xfa, 0xfa, 0x20, 3, 100]);
    mouse(0xf0);
    i8042.mouse.move({ dx: -2, dy: 0, buttons: 4 });
    expect(drain()).toEqual([]);
    expect(mouse(0xeb)).toEqual([0xfa, 0x1c, 0xfe, 0]);
  });
});

it('goes on from a snapshot', () => {
  mouse(0xf4);
  i8042.keyboard.key('KeyQ', true);
  i8042.mouse.move({ dx: 1, dy: 1, buttons: 2 });
  clock.advance(200_000);
  const state = structuredClone(i8042.save());
  const other = make();
  other.restore(state);
  expect(other.save()).toEqual(state);
  expect(irq1.level).toBe(true);
});

it('port 92h drives A20 and reset', () => {
  const seen: boolean[] = [];
  new Port92({ a20: (on) => seen.push(on), resetCpu: () => resets++ }).attach(bus);
  expect(bus.in8(0x92)).toBe(2);
  bus.out8(0x92, 0);
  bus.out8(0x92, 2);
  expect(seen).toEqual([false, true]);
    bus.out8(0x92, 2);
    expect(seen.length).toBe(3); // the other gate may have closed it
  bus.out8(0x92, 3);
  bus.out8(0x92, 3);
  expect(resets).toBe(1);
});
