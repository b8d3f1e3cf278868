/** What kind of image a file is, for a file that is given without saying so. */
import { FLOPPY_SIZES, LARGEST_PART } from '../../devices/fdc/floppy-drive.ts';
import { EmulatorError } from '../../errors.ts';
import { ByteReader } from './bytes.ts';
import { elfWidth } from './elf.ts';
import { isLinuxKernel } from './linux.ts';
import { isMultiboot } from './multiboot.ts';

/** 'elf': an executable without a multiboot header, perhaps with a PVH entry. */
export type ImageKind = 'linux' | 'multiboot' | 'elf' | 'iso9660' | 'disk' | 'floppy';

/** Volume descriptors start at sector 16 of 2048 bytes [ECMA-119 6.7.1]. */
const ISO_DESCRIPTOR = 16 * 2048;
/** Enough of an image's start for `sniffImage`. */
export const SNIFF_BYTES = ISO_DESCRIPTOR + 2048;

/**
 * @param start the first `SNIFF_BYTES` bytes, or all
 * @param sizeBytes of the whole image
 * @throws EmulatorError `bad-image` when it is nothing that a machine can start from; the message says what could be.
 */
export function sniffImage(start: Uint8Array, sizeBytes: number): ImageKind {
  if (sizeBytes === 0) throw new EmulatorError('bad-image', 'the image is empty (0 bytes); fetch or build it again');
  const reader = new ByteReader(start);
  if (isLinuxKernel(start)) return 'linux';
  if (reader.hasText(ISO_DESCRIPTOR + 1, 'CD001')) return 'iso9660';
  if (isMultiboot(start)) return 'multiboot';
  if (elfWidth(reader) !== undefined) return 'elf';
  if (FLOPPY_SIZES.has(sizeBytes)) return 'floppy';
  if (reader.u16(510) === 0xaa55 && sizeBytes % 512 === 0) return 'disk';
  throw new EmulatorError('bad-image', `${describe(reader, sizeBytes)}; ${ACCEPTED}`);
}

const ACCEPTED =
  'Coracle starts raw hard-disk images with a boot sector, ISO 9660 CDs, floppy images, Linux bzImages, multiboot and PVH kernels';

/** What an image that cannot be started seems to be, and what helps. */
function describe(reader: ByteReader, sizeBytes: number): string {
  const foreign = foreignFormat(reader);
  if (foreign) return foreign;
  if (reader.u32(0) === 0x464c457f) return 'this is an ELF file of another kind than a kernel of a PC';
  if (reader.u16(510) === 0xaa55) return `the image is truncated: ${sizeBytes} bytes are no whole number of 512-byte sectors`;
  return `this is no image that Coracle knows (${sizeBytes} bytes, no boot signature)`;
}

/** Containers and archives that hold an image instead of being one. */
function foreignFormat(reader: ByteReader): string | undefined {
  const convert = 'convert it (qemu-img convert -O raw)';
  if (reader.hasText(0, 'QFI\xfb')) return `this is a qcow2 image; ${convert}`;
  if (reader.hasText(0, 'KDMV') || reader.hasText(0, '# Disk DescriptorFile')) return `this is a VMDK image; ${convert}`;
  if (reader.hasText(0, 'conectix') || reader.hasText(0, 'vhdxfile')) return `this is a VHD image; ${convert}`;
  if (reader.u32(0x40) === 0xbeda107f) return `this is a VDI image; ${convert}`;
  if (reader.u16(0) === 0x8b1f) return 'this file is compressed with gzip; unpack it first';
  if (reader.hasText(0, '\xfd7zXZ')) return 'this file is compressed with xz; unpack it first';
  if (reader.hasText(0, 'PK\x03\x04')) return 'this is a ZIP archive; unpack it first';
  return undefined;
}

/** MBR: four entries of 16 bytes; type, first sector and number of sectors. */
const PARTITION_TABLE = 446, PARTITION_ENTRIES = 4;
const PARTITION_TYPE = 4, PARTITION_FIRST = 8, PARTITION_SECTORS = 12;
/** A GUID partition table behind: sizes in the MBR mean nothing. */
const TYPE_GPT = 0xee;
/** Number of 2048-byte blocks of a volume [ECMA-119 8.4.8]. */
const ISO_VOLUME_BLOCKS = ISO_DESCRIPTOR + 80;
/** Offsets are exact up to 8 PiB, of what 48-bit ATA commands and virtio reach; a CD's blocks have numbers of 32 bits. */
const LARGEST_DISK = 2 ** 53, LARGEST_CD = 2 ** 32 * 2048;

