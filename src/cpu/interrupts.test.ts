import { describe, expect, it } from 'vitest';
import { deliver } from './interrupts.ts';
import * as L from './layout.ts';
import {
  CR0_PG, CS, DS, EFLAGS_IF, EFLAGS_IOPL, EFLAGS_NT, EFLAGS_RF, EFLAGS_TF, EFLAGS_VIF, EFLAGS_VM, ES, FS, GS, RSP, SS,
  VECTOR_DF, VECTOR_GP, VECTOR_PF, VECTOR_UD,
} from './registers.ts';
import { segmentHelpers } from './segment-helpers.ts';
import { setSegmentByParagraph } from './segments.ts';
import {
  cleanFaultOf, CODE, CODE0, CODE16, CODE3, CONFORMING0, DATA0, DATA3, FREE, TestCpu, TSS_BASE,
} from './segments-fixture.ts';

const { INT, INT3, INTO, ICEBP, IRET } = segmentHelpers;

/** A virtual-8086 task at 1000:0100, stack 1000:2000, all data segments 1000 + their number. */
function v86(iopl: 0 | 3): TestCpu {
  const cpu = new TestCpu().protect();
  cpu.state.eflags = EFLAGS_VM | EFLAGS_IF | (iopl << 12) | 2;
  for (const n of [CS, SS]) setSegmentByParagraph(cpu.state, n, 0x1000);
  for (const n of [ES, DS, FS, GS]) setSegmentByParagraph(cpu.state, n, 0x1000 + n);
  cpu.state.setReg(RSP, 0x2000);
  cpu.state.eip = 0x100;
  cpu.nextEip = 0x102;
  return cpu;
}

describe('real mode', () => {
  it('goes through the vector table, wherever IDTR says it is', () => {
    const cpu = new TestCpu();
    cpu.state.setU32(L.IDTR_BASE, 0x500);
    cpu.write32(0x500 + 0x21 * 4, 0x40005678);
    cpu.state.eflags = 0x40302 | EFLAGS_TF;
    INT(cpu, 0x21);
    expect(cpu.where).toBe('4000:5678 cpl 0');
    expect(cpu.stack(3, 16)).toEqual([0x1002, 0xf000, 0x0302]);
    expect(cpu.state.eflags).toBe(2);
    IRET(cpu, 16);
    expect(cpu.where).toBe('f000:1002 cpl 0');
    expect(cpu.state.eflags).toBe(0x302);
  });

  it('pushes no error code and returns to the faulting instruction', () => {
    const cpu = new TestCpu();
    cpu.write32(VECTOR_GP * 4, 0x40000000);
    deliver(cpu, VECTOR_GP, { kind: 'exception', errorCode: 0 });
    expect(cpu.stack(2, 16)).toEqual([0x1000, 0xf000]);
    expect(cpu.state.reg(RSP)).toBe(0x7ffa);
  });

  it('turns a vector past the limit into #GP, and a table without #DF into shutdown', () => {
    const cpu = new TestCpu();
    cpu.write32(VECTOR_GP * 4, 0x40000000);
    cpu.state.setU32(L.IDTR_LIMIT, 0x7f);
    INT(cpu, 0x21);
    expect(cpu.where).toBe('4000:0 cpl 0');
    cpu.state.setU32(L.IDTR_LIMIT, 0);
    deliver(cpu, VECTOR_GP, { kind: 'exception', errorCode: 0 });
    expect(cpu.isShutDown).toBe(true);
  });
});

describe('gates at the same level', () => {
  it('push the frame and clear flags by their type', () => {
    for (const [access, eflags] of [[0x8e, 2], [0x8f, 2 | EFLAGS_IF]] as const) {
      const cpu = new TestCpu().protect();
      cpu.interruptGate(0x30, CODE0, 0x12345, access);
      cpu.state.eflags = 2 | EFLAGS_IF | EFLAGS_NT | EFLAGS_TF;
      deliver(cpu, 0x30, { kind: 'external' });
      expect(cpu.where).toBe('8:12345 cpl 0');
      expect(cpu.stack(3)).toEqual([0x1000, CODE0, 2 | EFLAGS_IF | EFLAGS_NT | EFLAGS_TF]);
      expect(cpu.state.eflags).toBe(eflags);
    }
  });

  it('save RF for faults only, and the error code last', () => {
    const cpu = new TestCpu().protect();
    cpu.interruptGate(VECTOR_GP, CODE0, 0x100);
    cpu.interruptGate(1, CODE0, 0x200);
    deliver(cpu, VECTOR_GP, { kind: 'exception', errorCode: 0x1234 });
    expect(cpu.stack(4)).toEqual([0x1234, 0x1000, CODE0, 2 | EFLAGS_RF]);
    expect(cpu.state.eflags).toBe(2);
    ICEBP(cpu);
    expect(cpu.stack(3)).toEqual([0x1002, CODE0, 2]);
  });

  it('of 16 bits push words', () => {
    const cpu = new TestCpu().protect();
    cpu.interruptGate(0x30, CODE16, 0xffff4567, 0x86);
    INT(cpu, 0x30);
    expect(cpu.where).toBe('48:4567 cpl 0');
    expect(cpu.stack(3, 16)).toEqual([0x1002, CODE0, 2]);
  });

  it('keep the level for conforming handlers', () => {
    const cpu = new TestCpu().protect(3);
    cpu.interruptGate(0x30, CONFORMING0, 0x100);
    deliver(cpu, 0x30, { kind: 'external' });
    expect(cpu.where).toBe('2b:100 cpl 3');
    expect(cpu.state.reg(RSP)).toBe(0x8000 - 12);
  });
});

