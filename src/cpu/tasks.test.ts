import { beforeEach, describe, expect, it } from 'vitest';
import { deliver } from './interrupts.ts';
import * as L from './layout.ts';
import {
  CR0_PE, CR0_TS, CS, DS, EFLAGS_NT, EFLAGS_VM, ES, FS, LDTR, RAX, RDI, RSP, SS, TR, VECTOR_DF, VECTOR_GP,
} from './registers.ts';
import { segmentHelpers } from './segment-helpers.ts';
import {
  cleanFaultOf, CODE, CODE0, CODE3, DATA, DATA0, DATA3, faultOf, FREE, GDT_BASE, IDT_BASE, LDT_BASE,
  TestCpu, TSS2_BASE, TSS2_SELECTOR, TSS_BASE, TSS_SELECTOR,
} from './segments-fixture.ts';

const { FAR_JMP, FAR_CALL, IRET } = segmentHelpers;
let cpu: TestCpu;

/** Fills TSS2 with a task at `cs`:0x7777. */
function prepareTask(cs = CODE0, ss = DATA0, data = DATA0, eflags = 2): void {
  const registers = [0xa0, 0xa1, 0xa2, 0xa3, 0x6000, 0xa5, 0xa6, 0xa7];
  const fields = [0, 0x7777, eflags, ...registers, data, cs, ss, data, data, data, 0, 0];
  fields.forEach((value, i) => cpu.write32(TSS2_BASE + 0x1c + i * 4, value));
}

beforeEach(() => {
  cpu = new TestCpu().protect();
  prepareTask();
});

describe('JMP to a TSS', () => {
  it('saves the old task, loads the new one and moves the busy bit', () => {
    cpu.state.setReg(RAX, 0x12345678);
    cpu.state.setReg(RDI, 0x87654321);
    FAR_JMP(cpu, TSS2_SELECTOR, 0, 32);
    expect(cpu.where).toBe('8:7777 cpl 0');
    expect([cpu.state.reg(RAX), cpu.state.reg(RSP), cpu.state.reg(RDI)]).toEqual([0xa0, 0x6000, 0xa7]);
    expect([cpu.access(TSS_SELECTOR), cpu.access(TSS2_SELECTOR)]).toEqual([0x89, 0x8b]);
    expect(cpu.state.selector(TR)).toBe(TSS2_SELECTOR);
    expect(cpu.state.segAttributes(TR) & 0xff).toBe(0x8b);
    expect(cpu.state.cr(0)).toBe(CR0_PE | CR0_TS);
    expect([0x20, 0x24, 0x28, 0x38, 0x44, 0x48, 0x4c].map((at) => cpu.read32(TSS_BASE + at))).toEqual([
      0x1002, 2, 0x12345678, 0x8000, 0x87654321, DATA0, CODE0,
    ]);
    expect(cpu.state.eflags).toBe(2);
    FAR_JMP(cpu, TSS_SELECTOR, 0, 32);
    expect(cpu.where).toBe('8:1002 cpl 0');
    expect(cpu.state.reg(RAX)).toBe(0x12345678);
  });

  it('can enter another level and virtual-8086 mode', () => {
    prepareTask(CODE3, DATA3, DATA3);
    FAR_JMP(cpu, TSS2_SELECTOR, 0, 32);
    expect(cpu.where).toBe('1b:7777 cpl 3');
    cpu = new TestCpu().protect();
    prepareTask(0x1000, 0x2000, 0x3000, EFLAGS_VM | 2);
    FAR_JMP(cpu, TSS2_SELECTOR, 0, 32);
    expect(cpu.where).toBe('1000:7777 cpl 3');
    expect([SS, DS, FS].map((n) => cpu.state.segBase(n))).toEqual([0x20000, 0x30000, 0x30000]);
  });

  it('loads the LDT before the segments in it', () => {
    prepareTask(CODE0, DATA0, 0x0c);
    cpu.define(FREE, LDT_BASE, 0xff, 0x82, 0);
    cpu.write32(TSS2_BASE + 0x60, FREE);
    cpu.define(0x0c, 0x4321, 0xfff, DATA);
    FAR_JMP(cpu, TSS2_SELECTOR, 0, 32);
    expect([cpu.state.selector(LDTR), cpu.state.segBase(ES)]).toEqual([FREE, 0x4321]);
  });
});

