/**
 * Model-specific registers, RDMSR, WRMSR, RDTSC and RDPMC. [SDM4] the registers, [SDM3 12.11] MTRRs, [SDM3 12.12] PAT,
 * [SDM3 18.17] time-stamp counter.
 *
 * Registers that are not in the table do not exist: #GP(0). MTRRs and PAT are kept and checked but change no memory
 * type; there are no performance counters, so RDPMC always faults. Some registers of older families are there because
 * kernels read them without asking CPUID.
 */
import type { CpuContext } from './context.ts';
import { HELPER_NEXT } from './context.ts';
import { IA32_APIC_BASE, isApicMsr, keepDeadline, readApicMsr, writeApicMsr } from './apic-msrs.ts';
import { requireCpl0, resync } from './control-registers.ts';
import { fault } from './fault.ts';
import * as L from './layout.ts';
import type { Mmu } from './mmu.ts';
import { type CpuProfile, physicalAddressBits } from './profiles.ts';
import {
  CR0_PG, CR4_PCE, CR4_TSD, EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE, FS, GS, RAX, RCX, RDX, VECTOR_GP,
} from './registers.ts';
import type { CpuState } from './state.ts';

export { IA32_APIC_BASE } from './apic-msrs.ts';
export const MSR_P5_MC_ADDR = 0x0, MSR_P5_MC_TYPE = 0x1, IA32_TIME_STAMP_COUNTER = 0x10, IA32_PLATFORM_ID = 0x17;
export const MSR_EBL_CR_POWERON = 0x2a, MSR_EBC_FREQUENCY_ID = 0x2c, IA32_BIOS_UPDT_TRIG = 0x79;
export const IA32_BIOS_SIGN_ID = 0x8b, MSR_FSB_FREQ = 0xcd, IA32_MTRRCAP = 0xfe, MSR_BBL_CR_CTL3 = 0x11e;
export const IA32_SYSENTER_CS = 0x174, IA32_SYSENTER_ESP = 0x175, IA32_SYSENTER_EIP = 0x176, IA32_MCG_CAP = 0x179;
export const IA32_MCG_STATUS = 0x17a, IA32_MISC_ENABLE = 0x1a0, IA32_DEBUGCTL = 0x1d9, MSR_LASTBRANCHFROMIP = 0x1db;
export const MSR_LASTBRANCHTOIP = 0x1dc, MSR_LASTINTFROMIP = 0x1dd, MSR_LASTINTTOIP = 0x1de;
export const IA32_MTRR_PHYSBASE0 = 0x200;
export const IA32_MTRR_FIX64K_00000 = 0x250, IA32_MTRR_FIX16K_80000 = 0x258, IA32_MTRR_FIX16K_A0000 = 0x259;
export const IA32_MTRR_FIX4K_C0000 = 0x268, IA32_PAT = 0x277, IA32_MTRR_DEF_TYPE = 0x2ff, IA32_EFER = 0xc0000080;
export const IA32_STAR = 0xc0000081, IA32_LSTAR = 0xc0000082, IA32_CSTAR = 0xc0000083, IA32_FMASK = 0xc0000084;
export const IA32_FS_BASE = 0xc0000100, IA32_GS_BASE = 0xc0000101, IA32_KERNEL_GS_BASE = 0xc0000102, IA32_TSC_AUX = 0xc0000103;
export const IA32_XSS = 0xda0;

const APIC_BASE_BSP = 1n << 8n;
const APIC_BASE_RESET = 0xfee00000n | APIC_BASE_BSP;
/** VCNT 8, FIX, WC. */
const MTRR_VARIABLE_RANGES = 8;
const MTRRCAP = BigInt(MTRR_VARIABLE_RANGES) | (1n << 8n) | (1n << 10n);
const PAT_RESET = 0x0007040600070406n;
/** Fast strings on; branch trace store and precise event sampling unavailable. */
const MISC_ENABLE_RESET = 1n | (1n << 11n) | (1n << 12n);
const MISC_ENABLE_FAST_STRINGS = 1n;
/** LBR records nothing: the registers of last branches read as zero. */
const DEBUGCTL_LBR = 1n, DEBUGCTL_BTF = 2n;
const MASK_32 = 0xffffffffn;
const physicalReserved = (profile: CpuProfile): bigint => ~((1n << BigInt(physicalAddressBits(profile))) - 1n);
const isCanonical = (value: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, value)) === value;

