import { describe, expect, it } from 'vitest';
import { EmulatorError } from '../../errors.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import * as R from './registers.ts';
import { BUS_MASTER, COMMAND, IdeRig, pattern } from './test-ide.ts';

const READY = R.ATA_SR_DRDY | R.ATA_SR_DSC;
const BLOCKS = 100;
const medium = (): MemoryBackend => new MemoryBackend(pattern(BLOCKS * 2048), { readOnly: true });
const rigWith = (present = true): IdeRig =>
  new IdeRig({ 0: present ? { kind: 'cdrom', medium: medium() } : { kind: 'cdrom' } });

const sense = (rig: IdeRig): number[] => {
  rig.packet([0x03, 0, 0, 0, 18]);
  const data = rig.readBytes(18);
  return [data[2], data[12], data[13]];
};

describe('task file', () => {
  it('has the packet signature after reset and after an aborted IDENTIFY DEVICE', () => {
    const rig = rigWith();
    expect([2, 3, 4, 5].map((r) => rig.in(r))).toEqual([1, 1, 0x14, 0xeb]);
    expect(rig.status).toBe(0);
    rig.out(R.REG_LBA_MID, 0);
    rig.out(R.REG_COMMAND, R.ATA_IDENTIFY);
    expect(rig.in(R.REG_STATUS) & R.ATA_SR_ERR).toBe(1);
    expect([rig.in(4), rig.in(5)]).toEqual([0x14, 0xeb]);
  });

  it('answers IDENTIFY PACKET DEVICE as a removable CD-ROM with 12-byte packets', () => {
    const rig = rigWith();
    rig.out(R.REG_COMMAND, R.ATA_IDENTIFY_PACKET);
    expect(rig.irq14.level).toBe(true);
    rig.in(R.REG_STATUS);
    const words = rig.readWords(256);
    expect(words[0]).toBe(0x85c0);
    expect(rig.irq14.level).toBe(false);
    expect(rig.status).toBe(READY);
  });

  it('takes DEVICE RESET in the middle of a transfer', () => {
    const rig = rigWith();
    rig.packet([0x28, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(rig.status).toBe(READY | R.ATA_SR_DRQ);
    rig.out(R.REG_COMMAND, R.ATA_DEVICE_RESET);
    expect(rig.status).toBe(0);
    expect([rig.in(4), rig.in(5)]).toEqual([0x14, 0xeb]);
  });
});

describe('packets', () => {
  it('reads blocks by PIO in pieces of the byte count limit', () => {
    const rig = rigWith();
    rig.packet([0x28, 0, 0, 0, 0, 3, 0, 0, 2], { limit: 2048 });
    const data = new Uint8Array(4096);
    for (let i = 0; i < 2; i++) {
      expect(rig.irq14.level).toBe(true);
      expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_DRQ);
      expect(rig.in(R.REG_SECTOR_COUNT)).toBe(R.ATAPI_IR_IO);
      expect(rig.in(4) | (rig.in(5) << 8)).toBe(2048);
      data.set(rig.readBytes(2048), i * 2048);
      rig.run();
    }
    expect(data).toEqual(pattern(BLOCKS * 2048).slice(3 * 2048, 5 * 2048));
    expect(rig.in(R.REG_SECTOR_COUNT)).toBe(3);
    expect(rig.irq14.level).toBe(true);
    expect(rig.in(R.REG_STATUS)).toBe(READY);
  });

  it('reads blocks by DMA', () => {
    const rig = rigWith();
    rig.prd([0x4000, 4096]);
    rig.bus.out8(BUS_MASTER, R.BMIC_RWCON);
    rig.packet([0xa8, 0, 0, 0, 0, 1, 0, 0, 0, 2], { dma: true });
    rig.bus.out8(BUS_MASTER, R.BMIC_RWCON | R.BMIC_START);
    rig.run();
    expect(rig.bus.in8(BUS_MASTER + R.BMIS)).toBe(R.BMIS_INTERRUPT);
    expect(rig.in(R.REG_STATUS)).toBe(READY);
    expect(rig.memory.bytes.slice(0x4000, 0x5000)).toEqual(pattern(BLOCKS * 2048).slice(2048, 3 * 2048));
  });

  it('answers INQUIRY, READ CAPACITY, READ TOC and GET CONFIGURATION', () => {
    const rig = rigWith();
    rig.packet([0x12, 0, 0, 0, 36]);
    const inquiry = rig.readBytes(36);
    expect([inquiry[0], inquiry[1]]).toEqual([5, 0x80]);
    rig.packet([0x25]);
    expect([...rig.readBytes(8)]).toEqual([0, 0, 0, BLOCKS - 1, 0, 0, 8, 0]);
    rig.packet([0x43, 2, 0, 0, 0, 0, 0, 0, 20]);
    const toc = rig.readBytes(20);
    expect([toc[1], toc[6], toc[14]]).toEqual([18, 1, 0xaa]);
    expect([...toc.slice(16, 20)]).toEqual([0, 0, 3, 25]);
    rig.packet([0x46, 0, 0, 0, 0, 0, 0, 0, 200]);
    const bytes = rig.in(4) | (rig.in(5) << 8);
    const configuration = rig.readBytes(bytes);
    expect([configuration[3], configuration[7]]).toEqual([bytes - 4, 8]);
    rig.packet([0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 200]);
    expect(rig.readBytes(rig.in(4))[8]).toBe(0x2a);
  });

  it('reads raw sectors with header', () => {
    const rig = rigWith();
    rig.packet([0xbe, 0, 0, 0, 0, 1, 0, 0, 1, 0xf8]);
    expect(rig.in(4) | (rig.in(5) << 8)).toBe(2352);
    const raw = rig.readBytes(2352);
    expect([...raw.slice(0, 16)]).toEqual([0, ...Array(10).fill(255), 0, 0, 2, 1, 1]);
    expect(raw.slice(16, 2064)).toEqual(pattern(BLOCKS * 2048).slice(2048, 4096));
  });

  it('fails with sense data for what is not there', () => {
    const rig = rigWith();
    rig.packet([0x28, 0, 0, 0, 0, BLOCKS, 0, 0, 1]);
    expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_ERR);
    expect(rig.in(R.REG_ERROR) >> 4).toBe(5);
    expect(sense(rig)).toEqual([5, 0x21, 0]);
    expect(sense(rig)).toEqual([0, 0, 0]);
    rig.packet([0xff]);
    expect(sense(rig)).toEqual([5, 0x20, 0]);
  });
});

