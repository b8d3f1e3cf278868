import { beforeEach, describe, expect, test } from 'vitest';
import type { IoHandler } from '../devices/device.ts';
import { arenaAddr, physAddr } from './address.ts';
import { Arena } from './arena.ts';
import { GuestMemory } from './guest-memory.ts';
import { PagePool } from './pool.ts';

const MIB = 1 << 20;
let pool: PagePool;
let memory: GuestMemory;
let replaced: number[];
let written: [number, number, number][];

beforeEach(() => {
  pool = new PagePool(new Arena());
  memory = new GuestMemory(pool, 4 * MIB);
  replaced = [];
  written = [];
  memory.observer = {
    frameReplaced: (page) => replaced.push(page),
    frameWritten: (frame, offset, length) => written.push([frame, offset, length]),
  };
});

/** Remembers accesses as text; reads give the offset in every byte. */
function recorder(): IoHandler & { log: string[] } {
  const log: string[] = [];
  return {
    log,
    read: (offset, width) => {
      log.push(`r${width}@${offset}`);
      return 0x01010101 * (offset & 0xff);
    },
    write: (offset, width, value) => {
      log.push(`w${width}@${offset}=${value.toString(16)}`);
    },
  };
}

describe('RAM', () => {
  test('costs nothing until it is written', () => {
    expect(memory.readFrame(3)).toBe(pool.zeroFrame);
    expect(pool.framesInUse).toBe(0);
    memory.writePhys(0x3004, 4, 0xdeadbeef);
    expect(pool.framesInUse).toBe(1);
    expect(memory.readPhys(0x3004, 4)).toBe(0xdeadbeef);
    expect(replaced).toEqual([3]);
    expect(memory.writeFrame(3)).toBe(memory.readFrame(3));
  });

  test('costs nothing where a bus master writes zeros to what is zero', () => {
    const bytes = new Uint8Array(3 * 4096 + 1);
    bytes[4096] = 1;
    memory.write(physAddr(0x200000), bytes.subarray(1));
    expect(pool.framesInUse).toBe(1);
    expect(memory.readPhys(0x200fff, 2)).toBe(1);
    memory.write(physAddr(0x200fff), new Uint8Array(2));
    expect(memory.readPhys(0x200fff, 2)).toBe(0);
  });

  test('takes over pages of the arena where they fit, and copies what does not', () => {
    const { arena } = pool;
    const at = arena.reserve(4 * 4096);
    const end = arenaAddr(at + 4 * 4096);
    arena.u8.fill(1, at, at + 4096).fill(3, at + 2 * 4096, end);
    const first = memory.writeFrame(0x201);
    arena.u8[first] = 9;
    memory.place(physAddr(0x200000), at, 3 * 4096 + 1);
    expect([0, 1, 2].map((page) => memory.readFrame(0x200 + page))).toEqual([at, first, at + 2 * 4096]);
    expect([0x200fff, 0x201000, 0x202000, 0x203000, 0x203001].map((addr) => memory.readPhys(addr, 1))).toEqual([1, 0, 3, 3, 0]);
    expect(pool.framesInUse).toBe(4);
    expect(replaced).toContain(-1);
    // Below 1 MiB, and at another place in the page.
    memory.place(physAddr(0x3000), arenaAddr(at + 3 * 4096), 4096);
    memory.place(physAddr(0x210001), arenaAddr(at + 3 * 4096), 4096);
    expect([0x2fff, 0x3000, 0x3fff, 0x210000, 0x210001, 0x211000].map((addr) => memory.readPhys(addr, 1))).toEqual([0, 3, 3, 0, 3, 3]);
    pool.adoptFree(at, end);
    expect([pool.allocate(), pool.allocate()].sort()).toEqual([at + 4096, at + 3 * 4096]);
    memory.writePhys(0x200000, 1, 7);
    expect(arena.u8[at]).toBe(7);
    const before = pool.framesInUse;
    memory.dispose();
    expect(before - pool.framesInUse).toBe(7);
  });

  test('takes over no zeros, and nothing where a device is', () => {
    const { arena } = pool;
    const handler = recorder();
    memory.memory('over', 0x1000, handler).mapAt(0x300000);
    const at = arena.reserve(2 * 4096);
    memory.place(physAddr(0x2ff000), at, 2 * 4096);
    expect(memory.readFrame(0x2ff)).toBe(pool.zeroFrame);
    expect(handler.log).toHaveLength(4096);
    expect(pool.framesInUse).toBe(0);
  });

  test('takes zeros where something else answers writes', () => {
    const handler = recorder();
    memory.memory('over', 0x1000, handler).mapAt(0x300000);
    memory.memory('behind', 0x1000, handler).mapAt(0xc0000);
    memory.setShadow(0xc0000, 0x1000, 'ram', 'bus');
    expect(memory.readFrame(0xc0)).toBe(pool.zeroFrame);
    for (const addr of [0x300000, 0xc0000]) memory.write(physAddr(addr), new Uint8Array(1));
    expect(handler.log).toEqual(['w1@0=0', 'w1@0=0']);
  });

  test('is accessed unaligned and across pages', () => {
    memory.writePhys(0x1ffe, 4, 0x44332211);
    expect(memory.readPhys(0x1ffe, 4)).toBe(0x44332211);
    expect(memory.readPhys(0x2000, 2)).toBe(0x4433);
    expect(memory.readPhys(0x1fff, 2)).toBe(0x3322);
  });

  test('a shared frame is copied at the first write', () => {
    memory.writePhys(0x5000, 1, 7);
    const old = memory.readFrame(5);
    if (old === 0) throw new Error('no frame');
    pool.share(old);
    memory.setShadow(0x5000, 0x1000, 'ram', 'ram');
    expect(memory.writeFrame(5)).not.toBe(old);
    expect(memory.readPhys(0x5000, 1)).toBe(7);
    expect(pool.isShared(old)).toBe(false);
  });

  test('past its end reads as all ones and swallows writes', () => {
    memory.writePhys(4 * MIB, 4, 1);
    expect(memory.readPhys(4 * MIB, 4)).toBe(0xffffffff);
    expect(memory.readPhys(4 * MIB - 1, 2)).toBe(0xff00);
    expect(memory.readPhys(2 ** 40, 2)).toBe(0xffff);
    expect(memory.readFrame(2 ** 30)).toBe(0);
    expect(memory.writeFrame(1024)).toBe(0);
  });

  test('goes back to the pool', () => {
    memory.writePhys(0, 1, 1);
    memory.ram('vram', 0x1000).write(0, Uint8Array.of(1));
    memory.dispose();
    expect(pool.framesInUse).toBe(0);
  });
});

