/**
 * Checks of floating-point results that wait for each other: one branch decides about a stretch of instructions. A stretch
 * ends before anything that cannot be taken back. Where a check fails, the registers are again what they were at the
 * stretch's first instruction, and the interpreter goes on there.
 *
 * What comes from outside is checked to be in the middle of its format's range, or 0; from that it follows for a while that results
 * are right (number-ranges.ts). Regions whose numbers have been found elsewhere are made anew, and check every result, closely
 * where that is needed: they are careful.
 */
import * as L from '../cpu/layout.ts';
import { type DeferredCheck, type FloatShape, type I32, ROUNDING, type V128, type Val, type Variable } from '../isa/ops.ts';
import { anyFarFromMiddle, distanceFromMiddle, distanceUnlessZero, exponents, leastNotNormal, noticesRounding, otherRounding, roundsNoticeably } from '../isa/bodies/sse-checks.ts';
import { MIDDLE_RANGES, NORMAL_RANGES, type NumberRange, resultRange } from './number-ranges.ts';
import { type CodeRecord, hostOf } from './region.ts';
import type { Knowledge, RegionCode } from './region-code.ts';
import type { RegionOps } from './region-ops.ts';

/** What is checked at a time: operands, and old values of registers and memory, wait in the host's registers. */
const LONGEST = 24, MOST_STORES = 4;
const SHAPES: readonly FloatShape[] = ['f32x4', 'f64x2'];
/** MXCSR has been found to be as it usually is. */
const USUAL_ROUNDING = `${ROUNDING} is usual`;

/** How many bytes a store may have that can be taken back, and how they are loaded and stored. */
const STORED = { 1: 'u8', 2: 'u16', 4: 'i32', 8: 'i64', 16: 'v128' } as const;
type StoredBytes = keyof typeof STORED;

/** What a stretch has so far; never changed, so that paths can go on from it each for itself. */
export interface Stretch {
  readonly record: CodeRecord;
  readonly start: Knowledge;
  /** What its registers held. */
  readonly before: ReadonlyMap<Variable, Val>;
  /** What memory held before each store, the last one first. */
  readonly overwritten: readonly { readonly host: I32; readonly bytes: StoredBytes; readonly value: Val }[];
  readonly checks: readonly DeferredCheck[];
  /** Scalars without another one to be tested with, and what is tested. */
  readonly single: Val<'f32'> | undefined;
  readonly double: Val<'f64'> | undefined;
  readonly tested: readonly { readonly shape: FloatShape; readonly numbers: V128 }[];
  /** What must not be 0. */
  readonly divisors: readonly { readonly shape: FloatShape; readonly number: Val }[];
  readonly ops: RegionOps;
}

export class DeferredChecks {
  /** The stretch that control is in. */
  stretch: Stretch | undefined;
  /** The instruction that is being made has changed something. */
  private changed = false;
  private readonly code: RegionCode;
  /** All ones where MXCSR is not as it usually is; made where the region uses it. PE may have been set since. */
  private unusual: Variable<'v128'> | undefined;

  constructor(code: RegionCode) {
    this.code = code;
  }

  /** The region is entered. */
  enter(): void {
    const { e, cpu } = this.code;
    if (!this.unusual) return;
    const notices = e.compare('ne', noticesRounding(e, e.load('i32', cpu, L.MXCSR)), e.i32(0));
    e.set(this.unusual, e.simd('i32x4.splat', e.binary('sub', e.i32(0), notices)));
  }
  /** MXCSR has been written. */
  setRounding(): void {
    this.code.forgetValues(ROUNDING);
    this.code.deferred(() => this.enter());
  }

