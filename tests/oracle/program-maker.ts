/**
 * Random programs for lockstep, with the shapes that compilers of regions have to get right: nested loops of several
 * kinds, jumps into and out of them, calls, recursion, returns and indirect jumps, pointers that walk through memory and
 * may leave it, aliased and page-crossing accesses, faults in the middle, and code that changes itself.
 */
import type { Row } from '../../src/isa/row.ts';
import { NO_FLAGS, type Piece } from './program.ts';
import { type Capabilities, EBP, ECX, InstructionMaker, type Place } from './program-instructions.ts';
import type { Random } from './random.ts';
import * as R from './record.ts';

/** Doublewords that nothing but the program's shape uses: loop counters and tables of functions. */
const COUNTERS = R.DATA_BASE + 0xf100;
const POINTERS = R.DATA_BASE + 0xf400;
const ITERATIONS = [2, 3, 4, 5, 9, 17, 33, 70, 200];
/** Instructions that a program may take, roughly. */
const MOST = 6000;
const LOCALS = 0x20;

interface Context extends Place {
  /** How often what is made here runs. */
  readonly times: number;
  readonly depth: number;
  /** Where control may leave to, forward. */
  readonly exits: readonly number[];
  /** Number of the first function that may be called. */
  readonly callable: number;
  readonly inFunction: boolean;
}

interface FunctionShape {
  readonly label: number;
  /** Registers that it gives back as they were. */
  readonly saved: readonly number[];
  readonly frame: boolean;
  readonly popped: number;
  readonly recursive: boolean;
  /** Instructions that a call takes, roughly. */
  cost: number;
  pieces: Piece[];
}

export interface MakerOptions extends Capabilities {
  readonly selfModifying: boolean;
}

const little = (value: number): number[] => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];

export class ProgramMaker {
  private readonly random: Random;
  private readonly options: MakerOptions;
  private readonly maker: InstructionMaker;
  private pieces: Piece[] = [];
  private unknown = 0;
  private labels = 0;
  private counters = 0;
  private functions: FunctionShape[] = [];

  constructor(random: Random, rows: readonly Row[], options: MakerOptions) {
    this.random = random;
    this.options = options;
    this.maker = new InstructionMaker(random, rows, options);
  }

  /** A program of about so many instructions. */
  make(length: number): Piece[] {
    const { random } = this;
    this.labels = this.counters = 0;
    this.functions = [];
    const functions = random.below(4);
    for (let i = 0; i < functions; i++) this.functions.push(this.shape());
    // The last one first: functions call those behind them.
    for (let i = functions - 1; i >= 0; i--) this.body(this.functions[i] as FunctionShape, i, Math.max(4, Math.floor(length / 8)));
    this.begin();
    this.statements(Math.max(6, length - this.functions.reduce((sum, f) => sum + f.pieces.length, 0)), {
      reserved: new Set(), pointers: [], stackRoom: 0x40, locals: 0, times: 1, depth: 0, exits: [], callable: 0, inFunction: false,
    });
    this.known();
    if (functions > 0) this.raw([0xcc], { flow: 'jump' });
    return [...this.pieces, ...this.functions.flatMap((f) => f.pieces)];
  }

  // Emission

  private begin(): void {
    this.pieces = [];
    this.unknown = 0;
  }
  /** Makes all flags known. */
  private known(): void {
    if (this.unknown === 0) return;
    this.unknown = 0;
    this.pieces.push(this.maker.raw(Uint8Array.of(0x39, 0xc0 | this.random.below(64))));
  }
  private emit(piece: Piece): void {
    if (piece.flow !== undefined || piece.label !== undefined || piece.flags.reads & this.unknown) this.known();
    this.pieces.push(piece);
    this.unknown = (this.unknown & ~piece.flags.writes) | piece.flags.undefines;
  }
  private raw(bytes: readonly number[], more: Partial<Piece> = {}): void {
    this.emit(this.maker.raw(Uint8Array.from(bytes), more));
  }
  private label(label: number): void {
    this.emit({ bytes: new Uint8Array(), label, flags: NO_FLAGS });
  }
  private newLabel(): number {
    return this.labels++;
  }
  private branch(bytes: readonly number[], to: number, near: boolean): void {
    this.raw(bytes, { reference: { to, kind: near ? 'rel8' : 'rel32' }, flow: 'branch' });
  }
  private jump(to: number): void {
    this.raw([0xe9], { reference: { to, kind: 'rel32' }, flow: 'jump' });
  }
  /** Jcc with a condition; short where it surely reaches. */
  private conditional(condition: number, to: number, near: boolean): void {
    this.branch(near ? [0x70 | condition] : [0x0f, 0x80 | condition], to, near);
  }
  private free(place: Place, among = [0, 1, 2, 3, 6, 7]): number[] {
    return among.filter((r) => !place.reserved.has(r));
  }

