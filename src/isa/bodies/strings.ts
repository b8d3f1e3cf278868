/** String instructions and REP [SDM2 REP; SDM1 7.3.9]. */
import type { IntType } from '../../wasm/opcodes.ts';
import type { Bits, Body, I32, I64, Int, LoadKind, Ops, StoreKind, Variable } from '../ops.ts';

const AX = 0;
const CX = 1;
const SI = 6;
const DI = 7;
const DX = 2;
const ES = 0;
const ALL_BYTES = 0x0101010101010101n;

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

/** Iterations that fit in the current pages of the given segments and offsets. */
const inPages = (o: Ops, bits: number, most: I32, ...rooms: I32[]): I32 =>
  rooms.reduce((n, room) => minimum(o, n, o.shrU(room, o.i32(shiftOf(bits)))), atMost(o, most));
/** What is left to do, `most` at most. */
function atMost(o: Ops, most: I32): I32 {
  const left = count(o);
  return left.type === 'i64' ? o.wrap(minimum(o, o.toI64(most), left as I64)) : minimum(o, most, left as I32);
}

/** Bulk steps run upwards only, and at least 4 at a time; smaller ones are not worth it. */
const worthIt = (o: Ops, n: I32): I32 => o.and(o.gtU(n, o.i32(3)), o.eqz(o.direction()));

const bulkMove = (o: Ops, bits: number) => (most: I32): I32 => {
  const { e } = o;
  const si = index(o, SI);
  const di = index(o, DI);
  const n = inPages(o, bits, most, o.pageRoom('operand', si), o.pageRoom(ES, di));
  const bytes = o.shl(n, o.i32(shiftOf(bits)));
  const ran = e.variable('i32');
  e.set(ran, o.i32(0));
  e.if(worthIt(o, n), () => {
    const from = o.span('operand', si, bytes, 'read');
    const to = o.span(ES, di, bytes, 'write');
    // A destination that starts inside the source repeats a pattern; a plain copy would not.
    const overlaps = o.ltU(o.sub(to, from), bytes);
    e.if(o.and(o.and(o.ne(from, o.i32(0)), o.ne(to, o.i32(0))), o.or(o.eqz(overlaps), o.eq(to, from))), () => {
      o.hostCopy(to, from, bytes);
      advance(o, SI, bytes);
      advance(o, DI, bytes);
      e.set(ran, n);
    });
  });
  return e.get(ran);
};
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

const bulkStore = (o: Ops, bits: number) => (most: I32): I32 => {
  const { e } = o;
  const di = index(o, DI);
  const n = inPages(o, bits, most, o.pageRoom(ES, di));
  const bytes = o.shl(n, o.i32(shiftOf(bits)));
  const ran = e.variable('i32');
  e.set(ran, o.i32(0));
  const value = o.reg(AX, bits as Bits);
  const byte = o.and(o.fit(value, 32), o.i32(0xff)) as I32;
  const uniform = bits === 8 ? o.i32(1) : o.eq(value, o.mul(o.fit(byte, bits as Bits), o.int(ALL_BYTES & ((1n << BigInt(bits)) - 1n), bits as Bits)));
  e.if(o.and(worthIt(o, n), uniform), () => {
    const to = o.span(ES, di, bytes, 'write');
    e.if(to, () => {
      o.hostFill(to, byte, bytes);
      advance(o, DI, bytes);
      e.set(ran, n);
    });
  });
  return e.get(ran);
};
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

/** CMPS and SCAS: the two operands of an iteration, and the index registers that it advances. */
const compares = (bitsOf: (o: Ops) => number, operands: (o: Ops, bits: Bits) => [Int, Int], indexes: readonly number[]): Body => (o) => {
  const { e } = o;
  const bits = bitsOf(o) as Bits;
  const [left, right] = [0, 1].map(() => e.variable<IntType>(bits === 64 ? 'i64' : 'i32')) as [Variable<IntType>, Variable<IntType>];
  repeated(o, () => {
    const [a, b] = operands(o, bits);
    e.set(left, a);
    e.set(right, b);
    for (const register of indexes) advance(o, register, o.i32(bits / 8));
  }, {
    // REPE ends on a difference, REPNE on a match.
    stop: () => (o.repeat === 'rep' ? o.ne(e.get(left), e.get(right)) : o.eq(e.get(left), e.get(right))),
    settle: () => {
      const [a, b] = [e.get(left), e.get(right)];
      o.setFlags('sub', bits, a, b, o.sub(a, b));
    },
  });
};
const cmps = (bitsOf: (o: Ops) => number): Body =>
  compares(bitsOf, (o, bits) => [o.load('operand', index(o, SI), KIND[bits]) as Int, o.load(ES, index(o, DI), KIND[bits]) as Int], [SI, DI]);
const scas = (bitsOf: (o: Ops) => number): Body =>
  compares(bitsOf, (o, bits) => [o.reg(AX, bits), o.load(ES, index(o, DI), KIND[bits]) as Int], [DI]);

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
  CMPSB: cmps(byte), CMPSW: cmps(wide), SCASB: scas(byte), SCASW: scas(wide),
  INSB: ins(byte), INSW: ins(port), OUTSB: outs(byte), OUTSW: outs(port),
  XLAT: (o) => {
    const at = o.zeroExtend(o.add(o.reg(3, o.asize), o.fit(o.reg(AX, 8), o.asize === 64 ? 64 : 32)), o.asize);
    o.setReg(AX, 8, o.load('operand', at, 'u8'));
  },
};
