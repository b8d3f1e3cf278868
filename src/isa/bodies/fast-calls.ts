/**
 * SYSENTER and SYSEXIT, SYSCALL and SYSRET [SDM2]: the leaf kernel has the case of flat 32-bit code and of 64-bit code, the
 * helpers have all. SWAPGS.
 */
import * as L from '../../cpu/layout.ts';
import { CS, EFLAGS_ARITHMETIC, EFLAGS_FIXED, EFLAGS_RF, EFLAGS_VM, GS, R11, RCX, RDX, RSP } from '../../cpu/registers.ts';
import { SYSTEM_KERNEL_TYPES } from '../../cpu/system/kernel-interface.ts';
import type { Body, I32, I64, Ops } from '../ops.ts';

const sysenter: Body = (o) => {
  o.e.if(
    o.kernel('sysenter', SYSTEM_KERNEL_TYPES.sysenter.result),
    () => {
      o.setReg(RSP, 32, o.stateLoad('i32', L.SYSENTER_ESP));
      o.transferTo(o.stateLoad('i32', L.SYSENTER_EIP));
    },
    () => o.helper('SYSENTER'),
  );
};

const sysexit: Body = (o) => {
  const byHelper = (): void => o.helper('SYSEXIT', o.i32(o.osize));
  if (o.osize === 64) return byHelper();
  o.e.if(
    o.kernel('sysexit', SYSTEM_KERNEL_TYPES.sysexit.result),
    () => {
      o.setReg(RSP, 32, o.reg(RCX, 32));
      o.transferTo(o.reg(RDX, 32) as I32);
    },
    byHelper,
  );
};

/** All of EFLAGS, the arithmetic flags and the others. */
export function setAllFlags(o: Ops, flags: I32): void {
  o.stateStore('i32', L.EFLAGS, o.or(o.and(flags, o.i32(~(EFLAGS_ARITHMETIC | EFLAGS_RF | EFLAGS_VM))), o.i32(EFLAGS_FIXED)));
  o.writeFlags(o.and(flags, o.i32(EFLAGS_ARITHMETIC)));
}

const syscall: Body = (o) => {
  o.e.if(
    o.kernel('syscall', SYSTEM_KERNEL_TYPES.syscall.result),
    () => {
      const flags = o.or(o.readFlags(), o.and(o.stateLoad('i32', L.EFLAGS), o.i32(~EFLAGS_RF)));
      o.setReg(RCX, 64, o.nextIp());
      o.setReg(R11, 32, flags);
      setAllFlags(o, o.and(flags, o.not(o.stateLoad('i32', L.FMASK))));
      o.transferTo(o.stateLoad('i64', L.LSTAR));
    },
    () => o.helper('SYSCALL'),
  );
};

/** Flags that SYSRET takes from R11: all but RF and VM. */
const SYSRET_FLAGS = 0x3c7fd7;

const sysret: Body = (o) => {
  const byHelper = (): void => o.helper('SYSRET', o.i32(o.osize));
  if (o.osize !== 64) return byHelper();
  const rip = o.reg(RCX, 64) as I64;
  const flags = o.and(o.reg(R11, 32) as I32, o.i32(SYSRET_FLAGS));
  o.e.if(
    o.kernel('sysret', SYSTEM_KERNEL_TYPES.sysret.result, rip, flags),
    () => {
      setAllFlags(o, flags);
      o.transferTo(rip);
    },
    byHelper,
  );
};

const VECTOR_GP = 13;
const DPL = 3 << 5;
const swapgs: Body = (o) => {
  const segment = (n: number): number => L.SEGMENTS + n * L.SEGMENT_SIZE;
  o.raiseIf(o.and(o.stateLoad('i32', segment(CS) + L.SEG_ATTRIBUTES), o.i32(DPL)), VECTOR_GP, 0);
  const base = o.stateLoad('i64', segment(GS) + L.SEG_BASE);
  o.stateStore('i64', segment(GS) + L.SEG_BASE, o.stateLoad('i64', L.KERNEL_GS_BASE));
  o.stateStore('i64', L.KERNEL_GS_BASE, base);
};

export const fastCallBodies: Record<string, Body> = {
  SYSENTER: sysenter, SYSEXIT: sysexit, SYSCALL: syscall, SYSRET: sysret, SWAPGS: swapgs,
};
