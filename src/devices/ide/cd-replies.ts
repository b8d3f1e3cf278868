/**
 * The data that the CD-ROM answers to commands that touch no sectors, as pure functions [MMC4 6, 7; SPC3 6, 7].
 * `undefined` stands for a field that the drive does not take.
 */
import { be16, msf, setBe16, setBe32 } from './scsi.ts';

/** More blocks than any CD holds (80 minutes and some): the medium is presented as a DVD-ROM. */
const CD_MAX_BLOCKS = 360000;
const PROFILE_DVD_ROM = 0x0010;
const PROFILE_CD_ROM = 0x0008;
const LEAD_OUT = 0xaa;

const padded = (text: string, length: number): string => text.padEnd(length).slice(0, length);

function putText(data: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) data[at + i] = text.charCodeAt(i) & 0x7f;
}

/** Standard INQUIRY data: removable CD/DVD device, ATAPI [SPC3 6.4.2]. */
export function inquiryData(model: string): Uint8Array {
  const data = new Uint8Array(36);
  data[0] = 0x05;
  data[1] = 0x80;
  data[3] = 0x21;
  data[4] = 31;
  putText(data, 8, padded('CORACLE', 8));
  putText(data, 16, padded(model, 16));
  putText(data, 32, padded('1.0', 4));
  return data;
}

function putAddress(data: Uint8Array, at: number, lba: number, asMsf: boolean): void {
  if (!asMsf) return setBe32(data, at, lba);
  const [minute, second, frame] = msf(lba);
  data.set([0, minute, second, frame], at);
}

/** READ TOC/PMA/ATIP, formats 0 (TOC), 1 (session) and 2 (full TOC): one session with one data track. */
export function tocData(format: number, start: number, asMsf: boolean, blocks: number): Uint8Array | undefined {
  if (format === 0) {
    if (start > 1 && start !== LEAD_OUT) return undefined;
    const tracks = start <= 1 ? [1, LEAD_OUT] : [LEAD_OUT];
    const data = new Uint8Array(4 + tracks.length * 8);
    data[2] = data[3] = 1;
    tracks.forEach((track, i) => {
      data[5 + i * 8] = 0x14;
      data[6 + i * 8] = track;
      putAddress(data, 8 + i * 8, track === LEAD_OUT ? blocks : 0, asMsf);
    });
    setBe16(data, 0, data.length - 2);
    return data;
  }
  if (format === 1) {
    const data = new Uint8Array(12);
    setBe16(data, 0, 10);
    data[2] = data[3] = 1;
    data[5] = 0x14;
    data[6] = 1;
    putAddress(data, 8, 0, asMsf);
    return data;
  }
  if (format !== 2) return undefined;
  const data = new Uint8Array(4 + 4 * 11);
  setBe16(data, 0, data.length - 2);
  data[2] = data[3] = 1;
  const [minute, second, frame] = msf(blocks);
  const points: [number, number, number, number][] = [
    [0xa0, 1, 0, 0],
    [0xa1, 1, 0, 0],
    [0xa2, minute, second, frame],
    [1, 0, 2, 0],
  ];
  points.forEach(([point, m, s, f], i) => data.set([1, 0x14, 0, point, 0, 0, 0, 0, m, s, f], 4 + i * 11));
  return data;
}

function feature(code: number, flags: number, body: readonly number[]): number[] {
  return [code >> 8, code & 0xff, flags, body.length, ...body];
}

/** GET CONFIGURATION: profile list, core, removable medium, random readable, CD read, DVD read [MMC4 5.3]. */
export function configurationData(requestType: number, start: number, blocks: number | undefined): Uint8Array {
  const profile = blocks === undefined ? 0 : blocks > CD_MAX_BLOCKS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
  const cd = profile === PROFILE_CD_ROM ? 1 : 0;
  const dvd = profile === PROFILE_DVD_ROM ? 1 : 0;
  const features: [number, boolean, number[]][] = [
    [0x0000, true, feature(0, 0x03, [0, PROFILE_DVD_ROM, dvd, 0, 0, PROFILE_CD_ROM, cd, 0])],
    [0x0001, true, feature(1, 0x0b, [0, 0, 0, 2, 1, 0, 0, 0])],
    [0x0003, true, feature(3, 0x0b, [0x29, 0, 0, 0])],
    [0x0010, profile !== 0, feature(0x10, profile !== 0 ? 1 : 0, [0, 0, 8, 0, 0, 1, 0, 0])],
    [0x001e, cd === 1, feature(0x1e, 0x08 | cd, [0, 0, 0, 0])],
    [0x001f, dvd === 1, feature(0x1f, 0x08 | dvd, [0, 0, 0, 0])],
  ];
  const wanted = features.filter(([code, current]) => {
    if (requestType === 2) return code === start;
    return code >= start && (requestType === 0 || current);
  });
  const data = Uint8Array.from([0, 0, 0, 0, 0, 0, profile >> 8, profile & 0xff, ...wanted.flatMap((f) => f[2])]);
  setBe32(data, 0, data.length - 4);
  return data;
}

