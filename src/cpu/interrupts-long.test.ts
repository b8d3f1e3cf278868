import { beforeEach, describe, expect, test } from 'vitest';
import { deliver } from './interrupts.ts';
import * as L from './layout.ts';
import { CS, EFLAGS_IF, EFLAGS_RF, EFLAGS_TF, RSP, SS, TR, VECTOR_GP, VECTOR_PF } from './registers.ts';
import { CODE, CODE0, DATA0, DATA3, FLAGS_64, FREE, GDT_BASE, LONG0, LONG3, TestCpu, TSS_BASE } from './segments-fixture.ts';

const KERNEL = -0x7f000000;
let cpu: TestCpu;

beforeEach(() => {
  cpu = new TestCpu().long();
  cpu.state.setU64(L.GPR + RSP * 8, 0x800bn);
});

/** Delivers an exception; gives the error code and vector of the fault that came of it, by the handler that it went to. */
function exception(vector: number, errorCode?: number): void {
  deliver(cpu, vector, { kind: 'exception', errorCode });
}

/** A gate for #GP, #NP, #SS and #TS each, so that a test sees what a refused delivery becomes. */
function catchFaults(): void {
  for (const vector of [8, 10, 11, 12, 13]) cpu.interruptGate64(vector, LONG0, vector);
}

describe('gates of 64 bits', () => {
  test('same level: SS and RSP are pushed too, the stack is aligned', () => {
    cpu.interruptGate64(VECTOR_PF, LONG0, KERNEL);
    cpu.state.rip = KERNEL - 5;
    cpu.state.eflags = EFLAGS_IF | EFLAGS_TF | 2;
    exception(VECTOR_PF, 5);
    expect(cpu.where64).toBe(`68:${KERNEL.toString(16)} cpl 0 ss 10`);
    expect(cpu.state.reg64(RSP)).toBe(0x8000 - 48);
    expect(cpu.stack64(6)).toEqual([5, KERNEL - 5, LONG0, EFLAGS_IF | EFLAGS_TF | EFLAGS_RF | 2, 0x800b, DATA0]);
    expect(cpu.state.eflags).toBe(2);
  });

  test('a trap gate leaves IF', () => {
    cpu.interruptGate64(3, LONG0, 0x5000, 0x8f);
    cpu.state.eflags = EFLAGS_IF | 2;
    exception(3);
    expect(cpu.state.eflags).toBe(EFLAGS_IF | 2);
  });

  test('to an inner level: a null SS, RSP from the TSS, all of the old RSP', () => {
    cpu.long(3);
    cpu.state.setU64(L.GPR + RSP * 8, 0x1122334455667788n);
    cpu.interruptGate64(32, LONG0, 0x5000);
    deliver(cpu, 32, { kind: 'external' });
    expect(cpu.where64).toBe('68:5000 cpl 0 ss 0');
    expect(cpu.state.reg64(RSP)).toBe(0x9000 - 40);
    expect(cpu.mmu.read64(0x9000 - 16, false)).toBe(0x1122334455667788n);
    expect(cpu.mmu.read64(0x9000 - 8, false)).toBe(BigInt(DATA3));
  });

  test('the interrupt-stack table, at the same level too', () => {
    cpu.interruptGate64(VECTOR_PF, LONG0, 0x5000, 0x8e, 1);
    exception(VECTOR_PF, 0);
    expect(cpu.where64).toBe('68:5000 cpl 0 ss 10');
    expect(cpu.state.reg64(RSP)).toBe(0xb000 - 48);
  });

  test('from compatibility mode', () => {
    cpu.interruptGate64(32, LONG0, 0x5000);
    cpu.state.setU32(cpu.state.segment(CS) + L.SEG_ATTRIBUTES, 0xc09b);
    cpu.state.setU32(cpu.state.segment(CS) + L.SEG_SELECTOR, CODE0);
    expect(cpu.state.code64).toBe(false);
    deliver(cpu, 32, { kind: 'external' });
    expect(cpu.state.code64).toBe(true);
    expect(cpu.stack64(3)).toEqual([0x1000, CODE0, 2]);
  });

  test('conforming code runs at the level of the interrupted program', () => {
    cpu.long(3);
    cpu.state.setReg64(RSP, 0x8000);
    cpu.define(FREE, 0, 0, CODE | 4, FLAGS_64);
    cpu.interruptGate64(32, FREE, 0x5000);
    deliver(cpu, 32, { kind: 'external' });
    expect(cpu.where64).toBe(`${(FREE | 3).toString(16)}:5000 cpl 3 ss 23`);
    expect(cpu.state.reg64(RSP)).toBe(0x8000 - 40);
  });
});

