/**
 * Builds one WebAssembly function from typed values and statements.
 *
 * Values are nodes of a graph, immutable and free of side effects once made; the statements are a structured list. When
 * the function is finished, a pure value that is used once is emitted where it is used, one that is used more often is
 * computed where it was made and kept in a local. So instruction bodies can name and reuse values freely.
 *
 * A local serves the next value after the last use of the one before: engines take time in proportion to locals times
 * branches, and a long function would have thousands.
 */
import { Bytes } from './bytes.ts';
import { type BranchHint, type DefinedCall, type FunctionBody, type FunctionImport, type ModuleBuilder, type Signature, UNKNOWN_INDEX } from './module.ts';
import { BINARY, COMPARE, CONVERT, EXTRACT, type IntType, LOAD, REPLACE, SIMD, STORE, type Type, UNARY } from './opcodes.ts';

/** A value of a WebAssembly type. Opaque to instruction bodies. */
export interface Val<T extends Type = Type> {
  readonly type: T;
}

type Emit = (out: Bytes) => void;

/**
 * A value, and the statement that makes it: `bind` where it is pure, `load` where it is read from memory or a variable,
 * `call` where making it does something besides. A region has tens of thousands, so they are one object each.
 */
interface Node extends Val {
  readonly kind: 'bind' | 'load' | 'call';
  /** Emits the opcode after the operands. */
  readonly emit: Emit;
  readonly args: readonly Node[];
  readonly constant: number | bigint | undefined;
  /** Name of a binary operation, or of one on a lane, for those who look at how a value was made. */
  readonly operation: string | undefined;
  /** Uses by what is emitted; counted when the function is finished. */
  uses: number;
  local: number;
  /** Of a value that is kept in a local: uses that are still to be emitted, and how many loops its making is inside. */
  left: number;
  loops: number;
}

type Statement =
  | Node
  | { kind: 'effect'; args: readonly Node[]; emit: Emit }
  | { kind: 'if'; condition: Node; yes: Statement[]; no: Statement[] | undefined; hint: BranchHint['likely'] | undefined }
  | { kind: 'block' | 'loop' | 'sequence'; body: Statement[] };

/** Target of `branch`: a block (forwards, past its end) or a loop (backwards, to its start). */
export interface Label {
  depth: number;
}

/** A mutable local. */
export interface Variable<T extends Type = Type> {
  readonly type: T;
  readonly local: number;
  /** For people. */
  readonly name: string | undefined;
}
interface LocalVariable extends Variable {
  readonly read: Emit;
  readonly write: Emit;
}

const asNode = (value: Val): Node => value as Node;
const asNodes = (values: readonly Val[]): readonly Node[] => values as readonly Val[] as readonly Node[];
const NONE: readonly Node[] = [];
const NOTHING = () => 0;

/** What emits an opcode of one byte, made once for each. */
const oneByte: Emit[] = Array.from({ length: 256 }, (_, code) => (out: Bytes) => void out.byte(code));

export class FunctionBuilder {
  readonly signature: Signature;
  private readonly module: ModuleBuilder;
  private readonly locals: Type[] = [];
  private statements: Statement[] = [];
  private depth = 0;
  private readonly freeLocals = new Map<Type, number[]>();
  /** Locals of variables whose scope is over, and those of the scope that is being made. */
  private readonly freeVariables = new Map<Type, number[]>();
  private scoped: { readonly type: Type; readonly local: number }[] | undefined;
  /** By loop that is being emitted, outermost first: values from outside it, whose last use was inside. */
  private readonly loops: Node[][] = [];
  private readonly hints: BranchHint[] = [];
  private readonly calls: DefinedCall[] = [];
  private readonly places: { offset: number; readonly told: (offset: number) => void }[] = [];
  /** The `local.set` that was emitted last, and where it begins and ends. */
  private lastSet: { readonly local: number; readonly start: number; readonly end: number } | undefined;
  /** Of what `address` made. */
  private readonly offsets = new Map<Node, () => number>();

