import { beforeEach, describe, expect, it } from 'vitest';
import { HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { DS, ES, LDTR, RBP, RSP, SS, TR } from './registers.ts';
import { segmentHelpers } from './segment-helpers.ts';
import { NOT_VISIBLE } from './segment-instructions.ts';
import {
  cleanFaultOf, CODE, CODE0, CODE3, CONFORMING0, DATA, DATA0, DATA3, faultOf, FREE, LDT_SELECTOR, STACK16, TestCpu,
  TSS2_SELECTOR, TSS_SELECTOR, USER,
} from './segments-fixture.ts';

const { LOAD_SEGMENT, LOAD_FAR_POINTER, POP_SEGMENT, LLDT, LTR, SLDT, STR } = segmentHelpers;
const { LAR, LSL, VERR, VERW, ARPL, ENTER } = segmentHelpers;
let cpu: TestCpu;
beforeEach(() => {
  cpu = new TestCpu().protect();
});

describe('MOV and POP to a segment register', () => {
  it('go on in the block, but for SS, which holds interrupts off', () => {
    expect(LOAD_SEGMENT(cpu, DS, DATA3)).toBe(HELPER_NEXT);
    expect(cpu.shadows).toBe(0);
    expect(LOAD_SEGMENT(cpu, SS, STACK16)).toBe(HELPER_RESYNC);
    expect([cpu.shadows, cpu.state.eip]).toEqual([1, cpu.nextEip]);
  });

  it('POP moves ESP by the operand size, after the checks', () => {
    cpu.push(0xffff0000 | DATA3);
    POP_SEGMENT(cpu, ES, 32);
    expect([cpu.state.selector(ES), cpu.state.reg(RSP)]).toEqual([DATA3, 0x8000]);
    cpu.push(0x1000);
    expect(cleanFaultOf(cpu, () => POP_SEGMENT(cpu, ES, 32))).toBe('GP(1000)');
  });
});

describe('LSS and the like', () => {
  it('load both registers or neither', () => {
    expect(LOAD_FAR_POINTER(cpu, SS, STACK16, RSP * 8, 0x12345678, 32)).toBe(HELPER_RESYNC);
    expect([cpu.state.selector(SS), cpu.state.reg(RSP)]).toEqual([STACK16, 0x12345678]);
    LOAD_FAR_POINTER(cpu, ES, DATA3, RSP * 8, 0xabcd, 16);
    expect(cpu.state.reg(RSP)).toBe(0x1234abcd);
    expect(cleanFaultOf(cpu, () => LOAD_FAR_POINTER(cpu, ES, 0x1000, RSP * 8, 0, 32))).toBe('GP(1000)');
  });
});

describe('LLDT and LTR', () => {
  it('load what they may', () => {
    LLDT(cpu, 0);
    expect(SLDT(cpu)).toBe(0);
    expect(faultOf(() => LOAD_SEGMENT(cpu, DS, 0x0c))).toBe('GP(c)');
    LLDT(cpu, LDT_SELECTOR);
    LTR(cpu, TSS2_SELECTOR);
    expect([cpu.state.selector(LDTR), STR(cpu)]).toEqual([LDT_SELECTOR, TSS2_SELECTOR]);
    expect(cpu.access(TSS2_SELECTOR)).toBe(0x8b);
  });

  it('check type, table and presence', () => {
    cpu.define(FREE, 0, 0xff, 0x02, 0);
    cpu.define(FREE + 8, 0, 0xff, 0x09, 0);
    expect(cleanFaultOf(cpu, () => LLDT(cpu, DATA0))).toBe('GP(10)');
    expect(cleanFaultOf(cpu, () => LLDT(cpu, LDT_SELECTOR | 4))).toBe('GP(34)');
    expect(cleanFaultOf(cpu, () => LLDT(cpu, FREE))).toBe('NP(80)');
    expect(cleanFaultOf(cpu, () => LTR(cpu, 0))).toBe('GP(0)');
    expect(cleanFaultOf(cpu, () => LTR(cpu, TSS_SELECTOR))).toBe('GP(38)');
    expect(cleanFaultOf(cpu, () => LTR(cpu, FREE + 8))).toBe('NP(88)');
    expect(cpu.state.selector(TR)).toBe(TSS_SELECTOR);
  });

  it('belong to level 0 and protected mode', () => {
    const user = new TestCpu().protect(3);
    expect(faultOf(() => LLDT(user, 0))).toBe('GP(0)');
    const real = new TestCpu();
    expect(faultOf(() => LTR(real, TSS2_SELECTOR))).toBe('UD');
    expect(faultOf(() => SLDT(real))).toBe('UD');
  });
});

describe('pointer validation', () => {
  it('LAR shows access rights where the level may look', () => {
    expect(LAR(cpu, CODE0)).toBe(0x00c09a00);
    expect(LAR(cpu, TSS_SELECTOR)).toBe(0x00008b00);
    expect([LAR(cpu, 3), LAR(cpu, 0x1000), LAR(cpu, DATA0 | 3)]).toEqual([NOT_VISIBLE, NOT_VISIBLE, NOT_VISIBLE]);
    cpu.gate(0x1000 + FREE, CODE0, 0, 0x8c);
    cpu.gate(0x1000 + FREE + 8, CODE0, 0, 0x8e);
    expect([LAR(cpu, FREE), LAR(cpu, FREE + 8)]).toEqual([0x8c00, NOT_VISIBLE]);
  });

  it('LSL shows limits in bytes, of segments only', () => {
    cpu.gate(0x1000 + FREE, CODE0, 0, 0x8c);
    expect([LSL(cpu, CODE0), LSL(cpu, TSS_SELECTOR), LSL(cpu, FREE)]).toEqual([-1, 0x67, NOT_VISIBLE]);
  });

  it('VERR and VERW look at type and privilege, not at presence', () => {
    const user = new TestCpu().protect(3);
    user.define(FREE, 0, 0xff, (CODE | USER) & ~2);
    user.define(FREE + 8, 0, 0xff, (DATA | USER) & 0x7f);
    const selectors = [DATA3, DATA0, CODE3, CONFORMING0, FREE, FREE + 8, 0];
    expect(selectors.map((s) => VERR(user, s))).toEqual([1, 0, 1, 1, 0, 1, 0]);
    expect(selectors.map((s) => VERW(user, s))).toEqual([1, 0, 0, 0, 0, 1, 0]);
  });

  it('ARPL raises RPL', () => {
    expect(ARPL(cpu, 0x1234, 0x0003)).toBe(0x11237);
    expect(ARPL(cpu, 0x1237, 0x0001)).toBe(0x1237);
  });
});

describe('ENTER', () => {
  it('makes a frame with the display of the enclosing levels', () => {
    cpu.write32(0x8ffc, 0xaaaa);
    cpu.write32(0x8ff8, 0xbbbb);
    cpu.state.setReg(RBP, 0x9000);
    ENTER(cpu, 0x10, 3, 32);
    expect(cpu.state.reg(RBP)).toBe(0x7ffc);
    expect(cpu.state.reg(RSP)).toBe(0x7ffc - 12 - 0x10);
    expect([0x7ffc, 0x7ff8, 0x7ff4, 0x7ff0].map((at) => cpu.read32(at))).toEqual([0x9000, 0xaaaa, 0xbbbb, 0x7ffc]);
  });

  it('faults where the new top could not be written', () => {
    LOAD_SEGMENT(cpu, SS, STACK16);
    cpu.state.setReg(RSP, 0x101);
    expect(cleanFaultOf(cpu, () => ENTER(cpu, 0x100, 0, 16))).toBe('SS(0)');
  });
});
