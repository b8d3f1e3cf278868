import { beforeEach, describe, expect, it } from 'vitest';
import { TestBus, TestClock, TestLine } from '../test-rig.ts';
import { Uart } from './uart.ts';

let clock: TestClock;
let irq: TestLine;
let uart: Uart;
let bus: TestBus;
let sent: number[];

const make = (): Uart => new Uart({ id: 'serial0', base: 0x3f8, clock, irq, output: (byte) => sent.push(byte) });
const text = (s: string): Uint8Array => new TextEncoder().encode(s);
/** One character at 115200 baud, 8N1. */
const CHARACTER = 86806;

beforeEach(() => {
  clock = new TestClock();
  irq = new TestLine();
  sent = [];
  uart = make();
  bus = new TestBus();
  uart.attach(bus);
  uart.reset();
  bus.out8(0x3fb, 0x83);
  bus.out8(0x3f8, 1);
  bus.out8(0x3f9, 0);
  bus.out8(0x3fb, 0x03);
  bus.out8(0x3fc, 0x0b);
});

describe('16550A', () => {
  it('keeps the divisor behind DLAB', () => {
    bus.out8(0x3fb, 0x83);
    bus.out16(0x3f8, 0x0180);
    expect([bus.in8(0x3f8), bus.in8(0x3f9)]).toEqual([0x80, 0x01]);
    bus.out8(0x3fb, 0x03);
    expect(bus.in8(0x3f9)).toBe(0);
  });

  it('sends at once', () => {
    bus.out8(0x3f8, 0x41);
    expect(sent).toEqual([0x41]);
    expect(bus.in8(0x3fd)).toBe(0x60);
  });

  it('interrupts for an empty transmitter when that is enabled, until IIR is read', () => {
    bus.out8(0x3f9, 0x02);
    expect(irq.level).toBe(true);
    expect(bus.in8(0x3fa)).toBe(0x02);
    expect(irq.level).toBe(false);
    expect(bus.in8(0x3fa)).toBe(0x01);
    bus.out8(0x3f8, 0x41);
    expect(irq.level).toBe(true);
    bus.out8(0x3f9, 0x00);
    expect(irq.level).toBe(false);
    bus.out8(0x3f9, 0x02);
    expect(irq.level).toBe(true);
  });

  it('makes a new edge for every character sent', () => {
    bus.out8(0x3f9, 0x02);
    const before = irq.edges;
    bus.out8(0x3f8, 0x41);
    bus.out8(0x3f8, 0x42);
    expect(irq.edges).toBe(before + 2);
  });

  it('is identified as a 16550A by its FIFO bits and its scratch register', () => {
    expect(bus.in8(0x3fa) & 0xc0).toBe(0);
    bus.out8(0x3fa, 0x01);
    expect(bus.in8(0x3fa) & 0xc0).toBe(0xc0);
    bus.out8(0x3ff, 0x5a);
    expect(bus.in8(0x3ff)).toBe(0x5a);
  });

  it('receives one character a character time and keeps the rest while there is no room', () => {
    bus.out8(0x3f9, 0x01);
    uart.receive(text('ab'));
    expect(bus.in8(0x3fd) & 1).toBe(0);
    clock.advance(CHARACTER);
    expect(irq.level).toBe(true);
    expect(bus.in8(0x3fa)).toBe(0x04);
    clock.advance(10 * CHARACTER);
    expect(bus.in8(0x3fd)).toBe(0x61);
    expect(bus.in8(0x3f8)).toBe(0x61);
    expect(irq.level).toBe(false);
    clock.advance(CHARACTER);
    expect(bus.in8(0x3f8)).toBe(0x62);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('waits for the trigger level, or for the character timeout', () => {
    bus.out8(0x3fa, 0x81); // 8 characters
    bus.out8(0x3f9, 0x01);
    uart.receive(text('12345678xyz'));
    clock.advance(7 * CHARACTER);
    expect(irq.level).toBe(false);
    clock.advance(CHARACTER);
    expect(bus.in8(0x3fa)).toBe(0xc4);
    for (let i = 0; i < 8; i++) bus.in8(0x3f8);
    expect(irq.level).toBe(false);
    clock.advance(3 * CHARACTER);
    expect(irq.level).toBe(false);
    clock.advance(4 * CHARACTER);
    expect(bus.in8(0x3fa)).toBe(0xcc);
    expect(bus.in8(0x3f8)).toBe(0x78);
    expect(irq.level).toBe(false);
  });

  it('never overruns a full FIFO from outside', () => {
    bus.out8(0x3fa, 0x01);
    uart.receive(text('0123456789abcdefGH'));
    clock.advance(100 * CHARACTER);
    let got = '';
    for (let i = 0; i < 16; i++) got += String.fromCharCode(bus.in8(0x3f8));
    expect(got).toBe('0123456789abcdef');
    expect(bus.in8(0x3fd) & 2).toBe(0);
    clock.advance(2 * CHARACTER);
    expect([bus.in8(0x3f8), bus.in8(0x3f8)]).toEqual([0x47, 0x48]);
  });

  it('loops back, with its modem lines, and reports an overrun', () => {
    bus.out8(0x3fc, 0x1a); // LOOP, OUT2, RTS
    expect(bus.in8(0x3fe) & 0xf0).toBe(0x90);
    bus.out8(0x3f9, 0x05);
    bus.out8(0x3f8, 1);
    bus.out8(0x3f8, 2);
    expect(sent).toEqual([]);
    expect(bus.in8(0x3fa)).toBe(0x06);
    expect(irq.level).toBe(false); // the pin is disconnected
    expect(bus.in8(0x3fd)).toBe(0x63);
    expect(bus.in8(0x3f8)).toBe(2);
  });

  it('reports changes of the modem lines once', () => {
    bus.in8(0x3fe);
    bus.out8(0x3f9, 0x08);
    bus.out8(0x3fc, 0x18);
    bus.out8(0x3fc, 0x0b);
    expect(irq.level).toBe(true);
    expect(bus.in8(0x3fa)).toBe(0x00);
    expect(bus.in8(0x3fe) & 0xf0).toBe(0xb0);
    expect(irq.level).toBe(false);
  });

  it('interrupts only with OUT2', () => {
    bus.out8(0x3fc, 0x03);
    bus.out8(0x3f9, 0x02);
    expect(irq.level).toBe(false);
    bus.out8(0x3fc, 0x0b);
    expect(irq.level).toBe(true);
  });

  it('goes on from a snapshot', () => {
    bus.out8(0x3fa, 0x41);
    bus.out8(0x3f9, 0x03);
    uart.receive(text('hello'));
    clock.advance(2.5 * CHARACTER);
    const state = structuredClone(uart.save());
    const other = make();
    other.restore(state);
    expect(other.save()).toEqual(state);
    expect(irq.level).toBe(true);
  });
});
