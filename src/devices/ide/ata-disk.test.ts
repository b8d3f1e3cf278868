import { describe, expect, it } from 'vitest';
import type { BlockBackend } from '../../storage/block.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import * as R from './registers.ts';
import { BUS_MASTER, COMMAND, CONTROL, IdeRig, pattern } from './test-ide.ts';

const SECTORS = 2048;
const disk = (bytes = pattern(SECTORS * 512)): MemoryBackend => new MemoryBackend(bytes);
const READY = R.ATA_SR_DRDY | R.ATA_SR_DSC;
const word = (words: number[], i: number): number => words[i];

describe('detection', () => {
  it('shows the ATA signature after SRST and zeros for an absent slave', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    rig.bus.out8(CONTROL, R.ATA_DC_SRST);
    expect(rig.status).toBe(R.ATA_SR_BSY);
    rig.bus.out8(CONTROL, 0);
    expect(rig.status).toBe(READY);
    expect([1, 2, 3, 4, 5].map((r) => rig.in(r))).toEqual([1, 1, 1, 0, 0]);
    rig.out(R.REG_DEVICE, 0xb0);
    expect(rig.in(R.REG_STATUS)).toBe(0);
    rig.out(R.REG_COMMAND, R.ATA_IDENTIFY);
    expect(rig.in(R.REG_STATUS)).toBe(0);
    rig.out(R.REG_DEVICE, 0xa0);
    expect(rig.in(R.REG_DEVICE)).toBe(0xa0);
  });

  it('identifies itself with capacity, 48-bit support and a valid checksum', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk(), serial: 'ABC' } });
    rig.out(R.REG_DEVICE, 0xa0);
    rig.out(R.REG_COMMAND, R.ATA_IDENTIFY);
    expect(rig.irq14.level).toBe(true);
    expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_DRQ);
    expect(rig.irq14.level).toBe(false);
    const words = rig.readWords(256);
    expect(word(words, 60) | (word(words, 61) << 16)).toBe(SECTORS);
    expect(word(words, 100)).toBe(SECTORS);
    expect(word(words, 83) & 0x0400).toBe(0x0400);
    expect(word(words, 10)).toBe(('A'.charCodeAt(0) << 8) | 'B'.charCodeAt(0));
    const sum = words.reduce((s, w) => s + (w & 0xff) + (w >> 8), 0);
    expect(sum & 0xff).toBe(0);
    expect(rig.status).toBe(READY);
    expect(rig.irq14.level).toBe(false);
  });

  it('aborts what it does not know', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    for (const command of [0x00, 0x08, 0xa1, 0xb0, 0xff]) {
      rig.out(R.REG_COMMAND, command);
      expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_ERR);
      expect(rig.in(R.REG_ERROR)).toBe(R.ATA_ER_ABRT);
    }
  });

  it('reports by device 0 after a diagnostic', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() }, 1: { kind: 'disk', backend: disk() } });
    rig.out(R.REG_DEVICE, 0xb0);
    rig.out(R.REG_COMMAND, R.ATA_EXECUTE_DIAGNOSTIC);
    expect(rig.irq14.level).toBe(true);
    expect(rig.in(R.REG_DEVICE)).toBe(0xa0);
    expect(rig.in(R.REG_ERROR)).toBe(R.DIAGNOSTIC_PASSED);
  });
});