  constructor(module: ModuleBuilder, signature: Signature) {
    this.module = module;
    this.signature = signature;
  }

  // Constants and parameters

  i32(value: number): Val<'i32'> {
    return this.constant('i32', value | 0, (b) => b.byte(0x41).s32(value));
  }
  i64(value: bigint | number): Val<'i64'> {
    const n = BigInt(value);
    return this.constant('i64', n, (b) => b.byte(0x42).s64(n));
  }
  f32(value: number): Val<'f32'> {
    return this.constant('f32', value, (b) => b.byte(0x43).f32(value));
  }
  f64(value: number): Val<'f64'> {
    return this.constant('f64', value, (b) => b.byte(0x44).f64(value));
  }
  /** Sixteen bytes, lane 0 first. */
  v128(bytes: ArrayLike<number>): Val<'v128'> {
    return this.constant('v128', undefined, (b) => b.byte(0xfd).u32(0x0c).raw(bytes));
  }
  /** A parameter; parameters are never written. */
  param<T extends Type>(index: number, type: T): Val<T> {
    return this.node(type, [], (b) => b.byte(0x20).u32(index), index) as unknown as Val<T>;
  }
  constantOf(value: Val): number | bigint | undefined {
    return asNode(value).constant;
  }
  /** A constant that is asked for when the function is finished. */
  i32Later(value: () => number): Val<'i32'> {
    return this.constant('i32', undefined, (b) => b.byte(0x41).s32(value()));
  }
  /** A value as another one and a constant. */
  displacement<T extends IntType>(value: Val<T>): { root: Val<T>; bytes: number } {
    const { operation, args } = asNode(value);
    const constant = operation === 'add' || operation === 'sub' ? args[1].constant : undefined;
    if (constant === undefined) return { root: value, bytes: 0 };
    return { root: args[0] as unknown as Val<T>, bytes: operation === 'add' ? Number(constant) : -Number(constant) };
  }

  // Pure operations