describe('A20', () => {
  test('wraps the second mebibyte onto the first for the processor, not for DMA', () => {
    memory.writePhys(0x100010, 1, 5);
    memory.setA20(false);
    expect(replaced.at(-1)).toBe(-1);
    memory.writePhys(0x100010, 1, 9);
    expect(memory.readPhys(0x10, 1)).toBe(9);
    expect(memory.readFrame(0x100)).toBe(memory.readFrame(0));
    const target = new Uint8Array(1);
    memory.read(physAddr(0x100010), target);
    expect(target[0]).toBe(5);
    memory.setA20(true);
    expect(memory.readPhys(0x100010, 1)).toBe(5);
  });

  test('an access across the first mebibyte wraps by byte, and a new frame is told at both addresses', () => {
    memory.setA20(false);
    memory.writePhys(0xffffe, 4, 0x44332211);
    expect(memory.readPhys(0, 2)).toBe(0x4433);
    expect(replaced).toContain(0);
    expect(replaced).toContain(0x100);
  });
});

describe('handler regions', () => {
  test('take their widths, wider accesses are split in ascending order', () => {
    const handler = recorder();
    memory.memory('bytes', 0x1000, handler).mapAt(0xfed00000);
    memory.writePhys(0xfed00010, 4, 0x44332211);
    expect(handler.log).toEqual(['w1@16=11', 'w1@17=22', 'w1@18=33', 'w1@19=44']);
    expect(memory.readPhys(0xfed00001, 2)).toBe(0x0201);
    expect(memory.readFrame(0xfed00)).toBe(0);
    expect(memory.writeFrame(0xfed00)).toBe(0);
  });

  test('a narrower access reads its lane and writes nothing', () => {
    const handler = recorder();
    memory.memory('words', 0x10, handler, { widths: [4] }).mapAt(0xfee00000);
    expect(memory.readPhys(0xfee00006, 1)).toBe(4);
    memory.writePhys(0xfee00006, 1, 1);
    expect(handler.log).toEqual(['r4@4']);
  });

  test('may be smaller than a page and lie over RAM', () => {
    const handler = recorder();
    memory.memory('small', 2, handler).mapAt(0x2002);
    memory.writePhys(0x2000, 4, 0x44332211);
    memory.writePhys(0x2004, 1, 0x55);
    expect(handler.log).toEqual(['w1@0=33', 'w1@1=44']);
    expect(memory.readPhys(0x2000, 4)).toBe(0x01002211);
    expect(memory.readPhys(0x2004, 1)).toBe(0x55);
  });

  test('move, and uncover what lies below', () => {
    const region = memory.memory('bar', 0x1000, recorder());
    region.mapAt(0x3000);
    expect(memory.readFrame(3)).toBe(0);
    region.mapAt(0xc0000000);
    expect(memory.readFrame(3)).toBe(pool.zeroFrame);
    expect(memory.readPhys(0xc0000003, 1)).toBe(3);
    region.unmap();
    expect(memory.readPhys(0xc0000003, 1)).toBe(0xff);
    expect(region.base).toBeUndefined();
  });

  test('an overlap throws while wiring; afterwards the first one wins', () => {
    const first = memory.memory('first', 0x10, { read: () => 1, write: () => {} });
    const second = memory.memory('second', 0x10, { read: () => 2, write: () => {} });
    first.mapAt(0xd0000000);
    expect(() => second.mapAt(0xd0000008)).toThrow(/overlaps first/);
    expect(second.base).toBeUndefined();
    memory.seal();
    second.mapAt(0xd0000008);
    expect(memory.readPhys(0xd0000008, 1)).toBe(1);
    expect(memory.readPhys(0xd0000010, 1)).toBe(2);
    first.unmap();
    expect(memory.readPhys(0xd0000008, 1)).toBe(2);
  });
});