describe('PIO', () => {
  it('reads sectors with an interrupt for each', () => {
    const data = pattern(SECTORS * 512);
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk(data.slice()) } });
    rig.lba(R.ATA_READ_SECTORS, 5, 3);
    expect(rig.status & R.ATA_SR_BSY).toBe(R.ATA_SR_BSY);
    for (let i = 0; i < 3; i++) {
      rig.run();
      expect(rig.irq14.level).toBe(true);
      expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_DRQ);
      expect(rig.readBytes(512)).toEqual(data.slice((5 + i) * 512, (6 + i) * 512));
    }
    rig.run();
    expect(rig.irq14.level).toBe(false);
    expect(rig.irq14.edges).toBe(3);
    expect(rig.in(R.REG_STATUS)).toBe(READY);
    expect(rig.in(R.REG_LBA_LOW)).toBe(7);
  });

  it('reads by doublewords, and CHS addresses the same sectors', () => {
    const data = pattern(SECTORS * 512);
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk(data.slice()) } });
    // Cylinder 1, head 2, sector 3 of 16 heads and 63 sectors.
    rig.out(R.REG_DEVICE, 0xa2);
    rig.out(R.REG_SECTOR_COUNT, 1);
    rig.out(R.REG_LBA_LOW, 3);
    rig.out(R.REG_LBA_MID, 1);
    rig.out(R.REG_LBA_HIGH, 0);
    rig.out(R.REG_COMMAND, R.ATA_READ_SECTORS);
    rig.run();
    const at = ((1 * 16 + 2) * 63 + 2) * 512;
    const view = new DataView(data.buffer);
    for (let i = 0; i < 512; i += 4) expect(rig.bus.in32(COMMAND)).toBe(view.getUint32(at + i, true));
    expect([3, 4, 5].map((r) => rig.in(r))).toEqual([3, 1, 0]);
    expect(rig.in(R.REG_DEVICE)).toBe(0xa2);
  });

  it('moves several sectors per interrupt with READ MULTIPLE', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    rig.out(R.REG_SECTOR_COUNT, 0);
    rig.out(R.REG_COMMAND, R.ATA_SET_MULTIPLE);
    rig.lba(R.ATA_READ_MULTIPLE, 0, 6);
    expect(rig.in(R.REG_ERROR)).toBe(R.ATA_ER_ABRT);
    rig.out(R.REG_SECTOR_COUNT, 4);
    rig.out(R.REG_COMMAND, R.ATA_SET_MULTIPLE);
    rig.lba(R.ATA_READ_MULTIPLE, 0, 6);
    rig.run();
    const before = rig.irq14.edges;
    rig.in(R.REG_STATUS);
    rig.readBytes(4 * 512);
    rig.run();
    expect(rig.irq14.edges).toBe(before + 1);
    expect(rig.readBytes(2 * 512)).toEqual(pattern(SECTORS * 512).slice(4 * 512, 6 * 512));
    expect(rig.in(R.REG_STATUS)).toBe(READY);
  });

  it('reads the last sector of a disk of more than 2 TiB', () => {
    const sizeBytes = 3 * 2 ** 40, last = sizeBytes / 512 - 1;
    const offsets: number[] = [];
    const read = (offset: number, length: number): Uint8Array => {
      offsets.push(offset);
      return new Uint8Array(length).fill(0x5a);
    };
    const backend: BlockBackend = { readOnly: false, sizeBytes, read, write: () => {}, flush: () => {}, close: () => {} };
    const rig = new IdeRig({ 0: { kind: 'disk', backend } });
    const byte = (n: number): number => Math.floor(last / 2 ** (8 * n)) & 0xff;
    rig.out(R.REG_DEVICE, 0x40);
    for (const [register, high, low] of [[2, 0, 1], [3, byte(3), byte(0)], [4, byte(4), byte(1)], [5, byte(5), byte(2)]]) {
      rig.out(register, high);
      rig.out(register, low);
    }
    rig.out(R.REG_COMMAND, R.ATA_READ_SECTORS_EXT);
    rig.run();
    expect(rig.readBytes(512)).toEqual(new Uint8Array(512).fill(0x5a));
    expect([rig.in(R.REG_STATUS), offsets]).toEqual([READY, [last * 512]]);
    rig.bus.out8(CONTROL, R.ATA_DC_HOB);
    expect([3, 4, 5].map((register) => rig.in(register))).toEqual([byte(3), byte(4), byte(5)]);
    rig.bus.out8(CONTROL, 0);
    expect([3, 4, 5].map((register) => rig.in(register))).toEqual([byte(0), byte(1), byte(2)]);
  });

  it('writes with 48-bit addresses and reads back through HOB registers', () => {
    const backend = disk();
    const rig = new IdeRig({ 0: { kind: 'disk', backend } });
    rig.out(R.REG_DEVICE, 0x40);
    for (const [register, high, low] of [
      [2, 0, 2],
      [3, 0, 0x10],
      [4, 0, 1],
      [5, 0, 0],
    ]) {
      rig.out(register, high);
      rig.out(register, low);
    }
    rig.out(R.REG_COMMAND, R.ATA_WRITE_SECTORS_EXT);
    expect(rig.irq14.level).toBe(false);
    const data = pattern(1024).reverse();
    rig.writeBytes(data.subarray(0, 512));
    rig.run();
    expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_DRQ);
    rig.writeBytes(data.subarray(512));
    rig.run();
    expect(rig.irq14.level).toBe(true);
    expect(rig.in(R.REG_STATUS)).toBe(READY);
    expect(backend.bytes.slice(0x110 * 512, 0x112 * 512)).toEqual(data);
    rig.bus.out8(CONTROL, R.ATA_DC_HOB);
    expect(rig.in(R.REG_LBA_LOW)).toBe(0);
    rig.bus.out8(CONTROL, 0);
    expect(rig.in(R.REG_LBA_LOW)).toBe(0x11);
  });

  it('refuses sectors past the end with IDNF and writes to a read-only image with ABRT', () => {
    const rig = new IdeRig({
      0: { kind: 'disk', backend: new MemoryBackend(new Uint8Array(1024), { readOnly: true }) },
    });
    rig.lba(R.ATA_READ_SECTORS, 1, 2);
    expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_ERR);
    expect(rig.in(R.REG_ERROR)).toBe(R.ATA_ER_IDNF);
    rig.lba(R.ATA_WRITE_SECTORS, 0, 1);
    expect(rig.in(R.REG_ERROR)).toBe(R.ATA_ER_ABRT);
  });

  it('pads an image that ends in mid-sector', () => {
    const backend = new MemoryBackend(new Uint8Array(700).fill(0x55));
    const rig = new IdeRig({ 0: { kind: 'disk', backend } });
    rig.lba(R.ATA_READ_SECTORS, 1, 1);
    rig.run();
    const data = rig.readBytes(512);
    expect([data[187], data[188]]).toEqual([0x55, 0]);
    rig.lba(R.ATA_WRITE_SECTORS, 1, 1);
    rig.writeBytes(new Uint8Array(512).fill(0xaa));
    rig.run();
    expect(rig.in(R.REG_STATUS)).toBe(READY);
    expect(backend.bytes[699]).toBe(0xaa);
  });

  it('keeps its interrupt to itself while nIEN is set', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    rig.bus.out8(CONTROL, R.ATA_DC_NIEN);
    rig.lba(R.ATA_READ_VERIFY, 0, 1);
    expect(rig.irq14.level).toBe(false);
    rig.bus.out8(CONTROL, 0);
    expect(rig.irq14.level).toBe(true);
    rig.in(R.REG_STATUS);
    expect(rig.irq14.level).toBe(false);
  });
});