  binary<T extends Type>(op: keyof typeof BINARY, a: Val<T>, b: Val<T>): Val<T> {
    const folded = this.fold(op, a, b);
    if (folded) return folded as unknown as Val<T>;
    return this.pure(a.type, (BINARY[op] as Partial<Record<Type, number>>)[a.type], [a, b], op, op);
  }
  /** True when a value was made as this operation of these two values. */
  isBinary(value: Val, op: keyof typeof BINARY, a: Val, b: Val): boolean {
    const { operation, args } = asNode(value);
    return operation === op && args[0] === a && args[1] === b;
  }
  compare<T extends Type>(op: keyof typeof COMPARE, a: Val<T>, b: Val<T>): Val<'i32'> {
    const x = asNode(a).constant;
    const y = asNode(b).constant;
    if (a.type === 'i32' && x !== undefined && y !== undefined) return this.i32(compareConstants(op, Number(x), Number(y)));
    return this.pure('i32', (COMPARE[op] as Partial<Record<Type, number>>)[a.type], [a, b], op);
  }
  unary<T extends Type>(op: keyof typeof UNARY, a: Val<T>): Val<T> {
    return this.pure(a.type, (UNARY[op] as Partial<Record<Type, number>>)[a.type], [a], op);
  }
  eqz(a: Val<IntType>): Val<'i32'> {
    const known = asNode(a).constant;
    if (known !== undefined) return this.i32(BigInt(known) === 0n ? 1 : 0);
    return this.pure('i32', a.type === 'i32' ? 0x45 : 0x50, [a], 'eqz');
  }
  convert<K extends keyof typeof CONVERT>(op: K, a: Val<(typeof CONVERT)[K][0]>): Val<(typeof CONVERT)[K][1]> {
    const [from, to, code] = CONVERT[op];
    if (a.type !== from) throw new TypeError(`${op} takes ${from}, not ${a.type}`);
    const known = asNode(a).constant;
    if (known !== undefined && op === 'extendU') return this.i64(BigInt.asUintN(32, BigInt(known))) as never;
    if (known !== undefined && op === 'extendS') return this.i64(BigInt(known)) as never;
    if (known !== undefined && op === 'wrap') return this.i32(Number(BigInt.asIntN(32, BigInt(known)))) as never;
    const inner = asNode(a);
    if (op === 'wrap' && (inner.operation === 'extendU' || inner.operation === 'extendS')) return inner.args[0] as never;
    if (code < 0x100) return this.pure(to, code, [a], op, op) as Val<(typeof CONVERT)[K][1]>;
    return this.bind(this.node(to, [a], (b) => b.byte(code >> 8).u32(code & 0xff))) as unknown as Val<(typeof CONVERT)[K][1]>;
  }
  select<T extends Type>(condition: Val<'i32'>, yes: Val<T>, no: Val<T>): Val<T> {
    const known = asNode(condition).constant;
    if (known !== undefined) return known === 0 ? no : yes;
    const node = this.node(yes.type, [yes, no, condition], (b) => (yes.type === 'v128' ? b.raw([0x1c, 0x01, 0x7b]) : b.byte(0x1b)));
    return this.bind(node) as unknown as Val<T>;
  }
  simd<K extends keyof typeof SIMD>(op: K, ...args: Val[]): Val<(typeof SIMD)[K][1]> {
    const [types, result, code] = SIMD[op];
    if (args.length !== types.length || args.some((a, i) => a.type !== types[i])) throw new TypeError(`${op} takes ${types.join()}`);
    return this.bind(this.node(result, args, (b) => b.byte(0xfd).u32(code))) as unknown as Val<(typeof SIMD)[K][1]>;
  }
  extractLane<K extends keyof typeof EXTRACT>(op: K, a: Val<'v128'>, lane: number): Val<(typeof EXTRACT)[K][0]> {
    const [type, , code] = EXTRACT[op];
    const { operation, args } = asNode(a);
    // What has just been put there.
    if (operation !== undefined && operation === laneOperation(op, lane)) return args[1] as unknown as Val<(typeof EXTRACT)[K][0]>;
    return this.bind(this.node(type, [a], (b) => b.byte(0xfd).u32(code).byte(lane))) as unknown as Val<(typeof EXTRACT)[K][0]>;
  }
  replaceLane<K extends keyof typeof REPLACE>(op: K, a: Val<'v128'>, lane: number, value: Val<(typeof REPLACE)[K][0]>): Val<'v128'> {
    const code = REPLACE[op][2];
    const node = this.node('v128', [a, value], (b) => b.byte(0xfd).u32(code).byte(lane), -1, laneOperation(op, lane));
    return this.bind(node) as unknown as Val<'v128'>;
  }
  /** Byte lanes 0-15 choose from `a`, 16-31 from `b`. */
  shuffle(a: Val<'v128'>, b: Val<'v128'>, lanes: readonly number[]): Val<'v128'> {
    if (lanes.length !== 16) throw new RangeError('a shuffle has 16 lanes');
    return this.bind(this.node('v128', [a, b], (out) => out.byte(0xfd).u32(0x0d).raw(lanes))) as unknown as Val<'v128'>;
  }

  // Memory, variables and calls: happen where they are stated