const isMtrrType = (type: bigint): boolean => type === 0n || type === 1n || (type >= 4n && type <= 6n);
const isPatType = (type: bigint): boolean => isMtrrType(type) || type === 7n;
function everyByte(value: bigint, accept: (byte: bigint) => boolean): boolean {
  for (let i = 0n; i < 64n; i += 8n) if (!accept((value >> i) & 0xffn)) return false;
  return true;
}

interface MsrRow {
  readonly reset: bigint;
  /** Where the vCPU's state has it, for registers that the processor itself looks at; they are zero after power-on. */
  readonly place?: number;
  /** Present only in processors for which this holds; default: all. */
  readonly present?: (profile: CpuProfile) => boolean;
  /** What a write leaves in the register; undefined: #GP. Without it the register cannot be written. */
  readonly write?: (value: bigint, old: bigint, profile: CpuProfile, state: CpuState) => bigint | undefined;
}

const accept =
  (valid: (value: bigint, profile: CpuProfile) => boolean) =>
  (value: bigint, _old: bigint, profile: CpuProfile): bigint | undefined => (valid(value, profile) ? value : undefined);
const ignoreWrite = (_value: bigint, old: bigint): bigint => old;
const hasMtrr = (profile: CpuProfile): boolean => profile.features.has('mtrr');
const hasSep = (profile: CpuProfile): boolean => profile.features.has('sep');
const hasLongMode = (profile: CpuProfile): boolean => profile.features.has('lm');

/** In a processor without local APIC: an address that means nothing. */
function writeApicBase(value: bigint, _old: bigint, profile: CpuProfile): bigint | undefined {
  return value & (physicalReserved(profile) | 0x6ffn) ? undefined : (value & ~0xfffn) | APIC_BASE_BSP;
}

/** [SDM3 2.2.1]. LMA follows from CR0.PG; LME stays as it is while paging is on. */
function writeEfer(value: bigint, old: bigint, profile: CpuProfile, state: CpuState): bigint | undefined {
  let defined = 0;
  if (profile.features.has('syscall')) defined |= EFER_SCE;
  if (profile.features.has('lm')) defined |= EFER_LME | EFER_LMA;
  if (profile.features.has('nx')) defined |= EFER_NXE;
  if (value & ~BigInt(defined)) return undefined;
  if ((value ^ old) & BigInt(EFER_LME) && state.cr(0) & CR0_PG) return undefined;
  return (value & ~BigInt(EFER_LMA)) | (old & BigInt(EFER_LMA));
}

const sysenterCs: MsrRow = { reset: 0n, place: L.SYSENTER_CS, present: hasSep, write: (value) => value & MASK_32 };
/** Stack and entry point have 64 bits where the processor has long mode. */
const sysenterAddress = (place: number): MsrRow => ({
  reset: 0n,
  place,
  present: hasSep,
  write: (value, _old, profile) => (!hasLongMode(profile) ? value & MASK_32 : isCanonical(value) ? value : undefined),
});
const addressAt = (place: number): MsrRow => ({ reset: 0n, place, present: hasLongMode, write: accept(isCanonical) });
const segmentBase = (n: number): MsrRow => addressAt(L.SEGMENTS + n * L.SEGMENT_SIZE + L.SEG_BASE);
const fixedRange: MsrRow = { reset: 0n, present: hasMtrr, write: accept((value) => everyByte(value, isMtrrType)) };
const physBase: MsrRow = {
  reset: 0n,
  present: hasMtrr,
  write: accept((value, profile) => isMtrrType(value & 0xffn) && !(value & (physicalReserved(profile) | 0xf00n))),
};
const physMask: MsrRow = {
  reset: 0n, present: hasMtrr, write: accept((value, profile) => !(value & (physicalReserved(profile) | 0x7ffn))),
};
const alwaysZero: MsrRow = { reset: 0n, write: ignoreWrite };

