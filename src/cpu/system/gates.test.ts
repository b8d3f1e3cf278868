import { beforeAll, beforeEach, expect, it } from 'vitest';
import { type CpuEvent, deliver, savedFlags } from '../interrupts.ts';
import * as L from '../layout.ts';
import { highHalf } from '../linear.ts';
import { modeKey } from '../mode.ts';
import {
  CS, DS, EFLAGS_AC, EFLAGS_FIXED, EFLAGS_ID, EFLAGS_IF, EFLAGS_NT, EFLAGS_RF, EFLAGS_TF, ES, FS, GS, RSP, SS,
} from '../registers.ts';
import { segmentHelpers } from '../segment-helpers.ts';
import {
  CODE, CODE0, CODE1, CODE16, CODE3, CONFORMING0, DATA0, DATA1, DATA3, faultOf, FREE, IDT_BASE, LONG0, LONG3, STACK16, TestCpu, TSS_BASE,
} from '../segments-fixture.ts';
import { loadSegment } from '../segments.ts';
import { buildX87Kernel } from '../x87/build-kernel.ts';

interface Kernel {
  deliver_event(cpu: number, vector: number, error: number, hasError: number, flags: number): number;
  interrupt_return(cpu: number, rsp: bigint): number;
  software_interrupt(cpu: number, vector: number, flags: number, rsp: bigint, next: bigint): number;
}

let kernelModule: WebAssembly.Module;
beforeAll(async () => {
  kernelModule = new WebAssembly.Module(new Uint8Array(await buildX87Kernel()));
}, 120_000);

const VECTOR = 0x30;
const NEXT = 0x1234;
const FLAGS = [2, EFLAGS_IF | 2, 0x8d5 | EFLAGS_IF | 2, EFLAGS_NT | 2, EFLAGS_RF | EFLAGS_IF | 2, EFLAGS_AC | EFLAGS_ID | 2, 0x3002, EFLAGS_TF | 2];

/** What the guest sees of a processor, and of its stacks. */
function seen(cpu: TestCpu): number[] {
  const { state } = cpu;
  const at = state.base + L.SEGMENTS;
  const stacks = [0x7f80, 0x8000, 0x8f80, 0xaf80].flatMap((from) => Array.from({ length: 40 }, (_, i) => cpu.read32(from + i * 4)));
  return [state.rip, state.eflags, state.reg64(RSP), state.cpl, ...state.arena.u8.slice(at, at + 6 * L.SEGMENT_SIZE), ...stacks];
}

/** Every choice of one value from each list. What depends on none of these goes round by the number of the case. */
function* choices<T>(lists: readonly (readonly T[])[]): Iterable<T[]> {
  if (lists.length === 0) return yield [];
  for (const first of lists[0]) for (const rest of choices(lists.slice(1))) yield [first, ...rest];
}

/** The kernel's way and the general one, from the same state; true if the kernel went its way. */
function compare(make: () => TestCpu, kernel: (cpu: TestCpu) => number, general: (cpu: TestCpu) => unknown): boolean {
  let cpu = make();
  const before = seen(cpu);
  const mode = modeKey(cpu.state, 0);
  const done = kernel(cpu) !== 0;
  const after = seen(cpu);
  if (!done) {
    // Where an interrupt was to return to is no state before it.
    expect(after.slice(1)).toEqual(before.slice(1));
    return false;
  }
  expect([modeKey(cpu.state, 0), cpu.state.getU32(L.TLB_ACTIVE) - cpu.state.base]).toEqual([mode, cpu.state.cpl === 3 ? L.TLB_USER : L.TLB_SUPERVISOR]);
  cpu = make();
  expect(faultOf(() => general(cpu))).toBe('none');
  expect(after).toEqual(seen(cpu));
  return true;
}

let cpu: TestCpu;
let kernel: Kernel;
beforeEach(() => {
  cpu = new TestCpu();
  kernel = new WebAssembly.Instance(kernelModule, { env: { memory: cpu.state.arena.memory } }).exports as unknown as Kernel;
});

function start(long: boolean, cpl: 0 | 3, flags: number, data: number): TestCpu {
  if (long) cpu.long(cpl);
  else cpu.protect(cpl);
  for (const from of [0x7f80, 0x8000, 0x8f80, 0xaf80]) for (let i = 0; i < 40; i++) cpu.write32(from + i * 4, 0);
  for (const n of [DS, ES, FS, GS]) loadSegment(cpu, n, long || n === GS ? data : data === 0 ? 0 : cpl === 0 ? DATA0 : DATA3);
  for (const selector of [CODE0, CODE3, CODE1, LONG0, LONG3, CODE16]) cpu.mmu.write8(0x1000 + (selector & ~7) + 5, cpu.access(selector) | 1, false);
  for (const selector of [DATA0, DATA3, DATA1]) cpu.mmu.write8(0x1000 + (selector & ~7) + 5, cpu.access(selector) | 1, false);
  cpu.state.eflags = flags;
  cpu.state.rip = 0x1000;
  cpu.state.setU64(L.GPR + RSP * 8, 0x8018n);
  // What the kernel finds in the TLB.
  for (const page of [0x1000, IDT_BASE, TSS_BASE, 0x7000, 0x8000, 0x9000, 0xa000, 0xb000]) {
    cpu.mmu.write8(page + 0xfff, 0, false);
    cpu.mmu.write8(page + 0xfff, 0, true);
  }
  cpu.state.setU32(L.TLB_ACTIVE, cpu.state.base + (cpl === 3 ? L.TLB_USER : L.TLB_SUPERVISOR));
  return cpu;
}

