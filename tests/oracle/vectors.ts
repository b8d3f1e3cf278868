/**
 * Recorded cases with the results of a reference, so that a machine without a compiler or QEMU checks the same. The file
 * is gzip: a line of JSON, the baseline, then for each case its record without the unused parts and what is masked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync, gunzipSync } from 'node:zlib';
import { fieldsThatDiffer, stateAfter, stateBefore } from './compare.ts';
import { CoracleExecutor, type Tier } from './coracle.ts';
import { hostDifference } from './host-differences.ts';
import { mnemonicOf } from './mnemonic.ts';
import * as R from './record.ts';
import type { Undefined } from './undefined.ts';

export interface VectorHeader {
  /** The processor that gave the results. */
  readonly processor: string;
  readonly seed: number;
  readonly cases: number;
  /** Segment registers are among the results. */
  readonly selectors: boolean;
}

/** Bytes of a record that are kept: all up to the list of differences, the selectors after, what is undefined (flags, result, bits), and the selectors before. */
const KEPT = 128;
const KEPT_BYTES = KEPT + 12 + 12 + 8;
const BASELINE_BYTES = 3 * 4096;

export class VectorWriter {
  private readonly parts: Uint8Array[] = [];
  private readonly baseline: Uint8Array;
  count = 0;
  constructor(baseline: Uint8Array) {
    this.baseline = baseline;
  }
  add(results: R.Batch, n: number, unknown: Undefined): void {
    const part = new Uint8Array(KEPT_BYTES);
    const at = n * results.stride;
    part.set(results.bytes.subarray(at, at + KEPT));
    part.set(results.bytes.subarray(at + R.SELECTORS, at + R.SELECTORS + 12), KEPT);
    part.set(results.bytes.subarray(at + R.SELECTORS_BEFORE, at + R.SELECTORS_BEFORE + 8), KEPT + 24);
    const view = new DataView(part.buffer);
    view.setUint32(KEPT + 12, unknown.flags, true);
    view.setUint32(KEPT + 16, unknown.result ? 1 : 0, true);
    view.setUint32(KEPT + 20, unknown.bits ?? 0, true);
    this.parts.push(part);
    this.count++;
  }
  write(path: URL, header: Omit<VectorHeader, 'cases'>): void {
    const line = Buffer.from(`${JSON.stringify({ ...header, cases: this.count })}\n`);
    writeFileSync(path, gzipSync(Buffer.concat([line, this.baseline, ...this.parts]), { level: 9 }));
  }
}

/** Runs recorded cases on a tier; gives the failures, ready to print. */
export async function checkVectors(path: URL, tier: Tier): Promise<{ header: VectorHeader; failures: string[] }> {
  const bytes = gunzipSync(readFileSync(path));
  const end = bytes.indexOf(10) + 1;
  const header = JSON.parse(bytes.subarray(0, end).toString()) as VectorHeader;
  const subject = new CoracleExecutor(tier);
  await subject.baseline(bytes.subarray(end, end + BASELINE_BYTES));
  const expected = new R.Batch(header.cases);
  const unknown: Undefined[] = [];
  for (let n = 0; n < header.cases; n++) {
    const part = bytes.subarray(end + BASELINE_BYTES + n * KEPT_BYTES, end + BASELINE_BYTES + (n + 1) * KEPT_BYTES);
    expected.bytes.set(part.subarray(0, KEPT), n * R.RECORD_BYTES);
    expected.bytes.set(part.subarray(KEPT, KEPT + 12), n * R.RECORD_BYTES + R.SELECTORS);
    expected.bytes.set(part.subarray(KEPT + 24, KEPT + 32), n * R.RECORD_BYTES + R.SELECTORS_BEFORE);
    const view = new DataView(part.buffer, part.byteOffset);
    unknown.push({ flags: view.getUint32(KEPT + 12, true), result: view.getUint32(KEPT + 16, true) !== 0, bits: view.getUint32(KEPT + 20, true), section: '' });
  }
  expected.count = header.cases;
  const mine = expected.copy();
  await subject.run(mine);
  const failures: string[] = [];
  for (const [n, u] of unknown.entries()) {
    const fields = fieldsThatDiffer(expected, mine, n, u, header.selectors);
    const mnemonic = mnemonicOf(expected.code(n), R.is16(expected.u32(n, R.MODE)) ? 16 : 32);
    if (fields.length === 0 || hostDifference(mnemonic, expected.u32(n, R.VECTOR), fields) !== undefined) continue;
    const code = Buffer.from(expected.code(n)).toString('hex');
    failures.push(`${code}: ${fields.join(', ')}\n  before   ${stateBefore(expected, n)}\n  recorded ${stateAfter(expected, n)}\n  here     ${stateAfter(mine, n)}`);
  }
  return { header, failures };
}