describe('what is refused', () => {
  /** Vector and error code of the exception that was delivered in place of vector 32. */
  function refusal(): string {
    catchFaults();
    deliver(cpu, 32, { kind: 'external' });
    return `${cpu.state.rip}(${cpu.stack64(1)[0]})`;
  }
  const ERROR = 32 * 8 + 2 + 1;

  test('gates of other types, and those past the limit', () => {
    for (const access of [0x85, 0x86, 0x87, 0x8c, 0x89]) {
      cpu.interruptGate64(32, LONG0, 0x5000, access);
      expect(refusal()).toBe(`13(${ERROR})`);
    }
    cpu.interruptGate64(32, LONG0, 0x5000, 0x0e);
    expect(refusal()).toBe(`11(${ERROR})`);
    cpu.interruptGate64(32, LONG0, 0x5000);
    cpu.state.setU32(L.IDTR_LIMIT, 32 * 16 + 14);
    expect(refusal()).toBe(`13(${ERROR})`);
  });

  test('code that is not 64-bit, and offsets that are not canonical', () => {
    cpu.interruptGate64(32, CODE0, 0x5000);
    expect(refusal()).toBe(`13(${CODE0 + 1})`);
    cpu.define(FREE, 0, 0, CODE, 0xe);
    cpu.interruptGate64(32, FREE, 0x5000);
    expect(refusal()).toBe(`13(${FREE + 1})`);
    cpu.interruptGate64(32, 0, 0x5000);
    expect(refusal()).toBe('13(1)');
    cpu.interruptGate64(32, LONG0, 2 ** 47);
    expect(refusal()).toBe('13(1)');
  });

  test('stacks that are not canonical; the very end of the lower half is', () => {
    cpu.interruptGate64(32, LONG0, 0x5000, 0x8e, 2);
    cpu.mmu.writeLinear(TSS_BASE + 0x2c, 2 ** 47 + 16, false);
    expect(refusal()).toBe('12(1)');
    cpu.mmu.writeLinear(TSS_BASE + 0x2c, 2 ** 47 + 8, false);
    deliver(cpu, 32, { kind: 'external' });
    expect([cpu.state.rip, cpu.state.reg64(RSP)]).toEqual([0x5000, 2 ** 47 - 40]);
  });

  test('INT n obeys the DPL of the gate', () => {
    cpu.long(3);
    catchFaults();
    cpu.interruptGate64(0x80, LONG0, 0x5000);
    deliver(cpu, 0x80, { kind: 'software' });
    expect([cpu.state.rip, cpu.stack64(1)[0]]).toEqual([VECTOR_GP, 0x80 * 8 + 2]);
    cpu.long(3);
    cpu.interruptGate64(0x80, LONG0, 0x5000, 0xee);
    deliver(cpu, 0x80, { kind: 'software' });
    expect(cpu.where64).toBe('68:5000 cpl 0 ss 0');
    expect(cpu.stack64(2)).toEqual([0x1002, LONG3]);
  });

  test('a fault of a fault becomes a double fault, on its own stack', () => {
    cpu.interruptGate64(8, LONG0, 0x6000, 0x8e, 1);
    exception(13, 0x10);
    expect(cpu.where64).toBe('68:6000 cpl 0 ss 10');
    expect(cpu.stack64(2)).toEqual([0, 0x1000]);
    cpu.mmu.write32(GDT_BASE + LONG0 + 4, 0, false);
    exception(13, 0);
    expect(cpu.isShutDown).toBe(true);
  });
});

test('the segment limit of the TSS bounds the stacks', () => {
  catchFaults();
  cpu.interruptGate64(32, LONG0, 0x5000, 0x8e, 7);
  cpu.state.setU32(cpu.state.segment(TR) + L.SEG_LIMIT, 0x5a);
  deliver(cpu, 32, { kind: 'external' });
  expect([cpu.state.rip, cpu.stack64(1)[0]]).toEqual([10, 0x39]);
  expect(cpu.state.selector(SS)).toBe(DATA0);
});
