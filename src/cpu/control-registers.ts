/**
 * MOV to and from control registers, LMSW, SMSW, CLTS, INVLPG, INVD, WBINVD and HLT.
 * [SDM3 2.5] control registers, [SDM3 4.4.1] PDPTE registers, [SDM3 4.10.4.1] what invalidates the TLB, [SDM2 MOV].
 *
 * Known deviation: a change of CR0.PE, WP or CR4.PSE drops the whole TLB; hardware keeps it, and software may not rely
 * on either. Caches are not modelled: CR0.CD, NW, INVD and WBINVD have no effect.
 */
import type { CpuContext } from './context.ts';
import { HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { fault } from './fault.ts';
import type { CpuProfile } from './profiles.ts';
import {
  CR0_AM, CR0_CD, CR0_EM, CR0_ET, CR0_MP, CR0_NE, CR0_NW, CR0_PE, CR0_PG, CR0_TS, CR0_WP, CR4_DE, CR4_MCE, CR4_OSFXSR,
  CR4_OSXMMEXCPT, CR4_PAE, CR4_PCE, CR4_PGE, CR4_PSE, CR4_PVI, CR4_TSD, CR4_VME, VECTOR_GP, VECTOR_UD,
} from './registers.ts';

/** Bits of CR0 that exist; writes to others are ignored, ET reads as one. */
const CR0_DEFINED = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
const CR0_LMSW = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
const CR0_FLUSHES = CR0_PE | CR0_WP | CR0_PG;
const CR0_RELOADS_PDPTES = CR0_CD | CR0_NW | CR0_PG;
const CR4_FLUSHES = CR4_PSE | CR4_PAE | CR4_PGE;

/** Faults with #GP(0) outside privilege level 0; virtual-8086 mode is level 3. */
export function requireCpl0(cpu: CpuContext): void {
  if (cpu.state.cpl !== 0) fault(VECTOR_GP, 0);
}

/** For instructions whose memory operand is read after the privilege check. Returns HELPER_NEXT. */
export function checkCpl0(cpu: CpuContext): number {
  requireCpl0(cpu);
  return HELPER_NEXT;
}

/** Ends a helper after which the block may not go on: control continues behind the instruction. */
export function resync(cpu: CpuContext): number {
  cpu.state.eip = cpu.nextEip;
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
  const pae = (state.cr(4) & CR4_PAE) !== 0;
  if (fresh & CR0_PG && pae && changed & CR0_RELOADS_PDPTES) loadPdptesOrFault(cpu, state.cr(3));
  state.setCr(0, fresh);
  if (changed & CR0_FLUSHES) mmu.flush();
  cpu.updateMode();
}

/** Writes CR3 as MOV and task switches do: may fault with #GP(0) under PAE paging; keeps global pages. */
export function writeCr3(cpu: CpuContext, value: number): void {
  const { state, mmu } = cpu;
  if (state.cr(0) & CR0_PG && state.cr(4) & CR4_PAE) loadPdptesOrFault(cpu, value);
  state.setCr(3, value);
  mmu.flushNonGlobal();
}

/** Writes CR4; the caller has checked CPL and resyncs. */
export function writeCr4(cpu: CpuContext, value: number): void {
  const { state, mmu } = cpu;
  if (value & ~cr4Defined(cpu.profile)) fault(VECTOR_GP, 0);
  const changed = state.cr(4) ^ value;
  if (value & CR4_PAE && state.cr(0) & CR0_PG && changed & CR4_FLUSHES) loadPdptesOrFault(cpu, state.cr(3));
  state.setCr(4, value);
  if (changed & CR4_FLUSHES) mmu.flush();
  cpu.updateMode();
}

/** MOV CRn, r32. Arguments: n, value. Returns HELPER_RESYNC. */
export function movToCr(cpu: CpuContext, n: number, value: number): number {
  if (n !== 0 && n !== 2 && n !== 3 && n !== 4) fault(VECTOR_UD);
  requireCpl0(cpu);
  if (n === 0) writeCr0(cpu, value);
  else if (n === 2) cpu.state.setCr(2, value);
  else if (n === 3) writeCr3(cpu, value);
  else writeCr4(cpu, value);
  return resync(cpu);
}

/** MOV r32, CRn. Argument: n. Returns the value. */
export function movFromCr(cpu: CpuContext, n: number): number {
  if (n !== 0 && n !== 2 && n !== 3 && n !== 4) fault(VECTOR_UD);
  requireCpl0(cpu);
  return cpu.state.cr(n);
}

/** LMSW. Argument: the source word. PE can be set, not cleared. Returns HELPER_RESYNC. */
export function lmsw(cpu: CpuContext, value: number): number {
  requireCpl0(cpu);
  const old = cpu.state.cr(0);
  writeCr0(cpu, (old & ~CR0_LMSW) | (value & CR0_LMSW) | (old & CR0_PE));
  return resync(cpu);
}

/** SMSW, at any privilege level. Returns CR0; a memory destination takes its low word. */
export function smsw(cpu: CpuContext): number {
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

/** INVLPG. Argument: linear address. Returns HELPER_RESYNC. */
export function invlpg(cpu: CpuContext, linear: number): number {
  requireCpl0(cpu);
  cpu.mmu.invalidatePage(linear);
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
