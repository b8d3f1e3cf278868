import { describe, expect, it } from 'vitest';
import {
  CS, DS, EFLAGS_IF, EFLAGS_IOPL, EFLAGS_TF, EFLAGS_VIF, EFLAGS_VM, ES, FS, GS, RSP, SS,
} from './registers.ts';
import { segmentHelpers } from './segment-helpers.ts';
import { loadSegment, setSegmentByParagraph } from './segments.ts';
import {
  cleanFaultOf, CODE, CODE0, CODE16, CODE3, CONFORMING0, DATA, DATA0, DATA3, FLAGS_16, FREE, GDT_BASE, STACK16,
  TestCpu, TSS_SELECTOR, USER,
} from './segments-fixture.ts';

const { FAR_JMP, FAR_CALL, RETF, IRET } = segmentHelpers;
const callGate = (cpu: TestCpu, at: number, target: number, offset: number, access = 0xec, parameters = 0): void =>
  cpu.gate(GDT_BASE + at, target, offset, access, parameters);

describe('far transfers in real mode', () => {
  it('jump within the limit of CS', () => {
    const cpu = new TestCpu();
    FAR_JMP(cpu, 0x1000, 0x12345678, 16);
    expect(cpu.where).toBe('1000:5678 cpl 0');
    expect(cpu.state.segBase(CS)).toBe(0x10000);
    expect(cleanFaultOf(cpu, () => FAR_JMP(cpu, 0x1000, 0x10000, 32))).toBe('GP(0)');
  });

  it('call and return', () => {
    const cpu = new TestCpu();
    FAR_CALL(cpu, 0x2000, 0x10, 16);
    expect(cpu.where).toBe('2000:10 cpl 0');
    expect(cpu.stack(2, 16)).toEqual([0x1002, 0xf000]);
    RETF(cpu, 16, 4);
    expect(cpu.where).toBe('f000:1002 cpl 0');
    expect(cpu.state.reg(RSP)).toBe(0x8004);
  });

  it('IRET loads every flag', () => {
    const cpu = new TestCpu();
    cpu.push(0x20000 | 0x7fff, 0x300, 0x44);
    IRET(cpu, 32);
    expect(cpu.where).toBe('300:44 cpl 0');
    expect(cpu.state.eflags).toBe(0x7fd7);
  });
});

describe('direct far transfers in protected mode', () => {
  it('stay at their level', () => {
    const cpu = new TestCpu().protect(3);
    FAR_JMP(cpu, CODE3, 0x12345, 32);
    expect(cpu.where).toBe('1b:12345 cpl 3');
    FAR_CALL(cpu, CONFORMING0, 0x777, 32);
    expect(cpu.where).toBe('2b:777 cpl 3');
    expect(cpu.stack(2)).toEqual([0x1002, CODE3]);
    RETF(cpu, 32, 0);
    expect(cpu.where).toBe('1b:1002 cpl 3');
  });

  it('check selector, privilege, presence and offset in this order', () => {
    const cpu = new TestCpu().protect(3);
    const jump = (selector: number, offset = 0): string => cleanFaultOf(cpu, () => FAR_JMP(cpu, selector, offset, 32));
    cpu.define(FREE, 0, 0xfff, (CODE | USER) & 0x7f, 4);
    cpu.define(FREE + 8, 0, 0xfff, CODE | USER, 4);
    expect(jump(0)).toBe('GP(0)');
    expect(jump(0x1008)).toBe('GP(1008)');
    expect(jump(CODE0)).toBe('GP(8)');
    expect(jump(DATA3)).toBe('GP(20)');
    expect(jump(FREE, 0x2000)).toBe('NP(80)');
    expect(jump(FREE + 8, 0x1000)).toBe('GP(0)');
    expect(jump(TSS_SELECTOR)).toBe('GP(38)');
  });

  it('need room on the stack before anything else changes', () => {
    const cpu = new TestCpu().protect();
    loadSegment(cpu, SS, STACK16);
    cpu.state.setReg(RSP, 3);
    expect(cleanFaultOf(cpu, () => FAR_CALL(cpu, CODE16, 0x10, 16))).toBe('SS(0)');
  });
});

