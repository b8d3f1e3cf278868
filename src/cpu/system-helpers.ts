/** The helpers for system instructions, by the names that instruction bodies use. Arguments are documented there. */
import type { Helper } from './context.ts';
import { checkCpl0, clts, hlt, invalidateCaches, invlpg, invpcid, lmsw, movFromCr, movToCr, smsw } from './control-registers.ts';
import { cpuid } from './cpuid.ts';
import { movFromDr, movToDr } from './debug-registers.ts';
import { syscall, sysenter, sysexit, sysret } from './fast-calls.ts';
import { clac, cli, popf, pushf, stac, sti } from './flags-system.ts';
import { checkIoHelper, out, portIn, portOut } from './io.ts';
import { rdmsr, rdpmc, rdtsc, rdtscp, wrmsr } from './msr.ts';
import { lgdt, lidt, sgdt, sidt } from './system-tables.ts';
import { random } from './random.ts';
import { xgetbv, xsetbv } from './x87/xcr0.ts';

export const systemHelpers = {
  MOV_TO_CR: movToCr,
  MOV_FROM_CR: movFromCr,
  MOV_TO_DR: movToDr,
  MOV_FROM_DR: movFromDr,
  LMSW: lmsw,
  SMSW: smsw,
  CLTS: clts,
  INVLPG: invlpg,
  INVPCID: invpcid,
  INVD: invalidateCaches,
  WBINVD: invalidateCaches,
  HLT: hlt,
  CPUID: cpuid,
  RDMSR: rdmsr,
  WRMSR: wrmsr,
  RDTSC: rdtsc,
  RDTSCP: rdtscp,
  RDPMC: rdpmc,
  CLI: cli,
  STI: sti,
  CLAC: clac,
  STAC: stac,
  PUSHF: pushf,
  POPF: popf,
  LGDT: lgdt,
  LIDT: lidt,
  SGDT: sgdt,
  SIDT: sidt,
  SYSENTER: sysenter,
  SYSEXIT: sysexit,
  SYSCALL: syscall,
  SYSRET: sysret,
  CHECK_CPL0: checkCpl0,
  CHECK_IO: checkIoHelper,
  PORT_IN: portIn,
  PORT_OUT: portOut,
  OUT: out,
  XGETBV: xgetbv,
  XSETBV: xsetbv,
  RANDOM: random,
} satisfies Record<string, Helper>;