describe('frame regions', () => {
  test('ROM is read at full speed and does not change', () => {
    const rom = memory.ram('bios', 0x1000, { rom: true });
    rom.write(0, Uint8Array.of(1, 2, 3, 4));
    rom.mapAt(0xfffff000);
    expect(memory.readPhys(0xfffff000, 4)).toBe(0x04030201);
    expect(memory.readFrame(0xfffff)).not.toBe(0);
    expect(memory.writeFrame(0xfffff)).toBe(0);
    memory.writePhys(0xfffff000, 4, 0);
    memory.write(physAddr(0xfffff000), Uint8Array.of(9));
    expect(memory.readPhys(0xfffff000, 4)).toBe(0x04030201);
  });

  test('tell whether they were written since the last look', () => {
    const vram = memory.ram('vram', 0x4000);
    vram.mapAt(0xe0000000);
    expect(vram.takeDirty()).toBe(false);
    memory.writePhys(0xe0001000, 2, 0xabcd);
    expect(vram.takeDirty()).toBe(true);
    expect(vram.takeDirty()).toBe(false);
    expect(replaced).toContain(0xe0001);
    expect(memory.writeFrame(0xe0001)).not.toBe(0);
    expect(vram.takeDirty()).toBe(true);
    vram.write(2, Uint8Array.of(1));
    expect(vram.takeDirty()).toBe(true);
    const target = new Uint8Array(2);
    vram.read(0x1000, target);
    expect([...target]).toEqual([0xcd, 0xab]);
  });

  test('what the device writes shows in the guest', () => {
    const vram = memory.ram('vram', 0x2000);
    vram.mapAt(0xe0000000);
    expect(memory.readFrame(0xe0000)).toBe(pool.zeroFrame);
    vram.write(0xffe, Uint8Array.of(1, 2, 3, 4));
    expect(memory.readPhys(0xe0000ffe, 4)).toBe(0x04030201);
  });

  test('keep their contents while they move', () => {
    const vram = memory.ram('vram', 0x1000);
    vram.mapAt(0xe0000000);
    memory.writePhys(0xe0000000, 1, 42);
    vram.unmap();
    vram.mapAt(0xf0000000);
    expect(memory.readPhys(0xf0000000, 1)).toBe(42);
    memory.writePhys(0xf0000000, 1, 43);
    expect(vram.takeDirty()).toBe(true);
  });
});

