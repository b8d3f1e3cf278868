/**
 * The monitor's identification that the register page shows (VESA E-EDID 1.3): a 1024x768 panel of our own make, with
 * which drivers choose their mode instead of falling back to a guess.
 */

const BLOCK_SIZE = 128;
const HEADER: readonly number[] = [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];

/** Three letters of five bits each, the way manufacturer codes are packed. */
function manufacturer(code: string): number {
  return [...code].reduce((packed, letter) => (packed << 5) | (letter.charCodeAt(0) - 64), 0);
}

/** Detailed timing of 1024x768 at 60 Hz (VESA DMT 10h): 65 MHz, blanking 320 by 38. */
const DETAILED_TIMING: readonly number[] = [
  0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18, 0x88, 0x36, 0x00, 0x04, 0xc8, 0x10, 0x00, 0x00, 0x18,
];

/** A descriptor that holds text: 13 bytes, ended by a line feed and filled with spaces. */
function textDescriptor(tag: number, text: string): number[] {
  const bytes = [...`${text}\n`.padEnd(13)].map((c) => c.charCodeAt(0));
  return [0, 0, 0, tag, 0, ...bytes];
}

/** Range limits: 50 to 75 Hz, 30 to 90 kHz, 160 MHz. */
const RANGE_LIMITS: readonly number[] = [
  0, 0, 0, 0xfd, 0, 50, 75, 30, 90, 16, 0, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
];

/** The block of 128 bytes. */
export function edid(): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const maker = manufacturer('COR');
  block.set(HEADER, 0);
  block.set([maker >> 8, maker & 0xff, 1, 0, 1, 0, 0, 0, 1, 36, 1, 3], 8);
  // Digital input, 26 by 20 cm, gamma 2.2, sRGB with the preferred timing first.
  block.set([0x80, 26, 20, 120, 0x06], 20);
  block.set([0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54], 25);
  // Established: 640x480, 800x600 and 1024x768 at 60 Hz. Standard: 1280x1024, 1280x800, 1152x864, 1920x1080.
  block.set([0x21, 0x08, 0x00], 35);
  block.set([0x81, 0x80, 0x81, 0x00, 0x71, 0x40, 0xd1, 0xc0, 1, 1, 1, 1, 1, 1, 1, 1], 38);
  block.set(DETAILED_TIMING, 54);
  block.set(RANGE_LIMITS, 72);
  block.set(textDescriptor(0xfc, 'Coracle'), 90);
  block.set(textDescriptor(0xff, '1'), 108);
  block[127] = -block.reduce((sum, byte) => sum + byte, 0);
  return block;
}