  /** `base` plus an offset, from 0 up, that is asked for when the function is finished; the sum is an address of memory. */
  address(base: Val<'i32'>, offset: () => number): Val<'i32'> {
    const node = this.node('i32', [base], (b) => b.byte(0x41).s32(offset()).byte(0x6a));
    this.offsets.set(node, offset);
    return this.bind(node) as unknown as Val<'i32'>;
  }
  load<K extends keyof typeof LOAD>(kind: K, address: Val<'i32'>, offset = 0): Val<(typeof LOAD)[K][0]> {
    const [type, code] = LOAD[kind];
    const { base, more } = this.based(address);
    return this.sequenced('load', type, [base], (b) => memoryOp(b, code, offset + more())) as Val<(typeof LOAD)[K][0]>;
  }
  store<K extends keyof typeof STORE>(kind: K, address: Val<'i32'>, value: Val<(typeof STORE)[K][0]>, offset = 0): void {
    const [type, code] = STORE[kind];
    if (value.type !== type) throw new TypeError(`store ${kind} takes ${type}, not ${value.type}`);
    const { base, more } = this.based(address);
    this.effect([base, value], (b) => memoryOp(b, code, offset + more()));
  }
  private based(address: Val<'i32'>): { base: Val<'i32'>; more: () => number } {
    const more = this.offsets.get(asNode(address));
    return more ? { base: asNode(address).args[0] as unknown as Val<'i32'>, more } : { base: address, more: NOTHING };
  }
  variable<T extends Type>(type: T, name?: string): Variable<T> {
    const local = (this.scoped && this.freeVariables.get(type)?.pop()) ?? this.newLocal(type);
    this.scoped?.push({ type, local });
    const variable: LocalVariable = { type, local, name, read: (b) => b.byte(0x20).u32(local), write: (b) => b.byte(0x21).u32(local) };
    return variable as unknown as Variable<T>;
  }
  /** Variables that are made in it serve others after it, which begin with what those left. */
  scope(body: () => void): void {
    const outer = this.scoped;
    this.scoped = [];
    body();
    for (const { type, local } of this.scoped) this.freeVariables.set(type, [...(this.freeVariables.get(type) ?? []), local]);
    this.scoped = outer;
  }
  get<T extends Type>(v: Variable<T>): Val<T> {
    return this.sequenced('load', v.type, NONE, (v as unknown as LocalVariable).read) as Val<T>;
  }
  set<T extends Type>(v: Variable<T>, value: Val<T>): void {
    if (value.type !== v.type) throw new TypeError(`a variable of ${v.type} takes no ${value.type}`);
    this.effect([value], (v as unknown as LocalVariable).write);
  }
  /** A global of the module, by what `exportGlobal` gave for it. */
  global(index: number): Val<'i32'> {
    return this.sequenced('load', 'i32', NONE, (b) => b.byte(0x23).u32(index)) as Val<'i32'>;
  }
  call(target: FunctionImport, args: Val[]): Val | undefined {
    const index = this.module.importFunction(target);
    const { params, results } = target.signature;
    if (args.length !== params.length || args.some((a, i) => a.type !== params[i])) {
      throw new TypeError(`${target.name} takes (${params.join()}), not (${args.map((a) => a.type).join()})`);
    }
    const emit = (b: Bytes) => b.byte(0x10).u32(index);
    if (results.length === 0) {
      this.effect(args, emit);
      return undefined;
    }
    return this.sequenced('call', results[0], args, emit);
  }

  // Control

  if(condition: Val<'i32'>, then: () => void, otherwise?: () => void): void {
    const test = asNode(condition);
    this.depth++;
    const yes = this.collect(then);
    const no = otherwise ? this.collect(otherwise) : undefined;
    this.depth--;
    this.statements.push({ kind: 'if', condition: test, yes, no: no?.length ? no : undefined, hint: undefined });
  }
  /** As `if`; the engine keeps what is live in registers past calls in what it is told is seldom done. */
  ifRarely(condition: Val<'i32'>, then: () => void, otherwise?: () => void): void {
    this.if(condition, then, otherwise);
    this.hint(0);
  }
  ifMostly(condition: Val<'i32'>, then: () => void, otherwise?: () => void): void {
    this.if(condition, then, otherwise);
    this.hint(1);
  }
  private hint(likely: 0 | 1): void {
    const made = this.statements.at(-1);
    if (made?.kind === 'if') made.hint = likely;
  }
  block(body: (label: Label) => void): void {
    this.nest('block', body);
  }
  loop(body: (label: Label) => void): void {
    this.nest('loop', body);
  }
  branch(label: Label): void {
    const levels = this.depth - label.depth;
    this.effect([], (b) => b.byte(0x0c).u32(levels));
  }
  /** To the label at the place of `index` in the list; past its end, to the last one. */
  branchTable(labels: readonly Label[], index: Val<'i32'>): void {
    const levels = labels.map((label) => this.depth - label.depth);
    this.effect([index], (b) => {
      b.byte(0x0e).u32(levels.length - 1);
      for (const level of levels) b.u32(level);
    });
  }
  return(value?: Val): void {
    this.effect(value ? [value] : [], (b) => b.byte(0x0f));
  }
  returnCallIndirect(signature: Signature, args: Val[], slot: Val<'i32'>): void {
    const type = this.module.typeIndex(signature);
    this.module.useTable();
    this.effect([...args, slot], (b) => b.byte(0x13).u32(type).byte(0));
  }
  returnCall(target: FunctionImport, args: Val[]): void {
    const index = this.module.importFunction(target);
    this.effect(args, (b) => b.byte(0x12).u32(index));
  }
  /** A tail call to a function of the same module, by what `define` gives for it, now or later; its parameters are not checked. */
  returnCallDefined(body: number, args: Val[]): void {
    this.effect(args, (b) => {
      this.calls.push({ offset: b.byte(0x12).length, body });
      b.raw(UNKNOWN_INDEX);
    });
  }
  unreachable(): void {
    this.effect([], (b) => b.byte(0x00));
  }

