/** For unit tests of this room: a processor without an execution engine, on real guest memory. */
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { PagePool } from '../memory/pool.ts';
import type { CpuContext, LocalApicPort } from './context.ts';
import { GuestFault } from './fault.ts';
import * as L from './layout.ts';
import { Mmu } from './mmu.ts';
import { MsrFile } from './msr.ts';
import { type CpuProfile, cpuProfile } from './profiles.ts';
import {
  CR0_ET, CR0_PE, CR0_PG, CR4_PAE, CS, EFER_LMA, EFER_LME, EFLAGS_FIXED, EFLAGS_VM, SS,
} from './registers.ts';
import { resetSegments, setFlatSegment } from './segments.ts';
import { CpuState } from './state.ts';

/** A processor of 32 bits, and one with everything that long mode and its paging may have. */
export const LEGACY_PROFILE = cpuProfile('x86-64-v1,-lm,-syscall,-mca,-mce');
export const LONG_PROFILE = cpuProfile(
  'x86-64-v1,+pdpe1gb,+rdtscp,+pcid,+invpcid,+fsgsbase,+smep,+smap,+umip,+xsave,+xsaveopt,+xsavec',
);

export class TestCpu implements CpuContext {
  readonly memory: GuestMemory;
  readonly state: CpuState;
  readonly mmu: Mmu;
  readonly msrs: MsrFile;
  readonly profile: CpuProfile;
  readonly interrupts = { pending: false, acknowledge: () => 0 };
  /** What was written to ports, as 'port/width=value', and what reads give. */
  readonly portLog: string[] = [];
  readonly portValues = new Map<number, number>();
  onPortWrite: () => void = () => {};
  tsc = 1000n;
  /** Calls of the context's methods, in order. */
  readonly calls: string[] = [];
  nextEip = 0x102;
  readonly host: CpuContext['host'];

  constructor(profile: CpuProfile = LEGACY_PROFILE, apic?: LocalApicPort) {
    this.profile = profile;
    const pool = new PagePool(new Arena());
    this.memory = new GuestMemory(pool, 16 << 20);
    this.state = new CpuState(pool.arena, pool.arena.reserve(L.VCPU_SIZE));
    this.mmu = new Mmu(this.state, this.memory, profile);
    this.msrs = new MsrFile(profile, this.mmu, this.state);
    this.memory.observer = {
      frameReplaced: (page) => this.mmu.dropFrame(page),
      frameWritten: (_frame, offset, length) => this.calls.push(`frameWritten ${offset} ${length}`),
    };
    this.host = {
      memory: this.memory,
      interrupts: this.interrupts,
      ports: {
        readPort: (port) => this.portValues.get(port) ?? 0xff,
        writePort: (port, width, value) => {
          this.portLog.push(`${port.toString(16)}/${width}=${value.toString(16)}`);
          this.onPortWrite();
        },
      },
      tsc: () => this.tsc,
      apic,
    };
    this.state.setCr(0, CR0_ET);
    this.state.eflags = EFLAGS_FIXED;
    this.state.setDr(6, 0xffff0ff0);
    this.state.setDr(7, 0x400);
    this.state.eip = 0x100;
    resetSegments(this.state);
  }

  updateMode(): void { this.calls.push('updateMode'); }
  inhibitInterrupts(): void { this.calls.push('inhibitInterrupts'); }
  inhibitDebug(): void { this.calls.push('inhibitDebug'); }
  halt(): void { this.calls.push('halt'); }
  shutdown(): void { this.calls.push('shutdown'); }
  debugTrap(dr6: number): void { this.calls.push(`debugTrap ${dr6}`); }

  /** Protected mode with flat segments at a privilege level. */
  protect(cpl: number): void {
    this.state.setCr(0, this.state.cr(0) | CR0_PE);
    setFlatSegment(this.state, CS, 0x8 | cpl, cpl);
    setFlatSegment(this.state, SS, 0x10 | cpl, cpl);
  }

  /** Long mode at a privilege level, in 64-bit code, with page tables at `cr3`. */
  enterLong(cpl: number, cr3: number, efer = 0): void {
    this.protect(cpl);
    this.state.setU32(this.state.segment(CS) + L.SEG_ATTRIBUTES, 0xa09b | (cpl << 5));
    this.state.setCr(3, cr3);
    this.state.setCr(4, CR4_PAE);
    this.state.setCr(0, this.state.cr(0) | CR0_PG);
    this.state.setU32(L.EFER, EFER_LME | EFER_LMA | efer);
    this.mmu.setEfer(this.state.efer);
  }

  /** Virtual-8086 mode. */
  enterV86(): void {
    this.protect(3);
    this.state.setU32(L.EFLAGS, this.state.getU32(L.EFLAGS) | EFLAGS_VM);
  }

  /** Physical doubleword. */
  poke(address: number, value: number): void { this.memory.writePhys(address, 4, value >>> 0); }
  peek(address: number): number { return this.memory.readPhys(address, 4); }
}

/** The guest fault that `action` raises, as 'vector' or 'vector(error)'; '' for none. */
export function faultOf(action: () => unknown): string {
  try {
    action();
    return '';
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    return error.errorCode === undefined ? `${error.vector}` : `${error.vector}(${error.errorCode})`;
  }
}