describe('bus master', () => {
  const start = (rig: IdeRig, direction: number): void => {
    rig.bus.out8(BUS_MASTER + R.BMIS, R.BMIS_INTERRUPT | R.BMIS_ERROR);
    rig.bus.out8(BUS_MASTER, direction);
    rig.bus.out8(BUS_MASTER, direction | R.BMIC_START);
  };

  it('scatters a read over the regions and interrupts once', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    rig.prd([0x1000, 700], [0x3000, 324]);
    rig.lba(R.ATA_READ_DMA, 9, 2);
    start(rig, R.BMIC_RWCON);
    expect(rig.bus.in8(BUS_MASTER + R.BMIS)).toBe(R.BMIS_ACTIVE);
    rig.run();
    expect(rig.bus.in8(BUS_MASTER + R.BMIS)).toBe(R.BMIS_INTERRUPT);
    expect(rig.irq14.level).toBe(true);
    expect(rig.in(R.REG_STATUS)).toBe(READY);
    const want = pattern(SECTORS * 512).slice(9 * 512, 11 * 512);
    expect(rig.memory.bytes.slice(0x1000, 0x1000 + 700)).toEqual(want.slice(0, 700));
    expect(rig.memory.bytes.slice(0x3000, 0x3000 + 324)).toEqual(want.slice(700));
  });

  it('waits until the function may be a bus master [PCI 2.3, 6.2.2]', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    rig.ide.config.write(4, 2, 1);
    rig.prd([0x1000, 512]);
    rig.lba(R.ATA_READ_DMA, 9, 1);
    start(rig, R.BMIC_RWCON);
    rig.run();
    expect([rig.irq14.level, rig.memory.bytes[0x1001]]).toEqual([false, 0]);
    rig.ide.config.write(4, 2, 5);
    expect(rig.irq14.level).toBe(true);
    expect(rig.memory.bytes.slice(0x1000, 0x1200)).toEqual(pattern(SECTORS * 512).slice(9 * 512, 10 * 512));
  });

  it('gathers a write; a table larger than the transfer stays active', () => {
    const backend = disk();
    const rig = new IdeRig({ 0: { kind: 'disk', backend } });
    rig.memory.bytes.fill(0x77, 0x2000, 0x2400);
    rig.prd([0x2000, 0x0000]);
    rig.lba(R.ATA_WRITE_DMA, 3, 2);
    start(rig, 0);
    rig.run();
    expect(rig.bus.in8(BUS_MASTER + R.BMIS)).toBe(R.BMIS_INTERRUPT | R.BMIS_ACTIVE);
    expect(backend.bytes.slice(3 * 512, 5 * 512)).toEqual(new Uint8Array(1024).fill(0x77));
    rig.bus.out8(BUS_MASTER, 0);
    expect(rig.bus.in8(BUS_MASTER + R.BMIS)).toBe(R.BMIS_INTERRUPT);
  });

  it('goes idle without an interrupt when the table is too short, and goes on with a new one', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    rig.prd([0x1000, 512]);
    rig.lba(R.ATA_READ_DMA, 0, 2);
    start(rig, R.BMIC_RWCON);
    rig.run();
    expect(rig.bus.in8(BUS_MASTER + R.BMIS)).toBe(0);
    expect(rig.status & R.ATA_SR_DRQ).toBe(R.ATA_SR_DRQ);
    rig.bus.out8(BUS_MASTER, 0);
    start(rig, R.BMIC_RWCON);
    expect(rig.irq14.level).toBe(true);
    expect(rig.memory.bytes.slice(0x1000, 0x1200)).toEqual(pattern(1024).slice(512));
  });

  it('keeps the capable bits and is not simplex', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    rig.bus.out8(BUS_MASTER + R.BMIS, 0xff);
    expect(rig.bus.in8(BUS_MASTER + R.BMIS)).toBe(0x60);
    rig.bus.out32(BUS_MASTER + 8 + R.BMIDTP, 0x12345677);
    expect(rig.bus.in32(BUS_MASTER + 8 + R.BMIDTP)).toBe(0x12345674);
  });

  it('takes nonsense tables without harm', () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: disk() } });
    rig.bus.out32(BUS_MASTER + R.BMIDTP, 0xfffffff0);
    rig.lba(R.ATA_READ_DMA, 0, 0);
    start(rig, R.BMIC_RWCON);
    rig.run();
    expect(rig.bus.in8(BUS_MASTER + R.BMIS) & R.BMIS_ERROR).toBe(0);
  });
});