describe('call gates', () => {
  it('switch to the inner stack and copy parameters', () => {
    const cpu = new TestCpu().protect(3);
    callGate(cpu, FREE, CODE0, 0x12345, 0xec, 2);
    cpu.push(0xaaaa, 0xbbbb);
    FAR_CALL(cpu, FREE | 3, 0xdeadbeef, 32);
    expect(cpu.where).toBe('8:12345 cpl 0');
    expect(cpu.state.reg(RSP)).toBe(0x9000 - 24);
    expect(cpu.stack(6)).toEqual([0x1002, CODE3, 0xbbbb, 0xaaaa, 0x7ff8, DATA3]);
    loadSegment(cpu, DS, DATA0);
    RETF(cpu, 32, 8);
    expect(cpu.where).toBe('1b:1002 cpl 3');
    expect([cpu.state.reg(RSP), cpu.state.selector(SS)]).toEqual([0x8000, DATA3]);
    expect([cpu.state.selector(DS), cpu.state.selector(ES)]).toEqual([0, DATA3]);
  });

  it('of 16 bits push words whatever the operand size', () => {
    const cpu = new TestCpu().protect(3);
    callGate(cpu, FREE, CODE0, 0xffff1234, 0xe4, 1);
    cpu.push(0xcccc1111);
    FAR_CALL(cpu, FREE | 3, 0, 32);
    expect(cpu.where).toBe('8:1234 cpl 0');
    expect(cpu.stack(5, 16)).toEqual([0x1002, CODE3, 0x1111, 0x7ffc, DATA3]);
  });

  it('to conforming code keep level and stack; a jump cannot gain privilege', () => {
    const cpu = new TestCpu().protect(3);
    callGate(cpu, FREE, CONFORMING0, 0x500);
    callGate(cpu, FREE + 8, CODE0, 0x500);
    expect(cleanFaultOf(cpu, () => FAR_JMP(cpu, FREE + 8, 0, 32))).toBe('GP(8)');
    FAR_CALL(cpu, FREE, 0, 32);
    expect(cpu.where).toBe('2b:500 cpl 3');
    expect(cpu.stack(2)).toEqual([0x1002, CODE3]);
  });

  it('check the gate, then the code, then the stack', () => {
    const cpu = new TestCpu().protect(3);
    const call = (...gate: [number, number, number?]): string => {
      callGate(cpu, FREE, ...gate);
      return cleanFaultOf(cpu, () => FAR_CALL(cpu, FREE | 3, 0, 32));
    };
    cpu.define(FREE + 8, 0, 0xfff, CODE, 4);
    cpu.define(FREE + 16, 0, 0xfff, CODE & 0x7f, 4);
    expect(call(CODE0, 0, 0x8c)).toBe('GP(80)');
    expect(call(CODE0, 0, 0x6c)).toBe('NP(80)');
    expect(call(0, 0)).toBe('GP(0)');
    expect(call(DATA0, 0)).toBe('GP(10)');
    expect(call(FREE + 16, 0)).toBe('NP(90)');
    expect(call(FREE + 8, 0x1000)).toBe('GP(0)');
    cpu.write32(0x4008, DATA3);
    expect(call(CODE0, 0)).toBe('TS(20)');
    cpu.define(FREE + 24, 0x20000, 0x10, DATA, 0);
    cpu.write32(0x4008, FREE + 24);
    expect(call(CODE0, 0)).toBe('SS(98)');
  });
});

describe('returns in protected mode', () => {
  it('check the code selector', () => {
    const cpu = new TestCpu().protect(3);
    const ret = (selector: number, eip = 0): string => {
      cpu.state.setReg(RSP, 0x8000);
      cpu.push(selector, eip);
      return cleanFaultOf(cpu, () => RETF(cpu, 32, 0));
    };
    cpu.define(FREE, 0, 0xfff, (CODE | USER) & 0x7f, 4);
    expect(ret(0)).toBe('GP(0)');
    expect(ret(CODE0)).toBe('GP(8)');
    expect(ret(DATA3)).toBe('GP(20)');
    expect(ret(CODE3 & ~3)).toBe('GP(18)');
    expect(ret(FREE | 3)).toBe('NP(80)');
  });

  it('check the outer stack selector and the offset', () => {
    const cpu = new TestCpu().protect();
    const ret = (ss: number, eip = 0, cs = CODE3): string => {
      cpu.state.setReg(RSP, 0x8000);
      cpu.push(ss, 0x7000, cs, eip);
      return cleanFaultOf(cpu, () => RETF(cpu, 32, 0));
    };
    cpu.define(FREE, 0, 0xfffff, (DATA | USER) & 0x7f);
    cpu.define(FREE + 8, 0, 0xfff, CODE | USER, 4);
    expect(ret(0)).toBe('GP(0)');
    expect(ret(DATA0)).toBe('GP(10)');
    expect(ret(CODE3)).toBe('GP(18)');
    expect(ret(FREE | 3)).toBe('SS(80)');
    expect(ret(DATA3, 0x1000, (FREE + 8) | 3)).toBe('GP(0)');
    expect(ret(DATA3)).toBe('none');
    expect(cpu.where).toBe('1b:0 cpl 3');
  });

  it('to a 16-bit stack load SP only', () => {
    const cpu = new TestCpu().protect();
    cpu.define(FREE, 0x20000, 0xffff, DATA | USER, FLAGS_16);
    cpu.state.setReg(RSP, 0x18000);
    cpu.push(FREE | 3, 0xabcd4321, 2, CODE3, 0);
    IRET(cpu, 32);
    expect(cpu.state.reg(RSP)).toBe(0x14321);
  });
});

