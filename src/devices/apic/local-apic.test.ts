import { beforeEach, describe, expect, it } from 'vitest';
import { TestBus, TestClock, TestLine } from '../test-rig.ts';
import { ApicBus } from './apic-bus.ts';
import { LocalApic } from './local-apic.ts';
import * as A from './registers.ts';

let bus: ApicBus;
let clock: TestClock;
let intr: TestLine;
let apic: LocalApic;
let nmis: number;
let ended: number[];
let memory: TestBus;

beforeEach(() => {
  bus = new ApicBus();
  clock = new TestClock();
  intr = new TestLine();
  nmis = 0;
  ended = [];
  bus.onEoi((vector) => ended.push(vector));
  apic = new LocalApic({
    apicId: 0, bootstrap: true, clock, bus, intr, nmi: () => nmis++, external: { acknowledge: () => 0x08 },
  });
  memory = new TestBus();
  apic.attach(memory);
  apic.reset();
  apic.write(A.APIC_SVR, 0x1ff);
});

const fixed = (vector: number, level = false): void =>
  bus.send({ destination: 0, logical: false, mode: A.MODE_FIXED, vector, level });
const vectors = (base: number): number[] => {
  const found: number[] = [];
  for (let vector = 0; vector < 256; vector++) {
    if (apic.read(base + (vector >> 5) * 16) & (1 << (vector & 31))) found.push(vector);
  }
  return found;
};

describe('priorities [SDM3 10.8]', () => {
  it('serves the highest vector first, and nests only higher classes', () => {
    fixed(0x41);
    fixed(0x63);
    expect([vectors(A.APIC_IRR), intr.level]).toEqual([[0x41, 0x63], true]);
    expect(apic.acknowledge()).toBe(0x63);
    fixed(0x6f);
    expect([apic.pending, apic.read(A.APIC_PPR)]).toEqual([false, 0x60]);
    fixed(0x70);
    expect([apic.pending, apic.acknowledge()]).toEqual([true, 0x70]);
    expect(vectors(A.APIC_ISR)).toEqual([0x63, 0x70]);
    apic.write(A.APIC_EOI, 0);
    apic.write(A.APIC_EOI, 0);
    expect([apic.acknowledge(), vectors(A.APIC_ISR), vectors(A.APIC_IRR)]).toEqual([0x6f, [0x6f], [0x41]]);
  });

  it('holds back what the task priority covers', () => {
    apic.write(A.APIC_TPR, 0x45);
    fixed(0x4f);
    expect([apic.pending, apic.read(A.APIC_PPR)]).toEqual([false, 0x45]);
    fixed(0x50);
    expect(apic.acknowledge()).toBe(0x50);
    apic.write(A.APIC_EOI, 0);
    apic.taskPriority = 3;
    expect([apic.read(A.APIC_TPR), apic.acknowledge()]).toEqual([0x30, 0x4f]);
  });

  it('gives the spurious vector when there is nothing', () => {
    expect(apic.acknowledge()).toBe(0xff);
    expect(vectors(A.APIC_ISR)).toEqual([]);
  });

  it('tells the bus of the end of level-triggered interrupts only', () => {
    fixed(0x31);
    fixed(0x32, true);
    for (let i = 0; i < 3; i++) {
      apic.acknowledge();
      apic.write(A.APIC_EOI, 0);
    }
    expect(ended).toEqual([0x32]);
  });
});

describe('LINT0 [SDM3 10.5.1]', () => {
  it('passes the 8259 pair while its entry says ExtINT, and without an entry while the APIC is off', () => {
    apic.reset();
    apic.lint0.set(true);
    expect([intr.level, apic.acknowledge()]).toEqual([true, 0x08]);
    apic.write(A.APIC_SVR, 0xff);
    expect(intr.level).toBe(false);
    apic.write(A.APIC_SVR, 0x1ff);
    apic.write(A.APIC_LVT_LINT0, A.MODE_EXTINT << A.MODE_SHIFT);
    expect([intr.level, apic.acknowledge()]).toEqual([true, 0x08]);
    expect(vectors(A.APIC_ISR)).toEqual([]);
    apic.write(A.APIC_LVT_LINT0, A.LVT_MASKED | (A.MODE_EXTINT << A.MODE_SHIFT));
    expect(intr.level).toBe(false);
    expect(apic.setBase(BigInt(A.LOCAL_APIC_BASE))).toBe(true);
    expect([intr.level, apic.acknowledge()]).toEqual([true, 0x08]);
  });

  it('takes edges as fixed interrupts or NMIs', () => {
    apic.write(A.APIC_LVT_LINT0, 0x40);
    apic.lint0.set(true);
    apic.lint0.set(true);
    expect(vectors(A.APIC_IRR)).toEqual([0x40]);
    apic.lint0.set(false);
    apic.write(A.APIC_LVT_LINT0, A.MODE_NMI << A.MODE_SHIFT);
    apic.lint0.set(true);
    expect(nmis).toBe(1);
  });

  it('stays masked while the APIC is disabled by software', () => {
    apic.write(A.APIC_SVR, 0xff);
    apic.write(A.APIC_LVT_LINT0, 0x700);
    expect(apic.read(A.APIC_LVT_LINT0)).toBe(0x10700);
    fixed(0x40);
    expect(vectors(A.APIC_IRR)).toEqual([]);
  });
});

