import { beforeAll, describe, expect, it } from 'vitest';
import { syscall, sysenter, sysexit, sysret } from '../fast-calls.ts';
import * as L from '../layout.ts';
import { modeKey } from '../mode.ts';
import { CODE0, CODE3, DATA0, DATA3, FREE, LDT_SELECTOR, TestCpu } from '../segments-fixture.ts';
import {
  CR0_AM, CR4_SMAP, CS, DS, EFER_LMA, EFLAGS_AC, EFLAGS_CF, EFLAGS_FIXED, EFLAGS_IF, EFLAGS_TF, ES, FS, GS, RCX, SS,
} from '../registers.ts';
import { loadSegment, setSegment } from '../segments.ts';
import { buildX87Kernel } from '../x87/build-kernel.ts';
import { exportedTypes } from '../x87/wasm-types-fixture.ts';
import { SYSTEM_KERNEL_TYPES } from './kernel-interface.ts';

interface Kernel {
  load_data_segment(cpu: number, n: number, selector: number): number;
  sysenter(cpu: number): number;
  sysexit(cpu: number): number;
  syscall(cpu: number): number;
  sysret(cpu: number, rip: bigint, flags: number): number;
}

let bytes: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  bytes = new Uint8Array(await buildX87Kernel());
}, 120_000);

function kernelOf(cpu: TestCpu): Kernel {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: cpu.state.arena.memory } });
  return instance.exports as unknown as Kernel;
}

const registers = (cpu: TestCpu): string => {
  const at = cpu.state.base + L.SEGMENTS;
  return cpu.state.arena.u8.slice(at, at + 6 * L.SEGMENT_SIZE).join();
};

it('has the types of its interface', () => {
  expect(exportedTypes(bytes)).toMatchObject(SYSTEM_KERNEL_TYPES);
});

it('loads a segment as the helper does, or leaves it to the helper', () => {
  let loads = 0;
  for (const cpl of [0, 3] as const) {
    const cpu = new TestCpu().protect(cpl);
    const { load_data_segment: load } = kernelOf(cpu);
    const flat = cpl === 0 ? DATA0 : DATA3;
    for (let access = 0; access < 256; access++) {
      for (const [base, limit, flags] of [[0, 0xfffff, 0xc], [0x12345678, 0xabcde, 4], [0, 0xfffff, 0x4], [0xfedc0000, 0x12, 0x8]]) {
        cpu.define(FREE, base, limit, access, flags);
        for (const [n, rpl] of [ES, SS, DS, FS, GS].flatMap((segment) => [[segment, 0], [segment, 3]])) {
          const before = registers(cpu);
          const mode = modeKey(cpu.state, 0);
          const done = load(cpu.state.base, n, FREE | rpl);
          expect(done === 1 ? modeKey(cpu.state, 0) : registers(cpu)).toBe(done === 1 ? mode : before);
          if (done === 0) continue;
          loads++;
          const after = registers(cpu);
          loadSegment(cpu, n, flat);
          loadSegment(cpu, n, FREE | rpl);
          expect(registers(cpu)).toBe(after);
          loadSegment(cpu, n, flat);
        }
      }
    }
  }
  expect(loads).toBeGreaterThan(100);
});

it('leaves null in DS, the LDT, what is past the GDT and other modes to the helper', () => {
  const cpu = new TestCpu().protect(3);
  const { load_data_segment: load } = kernelOf(cpu);
  expect([DS, FS].map((n) => load(cpu.state.base, n, 3))).toEqual([0, 1]);
  expect(cpu.state.segAttributes(FS)).toBe(0);
  expect([DATA3, DATA0, CODE3, LDT_SELECTOR, DATA3 | 4, 0xfff8].map((selector) => load(cpu.state.base, GS, selector))).toEqual([1, 0, 0, 0, 0, 0]);
  cpu.state.setCr(0, 0);
  expect(load(cpu.state.base, GS, DATA3)).toBe(0);
});

/** What a fast call sets besides ESP and EIP. */
const levelOf = (cpu: TestCpu): unknown[] => [registers(cpu), cpu.state.eflags, cpu.state.getU32(L.TLB_ACTIVE) - cpu.state.base];

it.each([3, 0] as const)('goes from level %i as SYSENTER and SYSEXIT do', (cpl) => {
  const start = (): TestCpu => {
    const cpu = new TestCpu().protect(cpl);
    for (const n of [DS, ES]) loadSegment(cpu, n, DATA3);
    cpu.state.setU32(L.SYSENTER_CS, CODE0);
    cpu.state.setU32(L.TLB_ACTIVE, cpu.state.base + (cpl === 3 ? L.TLB_SUPERVISOR : L.TLB_USER));
    cpu.state.eflags = EFLAGS_FIXED | EFLAGS_IF | EFLAGS_CF;
    return cpu;
  };
  const cpu = start();
  const kernel = kernelOf(cpu);
  expect(cpl === 3 ? kernel.sysenter(cpu.state.base) : kernel.sysexit(cpu.state.base)).toBe(1);
  const other = start();
  if (cpl === 3) sysenter(other);
  else sysexit(other, 32);
  other.state.setU32(L.TLB_ACTIVE, other.state.base + (cpl === 3 ? L.TLB_SUPERVISOR : L.TLB_USER));
  expect(levelOf(cpu)).toEqual(levelOf(other));
});

