/** A floppy drive and the disk in it: formats by image size, head position, disk-change line. */
import { EmulatorError } from '../../errors.ts';
import type { BlockBackend } from '../../storage/block.ts';

/** CCR values. */
const RATE_500 = 0;
const RATE_300 = 1;
const RATE_250 = 2;
const RATE_1000 = 3;

/** Drive types as CMOS register 10h has them. */
export const CMOS_NONE = 0;
export const CMOS_360K = 1;
export const CMOS_1200K = 2;
export const CMOS_720K = 3;
export const CMOS_1440K = 4;
export const CMOS_2880K = 5;

export interface FloppyFormat {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
  /** Data rates (CCR values) at which the disk can be read. */
  readonly rates: readonly number[];
  /** The drive that takes this disk. */
  readonly cmosType: number;
}

const format = (
  cylinders: number,
  heads: number,
  sectors: number,
  rates: number[],
  cmosType: number,
): FloppyFormat => ({
  cylinders,
  heads,
  sectors,
  rates,
  cmosType,
});
// A 5.25-inch double density disk turns faster in a high density drive: 300 kb/s there, 250 in its own.
const DOUBLE = [RATE_250, RATE_300];
const FORMAT_1440K = format(80, 2, 18, [RATE_500], CMOS_1440K);
const FORMAT_2880K = format(80, 2, 36, [RATE_1000], CMOS_2880K);
const FORMATS: readonly FloppyFormat[] = [
  format(40, 1, 8, DOUBLE, CMOS_360K),
  format(40, 1, 9, DOUBLE, CMOS_360K),
  format(40, 2, 8, DOUBLE, CMOS_360K),
  format(40, 2, 9, DOUBLE, CMOS_360K),
  ...[8, 9, 10].map((sectors) => format(80, 2, sectors, [RATE_250], CMOS_720K)),
  ...[82, 83].map((cylinders) => format(cylinders, 2, 10, [RATE_250], CMOS_720K)),
  format(80, 2, 15, [RATE_500], CMOS_1200K),
  FORMAT_1440K,
  ...[19, 20, 21, 22, 23, 24].map((sectors) => format(80, 2, sectors, [RATE_500], CMOS_1440K)),
  ...[82, 83].map((cylinders) => format(cylinders, 2, 21, [RATE_500], CMOS_1440K)),
  FORMAT_2880K,
  ...[40, 44, 48].map((sectors) => format(80, 2, sectors, [RATE_1000], CMOS_2880K)),
];

export const formatBytes = (f: FloppyFormat): number => f.cylinders * f.heads * f.sectors * 512;
/** Of the images of whole disks. */
export const FLOPPY_SIZES: ReadonlySet<number> = new Set(FORMATS.map(formatBytes));
/** What an image of a part of a disk may have, in bytes. */
export const LARGEST_PART = formatBytes(FORMAT_2880K);

/**
 * The format of an image: the one of exactly this size; for a size between, the smaller of 1.44 and 2.88 MB that holds
 * it (a lone boot sector is a 1.44 MB disk whose rest reads as zeros).
 * @throws EmulatorError `image-too-large` past 2.88 MB where no format has this size, `bad-image` for nothing at all.
 */
export function floppyFormat(sizeBytes: number): FloppyFormat {
  if (sizeBytes === 0) throw new EmulatorError('bad-image', 'the floppy image is empty');
  const exact = FORMATS.find((f) => formatBytes(f) === sizeBytes);
  const found = exact ?? [FORMAT_1440K, FORMAT_2880K].find((f) => formatBytes(f) >= sizeBytes);
  if (found !== undefined) return found;
  const mib = (sizeBytes / 2 ** 20).toFixed(1);
  throw new EmulatorError(
    'image-too-large',
    `an image of ${mib} MiB is no floppy; give it as a hard disk or CD`,
  );
}

export class FloppyDrive {
  readonly cmosType: number;
  cylinder = 0;
  /** Since the last step pulse with a disk in. */
  diskChanged = true;
  private disk: BlockBackend | undefined;
  private diskFormat: FloppyFormat | undefined;

  /** `disk` undefined: an empty 1.44 MB drive. @throws EmulatorError as `floppyFormat`. */
  constructor(disk: BlockBackend | undefined) {
    this.disk = disk;
    this.diskFormat = disk === undefined ? undefined : floppyFormat(disk.sizeBytes);
    this.cmosType = this.diskFormat?.cmosType ?? CMOS_1440K;
  }

  get backend(): BlockBackend | undefined {
    return this.disk;
  }

  get format(): FloppyFormat | undefined {
    return this.diskFormat;
  }

  /** Takes the disk out and puts another in. @throws EmulatorError as `floppyFormat`, with the old disk still in. */
  change(disk: BlockBackend | undefined): void {
    this.diskFormat = disk === undefined ? undefined : floppyFormat(disk.sizeBytes);
    this.disk = disk;
    this.diskChanged = true;
  }

  step(cylinder: number): void {
    this.cylinder = Math.max(0, Math.min(cylinder, 83));
    if (this.disk !== undefined) this.diskChanged = false;
  }

  /** Byte offset of a sector in the image; undefined when the disk has no such sector. */
  offset(head: number, sector: number): number | undefined {
    const f = this.diskFormat;
    if (f === undefined || head >= f.heads || sector < 1 || sector > f.sectors || this.cylinder >= f.cylinders)
      return undefined;
    return ((this.cylinder * f.heads + head) * f.sectors + sector - 1) * 512;
  }
}
