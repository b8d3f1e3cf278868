/**
 * Decoders by the features of a processor: what its profile lacks is no instruction. vCPUs of one pool may differ and share
 * code, so a decoder's number is part of the mode key.
 */
import { MODE_DECODER_SHIFT } from '../cpu/mode.ts';
import { Decoder } from '../isa/decode.ts';
import type { FeatureSet } from '../isa/features.ts';
import type { Row } from '../isa/row.ts';

export class Decoders {
  private readonly rows: readonly Row[];
  private readonly decoders: Decoder[] = [];
  private readonly numbers = new Map<string, number>();

  constructor(rows: readonly Row[]) {
    this.rows = rows;
  }

  /** The number of the decoder for a set of features, which is made at its first use. */
  number(features: FeatureSet): number {
    const key = [...features].sort().join();
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.decoders.push(new Decoder(this.rows, features)) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }

  /** The decoder of a mode. */
  of(mode: number): Decoder {
    return this.decoders[mode >>> MODE_DECODER_SHIFT];
  }
}
