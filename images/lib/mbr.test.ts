import { expect, it } from 'vitest';
import { PARTITION_FAT16_LBA, writeMbr } from './mbr.ts';

it('writes a partition entry whose CHS and LBA fields agree', () => {
  const sector = Buffer.from(
    writeMbr(new Uint8Array(440), 0x12345678, [
      { type: PARTITION_FAT16_LBA, active: true, firstSector: 2048, sectors: 30720 },
    ]),
  );
  expect(sector.readUInt16LE(510)).toBe(0xaa55);
  expect(sector.readUInt32LE(440)).toBe(0x12345678);
  // 2048 = cylinder 0, head 32, sector 33; 32767 = cylinder 2, head 10, sector 8.
  expect([...sector.subarray(446, 454)]).toEqual([0x80, 32, 33, 0, PARTITION_FAT16_LBA, 10, 8, 2]);
  expect(sector.readUInt32LE(454)).toBe(2048);
  expect(sector.readUInt32LE(458)).toBe(30720);
});

it('refuses boot code that would run into the partition table', () => {
  expect(() => writeMbr(new Uint8Array(441), 0, [])).toThrow(/440/);
});
