/** String instructions and REP [SDM2 REP; SDM1 7.3.9]. */
import type { IntType } from '../../wasm/opcodes.ts';
import type { Bits, Body, I32, I64, Int, LoadKind, Ops, SegmentChoice, StoreKind, Variable } from '../ops.ts';

const AX = 0;
const CX = 1;
const SI = 6;
const DI = 7;
const DX = 2;
const ES = 0;

const KIND: Record<number, LoadKind & StoreKind> = { 8: 'u8', 16: 'u16', 32: 'i32', 64: 'i64' };

const index = (o: Ops, register: number): Int => o.reg(register, o.asize);
/** Moves an index register by `bytes`, up or down by DF. */
const advance = (o: Ops, register: number, bytes: I32): void => {
  const by = o.select(o.direction(), o.sub(o.i32(0), bytes), bytes);
  o.setReg(register, o.asize, o.add(index(o, register), o.fitSigned(by, 32, o.asize === 64 ? 64 : 32)));
};
const count = (o: Ops): Int => o.reg(CX, o.asize);
const setCount = (o: Ops, value: Int): void => o.setReg(CX, o.asize, value);

interface Repetition {
  /** Registers besides the count that 32-bit addresses narrow in 64-bit code, whether or not they are used. */
  readonly narrowed?: readonly number[];
  /** Ends REPE and REPNE early. */
  readonly stop?: () => I32;
  /** May do several iterations at once and returns how many it did, 0 for none. */
  readonly bulk?: (most: I32) => I32;
  /** Sets the flags by the last iteration. A fault in a later one finds the flags from before the instruction. */
  readonly settle?: () => void;
}
const nothing = (): void => {};

/**
 * Runs an iteration once, or under REP as often as the count register says. Registers are up to date after each iteration,
 * so a fault or an interrupt in the middle leaves a state from which the instruction goes on.
 */
function repeated(o: Ops, iterate: () => void, { narrowed = [], stop, bulk, settle = nothing }: Repetition = {}): void {
  if (o.repeat === 'none') {
    iterate();
    settle();
    return;
  }
  const { e } = o;
  // With 32-bit addresses in 64-bit code registers lose their upper halves at once, as on processors.
  if (o.long && o.asize === 32) for (const register of [CX, ...narrowed]) o.setReg(register, 32, index(o, register));
  e.block((done) => {
    e.if(o.eqz(count(o)), () => e.branch(done));
    e.loop((again) => {
      const ran = e.variable('i32');
      e.set(ran, bulk ? bulk(o.iterationsAllowed()) : o.i32(0));
      e.if(o.eqz(e.get(ran)), () => {
        iterate();
        e.set(ran, o.i32(1));
      });
      const before = count(o);
      const left = o.zeroExtend(o.sub(before, o.fit(e.get(ran), before.type === 'i64' ? 64 : 32)), o.asize);
      setCount(o, left);
      const finished = stop ? o.or(o.eqz(left), stop()) : o.eqz(left);
      e.if(finished, () => {
        settle();
        o.countIterations(o.sub(e.get(ran), o.i32(1)));
        e.branch(done);
      });
      o.betweenIterations(e.get(ran), settle);
      e.branch(again);
    });
  });
}

const minimum = <T extends Int>(o: Ops, a: T, b: T): T => o.select(o.ltU(a, b), a, b) as T;
const shiftOf = (bits: number): number => Math.log2(bits / 8);

/** What is left to do, `most` at most. */
function atMost(o: Ops, most: I32): I32 {
  const left = count(o);
  return left.type === 'i64' ? o.wrap(minimum(o, o.toI64(most), left as I64)) : minimum(o, most, left as I32);
}

/** An index register's element: a segment and the offset in it. */
type Indexed = readonly [segment: SegmentChoice, offset: Int];
const loadIndexed = (o: Ops, [segment, offset]: Indexed, bits: Bits): Int => o.load(segment, offset, KIND[bits]) as Int;
const source = (o: Ops): Indexed => ['operand', index(o, SI)];
const destination = (o: Ops): Indexed => [ES, index(o, DI)];

/** Elements from an address on to the end of its page, by DF up or down; the first one may cross it. */
function elementsInPage(o: Ops, bits: number, [segment, offset]: Indexed): I32 {
  const shift = o.i32(shiftOf(bits));
  const room = o.pageRoom(segment, offset);
  const up = o.shrU(room, shift);
  const down = o.add(o.shrU(o.sub(o.i32(4096), room), shift), o.i32(1));
  return o.select(o.and(o.direction(), o.ne(up, o.i32(0))), down, up);
}

