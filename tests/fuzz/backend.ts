/** A disk in memory that answers at once, later, never or with an error, as the case's random numbers say. */
import { EmulatorError } from '../../src/errors.ts';
import type { BlockBackend } from '../../src/storage/block.ts';
import type { Random } from '../oracle/random.ts';
import { Finding } from './fuzzer.ts';

export class FuzzBackend implements BlockBackend {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly bytes: Uint8Array;
  private readonly random: Random;
  /** Per thousand. */
  private readonly failures: number;
  private readonly silences: number;

  constructor(random: Random, sizeBytes: number, readOnly = false) {
    this.random = random;
    this.sizeBytes = sizeBytes;
    this.readOnly = readOnly;
    this.bytes = new Uint8Array(sizeBytes);
    this.failures = random.pick([0, 0, 50, 300]);
    this.silences = random.pick([0, 0, 0, 20]);
    for (let i = 0; i < sizeBytes; i += 61) this.bytes[i] = random.u32();
  }

  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    this.checkRange(offset, length);
    return this.answer(() => this.bytes.slice(offset, offset + length));
  }

  write(offset: number, data: Uint8Array): void | Promise<void> {
    this.checkRange(offset, data.length);
    if (this.readOnly) throw new Finding('a device writes to a read-only disk');
    return this.answer(() => this.bytes.set(data, offset));
  }

  flush(): void | Promise<void> {
    return this.answer(() => undefined);
  }

  close(): void {}

  private checkRange(offset: number, length: number): void {
    const whole = Number.isInteger(offset) && Number.isInteger(length);
    if (!whole || offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new Finding(`a device asks for ${length} bytes at ${offset} of a disk of ${this.sizeBytes}`);
    }
  }

  private answer<T>(action: () => T): T | Promise<T> {
    const dice = this.random.below(1000);
    if (dice < this.failures) return Promise.reject(new EmulatorError('storage-failed', 'the medium is bad here'));
    if (dice < this.failures + this.silences) return new Promise<T>(() => {});
    return dice & 1 ? action() : Promise.resolve(action());
  }
}
