/**
 * Checks of floating-point results that wait for each other: one branch decides about a stretch of instructions. A stretch
 * ends before anything that cannot be taken back. Where a check fails, the registers are again what they were at the
 * stretch's first instruction, and the interpreter goes on there.
 */
import type { DeferredCheck, FloatShape, I32, V128, Val, Variable } from '../isa/ops.ts';
import { exponents, leastNotNormal, otherRounding, roundsNoticeably } from '../isa/bodies/sse-checks.ts';
import type { CodeRecord } from './region.ts';
import type { Knowledge, RegionCode } from './region-code.ts';
import type { RegionOps } from './region-ops.ts';

/** What is checked at a time: operands and registers' old values wait in the host's registers. */
const LONGEST = 12;
const SHAPES: readonly FloatShape[] = ['f32x4', 'f64x2'];

/** What a stretch has so far; never changed, so that paths can go on from it each for itself. */
export interface Stretch {
  readonly record: CodeRecord;
  readonly start: Knowledge;
  /** What its registers held. */
  readonly before: ReadonlyMap<Variable, Val>;
  readonly checks: readonly DeferredCheck[];
  /** Scalars without another one to be tested with, and shapes whose least exponents are gathered. */
  readonly single: Val<'f32'> | undefined;
  readonly double: Val<'f64'> | undefined;
  readonly shapes: ReadonlySet<FloatShape>;
  readonly ops: RegionOps;
}

export class DeferredChecks {
  /** The stretch that control is in. */
  stretch: Stretch | undefined;
  /** The instruction that is being made has changed something. */
  private changed = false;
  private readonly code: RegionCode;
  private readonly least = new Map<FloatShape, Variable<'v128'>>();

  constructor(code: RegionCode) {
    this.code = code;
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
  /** Something happens that cannot be taken back. */
  effect(): void {
    this.changed = true;
    this.flush();
  }

  /** Takes a check of the instruction `record`; not one that has changed something already. */
  defer(ops: RegionOps, record: CodeRecord, check: DeferredCheck): boolean {
    if (this.changed) return false;
    if (this.stretch && this.stretch.checks.length >= LONGEST) this.flush();
    this.stretch ??= { record, start: this.code.save(), before: new Map(), checks: [], single: undefined, double: undefined, shapes: new Set(), ops };
    this.stretch = { ...this.stretch, checks: [...this.stretch.checks, check] };
    for (const number of check.numbers) this.gather(ops, check.shape, number);
    return true;
  }
  private gather(ops: RegionOps, shape: FloatShape, number: Val): void {
    const stretch = this.stretch as Stretch;
    const { e } = this.code;
    if (number.type === 'v128') return this.lower(ops, shape, number as V128);
    const waiting = shape === 'f64x2' ? stretch.double : stretch.single;
    const now = waiting ? undefined : number;
    this.stretch = { ...stretch, ...(shape === 'f64x2' ? { double: now as Val<'f64'> | undefined } : { single: now as Val<'f32'> | undefined }) };
    if (waiting) this.lower(ops, shape, e.replaceLane(`${shape}.replace_lane` as const, e.simd(`${shape}.splat` as const, waiting), 1, number as never));
  }
  private lower(ops: RegionOps, shape: FloatShape, numbers: V128): void {
    const stretch = this.stretch as Stretch;
    const { e } = this.code;
    const least = this.least.get(shape) ?? e.variable('v128', `least_${shape}`);
    this.least.set(shape, least);
    const found = exponents(ops, shape, numbers);
    e.set(least, stretch.shapes.has(shape) ? e.simd('i16x8.min_u', e.get(least), found) : found);
    this.stretch = { ...stretch, shapes: new Set([...stretch.shapes, shape]) };
  }

  /** Ends the stretch with the test of all that is in it. */
  flush(): void {
    const { code } = this;
    const { e } = code;
    if (!this.stretch) return;
    const { ops } = this.stretch;
    for (const shape of SHAPES) {
      const waiting = shape === 'f64x2' ? this.stretch.double : this.stretch.single;
      if (waiting) this.lower(ops, shape, e.simd(`${shape}.splat` as const, waiting));
    }
    const stretch = this.stretch;
    this.stretch = undefined;
    if (code.dead) return;
    const either = (all: readonly I32[]): I32 => all.reduce((a, b) => ops.or(a, b));
    const rounds = roundsNoticeably(ops);
    const suspect = [...stretch.shapes].map((shape) => leastNotNormal(ops, shape, e.get(this.least.get(shape) as Variable<'v128'>)));
    e.ifRarely(either([...suspect, rounds]), () => {
      const inexact = stretch.checks.map((check) => check.inexact());
      e.ifRarely(either([...inexact, otherRounding(ops, rounds)]), () => this.rewind(stretch));
      e.ifRarely(rounds, () => {
        for (const check of stretch.checks) check.notice();
      });
    });
  }
  /** Leaves for the interpreter at the start of a stretch. */
  rewind(stretch: Stretch): void {
    const { code } = this;
    code.restore(stretch.start);
    for (const [register, value] of stretch.before) code.e.set(register, value);
    code.leaveAt(stretch.record);
  }
}
