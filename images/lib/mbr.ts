/**
 * The partition table of a hard disk, with geometry translation as a PC BIOS does it (255 heads, 63 sectors), so that
 * the CHS fields of the entries agree with what int 13h reports. [IBM PC DOS master boot record]
 */

export const SECTOR_SIZE = 512;
const HEADS = 255;
const SECTORS_PER_TRACK = 63;
const TABLE_OFFSET = 446;

export const PARTITION_FAT16_LBA = 0x0e;
export const PARTITION_LINUX = 0x83;

export interface Partition {
  readonly type: number;
  readonly active: boolean;
  readonly firstSector: number;
  readonly sectors: number;
}

function chs(sector: number): [number, number, number] {
  const cylinder = Math.floor(sector / (HEADS * SECTORS_PER_TRACK));
  if (cylinder > 1023) return [0xfe, 0xff, 0xff];
  const head = Math.floor(sector / SECTORS_PER_TRACK) % HEADS;
  return [head, (sector % SECTORS_PER_TRACK) + 1 + ((cylinder >> 8) << 6), cylinder & 0xff];
}

/** One sector: the boot code, the disk's signature, up to four partitions and the boot mark. */
export function writeMbr(bootCode: Uint8Array, signature: number, partitions: readonly Partition[]): Uint8Array {
  if (bootCode.length > 440) throw new Error(`the boot code has ${bootCode.length} bytes; a boot sector has room for 440`);
  const sector = Buffer.alloc(SECTOR_SIZE);
  sector.set(bootCode);
  sector.writeUInt32LE(signature, 440);
  partitions.forEach((partition, index) => {
    const entry = TABLE_OFFSET + index * 16;
    sector[entry] = partition.active ? 0x80 : 0;
    sector.set(chs(partition.firstSector), entry + 1);
    sector[entry + 4] = partition.type;
    sector.set(chs(partition.firstSector + partition.sectors - 1), entry + 5);
    sector.writeUInt32LE(partition.firstSector, entry + 8);
    sector.writeUInt32LE(partition.sectors, entry + 12);
  });
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