it.each([false, true])('goes through gates as the general way does, or leaves them to it (64 bits: %s)', (long) => {
  let done = 0;
  let cases = 0;
  const codes = long ? [LONG0, LONG3, CODE0, 0, FREE] : [CODE0, CODE1, CODE3, CODE16, CONFORMING0, 0, FREE];
  for (const [cpl, code, access, k] of choices([[0, 3], codes, [0x8e, 0xee, 0x8f, 0x85, 0x0e], [0, 1, 2]])) {
    const flags = FLAGS[cases++ % FLAGS.length];
    const error = k === 0 ? -1 : 0x18;
    const ist = k >> 1;
    const make = (): TestCpu => {
      const cpu = start(long, cpl as 0 | 3, flags, 0);
      if (!long) for (const n of [DS, ES]) loadSegment(cpu, n, cpl === 0 ? DATA0 : DATA3);
      cpu.define(FREE, 0, 0xfffff, CODE & 0x7f);
      if (long) cpu.interruptGate64(VECTOR, code, -0x7f000000, access, ist);
      else cpu.interruptGate(VECTOR, code, 0x87654321, access);
      return cpu;
    };
    const event: CpuEvent = { kind: error === -1 ? 'external' : 'exception', errorCode: error === -1 ? undefined : error };
    const deliverEvent = (cpu: TestCpu): number =>
      kernel.deliver_event(cpu.state.base, VECTOR, Math.max(error, 0), error === -1 ? 0 : 1, savedFlags(cpu.state, VECTOR, event));
    done += +compare(make, deliverEvent, (cpu) => deliver(cpu, VECTOR, event));
    const interrupt = (cpu: TestCpu): number => {
      const to = kernel.software_interrupt(cpu.state.base, VECTOR, cpu.state.eflags, cpu.state.getU64(L.GPR + RSP * 8), BigInt(NEXT));
      if (to !== 0) cpu.state.setU64(L.GPR + RSP * 8, cpu.state.getU64(L.TRANSFER_RSP));
      return to;
    };
    done += +compare(make, interrupt, (cpu) => {
      cpu.nextEip = NEXT;
      segmentHelpers.INT(cpu, VECTOR);
    });
  }
  expect(done).toBeGreaterThan(10);
});

it.each([false, true])('returns as IRET does, or leaves it to that (64 bits: %s)', (long) => {
  let done = 0;
  let cases = 0;
  const codes = long ? [LONG0, LONG3, CODE3, 0] : [CODE0, CODE3, CODE1, CODE16, 0];
  const stacks = long ? [DATA0, DATA3, 0, 3] : [DATA0, DATA3, DATA1, STACK16];
  for (const [cpl, code, stack, k] of choices([[0, 3], codes, stacks, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]])) {
    const old = k < 4 ? FLAGS[k & 1] : FLAGS[cases % FLAGS.length];
    const flags = FLAGS[cases++ % FLAGS.length];
    const data = [DATA3, DATA3, 0, DATA0][k & 3];
    if (cpl === 3 && data === DATA0) continue;
    const make = (): TestCpu => {
      const cpu = start(long, cpl as 0 | 3, EFLAGS_FIXED, data);
      const rip = long ? -0x7f000000 : 0x87654321;
      const frame = [rip, code, flags | 0x44, long ? 0x7fff8000 : 0x7654, stack];
      frame.forEach((value, i) => {
        cpu.write32(0x8018 + i * (long ? 8 : 4), value);
        if (long) cpu.write32(0x801c + i * 8, highHalf(value));
      });
      cpu.state.eflags = old;
      return cpu;
    };
    const back = (cpu: TestCpu): number => {
      const to = kernel.interrupt_return(cpu.state.base, cpu.state.getU64(L.GPR + RSP * 8));
      if (to === 0) return 0;
      cpu.state.setU64(L.GPR + RSP * 8, cpu.state.getU64(L.TRANSFER_RSP));
      cpu.state.eflags = cpu.state.getU32(L.TRANSFER_FLAGS);
      return to;
    };
    done += +compare(make, back, (cpu) => {
      segmentHelpers.IRET(cpu, long ? 64 : 32);
      // No instruction breakpoint asks for it.
      cpu.state.eflags &= ~EFLAGS_RF;
    });
  }
  expect(done).toBeGreaterThan(10);
});

it('asks the helper while an NMI is blocked, an interrupt waits for IF, or events are watched', () => {
  const start0 = (change: (cpu: TestCpu) => void): TestCpu => {
    const cpu = start(false, 0, EFLAGS_FIXED, DATA0);
    [0x1000, CODE0, EFLAGS_IF | 2].forEach((value, i) => cpu.write32(0x8018 + i * 4, value));
    cpu.interruptGate(VECTOR, CODE0, 0x100);
    change(cpu);
    return cpu;
  };
  const returns = (change: (cpu: TestCpu) => void): number => {
    const cpu = start0(change);
    return kernel.interrupt_return(cpu.state.base, 0x8018n);
  };
  expect(returns(() => {})).toBe(1);
  expect(returns(({ state }) => state.setU32(L.NMI_BLOCKED, 1))).toBe(0);
  expect(returns(({ state }) => state.setU32(L.INTERRUPT_WAITS, 1))).toBe(0);
  const cpu = start0(({ state }) => state.setU32(L.EVENTS_WATCHED, 1));
  expect(kernel.deliver_event(cpu.state.base, VECTOR, 0, 0, 2)).toBe(0);
  expect(cpu.state.selector(CS) + cpu.state.selector(SS)).toBe(CODE0 + DATA0);
});