describe('PAM shadowing', () => {
  beforeEach(() => {
    const rom = memory.ram('bios', 0x10000, { rom: true });
    rom.write(0, new Uint8Array(0x10000).fill(0xb1));
    rom.mapAt(0xf0000);
  });

  test('bus both ways: ROM is read, writes vanish', () => {
    memory.setShadow(0xf0000, 0x10000, 'bus', 'bus');
    memory.writePhys(0xf0000, 1, 5);
    expect(memory.readPhys(0xf0000, 1)).toBe(0xb1);
  });

  test('read from bus, write to RAM, then swap', () => {
    memory.setShadow(0xf0000, 0x10000, 'bus', 'ram');
    expect(memory.writeFrame(0xf0)).toBe(0);
    memory.writePhys(0xf0000, 1, memory.readPhys(0xf0000, 1) + 1);
    memory.writePhys(0xf0001, 1, 0x77);
    expect(memory.readPhys(0xf0000, 1)).toBe(0xb1);
    memory.setShadow(0xf0000, 0x10000, 'ram', 'none');
    memory.writePhys(0xf0000, 1, 0);
    expect(memory.writeFrame(0xf0)).toBe(0);
    expect(memory.readPhys(0xf0000, 2)).toBe(0x77b2);
  });

  test('where nothing is on the bus, it reads as all ones', () => {
    memory.setShadow(0xc0000, 0x4000, 'bus', 'bus');
    expect(memory.readPhys(0xc0000, 4)).toBe(0xffffffff);
    memory.setShadow(0xc0000, 0x4000, 'ram', 'ram');
    expect(memory.readPhys(0xc0000, 4)).toBe(0);
    expect(memory.writeFrame(0xc0)).not.toBe(0);
  });
});

describe('DMA', () => {
  test('crosses pages, lands in RAM, and tells of code', () => {
    memory.writePhys(0x2000, 1, 1);
    const frame = memory.readFrame(2);
    if (frame === 0) throw new Error('no frame');
    pool.setCodeTurn(frame, 1);
    memory.write(physAddr(0x1ffe), Uint8Array.of(1, 2, 3, 4));
    expect(memory.readPhys(0x1ffe, 4)).toBe(0x04030201);
    expect(written).toEqual([[frame, 0, 2]]);
    const target = new Uint8Array(4);
    memory.read(physAddr(0x1ffe), target);
    expect([...target]).toEqual([1, 2, 3, 4]);
  });

  test('outside of everything reads as all ones', () => {
    const target = new Uint8Array(3);
    memory.read(physAddr(4 * MIB - 1), target);
    expect([...target]).toEqual([0, 0xff, 0xff]);
    memory.write(physAddr(4 * MIB - 1), Uint8Array.of(1, 2, 3));
    memory.read(physAddr(2 ** 44), target);
    expect([...target]).toEqual([0xff, 0xff, 0xff]);
  });

  test('reaches handlers, but a handler it starts does not start it again', () => {
    let depth = 0;
    const handler: IoHandler = {
      read: () => 0x5a,
      write: () => {
        depth++;
        memory.write(physAddr(0xd0000000), Uint8Array.of(1));
      },
    };
    memory.memory('engine', 0x10, handler).mapAt(0xd0000000);
    memory.write(physAddr(0xd0000000), Uint8Array.of(1, 2));
    expect(depth).toBe(2);
    const target = new Uint8Array(1);
    memory.read(physAddr(0xd0000001), target);
    expect(target[0]).toBe(0x5a);
  });
});

describe('RAM that does not fit below the hole for devices', () => {
  const GIB = 2 ** 30;
  beforeEach(() => {
    memory = new GuestMemory(pool, 3 * GIB + 2 * MIB);
  });

  test('lies from 4 GiB on, for the processor and for bus masters', () => {
    memory.writePhys(4 * GIB + MIB, 4, 0x12345678);
    expect([memory.readPhys(4 * GIB + MIB, 4), memory.readPhys(MIB, 4), memory.readPhys(3 * GIB, 4)]).toEqual([0x12345678, 0, 0xffffffff]);
    expect(memory.readFrame((4 * GIB + MIB) / 4096)).toBe(memory.writeFrame((4 * GIB + MIB) / 4096));
    memory.write(physAddr(4 * GIB + MIB), Uint8Array.of(1));
    const target = new Uint8Array(2);
    memory.read(physAddr(4 * GIB + MIB), target);
    expect([...target]).toEqual([1, 0x56]);
  });

  test('ends where it ends', () => {
    memory.writePhys(4 * GIB + 2 * MIB - 2, 4, 0x12345678);
    expect([memory.readPhys(4 * GIB + 2 * MIB - 2, 4), memory.readFrame((4 * GIB + 2 * MIB) / 4096)]).toEqual([0xffff5678, 0]);
  });
});
