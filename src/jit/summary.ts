/** What an instruction does with the flags, found out by running its body once: what the liveness of flags needs to know. */
import * as R from '../interp/record.ts';
import type { Variant } from '../interp/variant.ts';
import type { Condition, Flag, I32 } from '../isa/ops.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { type CodeRecord, variantOf } from './region.ts';
import { RegionCode } from './region-code.ts';
import type { FlagModel } from './region-flags.ts';
import { RegionOps } from './region-ops.ts';

export interface Summary {
  /** Needs the flags as they were: reads them, keeps some, or may leave before it sets them. */
  readonly needs: boolean;
  /** Reads some as they were, or keeps some, apart from `keepsCarry`. */
  readonly reads: boolean;
  /** Sets all others and keeps CF. */
  readonly keepsCarry: boolean;
  /** Sets all six on every path. */
  readonly sets: boolean;
  /** Sets some on some paths only. */
  readonly setsSome: boolean;
  /** Reads what it has set. */
  readonly readsOwn: boolean;
  readonly x87: X87Summary;
}

/** What an instruction does with the x87's stack. */
export interface X87Summary {
  readonly uses: boolean;
  /** By how much it moves TOP. */
  readonly moves: number;
  /** Works on it as something other than the x87 does. */
  readonly touches: boolean;
}

const UNKNOWN: Summary = { needs: true, reads: true, keepsCarry: false, sets: false, setsSome: false, readsOwn: false, x87: { uses: false, moves: 0, touches: false } };

class FlagProbe implements FlagModel {
  needs = false;
  sets = false;
  setsSome = false;
  readsOwn = false;
  private readsOthers = false;
  /** CF as it was, once the instruction has asked for it, and whether it has been put back. */
  private carry: I32 | undefined;
  private isKept = false;
  private readonly code: RegionCode;
  private readonly depth: number;

  constructor(code: RegionCode) {
    this.code = code;
    this.depth = code.e.nesting;
  }

  set(): void {
    if (this.code.e.nesting === this.depth) this.sets = true;
    else this.setsSome = true;
  }
  setCarry(cf: I32): void {
    if (cf === this.carry && this.sets) {
      this.isKept = true;
      return;
    }
    this.read();
    if (!this.sets) this.readsOthers = true;
    if (this.code.e.nesting !== this.depth) this.setsSome = true;
  }
  flag(flag: Flag): I32 {
    this.read();
    const { e } = this.code;
    const value = e.eqz(e.param(0, 'i32'));
    if (flag === 'CF' && !this.sets && !this.carry) this.carry = value;
    else if (!this.sets) this.readsOthers = true;
    return value;
  }
  condition(_code: Condition): I32 {
    this.read();
    if (!this.sets) this.readsOthers = true;
    // Not a constant, so that the body makes both paths.
    return this.code.e.param(0, 'i32');
  }
  get keepsCarry(): boolean {
    return this.isKept && !this.readsOthers;
  }
  get reads(): boolean {
    return this.readsOthers || (this.carry !== undefined && !this.isKept);
  }
  /** Also what happens before the flags are set and may leave. */
  read(): void {
    if (!this.sets) this.needs = true;
    if (this.sets || this.setsSome) this.readsOwn = true;
  }
}

/** Summaries by handler, and by the immediate where that decides whether flags are set (shifts by a constant). */
export class Summaries {
  private readonly known = new Map<number, Summary>();

  of(record: CodeRecord): Summary {
    const variant = variantOf(record);
    if (!variant) return UNKNOWN;
    const byImmediate = variant.row.operands.some((o) => o.kind === 'I' && o.size === 'b' && !o.signed);
    const key = record.handler * 256 + (byImmediate ? record.bytes[R.REC_IMMEDIATE] : 0);
    let summary = this.known.get(key);
    if (!summary) {
      summary = probe(record, variant);
      this.known.set(key, summary);
    }
    return summary;
  }
}

function probe(record: CodeRecord, variant: Variant): Summary {
  const code = new ProbedCode(record);
  let found = UNKNOWN;
  const x87 = { uses: false, moves: 0, touches: false };
  code.x87Watcher = {
    move: (by) => {
      x87.uses = true;
      x87.moves += by;
    },
    touch: () => { x87.touches = true; },
  };
  code.frame(0, code.e.i32(0), () => {
    const flags = new FlagProbe(code);
    code.onLeave = () => flags.read();
    variant.row.body(new RegionOps(code, record, variant, flags, { direct: true, branch: () => true, jump: () => true }));
    code.checks.flush();
    found = { needs: flags.needs, reads: flags.reads || flags.setsSome, keepsCarry: flags.keepsCarry, sets: flags.sets && !flags.setsSome, setsSome: flags.setsSome, readsOwn: flags.readsOwn, x87 };
  });
  return found;
}

class ProbedCode extends RegionCode {
  onLeave: () => void = () => {};

  constructor({ delta }: CodeRecord) {
    super(new ModuleBuilder(), 'long', { mode: 0, pages: [{ delta, frame: 0 }], counted: false, careful: false });
  }
  override leaveAt(record: CodeRecord): void {
    this.onLeave();
    super.leaveAt(record);
  }
  /** At once, so that what happens is seen in its order. */
  override deferred(statements: () => void): void {
    statements();
  }
}
