import { describe, expect, it } from 'vitest';
import type { BlockBackend } from '../../storage/block.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import { Dma8237 } from '../dma8237.ts';
import { pattern, TestDoor } from '../ide/test-ide.ts';
import { TestBus, TestClock, TestDma, TestLine } from '../test-rig.ts';
import { Fdc } from './fdc.ts';
import { floppyFormat } from './floppy-drive.ts';

const SIZE = 1440 * 1024;
const FIFO = 0x3f5;

class FdcRig {
  readonly bus = new TestBus();
  readonly clock = new TestClock();
  readonly door = new TestDoor();
  readonly memory = new TestDma(1 << 20);
  readonly irq = new TestLine();
  readonly dma = new Dma8237(this.memory);
  readonly errors: string[] = [];
  readonly fdc: Fdc;

  constructor(disk: BlockBackend | 'empty' = new MemoryBackend(pattern(SIZE))) {
    const { irq, clock, door } = this;
    this.fdc = new Fdc({
      irq,
      clock,
      door,
      dma: this.dma.channel(2),
      drives: [disk],
      onError: (e) => this.errors.push(e.code),
    });
    this.dma.attach(this.bus);
    this.fdc.attach(this.bus);
    this.dma.reset('power-on');
    this.fdc.reset('power-on');
    this.bus.out8(0x3f2, 0x1c);
    this.clock.advance(1e6);
    for (let i = 0; i < 4; i++) this.sense();
    this.bus.out8(0x3f7, 0);
    this.send(0x03, 0xaf, 0x02);
  }

  get status(): number {
    return this.bus.in8(0x3f4);
  }
  send(...bytes: number[]): void {
    for (const byte of bytes) this.bus.out8(FIFO, byte);
  }
  result(count: number): number[] {
    return Array.from({ length: count }, () => this.bus.in8(FIFO));
  }
  sense(): number[] {
    this.send(0x08);
    return this.result(2);
  }
  seek(cylinder: number): number[] {
    this.send(0x0f, 0, cylinder);
    this.clock.advance(2e6);
    return this.sense();
  }
  channel(mode: number, address: number, bytes: number): void {
    this.bus.out8(0x0a, 6);
    this.bus.out8(0x0c, 0);
    for (const [port, value] of [
      [4, address],
      [5, bytes - 1],
    ]) {
      this.bus.out8(port, value & 0xff);
      this.bus.out8(port, (value >> 8) & 0xff);
    }
    this.bus.out8(0x81, address >> 16);
    this.bus.out8(0x0b, mode);
    this.bus.out8(0x0a, 2);
  }
}

describe('controller', () => {
  it('interrupts after reset and answers for four units', () => {
    const rig = new FdcRig();
    rig.bus.out8(0x3f2, 0);
    expect(rig.status).toBe(0);
    rig.bus.out8(0x3f2, 0x0c);
    expect(rig.irq.level).toBe(false);
    rig.clock.advance(1e6);
    expect(rig.irq.level).toBe(true);
    expect(rig.status).toBe(0x80);
    expect([0, 1, 2, 3].map(() => rig.sense()[0])).toEqual([0xc0, 0xc1, 0xc2, 0xc3]);
    rig.send(0x08);
    expect(rig.result(1)).toEqual([0x80]);
    expect(rig.status).toBe(0x80);
  });

  it('keeps one status for each drive of a guest that does not sense it', () => {
    const rig = new FdcRig();
    for (let cylinder = 1; cylinder < 40; cylinder++) {
      rig.send(0x0f, 0, cylinder);
      rig.clock.advance(2e6);
    }
    expect(rig.fdc.save().interrupts).toEqual([0x20]);
    expect(rig.sense()).toEqual([0x20, 39]);
    rig.send(0x08);
    expect(rig.result(1)).toEqual([0x80]);
  });

  it('tells its version, takes LOCK, refuses what it does not know', () => {
    const rig = new FdcRig();
    rig.send(0x10);
    expect(rig.result(1)).toEqual([0x90]);
    rig.send(0x94);
    expect(rig.result(1)).toEqual([0x10]);
    rig.send(0x18);
    expect(rig.result(1)).toEqual([0x80]);
    expect(rig.fdc.cmosDriveTypes).toBe(0x40);
  });

  it('seeks, and the disk-change line falls with the first step', () => {
    const rig = new FdcRig();
    expect(rig.bus.in8(0x3f7) & 0x80).toBe(0x80);
    rig.send(0x07, 0);
    expect(rig.status & 1).toBe(1);
    rig.clock.advance(2e6);
    expect(rig.sense()).toEqual([0x20, 0]);
    expect(rig.bus.in8(0x3f7) & 0x80).toBe(0);
    expect(rig.seek(5)).toEqual([0x20, 5]);
    rig.fdc.changeDisk(0, new MemoryBackend(pattern(SIZE)));
    expect(rig.bus.in8(0x3f7) & 0x80).toBe(0x80);
    rig.send(0x07, 1);
    rig.clock.advance(2e6);
    expect(rig.sense()).toEqual([0x71, 0]);
  });
});

