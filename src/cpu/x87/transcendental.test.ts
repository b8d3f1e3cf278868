/** The transcendental instructions round correctly, in every rounding mode: the kernel against arithmetic on big integers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../tests/oracle/random.ts';
import { CPU_BASE, Subject } from '../../../tests/oracle/x87/run-case.ts';
import { buildX87Kernel } from './build-kernel.ts';
import { DOWN, EXACT, NEAREST, type Real, toFixed, toReal, UP, ZERO } from './exact-fixture.ts';
import { X87_STORE_HIGH } from './kernel-interface.ts';

const CASES = 250;
const FCW_DEFAULT = 0x37f, RC_SHIFT = 10;
/** Binary exponents of ST(0), from and up to, and whether it may be negative; ST(1) is between 2^-6 and 2^6. */
const ARGUMENTS: Readonly<Record<string, readonly [number, number, boolean]>> = {
  f2xm1: [-40, 0, true], fyl2x: [-20, 20, false], fyl2xp1: [-40, -2, true], fpatan: [-6, 6, true], fsin: [-30, 40, true], fcos: [-30, 40, true], fptan: [-30, 30, true],
};

const random = new Random(1985);
function real(from: number, to: number, negative: boolean): Real {
  const sig = (BigInt(random.u32() | 0x80000000) & 0xffffffffn) << 32n | BigInt(random.u32());
  return { se: (0x3fff + from + random.below(to - from)) | (negative && random.chance(50) ? 0x8000 : 0), sig };
}

describe('transcendental instructions', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = new Subject(new WebAssembly.Module(new Uint8Array(await buildX87Kernel())));
  }, 120_000);

  function run(name: string, x: Real, y: Real, rc: number): Real {
    const { x87, view } = subject;
    x87.fninit(CPU_BASE);
    x87.fldcw(CPU_BASE, FCW_DEFAULT | (rc << RC_SHIFT));
    for (const { se, sig } of [y, x]) x87.fld_f80(CPU_BASE, BigInt.asIntN(64, sig), se);
    (x87 as unknown as Record<string, (cpu: number) => void>)[name](CPU_BASE);
    // What FPTAN pushed
    if (name === 'fptan') x87.fincstp(CPU_BASE);
    return { sig: BigInt.asUintN(64, x87.fst_f80_begin(CPU_BASE)), se: view.getUint32(CPU_BASE + X87_STORE_HIGH, true) & 0xffff };
  }

  it.each(Object.keys(ARGUMENTS))('%s rounds correctly', (name) => {
    const [from, to, negative] = ARGUMENTS[name];
    for (let n = 0; n < CASES; n++) {
      const x = real(from, to, negative);
      const y = real(-6, 6, true);
      const exact = EXACT[name](toFixed(x), toFixed(y));
      for (const rc of [NEAREST, DOWN, UP, ZERO]) expect({ x, y, rc, ...run(name, x, y, rc) }).toEqual({ x, y, rc, ...toReal(exact, rc) });
    }
  });
});
