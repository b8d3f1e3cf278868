/**
 * What the manual says of RCPSS, RCPPS, RSQRTSS and RSQRTPS [SDM2]: special operands have exact results, the others a bound
 * of the error. Which numbers within the bound is every processor's own.
 */

const SIGN = 0x80000000, MAGNITUDE = 0x7fffffff;
const SMALLEST_NORMAL = 0x00800000, INFINITY = 0x7f800000, QUIET = 0x00400000, INDEFINITE = 0xffc00000;
const MOST_ERROR = 1.5 * 2 ** -12;
/** Reciprocals up to the first of these are never tiny, those from the second on always. */
const NEVER_TINY = 2 ** 125 * (2 - 3 * 2 ** -12), ALWAYS_TINY = 2 ** 126 * (1 + 3 * 2 ** -13 + 2 ** -23);

const view = new DataView(new ArrayBuffer(4));
function toNumber(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** Whether `result` may be the reciprocal, or that of the root, of `source`: single-precision numbers as their bits. */
export function isEstimate(ofRoot: boolean, source: number, result: number): boolean {
  const magnitude = source & MAGNITUDE;
  const sign = (source & SIGN) >>> 0;
  if (magnitude > INFINITY) return result === (source | QUIET) >>> 0;
  if (magnitude < SMALLEST_NORMAL) return result === (sign | INFINITY) >>> 0;
  if (ofRoot && sign !== 0) return result === INDEFINITE;
  if (magnitude === INFINITY) return result === sign;
  const x = toNumber(source);
  if (!ofRoot && result === sign) return Math.abs(x) > NEVER_TINY;
  if (!ofRoot && Math.abs(x) >= ALWAYS_TINY) return false;
  const exact = ofRoot ? 1 / Math.sqrt(x) : 1 / x;
  return Math.abs(toNumber(result) - exact) <= MOST_ERROR * Math.abs(exact);
}

/** The estimates among the encodings: how many lanes each makes, and of what. */
export function estimateOf(text: string): { readonly ofRoot: boolean; readonly lanes: number } | undefined {
  const found = /^(0f|f30f|c5f8|c5fa|c5fc)5([23])/.exec(text);
  if (!found) return undefined;
  const lanes = { '0f': 4, f30f: 1, c5f8: 4, c5fa: 1, c5fc: 8 }[found[1] as string] as number;
  return { ofRoot: found[2] === '2', lanes };
}