describe('medium', () => {
  it('tells of an empty drive, an inserted medium and its removal', () => {
    const rig = rigWith(false);
    rig.packet([0x00]);
    expect(rig.in(R.REG_ERROR) >> 4).toBe(2);
    expect(sense(rig)).toEqual([2, 0x3a, 0]);
    const drive = rig.ide.cdrom(0)!;
    drive.changeMedium(medium());
    rig.packet([0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8]);
    expect([...rig.readBytes(8)]).toEqual([0, 6, 4, 0x10, 2, 2, 0, 0]);
    rig.packet([0x00]);
    expect(sense(rig)).toEqual([6, 0x28, 0]);
    rig.packet([0x00]);
    expect(rig.in(R.REG_STATUS)).toBe(READY);
    rig.packet([0x1e, 0, 0, 0, 1]);
    expect(drive.pressEject()).toBe(false);
    rig.packet([0x1b, 0, 0, 0, 2]);
    expect(sense(rig)).toEqual([5, 0x53, 2]);
    rig.packet([0x1e]);
    rig.packet([0x1b, 0, 0, 0, 2]);
    rig.packet([0x00]);
    expect(sense(rig)).toEqual([2, 0x3a, 0]);
  });

  it('that cannot be read gives an unrecovered read error, and is asked again', async () => {
    let failing = true;
    const good = medium();
    const failed = new EmulatorError('fetch-failed', 'the server answered 404');
    const rig = new IdeRig({ 0: { kind: 'cdrom', medium: {
      sizeBytes: good.sizeBytes, readOnly: true, write: () => {}, flush: () => {}, close: () => {},
      read: (offset, length) => (failing ? Promise.reject(failed) : good.read(offset, length)),
    } } });
    rig.packet([0x28, 0, 0, 0, 0, 0, 0, 0, 1]);
    await rig.door.settle();
    expect(rig.in(R.REG_STATUS)).toBe(READY | R.ATA_SR_ERR);
    expect(rig.in(R.REG_ERROR) >> 4).toBe(3);
    expect(sense(rig)).toEqual([3, 0x11, 0]);
    expect(rig.errors).toEqual([failed]);
    failing = false;
    rig.packet([0x28, 0, 0, 0, 0, 0, 0, 0, 1]);
    await rig.door.settle();
    expect(rig.readBytes(2048)).toEqual(pattern(BLOCKS * 2048).slice(0, 2048));
  });

  it('survives its medium being taken in mid-read, and odd byte counts', () => {
    const rig = rigWith();
    rig.packet([0x28, 0, 0, 0, 0, 0, 0, 0, 40], { limit: 1 });
    rig.ide.cdrom(0)!.changeMedium(undefined);
    for (let i = 0; i < 300; i++) {
      rig.bus.in32(COMMAND);
      rig.run();
    }
    const other = rigWith();
    other.ide.restore(structuredClone(rig.ide.save()));
    expect(other.ide.save()).toEqual(rig.ide.save());
  });
});
