import { beforeEach, describe, expect, it } from 'vitest';
import { TestBus, TestClock, TestDma } from '../test-rig.ts';
import { FwCfg } from './fw-cfg.ts';

let bus: TestBus;
let memory: TestDma;
let clock: TestClock;
let fwCfg: FwCfg;

beforeEach(() => {
  bus = new TestBus();
  memory = new TestDma(0x10000);
  clock = new TestClock();
  fwCfg = new FwCfg({ memory, clock, ramBytes: 64 << 20, bootMenu: true });
  fwCfg.addFile('zeta', Uint8Array.of(1, 2, 3));
  fwCfg.addFile('alpha/file', Uint8Array.of(9, 8));
  fwCfg.attach(bus);
  fwCfg.reset();
});

const read = (key: number, length: number): number[] => {
  bus.out16(0x510, key);
  return Array.from({ length }, () => bus.in8(0x511));
};
const text = (bytes: ArrayLike<number>): string => String.fromCharCode(...Array.from(bytes)).replace(/\0.*$/, '');
const transfer = (control: number, length: number, address: number): number => {
  const view = new DataView(memory.bytes.buffer);
  view.setUint32(0x100, control);
  view.setUint32(0x104, length);
  view.setUint32(0x108, 0);
  view.setUint32(0x10c, address);
  bus.out32(0x514, 0);
  bus.out32(0x518, 0x00010000); // 0x100, big-endian
  return view.getUint32(0x100);
};

describe('fw_cfg', () => {
  it('has its signature, its features and the numbered items', () => {
    expect(text(read(0, 4))).toBe('QEMU');
    expect(read(1, 4)).toEqual([3, 0, 0, 0]);
    expect(read(3, 8)).toEqual([0, 0, 0, 4, 0, 0, 0, 0]);
    expect([read(5, 2), read(0x0f, 2), read(0x0e, 2)]).toEqual([[1, 0], [1, 0], [1, 0]]);
    expect(read(0x1234, 2)).toEqual([0, 0]);
    expect(read(0x0e, 4)).toEqual([1, 0, 0, 0]);
  });

  it('lists its files in order', () => {
    const directory = read(0x19, 4 + 3 * 64);
    expect(directory.slice(0, 4)).toEqual([0, 0, 0, 3]);
    const entry = (i: number): number[] => directory.slice(4 + 64 * i, 68 + 64 * i);
    expect([0, 1, 2].map((i) => text(entry(i).slice(8)))).toEqual(['alpha/file', 'etc/e820', 'zeta']);
    expect(entry(2).slice(0, 6)).toEqual([0, 0, 0, 3, 0, 0x22]);
    expect(read(0x22, 4)).toEqual([1, 2, 3, 0]);
  });

  it('asks for what depends on the firmware when it is selected', () => {
    let value = 1;
    fwCfg.addFile('zz', () => Uint8Array.of(value, 7));
    value = 2;
    expect(read(0x23, 3)).toEqual([2, 7, 0]);
    value = 3;
    expect([bus.in8(0x511), ...read(0x23, 2)]).toEqual([0, 3, 7]);
  });

  it('tells the RAM in etc/e820', () => {
    expect(read(0x21, 20)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0, 0]);
  });

  it('copies by DMA, with selection, skipping and an error for writes', () => {
    expect([bus.in32(0x514), bus.in32(0x518)]).toEqual([0x554d4551, 0x47464320]);
    expect(transfer(0x0022000a, 3, 0x200)).toBe(0);
    expect([...memory.bytes.subarray(0x200, 0x203)]).toEqual([1, 2, 3]);
    transfer(0x00220008, 0, 0);
    transfer(0x04, 2, 0);
    transfer(0x02, 2, 0x300);
    expect([...memory.bytes.subarray(0x300, 0x302)]).toEqual([3, 0]);
    expect(transfer(0x10, 4, 0x200)).toBe(1);
  });

  it('moves a mebibyte at once and the rest of a longer transfer later; the control word tells the end', () => {
    memory = new TestDma(4 << 20);
    fwCfg = new FwCfg({ memory, clock, ramBytes: 4 << 20 });
    bus = new TestBus();
    fwCfg.attach(bus);
    memory.bytes.fill(0xee);
    expect(transfer(0x00000002, 0x280000, 0x1000)).not.toBe(0);
    expect([memory.bytes[0x1000], memory.bytes[0x100fff], memory.bytes[0x101000]]).toEqual([0x51, 0, 0xee]);
    const state = structuredClone(fwCfg.save());
    fwCfg.reset();
    clock.advance(1e9);
    expect(memory.bytes[0x101000]).toBe(0xee);
    fwCfg.restore(state);
    clock.advance(1e9);
    expect([memory.bytes[0x280fff], memory.bytes[0x281000]]).toEqual([0, 0xee]);
    expect(new DataView(memory.bytes.buffer).getUint32(0x100)).toBe(0);
  });

  it('survives nonsense', () => {
    expect(transfer(0x0022000a, 0xffffffff, 0xfffffff0)).toBe(0);
    bus.out8(0x510, 1);
    bus.out8(0x514, 1);
    expect(bus.in8(0x510)).toBe(0);
  });

  it('goes on from a snapshot', () => {
    read(0, 2);
    const state = structuredClone(fwCfg.save());
    read(1, 1);
    fwCfg.restore(state);
    expect(fwCfg.save()).toEqual(state);
    expect(text([bus.in8(0x511), bus.in8(0x511)])).toBe('MU');
  });
});
