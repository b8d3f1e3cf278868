/** Typed access to one vCPU's architectural state in the arena, for the TypeScript slow paths. */
import type { Arena } from '../memory/arena.ts';
import type { ArenaAddr } from '../memory/address.ts';
import * as L from './layout.ts';
import { highHalf, linear64 } from './linear.ts';
import {
  CR0_PE, CS, EFER_LMA, EFLAGS_AF, EFLAGS_ARITHMETIC, EFLAGS_CF, EFLAGS_FIXED, EFLAGS_OF, EFLAGS_PF, EFLAGS_SF, EFLAGS_VM, EFLAGS_ZF, FS,
} from './registers.ts';

/** Descriptor bit 53 in the form of SEG_ATTRIBUTES. */
const ATTRIBUTE_L = 1 << 13;

const evenParity = (byte: number): boolean => {
  let b = byte & 0xff;
  b ^= b >> 4;
  return ((0x9669 >> (b & 15)) & 1) === 1;
};

export class CpuState {
  readonly arena: Arena;
  readonly base: ArenaAddr;
  constructor(arena: Arena, base: ArenaAddr) {
    this.arena = arena;
    this.base = base;
  }

  getU32(offset: number): number { return this.arena.u32[(this.base + offset) >>> 2]; }
  setU32(offset: number, value: number): void { this.arena.u32[(this.base + offset) >>> 2] = value; }
  getU16(offset: number): number { return this.arena.u16[(this.base + offset) >>> 1]; }
  setU16(offset: number, value: number): void { this.arena.u16[(this.base + offset) >>> 1] = value; }
  getU64(offset: number): bigint { return this.arena.u64[(this.base + offset) >>> 3]; }
  setU64(offset: number, value: bigint): void { this.arena.u64[(this.base + offset) >>> 3] = value; }

  /** General register, low 32 bits, unsigned. */
  reg(n: number): number { return this.getU32(L.GPR + n * 8); }
  /** As every instruction with a 32-bit destination it clears bits 32 to 63. */
  setReg(n: number, value: number): void {
    this.setU32(L.GPR + n * 8, value);
    this.setU32(L.GPR + n * 8 + 4, 0);
  }
  reg16(n: number): number { return this.getU16(L.GPR + n * 8); }
  setReg16(n: number, value: number): void { this.setU16(L.GPR + n * 8, value); }
  /** General register as an address (linear.ts): 64 bits, signed. */
  reg64(n: number): number { return this.getLinear(L.GPR + n * 8); }
  setReg64(n: number, value: number): void { this.setLinear(L.GPR + n * 8, value); }
  /** RIP as an address: the same as EIP outside 64-bit mode. */
  get rip(): number { return this.getLinear(L.RIP); }
  set rip(value: number) { this.setLinear(L.RIP, value); }
  getLinear(offset: number): number { return linear64(this.getU32(offset), this.getU32(offset + 4)); }
  setLinear(offset: number, value: number): void {
    this.setU32(offset, value);
    this.setU32(offset + 4, highHalf(value));
  }
  get eip(): number { return this.getU32(L.RIP); }
  set eip(value: number) { this.setLinear(L.RIP, value >>> 0); }

  /** EFLAGS, complete. */
  get eflags(): number {
    const aux = this.getU32(L.FLAG_AUX);
    const low = this.getU32(L.FLAG_RESULT);
    const high = this.getU32(L.FLAG_RESULT + 4);
    let f = this.getU32(L.EFLAGS);
    if (aux >>> 31) f |= EFLAGS_CF;
    if ((aux ^ (aux << 1)) >>> 31) f |= EFLAGS_OF;
    if (aux & 8) f |= EFLAGS_AF;
    if (low === 0 && high === 0) f |= EFLAGS_ZF;
    if ((high >>> 31) ^ (aux & 1)) f |= EFLAGS_SF;
    if (evenParity(low ^ (aux >>> 8))) f |= EFLAGS_PF;
    return f >>> 0;
  }
  set eflags(f: number) {
    this.setU32(L.EFLAGS, (f & ~EFLAGS_ARITHMETIC) | EFLAGS_FIXED);
    const zero = (f & EFLAGS_ZF) !== 0;
    let aux = 0;
    if (f & EFLAGS_CF) aux |= 1 << 31;
    if (((f & EFLAGS_CF) !== 0) !== ((f & EFLAGS_OF) !== 0)) aux |= 1 << 30;
    if (f & EFLAGS_AF) aux |= 8;
    if (f & EFLAGS_SF) aux |= 1;
    // A result of 0 has even parity, 1 has odd; flip it by the delta byte where the flag says otherwise.
    if (((f & EFLAGS_PF) !== 0) !== zero) aux |= 1 << 8;
    this.setU64(L.FLAG_RESULT, zero ? 0n : 1n);
    this.setU32(L.FLAG_AUX, aux);
  }
  /** The flags become those that a repeated instruction had set aside as it stopped between iterations. */
  settleFlags(): void {
    this.setU64(L.FLAG_RESULT, this.getU64(L.REPEAT_RESULT));
    this.setU32(L.FLAG_AUX, this.getU32(L.REPEAT_AUX));
  }

  cr(n: number): number { return this.getU32(L.CR + n * 8); }
  setCr(n: number, value: number, high = 0): void {
    this.setU32(L.CR + n * 8, value);
    this.setU32(L.CR + n * 8 + 4, high);
  }
  dr(n: number): number { return this.getU32(L.DR + n * 8); }
  setDr(n: number, value: number, high = 0): void {
    this.setU32(L.DR + n * 8, value);
    this.setU32(L.DR + n * 8 + 4, high);
  }

  segment(n: number): number { return L.SEGMENTS + n * L.SEGMENT_SIZE; }
  selector(n: number): number { return this.getU32(this.segment(n) + L.SEG_SELECTOR); }
  /** The base in the cache, which 64-bit mode ignores for ES, CS, SS and DS. */
  segBase(n: number): number { return this.getLinear(this.segment(n) + L.SEG_BASE); }
  /** The base that addresses get. */
  linearBase(n: number): number { return n < FS && this.code64 ? 0 : this.segBase(n); }
  segLimit(n: number): number { return this.getU32(this.segment(n) + L.SEG_LIMIT); }
  segAttributes(n: number): number { return this.getU32(this.segment(n) + L.SEG_ATTRIBUTES); }

  get protectedMode(): boolean { return (this.cr(0) & CR0_PE) !== 0; }
  get efer(): number { return this.getU32(L.EFER); }
  /** EFER.LMA: IA-32e paging, 64-bit system tables; code is 64-bit or in compatibility mode by CS.L. */
  get longMode(): boolean { return (this.getU32(L.EFER) & EFER_LMA) !== 0; }
  get code64(): boolean { return this.longMode && this.codeSegmentIs64; }
  /** CS.L, which means something in long mode only. */
  get codeSegmentIs64(): boolean { return (this.segAttributes(CS) & ATTRIBUTE_L) !== 0; }
  get v86(): boolean { return (this.getU32(L.EFLAGS) & EFLAGS_VM) !== 0; }
  /** Current privilege level: DPL of CS's cached descriptor (3 in virtual-8086 mode, 0 in real mode) [SDM3 5.5]. */
  get cpl(): number { return (this.segAttributes(CS) >>> 5) & 3; }
}
