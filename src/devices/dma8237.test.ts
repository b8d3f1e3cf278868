import { describe, expect, it } from 'vitest';
import { Dma8237 } from './dma8237.ts';
import { TestBus, TestDma } from './test-rig.ts';

function rig(): { bus: TestBus; memory: TestDma; dma: Dma8237 } {
  const bus = new TestBus();
  const memory = new TestDma(1 << 20);
  const dma = new Dma8237(memory);
  dma.attach(bus);
  dma.reset('power-on');
  return { bus, memory, dma };
}

/** Channel 2: address, count - 1, page 1, and the mode. */
function program(bus: TestBus, mode: number, address: number, bytes: number): void {
  bus.out8(0x0a, 6);
  bus.out8(0x0c, 0);
  bus.out8(0x04, address & 0xff);
  bus.out8(0x04, address >> 8);
  bus.out8(0x05, (bytes - 1) & 0xff);
  bus.out8(0x05, (bytes - 1) >> 8);
  bus.out8(0x81, 1);
  bus.out8(0x0b, mode);
  bus.out8(0x0a, 2);
}

describe('8237', () => {
  it('moves bytes to memory up to the terminal count, then masks itself', () => {
    const { bus, memory, dma } = rig();
    program(bus, 0x46, 0x2000, 6);
    const channel = dma.channel(2);
    expect(channel.toMemory(Uint8Array.of(1, 2, 3, 4), 0, 4)).toBe(4);
    expect(channel.terminalCount).toBe(false);
    expect(channel.toMemory(Uint8Array.of(5, 6, 7, 8), 0, 4)).toBe(2);
    expect(channel.terminalCount).toBe(true);
    expect([...memory.bytes.slice(0x12000, 0x12008)]).toEqual([1, 2, 3, 4, 5, 6, 0, 0]);
    expect(channel.ready).toBe(false);
    expect(bus.in8(0x08)).toBe(0x04);
    expect(bus.in8(0x08)).toBe(0);
    expect(bus.in8(0x0f) & 4).toBe(4);
    expect(bus.in8(0x05)).toBe(0xff);
  });

  it('starts over with autoinit, wraps inside its 64 KiB page, counts down', () => {
    const { bus, memory, dma } = rig();
    program(bus, 0x56, 0xfffe, 4);
    const channel = dma.channel(2);
    expect(channel.toMemory(Uint8Array.of(1, 2, 3, 4, 5), 0, 5)).toBe(4);
    expect([memory.bytes[0x1fffe], memory.bytes[0x1ffff], memory.bytes[0x10000], memory.bytes[0x10001]]).toEqual([
      1, 2, 3, 4,
    ]);
    expect(channel.ready).toBe(true);
    program(bus, 0x66, 0x3000, 3);
    channel.toMemory(Uint8Array.of(7, 8, 9), 0, 3);
    expect([...memory.bytes.slice(0x12ffe, 0x13001)]).toEqual([9, 8, 7]);
  });

  it('moves words on the second controller', () => {
    const { bus, memory, dma } = rig();
    memory.bytes.set([1, 2, 3, 4], 0x24000);
    for (const [port, value] of [
      [0xd8, 0],
      [0xc4, 0x00],
      [0xc4, 0x20],
      [0xc6, 1],
      [0xc6, 0],
      [0x8b, 2],
      [0xd6, 0x49],
      [0xd4, 1],
    ]) {
      bus.out8(port, value);
    }
    const data = new Uint8Array(8);
    expect(dma.channel(5).fromMemory(data, 0, 8)).toBe(4);
    expect([...data]).toEqual([1, 2, 3, 4, 0, 0, 0, 0]);
  });

  it('wakes a device that waits with its request when the channel is unmasked', () => {
    const { bus, dma } = rig();
    let woken = 0;
    dma.channel(2).onReady = () => woken++;
    bus.out8(0x0a, 2);
    expect(woken).toBe(0);
    bus.out8(0x0a, 6);
    dma.channel(2).setRequest(true);
    bus.out8(0x0e, 0);
    expect(woken).toBe(1);
    expect(bus.in8(0x08)).toBe(0x40);
  });

  it('saves and restores', () => {
    const first = rig();
    program(first.bus, 0x46, 0x1234, 0x567);
    const second = rig();
    second.dma.restore(structuredClone(first.dma.save()));
    expect(second.dma.save()).toEqual(first.dma.save());
    expect(second.bus.in8(0x04)).toBe(0x34);
  });
});