const rows: ReadonlyMap<number, MsrRow> = new Map<number, MsrRow>([
  [MSR_P5_MC_ADDR, alwaysZero],
  [MSR_P5_MC_TYPE, alwaysZero],
  [IA32_PLATFORM_ID, { reset: 0n }],
  [IA32_APIC_BASE, { reset: APIC_BASE_RESET, write: writeApicBase }],
  [MSR_EBL_CR_POWERON, alwaysZero],
  [MSR_EBC_FREQUENCY_ID, { reset: 1n << 24n }],
  [IA32_BIOS_UPDT_TRIG, alwaysZero],
  [MSR_FSB_FREQ, { reset: 3n }],
  [IA32_MTRRCAP, { reset: MTRRCAP, present: hasMtrr }],
  // L2 configured; drivers of old systems configure it themselves where this says otherwise.
  [MSR_BBL_CR_CTL3, { reset: 0xbe702111n, write: ignoreWrite }],
  [IA32_SYSENTER_CS, sysenterCs],
  [IA32_SYSENTER_ESP, sysenterAddress(L.SYSENTER_ESP)],
  [IA32_SYSENTER_EIP, sysenterAddress(L.SYSENTER_EIP)],
  [IA32_MCG_CAP, { reset: 0n }],
  [IA32_MCG_STATUS, { reset: 0n, write: accept((value) => value === 0n) }],
  [IA32_MISC_ENABLE, {
    reset: MISC_ENABLE_RESET,
    write: (value, old) => (old & ~MISC_ENABLE_FAST_STRINGS) | (value & MISC_ENABLE_FAST_STRINGS),
  }],
  [IA32_DEBUGCTL, { reset: 0n, write: accept((value) => !(value & ~(DEBUGCTL_LBR | DEBUGCTL_BTF))) }],
  [MSR_LASTBRANCHFROMIP, { reset: 0n }],
  [MSR_LASTBRANCHTOIP, { reset: 0n }],
  [MSR_LASTINTFROMIP, { reset: 0n }],
  [MSR_LASTINTTOIP, { reset: 0n }],
  ...Array.from({ length: MTRR_VARIABLE_RANGES * 2 }, (_, i): [number, MsrRow] => [
    IA32_MTRR_PHYSBASE0 + i, i % 2 === 0 ? physBase : physMask,
  ]),
  [IA32_MTRR_FIX64K_00000, fixedRange],
  [IA32_MTRR_FIX16K_80000, fixedRange],
  [IA32_MTRR_FIX16K_A0000, fixedRange],
  ...Array.from({ length: 8 }, (_, i): [number, MsrRow] => [IA32_MTRR_FIX4K_C0000 + i, fixedRange]),
  [IA32_PAT, {
    reset: PAT_RESET,
    present: (profile) => profile.features.has('pat'),
    write: accept((value) => everyByte(value, isPatType)),
  }],
  [IA32_MTRR_DEF_TYPE, {
    reset: 0n, present: hasMtrr, write: accept((value) => isMtrrType(value & 0xffn) && !(value & ~0xcffn)),
  }],
  [IA32_EFER, { reset: 0n, place: L.EFER, present: ({ features }) => features.has('nx') || features.has('syscall'), write: writeEfer }],
  [IA32_STAR, { reset: 0n, place: L.STAR, present: ({ features }) => features.has('syscall'), write: (value) => value }],
  [IA32_LSTAR, addressAt(L.LSTAR)],
  [IA32_CSTAR, addressAt(L.CSTAR)],
  [IA32_FMASK, { reset: 0n, place: L.FMASK, present: hasLongMode, write: accept((value) => value <= MASK_32) }],
  [IA32_FS_BASE, segmentBase(FS)],
  [IA32_GS_BASE, segmentBase(GS)],
  [IA32_KERNEL_GS_BASE, addressAt(L.KERNEL_GS_BASE)],
  [IA32_XSS, { reset: 0n, present: ({ features }) => features.has('xsaves'), write: accept((value) => value === 0n) }],
  [IA32_TSC_AUX, { reset: 0n, place: L.TSC_AUX, present: ({ features }) => features.has('rdtscp') || features.has('rdpid'), write: accept((value) => value <= MASK_32) }],
]);

