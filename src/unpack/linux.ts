/**
 * The kernel that a bzImage has compressed in itself, unpacked by the host, where it takes tenths of the time. What is packed in other
 * ways, or damaged, is left to the guest's own unpacking, which says so.
 *
 * References: [RFC 1952] gzip, [XZ] the .xz file format, [RFC 8878] Zstandard, [LZ4] the LZ4 frame format's legacy frames.
 */
import { gzipSize, unpackGzip } from './gzip.ts';
import type { RoomFor } from './kernel-interface.ts';
import { unpackLz4 } from './lz4.ts';
import { unpackXz } from './xz.ts';

interface Packing {
  readonly magic: readonly number[];
  unpack(packed: Uint8Array, leaf: WebAssembly.Module, roomFor?: RoomFor): Promise<Uint8Array> | Uint8Array;
}

/** Behind all formats but gzip, which has it itself, the kernel's build puts the unpacked size. */
const SIZE_BYTES = 4;
const withoutSize = (packed: Uint8Array): Uint8Array => packed.subarray(0, -SIZE_BYTES);
const sizeOf = (packed: Uint8Array): number => new DataView(packed.buffer, packed.byteOffset).getUint32(packed.length - SIZE_BYTES, true);

const PACKINGS: readonly Packing[] = [
  { magic: [0x1f, 0x8b], unpack: (packed, leaf, roomFor) => unpackGzip(leaf, packed, gzipSize(packed), 1, roomFor) },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], unpack: (packed, leaf, roomFor) => unpackXz(leaf, withoutSize(packed), sizeOf(packed), roomFor) },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: async (packed) => (await import('fzstd')).decompress(withoutSize(packed)) },
  { magic: [0x02, 0x21, 0x4c, 0x18], unpack: (packed, leaf, roomFor) => unpackLz4(leaf, withoutSize(packed), sizeOf(packed), roomFor) },
];

/**
 * @param leaf the leaf kernel's module
 * @param roomFor where it is unpacked to; default: a memory of its own. Of Zstandard nothing goes there
 * @returns undefined for what is packed in no way that is known here, or damaged
 */
export async function unpackKernel(packed: Uint8Array, leaf: WebAssembly.Module, roomFor?: RoomFor): Promise<Uint8Array | undefined> {
  const packing = PACKINGS.find(({ magic }) => magic.every((byte, n) => packed[n] === byte));
  try {
    return await packing?.unpack(packed, leaf, roomFor);
  } catch {
    return undefined;
  }
}