  /** An instruction follows. */
  begin(): void {
    this.changed = false;
  }
  /** A register is about to be written. */
  keep(register: Variable, value: () => Val): void {
    this.changed = true;
    if (!this.stretch || this.stretch.before.has(register)) return;
    this.stretch = { ...this.stretch, before: new Map(this.stretch.before).set(register, value()) };
  }
  /** Flags are about to be set: they stay what they were before the stretch, where they are not in locals. */
  setFlags(): void {
    if (this.code.flags.eager) this.effect();
    else this.changed = true;
  }
  /** So many bytes are about to be stored at an arena address, the instruction's last chance to leave being past. */
  store(host: I32, bytes: number): void {
    this.changed = true;
    const { stretch } = this;
    if (!stretch) return;
    if (!(bytes in STORED) || stretch.overwritten.length === MOST_STORES) return this.flush();
    const size = bytes as StoredBytes;
    const value = this.code.e.load(STORED[size], host);
    this.stretch = { ...stretch, overwritten: [{ host, bytes: size, value }, ...stretch.overwritten] };
  }
  /** Something happens that cannot be taken back. */
  effect(): void {
    this.changed = true;
    this.flush();
  }

  /** Takes a check of the instruction `record`; not one that has changed something already. */
  defer(ops: RegionOps, record: CodeRecord, check: DeferredCheck): boolean {
    if (this.changed) return false;
    if (this.stretch && this.stretch.checks.length >= LONGEST) this.flush();
    this.stretch ??= { record, start: this.code.save(), before: new Map(), overwritten: [], checks: [], single: undefined, double: undefined, tested: [], divisors: [], ops };
    this.stretch = { ...this.stretch, checks: [...this.stretch.checks, check] };
    if (this.code.region.careful) this.testAll(check);
    else this.foresee(check);
    return true;
  }
  private testAll({ shape, operation, operands, value }: DeferredCheck): void {
    for (const number of [...operands.filter((x) => !this.code.rangeOf(x, shape)), value]) this.test(shape, number);
    // A divisor may be infinite.
    for (const number of [value, ...(operation === 'quotient' ? operands.slice(0, 1) : operands)]) this.code.noteRange(number, NORMAL_RANGES[shape]);
  }
  /** Tests operands, where it is not known already that the result is right. */
  private foresee({ shape, operation, operands, value }: DeferredCheck): void {
    const { code } = this;
    const middle = MIDDLE_RANGES[shape];
    const test = (number: Val): NumberRange => {
      this.test(shape, number);
      code.noteRange(number, middle);
      return middle;
    };
    // Of what is no such number there is no such root.
    if (operation === 'root') return void test(value);
    const [, b] = operands;
    if (operation === 'quotient') this.stretch = { ...(this.stretch as Stretch), divisors: [...(this.stretch as Stretch).divisors, { shape, number: b ?? operands[0] }] };
    const ranges = operands.map((x) => (operation === 'quotient' && x === b ? undefined : code.rangeOf(x, shape)) ?? test(x));
    const range = (): NumberRange | undefined => resultRange(operation, ranges[0], ranges[1] ?? ranges[0]);
    for (const [n, x] of operands.entries()) if (!range() && ranges[n] !== middle) ranges[n] = test(x);
    code.noteRange(value, range() as NumberRange);
  }
  private test(shape: FloatShape, number: Val): void {
    const stretch = this.stretch as Stretch;
    const { e } = this.code;
    if (number.type === 'v128') return this.testVector(shape, number as V128);
    const waiting = shape === 'f64x2' ? stretch.double : stretch.single;
    const now = waiting ? undefined : number;
    this.stretch = { ...stretch, ...(shape === 'f64x2' ? { double: now as Val<'f64'> | undefined } : { single: now as Val<'f32'> | undefined }) };
    if (waiting) this.testVector(shape, e.replaceLane(`${shape}.replace_lane` as const, e.simd(`${shape}.splat` as const, waiting), 1, number as never));
  }
  private testVector(shape: FloatShape, numbers: V128): void {
    const stretch = this.stretch as Stretch;
    this.stretch = { ...stretch, tested: [...stretch.tested, { shape, numbers }] };
  }

