import { beforeEach, describe, expect, test } from 'vitest';
import { farCall, farJump, farReturn, interruptReturn } from './far-transfers.ts';
import * as L from './layout.ts';
import { EFLAGS_CF, EFLAGS_IF, EFLAGS_NT, EFLAGS_VM, FS, LDTR, RBP, RSP, SS, TR } from './registers.ts';
import { enter, loadAccessRights, loadLocalDescriptorTable, loadSegmentLimit, loadTaskRegister, NOT_VISIBLE } from './segment-instructions.ts';
import { loadSegment } from './segments.ts';
import {
  CODE, CODE0, CODE3, cleanFaultOf, DATA0, DATA1, DATA3, FREE, GDT_BASE, LONG0, LONG3, TestCpu, TSS_SELECTOR, TSS2_SELECTOR, USER,
} from './segments-fixture.ts';

const KERNEL = -0x7f000000;
let cpu: TestCpu;
beforeEach(() => {
  cpu = new TestCpu().long();
});
const faultOf = (action: () => unknown): string => cleanFaultOf(cpu, action);
/** A system descriptor of 16 bytes in the GDT. */
function define16(selector: number, base: number, limit: number, access: number, upper = 0, type = 0): void {
  cpu.define(selector, base, limit, access, 0);
  cpu.write32(GDT_BASE + selector + 8, upper);
  cpu.write32(GDT_BASE + selector + 12, type);
}

describe('far JMP, CALL and RET', () => {
  test('to 64-bit code and to compatibility mode', () => {
    farJump(cpu, LONG0, KERNEL, 64);
    expect(cpu.where64).toBe(`68:${KERNEL.toString(16)} cpl 0 ss 10`);
    farJump(cpu, CODE0, 0x80001000, 32);
    expect([cpu.where64, cpu.state.code64]).toEqual(['8:80001000 cpl 0 ss 10', false]);
  });

  test('offsets: canonical in 64-bit code, within the limit elsewhere', () => {
    expect(faultOf(() => farJump(cpu, LONG0, 2 ** 47, 64))).toBe('GP(0)');
    expect(faultOf(() => farJump(cpu, CODE0, 2 ** 32, 64))).toBe('GP(0)');
    expect(faultOf(() => farJump(cpu, CODE0, KERNEL, 64))).toBe('GP(0)');
    cpu.define(FREE, 0, 0, CODE, 0xe);
    expect(faultOf(() => farJump(cpu, FREE, 0, 64))).toBe(`GP(${FREE.toString(16)})`);
  });

  test('CALL pushes by operand size, RET pops', () => {
    cpu.state.setReg64(RSP, 0x8000);
    cpu.nextEip = KERNEL + 7;
    farCall(cpu, LONG0, 0x5000, 64);
    expect(cpu.stack64(2)).toEqual([KERNEL + 7, LONG0]);
    farReturn(cpu, 64, 0);
    expect([cpu.state.rip, cpu.state.reg64(RSP)]).toEqual([KERNEL + 7, 0x8000]);
    cpu.nextEip = 0x1234;
    farCall(cpu, CODE0, 0x5000, 32);
    expect(cpu.stack(2)).toEqual([0x1234, LONG0]);
    farReturn(cpu, 32, 16);
    expect([cpu.where64, cpu.state.reg64(RSP)]).toEqual(['68:1234 cpl 0 ss 10', 0x8010]);
  });

  test('a stack that is not canonical', () => {
    cpu.state.setReg64(RSP, 2 ** 47);
    expect(faultOf(() => farReturn(cpu, 64, 0))).toBe('SS(0)');
    cpu.state.setReg64(RSP, -(2 ** 47));
    expect(faultOf(() => farCall(cpu, LONG0, 0, 64))).toBe('SS(0)');
  });

  test('RET to level 3', () => {
    // The parameter lies between the return address and the outer stack pointer.
    cpu.push64(DATA3, 0x7000, 0x99, LONG3, 0x5000);
    farReturn(cpu, 64, 8);
    expect([cpu.where64, cpu.state.reg64(RSP)]).toEqual(['73:5000 cpl 3 ss 23', 0x7008]);
  });
});