/** Plain data; 64-bit values as decimal strings. */
export interface MsrSnapshot {
  readonly version: 1;
  readonly values: readonly (readonly [index: number, value: string])[];
  readonly tscOffset: string;
  readonly microcodeRevision: number;
  /** The PDPTE registers, which memory need not agree with any more. */
  readonly pdptes: readonly number[];
}

export class MsrFile {
  private readonly profile: CpuProfile;
  private readonly mmu: Mmu;
  private readonly state: CpuState;
  /** Registers outside the vCPU's state that differ from their reset value. */
  private readonly values = new Map<number, bigint>();
  /** What WRMSR to the time-stamp counter added to the host's. */
  private get tscOffset(): bigint {
    return BigInt.asIntN(64, this.state.getU64(L.TSC_OFFSET));
  }
  private set tscOffset(value: bigint) {
    this.state.setU64(L.TSC_OFFSET, value);
  }
  /** What IA32_BIOS_SIGN_ID shows: zero after a write, until CPUID leaf 1 fills it. */
  microcodeRevision = 0;

  constructor(profile: CpuProfile, mmu: Mmu, state: CpuState) {
    this.profile = profile;
    this.mmu = mmu;
    this.state = state;
  }

  /** Power-on state; the registers in the vCPU's state are zero already. `tsc` is the host's counter, which the guest's starts from zero at. */
  reset(tsc: bigint): void {
    this.values.clear();
    this.tscOffset = -tsc;
    this.microcodeRevision = 0;
    this.mmu.pdptes.fill(0);
    this.mmu.setEfer(0);
  }

  /** The guest's time-stamp counter, given the host's. */
  tsc(hostTsc: bigint): bigint {
    return BigInt.asUintN(64, hostTsc + this.tscOffset);
  }

  /** The host's counter when the guest's is at `guestTsc`; negative where that was before it began. */
  hostTsc(guestTsc: bigint): bigint {
    return BigInt.asIntN(64, guestTsc - this.tscOffset);
  }

  /** undefined: there is no such register. */
  read(index: number, hostTsc: bigint): bigint | undefined {
    if (index === IA32_TIME_STAMP_COUNTER) return this.tsc(hostTsc);
    if (index === IA32_BIOS_SIGN_ID) return BigInt(this.microcodeRevision) << 32n;
    const row = this.row(index);
    return row && this.stored(index, row);
  }

  /** False: no such register, or a value that it does not take. */
  write(index: number, value: bigint, hostTsc: bigint): boolean {
    if (index === IA32_TIME_STAMP_COUNTER) {
      this.tscOffset = BigInt.asIntN(64, value - hostTsc);
      return true;
    }
    if (index === IA32_BIOS_SIGN_ID) {
      this.microcodeRevision = 0;
      return true;
    }
    const row = this.row(index);
    const fresh = row?.write?.(value, this.stored(index, row), this.profile, this.state);
    if (row === undefined || fresh === undefined) return false;
    if (row.place === undefined) this.values.set(index, fresh);
    else this.state.setU64(row.place, fresh);
    if (index === IA32_EFER) this.mmu.setEfer(this.state.efer);
    return true;
  }

  /** IA32_DEBUGCTL.BTF: TF asks for a trap after taken branches only [SDM3 17.4.3]. */
  get stepsOnBranches(): boolean {
    return ((this.values.get(IA32_DEBUGCTL) ?? 0n) & DEBUGCTL_BTF) !== 0n;
  }

