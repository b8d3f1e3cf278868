/**
 * The archives of an initrd, unpacked by the host where gzip has packed them, as most are: it takes a fraction of the guest's time. What is
 * packed in other ways, or damaged, is left to the guest, which says so.
 *
 * Reference: [initramfs] Documentation/driver-api/early-userspace/buffer-format.rst of Linux: archives, packed or not, follow one another, each
 * whole, with zeros between them.
 */
import { isGzip, unpackGzip } from './gzip.ts';

/** An archive begins at a multiple of so many bytes. */
const ALIGNMENT = 4;

/**
 * @param leaf the leaf kernel's module
 * @param most bytes that may come out
 * @returns undefined for what is packed otherwise, damaged, or has more in it
 */
export function unpackInitrd(packed: Uint8Array, leaf: WebAssembly.Module, most: number): Uint8Array | undefined {
  if (!isGzip(packed)) return undefined;
  try {
    return unpackGzip(leaf, packed, most, ALIGNMENT);
  } catch {
    return undefined;
  }
}
