import { describe, expect, it } from 'vitest';
import * as L from './layout.ts';
import { CS, DS, EFLAGS_VM, ES, FS, SS } from './registers.ts';
import { accessRange, dropInnerSegments, loadSegment, resetSegments, setSegmentByParagraph } from './segments.ts';
import {
  cleanFaultOf, CODE0, CODE3, CODE, CONFORMING0, DATA, DATA0, DATA3, faultOf, FREE, TestCpu, TSS2_SELECTOR, USER,
} from './segments-fixture.ts';

const range = (cpu: TestCpu, n: number): { start: number; read: bigint; write: bigint } => {
  const at = cpu.state.segment(n);
  return {
    start: cpu.state.getU32(at + L.SEG_START),
    read: cpu.state.getU64(at + L.SEG_READ_END),
    write: cpu.state.getU64(at + L.SEG_WRITE_END),
  };
};

describe('access ranges', () => {
  it('follow type, limit and size', () => {
    expect(accessRange(0xffffffff, 0xc093)).toEqual({ start: 0, readEnd: 2 ** 32, writeEnd: 2 ** 32 });
    expect(accessRange(0xfff, 0x91)).toEqual({ start: 0, readEnd: 0x1000, writeEnd: 0 });
    expect(accessRange(0xfff, 0x9b)).toEqual({ start: 0, readEnd: 0x1000, writeEnd: 0 });
    expect(accessRange(0xfff, 0x99)).toEqual({ start: 0, readEnd: 0, writeEnd: 0 });
    expect(accessRange(0xfff, 0x97)).toEqual({ start: 0x1000, readEnd: 0x10000, writeEnd: 0x10000 });
    expect(accessRange(0xfff, 0x4097)).toEqual({ start: 0x1000, readEnd: 2 ** 32, writeEnd: 2 ** 32 });
    expect(accessRange(0xffffffff, 0x4097)).toEqual({ start: 0, readEnd: 0, writeEnd: 0 });
    expect(accessRange(0xfff, 0x13)).toEqual({ start: 0, readEnd: 0, writeEnd: 0 });
  });
});

describe('real mode', () => {
  it('changes base and selector, keeps the limits of protected mode', () => {
    const cpu = new TestCpu().protect();
    loadSegment(cpu, DS, DATA0);
    cpu.state.setCr(0, 0);
    expect(range(cpu, DS).write).toBe(1n << 32n);
    loadSegment(cpu, DS, 0x1234);
    expect(cpu.state.segBase(DS)).toBe(0x12340);
    expect(cpu.state.selector(DS)).toBe(0x1234);
    expect(range(cpu, DS)).toEqual({ start: 0, read: 1n << 32n, write: 1n << 32n });
  });

  it('makes a null segment usable again', () => {
    const cpu = new TestCpu().protect();
    loadSegment(cpu, ES, 0);
    cpu.state.setCr(0, 0);
    loadSegment(cpu, ES, 0xb800);
    expect(range(cpu, ES)).toEqual({ start: 0, read: 0x10000n, write: 0x10000n });
  });

  it('lets CS be written', () => {
    const cpu = new TestCpu().protect();
    cpu.state.setCr(0, 0);
    setSegmentByParagraph(cpu.state, CS, 0x100);
    expect(range(cpu, CS).write).toBe(1n << 32n);
    expect(cpu.state.cpl).toBe(0);
  });

  it('starts at the reset vector', () => {
    const cpu = new TestCpu().protect();
    resetSegments(cpu.state);
    expect([cpu.state.selector(CS), cpu.state.segBase(CS)]).toEqual([0xf000, 0xffff0000]);
    expect(cpu.state.segLimit(CS)).toBe(0xffff);
  });
});

describe('virtual-8086 mode', () => {
  it('sets the whole register and CPL 3', () => {
    const cpu = new TestCpu().protect();
    cpu.state.eflags |= EFLAGS_VM;
    for (const n of [CS, SS]) setSegmentByParagraph(cpu.state, n, 0x2000);
    loadSegment(cpu, FS, 0xffff);
    expect(range(cpu, FS)).toEqual({ start: 0, read: 0x10000n, write: 0x10000n });
    expect(cpu.state.segBase(FS)).toBe(0xffff0);
    expect(cpu.state.cpl).toBe(3);
  });
});

