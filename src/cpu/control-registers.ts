/**
 * MOV to and from control registers, LMSW, SMSW, CLTS, INVLPG, INVPCID, INVD, WBINVD and HLT.
 * [SDM3 2.5] control registers, [SDM3 4.4.1] PDPTE registers, [SDM3 4.10.4.1] what invalidates the TLB, [SDM2 MOV],
 * [SDM3 9.8.5] switching long mode on and off.
 *
 * Known deviations: a change of CR0.PE, WP or CR4.PSE drops the whole TLB; hardware keeps it, and software may not rely
 * on either. Translations are not kept by PCID: every write of CR3 drops those that are not global. Caches are not modelled:
 * CR0.CD, NW, INVD and WBINVD have no effect. CR8 is the local APIC's task priority; without
 * a local APIC it inhibits nothing.
 */
import type { CpuContext } from './context.ts';
import { HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { TYPE_32 } from './descriptors.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import { isCanonical, linear64 } from './linear.ts';
import { type CpuProfile, physicalAddressBits } from './profiles.ts';
import {
  CR0_AM, CR0_CD, CR0_EM, CR0_ET, CR0_MP, CR0_NE, CR0_NW, CR0_PE, CR0_PG, CR0_TS, CR0_WP, CR4_DE, CR4_FSGSBASE, CR4_MCE, CR4_OSFXSR,
  CR4_OSXMMEXCPT, CR4_OSXSAVE, CR4_PAE, CR4_PCE, CR4_PCIDE, CR4_PGE, CR4_PSE, CR4_PVI, CR4_SMAP, CR4_SMEP, CR4_TSD, CR4_UMIP, CR4_VME,
  EFER_LMA, EFER_LME, TR, VECTOR_GP, VECTOR_UD,
} from './registers.ts';

/** Bits of CR0 that exist; writes to others are ignored, ET reads as one. */
const CR0_DEFINED = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
const CR0_LMSW = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
const CR0_FLUSHES = CR0_PE | CR0_WP | CR0_PG;
const CR0_RELOADS_PDPTES = CR0_CD | CR0_NW | CR0_PG;
const CR4_RELOADS_PDPTES = CR4_PSE | CR4_PAE | CR4_PGE;
const CR4_FLUSHES = CR4_RELOADS_PDPTES | CR4_PCIDE | CR4_SMEP | CR4_SMAP;
const CR3_PCID = 0xfff;
/** With CR4.PCIDE: the write need not drop translations. It is not part of the register. */
const CR3_NO_FLUSH_HIGH = 1 << 31;
const CR8_MAX = 15;

/** Faults with #GP(0) outside privilege level 0; virtual-8086 mode is level 3. */
export function requireCpl0(cpu: CpuContext): void {
  if (cpu.state.cpl !== 0) fault(VECTOR_GP, 0);
}

/** SGDT, SIDT, SLDT, SMSW and STR tell programs nothing while CR4.UMIP is set [SDM3 2.5]. */
export function requireVisibleTables(cpu: CpuContext): void {
  if (cpu.state.cr(4) & CR4_UMIP) requireCpl0(cpu);
}

/** For instructions whose memory operand is read after the privilege check. Returns HELPER_NEXT. */
export function checkCpl0(cpu: CpuContext): number {
  requireCpl0(cpu);
  return HELPER_NEXT;
}

/** Ends a helper after which the block may not go on: control continues behind the instruction. */
export function resync(cpu: CpuContext): number {
  cpu.state.rip = cpu.nextEip;
  return HELPER_RESYNC;
}

/** Bits of CR4 that a processor with this profile has; writing others is #GP. */
export function cr4Defined(profile: CpuProfile): number {
  const { features } = profile;
  let bits = 0;
  if (features.has('vme')) bits |= CR4_VME | CR4_PVI;
  if (features.has('tsc')) bits |= CR4_TSD;
  if (features.has('de')) bits |= CR4_DE;
  if (features.has('pse')) bits |= CR4_PSE;
  if (features.has('pae')) bits |= CR4_PAE | CR4_PCE;
  if (features.has('mce')) bits |= CR4_MCE;
  if (features.has('pge')) bits |= CR4_PGE;
  if (features.has('fxsr')) bits |= CR4_OSFXSR;
  if (features.has('sse')) bits |= CR4_OSXMMEXCPT;
  if (features.has('pcid')) bits |= CR4_PCIDE;
  if (features.has('xsave')) bits |= CR4_OSXSAVE;
  if (features.has('fsgsbase')) bits |= CR4_FSGSBASE;
  if (features.has('smep')) bits |= CR4_SMEP;
  if (features.has('smap')) bits |= CR4_SMAP;
  if (features.has('umip')) bits |= CR4_UMIP;
  return bits;
}

function loadPdptesOrFault(cpu: CpuContext, cr3: number): void {
  if (!cpu.mmu.loadPdptes(cr3)) fault(VECTOR_GP, 0);
}

/** Writes CR0 with the checks of MOV [SDM2 MOV-Control registers]; the caller has checked CPL and resyncs. */
export function writeCr0(cpu: CpuContext, value: number): void {
  const { state, mmu } = cpu;
  if (value & CR0_PG && (value & CR0_PE) === 0) fault(VECTOR_GP, 0);
  if (value & CR0_NW && (value & CR0_CD) === 0) fault(VECTOR_GP, 0);
  const fresh = (value & CR0_DEFINED) | CR0_ET;
  const changed = state.cr(0) ^ fresh;
  const efer = changed & CR0_PG ? eferAfterPaging(cpu, (fresh & CR0_PG) !== 0) : state.efer;
  const pae = (state.cr(4) & CR4_PAE) !== 0 && (efer & EFER_LMA) === 0;
  if (fresh & CR0_PG && pae && changed & CR0_RELOADS_PDPTES) loadPdptesOrFault(cpu, state.cr(3));
  state.setCr(0, fresh);
  if (efer !== state.efer) {
    state.setU32(L.EFER, efer);
    mmu.setEfer(efer);
  }
  if (changed & CR0_FLUSHES) mmu.flush();
  cpu.updateMode();
}

/** EFER once CR0.PG is switched: LME and PG together make LMA, if all else is ready [SDM3 9.8.5.3, 9.8.5.4]. */
function eferAfterPaging(cpu: CpuContext, paging: boolean): number {
  const { state } = cpu;
  const { efer } = state;
  if (!paging) {
    if (state.code64 || state.cr(4) & CR4_PCIDE) fault(VECTOR_GP, 0);
    return efer & ~EFER_LMA;
  }
  if ((efer & EFER_LME) === 0) return efer;
  const tss16 = (state.segAttributes(TR) & TYPE_32) === 0;
  if ((state.cr(4) & CR4_PAE) === 0 || state.codeSegmentIs64 || tss16) fault(VECTOR_GP, 0);
  return efer | EFER_LMA;
}

/** Writes CR3 as MOV and task switches do: may fault with #GP(0) under PAE paging and in long mode; keeps global pages. */
export function writeCr3(cpu: CpuContext, low: number, high = 0): void {
  const { state, mmu } = cpu;
  let fresh = high;
  if (state.longMode) {
    if (state.cr(4) & CR4_PCIDE) fresh &= ~CR3_NO_FLUSH_HIGH;
    if (fresh >>> 0 >= 2 ** (physicalAddressBits(cpu.profile) - 32)) fault(VECTOR_GP, 0);
  } else if (state.cr(0) & CR0_PG && state.cr(4) & CR4_PAE) loadPdptesOrFault(cpu, low);
  state.setCr(3, low, fresh);
  mmu.switchSpace(low, fresh);
}

/** Writes CR4; the caller has checked CPL and resyncs. */
export function writeCr4(cpu: CpuContext, value: number): void {
  const { state, mmu } = cpu;
  if (value & ~cr4Defined(cpu.profile)) fault(VECTOR_GP, 0);
  const changed = state.cr(4) ^ value;
  const { longMode } = state;
  if (longMode && (value & CR4_PAE) === 0) fault(VECTOR_GP, 0);
  if (changed & value & CR4_PCIDE && (!longMode || state.cr(3) & CR3_PCID)) fault(VECTOR_GP, 0);
  const pdptes = value & CR4_PAE && state.cr(0) & CR0_PG && !longMode;
  if (pdptes && changed & CR4_RELOADS_PDPTES) loadPdptesOrFault(cpu, state.cr(3));
  state.setCr(4, value);
  if (changed & CR4_FLUSHES) mmu.flush();
  cpu.updateMode();
}

function requireControlRegister(cpu: CpuContext, n: number): void {
  const exists = n === 0 || n === 2 || n === 3 || n === 4 || (n === 8 && cpu.profile.features.has('lm'));
  if (!exists) fault(VECTOR_UD);
}

/** MOV CRn, r32 or r64. Arguments: n, the general register's offset in the state. Returns HELPER_RESYNC. */
export function movToCr(cpu: CpuContext, n: number, slot: number): number {
  const { state } = cpu;
  requireControlRegister(cpu, n);
  requireCpl0(cpu);
  const low = state.getU32(slot);
  const high = state.code64 ? state.getU32(slot + 4) : 0;
  if (n === 2) state.setCr(2, low, high);
  else if (n === 3) writeCr3(cpu, low, high);
  else if (high !== 0) fault(VECTOR_GP, 0);
  else if (n === 0) writeCr0(cpu, low);
  else if (n === 4) writeCr4(cpu, low);
  else writeCr8(cpu, low);
  return resync(cpu);
}

function writeCr8(cpu: CpuContext, value: number): void {
  if (value > CR8_MAX) fault(VECTOR_GP, 0);
  cpu.state.setCr(8, value);
  if (cpu.host.apic) cpu.host.apic.taskPriority = value;
}

/** MOV r32 or r64, CRn. Arguments: n, the general register's offset in the state. Returns HELPER_NEXT. */
export function movFromCr(cpu: CpuContext, n: number, slot: number): number {
  const { state } = cpu;
  requireControlRegister(cpu, n);
  requireCpl0(cpu);
  if (n === 8 && cpu.host.apic) state.setCr(8, cpu.host.apic.taskPriority);
  state.setU32(slot, state.cr(n));
  state.setU32(slot + 4, state.getU32(L.CR + n * 8 + 4));
  return HELPER_NEXT;
}

/** LMSW. Argument: the source word. PE can be set, not cleared. Returns HELPER_RESYNC. */
export function lmsw(cpu: CpuContext, value: number): number {
  requireCpl0(cpu);
  const old = cpu.state.cr(0);
  writeCr0(cpu, (old & ~CR0_LMSW) | (value & CR0_LMSW) | (old & CR0_PE));
  return resync(cpu);
}

/** SMSW, at any privilege level without UMIP. Returns CR0; a memory destination takes its low word. */
export function smsw(cpu: CpuContext): number {
  requireVisibleTables(cpu);
  return cpu.state.cr(0);
}

/** CLTS. Returns HELPER_NEXT when TS was clear, else HELPER_RESYNC. */
export function clts(cpu: CpuContext): number {
  requireCpl0(cpu);
  const cr0 = cpu.state.cr(0);
  if ((cr0 & CR0_TS) === 0) return HELPER_NEXT;
  cpu.state.setCr(0, cr0 & ~CR0_TS);
  cpu.updateMode();
  return resync(cpu);
}

/** INVLPG. Argument: linear address; one that is not canonical does nothing. Returns HELPER_RESYNC. */
export function invlpg(cpu: CpuContext, linear: number): number {
  requireCpl0(cpu);
  cpu.mmu.invalidatePage(linear);
  return resync(cpu);
}

/** What INVPCID drops [SDM2 INVPCID]. */
const INVPCID_ADDRESS = 0, INVPCID_CONTEXT = 1, INVPCID_ALL = 2, INVPCID_ALL_NON_GLOBAL = 3;
const PCID_MAX = 0xfff;

/** INVPCID. Arguments: offset in the state of the register with the type, linear address of the descriptor. Returns HELPER_RESYNC. */
export function invpcid(cpu: CpuContext, slot: number, descriptor: number): number {
  const { state, mmu } = cpu;
  const type = state.getU32(slot);
  const typeHigh = state.code64 ? state.getU32(slot + 4) : 0;
  requireCpl0(cpu);
  const word = (n: number): number => mmu.read32(descriptor + n * 4, false);
  const pcid = word(0);
  const reserved = word(1) !== 0 || pcid > PCID_MAX;
  const linear = linear64(word(2), word(3));
  const needsPcid = type === INVPCID_ADDRESS || type === INVPCID_CONTEXT;
  const withoutPcids = needsPcid && pcid !== 0 && (state.cr(4) & CR4_PCIDE) === 0;
  if (typeHigh !== 0 || type > INVPCID_ALL_NON_GLOBAL || reserved || withoutPcids) fault(VECTOR_GP, 0);
  if (type === INVPCID_ADDRESS) {
    if (!isCanonical(linear)) fault(VECTOR_GP, 0);
    mmu.invalidatePage(linear);
  } else if (type === INVPCID_ALL) mmu.flush();
  else mmu.flushNonGlobal();
  return resync(cpu);
}

/** INVD and WBINVD. Returns HELPER_NEXT. */
export function invalidateCaches(cpu: CpuContext): number {
  requireCpl0(cpu);
  return HELPER_NEXT;
}

/** HLT. Returns HELPER_RESYNC. */
export function hlt(cpu: CpuContext): number {
  requireCpl0(cpu);
  cpu.halt();
  return resync(cpu);
}