describe('interrupt commands [SDM3 10.6]', () => {
  it('reach the processor itself by shorthand, identifier and logical identifier', () => {
    apic.write(A.APIC_ICR_LOW, (A.SHORTHAND_SELF << A.SHORTHAND_SHIFT) | 0x51);
    apic.write(A.APIC_ICR_LOW, (A.SHORTHAND_ALL << A.SHORTHAND_SHIFT) | 0x52);
    apic.write(A.APIC_ICR_LOW, (A.SHORTHAND_OTHERS << A.SHORTHAND_SHIFT) | 0x53);
    apic.write(A.APIC_ICR_LOW, 0x54);
    apic.write(A.APIC_ICR_HIGH, 0x01000000);
    apic.write(A.APIC_ICR_LOW, 0x55);
    apic.write(A.APIC_LDR, 0x02000000);
    apic.write(A.APIC_ICR_HIGH, 0x03000000);
    apic.write(A.APIC_ICR_LOW, A.DESTINATION_LOGICAL | 0x56);
    expect(vectors(A.APIC_IRR)).toEqual([0x51, 0x52, 0x54, 0x56]);
    apic.write(A.APIC_DFR, 0);
    apic.write(A.APIC_LDR, 0x12000000);
    expect([0x12, 0x13, 0x22, 0x11, 0xff].map((to) => apic.matches(to, true))).toEqual([true, true, false, false, true]);
  });

  it('report illegal vectors [SDM3 10.5.3]', () => {
    apic.write(A.APIC_LVT_ERROR, 0xfe);
    apic.write(A.APIC_ICR_LOW, (A.SHORTHAND_SELF << A.SHORTHAND_SHIFT) | 0x0f);
    expect([apic.read(A.APIC_ESR), vectors(A.APIC_IRR)]).toEqual([0, [0xfe]]);
    apic.write(A.APIC_ESR, 0);
    expect(apic.read(A.APIC_ESR)).toBe(A.ESR_SEND_ILLEGAL_VECTOR | A.ESR_RECEIVED_ILLEGAL_VECTOR);
    apic.write(A.APIC_ESR, 0);
    expect(apic.read(A.APIC_ESR)).toBe(0);
  });

  it('come as messages of PCI functions too [SDM3 10.11]', () => {
    bus.message(0xfee00000, 0x61);
    bus.message(0xfee01000, 0x62);
    bus.message(0xfee00000, 0x400);
    expect([vectors(A.APIC_IRR), nmis]).toEqual([[0x61], 1]);
  });
});