  /** A place in the code for statements that are made later; gives what makes them. */
  later(): (statements: () => void) => void {
    const body: Statement[] = [];
    this.statements.push({ kind: 'sequence', body });
    const { depth } = this;
    return (statements) => {
      const outer = this.depth;
      this.depth = depth;
      body.push(...this.collect(statements));
      this.depth = outer;
    };
  }
  /** `told` gets the byte offset in the code at which the statements go on, once the function is finished. */
  place(told: (offset: number) => void): void {
    this.effect([], (b) => this.places.push({ offset: b.length, told }));
  }
  /** How many structures enclose what is stated now. */
  get nesting(): number {
    return this.depth;
  }

  finish(): FunctionBody {
    for (const s of this.statements) this.count(s);
    const out = new Bytes();
    this.emitAll(this.statements, out);
    for (const { offset, told } of this.places) told(offset);
    return { signature: this.signature, locals: this.locals, code: out.finish(), hints: this.hints, calls: this.calls };
  }

  // Inside

  private constant<T extends Type>(type: T, constant: number | bigint | undefined, emit: (b: Bytes) => void): Val<T> {
    const node: Node = { kind: 'bind', type, emit, args: NONE, constant, operation: undefined, uses: 0, local: -1, left: 0, loops: 0 };
    return node as unknown as Val<T>;
  }
  private node(type: Type, args: readonly Val[], emit: Emit, local = -1, operation?: string, kind: Node['kind'] = 'bind'): Node {
    return { kind, type, emit, args: asNodes(args), constant: undefined, operation, uses: 0, local, left: 0, loops: 0 };
  }
  private pure<T extends Type>(type: T, code: number | undefined, args: Val[], what: string, operation?: string): Val<T> {
    if (code === undefined || args[args.length - 1].type !== args[0].type) throw new TypeError(`no ${what} of ${args.map((a) => a.type).join(' and ')}`);
    return this.bind(this.node(type, args, oneByte[code], -1, operation)) as unknown as Val<T>;
  }
  private bind(node: Node): Node {
    this.statements.push(node);
    return node;
  }
  private effect(args: readonly Val[], emit: Emit): void {
    this.statements.push({ kind: 'effect', args: asNodes(args), emit });
  }
  private sequenced(kind: 'load' | 'call', type: Type, args: readonly Val[], emit: Emit): Val {
    return this.bind(this.node(type, args, emit, -1, undefined, kind));
  }
  private newLocal(type: Type): number {
    this.locals.push(type);
    return this.signature.params.length + this.locals.length - 1;
  }
  private collect(body: () => void): Statement[] {
    const outer = this.statements;
    this.statements = [];
    body();
    const inner = this.statements;
    this.statements = outer;
    return inner;
  }
  private nest(kind: 'block' | 'loop', body: (label: Label) => void): void {
    this.depth++;
    const label = { depth: this.depth };
    const inner = this.collect(() => body(label));
    this.depth--;
    this.statements.push({ kind, body: inner });
  }

