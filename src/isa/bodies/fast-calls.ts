/** SYSENTER and SYSEXIT [SDM2]: the leaf kernel has the case of flat 32-bit code, the helpers have all. */
import * as L from '../../cpu/layout.ts';
import { RCX, RDX, RSP } from '../../cpu/registers.ts';
import { SYSTEM_KERNEL_TYPES } from '../../cpu/system/kernel-interface.ts';
import type { Body, I32 } from '../ops.ts';

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

export const fastCallBodies: Record<string, Body> = { SYSENTER: sysenter, SYSEXIT: sysexit };
