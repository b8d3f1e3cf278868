import { beforeAll, expect, it } from 'vitest';
import * as L from '../layout.ts';
import { modeKey } from '../mode.ts';
import { CODE3, DATA0, DATA3, FREE, LDT_SELECTOR, TestCpu } from '../segments-fixture.ts';
import { DS, ES, FS, GS, SS } from '../registers.ts';
import { loadSegment } from '../segments.ts';
import { buildX87Kernel } from '../x87/build-kernel.ts';
import { exportedTypes } from '../x87/wasm-types-fixture.ts';
import { SYSTEM_KERNEL_TYPES } from './kernel-interface.ts';

type LoadDataSegment = (cpu: number, n: number, selector: number) => number;

let bytes: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  bytes = new Uint8Array(await buildX87Kernel());
}, 120_000);

function kernelOf(cpu: TestCpu): LoadDataSegment {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: cpu.state.arena.memory } });
  return instance.exports['load_data_segment'] as LoadDataSegment;
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
    const load = kernelOf(cpu);
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
  const load = kernelOf(cpu);
  expect([DS, FS].map((n) => load(cpu.state.base, n, 3))).toEqual([0, 1]);
  expect(cpu.state.segAttributes(FS)).toBe(0);
  expect([DATA3, DATA0, CODE3, LDT_SELECTOR, DATA3 | 4, 0xfff8].map((selector) => load(cpu.state.base, GS, selector))).toEqual([1, 0, 0, 0, 0, 0]);
  cpu.state.setCr(0, 0);
  expect(load(cpu.state.base, GS, DATA3)).toBe(0);
});
