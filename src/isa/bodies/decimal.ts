/** Decimal arithmetic [SDM2 AAA, AAD, AAM, AAS, DAA, DAS]. */
import type { Body, I32 } from '../ops.ts';

const VECTOR_DE = 0;
const AL = 0;
const AH = 4;
const AX = 0;

/** DAA and DAS: adjust the low, then the high decimal digit. */
const adjustPacked = (kind: 'add' | 'sub'): Body => (o) => {
  const al = o.reg(AL, 8) as I32;
  const cf = o.flag('CF');
  const low = o.or(o.gtU(o.and(al, o.i32(15)), o.i32(9)), o.flag('AF'));
  const high = o.or(o.gtU(al, o.i32(0x99)), cf);
  const correction = o.or(o.select(low, o.i32(6), o.i32(0)), o.select(high, o.i32(0x60), o.i32(0)));
  const r = o.zeroExtend(kind === 'add' ? o.add(al, correction) : o.sub(al, correction), 8) as I32;
  // DAS also reports the borrow of the low digit when that goes below zero.
  const borrow = kind === 'sub' ? o.and(low, o.ltU(al, o.i32(6))) : o.i32(0);
  o.setReg(AL, 8, r);
  o.setFlagsWith(8, r, o.or(high, borrow), o.i32(0), low);
};

/** AAA and AAS: one unpacked digit in AL, carry into AH. */
const adjustUnpacked = (kind: 'add' | 'sub'): Body => (o) => {
  const ax = o.reg(AX, 16) as I32;
  const adjust = o.or(o.gtU(o.and(ax, o.i32(15)), o.i32(9)), o.flag('AF'));
  const corrected = kind === 'add' ? o.add(ax, o.i32(0x106)) : o.sub(ax, o.i32(0x106));
  const r = o.and(o.select(adjust, corrected, ax), o.i32(0xff0f));
  o.setReg(AX, 16, r);
  o.setFlagsWith(8, r, adjust, o.i32(0), adjust);
};

const aam: Body = (o) => {
  const base = o.get(0) as I32;
  o.raiseIf(o.eqz(base), VECTOR_DE);
  const al = o.reg(AL, 8) as I32;
  const remainder = o.e.binary('remU', al, base);
  o.setReg(AH, 8, o.e.binary('divU', al, base));
  o.setReg(AL, 8, remainder);
  o.setFlagsLogic(8, remainder);
};
const aad: Body = (o) => {
  const sum = o.add(o.reg(AL, 8) as I32, o.mul(o.reg(AH, 8) as I32, o.get(0) as I32));
  const r = o.zeroExtend(sum, 8) as I32;
  o.setReg(AX, 16, r);
  o.setFlagsLogic(8, r);
};

export const decimalBodies: Record<string, Body> = {
  DAA: adjustPacked('add'), DAS: adjustPacked('sub'), AAA: adjustUnpacked('add'), AAS: adjustUnpacked('sub'), AAM: aam, AAD: aad,
};