  // Statements

  private statements(count: number, context: Context): void {
    const end = this.pieces.length + count;
    while (this.pieces.length < end) this.statement(end - this.pieces.length, context);
  }

  private statement(left: number, context: Context): void {
    const kind = this.random.below(100);
    if (kind < 9 && left > 5 && context.depth < 3) this.loop(left, context);
    else if (kind < 17) this.skip(left, context);
    else if (kind < 20 && context.exits.length > 0) this.conditional(this.random.below(16), this.random.pick(context.exits), false);
    else if (kind < 25) this.call(context);
    else if (kind < 28) this.jumpTable(context);
    else if (kind < 31) this.indirect(context);
    else if (kind < 34 && context.times < 200) for (const p of this.maker.makeString(context)) this.emit(p);
    else if (kind < 40) this.stack(left, context);
    else if (kind < 52 && this.options.selfModifying) this.modify(context);
    else if (kind < 53) {
      if (this.random.chance(15)) this.trap();
    }
    else for (const p of this.maker.make(context)) this.emit(p);
  }

  /** A forward branch over a few statements, or an if with an else. */
  private skip(left: number, context: Context): void {
    const { random } = this;
    const over = this.newLabel();
    const count = 1 + random.below(Math.min(5, Math.max(1, left - 1)));
    const start = this.pieces.length;
    if (random.chance(6) && !context.reserved.has(ECX)) this.branch([0xe3], over, true);
    else this.conditional(random.below(16), over, false);
    const at = this.pieces.length - 1;
    const inner = { ...context, depth: Math.max(context.depth, 2) };
    this.statements(count, inner);
    if (random.chance(25)) {
      const end = this.newLabel();
      this.jump(end);
      this.label(over);
      this.statements(1 + random.below(3), inner);
      this.label(end);
    } else this.label(over);
    this.shorten(at, start);
  }

  /** Makes the conditional branch at `at` short when its target is near enough. */
  private shorten(at: number, start: number): void {
    const piece = this.pieces[at] as Piece;
    if (piece.reference?.kind !== 'rel32' || piece.bytes[0] !== 0x0f || this.random.chance(30)) return;
    const bytes = this.pieces.slice(start).reduce((sum, p) => sum + p.bytes.length + 4 + (p.suffix?.length ?? 0), 0);
    if (bytes > 110) return;
    this.pieces[at] = this.maker.raw(Uint8Array.of(0x70 | ((piece.bytes[1] as number) & 15)), { reference: { to: piece.reference.to, kind: 'rel8' }, flow: 'branch' });
  }

  private loop(left: number, context: Context): void {
    const { random } = this;
    const affordable = ITERATIONS.filter((n) => n * context.times * 8 <= MOST);
    const free = this.free(context);
    if (affordable.length === 0 || free.length < 3) return;
    const times = random.pick(affordable);
    const top = this.newLabel();
    const next = this.newLabel();
    const out = this.newLabel();
    const reserved = new Set(context.reserved);
    const counter = random.chance(25) ? undefined : random.pick(free);
    if (counter !== undefined) reserved.add(counter);
    const pointer = random.chance(45) && free.length > 3 ? random.pick(free.filter((r) => r !== counter)) : undefined;
    const pointers = [...context.pointers];
    if (pointer !== undefined) {
      reserved.add(pointer);
      pointers.push(this.pointer(pointer, times));
    }
    const inside = { ...context, reserved, pointers, times: context.times * times, depth: context.depth + 1, exits: random.chance(30) ? [out, next] : [out] };
    const start = this.beginLoop(counter, times, top, out);
    if (random.chance(8)) this.conditional(random.below(16), next, false); // into the middle
    this.label(top);
    this.statements(2 + random.below(Math.min(12, Math.max(1, left - 5))), inside);
    if (pointer !== undefined) this.advance(pointer);
    this.label(next);
    start.close();
    this.label(out);
  }

