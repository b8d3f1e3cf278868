import { beforeEach, describe, expect, test } from 'vitest';
import { HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { smsw } from './control-registers.ts';
import {
  checkDataBreakpoint, DR7_GD, hasInstructionBreakpoints, instructionBreakpoint, movFromDr, movToDr,
} from './debug-registers.ts';
import { syscall, sysenter, sysexit, sysret } from './fast-calls.ts';
import { clac, cli, popf, pushf, stac, sti } from './flags-system.ts';
import { checkIo, out, portIn, portOut } from './io.ts';
import * as L from './layout.ts';
import { IA32_SYSENTER_CS, IA32_SYSENTER_EIP, IA32_SYSENTER_ESP } from './msr.ts';
import {
  CR4_DE, CR4_PVI, CR4_SMAP, CR4_UMIP, CR4_VME, CS, EFER_SCE, EFLAGS_AC, EFLAGS_CF, EFLAGS_FIXED, EFLAGS_IF, EFLAGS_IOPL, EFLAGS_NT, EFLAGS_RF,
  EFLAGS_TF, EFLAGS_VIF, EFLAGS_VIP, EFLAGS_VM, R11, RAX, RBX, RCX, RDX, RSP, SS, TR,
} from './registers.ts';
import { storeSystemSelector } from './segment-instructions.ts';
import { setSegment } from './segments.ts';
import { lgdt, lidt, sgdt, sidt } from './system-tables.ts';
import { faultOf, LONG_PROFILE, TestCpu } from './test-cpu.ts';

let cpu: TestCpu;
beforeEach(() => {
  cpu = new TestCpu();
});
const addFlags = (flags: number): void => { cpu.state.eflags = cpu.state.eflags | flags; };
const IOPL3 = EFLAGS_IOPL;

describe('CLI and STI', () => {
  test('real mode', () => {
    expect(sti(cpu)).toBe(HELPER_NEXT);
    expect(cpu.calls).toEqual(['inhibitInterrupts']);
    expect(cpu.state.eflags & EFLAGS_IF).toBe(EFLAGS_IF);
    expect(cli(cpu)).toBe(HELPER_NEXT);
    expect(cpu.state.eflags & EFLAGS_IF).toBe(0);
  });

  test('STI leaves the block when an interrupt waits, and makes a shadow only when IF was clear', () => {
    cpu.interrupts.pending = true;
    expect(sti(cpu)).toBe(HELPER_RESYNC);
    expect(cpu.state.eip).toBe(cpu.nextEip);
    expect(sti(cpu)).toBe(HELPER_NEXT);
    expect(cpu.calls).toEqual(['inhibitInterrupts']);
  });

  test('below IOPL: #GP, or VIF with PVI', () => {
    cpu.protect(3);
    expect(faultOf(() => cli(cpu))).toBe('13(0)');
    expect(faultOf(() => sti(cpu))).toBe('13(0)');
    cpu.state.setCr(4, CR4_PVI);
    expect(sti(cpu)).toBe(HELPER_NEXT);
    expect(cpu.state.eflags & (EFLAGS_IF | EFLAGS_VIF)).toBe(EFLAGS_VIF);
    cli(cpu);
    expect(cpu.state.eflags & EFLAGS_VIF).toBe(0);
    addFlags(EFLAGS_VIP);
    expect(faultOf(() => sti(cpu))).toBe('13(0)');
    addFlags(IOPL3);
    sti(cpu);
    expect(cpu.state.eflags & EFLAGS_IF).toBe(EFLAGS_IF);
  });

  test('PVI is for level 3 only', () => {
    cpu.protect(1);
    cpu.state.setCr(4, CR4_PVI);
    expect(faultOf(() => sti(cpu))).toBe('13(0)');
  });
});

describe('PUSHF and POPF', () => {
  test('PUSHF hides VM and RF', () => {
    addFlags(EFLAGS_RF | EFLAGS_CF | EFLAGS_AC);
    expect(pushf(cpu, 32)).toBe(EFLAGS_FIXED | EFLAGS_CF | EFLAGS_AC);
  });

  test('level 0 sets everything but VM, VIF, VIP; RF is cleared', () => {
    addFlags(EFLAGS_RF | EFLAGS_VIP);
    popf(cpu, 0xffffffff & ~EFLAGS_TF, 32);
    expect(cpu.state.eflags).toBe(0x00147ed7 | EFLAGS_VIP | (1 << 21));
    popf(cpu, 0, 16);
    expect(cpu.state.eflags).toBe(EFLAGS_FIXED | EFLAGS_AC | EFLAGS_VIP | (1 << 21));
  });

  test('level 3 leaves IOPL, and IF unless IOPL is 3', () => {
    cpu.protect(3);
    popf(cpu, EFLAGS_IF | IOPL3 | EFLAGS_NT, 32);
    expect(cpu.state.eflags).toBe(EFLAGS_FIXED | EFLAGS_NT);
    addFlags(IOPL3);
    popf(cpu, EFLAGS_IF, 32);
    expect(cpu.state.eflags).toBe(EFLAGS_FIXED | EFLAGS_IF | IOPL3);
  });

  test('POPF moves SP of a 16-bit stack and ESP of a 32-bit one', () => {
    cpu.state.setReg(RSP, 0x1fffe);
    popf(cpu, 0, 32);
    expect(cpu.state.reg(RSP)).toBe(0x10002);
    cpu.protect(0);
    popf(cpu, 0, 16);
    expect(cpu.state.reg(RSP)).toBe(0x10004);
  });

  test('resyncs for a deliverable interrupt and for TF', () => {
    expect(popf(cpu, EFLAGS_IF, 32)).toBe(HELPER_NEXT);
    expect(popf(cpu, EFLAGS_TF, 32)).toBe(HELPER_RESYNC);
    cpu.interrupts.pending = true;
    expect(popf(cpu, 0, 32)).toBe(HELPER_NEXT);
    expect(popf(cpu, EFLAGS_IF, 32)).toBe(HELPER_RESYNC);
  });

  test('virtual-8086 mode needs IOPL 3 or VME', () => {
    cpu.enterV86();
    expect(faultOf(() => pushf(cpu, 16))).toBe('13(0)');
    expect(faultOf(() => popf(cpu, 0, 16))).toBe('13(0)');
    cpu.state.setCr(4, CR4_VME);
    expect(faultOf(() => pushf(cpu, 32))).toBe('13(0)');
    popf(cpu, EFLAGS_IF | EFLAGS_CF, 16);
    expect(cpu.state.eflags).toBe(EFLAGS_FIXED | EFLAGS_VM | EFLAGS_VIF | EFLAGS_CF);
    expect(pushf(cpu, 16) & 0xffff).toBe(EFLAGS_FIXED | EFLAGS_IF | IOPL3 | EFLAGS_CF);
    expect(faultOf(() => popf(cpu, EFLAGS_TF, 16))).toBe('13(0)');
    addFlags(EFLAGS_VIP);
    expect(faultOf(() => popf(cpu, EFLAGS_IF, 16))).toBe('13(0)');
    addFlags(IOPL3);
    popf(cpu, EFLAGS_IF, 32);
    expect(cpu.state.eflags & (EFLAGS_VM | EFLAGS_IF | EFLAGS_IOPL)).toBe(EFLAGS_VM | EFLAGS_IF | EFLAGS_IOPL);
    expect(pushf(cpu, 32) & EFLAGS_VM).toBe(0);
  });
});

describe('ports', () => {
  const TSS = 0x30000;
  function task(limit: number, map: number): void {
    setSegment(cpu.state, TR, 0x28, TSS, limit, 0x8b);
    cpu.memory.writePhys(TSS + 102, 2, map);
  }

  test('real mode and levels up to IOPL are free', () => {
    expect(portIn(cpu, 0x61, 1)).toBe(0xff);
    cpu.protect(3);
    addFlags(IOPL3);
    expect(out(cpu, 0x80, 2, 0x1234)).toBe(HELPER_NEXT);
    expect(cpu.portLog).toEqual(['80/2=1234']);
  });

  test('above IOPL the bitmap decides, in virtual-8086 mode always', () => {
    task(104 + 0x20, 104);
    cpu.memory.writePhys(TSS + 104 + 0x0c, 1, 0b0000_0100); // port 62H
    cpu.protect(3);
    for (const mode of ['protected', 'v86']) {
      if (mode === 'v86') {
        cpu.enterV86();
        addFlags(IOPL3);
      }
      expect(faultOf(() => checkIo(cpu, 0x61, 1))).toBe('');
      expect(faultOf(() => checkIo(cpu, 0x62, 1))).toBe('13(0)');
      expect(faultOf(() => checkIo(cpu, 0x61, 2))).toBe('13(0)');
      expect(faultOf(() => checkIo(cpu, 0x5f, 4))).toBe('13(0)');
      expect(faultOf(() => checkIo(cpu, 0x5e, 4))).toBe('');
      expect(faultOf(() => checkIo(cpu, 0xff, 1))).toBe('');
      expect(faultOf(() => checkIo(cpu, 0x100, 1))).toBe('13(0)');
    }
  });

  test('a short or 16-bit TSS permits nothing', () => {
    cpu.protect(3);
    task(102, 0);
    expect(faultOf(() => checkIo(cpu, 0, 1))).toBe('13(0)');
    setSegment(cpu.state, TR, 0x28, TSS, 0xffff, 0x83);
    expect(faultOf(() => checkIo(cpu, 0, 1))).toBe('13(0)');
  });

  test('OUT leaves the block when the device changed what runs next', () => {
    cpu.onPortWrite = () => { cpu.interrupts.pending = true; };
    expect(out(cpu, 0x20, 1, 0)).toBe(HELPER_NEXT);
    addFlags(EFLAGS_IF);
    expect(out(cpu, 0x20, 1, 0)).toBe(HELPER_RESYNC);
    cpu.interrupts.pending = false;
    cpu.onPortWrite = () => cpu.memory.setA20(false);
    expect(out(cpu, 0x92, 1, 0)).toBe(HELPER_RESYNC);
    cpu.onPortWrite = () => cpu.state.setU32(L.ATTENTION, 1);
    expect(out(cpu, 0x43, 1, 0)).toBe(HELPER_RESYNC);
  });
});

describe('descriptor table registers', () => {
  test('load and store', () => {
    cpu.poke(0x600, 0x5678_0123 | 0);
    cpu.poke(0x604, 0x9abc);
    expect(lgdt(cpu, 0x600, 32)).toBe(HELPER_NEXT);
    lidt(cpu, 0x600, 16);
    expect(cpu.state.getU32(L.GDTR_BASE)).toBe(0x9abc5678);
    expect(cpu.state.getU32(L.GDTR_LIMIT)).toBe(0x0123);
    expect(cpu.state.getU32(L.IDTR_BASE)).toBe(0x00bc5678);
    cpu.protect(3);
    sgdt(cpu, 0x700, 32);
    sidt(cpu, 0x710, 32);
    expect(cpu.mmu.read64(0x700, false)).toBe(0x9abc56780123n);
    expect(cpu.mmu.read64(0x710, false)).toBe(0x00bc56780123n);
    expect(faultOf(() => lgdt(cpu, 0x600, 32))).toBe('13(0)');
  });
});

describe('SYSENTER and SYSEXIT', () => {
  beforeEach(() => {
    cpu.msrs.write(IA32_SYSENTER_CS, 0x60n, 0n);
    cpu.msrs.write(IA32_SYSENTER_ESP, 0xc1000000n, 0n);
    cpu.msrs.write(IA32_SYSENTER_EIP, 0xc0100000n, 0n);
  });

  test('there and back', () => {
    cpu.protect(3);
    addFlags(EFLAGS_IF);
    expect(sysenter(cpu)).toBe(HELPER_RESYNC);
    expect([cpu.state.selector(CS), cpu.state.selector(SS), cpu.state.cpl]).toEqual([0x60, 0x68, 0]);
    expect([cpu.state.eip, cpu.state.reg(RSP)]).toEqual([0xc0100000, 0xc1000000]);
    expect(cpu.state.eflags & EFLAGS_IF).toBe(0);
    expect([cpu.state.segAttributes(CS), cpu.state.segAttributes(SS)]).toEqual([0xc09b, 0xc093]);
    cpu.state.setReg(RCX, 0xbff00000);
    cpu.state.setReg(RDX, 0x08048000);
    sysexit(cpu, 32);
    expect([cpu.state.selector(CS), cpu.state.selector(SS), cpu.state.cpl]).toEqual([0x73, 0x7b, 3]);
    expect([cpu.state.eip, cpu.state.reg(RSP)]).toEqual([0x08048000, 0xbff00000]);
    expect(faultOf(() => sysexit(cpu, 32))).toBe('13(0)');
  });

  test('needs protected mode and a selector', () => {
    expect(faultOf(() => sysenter(cpu))).toBe('13(0)');
    cpu.protect(0);
    cpu.msrs.write(IA32_SYSENTER_CS, 3n, 0n);
    expect(faultOf(() => sysenter(cpu))).toBe('13(0)');
    expect(faultOf(() => sysexit(cpu, 32))).toBe('13(0)');
  });
});

describe('fast calls of 64-bit mode', () => {
  const KERNEL = -0x7f000000;
  const where = (): unknown[] => [cpu.state.selector(CS), cpu.state.selector(SS), cpu.state.cpl, cpu.state.rip, cpu.state.code64];
  beforeEach(() => {
    cpu = new TestCpu(LONG_PROFILE);
    cpu.enterLong(3, 0x1000, EFER_SCE);
    cpu.nextEip = 0x7fff12345678;
    cpu.state.setU64(L.STAR, (0x33n << 48n) | (0x10n << 32n));
    cpu.state.setLinear(L.LSTAR, KERNEL);
    cpu.state.setU32(L.FMASK, EFLAGS_IF | EFLAGS_TF | EFLAGS_AC);
  });

  test('SYSCALL keeps RIP and flags in RCX and R11, SYSRET brings them back', () => {
    addFlags(EFLAGS_IF | EFLAGS_CF | EFLAGS_RF);
    expect(syscall(cpu)).toBe(HELPER_RESYNC);
    expect(where()).toEqual([0x10, 0x18, 0, KERNEL, true]);
    expect([cpu.state.reg64(RCX), cpu.state.reg64(R11), cpu.state.eflags]).toEqual([0x7fff12345678, EFLAGS_IF | EFLAGS_CF | 2, EFLAGS_CF | 2]);
    cpu.state.setReg(R11, 0xffffffff);
    sysret(cpu, 64);
    expect(where()).toEqual([0x43, 0x3b, 3, 0x7fff12345678, true]);
    expect(cpu.state.eflags).toBe(0x3c7fd7);
  });

  test('TF counts as it is afterwards', () => {
    addFlags(EFLAGS_TF);
    syscall(cpu);
    expect(cpu.calls).not.toContain('debugTrap 16384');
    sysret(cpu, 64);
    expect(cpu.calls).toContain('debugTrap 16384');
  });

  test('SYSRET of 32 bits goes to compatibility mode', () => {
    syscall(cpu);
    cpu.state.setU64(L.GPR + RCX * 8, 0x1122334480001000n);
    sysret(cpu, 32);
    expect(where()).toEqual([0x33, 0x3b, 3, 0x80001000, false]);
  });

  test('without SCE, outside 64-bit mode, at another level, to a wrong address', () => {
    expect(faultOf(() => sysret(cpu, 64))).toBe('13(0)');
    syscall(cpu);
    cpu.state.setReg64(RCX, 2 ** 47);
    expect(faultOf(() => sysret(cpu, 64))).toBe('13(0)');
    cpu.state.setU32(L.EFER, cpu.state.efer & ~EFER_SCE);
    expect([faultOf(() => syscall(cpu)), faultOf(() => sysret(cpu, 64))]).toEqual(['6', '6']);
    cpu = new TestCpu(LONG_PROFILE);
    cpu.protect(0);
    expect(faultOf(() => syscall(cpu))).toBe('6');
  });

  test('SYSENTER enters 64-bit code, SYSEXIT returns to either kind', () => {
    cpu.msrs.write(IA32_SYSENTER_CS, 0x60n, 0n);
    cpu.msrs.write(IA32_SYSENTER_ESP, 0xffff800000001000n, 0n);
    cpu.msrs.write(IA32_SYSENTER_EIP, 0xffffffff81000000n, 0n);
    sysenter(cpu);
    expect(where()).toEqual([0x60, 0x68, 0, KERNEL, true]);
    expect(cpu.state.reg64(RSP)).toBe(0x1000 - 2 ** 47);
    cpu.state.setReg64(RDX, 0x7fff00001000);
    cpu.state.setReg64(RCX, 2 ** 47);
    expect(faultOf(() => sysexit(cpu, 64))).toBe('13(0)');
    cpu.state.setReg64(RCX, 0x7fff00002000);
    sysexit(cpu, 64);
    expect(where()).toEqual([0x83, 0x8b, 3, 0x7fff00001000, true]);
    sysenter(cpu);
    sysexit(cpu, 32);
    expect(where()).toEqual([0x73, 0x7b, 3, 0x00001000, false]);
    expect(cpu.state.reg64(RSP)).toBe(0x2000);
  });
});

describe('UMIP and SMAP', () => {
  beforeEach(() => {
    cpu = new TestCpu(LONG_PROFILE);
  });

  test('UMIP hides the tables from programs', () => {
    cpu.state.setCr(4, CR4_UMIP);
    const stores = [() => sgdt(cpu, 0x700, 32), () => sidt(cpu, 0x700, 32), () => smsw(cpu), () => storeSystemSelector(cpu, TR)];
    cpu.protect(0);
    expect(stores.map(faultOf)).toEqual(['', '', '', '']);
    cpu.protect(3);
    expect(stores.map(faultOf)).toEqual(['13(0)', '13(0)', '13(0)', '13(0)']);
  });

  test('STAC and CLAC, at level 0 only', () => {
    cpu.protect(0);
    expect(stac(cpu)).toBe(HELPER_RESYNC);
    expect(cpu.state.eflags & EFLAGS_AC).toBe(EFLAGS_AC);
    clac(cpu);
    expect(cpu.state.eflags & EFLAGS_AC).toBe(0);
    expect(cpu.calls).toEqual(['updateMode', 'updateMode']);
    cpu.protect(3);
    expect([faultOf(() => stac(cpu)), faultOf(() => clac(cpu))]).toEqual(['6', '6']);
  });

  test('POPF that changes AC leaves the block under SMAP', () => {
    cpu.state.setCr(4, CR4_SMAP);
    expect(popf(cpu, EFLAGS_AC | 2, 32)).toBe(HELPER_RESYNC);
    expect(cpu.calls).toEqual(['updateMode']);
  });
});

describe('descriptor tables of 64-bit code', () => {
  test('ten bytes, a canonical base', () => {
    cpu = new TestCpu(LONG_PROFILE);
    cpu.enterLong(0, 0x1000);
    cpu.poke(0x1000, 0x2003);
    cpu.poke(0x2000, 0x83);
    cpu.mmu.write16(0x700, 0x123, false);
    cpu.mmu.write64(0x702, 0xfffffe0000001000n, false);
    lgdt(cpu, 0x700, 64);
    expect([cpu.state.getU32(L.GDTR_LIMIT), cpu.state.getU64(L.GDTR_BASE)]).toEqual([0x123, 0xfffffe0000001000n]);
    sgdt(cpu, 0x720, 64);
    expect([cpu.mmu.read16(0x720, false), cpu.mmu.read64(0x722, false)]).toEqual([0x123, 0xfffffe0000001000n]);
    cpu.mmu.write64(0x702, 0x800000000000n, false);
    expect(faultOf(() => lidt(cpu, 0x700, 64))).toBe('13(0)');
  });
});

/** MOV DRn, RAX with a value in it, and MOV RBX, DRn. */
function toDr(n: number, value: number): void {
  cpu.state.setReg(RAX, value);
  movToDr(cpu, n, L.GPR);
}
function fromDr(n: number): number {
  movFromDr(cpu, n, L.GPR + RBX * 8);
  return cpu.state.reg(RBX);
}

describe('debug registers', () => {
  test('reserved bits, aliases, privilege', () => {
    toDr(6, 0);
    toDr(7, 0);
    expect([fromDr(4), fromDr(5)]).toEqual([0xffff0ff0, 0x400]);
    toDr(7, 0xffffffff & ~DR7_GD);
    expect(fromDr(7)).toBe(0xffff07ff);
    cpu.state.setCr(4, CR4_DE);
    expect(faultOf(() => fromDr(4))).toBe('6');
    cpu.protect(3);
    expect(faultOf(() => fromDr(0))).toBe('13(0)');
  });

  test('general detect', () => {
    toDr(7, DR7_GD);
    expect(faultOf(() => fromDr(0))).toBe('1');
    expect(cpu.state.dr(6)).toBe(0xffff2ff0);
  });

  test('data breakpoints keep their page out of the TLB and match overlaps', () => {
    cpu.mmu.write8(0x4000, 1, false);
    const entry = L.TLB_SUPERVISOR + 4 * L.TLB_ENTRY_SIZE;
    expect(cpu.state.getU64(entry + L.TLB_WRITE)).toBe(0x4000n);
    toDr(1, 0x4008);
    toDr(7, (3 << 2) | (1 << 20) | (3 << 22)); // L1 G1, write, 4 bytes
    cpu.mmu.write8(0x4000, 2, false);
    expect(cpu.mmu.read8(0x4000, false)).toBe(2);
    expect(cpu.state.getU64(entry + L.TLB_READ)).toBe(L.TLB_INVALID);
    expect(cpu.state.getU64(entry + L.TLB_EXECUTE)).toBe(0x4000n);
    expect(cpu.mmu.hasBreakpoint(0x4fff)).toBe(true);
    cpu.calls.length = 0;
    checkDataBreakpoint(cpu, 0x4004, 4, true);
    checkDataBreakpoint(cpu, 0x400c, 4, true);
    checkDataBreakpoint(cpu, 0x4008, 4, false);
    expect(cpu.calls).toEqual([]);
    checkDataBreakpoint(cpu, 0x4007, 2, true);
    checkDataBreakpoint(cpu, 0x400b, 1, true);
    expect(cpu.calls).toEqual(['debugTrap 2', 'debugTrap 2']);
    toDr(7, 0);
    cpu.mmu.read8(0x4000, false);
    expect(cpu.state.getU64(entry + L.TLB_READ)).toBe(0x4000n);
  });

  test('instruction and I/O breakpoints', () => {
    toDr(0, 0x1234);
    expect(hasInstructionBreakpoints(cpu.state)).toBe(false);
    toDr(7, 1);
    expect(hasInstructionBreakpoints(cpu.state)).toBe(true);
    expect([instructionBreakpoint(cpu.state, 0x1234), instructionBreakpoint(cpu.state, 0x1235)]).toEqual([1, 0]);
    toDr(3, 0x80);
    toDr(7, (1 << 6) | (2 << 28)); // L3, I/O, 1 byte
    cpu.calls.length = 0;
    portOut(cpu, 0x80, 1, 0);
    expect(cpu.calls).toEqual([]);
    cpu.state.setCr(4, CR4_DE);
    portIn(cpu, 0x7f, 2);
    expect(cpu.calls).toEqual(['debugTrap 8']);
  });

  test('64-bit code: whole addresses, upper halves of DR6 and DR7 zero', () => {
    cpu = new TestCpu(LONG_PROFILE);
    cpu.enterLong(0, 0x1000);
    const high = (value: bigint): void => cpu.state.setU64(L.GPR, value);
    high(0xffffffff81000008n);
    movToDr(cpu, 0, L.GPR);
    movFromDr(cpu, 0, L.GPR + 8);
    expect(cpu.state.getU64(L.GPR + 8)).toBe(0xffffffff81000008n);
    toDr(7, 1 | (3 << 18));
    expect(instructionBreakpoint(cpu.state, 8 - 0x7f000000)).toBe(1);
    expect(instructionBreakpoint(cpu.state, 0x81000008)).toBe(0);
    toDr(7, 1 | (1 << 16) | (3 << 18));
    const kernel = -0x7f000000;
    expect([cpu.mmu.hasBreakpoint(kernel), cpu.mmu.hasBreakpoint(0x81000000)]).toEqual([true, false]);
    cpu.calls.length = 0;
    checkDataBreakpoint(cpu, kernel + 11, 1, true);
    expect(cpu.calls).toEqual(['debugTrap 1']);
    for (const n of [6, 7]) {
      high(1n << 32n);
      expect(faultOf(() => movToDr(cpu, n, L.GPR))).toBe('13(0)');
    }
  });
});
