/** System instructions: operands are fetched here, the work is done by the helpers of src/cpu that both tiers call. */
import * as L from '../../cpu/layout.ts';
import { CR4_FSGSBASE, CR4_TSD, RAX, RCX, RDX, VECTOR_GP, VECTOR_UD } from '../../cpu/registers.ts';
import { SYSTEM_KERNEL_TYPES } from '../../cpu/system/kernel-interface.ts';
import type { Body, I32, I64, Ops } from '../ops.ts';

/** A helper that takes the linear address of its memory operand and the operand size. */
const loadTable = (name: string): Body => (o) => {
  // The privilege comes before the operand [SDM2 LGDT, Protected Mode Exceptions].
  o.helper('CHECK_CPL0');
  // Checks the segment and the page of the operand; the helper then takes its linear address.
  o.loadOperand(0, 'u16');
  o.loadOperand(0, o.osize === 64 ? 'i64' : 'i32', 2);
  o.helper(name, o.address(o.linear(0)), o.i32(o.osize));
};
const storeTable = (name: string): Body => (o) => {
  o.probeWrite(0, o.osize === 64 ? 10 : 6);
  o.helper(name, o.address(o.linear(0)), o.i32(o.osize));
};
/** A helper for privilege level 0 that takes a 16-bit source: the operand is read after the check. */
const withPrivilegedSource = (name: string): Body => (o) => {
  o.helper('CHECK_CPL0');
  o.helper(name, o.get(0) as I32);
};
/** A helper that gives the destination's value. */
const fromHelper = (name: string): Body => (o) => o.put(0, o.helperValue(name));
const plain = (name: string): Body => (o) => o.helper(name);

const setZero = (o: Ops, zf: I32): void => o.writeFlags(o.or(o.and(o.readFlags(), o.i32(~0x40)), o.shl(zf, o.i32(6))));

/** LAR and LSL: the helper says with a value that is none when the descriptor is not visible; then only ZF changes. */
const NOT_VISIBLE = -2;
const inspect = (name: string): Body => (o) => {
  const value = o.helperValue(name, o.get(1) as I32);
  const visible = o.ne(value, o.i32(NOT_VISIBLE));
  o.e.if(visible, () => o.put(0, value));
  setZero(o, visible);
};
const verify = (name: string): Body => (o) => setZero(o, o.helperValue(name, o.get(0) as I32));

/** The helper gives the new value in bits 0 to 15 and ZF in bit 16. Nothing is written where nothing changes, as processors do it. */
const arpl: Body = (o) => {
  const result = o.helperValue('ARPL', o.get(0) as I32, o.get(1) as I32);
  const raised = o.bit(result, 16);
  o.e.if(raised, () => o.put(0, o.zeroExtend(result, 16)));
  setZero(o, raised);
};

const input: Body = (o) => {
  const bytes = o.i32(o.bits(0) / 8);
  const port = o.get(1) as I32;
  o.helper('CHECK_IO', port, bytes);
  o.setReg(RAX, o.bits(0), o.helperValue('PORT_IN', port, bytes));
};
const output: Body = (o) => {
  const bytes = o.i32(o.bits(1) / 8);
  const port = o.get(0) as I32;
  o.helper('OUT', port, bytes, o.get(1) as I32);
};

/** FSGSBASE [SDM2 RDFSBASE, WRFSBASE]. */
const checkBaseAccess = (o: Ops): void => o.raiseIf(o.eqz(o.and(o.stateLoad('i32', L.CR + 4 * 8), o.i32(CR4_FSGSBASE))), VECTOR_UD);
const baseOf = (segment: number): number => L.SEGMENTS + segment * L.SEGMENT_SIZE + L.SEG_BASE;
const readBase = (segment: number): Body => (o) => {
  checkBaseAccess(o);
  o.put(0, o.fit(o.stateLoad('i64', baseOf(segment)), o.bits(0)));
};
const writeBase = (segment: number): Body => (o) => {
  checkBaseAccess(o);
  const base = o.fit(o.get(0), 64) as I64;
  o.raiseIf(o.eqz(o.isCanonical(base)), VECTOR_GP, 0);
  o.stateStore('i64', baseOf(segment), base);
};