  /** Sets a pointer register to where the loop's walk begins; in some the walk leaves the data. */
  private pointer(register: number, times: number): { register: number; displacement: number } {
    const { random } = this;
    const leaves = random.chance(12);
    const at = leaves ? 0x2000 - 4 * random.below(times + 4) - 32 : 0x100 + 4 * random.below(0x1e0) + random.below(random.chance(25) ? 4 : 1);
    const displacement = random.chance(70) ? 0 : random.pick([-64, -128, 8, 64]);
    this.emit(this.maker.immediate(register, R.DATA_BASE + at - displacement));
    return { register, displacement };
  }
  private advance(register: number): void {
    const { random } = this;
    const step = random.pick([1, 2, 4, 4, 4, 8, 16, -4]);
    if (step === 1) this.raw([0x40 | register]);
    else if (random.chance(70)) this.raw([0x83, 0xc0 | register, step & 255]);
    else this.raw([0x8d, 0x40 | (register << 3) | register, step & 255]);
  }

  /** What begins a loop; `close` makes its end, which comes to an end whatever the counter was. */
  private beginLoop(counter: number | undefined, times: number, top: number, out: number): { close(): void } {
    const { random } = this;
    if (counter === undefined) {
      const cell = COUNTERS + 4 * (this.counters++ & 63);
      this.raw([0xc7, 0x05, ...little(cell), ...little(times)]);
      return {
        close: () => {
          this.raw([0x81, 0x25, ...little(cell), ...little(0x1ff)]);
          this.raw([0xff, 0x0d, ...little(cell)]);
          this.conditional(0xf, top, false);
        },
      };
    }
    const mask = () => this.raw([0x81, 0xe0 | counter, ...little(0x1ff)]);
    const kind = random.below(counter === ECX ? 6 : 5);
    if (kind < 2) {
      this.emit(this.maker.immediate(counter, times));
      return {
        close: () => {
          mask();
          if (kind === 0) this.raw([0x48 | counter]);
          else this.raw([0x83, 0xe8 | counter, 1]);
          this.conditional(0xf, top, false);
        },
      };
    }
    if (kind < 4) {
      // Counting up, the test at the end or at the top
      this.raw([0x31, 0xc0 | (counter << 3) | counter]);
      return {
        close: () => {
          mask();
          this.raw([0x40 | counter]);
          this.raw([0x81, 0xf8 | counter, ...little(times)]);
          if (kind === 2) this.conditional(random.pick([2, 0xc]), top, false);
          else {
            this.conditional(random.pick([3, 0xd]), out, false);
            this.jump(top);
          }
        },
      };
    }
    this.emit(this.maker.immediate(counter, times));
    const wide = kind === 4;
    return {
      close: () => {
        mask();
        if (wide) {
          // A 16-bit counter; what lies above it stays
          this.raw([0x66, 0x48 | counter]);
          this.conditional(0xf, top, false);
          return;
        }
        const again = this.newLabel();
        const done = this.newLabel();
        this.branch([random.pick([0xe0, 0xe1, 0xe2, 0xe2])], again, true);
        this.branch([0xeb], done, true);
        this.label(again);
        this.jump(top);
        this.label(done);
      },
    };
  }

  // Control flow by address

  /** A register set to a label's address and a jump there; or a return to an address that was pushed. */
  private indirect(context: Context): void {
    const { random } = this;
    const to = this.newLabel();
    const kind = random.below(3);
    const [register] = this.free(context, [random.below(4)]);
    if (kind === 0 && register !== undefined) {
      this.raw([0xb8 | register], { reference: { to, kind: 'abs32' } });
      this.raw([0xff, 0xe0 | register], { flow: 'jump' });
    } else if (kind === 1) {
      const cell = POINTERS + 4 * random.below(16);
      this.raw([0xc7, 0x05, ...little(cell)], { reference: { to, kind: 'abs32' } });
      this.raw([0xff, 0x25, ...little(cell)], { flow: 'jump' });
    } else {
      this.raw([0x68], { reference: { to, kind: 'abs32' } });
      this.raw([0xc3], { flow: 'jump' });
    }
    this.statements(random.below(3), { ...context, depth: 3 });
    this.label(to);
  }