interface BulkStep {
  readonly n: I32;
  /** Distance from an element to the next one. */
  readonly step: I32;
  /** Where each of the places' first element is in the arena. */
  readonly hosts: readonly I32[];
  done(n: I32): void;
}
/**
 * Runs iterations at once: as many as lie in the pages that the index registers are in, if the TLB serves these. Gives how many
 * of them were done, 0 if none.
 */
function inBulk(o: Ops, bits: number, most: I32, places: readonly (readonly ['read' | 'write', Indexed])[], run: (step: BulkStep) => void): I32 {
  const { e } = o;
  const n = places.map(([, place]) => elementsInPage(o, bits, place)).reduce((least, room) => minimum(o, least, room), atMost(o, most));
  const shift = o.i32(shiftOf(bits));
  const ran = e.variable('i32');
  e.set(ran, o.i32(0));
  e.if(n, () => {
    const bytes = o.shl(n, shift);
    const first = o.select(o.direction(), o.sub(bytes, o.i32(bits / 8)), o.i32(0));
    const spans = places.map(([access, [segment, offset]]) => o.span(segment, o.sub(offset, wideAs(o, offset, first)), bytes, access));
    e.if(spans.map((host) => o.ne(host, o.i32(0))).reduce((a, b) => o.and(a, b)), () => {
      const step = o.select(o.direction(), o.i32(-bits / 8), o.i32(bits / 8));
      run({ n, step, hosts: spans.map((host) => o.add(host, first)), done: (count) => e.set(ran, count) });
    });
  });
  return e.get(ran);
}
const wideAs = (o: Ops, like: Int, value: I32): Int => o.fitSigned(value, 32, like.type === 'i64' ? 64 : 32);

const bulkMove = (o: Ops, bits: number) => (most: I32): I32 =>
  inBulk(o, bits, most, [['read', source(o)], ['write', destination(o)]], ({ n, step, hosts: [from, to], done }) => {
    o.kernel('move_elements', undefined, to, from, step, n);
    for (const register of [SI, DI]) advance(o, register, o.shl(n, o.i32(shiftOf(bits))));
    done(n);
  });
const moves = (bitsOf: (o: Ops) => number): Body => (o) => {
  const bits = bitsOf(o);
  const iterate = () => {
    const value = o.load('operand', index(o, SI), KIND[bits]);
    o.store(ES, index(o, DI), KIND[bits], value as never);
    advance(o, SI, o.i32(bits / 8));
    advance(o, DI, o.i32(bits / 8));
  };
  repeated(o, iterate, { narrowed: [SI, DI], bulk: bulkMove(o, bits) });
};

/** A value of `bits` bits as often as it fits in 64. */
const pattern = (o: Ops, value: Int, bits: number): I64 => {
  const wide = o.fit(o.zeroExtend(value, bits as Bits), 64) as I64;
  return bits === 64 ? wide : o.mul(wide, o.i64({ 8: 0x0101010101010101n, 16: 0x0001000100010001n, 32: 0x0000000100000001n }[bits] as bigint));
};
const bulkStore = (o: Ops, bits: number) => (most: I32): I32 =>
  inBulk(o, bits, most, [['write', destination(o)]], ({ n, step, hosts: [to], done }) => {
    o.kernel('fill_elements', undefined, to, pattern(o, o.reg(AX, bits as Bits), bits), step, n);
    advance(o, DI, o.shl(n, o.i32(shiftOf(bits))));
    done(n);
  });
const stores = (bitsOf: (o: Ops) => number): Body => (o) => {
  const bits = bitsOf(o);
  const iterate = () => {
    o.store(ES, index(o, DI), KIND[bits], o.reg(AX, bits as Bits) as never);
    advance(o, DI, o.i32(bits / 8));
  };
  repeated(o, iterate, { narrowed: [DI], bulk: bulkStore(o, bits) });
};

const loads = (bitsOf: (o: Ops) => number): Body => (o) => {
  const bits = bitsOf(o);
  repeated(o, () => {
    const value = o.load('operand', index(o, SI), KIND[bits]);
    o.setReg(AX, bits as Bits, value as Int);
    advance(o, SI, o.i32(bits / 8));
  });
};

/** What CMPS and SCAS compare: an element that the destination index names with one in memory, or with the accumulator. */
interface Comparison {
  readonly indexes: readonly number[];
  left(o: Ops): Indexed | undefined;
}
const CMPS: Comparison = { indexes: [SI, DI], left: source };
const SCAS: Comparison = { indexes: [DI], left: () => undefined };
const leftOperand = (o: Ops, place: Indexed | undefined, bits: Bits): Int => (place ? loadIndexed(o, place, bits) : o.reg(AX, bits));