  /** Identities and constants of i32 that specialised bodies produce in numbers. */
  private fold(op: keyof typeof BINARY, a: Val, b: Val): Val | undefined {
    if (a.type === 'i64') return this.foldI64(op, a, b);
    if (a.type !== 'i32') return undefined;
    const x = asNode(a).constant as number | undefined;
    const y = asNode(b).constant as number | undefined;
    if (y === 0 && (op === 'add' || op === 'sub' || op === 'or' || op === 'xor' || op === 'shl' || op === 'shrU' || op === 'shrS')) return a;
    if (x === 0 && (op === 'add' || op === 'or' || op === 'xor')) return b;
    if (y === -1 && op === 'and') return a;
    if ((x === 0 || y === 0) && (op === 'and' || op === 'mul')) return this.i32(0);
    if (x === undefined || y === undefined) return this.foldChain(op, a, y);
    switch (op) {
      case 'add': return this.i32(x + y);
      case 'sub': return this.i32(x - y);
      case 'mul': return this.i32(Math.imul(x, y));
      case 'and': return this.i32(x & y);
      case 'or': return this.i32(x | y);
      case 'xor': return this.i32(x ^ y);
      case 'shl': return this.i32(x << y);
      case 'shrU': return this.i32(x >>> y);
      default: return undefined;
    }
  }

  private foldI64(op: keyof typeof BINARY, a: Val, b: Val): Val | undefined {
    const x = asNode(a).constant as bigint | undefined;
    const y = asNode(b).constant as bigint | undefined;
    if (y === 0n && (op === 'add' || op === 'sub' || op === 'or' || op === 'xor' || op === 'shl' || op === 'shrU' || op === 'shrS')) return a;
    if (x === 0n && (op === 'add' || op === 'or' || op === 'xor')) return b;
    if (y === undefined || (op !== 'add' && op !== 'sub')) return undefined;
    const sum = (c: bigint) => this.i64(BigInt.asIntN(64, op === 'add' ? c + y : c - y));
    if (x !== undefined) return sum(x);
    const { operation, args } = asNode(a);
    const inner = operation === 'add' ? (args[1].constant as bigint | undefined) : undefined;
    return inner === undefined ? undefined : this.binary('add', args[0] as Val<'i64'>, sum(inner));
  }

  /** `(v + c) + d` is `v + (c + d)`. */
  private foldChain(op: keyof typeof BINARY, a: Val, y: number | undefined): Val | undefined {
    const { operation, args } = asNode(a);
    if (y === undefined || operation !== 'add' || (op !== 'add' && op !== 'sub')) return undefined;
    const inner = args[1].constant as number | undefined;
    if (inner === undefined) return undefined;
    return this.binary('add', args[0] as Val<'i32'>, this.i32(inner + (op === 'add' ? y : -y)));
  }