/** INVPCID: the helper reads the register, whose type has as many bits as the mode. */
const invpcid: Body = (o) => {
  o.helper('CHECK_CPL0');
  o.loadOperand(1, 'i64');
  o.loadOperand(1, 'i64', 8);
  o.helper('INVPCID', o.field(0), o.address(o.linear(1)));
};

/** CF alone is set: there always is a number [SDM2 RDRAND, RDSEED]. */
const STATUS_FLAGS = 0x8d5, CF = 1;
const randomNumber: Body = (o) => {
  const word = (): I32 => o.helperValue('RANDOM');
  o.put(0, o.bits(0) === 64 ? o.or(o.toI64(word()), o.shl(o.toI64(word()), o.i64(32))) : o.zeroExtend(word(), o.bits(0)));
  o.writeFlags(o.or(o.and(o.readFlags(), o.i32(~STATUS_FLAGS)), o.i32(CF)));
};

/** The helpers have what CR4.TSD forbids, and clocks that are no linear function of retired instructions. */
const readTimeStamp = (helper: 'RDTSC' | 'RDTSCP'): Body => (o) => {
  const cr4 = o.stateLoad('i32', L.CR + 4 * 8);
  const known = o.e.compare('ne', o.stateLoad('f64', L.TSC_RATE), o.e.f64(0));
  o.e.if(
    o.and(known, o.eqz(o.and(cr4, o.i32(CR4_TSD)))),
    () => {
      const value = o.kernel('time_stamp', SYSTEM_KERNEL_TYPES.time_stamp.result, o.fuelAfterThis());
      o.setReg(RAX, 32, o.wrap(value));
      o.setReg(RDX, 32, o.wrap(o.shrU(value, o.i64(32))));
      if (helper === 'RDTSCP') o.setReg(RCX, 32, o.stateLoad('i32', L.TSC_AUX));
    },
    () => o.helper(helper),
  );
};

export const systemBodies: Record<string, Body> = {
  LGDT: loadTable('LGDT'), LIDT: loadTable('LIDT'), SGDT: storeTable('SGDT'), SIDT: storeTable('SIDT'),
  INVLPG: (o) => o.helper('INVLPG', o.address(o.linear(0))),
  LLDT: withPrivilegedSource('LLDT'), LTR: withPrivilegedSource('LTR'), LMSW: withPrivilegedSource('LMSW'),
  SLDT: fromHelper('SLDT'), STR: fromHelper('STR'), SMSW: fromHelper('SMSW'),
  VERR: verify('VERR'), VERW: verify('VERW'), LAR: inspect('LAR'), LSL: inspect('LSL'), ARPL: arpl,
  // The helpers read and write the general register, 32 or 64 bits of it, themselves.
  MOV_FROM_CR: (o) => o.helper('MOV_FROM_CR', o.field(1), o.field(0)),
  MOV_FROM_DR: (o) => o.helper('MOV_FROM_DR', o.field(1), o.field(0)),
  MOV_TO_CR: (o) => o.helper('MOV_TO_CR', o.field(0), o.field(1)),
  MOV_TO_DR: (o) => o.helper('MOV_TO_DR', o.field(0), o.field(1)),
  CLTS: plain('CLTS'), INVD: plain('INVD'), WBINVD: plain('WBINVD'), HLT: plain('HLT'),
  CLD: (o) => o.setDirection(0), STD: (o) => o.setDirection(1),
  RDMSR: plain('RDMSR'), WRMSR: plain('WRMSR'), RDTSC: readTimeStamp('RDTSC'), RDPMC: plain('RDPMC'), CPUID: plain('CPUID'),
  RDFSBASE: readBase(4), RDGSBASE: readBase(5), WRFSBASE: writeBase(4), WRGSBASE: writeBase(5),
  RDTSCP: readTimeStamp('RDTSCP'), STAC: plain('STAC'), CLAC: plain('CLAC'), INVPCID: invpcid,
  XGETBV: plain('XGETBV'), XSETBV: plain('XSETBV'),
  RDRAND: randomNumber, RDSEED: randomNumber, RDPID: (o) => o.put(0, o.stateLoad('i32', L.TSC_AUX)),
  IN: input, OUT: output,
};