describe('call gates', () => {
  const gate = (selector: number, offset: number, access = 0xec, type = 0): void => {
    cpu.gate64(GDT_BASE + FREE, selector, offset, access);
    cpu.write32(GDT_BASE + FREE + 12, type);
  };

  test('same level', () => {
    gate(LONG0, KERNEL);
    cpu.state.setReg64(RSP, 0x8000);
    farCall(cpu, FREE, 0, 32);
    expect(cpu.where64).toBe(`68:${KERNEL.toString(16)} cpl 0 ss 10`);
    expect(cpu.stack64(2)).toEqual([0x1002, LONG0]);
    farJump(cpu, FREE, 0, 32);
    expect(cpu.state.reg64(RSP)).toBe(0x8000 - 16);
  });

  test('inner level: null SS, RSP0, four values', () => {
    cpu.long(3);
    cpu.state.setReg64(RSP, 0x8000);
    gate(LONG0, 0x5000);
    farCall(cpu, FREE | 3, 0, 64);
    expect(cpu.where64).toBe('68:5000 cpl 0 ss 0');
    expect(cpu.stack64(4)).toEqual([0x1002, LONG3, 0x8000, DATA3]);
    expect(cpu.state.reg64(RSP)).toBe(0x9000 - 32);
    farReturn(cpu, 64, 0);
    expect(cpu.where64).toBe('73:1002 cpl 3 ss 23');
    expect(cpu.state.reg64(RSP)).toBe(0x8000);
    expect(faultOf(() => farJump(cpu, FREE | 3, 0, 64))).toBe('GP(68)');
  });

  test('what is refused', () => {
    gate(CODE0, 0x5000);
    expect(faultOf(() => farCall(cpu, FREE, 0, 64))).toBe('GP(8)');
    gate(LONG0, 2 ** 47);
    expect(faultOf(() => farCall(cpu, FREE, 0, 64))).toBe('GP(0)');
    gate(LONG0, 0x5000, 0xec, 0x100);
    expect(faultOf(() => farCall(cpu, FREE, 0, 64))).toBe('GP(80)');
    gate(LONG0, 0x5000, 0x6c);
    expect(faultOf(() => farCall(cpu, FREE, 0, 64))).toBe('NP(80)');
    gate(LONG0, 0x5000, 0x8c);
    expect(faultOf(() => farCall(cpu, FREE | 3, 0, 64))).toBe('GP(80)');
    for (const access of [0xe4, 0xe5, 0xe9, 0xe2]) {
      gate(LONG0, 0x5000, access);
      expect(faultOf(() => farCall(cpu, FREE, 0, 64))).toBe('GP(80)');
    }
    cpu.state.setU32(L.GDTR_LIMIT, FREE + 14);
    gate(LONG0, 0x5000);
    expect(faultOf(() => farCall(cpu, FREE, 0, 64))).toBe('GP(80)');
  });

  test('no task switches', () => {
    for (const go of [farCall, farJump]) expect(faultOf(() => go(cpu, TSS2_SELECTOR, 0, 64))).toBe('GP(40)');
    cpu.state.eflags = EFLAGS_NT | 2;
    expect(faultOf(() => interruptReturn(cpu, 64))).toBe('GP(0)');
  });
});

describe('IRET', () => {
  test('64-bit code pops SS and RSP at the same level too', () => {
    cpu.push64(DATA0, 0x7008, EFLAGS_IF | EFLAGS_CF | EFLAGS_VM | 2, LONG0, KERNEL);
    interruptReturn(cpu, 64);
    expect(cpu.where64).toBe(`68:${KERNEL.toString(16)} cpl 0 ss 10`);
    expect([cpu.state.reg64(RSP), cpu.state.eflags]).toEqual([0x7008, EFLAGS_IF | EFLAGS_CF | 2]);
  });

  test('all of RSP, whatever it holds', () => {
    cpu.push64(DATA3, 0, 2, LONG3, 0x5000);
    cpu.mmu.write64(cpu.state.reg64(RSP) + 24, 0x1122334455667788n, false);
    interruptReturn(cpu, 64);
    expect(cpu.where64).toBe('73:5000 cpl 3 ss 23');
    expect(cpu.state.getU64(L.GPR + RSP * 8)).toBe(0x1122334455667788n);
  });

  test('to compatibility mode: limit of the segment, 32 bits of RSP', () => {
    cpu.push64(DATA3, 0x7000, 2, CODE3, 0x5000);
    interruptReturn(cpu, 64);
    expect([cpu.where64, cpu.state.code64]).toEqual(['1b:5000 cpl 3 ss 23', false]);
    cpu.long();
    cpu.define(CODE3, 0, 0xfff, CODE | USER, 4);
    cpu.push64(DATA3, 0x7000, 2, CODE3, 0x5000);
    expect(faultOf(() => interruptReturn(cpu, 64))).toBe('GP(0)');
  });

  test('within compatibility mode nothing but EIP, CS and flags', () => {
    farJump(cpu, CODE0, 0x1000, 32);
    cpu.state.setReg(RSP, 0x8000);
    cpu.push(2, LONG0, 0x5000);
    interruptReturn(cpu, 32);
    expect([cpu.where64, cpu.state.reg64(RSP)]).toEqual(['68:5000 cpl 0 ss 10', 0x8000]);
  });

  test('a null SS is for 64-bit code below level 3', () => {
    cpu.push64(0, 0x7000, 2, LONG0, 0x5000);
    interruptReturn(cpu, 64);
    expect(cpu.where64).toBe('68:5000 cpl 0 ss 0');
    for (const [ss, cs] of [[3, LONG3], [0, CODE0], [1, LONG0]]) {
      cpu.push64(ss, 0x7000, 2, cs, 0x5000);
      expect(faultOf(() => interruptReturn(cpu, 64))).toBe('GP(0)');
    }
  });

  test('addresses that are not canonical', () => {
    cpu.push64(DATA0, 0x7000, 2, LONG0, 2 ** 47);
    expect(faultOf(() => interruptReturn(cpu, 64))).toBe('GP(0)');
  });

  test('segments of the inner level are dropped', () => {
    loadSegment(cpu, FS, DATA1 & ~3);
    cpu.push64(DATA3, 0x7000, 2, LONG3, 0x5000);
    interruptReturn(cpu, 64);
    expect(cpu.state.selector(FS)).toBe(0);
  });

  test('null selectors lose their RPL, and keep a base', () => {
    loadSegment(cpu, FS, 3);
    cpu.state.setLinear(cpu.state.segment(FS) + L.SEG_BASE, KERNEL);
    cpu.push64(DATA3, 0x7000, 2, LONG3, 0x5000);
    interruptReturn(cpu, 64);
    expect([cpu.state.selector(FS), cpu.state.segBase(FS)]).toEqual([0, KERNEL]);
  });
});