/**
 * Checks a hard disk's or CD's image for what would only show as a riddle in the guest. A disk without any structure
 * passes: it may be blank.
 * @throws EmulatorError `bad-image`, `image-too-large`
 */
export function checkDisk(start: Uint8Array, sizeBytes: number, kind: 'disk' | 'cd', name: string): void {
  const reader = new ByteReader(start);
  if (sizeBytes === 0) throw new EmulatorError('bad-image', `${name} is empty (0 bytes); fetch or build it again`);
  const largest = kind === 'cd' ? LARGEST_CD : LARGEST_DISK;
  if (sizeBytes > largest) {
    throw new EmulatorError('image-too-large', `${name} has ${sizeBytes} bytes, more than the ${largest} that the drive can address; give a smaller one`);
  }
  const foreign = foreignFormat(reader);
  if (foreign) throw new EmulatorError('bad-image', `${name}: ${foreign}`);
  const needed = kind === 'cd' || reader.hasText(ISO_DESCRIPTOR + 1, 'CD001') ? isoBytes(reader) : partitionedBytes(reader);
  if (needed > sizeBytes) {
    throw new EmulatorError('bad-image', `${name} is truncated: ${sizeBytes} bytes of at least ${needed}; fetch or build it again`);
  }
}

const SECTOR = 512;
/** Whether firmware knows what to do with the first bytes of a disk or CD: a boot sector, a volume of ISO 9660, or nothing yet, which it says itself. */
export function suitsFirmware(start: Uint8Array): boolean {
  const reader = new ByteReader(start);
  return start.subarray(0, SECTOR).every((byte) => byte === 0) || reader.u16(510) === 0xaa55 || reader.hasText(ISO_DESCRIPTOR + 1, 'CD001');
}

/**
 * Checks a floppy's image. One that starts may end with its last sector in use, as GRUB's rescue floppy does; the rest of the disk reads as zeros.
 * @throws EmulatorError `image-too-large` or `bad-image` for a size that no floppy has.
 */
export function checkFloppy(start: Uint8Array, sizeBytes: number, name: string): void {
  if (FLOPPY_SIZES.has(sizeBytes)) return;
  if (sizeBytes > LARGEST_PART) {
    throw new EmulatorError('image-too-large', `${name} has ${sizeBytes} bytes, more than a floppy; give it as hard disk (-hda) or CD (-cdrom)`);
  }
  const reader = new ByteReader(start);
  if (sizeBytes % SECTOR === 0 && reader.u16(510) === 0xaa55 && fatBytes(reader) <= sizeBytes) return;
  throw new EmulatorError('bad-image', `${name} has ${sizeBytes} bytes, which no floppy has (1474560 for 1.44 MB); fetch or build it again`);
}

/** What the volume takes that a boot sector describes [Microsoft FAT Specification, "Boot Sector and BPB"]; 0 without one. */
function fatBytes(reader: ByteReader): number {
  const bytesPerSector = reader.u16(11);
  return bytesPerSector === SECTOR ? (reader.u16(19) || reader.u32(32)) * SECTOR : 0;
}

function isoBytes(reader: ByteReader): number {
  return reader.hasText(ISO_DESCRIPTOR + 1, 'CD001') ? reader.u32(ISO_VOLUME_BLOCKS) * 2048 : 0;
}

function partitionedBytes(reader: ByteReader): number {
  if (reader.u16(510) !== 0xaa55) return 0;
  const ends: number[] = [];
  for (let i = 0; i < PARTITION_ENTRIES; i++) {
    const at = PARTITION_TABLE + i * 16;
    const status = reader.u8(at), type = reader.u8(at + PARTITION_TYPE);
    // A boot sector without a partition table has code or text here.
    if ((status & 0x7f) !== 0 || type === TYPE_GPT) return 0;
    const first = reader.u32(at + PARTITION_FIRST);
    // One from the first sector on is a volume without partitions, whose size mformat rounds up to whole cylinders.
    if (type !== 0) ends.push(first === 0 ? fatBytes(reader) : (first + reader.u32(at + PARTITION_SECTORS)) * SECTOR);
  }
  return Math.max(0, ...ends);
}
