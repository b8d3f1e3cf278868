import { describe, expect, it } from 'vitest';
import * as L from './layout.ts';
import { RSP, SS, TR } from './registers.ts';
import { loadSegment } from './segments.ts';
import { CODE0, DATA, faultOf, FLAGS_16, FREE, STACK16, TestCpu } from './segments-fixture.ts';
import { innerStack, Stack } from './stack.ts';

describe('stack', () => {
  it('leaves ESP alone until it is committed', () => {
    const cpu = new TestCpu().protect();
    const stack = Stack.current(cpu);
    stack.push(0x11223344, 32);
    stack.push(0x5566, 16);
    expect(cpu.state.reg(RSP)).toBe(0x8000);
    stack.commit();
    expect(cpu.state.reg(RSP)).toBe(0x7ffa);
    expect(cpu.read32(0x7ffc)).toBe(0x11223344);
    expect(Stack.current(cpu).pop(16)).toBe(0x5566);
  });

  it('wraps SP in a 16-bit segment and keeps the upper half of ESP', () => {
    const cpu = new TestCpu().protect();
    loadSegment(cpu, SS, STACK16);
    cpu.state.setReg(RSP, 0xabcd0000);
    const stack = Stack.current(cpu);
    stack.requireRoom(2, 16);
    stack.push(0x1234, 16);
    stack.commit();
    expect(cpu.state.reg(RSP)).toBe(0xabcdfffe);
    expect(cpu.read16(0x2fffe)).toBe(0x1234);
  });

  it('faults on a value across the end, not on a wrap between values', () => {
    const cpu = new TestCpu().protect();
    loadSegment(cpu, SS, STACK16);
    cpu.state.setReg(RSP, 1);
    expect(faultOf(() => Stack.current(cpu).push(0, 16))).toBe('SS(0)');
    expect(faultOf(() => Stack.current(cpu, 1).push(0, 16))).toBe('SS(1)');
    cpu.state.setReg(RSP, 2);
    expect(faultOf(() => Stack.current(cpu).requireRoom(3, 16))).toBe('none');
    cpu.state.setReg(RSP, 0xffff);
    expect(faultOf(() => Stack.current(cpu).pop(16))).toBe('SS(0)');
  });

  it('obeys expand-down limits', () => {
    const cpu = new TestCpu().protect();
    cpu.define(FREE, 0x20000, 0xfff, DATA | 4, FLAGS_16);
    loadSegment(cpu, SS, FREE);
    cpu.state.setReg(RSP, 0x1004);
    expect(faultOf(() => Stack.current(cpu).requireRoom(2, 16))).toBe('none');
    expect(faultOf(() => Stack.current(cpu).requireRoom(3, 16))).toBe('SS(0)');
  });
});

describe('stack out of the TSS', () => {
  it('is checked with #TS, naming the selector', () => {
    const cpu = new TestCpu().protect(3);
    expect(innerStack(cpu, 0).stack.rsp).toBe(0x9000);
    const withSs0 = (selector: number): string => {
      cpu.write32(0x4008, selector);
      return faultOf(() => innerStack(cpu, 0, 1));
    };
    cpu.define(FREE, 0, 0xfffff, DATA & 0x7f);
    expect(withSs0(0)).toBe('TS(1)');
    expect(withSs0(CODE0)).toBe('TS(9)');
    expect(withSs0(0x13)).toBe('TS(11)');
    expect(withSs0(FREE)).toBe('SS(81)');
    cpu.state.setU32(cpu.state.segment(TR) + L.SEG_LIMIT, 8);
    expect(faultOf(() => innerStack(cpu, 0))).toBe('TS(38)');
  });

  it('of 16 bits takes SP only', () => {
    const cpu = new TestCpu().protect(3);
    cpu.state.setReg(RSP, 0x12345678);
    cpu.write32(0x4004, 0xabcd0800);
    cpu.write32(0x4008, STACK16);
    expect(innerStack(cpu, 0).stack.rsp).toBe(0x12340800);
  });

  it('comes from a 16-bit TSS as words', () => {
    const cpu = new TestCpu().protect(3);
    cpu.state.setU32(cpu.state.segment(TR) + L.SEG_ATTRIBUTES, 0x83);
    cpu.state.setReg(RSP, 0x8000);
    cpu.write32(0x4002, (STACK16 << 16) | 0x1000);
    const { selector, stack } = innerStack(cpu, 0);
    expect([selector, stack.rsp]).toEqual([STACK16, 0x1000]);
  });
});
