/** Firmware images: sizes that a PC can map, and where. */
import { EmulatorError } from '../../errors.ts';

const UNIT = 0x10000;
/** What the chipset can decode below 4 GiB as firmware. */
const LARGEST = 0x1000000;
/** The end of the image that shows below 1 MiB as well. */
const LOW_ALIAS = 0x20000;

export interface FirmwareMapping {
  readonly base: number;
  readonly bytes: Uint8Array;
}

/**
 * The whole image ends at 4 GiB; its last 128 KiB (or all, if smaller) show below 1 MiB too.
 * @throws EmulatorError `bad-image` when the size is none that firmware has.
 */
export function mapBios(image: Uint8Array): { high: FirmwareMapping; low: FirmwareMapping } {
  if (image.length === 0 || image.length % UNIT !== 0 || image.length > LARGEST) {
    throw new EmulatorError(
      'bad-image',
      `a BIOS image has a multiple of 64 KiB and at most 16 MiB, this one has ${image.length} bytes; give SeaBIOS's bios-256k.bin (Debian package seabios)`,
    );
  }
  const lowBytes = image.subarray(image.length - Math.min(image.length, LOW_ALIAS));
  return {
    high: { base: 2 ** 32 - image.length, bytes: image },
    low: { base: 2 ** 20 - lowBytes.length, bytes: lowBytes },
  };
}

/**
 * A PCI expansion ROM, checked and padded to a size that a BAR can have.
 * @throws EmulatorError `bad-image` without the signature 55h AAh, or when larger than a legacy window.
 */
export function optionRom(image: Uint8Array): Uint8Array {
  if (image.length < 512 || image[0] !== 0x55 || image[1] !== 0xaa) {
    throw new EmulatorError('bad-image', 'a VGA BIOS starts with the bytes 55 AA, this file does not; give vgabios-stdvga.bin (Debian package seabios)');
  }
  if (image.length > 0x40000) throw new EmulatorError('image-too-large', `a VGA BIOS of ${image.length} bytes does not fit the window below 1 MiB`);
  const padded = new Uint8Array(2 ** Math.ceil(Math.log2(Math.max(image.length, 0x1000))));
  padded.set(image);
  return padded;
}