describe('data segment registers', () => {
  it('take null, with its RPL, and every access then faults', () => {
    const cpu = new TestCpu().protect();
    loadSegment(cpu, DS, 3);
    expect(cpu.state.selector(DS)).toBe(3);
    expect(range(cpu, DS)).toEqual({ start: 0, read: 0n, write: 0n });
  });

  it('check table limit, type, privilege and presence', () => {
    const cpu = new TestCpu().protect(3);
    const load = (selector: number): string => cleanFaultOf(cpu, () => loadSegment(cpu, DS, selector));
    cpu.define(FREE, 0, 0xfffff, 0x98 | USER); // execute-only
    cpu.define(FREE + 8, 0, 0xfffff, (DATA | USER) & 0x7f); // not present
    cpu.define(FREE + 16, 0, 0xfffff, 0x18); // execute-only and not present: the type comes first
    expect(load(0x1000)).toBe('GP(1000)');
    expect(load(0x104)).toBe('GP(104)');
    expect(load(TSS2_SELECTOR)).toBe('GP(40)');
    expect(load(FREE | 3)).toBe('GP(80)');
    expect(load(FREE + 8)).toBe('NP(88)');
    expect(load(FREE + 16)).toBe('GP(90)');
    expect(load(DATA0)).toBe('GP(10)');
    expect(load(CODE0)).toBe('GP(8)');
    expect(load(CONFORMING0)).toBe('none');
    expect(load(CODE3)).toBe('none');
  });

  it('check RPL as well as CPL', () => {
    const cpu = new TestCpu().protect();
    expect(faultOf(() => loadSegment(cpu, DS, DATA0 | 3))).toBe('GP(10)');
    expect(faultOf(() => loadSegment(cpu, DS, DATA3))).toBe('none');
  });

  it('come from the LDT with TI', () => {
    const cpu = new TestCpu().protect();
    cpu.define(0x0c, 0x12345678, 0x1f, DATA, 4);
    loadSegment(cpu, ES, 0x0c);
    expect(cpu.state.segBase(ES)).toBe(0x12345678);
    expect(range(cpu, ES).read).toBe(0x20n);
  });

  it('write the accessed bit back', () => {
    const cpu = new TestCpu().protect();
    cpu.define(FREE, 0, 0xfffff, DATA);
    loadSegment(cpu, ES, FREE);
    expect(cpu.access(FREE)).toBe(DATA | 1);
    expect(cpu.state.segAttributes(ES) & 0xff).toBe(DATA | 1);
  });

  it('become null on the way out when the outer level may not use them', () => {
    const cpu = new TestCpu().protect();
    loadSegment(cpu, ES, DATA0);
    loadSegment(cpu, DS, CONFORMING0);
    loadSegment(cpu, FS, DATA3);
    cpu.state.setU32(cpu.state.segment(CS) + L.SEG_ATTRIBUTES, 0xc000 | CODE | USER);
    dropInnerSegments(cpu.state);
    expect([ES, DS, FS].map((n) => cpu.state.selector(n))).toEqual([0, CONFORMING0, DATA3]);
    expect(range(cpu, ES).read).toBe(0n);
  });
});

describe('SS', () => {
  it('must be writable data of the current level', () => {
    const cpu = new TestCpu().protect();
    const load = (selector: number): string => cleanFaultOf(cpu, () => loadSegment(cpu, SS, selector));
    cpu.define(FREE, 0, 0xfffff, 0x90);
    cpu.define(FREE + 8, 0, 0xfffff, DATA & 0x7f);
    expect(load(0)).toBe('GP(0)');
    expect(load(3)).toBe('GP(0)');
    expect(load(DATA3)).toBe('GP(20)');
    expect(load(DATA0 | 1)).toBe('GP(10)');
    expect(load(CODE0)).toBe('GP(8)');
    expect(load(FREE)).toBe('GP(80)');
    expect(load(FREE + 8)).toBe('SS(88)');
  });

  it('is not CS', () => {
    const cpu = new TestCpu().protect();
    expect(faultOf(() => loadSegment(cpu, CS, CODE0))).toBe('UD');
  });
});