  private jumpTable(context: Context): void {
    const { random } = this;
    const [register] = this.free(context, [random.pick([0, 1, 2, 3, 6, 7])]);
    if (register === undefined) return;
    const cases = random.pick([2, 4, 4, 8]);
    const labels = Array.from({ length: cases }, () => this.newLabel());
    const table = this.newLabel();
    const end = this.newLabel();
    this.raw([0x83, 0xe0 | register, cases - 1]);
    this.raw([0xff, 0x24, 0x85 | (register << 3)], { reference: { to: table, kind: 'abs32' }, flow: 'jump' });
    this.emit({ bytes: new Uint8Array(), label: table, data: true, flags: NO_FLAGS });
    for (const to of labels) this.emit({ bytes: new Uint8Array(), reference: { to, kind: 'abs32' }, data: true, flags: NO_FLAGS });
    for (const to of labels) {
      this.label(to);
      this.statements(1, { ...context, depth: 3 });
      if (random.chance(60)) this.jump(end);
    }
    this.label(end);
  }

  // Functions

  private shape(): FunctionShape {
    const { random } = this;
    const frame = random.chance(40);
    const saved = [0, 1, 2, 3, 6, 7].filter(() => random.chance(50));
    return { label: this.newLabel(), saved, frame, popped: random.chance(25) ? 4 * (1 + random.below(3)) : 0, recursive: random.chance(25), cost: 0, pieces: [] };
  }

  private body(f: FunctionShape, index: number, length: number): void {
    this.begin();
    this.label(f.label);
    if (f.frame) {
      this.raw([0x55]);
      this.raw([0x89, 0xe5]);
      this.raw([0x83, 0xec, LOCALS]);
    }
    for (const r of f.saved) this.raw([0x50 | r]);
    const done = this.newLabel();
    const cell = COUNTERS + 0x200 + 4 * index;
    if (f.recursive) {
      this.raw([0x83, 0x25, ...little(cell), 3]);
      this.raw([0xff, 0x0d, ...little(cell)]);
      this.conditional(8, done, false);
    }
    const context: Context = {
      reserved: new Set(f.frame ? [EBP] : []), pointers: [], stackRoom: 0, locals: f.frame ? LOCALS : 0, times: 20, depth: 2, exits: [done], callable: index + 1, inFunction: true,
    };
    this.statements(Math.floor(length / 2), context);
    if (f.recursive) this.callFunction(f);
    this.statements(Math.ceil(length / 2), context);
    this.label(done);
    for (const r of [...f.saved].reverse()) this.raw([0x58 | r]);
    if (f.frame) this.raw([0xc9]);
    if (f.popped > 0) this.raw([0xc2, f.popped, 0], { flow: 'jump' });
    else this.raw([0xc3], { flow: 'jump' });
    this.known();
    f.pieces = this.pieces;
    f.cost = this.pieces.length * (f.recursive ? 5 : 2) + 20;
  }

  private call(context: Context): void {
    const { random } = this;
    const able = this.functions.filter((f, i) => i >= context.callable && f.pieces.length > 0 && f.cost * context.times <= MOST && [...context.reserved].every((r) => f.saved.includes(r) || (r === EBP && f.frame)));
    if (able.length === 0) return;
    const f = random.pick(able);
    if (f.recursive) this.raw([0xc7, 0x05, ...little(COUNTERS + 0x200 + 4 * this.functions.indexOf(f)), random.below(4), 0, 0, 0]);
    for (let i = 0; i < f.popped; i += 4) this.raw(random.chance(50) ? [0x50 | random.below(8)] : [0x6a, random.below(256)]);
    this.callFunction(f, context);
  }

  private callFunction(f: FunctionShape, context?: Context): void {
    const { random } = this;
    if (!context) for (let i = 0; i < f.popped; i += 4) this.raw([0x6a, random.below(256)]);
    const kind = random.below(4);
    const [register] = context ? this.free(context, [random.below(4)]).filter((r) => !f.saved.includes(r)) : [];
    if (kind === 0 && register !== undefined) {
      this.raw([0xb8 | register], { reference: { to: f.label, kind: 'abs32' } });
      this.raw([0xff, 0xd0 | register], { flow: 'branch' });
    } else if (kind === 1) {
      const cell = POINTERS + 0x100 + 4 * random.below(16);
      this.raw([0xc7, 0x05, ...little(cell)], { reference: { to: f.label, kind: 'abs32' } });
      this.raw([0xff, 0x15, ...little(cell)], { flow: 'branch' });
    } else this.raw([0xe8], { reference: { to: f.label, kind: 'rel32' }, flow: 'branch' });
  }

  // The stack