describe('SS, LDTR and TR', () => {
  test('a null SS needs 64-bit code below level 3 and its RPL', () => {
    loadSegment(cpu, SS, 0);
    expect([cpu.state.selector(SS), cpu.state.cpl]).toEqual([0, 0]);
    expect(faultOf(() => loadSegment(cpu, SS, 1))).toBe('GP(0)');
    cpu.long(3);
    expect(faultOf(() => loadSegment(cpu, SS, 3))).toBe('GP(0)');
    cpu = new TestCpu().protect();
    expect(faultOf(() => loadSegment(cpu, SS, 0))).toBe('GP(0)');
  });

  test('LTR and LLDT take 16 bytes', () => {
    define16(FREE, 0x4000, 0x67, 0x89, 0xffff8000);
    loadTaskRegister(cpu, FREE);
    expect([cpu.state.segBase(TR), cpu.access(FREE)]).toEqual([0x4000 - 2 ** 47, 0x8b]);
    define16(FREE, 0x3000, 0xff, 0x82, 0xfffffe00);
    loadLocalDescriptorTable(cpu, FREE);
    expect(cpu.state.getU64(cpu.state.segment(LDTR) + L.SEG_BASE)).toBe(0xfffffe0000003000n);
  });

  test('what they refuse', () => {
    define16(FREE, 0x4000, 0x67, 0x81);
    expect(faultOf(() => loadTaskRegister(cpu, FREE))).toBe('GP(80)');
    define16(FREE, 0x4000, 0x67, 0x89, 0x8000);
    expect(faultOf(() => loadTaskRegister(cpu, FREE))).toBe('GP(80)');
    define16(FREE, 0x4000, 0x67, 0x89, 0, 0x100);
    expect(faultOf(() => loadTaskRegister(cpu, FREE))).toBe('GP(80)');
    expect(cpu.access(FREE)).toBe(0x89);
    define16(FREE, 0x3000, 0x67, 0x82, 0, 0x1f00);
    expect(faultOf(() => loadLocalDescriptorTable(cpu, FREE))).toBe('GP(80)');
  });

  test('LAR and LSL do not know the types of the 80286, nor task gates', () => {
    const seen = (access: number): number[] => {
      define16(FREE, 0x3000, 0x67, access);
      return [loadAccessRights(cpu, FREE), loadSegmentLimit(cpu, FREE)];
    };
    for (const access of [0x81, 0x83, 0x84, 0x85]) expect(seen(access)).toEqual([NOT_VISIBLE, NOT_VISIBLE]);
    expect(seen(0x89)).toEqual([0x8900, 0x67]);
    expect(seen(0x82)).toEqual([0x8200, 0x67]);
    expect(seen(0x8c)).toEqual([0x8c00, NOT_VISIBLE]);
    expect(loadAccessRights(cpu, TSS_SELECTOR)).toBe(0x8b00);
  });
});

test('ENTER with 64-bit operands', () => {
  cpu.state.setReg64(RSP, 0x8000);
  cpu.state.setU64(L.GPR + RBP * 8, 0x8800n);
  cpu.mmu.write64(0x87f8, 0x1122334455667788n, false);
  enter(cpu, 0x20, 2, 64);
  expect([cpu.state.reg64(RBP), cpu.state.reg64(RSP)]).toEqual([0x7ff8, 0x8000 - 24 - 0x20]);
  expect([cpu.mmu.read64(0x7ff8, false), cpu.mmu.read64(0x7ff0, false), cpu.mmu.read64(0x7fe8, false)]).toEqual([0x8800n, 0x1122334455667788n, 0x7ff8n]);
});