it('leaves fast calls to the helpers from other segments, with other checks of memory, and where they fault', () => {
  const refuses = (name: 'sysenter' | 'sysexit', cpl: 0 | 3, change: (cpu: TestCpu) => void): void => {
    const cpu = new TestCpu().protect(cpl);
    for (const n of [DS, ES]) loadSegment(cpu, n, DATA3);
    cpu.state.setU32(L.SYSENTER_CS, CODE0);
    change(cpu);
    const before = levelOf(cpu);
    expect(kernelOf(cpu)[name](cpu.state.base)).toBe(0);
    expect(levelOf(cpu)).toEqual(before);
  };
  refuses('sysexit', 3, () => {});
  refuses('sysexit', 0, ({ state }) => {
    state.setCr(0, state.cr(0) | CR0_AM);
    state.eflags |= EFLAGS_AC;
  });
  for (const name of ['sysenter', 'sysexit'] as const) {
    const cpl = name === 'sysenter' ? 3 : 0;
    refuses(name, cpl, ({ state }) => state.setU32(L.SYSENTER_CS, 3));
    refuses(name, cpl, ({ state }) => state.setCr(0, 0));
    refuses(name, cpl, ({ state }) => state.setCr(4, CR4_SMAP));
    refuses(name, cpl, ({ state }) => state.setU32(L.EFER, EFER_LMA));
    refuses(name, cpl, (cpu) => loadSegment(cpu, ES, 0));
    refuses(name, cpl, ({ state }) => setSegment(state, SS, 0x50, 0, 0xffffffff, 0x8093 | (cpl << 5)));
    refuses(name, cpl, ({ state }) => setSegment(state, CS, 0x58, 0, 0xfffff, 0x409b | (cpl << 5)));
  }
});

describe('SYSCALL and SYSRET', () => {
  const RIP = 0x7fff12345678;
  const start = (cpl: 0 | 3): TestCpu => {
    const cpu = new TestCpu().long(cpl);
    cpu.state.setU64(L.STAR, (0x33n << 48n) | (0x13n << 32n));
    cpu.state.eflags = EFLAGS_FIXED | EFLAGS_CF;
    cpu.state.setU32(L.TLB_ACTIVE, 0);
    return cpu;
  };
  const call = (cpu: TestCpu, name: 'syscall' | 'sysret', flags = 2, rip = RIP): number =>
    name === 'syscall' ? kernelOf(cpu).syscall(cpu.state.base) : kernelOf(cpu).sysret(cpu.state.base, BigInt(rip), flags);

  it.each(['syscall', 'sysret'] as const)('%s sets the segments that the helper sets', (name) => {
    const cpl = name === 'syscall' ? 3 : 0;
    const cpu = start(cpl);
    expect(call(cpu, name)).toBe(1);
    const other = start(cpl);
    other.state.setReg64(RCX, RIP);
    if (name === 'syscall') syscall(other);
    else sysret(other, 64);
    expect(registers(cpu)).toBe(registers(other));
    expect(cpu.state.getU32(L.TLB_ACTIVE) - cpu.state.base).toBe(name === 'syscall' ? L.TLB_SUPERVISOR : L.TLB_USER);
  });

  it('leaves the rest to the helpers', () => {
    const refuses = (name: 'syscall' | 'sysret', cpl: 0 | 3, change: (cpu: TestCpu) => void, flags = 2, rip = RIP): void => {
      const cpu = start(cpl);
      change(cpu);
      const before = levelOf(cpu);
      expect(call(cpu, name, flags, rip)).toBe(0);
      expect(levelOf(cpu)).toEqual(before);
    };
    const noSce = ({ state }: TestCpu): void => state.setU32(L.EFER, EFER_LMA);
    const trapped = ({ state }: TestCpu): void => { state.eflags = state.eflags | EFLAGS_TF; };
    for (const [name, cpl] of [['syscall', 3], ['sysret', 0]] as const) {
      refuses(name, cpl, noSce);
      refuses(name, cpl, trapped);
    }
    refuses('sysret', 3, () => {});
    refuses('sysret', 0, () => {}, EFLAGS_TF);
    refuses('sysret', 0, () => {}, 2, 2 ** 47);
    refuses('sysret', 0, ({ state }) => state.setU32(L.INTERRUPT_WAITS, 1), EFLAGS_IF);
    refuses('sysret', 0, ({ state }) => state.setCr(0, state.cr(0) | CR0_AM), EFLAGS_AC);
    refuses('sysret', 0, ({ state }) => {
      state.setCr(4, CR4_SMAP);
      state.eflags = state.eflags | EFLAGS_AC;
    });
  });
});