describe('gates to an inner level', () => {
  it('take the stack of the TSS and return by IRET', () => {
    const cpu = new TestCpu().protect(3);
    cpu.interruptGate(0x30, CODE0, 0x100, 0xee);
    INT(cpu, 0x30);
    expect(cpu.where).toBe('8:100 cpl 0');
    expect(cpu.state.selector(SS)).toBe(DATA0);
    expect(cpu.stack(5)).toEqual([0x1002, CODE3, 2, 0x8000, DATA3]);
    IRET(cpu, 32);
    expect(cpu.where).toBe('1b:1002 cpl 3');
    expect(cpu.state.reg(RSP)).toBe(0x8000);
  });

  it('let software in by their DPL only', () => {
    const cpu = new TestCpu().protect(3);
    cpu.interruptGate(VECTOR_GP, CODE0, 0xd00);
    cpu.interruptGate(3, CODE0, 0x300);
    cpu.interruptGate(1, CODE0, 0x100);
    INT3(cpu);
    expect(cpu.where).toBe('8:d00 cpl 0');
    expect(cpu.stack(3)).toEqual([3 * 8 + 2, 0x1000, CODE3]);
    const other = new TestCpu().protect(3);
    other.interruptGate(1, CODE0, 0x100);
    ICEBP(other);
    expect(other.where).toBe('8:100 cpl 0');
  });

  it('INTO does nothing without overflow', () => {
    const cpu = new TestCpu().protect();
    cpu.interruptGate(4, CODE0, 0x400);
    expect(INTO(cpu)).toBe(0);
    cpu.state.eflags = 0x802;
    INTO(cpu);
    expect(cpu.where).toBe('8:400 cpl 0');
  });
});

describe('faults during delivery', () => {
  /** Error code and vector (from the handler's offset) of what comes of an event. */
  type Kind = 'exception' | 'external' | 'software';
  const outcome = (prepare: (cpu: TestCpu) => void, vector: number, kind: Kind): string => {
    const cpu = new TestCpu().protect(3);
    for (let v = 0; v < 32; v++) cpu.interruptGate(v, CODE0, v << 8);
    cpu.write32(TSS_BASE + 4, 0x9000);
    prepare(cpu);
    deliver(cpu, vector, { kind, errorCode: undefined });
    if (cpu.isShutDown) return 'shutdown';
    return `${cpu.state.eip >>> 8}(${cpu.stack(1)[0].toString(16)})`;
  };

  it('name the gate with IDT, and EXT unless software asked', () => {
    const nothing = (): void => {};
    expect(outcome(nothing, 0x30, 'external')).toBe('13(183)');
    expect(outcome(nothing, 0x30, 'software')).toBe('13(182)');
    expect(outcome((cpu) => cpu.interruptGate(6, CODE0, 0, 0x0e), VECTOR_UD, 'exception')).toBe('11(33)');
    expect(outcome((cpu) => cpu.interruptGate(0x30, CODE0, 0, 0x6e), 0x30, 'software')).toBe('11(182)');
    expect(outcome((cpu) => cpu.state.setU32(L.IDTR_LIMIT, 0x17f), 0x30, 'external')).toBe('13(183)');
  });

  it('name the handler’s selector', () => {
    expect(outcome((cpu) => cpu.interruptGate(6, 0, 0), VECTOR_UD, 'exception')).toBe('13(1)');
    expect(outcome((cpu) => cpu.interruptGate(6, DATA0, 0), VECTOR_UD, 'exception')).toBe('13(11)');
    expect(outcome((cpu) => cpu.interruptGate(6, 0x1000, 0), VECTOR_UD, 'exception')).toBe('13(1001)');
    const notPresent = (cpu: TestCpu): void => {
      cpu.define(FREE, 0, 0xfffff, CODE & 0x7f);
      cpu.interruptGate(6, FREE, 0);
    };
    expect(outcome(notPresent, VECTOR_UD, 'exception')).toBe('11(81)');
    const short = (cpu: TestCpu): void => {
      cpu.define(FREE, 0, 0xfff, CODE, 4);
      cpu.interruptGate(6, FREE, 0x1000);
    };
    expect(outcome(short, VECTOR_UD, 'exception')).toBe('13(1)');
  });

  it('become #DF by the table, then shutdown', () => {
    const badGate = (v: number) => (cpu: TestCpu): void => cpu.interruptGate(v, CODE0, 0, 0x0e);
    expect(outcome(badGate(VECTOR_GP), VECTOR_GP, 'exception')).toBe('8(0)');
    expect(outcome(badGate(VECTOR_UD), VECTOR_UD, 'external')).toBe('11(33)');
    expect(outcome(badGate(VECTOR_PF), VECTOR_PF, 'exception')).toBe('8(0)');
    expect(outcome(badGate(0), 0, 'exception')).toBe('8(0)');
    const both = (cpu: TestCpu): void => {
      badGate(VECTOR_GP)(cpu);
      badGate(VECTOR_DF)(cpu);
    };
    expect(outcome(both, VECTOR_GP, 'exception')).toBe('shutdown');
  });

  it('page fault while a page fault is delivered is a double fault', () => {
    const cpu = new TestCpu().protect();
    for (let v = 0; v < 32; v++) cpu.interruptGate(v, CODE0, v << 8);
    // Identity-mapped but for the page that the stack is in.
    for (let page = 0; page < 512; page++) cpu.write32(0x101000 + page * 4, (page << 12) | 3);
    cpu.write32(0x100000, 0x101003);
    cpu.write32(0x101000 + 7 * 4, 0);
    cpu.state.setCr(3, 0x100000);
    cpu.state.setCr(0, cpu.state.cr(0) | CR0_PG);
    cpu.mmu.flush();
    cpu.state.setReg(RSP, 0x8000);
    deliver(cpu, VECTOR_PF, { kind: 'exception', errorCode: 0 });
    expect(cpu.isShutDown).toBe(true);
    expect(cpu.state.cr(2)).toBe(0x7ffc);
    expect(cpu.state.reg(RSP)).toBe(0x8000);
  });
});