describe('data', () => {
  it('reads through DMA until the terminal count', () => {
    const rig = new FdcRig();
    rig.seek(2);
    rig.channel(0x46, 0x30000, 1024);
    rig.send(0xe6, 0x04, 2, 1, 17, 2, 18, 27, 0xff);
    expect(rig.status).toBe(0x10);
    rig.door.open();
    expect(rig.irq.level).toBe(true);
    expect(rig.result(7)).toEqual([4, 0, 0, 3, 0, 1, 2]);
    expect(rig.irq.level).toBe(false);
    const at = ((2 * 2 + 1) * 18 + 16) * 512;
    expect(Buffer.compare(rig.memory.bytes.slice(0x30000, 0x30400), pattern(SIZE).slice(at, at + 1024))).toBe(0);
  });

  it('goes on to the other head with MT', () => {
    const rig = new FdcRig();
    rig.channel(0x46, 0x20000, 36 * 512);
    rig.send(0xe6, 0, 0, 0, 1, 2, 18, 27, 0xff);
    rig.door.open();
    expect(rig.result(7)).toEqual([0, 0, 0, 1, 0, 1, 2]);
    expect(Buffer.compare(rig.memory.bytes.slice(0x20000, 0x20000 + 36 * 512), pattern(SIZE).slice(0, 36 * 512))).toBe(
      0,
    );
  });

  it('writes, and waits for a channel that is masked', () => {
    const backend = new MemoryBackend(pattern(SIZE));
    const rig = new FdcRig(backend);
    rig.memory.bytes.fill(0x5a, 0x20000, 0x20200);
    rig.send(0x45, 0, 0, 0, 3, 2, 18, 27, 0xff);
    rig.door.open();
    expect(rig.irq.level).toBe(false);
    rig.channel(0x4a, 0x20000, 512);
    rig.door.open();
    expect(rig.result(7)).toEqual([0, 0, 0, 0, 0, 4, 2]);
    expect(Buffer.compare(backend.bytes.slice(1024, 1536), new Uint8Array(512).fill(0x5a))).toBe(0);
  });

  it('reads and writes through the FIFO and ends with "end of cylinder"', () => {
    const backend = new MemoryBackend(pattern(SIZE));
    const rig = new FdcRig(backend);
    rig.send(0x03, 0xaf, 0x03);
    rig.send(0x46, 0, 0, 0, 18, 2, 18, 27, 0xff);
    rig.door.open();
    expect(rig.status).toBe(0xf0);
    expect(rig.irq.level).toBe(true);
    expect(rig.result(512)).toEqual([...pattern(SIZE).slice(17 * 512, 18 * 512)]);
    expect(rig.result(7)).toEqual([0x40, 0x80, 0, 1, 0, 1, 2]);
    rig.send(0x45, 0, 0, 0, 18, 2, 18, 27, 0xff);
    expect(rig.status).toBe(0xb0);
    rig.send(...Array(512).fill(0x99));
    rig.door.open();
    expect(rig.result(2)).toEqual([0x40, 0x80]);
    expect(backend.bytes[18 * 512 - 1]).toBe(0x99);
  });

  it('formats a track', () => {
    const backend = new MemoryBackend(pattern(SIZE));
    const rig = new FdcRig(backend);
    rig.channel(0x4a, 0x20000, 18 * 4);
    rig.send(0x4d, 4, 2, 18, 0x54, 0xf6);
    rig.door.open();
    expect(rig.result(3)).toEqual([4, 0, 0]);
    expect([backend.bytes[18 * 512 - 1], backend.bytes[18 * 512], backend.bytes[36 * 512 - 1]]).toEqual([
      pattern(SIZE)[18 * 512 - 1],
      0xf6,
      0xf6,
    ]);
  });

  it('finds an address mark only at the right data rate', () => {
    const rig = new FdcRig();
    rig.send(0x4a, 0);
    expect(rig.result(7)).toEqual([0, 0, 0, 0, 0, 1, 2]);
    rig.bus.out8(0x3f7, 2);
    rig.send(0x4a, 0);
    expect(rig.result(2)).toEqual([0x40, 1]);
  });

  it('fails for a wrong cylinder, a sector that is not there, an empty drive and a write-protected disk', () => {
    const rig = new FdcRig();
    rig.send(0x46, 0, 9, 0, 1, 2, 18, 27, 0xff);
    expect(rig.result(7).slice(0, 3)).toEqual([0x40, 0x04, 0x10]);
    rig.send(0x46, 0, 0, 0, 19, 2, 19, 27, 0xff);
    expect(rig.result(7).slice(0, 2)).toEqual([0x40, 0x04]);
    const empty = new FdcRig('empty');
    empty.send(0x46, 0, 0, 0, 1, 2, 18, 27, 0xff);
    expect(empty.result(7).slice(0, 2)).toEqual([0x48, 0x01]);
    const locked = new FdcRig(new MemoryBackend(new Uint8Array(SIZE), { readOnly: true }));
    locked.send(0x45, 0, 0, 0, 1, 2, 18, 27, 0xff);
    expect(locked.result(7).slice(0, 2)).toEqual([0x40, 0x02]);
  });

  it('reports a failing image to guest and host, and drops the answer after a reset', async () => {
    const failing: BlockBackend = {
      sizeBytes: SIZE,
      readOnly: true,
      read: () => Promise.reject(new Error('gone')),
      write: () => undefined,
      flush: () => undefined,
      close: () => undefined,
    };
    const rig = new FdcRig(failing);
    rig.send(0x46, 0, 0, 0, 1, 2, 18, 27, 0xff);
    await rig.door.settle();
    expect(rig.result(7).slice(0, 3)).toEqual([0x40, 0x20, 0x20]);
    expect(rig.errors).toEqual(['storage-failed']);
    rig.send(0x46, 0, 0, 0, 1, 2, 18, 27, 0xff);
    rig.bus.out8(0x3f2, 0);
    rig.bus.out8(0x3f2, 0x0c);
    await rig.door.settle();
    rig.clock.advance(1e6);
    expect(rig.status).toBe(0x80);
  });

  it('takes a pending read up again after a restore', () => {
    const first = new FdcRig();
    first.channel(0x46, 0x20000, 512);
    first.send(0x46, 0, 0, 0, 1, 2, 18, 27, 0xff);
    const second = new FdcRig();
    second.dma.restore(structuredClone(first.dma.save()));
    second.fdc.restore(structuredClone(first.fdc.save()));
    expect(second.fdc.save()).toEqual(first.fdc.save());
    second.door.open();
    expect(second.result(3)).toEqual([0, 0, 0]);
    expect(second.memory.bytes[0x20001]).toBe(7);
  });
});

describe('formats', () => {
  it('knows the common sizes and refuses what no drive takes', () => {
    const of = (kib: number): number[] => {
      const f = floppyFormat(kib * 1024);
      return [f.cylinders, f.heads, f.sectors];
    };
    expect(of(360)).toEqual([40, 2, 9]);
    expect(of(720)).toEqual([80, 2, 9]);
    expect(of(1200)).toEqual([80, 2, 15]);
    expect(of(2880)).toEqual([80, 2, 36]);
    expect(floppyFormat(512).sectors).toBe(18);
    expect(() => floppyFormat(3 << 20)).toThrow(expect.objectContaining({ code: 'image-too-large' }));
    expect(() => floppyFormat(0)).toThrow(expect.objectContaining({ code: 'bad-image' }));
  });
});
