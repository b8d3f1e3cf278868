/** Reads that run past the end of an image: devices see whole sectors, the rest of the last one is zeros. */
import type { BlockBackend } from './block.ts';

export function readPadded(backend: BlockBackend, offset: number, length: number): Uint8Array | Promise<Uint8Array> {
  const inside = Math.max(0, Math.min(length, backend.sizeBytes - offset));
  if (inside === length) return backend.read(offset, length);
  const whole = new Uint8Array(length);
  if (inside === 0) return whole;
  const pad = (part: Uint8Array): Uint8Array => {
    whole.set(part);
    return whole;
  };
  const part = backend.read(offset, inside);
  return part instanceof Uint8Array ? pad(part) : part.then(pad);
}