  /** Ends the stretch with the test of all that is in it. */
  flush(): void {
    const { code } = this;
    const { e } = code;
    if (!this.stretch) return;
    const { ops } = this.stretch;
    for (const shape of SHAPES) {
      const waiting = shape === 'f64x2' ? this.stretch.double : this.stretch.single;
      if (waiting) this.testVector(shape, e.simd(`${shape}.splat` as const, waiting));
    }
    const stretch = this.stretch;
    this.stretch = undefined;
    if (code.dead) return;
    const either = (all: readonly I32[]): I32 => all.reduce((a, b) => ops.or(a, b));
    /** By format: what `find` makes of the vectors, joined, and judged. */
    const judge = (find: typeof distanceFromMiddle, join: 'v128.or' | 'i16x8.min_u', verdict: typeof anyFarFromMiddle): I32[] =>
      SHAPES.flatMap((shape) => {
        const vectors = stretch.tested.filter((t) => t.shape === shape).map(({ numbers }) => find(ops, shape, numbers));
        return vectors.length === 0 ? [] : [verdict(ops, shape, vectors.reduce((a, b) => e.simd(join, a, b)))];
      });
    if (code.region.careful) {
      const rounds = roundsNoticeably(ops);
      e.ifRarely(either([...judge(exponents, 'i16x8.min_u', leastNotNormal), rounds]), () => {
        const inexact = stretch.checks.map((check) => check.inexact());
        e.ifRarely(either([...inexact, otherRounding(ops, rounds)]), () => this.rewind(stretch));
        e.ifRarely(rounds, () => {
          for (const check of stretch.checks) check.notice();
        });
      });
      return;
    }
    const isUsual = code.knows(USUAL_ROUNDING);
    if (isUsual && stretch.tested.length === 0) return;
    this.unusual ??= e.variable('v128', 'unusual_rounding');
    const unusual = isUsual ? [] : [e.get(this.unusual)];
    const suspect = judge(distanceFromMiddle, 'v128.or', (o, shape, distances) => anyFarFromMiddle(o, shape, unusual.reduce((all, one) => e.simd('v128.or', all, one), distances)));
    if (suspect.length === 0) suspect.push(...unusual.map((one) => e.simd('v128.any_true', one)));
    e.ifRarely(either(suspect), () => {
      const far = judge(distanceUnlessZero, 'v128.or', anyFarFromMiddle);
      const zeros = stretch.divisors.map(({ shape, number }) => this.hasZero(shape, number));
      if (far.length > 0) e.ifRarely(either([...far, ...zeros]), () => this.miss(stretch, L.NUMBERS_MISSED));
      e.ifRarely(roundsNoticeably(ops), () => this.miss(stretch, L.ROUNDING_MISSED));
      this.enter();
    });
    code.remembered(USUAL_ROUNDING, () => e.i32(1));
  }
  private hasZero(shape: FloatShape, number: Val): I32 {
    const { e } = this.code;
    if (number.type === 'f64') return e.compare('eq', number as Val<'f64'>, e.f64(0));
    if (number.type === 'f32') return e.compare('eq', number as Val<'f32'>, e.f32(0));
    return e.simd('v128.any_true', e.simd(`${shape}.eq`, number as V128, e.v128(new Uint8Array(16))));
  }
  /** Leaves, and tells the dispatcher why. */
  private miss(stretch: Stretch, counter: number): void {
    const { e, cpu, region } = this.code;
    e.store('i32', cpu, e.i32(hostOf(region.pages, stretch.record.offset)), L.MISSED_AT);
    e.store('i32', cpu, e.binary('add', e.load('i32', cpu, counter), e.i32(1)), counter);
    this.rewind(stretch);
  }
  /** Leaves for the interpreter at the start of a stretch. */
  rewind(stretch: Stretch): void {
    const { code } = this;
    code.restore(stretch.start);
    for (const [register, value] of stretch.before) code.e.set(register, value);
    for (const { host, bytes, value } of stretch.overwritten) code.e.store(STORED[bytes], host, value as never);
    code.leaveAt(stretch.record);
  }
}