  /** Counts what effects use, and what that is made of. */
  private count(s: Statement): void {
    switch (s.kind) {
      case 'bind':
      case 'load':
        return;
      case 'call':
        // It happens, used or not.
        countUse(s);
        return;
      case 'effect':
        for (const a of s.args) countUse(a);
        return;
      case 'if':
        countUse(s.condition);
        for (const inner of s.yes) this.count(inner);
        for (const inner of s.no ?? []) this.count(inner);
        return;
      default:
        for (const inner of s.body) this.count(inner);
    }
  }
  private emitAll(statements: Statement[], out: Bytes): void {
    for (const s of statements) this.emitStatement(s, out);
  }
  private emitStatement(s: Statement, out: Bytes): void {
    switch (s.kind) {
      case 'bind':
        if (s.uses > 1) this.keep(s, s.uses, out);
        return;
      case 'load':
        if (s.uses > 0) this.keep(s, s.uses, out);
        return;
      case 'call':
        // It counted itself.
        this.keep(s, s.uses - 1, out);
        return;
      case 'effect':
        for (const a of s.args) this.emitValue(a, out);
        s.emit(out);
        return;
      case 'if':
        this.emitValue(s.condition, out);
        if (s.hint !== undefined) this.hints.push({ offset: out.length, likely: s.hint });
        out.byte(0x04).byte(0x40);
        this.emitAll(s.yes, out);
        if (s.no) {
          out.byte(0x05);
          this.emitAll(s.no, out);
        }
        out.byte(0x0b);
        return;
      case 'sequence':
        this.emitAll(s.body, out);
        return;
      default:
        out.byte(s.kind === 'block' ? 0x02 : 0x03).byte(0x40);
        if (s.kind === 'loop') this.loops.push([]);
        this.emitAll(s.body, out);
        if (s.kind === 'loop') for (const node of this.loops.pop()!) this.release(node);
        out.byte(0x0b);
    }
  }
  private keep(node: Node, uses: number, out: Bytes): void {
    this.emitOperation(node, out);
    if (uses === 0) {
      out.byte(0x1a);
      return;
    }
    node.local = this.freeLocals.get(node.type)?.pop() ?? this.newLocal(node.type);
    node.left = uses;
    node.loops = this.loops.length;
    const start = out.length;
    out.byte(0x21).u32(node.local);
    this.lastSet = { local: node.local, start, end: out.length };
  }
  private emitValue(node: Node, out: Bytes): void {
    if (node.local < 0) return this.emitOperation(node, out);
    // Parameters have no uses left, ever. A loop that the value was made outside of reads it again.
    const last = node.left > 0 && --node.left === 0;
    const again = last && this.loops.length > node.loops;
    this.read(node.local, last && !again, out);
    if (again) this.loops[node.loops].push(node);
    else if (last) this.release(node);
  }
  /** Where the local has just been set, the value stays on the stack. */
  private read(local: number, last: boolean, out: Bytes): void {
    const { lastSet } = this;
    if (lastSet?.local !== local || lastSet.end !== out.length) {
      out.byte(0x20).u32(local);
      return;
    }
    this.lastSet = undefined;
    if (!last) return out.patch(lastSet.start, 0x22);
    out.cut(lastSet.start);
    for (let n = this.places.length - 1; n >= 0 && this.places[n].offset > out.length; n--) this.places[n].offset = out.length;
  }
  private release(node: Node): void {
    const free = this.freeLocals.get(node.type);
    if (free) free.push(node.local);
    else this.freeLocals.set(node.type, [node.local]);
  }
  private emitOperation(node: Node, out: Bytes): void {
    for (const a of node.args) this.emitValue(a, out);
    node.emit(out);
  }
}

function countUse(node: Node): void {
  if (node.uses++ > 0) return;
  for (const a of node.args) countUse(a);
}

function compareConstants(op: keyof typeof COMPARE, x: number, y: number): number {
  const [a, b] = op.endsWith('U') ? [x >>> 0, y >>> 0] : [x, y];
  switch (op) {
    case 'eq': return a === b ? 1 : 0;
    case 'ne': return a !== b ? 1 : 0;
    case 'ltS': case 'ltU': case 'lt': return a < b ? 1 : 0;
    case 'gtS': case 'gtU': case 'gt': return a > b ? 1 : 0;
    case 'leS': case 'leU': case 'le': return a <= b ? 1 : 0;
    default: return a >= b ? 1 : 0;
  }
}

/** Name of what is done to a lane; those of the narrow shapes hold less than their values do, and have none. */
function laneOperation(op: string, lane: number): string | undefined {
  const shape = op.slice(0, op.indexOf('.'));
  return shape === 'i8x16' || shape === 'i16x8' ? undefined : `${shape} ${lane}`;
}

/** Memory instructions carry alignment 0 (a hint only) and an unsigned offset. */
function memoryOp(out: Bytes, code: number, offset: number): void {
  if (code > 0xff) out.byte(code >> 8).u32(code & 0xff);
  else out.byte(code);
  out.byte(0).u32(offset);
}