describe('IRET in protected mode', () => {
  const flagsAfter = (cpl: 0 | 3, iopl: number, image: number, size: 16 | 32 = 32): number => {
    const cpu = new TestCpu().protect(cpl);
    cpu.state.eflags = 2 | (iopl << 12);
    if (size === 32) cpu.push(image, cpl === 0 ? CODE0 : CODE3, 0);
    else cpu.push((image << 16) | (cpl === 0 ? CODE0 : CODE3), 0);
    if (size === 16) cpu.state.setReg(RSP, cpu.state.reg(RSP) + 2);
    IRET(cpu, size);
    return cpu.state.eflags;
  };

  it('changes IF and IOPL by privilege', () => {
    expect(flagsAfter(0, 0, 0x3200)).toBe(0x3202);
    expect(flagsAfter(3, 0, 0x3201)).toBe(0x0003);
    expect(flagsAfter(3, 3, 0x0201)).toBe(0x3203);
    expect(flagsAfter(3, 0, EFLAGS_VM | 0x240000)).toBe(0x240002);
    expect(flagsAfter(0, 0, 0x180001)).toBe(0x180003);
  });

  it('of 16 bits leaves the upper flags', () => {
    expect(flagsAfter(0, 0, 0x0801, 16)).toBe(0x0803);
  });

  it('enters virtual-8086 mode from level 0', () => {
    const cpu = new TestCpu().protect();
    cpu.push(0x6000, 0x5000, 0x4000, 0x3000, 0x2000, 0xfff0, EFLAGS_VM | EFLAGS_IF | 2, 0x1000, 0x123);
    IRET(cpu, 32);
    expect(cpu.where).toBe('1000:123 cpl 3');
    const bases = [ES, SS, DS, FS, GS].map((n) => cpu.state.segBase(n));
    expect(bases).toEqual([0x30000, 0x20000, 0x40000, 0x50000, 0x60000]);
    expect(cpu.state.reg(RSP)).toBe(0xfff0);
    expect(cpu.state.eflags).toBe(EFLAGS_VM | EFLAGS_IF | 2);
  });
});

describe('IRET in virtual-8086 mode', () => {
  const v86 = (iopl: number): TestCpu => {
    const cpu = new TestCpu().protect();
    cpu.state.eflags = EFLAGS_VM | (iopl << 12) | 2;
    for (const n of [CS, SS]) setSegmentByParagraph(cpu.state, n, 0x1000);
    cpu.state.setReg(RSP, 0x100);
    return cpu;
  };

  it('needs IOPL 3 and leaves IOPL and VM', () => {
    const cpu = v86(3);
    cpu.push(0x0201, 0x2000, 0x44);
    IRET(cpu, 32);
    expect(cpu.where).toBe('2000:44 cpl 3');
    expect(cpu.state.eflags).toBe(EFLAGS_VM | EFLAGS_IOPL | EFLAGS_IF | 3);
    const low = v86(0);
    expect(cleanFaultOf(low, () => IRET(low, 16))).toBe('GP(0)');
  });

  it('sets VIF in place of IF with the extensions', () => {
    const cpu = v86(0);
    cpu.state.setCr(4, 1);
    cpu.state.setReg(RSP, 0xf8);
    cpu.write32(0x100f8, 0x20000044);
    cpu.write32(0x100fc, EFLAGS_IF | 1);
    IRET(cpu, 16);
    expect(cpu.where).toBe('2000:44 cpl 3');
    expect(cpu.state.eflags).toBe(EFLAGS_VM | EFLAGS_VIF | 3);
    cpu.state.setReg(RSP, 0xf8);
    cpu.write32(0x100fc, EFLAGS_TF);
    expect(cleanFaultOf(cpu, () => IRET(cpu, 16))).toBe('GP(0)');
  });
});