class SlowBackend implements BlockBackend {
  readonly sizeBytes = 1 << 20;
  readonly readOnly = false;
  flushes = 0;
  failing = false;
  read(_offset: number, length: number): Promise<Uint8Array> {
    return this.failing ? Promise.reject(new Error('bad sector')) : Promise.resolve(new Uint8Array(length).fill(1));
  }
  write(): Promise<void> {
    return this.failing ? Promise.reject(new Error('disk full')) : Promise.resolve();
  }
  flush(): Promise<void> {
    this.flushes++;
    return Promise.resolve();
  }
  close(): void {
    // Holds nothing.
  }
}

describe('asynchronous backends', () => {
  it('stays busy until the answer is in; a reset drops the answer', async () => {
    const rig = new IdeRig({ 0: { kind: 'disk', backend: new SlowBackend() } });
    rig.lba(R.ATA_READ_SECTORS, 0, 1);
    rig.bus.out8(CONTROL, R.ATA_DC_SRST);
    rig.bus.out8(CONTROL, 0);
    await rig.door.settle();
    expect(rig.status).toBe(READY);
    expect(rig.irq14.level).toBe(false);
    rig.lba(R.ATA_READ_SECTORS, 0, 1);
    expect(rig.status & R.ATA_SR_BSY).toBe(R.ATA_SR_BSY);
    rig.out(R.REG_LBA_LOW, 99);
    await rig.door.settle();
    expect(rig.status).toBe(READY | R.ATA_SR_DRQ);
    expect(rig.readBytes(512)[0]).toBe(1);
    expect(rig.in(R.REG_LBA_LOW)).toBe(0);
  });

  it('gives the guest UNC or ABRT and tells the host when the backend fails', async () => {
    const backend = new SlowBackend();
    backend.failing = true;
    const rig = new IdeRig({ 0: { kind: 'disk', backend } });
    rig.lba(R.ATA_READ_SECTORS, 0, 1);
    await rig.door.settle();
    expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_ERR);
    expect(rig.in(R.REG_ERROR)).toBe(R.ATA_ER_UNC);
    rig.lba(R.ATA_WRITE_SECTORS, 0, 1);
    rig.writeBytes(new Uint8Array(512));
    await rig.door.settle();
    expect(rig.in(R.REG_ERROR)).toBe(R.ATA_ER_ABRT);
    expect(rig.errors.map((e) => e.code)).toEqual(['storage-failed', 'storage-failed']);
  });

  it('ends a DMA transfer with UNC, an interrupt and an idle channel when the backend fails', async () => {
    const backend = new SlowBackend();
    backend.failing = true;
    const rig = new IdeRig({ 0: { kind: 'disk', backend } });
    rig.prd([0x1000, 512]);
    rig.lba(R.ATA_READ_DMA, 3, 1);
    rig.bus.out8(BUS_MASTER, R.BMIC_RWCON | R.BMIC_START);
    await rig.door.settle();
    rig.run();
    expect(rig.irq14.level).toBe(true);
    expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_ERR);
    expect(rig.in(R.REG_ERROR)).toBe(R.ATA_ER_UNC);
    expect(rig.memory.bytes.slice(0x1000, 0x1200).every((byte) => byte === 0)).toBe(true);
    backend.failing = false;
    rig.lba(R.ATA_READ_SECTORS, 3, 1);
    await rig.door.settle();
    expect(rig.readBytes(512)[0]).toBe(1);
  });

  it('completes FLUSH CACHE when the data is durable', async () => {
    const backend = new SlowBackend();
    const rig = new IdeRig({ 0: { kind: 'disk', backend } });
    rig.out(R.REG_COMMAND, R.ATA_FLUSH_CACHE_EXT);
    expect(rig.status & R.ATA_SR_BSY).toBe(R.ATA_SR_BSY);
    await rig.door.settle();
    expect(rig.irq14.level).toBe(true);
    expect(backend.flushes).toBe(1);
  });

  it('takes a pending read up again after a restore', async () => {
    const first = new IdeRig({ 0: { kind: 'disk', backend: new SlowBackend() } });
    first.lba(R.ATA_READ_SECTORS, 7, 2);
    const second = new IdeRig({ 0: { kind: 'disk', backend: new SlowBackend() } });
    second.ide.restore(structuredClone(first.ide.save()));
    expect(second.ide.save()).toEqual(first.ide.save());
    await second.door.settle();
    expect(second.irq14.level).toBe(true);
    expect(second.readBytes(512)[511]).toBe(1);
  });
});