  /** What pushes something, and what pops it behind a few statements. */
  private stack(left: number, context: Context): void {
    const { random } = this;
    const kind = random.below(10);
    const inner = { ...context, depth: 3, stackRoom: 4, exits: [] };
    const few = () => this.statements(random.below(Math.min(4, Math.max(1, left))), inner);
    const free = this.free(context);
    const target = free.length > 0 ? random.pick(free) : undefined;
    if (kind < 4 && target !== undefined) {
      this.raw(random.pick([[0x50 | random.below(8)], [0x6a, random.below(256)], [0x68, ...little(random.value())], [0xff, 0x35, ...little(R.DATA_BASE + 0x100 + random.below(0x60))]]));
      few();
      this.raw(random.chance(75) ? [0x58 | target] : [0x8f, 0x05, ...little(R.DATA_BASE + 0x100 + random.below(0x60))]);
    } else if (kind < 5) {
      // PUSHA, which gives back what was there but ESP and what is reserved
      this.raw([0x60]);
      this.statements(random.below(3), { ...inner, stackRoom: 0 });
      this.raw([0x61]);
    } else if (kind < 7) {
      this.raw([0x9c]);
      few();
      if (random.chance(50)) this.raw([0x81, 0x34, 0x24, random.below(256) & 0xd5, random.pick([0, 4, 8, 0xc]), 0, 0]);
      this.raw([0x9d]);
    } else if (kind < 8) {
      this.raw([0x83, 0xec, 0x10]);
      this.statements(random.below(4), { ...inner, stackRoom: 0x10 });
      this.raw([0x83, 0xc4, 0x10]);
    } else if (kind < 9 && target !== undefined) {
      this.raw([0x66, 0x50 | random.below(8)]);
      few();
      this.raw([0x66, 0x58 | target]);
    } else if (!context.reserved.has(EBP)) {
      this.raw([0xc8, random.pick([0, 4, 16]), 0, random.below(2)]);
      this.statements(random.below(3), { ...inner, stackRoom: 0, reserved: new Set([...context.reserved, EBP]) });
      this.raw([0xc9]);
    }
  }

  /** Raises an exception, where a condition says so. */
  private trap(): void {
    const { random } = this;
    const over = this.newLabel();
    this.conditional(random.below(16), over, false);
    this.raw(random.pick([[0x0f, 0x0b], [0xcc], [0xa1, ...little(random.value())], [0xf6, 0xf0 | random.below(4)], [0x8f, 0x05, 0, 0, 0, 0]]));
    this.label(over);
  }

  // Code that changes code

  /** A store to an instruction before or behind: its immediate, its opcode, or data among the code. */
  private modify(context: Context): void {
    const { random } = this;
    const patched = this.newLabel();
    const kind = random.below(6);
    const free = this.free(context);
    const register = free.length > 0 ? random.pick(free) : undefined;
    if (register === undefined) return;
    const behind = random.chance(50);
    const store = () => this.store(patched, kind);
    const victim = () => {
      this.label(patched);
      if (kind < 3) this.emit(this.maker.immediate(register, random.value()));
      else if (kind < 5) this.raw([random.pick([0x01, 0x29, 0x31, 0x09, 0x21, 0x39]), 0xc0 | (random.below(8) << 3) | register]);
      else this.raw([0x83, 0xc0 | register, random.below(128)]);
    };
    if (behind) victim();
    this.statements(random.below(3), { ...context, depth: 3 });
    store();
    if (behind) return;
    this.statements(random.below(2), { ...context, depth: 3 });
    victim();
  }

  private store(patched: number, kind: number): void {
    const { random } = this;
    const place = (beyond: number) => ({ reference: { to: patched, kind: 'abs32' as const, beyond } });
    if (kind === 0) this.raw([0xc7, 0x05], { ...place(1), suffix: Uint8Array.from(little(random.value())) });
    else if (kind === 1) this.raw([0xc6, 0x05], { ...place(1 + random.below(4)), suffix: Uint8Array.of(random.below(256)) });
    else if (kind === 2) this.raw(random.pick([[0x89, 0x05 | (random.below(8) << 3)], [0xff, 0x05], [0x01, 0x05 | (random.below(4) << 3)]]), place(1));
    else if (kind < 5) this.raw([0xc6, 0x05], { ...place(0), suffix: Uint8Array.of(random.pick([0x01, 0x29, 0x31, 0x09, 0x21, 0x39, 0x03, 0x2b])) });
    else if (random.chance(50)) this.raw([0xfe, 0x05], place(2));
    else this.raw([0x80, 0x35], { ...place(2), suffix: Uint8Array.of(random.below(128)) });
  }
}
