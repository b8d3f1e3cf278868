import { beforeAll, describe, expect, it } from 'vitest';
import { TRANSCENDENTAL_OPCODES } from '../../../tests/oracle/x87/opcodes.ts';
import { CPU_BASE, RECORD_SIZE, Subject, describe as describeCase, isUndefined } from '../../../tests/oracle/x87/run-case.ts';
import { VECTOR_REGISTERS, readVectors } from '../../../tests/oracle/x87/vectors.ts';
import * as L from '../layout.ts';
import { buildX87Kernel } from './build-kernel.ts';
import { X87_KERNEL_TYPES, X87_STORE_HIGH, X87_STORE_VALID } from './kernel-interface.ts';
import { exportedTypes } from './wasm-types-fixture.ts';

const PI_BITS = 0x400921fb54442d18n;

describe('x87 kernel', () => {
  let bytes: Uint8Array<ArrayBuffer>;
  let module: WebAssembly.Module;

  beforeAll(async () => {
    bytes = new Uint8Array(await buildX87Kernel());
    module = new WebAssembly.Module(bytes);
  }, 120_000);

  it('exports the interface with its types, and needs nothing but the arena', () => {
    expect(exportedTypes(bytes)).toMatchObject(X87_KERNEL_TYPES);
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
  });

  it('does what a processor was recorded doing', () => {
    const subject = new Subject(module);
    const records = readVectors();
    const wrong: string[] = [];
    let rounding = 0;
    let transcendental = 0;
    for (let at = 0; at < records.byteLength; at += RECORD_SIZE) {
      if (isUndefined(records, at)) continue;
      const { differences, isRounding } = subject.check(records, at, VECTOR_REGISTERS);
      const mayRound = TRANSCENDENTAL_OPCODES.includes(records.getUint16(at, false).toString(16));
      if (mayRound) transcendental++;
      if (differences.length === 0) continue;
      if (mayRound && isRounding) rounding++;
      else wrong.push(`${describeCase(records, at)}: ${differences.join(', ')}`);
    }
    expect(wrong).toEqual([]);
    expect(rounding / transcendental).toBeLessThan(0.05);
  });

  it('changes no state before a store is committed', () => {
    const { x87, view, ...subject } = fresh();
    x87.fld_f64(CPU_BASE, PI_BITS);
    const before = subject.image();
    expect(x87.fst_f32_begin(CPU_BASE)).toBe(0x40490fdb);
    expect(subject.image()).toEqual(before);
    expect(view.getUint32(CPU_BASE + X87_STORE_VALID, true)).toBe(1);
    x87.fst_commit(CPU_BASE, 1);
    expect(subject.u16(L.FSW)).toBe(0x0220); // TOP 0, PE, and C1 for a rounding up
    expect(view.getUint8(CPU_BASE + L.FTW)).toBe(0);
  });

  it('forbids the store and the pop after an unmasked exception', () => {
    const { x87, view, ...subject } = fresh();
    x87.fldcw(CPU_BASE, 0x037e);
    x87.fld_f64(CPU_BASE, 0x7fefffffffffffffn);
    x87.fist_i32_begin(CPU_BASE, 0);
    expect(view.getUint32(CPU_BASE + X87_STORE_VALID, true)).toBe(0);
    expect(x87.es_pending(CPU_BASE)).toBe(0);
    x87.fst_commit(CPU_BASE, 1);
    expect(x87.es_pending(CPU_BASE)).toBe(1);
    expect(subject.u16(L.FSW)).toBe(0xb881); // B, TOP 7, ES, IE
    x87.fnclex(CPU_BASE);
    expect(subject.u16(L.FSW)).toBe(0x3800);
  });

  it('gives the upper bytes of ten-byte operands apart', () => {
    const { x87, view } = fresh();
    x87.fild(CPU_BASE, -123456789012345678n);
    expect(BigInt.asUintN(64, x87.fbstp_begin(CPU_BASE))).toBe(0x3456789012345678n);
    expect(view.getUint32(CPU_BASE + X87_STORE_HIGH, true)).toBe(0x8012);
    expect(BigInt.asUintN(64, x87.fst_f80_begin(CPU_BASE))).toBe(123456789012345678n << 7n);
    expect(view.getUint32(CPU_BASE + X87_STORE_HIGH, true)).toBe(0xc037);
  });

  it('divides by infinity without an underflow, however small the dividend', () => {
    const { x87, ...subject } = fresh();
    x87.fldcw(CPU_BASE, 0x036f); // all but underflow masked
    x87.fld_f80(CPU_BASE, 1n << 63n, 0x7fff);
    x87.fld_f80(CPU_BASE, 0x1234n, 0);
    for (const fprem of [x87.fprem, x87.fprem1]) {
      fprem(CPU_BASE);
      expect(subject.u16(L.FSW)).toBe(0x3002); // TOP 6, DE
    }
    expect(x87.fst_f80_begin(CPU_BASE)).toBe(0x1234n);
  });

  it('scales by zero without an underflow, however small the number', () => {
    const { x87, ...subject } = fresh();
    x87.fldcw(CPU_BASE, 0x036f);
    x87.fld_f80(CPU_BASE, 0n, 0x8000);
    x87.fld_f80(CPU_BASE, 0x1234n, 0);
    x87.fscale(CPU_BASE);
    expect([subject.u16(L.FSW), x87.fst_f80_begin(CPU_BASE)]).toEqual([0x3002, 0x1234n]);
  });

  function fresh() {
    const subject = new Subject(module);
    subject.x87.fninit(CPU_BASE);
    return {
      x87: subject.x87,
      view: subject.view,
      u16: (offset: number) => subject.u16(offset),
      /** FPR to FTW. */
      image: () => [...new Uint8Array(subject.view.buffer.slice(CPU_BASE + L.FPR, CPU_BASE + L.FTW + 1))],
    };
  }
});
