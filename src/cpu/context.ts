/**
 * What the slow paths of the processor may use of it, and what the processor may use of the machine around it.
 * A helper is a function that both tiers call for rare, stateful operations.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { CpuProfile } from './profiles.ts';
import type { Mmu } from './mmu.ts';
import type { MsrFile } from './msr.ts';
import type { CpuState } from './state.ts';
import type { Tracer } from './trace.ts';

/** The I/O port space. Values are unsigned and `width` bytes wide; unclaimed ports read as all ones. */
export interface PortBus {
  readPort(port: number, width: 1 | 2 | 4): number;
  writePort(port: number, width: 1 | 2 | 4, value: number): void;
}

/** The interrupt controller's end of the INTR and INTA wires. */
export interface InterruptSource {
  /** INTR is asserted. */
  readonly pending: boolean;
  /** The INTA cycle: gives the vector. */
  acknowledge(): number;
}

/** The processor's own local APIC, as far as it is not memory: MSRs and CR8. */
export interface LocalApicPort {
  /** IA32_APIC_BASE. */
  readonly base: bigint;
  /** The reserved bits have been checked. False: a change of mode that there is not. */
  setBase(value: bigint): boolean;
  /** Registers of the x2APIC by the index of their MSR. undefined, false: #GP. */
  readMsr(index: number): bigint | undefined;
  writeMsr(index: number, value: bigint): boolean;
  /** CR8, 0 to 15. */
  taskPriority: number;
  /** When the timer fires, in counts of `CpuHost.tsc`; 0: not armed. */
  tscDeadline: bigint;
}

/** Time after `instructions`: start + floor((instructions - from) * rate). */
export interface TimeLine {
  readonly start: number;
  readonly from: number;
  readonly rate: number;
}

export interface CpuHost {
  readonly memory: GuestMemory;
  readonly ports: PortBus;
  readonly interrupts: InterruptSource;
  /** Absent: a processor without local APIC, whatever its profile says. */
  readonly apic?: LocalApicPort | undefined;
  /** Time-stamp counter as the virtual clock has it now, before the guest's own offset (WRMSR to the TSC). */
  tsc(): bigint;
  /** The same as a function of retired instructions, which holds while `Cpu.run` does; absent where there is none. */
  timeLine?(): TimeLine;
  /** Random bytes for RDRAND and RDSEED; absent: these give zeros. */
  random?(length: number): Uint8Array;
  /** The FERR# pin, active for an x87 exception with CR0.NE clear. Returns whether IGNNE# is asserted. */
  ferr?(active: boolean): boolean;
}

export interface CpuContext {
  readonly state: CpuState;
  readonly mmu: Mmu;
  readonly host: CpuHost;
  readonly profile: CpuProfile;
  readonly msrs: MsrFile;
  /** Offset of the instruction after the one that executes (linear.ts), whose own offset is in `state.rip` while a helper runs. */
  nextEip: number;
  /** Looks on, if anybody does. */
  readonly tracer?: Tracer | undefined;
  /** To call after a change of CR0, CR4, EFLAGS.VM, segment caches or CPL: recomputes MODE, TLB_ACTIVE, STACK_MASK. */
  updateMode(): void;
  /** Interrupt shadow after STI, MOV SS, POP SS: covers the next instruction. */
  inhibitInterrupts(): void;
  /** Debug exceptions too, as MOV SS and POP SS do [SDM3 6.8.3]. */
  inhibitDebug(): void;
  /** A data or I/O breakpoint matched (bits of DR6): #DB as a trap after the instruction that executes. */
  debugTrap(dr6: number): void;
  /** HLT: no instruction runs until an interrupt arrives. */
  halt(): void;
  /** Triple fault. */
  shutdown(): void;
}

/** Faults by throwing GuestFault before it has changed state. Returns HELPER_NEXT, HELPER_RESYNC or a value. */
export type Helper = (cpu: CpuContext, ...args: number[]) => number;

/** Go on with the next record. */
export const HELPER_NEXT = 0;
/** Control, mode, TLB or interrupt state changed and the helper has set `state.rip`: leave the block, which goes on there. */
export const HELPER_RESYNC = 1;