describe('nesting', () => {
  it('CALL links and sets NT, IRET returns', () => {
    FAR_CALL(cpu, TSS2_SELECTOR, 0, 32);
    expect(cpu.read16(TSS2_BASE)).toBe(TSS_SELECTOR);
    expect(cpu.state.eflags).toBe(EFLAGS_NT | 2);
    expect([cpu.access(TSS_SELECTOR), cpu.access(TSS2_SELECTOR)]).toEqual([0x8b, 0x8b]);
    cpu.nextEip = 0x7778;
    IRET(cpu, 32);
    expect(cpu.where).toBe('8:1002 cpl 0');
    expect([cpu.access(TSS_SELECTOR), cpu.access(TSS2_SELECTOR)]).toEqual([0x8b, 0x89]);
    expect([cpu.read32(TSS2_BASE + 0x20), cpu.read32(TSS2_BASE + 0x24)]).toEqual([0x7778, 2]);
  });

  it('a busy TSS cannot be entered again, a free one not be returned to', () => {
    expect(cleanFaultOf(cpu, () => FAR_JMP(cpu, TSS_SELECTOR, 0, 32))).toBe('GP(38)');
    cpu.state.eflags = EFLAGS_NT | 2;
    cpu.write32(TSS_BASE, TSS2_SELECTOR);
    expect(cleanFaultOf(cpu, () => IRET(cpu, 32))).toBe('TS(40)');
    cpu.write32(TSS_BASE, 0x0c);
    expect(cleanFaultOf(cpu, () => IRET(cpu, 32))).toBe('TS(c)');
  });

  it('task gates bring a task to an exception, with its error code', () => {
    cpu.gate(IDT_BASE + VECTOR_DF * 8, TSS2_SELECTOR, 0, 0x85);
    cpu.interruptGate(VECTOR_GP, CODE0, 0, 0x0e);
    deliver(cpu, VECTOR_GP, { kind: 'exception', errorCode: 0x55 });
    expect(cpu.where).toBe('8:7777 cpl 0');
    expect(cpu.stack(1)).toEqual([0]);
    expect(cpu.state.reg(RSP)).toBe(0x5ffc);
    expect([cpu.read32(TSS_BASE + 0x20), cpu.read32(TSS_BASE + 0x24)]).toEqual([0x1000, 2]);
    expect(cpu.read16(TSS2_BASE)).toBe(TSS_SELECTOR);
  });

  it('task gates in the GDT check the gate’s privilege, not the TSS’s', () => {
    cpu = new TestCpu().protect(3);
    prepareTask();
    cpu.gate(GDT_BASE + FREE, TSS2_SELECTOR, 0, 0xe5);
    expect(cleanFaultOf(cpu, () => FAR_CALL(cpu, TSS2_SELECTOR, 0, 32))).toBe('GP(40)');
    FAR_CALL(cpu, FREE | 3, 0, 32);
    expect(cpu.where).toBe('8:7777 cpl 0');
  });
});

describe('faults', () => {
  const jump = (): string => faultOf(() => FAR_JMP(cpu, TSS2_SELECTOR, 0, 32));

  it('before the commitment leave the old task', () => {
    cpu.define(TSS2_SELECTOR, TSS2_BASE, 0x66, 0x89, 0);
    expect(cleanFaultOf(cpu, () => FAR_JMP(cpu, TSS2_SELECTOR, 0, 32))).toBe('TS(40)');
    expect(cpu.access(TSS_SELECTOR)).toBe(0x8b);
    cpu.define(TSS2_SELECTOR, TSS2_BASE, 0x67, 0x09, 0);
    expect(cleanFaultOf(cpu, () => FAR_JMP(cpu, TSS2_SELECTOR, 0, 32))).toBe('NP(40)');
  });

  it('of segments belong to the new task', () => {
    prepareTask(CODE0, DATA0, DATA0);
    cpu.define(FREE, 0, 0xfffff, 0x98);
    cpu.write32(TSS2_BASE + 0x54, FREE);
    expect(jump()).toBe('TS(80)');
    expect(cpu.where).toBe('8:7777 cpl 0');
    expect([cpu.state.selector(TR), cpu.state.selector(DS)]).toEqual([TSS2_SELECTOR, FREE]);
    expect(cpu.state.getU64(cpu.state.segment(DS) + L.SEG_READ_END)).toBe(0n);
  });

  it('name the selector that is wrong', () => {
    const task = (...args: Parameters<typeof prepareTask>): string => {
      cpu = new TestCpu().protect();
      cpu.define(FREE, 0, 0xfffff, CODE & 0x7f);
      cpu.define(FREE + 8, 0, 0xfffff, DATA & 0x7f);
      prepareTask(...args);
      return jump();
    };
    expect(task(0)).toBe('TS(0)');
    expect(task(DATA0)).toBe('TS(10)');
    expect(task(CODE0 | 1)).toBe('TS(8)');
    expect(task(FREE)).toBe('NP(80)');
    expect(task(CODE0, 0)).toBe('TS(0)');
    expect(task(CODE0, DATA3)).toBe('TS(20)');
    expect(task(CODE0, FREE + 8)).toBe('SS(88)');
    expect(task(CODE0, DATA0, FREE + 8)).toBe('NP(88)');
    expect(task(CODE0, DATA0, 0x1000)).toBe('TS(1000)');
    expect(task(CODE3, DATA3, DATA0)).toBe('TS(10)');
    cpu = new TestCpu().protect();
    prepareTask();
    cpu.write32(TSS2_BASE + 0x60, CODE0);
    expect(jump()).toBe('TS(8)');
  });

  it('the T bit traps after the switch', () => {
    cpu.write32(TSS2_BASE + 0x64, 1);
    expect(jump()).toBe('none');
    expect(cpu.where).toBe('8:7777 cpl 0');
    expect(cpu.traps).toBe(0x8000);
  });
});

describe('16-bit TSS', () => {
  it('keeps words and leaves ones in the upper halves', () => {
    cpu.define(FREE, TSS2_BASE, 0x2b, 0x81, 0);
    const fields = [0x4444, 2, 0xa0, 0xa1, 0xa2, 0xa3, 0x6000, 0xa5, 0xa6, 0xa7, DATA0, CODE0, DATA0, DATA0, 0];
    fields.forEach((value, i) => cpu.write16(TSS2_BASE + 0x0e + i * 2, value));
    FAR_CALL(cpu, FREE, 0, 32);
    expect(cpu.where).toBe('8:4444 cpl 0');
    expect([cpu.state.reg(RAX), cpu.state.selector(FS), cpu.state.selector(LDTR)]).toEqual([0xffff00a0, 0, 0]);
    expect(cpu.state.selector(CS)).toBe(CODE0);
    cpu.nextEip = 0x4446;
    IRET(cpu, 32);
    expect(cpu.read16(TSS2_BASE + 0x0e)).toBe(0x4446);
    expect(cpu.where).toBe('8:1002 cpl 0');
  });
});