  /** A debug exception clears LBR and BTF [SDM3 17.4.1, 17.4.3]. */
  debugException(): void {
    this.values.delete(IA32_DEBUGCTL);
  }

  save(): MsrSnapshot {
    return {
      version: 1,
      values: [...this.values].map(([index, value]) => [index, value.toString()] as const),
      tscOffset: this.tscOffset.toString(),
      microcodeRevision: this.microcodeRevision,
      pdptes: [...this.mmu.pdptes],
    };
  }

  /** Also empties the TLB, whatever it holds. The vCPU's state has been restored before. */
  restore(snapshot: MsrSnapshot): void {
    this.values.clear();
    for (const [index, value] of snapshot.values) this.values.set(index, BigInt(value));
    this.tscOffset = BigInt(snapshot.tscOffset);
    this.microcodeRevision = snapshot.microcodeRevision;
    this.mmu.pdptes.set(snapshot.pdptes);
    this.mmu.setEfer(this.state.efer);
    this.mmu.clear();
  }

  private row(index: number): MsrRow | undefined {
    const row = rows.get(index);
    return row && (row.present?.(this.profile) ?? true) ? row : undefined;
  }

  private stored(index: number, row: MsrRow): bigint {
    return row.place === undefined ? (this.values.get(index) ?? row.reset) : this.state.getU64(row.place);
  }
}

function setEdxEax(cpu: CpuContext, value: bigint): void {
  cpu.state.setReg(RAX, Number(value & MASK_32));
  cpu.state.setReg(RDX, Number(value >> 32n));
}

/** RDMSR: ECX to EDX:EAX. Returns HELPER_NEXT. */
export function rdmsr(cpu: CpuContext): number {
  requireCpl0(cpu);
  const index = cpu.state.reg(RCX);
  const value = isApicMsr(cpu, index) ? readApicMsr(cpu, index) : cpu.msrs.read(index, cpu.host.tsc());
  if (value === undefined) fault(VECTOR_GP, 0);
  setEdxEax(cpu, value);
  return HELPER_NEXT;
}

/** WRMSR: EDX:EAX to ECX. Returns HELPER_RESYNC after a write to EFER, else HELPER_NEXT. */
export function wrmsr(cpu: CpuContext): number {
  const { state } = cpu;
  requireCpl0(cpu);
  const index = state.reg(RCX);
  const value = (BigInt(state.reg(RDX)) << 32n) | BigInt(state.reg(RAX));
  if (!writeMsr(cpu, index, value)) fault(VECTOR_GP, 0);
  return index === IA32_EFER ? resync(cpu) : HELPER_NEXT;
}

function writeMsr(cpu: CpuContext, index: number, value: bigint): boolean {
  if (isApicMsr(cpu, index)) return writeApicMsr(cpu, index, value);
  let taken = false;
  keepDeadline(cpu, () => {
    taken = cpu.msrs.write(index, value, cpu.host.tsc());
  });
  return taken;
}

/** RDTSC: EDX:EAX. Returns HELPER_NEXT. */
export function rdtsc(cpu: CpuContext): number {
  if (cpu.state.cr(4) & CR4_TSD && cpu.state.cpl !== 0) fault(VECTOR_GP, 0);
  setEdxEax(cpu, cpu.msrs.tsc(cpu.host.tsc()));
  return HELPER_NEXT;
}

/** RDTSCP: as RDTSC, and IA32_TSC_AUX to ECX. Returns HELPER_NEXT. */
export function rdtscp(cpu: CpuContext): number {
  rdtsc(cpu);
  cpu.state.setReg(RCX, cpu.state.getU32(L.TSC_AUX));
  return HELPER_NEXT;
}

/** RDPMC: faults always, with and without the privilege. */
export function rdpmc(cpu: CpuContext): number {
  if ((cpu.state.cr(4) & CR4_PCE) === 0) requireCpl0(cpu);
  return fault(VECTOR_GP, 0);
}