/** Iterations up to the one that ends the repetition, if it is among those that go at once; `keep` gets its operands. */
const bulkCompare = (o: Ops, bits: Bits, { indexes, left }: Comparison, keep: (a: Int, b: Int) => void) => (most: I32): I32 => {
  const [from, to] = [left(o), destination(o)];
  const places = from ? [from, to] : [to];
  return inBulk(o, bits, most, places.map((place) => ['read', place]), ({ n, step, hosts, done }) => {
    // REPE ends on a difference, REPNE on a match.
    const how = [step, n, o.i32(o.repeat === 'rep' ? 0 : 1)];
    const count = from
      ? o.kernel('compare_elements', 'i32', hosts[0], hosts[1], ...how)
      : o.kernel('scan_elements', 'i32', hosts[0], pattern(o, o.reg(AX, bits), bits), ...how);
    const last = o.mul(o.sub(count, o.i32(1)), step);
    const atLast = ([segment, offset]: Indexed): Indexed => [segment, o.add(offset, wideAs(o, offset, last))];
    keep(leftOperand(o, from && atLast(from), bits), loadIndexed(o, atLast(to), bits));
    for (const register of indexes) advance(o, register, o.shl(count, o.i32(shiftOf(bits))));
    done(count);
  });
};
const compares = (bitsOf: (o: Ops) => number, comparison: Comparison): Body => (o) => {
  const { e } = o;
  const bits = bitsOf(o) as Bits;
  const [left, right] = [0, 1].map(() => e.variable<IntType>(bits === 64 ? 'i64' : 'i32')) as [Variable<IntType>, Variable<IntType>];
  const keep = (a: Int, b: Int): void => {
    e.set(left, a);
    e.set(right, b);
  };
  repeated(o, () => {
    keep(leftOperand(o, comparison.left(o), bits), loadIndexed(o, destination(o), bits));
    for (const register of comparison.indexes) advance(o, register, o.i32(bits / 8));
  }, {
    stop: () => (o.repeat === 'rep' ? o.ne(e.get(left), e.get(right)) : o.eq(e.get(left), e.get(right))),
    bulk: bulkCompare(o, bits, comparison, keep),
    settle: () => {
      const [a, b] = [e.get(left), e.get(right)];
      o.setFlags('sub', bits, a, b, o.sub(a, b));
    },
  });
};
/** INS and OUTS: the permission check, then the destination, then the port; so nothing is lost from a device on a fault. */
const ins = (bitsOf: (o: Ops) => number): Body => (o) => {
  const bits = bitsOf(o);
  const port = o.reg(DX, 16) as I32;
  o.helper('CHECK_IO', port, o.i32(bits / 8));
  repeated(o, () => {
    o.probeStore(ES, index(o, DI), bits / 8);
    const value = o.helperValue('PORT_IN', port, o.i32(bits / 8));
    o.store(ES, index(o, DI), KIND[bits], value as never);
    advance(o, DI, o.i32(bits / 8));
  });
};
const outs = (bitsOf: (o: Ops) => number): Body => (o) => {
  const bits = bitsOf(o);
  const port = o.reg(DX, 16) as I32;
  o.helper('CHECK_IO', port, o.i32(bits / 8));
  repeated(o, () => {
    const value = o.load('operand', index(o, SI), KIND[bits]) as I32;
    o.helper('PORT_OUT', port, o.i32(bits / 8), value);
    advance(o, SI, o.i32(bits / 8));
  });
};

const byte = () => 8;
const wide = (o: Ops): number => o.osize;
/** Ports are 32 bits wide at most. */
const port = (o: Ops): number => Math.min(o.osize, 32);
export const stringBodies: Record<string, Body> = {
  MOVSB: moves(byte), MOVSW: moves(wide), STOSB: stores(byte), STOSW: stores(wide), LODSB: loads(byte), LODSW: loads(wide),
  CMPSB: compares(byte, CMPS), CMPSW: compares(wide, CMPS), SCASB: compares(byte, SCAS), SCASW: compares(wide, SCAS),
  INSB: ins(byte), INSW: ins(port), OUTSB: outs(byte), OUTSW: outs(port),
  XLAT: (o) => {
    const at = o.zeroExtend(o.add(o.reg(3, o.asize), o.fit(o.reg(AX, 8), o.asize === 64 ? 64 : 32)), o.asize);
    o.setReg(AX, 8, o.load('operand', at, 'u8'));
  },
};