/** Mode pages: 01h error recovery, 0Eh audio control, 2Ah capabilities [MMC4 7; SPC3 7.4]. */
function modePages(page: number, locked: boolean, changeable: boolean): number[] | undefined {
  const pages: Record<number, number[]> = {
    1: [0x01, 0x06, 0, 5, 0, 0, 0, 0],
    14: [0x0e, 0x0e, 4, 0, 0, 0, 0, 75, 1, 0xff, 2, 0xff, 0, 0, 0, 0],
    // Reads CD-R, CD-RW, DVD-ROM; multi-session and mode 2; lock and eject, tray; 706 kB/s (4x), 512 KiB buffer.
    42: [0x2a, 0x12, 0x0b, 0, 0x70, 0x60, 0x29 | (locked ? 2 : 0), 0, 2, 0xc2, 0, 2, 2, 0, 2, 0xc2, 0, 0, 0, 0],
  };
  const mask = (bytes: number[]): number[] => (changeable ? bytes.map((b, i) => (i < 2 ? b : 0)) : bytes);
  if (page === 0x3f) return [...mask(pages[0x01]), ...mask(pages[0x0e]), ...mask(pages[0x2a])];
  const found = pages[page];
  return found === undefined ? undefined : mask(found);
}

/** MODE SENSE(6) or (10), without block descriptors. `control`: 0 current, 1 changeable, 2 default values. */
export function modeSenseData(
  ten: boolean,
  page: number,
  control: number,
  locked: boolean,
  blocks: number | undefined,
): Uint8Array | undefined {
  const pages = modePages(page, locked, control === 1);
  if (pages === undefined) return undefined;
  const mediumType = blocks === undefined ? 0x70 : 0x01;
  const data = Uint8Array.from(ten ? [0, 0, mediumType, 0, 0, 0, 0, 0, ...pages] : [0, mediumType, 0, 0, ...pages]);
  if (ten) setBe16(data, 0, data.length - 2);
  else data[0] = data.length - 1;
  return data;
}

/** READ DISC INFORMATION: a finished disc with one session and one track [MMC4 6.24]. */
export function discInformation(): Uint8Array {
  const data = new Uint8Array(34);
  setBe16(data, 0, 32);
  data[2] = 0x0e;
  data[3] = data[4] = data[5] = data[6] = 1;
  data[7] = 0x20;
  data.fill(0xff, 16, 24);
  return data;
}

/** GET EVENT STATUS NOTIFICATION, polled, media class [MMC4 6.6]. `event`: 0 none, 1 eject, 2 new medium, 3 removed. */
export function eventStatus(packet: Uint8Array, event: number, present: boolean, trayOpen: boolean): Uint8Array {
  const supported = 0x10;
  if ((packet[4] & supported) === 0) return Uint8Array.of(0, 2, 0x80, supported);
  return Uint8Array.of(0, 6, 0x04, supported, event, (present ? 2 : 0) | (trayOpen ? 1 : 0), 0, 0);
}

/**
 * READ CD, the sector layouts that are made from 2048 bytes of user data: `fields` is byte 9 of the command
 * [MMC4 6.19].
 * Returns bytes per sector, or undefined for a combination that is not kept.
 */
export function readCdSectorBytes(fields: number): number | undefined {
  if ((fields & 0xf8) === 0x00) return 0;
  if ((fields & 0xf8) === 0x10) return 2048;
  if ((fields & 0xf8) === 0xf8) return 2352;
  return undefined;
}

/**
 * Sync pattern and mode 1 header around user data; EDC and ECC stay zero, which nothing that reads through a drive
 * checks.
 */
export function rawSectors(data: Uint8Array, lba: number, count: number): Uint8Array {
  const raw = new Uint8Array(count * 2352);
  const bcd = (n: number): number => (Math.floor(n / 10) << 4) | (n % 10);
  for (let i = 0; i < count; i++) {
    const at = i * 2352;
    raw.fill(0xff, at + 1, at + 11);
    raw.set([...msf(lba + i).map(bcd), 1], at + 12);
    raw.set(data.subarray(i * 2048, (i + 1) * 2048), at + 16);
  }
  return raw;
}

/** Allocation length of a command: where it stands depends on the group of the operation code. */
export function allocationLength(packet: Uint8Array): number {
  return packet[0] < 0x20 ? packet[4] : be16(packet, 7);
}