describe('virtual-8086 mode', () => {
  it('saves and nulls the data segments', () => {
    const cpu = v86(3);
    cpu.interruptGate(0x30, CODE0, 0x4000, 0xee);
    INT(cpu, 0x30);
    expect(cpu.where).toBe('8:4000 cpl 0');
    const eflags = EFLAGS_VM | EFLAGS_IF | EFLAGS_IOPL | 2;
    expect(cpu.stack(9)).toEqual([0x102, 0x1000, eflags, 0x2000, 0x1000, 0x1000, 0x1003, 0x1004, 0x1005]);
    expect([ES, DS, FS, GS].map((n) => cpu.state.selector(n))).toEqual([0, 0, 0, 0]);
    expect(cpu.state.eflags).toBe(EFLAGS_IOPL | 2);
    IRET(cpu, 32);
    expect(cpu.where).toBe('1000:102 cpl 3');
    expect(cpu.state.selector(GS)).toBe(0x1005);
    expect(cpu.state.eflags).toBe(eflags);
  });

  it('INT n needs IOPL 3, INT3 does not', () => {
    const cpu = v86(0);
    cpu.interruptGate(3, CODE0, 0x300, 0xee);
    expect(cleanFaultOf(cpu, () => INT(cpu, 3))).toBe('GP(0)');
    INT3(cpu);
    expect(cpu.where).toBe('8:300 cpl 0');
  });

  it('handlers must be nonconforming and at level 0', () => {
    for (const target of [CONFORMING0, 0x59]) {
      const cpu = v86(3);
      cpu.interruptGate(0x30, target, 0, 0xee);
      cpu.interruptGate(VECTOR_GP, CODE0, 0xd00);
      INT(cpu, 0x30);
      expect(cpu.where).toBe('8:d00 cpl 0');
      expect(cpu.stack(1)).toEqual([target & ~3]);
    }
  });

  it('with the extensions redirects by the bitmap of the TSS', () => {
    const cpu = v86(0);
    cpu.state.setCr(4, 1);
    cpu.state.eflags |= EFLAGS_VIF;
    cpu.state.setU32(cpu.state.segment(7) + L.SEG_LIMIT, 0x2000);
    cpu.write16(TSS_BASE + 0x66, 0x88);
    cpu.write32(0x21 * 4, 0x30000040);
    INT(cpu, 0x21);
    expect(cpu.where).toBe('3000:40 cpl 3');
    expect(cpu.stack(3, 16)).toEqual([0x102, 0x1000, EFLAGS_IOPL | EFLAGS_IF | 2]);
    expect(cpu.state.eflags & (EFLAGS_VIF | EFLAGS_IF)).toBe(EFLAGS_IF);
    cpu.write32(TSS_BASE + 0x68 + 4, 1 << 1);
    expect(cleanFaultOf(cpu, () => INT(cpu, 0x21))).toBe('GP(0)');
  });
});
