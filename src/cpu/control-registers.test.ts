import { beforeEach, describe, expect, test } from 'vitest';
import { HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { clts, hlt, invlpg, lmsw, movFromCr, movToCr, smsw } from './control-registers.ts';
import {
  CR0_CD, CR0_ET, CR0_NW, CR0_PE, CR0_PG, CR0_TS, CR4_MCE, CR4_PAE, CR4_PGE, CR4_PSE,
} from './registers.ts';
import { PTE_G, PTE_P, PTE_PS, PTE_RW } from './paging.ts';
import { faultOf, TestCpu } from './test-cpu.ts';

let cpu: TestCpu;
beforeEach(() => {
  cpu = new TestCpu();
});

describe('privilege', () => {
  test.each([1, 2, 3])('level %i may not', (cpl) => {
    cpu.protect(cpl);
    for (const action of [
      () => movToCr(cpu, 0, CR0_PE), () => movFromCr(cpu, 0), () => lmsw(cpu, 1), () => clts(cpu),
      () => invlpg(cpu, 0), () => hlt(cpu),
    ]) expect(faultOf(action)).toBe('13(0)');
    expect(smsw(cpu)).toBe(CR0_ET | CR0_PE);
  });

  test('registers that do not exist', () => {
    for (const n of [1, 5, 6, 7, 8]) {
      expect(faultOf(() => movToCr(cpu, n, 0))).toBe('6');
      expect(faultOf(() => movFromCr(cpu, n))).toBe('6');
    }
  });
});

describe('CR0', () => {
  test('PE on: resyncs behind the instruction, ET stays one', () => {
    expect(movToCr(cpu, 0, CR0_PE | (1 << 10))).toBe(HELPER_RESYNC);
    expect(movFromCr(cpu, 0)).toBe(CR0_PE | CR0_ET);
    expect(cpu.state.eip).toBe(cpu.nextEip);
    expect(cpu.calls).toContain('updateMode');
  });

  test('PG without PE and NW without CD fault', () => {
    expect(faultOf(() => movToCr(cpu, 0, CR0_PG))).toBe('13(0)');
    expect(faultOf(() => movToCr(cpu, 0, CR0_NW))).toBe('13(0)');
    expect(faultOf(() => movToCr(cpu, 0, CR0_NW | CR0_CD))).toBe('');
  });

  test('LMSW sets PE and never clears it', () => {
    lmsw(cpu, 0xfff1);
    expect(smsw(cpu)).toBe(CR0_ET | CR0_PE);
    lmsw(cpu, CR0_TS);
    expect(smsw(cpu)).toBe(CR0_ET | CR0_PE | CR0_TS);
    expect(clts(cpu)).toBe(HELPER_RESYNC);
    expect(clts(cpu)).toBe(HELPER_NEXT);
    expect(smsw(cpu)).toBe(CR0_ET | CR0_PE);
  });
});

describe('PAE', () => {
  test('turning paging on loads the PDPTEs or faults', () => {
    cpu.poke(0x1000, 0x2000 | PTE_P | PTE_RW);
    cpu.state.setCr(3, 0x1000);
    movToCr(cpu, 4, CR4_PAE);
    expect(faultOf(() => movToCr(cpu, 0, CR0_PE | CR0_PG))).toBe('13(0)');
    expect(cpu.state.cr(0) & CR0_PG).toBe(0);
    cpu.poke(0x1000, 0x2000 | PTE_P);
    cpu.poke(0x2000, PTE_P | PTE_PS);
    movToCr(cpu, 0, CR0_PE | CR0_PG);
    expect(cpu.mmu.translate(0x1234, 'read', false)).toBe(0x1234);
  });

  test('a bad table leaves CR3 as it was', () => {
    cpu.state.setCr(3, 0x1000);
    movToCr(cpu, 4, CR4_PAE);
    movToCr(cpu, 0, CR0_PE | CR0_PG);
    cpu.poke(0x5008, PTE_P | (1 << 8));
    expect(faultOf(() => movToCr(cpu, 3, 0x5000))).toBe('13(0)');
    expect(movFromCr(cpu, 3)).toBe(0x1000);
  });
});

describe('CR4 and the TLB', () => {
  test('bits that the profile has not', () => {
    for (const bit of [CR4_MCE, 1 << 13, 1 << 20]) expect(faultOf(() => movToCr(cpu, 4, bit))).toBe('13(0)');
    expect(cpu.state.cr(4)).toBe(0);
  });

  test('CR3 keeps global pages, PGE drops them', () => {
    cpu.poke(0x1000, PTE_P | PTE_RW | PTE_PS | PTE_G);
    cpu.poke(0x1004, PTE_P | PTE_RW | PTE_PS);
    cpu.state.setCr(3, 0x1000);
    movToCr(cpu, 4, CR4_PSE | CR4_PGE);
    movToCr(cpu, 0, CR0_PE | CR0_PG);
    cpu.mmu.write8(0x3000, 1, false);
    cpu.mmu.write8(0x401000, 2, false);
    cpu.poke(0x1000, 0);
    cpu.poke(0x1004, 0);
    movToCr(cpu, 3, 0x1000);
    expect(cpu.mmu.read8(0x3000, false)).toBe(1);
    expect(faultOf(() => cpu.mmu.read8(0x401000, false))).toBe('14(0)');
    movToCr(cpu, 4, CR4_PSE);
    expect(faultOf(() => cpu.mmu.read8(0x3000, false))).toBe('14(0)');
  });
});

test('HLT stops behind the instruction', () => {
  expect(hlt(cpu)).toBe(HELPER_RESYNC);
  expect(cpu.calls).toEqual(['halt']);
  expect(cpu.state.eip).toBe(cpu.nextEip);
});
