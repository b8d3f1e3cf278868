/** SCSI operation codes, sense codes and big-endian fields that the ATAPI CD-ROM uses [SPC3, MMC4]. */

export const TEST_UNIT_READY = 0x00;
export const REQUEST_SENSE = 0x03;
export const INQUIRY = 0x12;
export const MODE_SENSE_6 = 0x1a;
export const START_STOP_UNIT = 0x1b;
export const PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e;
export const READ_CAPACITY = 0x25;
export const READ_10 = 0x28;
export const SEEK_10 = 0x2b;
export const VERIFY_10 = 0x2f;
export const READ_TOC = 0x43;
export const GET_CONFIGURATION = 0x46;
export const GET_EVENT_STATUS_NOTIFICATION = 0x4a;
export const READ_DISC_INFORMATION = 0x51;
export const MODE_SENSE_10 = 0x5a;
export const READ_12 = 0xa8;
export const SET_CD_SPEED = 0xbb;
export const MECHANISM_STATUS = 0xbd;
export const READ_CD = 0xbe;

/** Sense key, additional sense code, qualifier. */
export interface Sense {
  readonly key: number;
  readonly code: number;
  readonly qualifier: number;
}

const sense = (key: number, code: number, qualifier = 0): Sense => ({ key, code, qualifier });
export const NO_SENSE = sense(0, 0);
export const MEDIUM_NOT_PRESENT = sense(2, 0x3a);
export const UNRECOVERED_READ_ERROR = sense(3, 0x11);
export const INVALID_OPCODE = sense(5, 0x20);
export const LBA_OUT_OF_RANGE = sense(5, 0x21);
export const INVALID_FIELD = sense(5, 0x24);
export const SAVING_NOT_SUPPORTED = sense(5, 0x39);
export const MEDIUM_REMOVAL_PREVENTED = sense(5, 0x53, 0x02);
export const ILLEGAL_MODE_FOR_TRACK = sense(5, 0x64);
export const MEDIUM_MAY_HAVE_CHANGED = sense(6, 0x28);

/** Fixed-format sense data [SPC3 4.5.3]. */
export function senseData(s: Sense): Uint8Array {
  const data = new Uint8Array(18);
  data[0] = 0x70;
  data[2] = s.key;
  data[7] = 10;
  data[12] = s.code;
  data[13] = s.qualifier;
  return data;
}

export const be16 = (b: Uint8Array, at: number): number => (b[at] << 8) | b[at + 1];
export const be24 = (b: Uint8Array, at: number): number => (b[at] << 16) | (b[at + 1] << 8) | b[at + 2];
export const be32 = (b: Uint8Array, at: number): number => ((b[at] << 24) | be24(b, at + 1)) >>> 0;
export function setBe16(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8;
  b[at + 1] = value;
}
export function setBe32(b: Uint8Array, at: number, value: number): void {
  setBe16(b, at, value >>> 16);
  setBe16(b, at + 2, value & 0xffff);
}

/** Minute, second, frame of a logical block [MMC4 table 545]: block 0 is at 00:02:00. */
export function msf(lba: number): [number, number, number] {
  const frame = lba + 150;
  return [Math.floor(frame / 4500) & 0xff, Math.floor(frame / 75) % 60, frame % 75];
}