describe('timer [SDM3 10.5.4]', () => {
  it('counts down once', () => {
    apic.write(A.APIC_DIVIDE, 0x3);
    apic.write(A.APIC_LVT_TIMER, 0x80);
    apic.write(A.APIC_INITIAL_COUNT, 1000);
    clock.advance(15_990);
    expect([apic.read(A.APIC_CURRENT_COUNT), apic.pending]).toEqual([1, false]);
    clock.advance(10);
    expect([apic.read(A.APIC_CURRENT_COUNT), apic.acknowledge(), clock.nextDeadline]).toEqual([0, 0x80, undefined]);
  });

  it('repeats, and counts unheard while masked', () => {
    apic.write(A.APIC_DIVIDE, 0xb);
    apic.write(A.APIC_LVT_TIMER, A.LVT_MASKED | (A.TIMER_PERIODIC << A.LVT_TIMER_MODE_SHIFT) | 0x80);
    apic.write(A.APIC_INITIAL_COUNT, 100);
    expect(clock.nextDeadline).toBeUndefined();
    clock.advance(250);
    expect(apic.read(A.APIC_CURRENT_COUNT)).toBe(50);
    apic.write(A.APIC_LVT_TIMER, (A.TIMER_PERIODIC << A.LVT_TIMER_MODE_SHIFT) | 0x80);
    for (const at of [300, 400]) {
      expect(clock.nextDeadline).toBe(at);
      clock.advance(at - clock.now);
      expect(apic.acknowledge()).toBe(0x80);
      apic.write(A.APIC_EOI, 0);
    }
    apic.write(A.APIC_INITIAL_COUNT, 0);
    expect(clock.nextDeadline).toBeUndefined();
  });

  it('fires at a deadline of the time-stamp counter, once', () => {
    apic.write(A.APIC_LVT_TIMER, (A.TIMER_TSC_DEADLINE << A.LVT_TIMER_MODE_SHIFT) | 0x81);
    apic.tscDeadline = 5000n;
    apic.write(A.APIC_INITIAL_COUNT, 10);
    expect([apic.tscDeadline, apic.read(A.APIC_CURRENT_COUNT)]).toEqual([5000n, 0]);
    clock.advance(5000);
    expect([apic.acknowledge(), apic.tscDeadline]).toEqual([0x81, 0n]);
    apic.tscDeadline = 9000n;
    apic.write(A.APIC_LVT_TIMER, 0x81);
    expect([apic.tscDeadline, clock.nextDeadline]).toEqual([0n, undefined]);
  });
});

describe('IA32_APIC_BASE and the x2APIC [SDM3 10.12]', () => {
  const xapic = BigInt(A.LOCAL_APIC_BASE) | A.APIC_BASE_ENABLE, x2apic = xapic | A.APIC_BASE_EXTD;

  it('changes modes as the figure has it, and keeps the bootstrap bit', () => {
    expect(apic.setBase(BigInt(A.LOCAL_APIC_BASE) | A.APIC_BASE_EXTD)).toBe(false);
    expect(apic.setBase(x2apic)).toBe(true);
    expect([apic.base, apic.setBase(xapic)]).toEqual([x2apic | A.APIC_BASE_BSP, false]);
    expect(apic.setBase(0n)).toBe(true);
    expect([apic.setBase(x2apic), apic.setBase(xapic)]).toEqual([false, true]);
  });

  it('has its page where the base says, and none as x2APIC', () => {
    const page = memory.memoryRegions[0];
    apic.setBase(0xd0000000n | A.APIC_BASE_ENABLE);
    expect(page.base).toBe(0xd0000000);
    apic.setBase(0xd0000000n | A.APIC_BASE_ENABLE | A.APIC_BASE_EXTD);
    expect(page.base).toBeUndefined();
  });

  it('has registers as MSRs, and refuses what they do not take', () => {
    expect(apic.readMsr(0x802)).toBeUndefined();
    apic.setBase(x2apic);
    expect([0x802, 0x803, 0x80d].map((msr) => apic.readMsr(msr))).toEqual([0n, BigInt(A.LOCAL_APIC_VERSION), 1n]);
    expect([0x80b, 0x80e, 0x831, 0x83f, 0x840].map((msr) => apic.readMsr(msr))).toEqual(Array(5).fill(undefined));
    expect([apic.writeMsr(0x808, 0x100n), apic.writeMsr(0x80b, 1n), apic.writeMsr(0x802, 0n)]).toEqual([false, false, false]);
    expect([apic.writeMsr(0x83f, 0x77n), apic.acknowledge(), apic.writeMsr(0x80b, 0n)]).toEqual([true, 0x77, true]);
    expect([apic.writeMsr(0x830, 0x78n), apic.acknowledge()]).toEqual([true, 0x78]);
    expect([apic.writeMsr(0x830, 0x5_00000078n), apic.pending]).toEqual([true, false]);
    expect(apic.readMsr(0x830)).toBe(0x5_00000078n);
  });
});

it('is the same after saving and restoring', () => {
  apic.write(A.APIC_LVT_TIMER, (A.TIMER_PERIODIC << A.LVT_TIMER_MODE_SHIFT) | 0x80);
  apic.write(A.APIC_INITIAL_COUNT, 1000);
  fixed(0x45, true);
  apic.acknowledge();
  fixed(0x66);
  const state = apic.save();
  apic.reset();
  apic.restore(state);
  expect([apic.save(), apic.pending, clock.nextDeadline]).toEqual([state, true, 2000]);
});
