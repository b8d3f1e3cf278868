import { beforeEach, describe, expect, test } from 'vitest';
import { HELPER_NEXT, HELPER_RESYNC } from './context.ts';
import { clts, hlt, invlpg, invpcid, lmsw, movFromCr, movToCr, smsw } from './control-registers.ts';
import * as L from './layout.ts';
import {
  CR0_CD, CR0_ET, CR0_NW, CR0_PE, CR0_PG, CR0_TS, CR4_MCE, CR4_PAE, CR4_PCIDE, CR4_PGE, CR4_PSE, CS, EFER_LMA, EFER_LME, TR,
} from './registers.ts';
import { PTE_G, PTE_P, PTE_PS, PTE_RW } from './paging.ts';
import { faultOf, LONG_PROFILE, TestCpu } from './test-cpu.ts';

let cpu: TestCpu;
beforeEach(() => {
  cpu = new TestCpu();
});

const RAX = L.GPR, RBX = L.GPR + 24;
/** MOV CRn, RAX with a value in it; in 64-bit code all of it counts. */
function toCr(n: number, value: number | bigint): number {
  cpu.state.setU64(RAX, BigInt.asUintN(64, BigInt(value)));
  return movToCr(cpu, n, RAX);
}
/** MOV RBX, CRn. */
function fromCr(n: number): number {
  movFromCr(cpu, n, RBX);
  return cpu.state.getU32(RBX);
}

/** INVPCID RAX with the descriptor at 5000h. */
function invalidate(type: number, typeHigh: number): number {
  cpu.state.setU32(RAX, type);
  cpu.state.setU32(RAX + 4, typeHigh);
  return invpcid(cpu, RAX, 0x5000);
}

describe('privilege', () => {
  test.each([1, 2, 3])('level %i may not', (cpl) => {
    cpu.protect(cpl);
    for (const action of [
      () => toCr(0, CR0_PE), () => fromCr(0), () => lmsw(cpu, 1), () => clts(cpu),
      () => invlpg(cpu, 0), () => hlt(cpu),
    ]) expect(faultOf(action)).toBe('13(0)');
    expect(smsw(cpu)).toBe(CR0_ET | CR0_PE);
  });

  test('registers that do not exist', () => {
    for (const n of [1, 5, 6, 7, 8]) {
      expect(faultOf(() => toCr(n, 0))).toBe('6');
      expect(faultOf(() => fromCr(n))).toBe('6');
    }
  });
});

describe('CR0', () => {
  test('PE on: resyncs behind the instruction, ET stays one', () => {
    expect(toCr(0, CR0_PE | (1 << 10))).toBe(HELPER_RESYNC);
    expect(fromCr(0)).toBe(CR0_PE | CR0_ET);
    expect(cpu.state.eip).toBe(cpu.nextEip);
    expect(cpu.calls).toContain('updateMode');
  });

  test('PG without PE and NW without CD fault', () => {
    expect(faultOf(() => toCr(0, CR0_PG))).toBe('13(0)');
    expect(faultOf(() => toCr(0, CR0_NW))).toBe('13(0)');
    expect(faultOf(() => toCr(0, CR0_NW | CR0_CD))).toBe('');
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
    toCr(4, CR4_PAE);
    expect(faultOf(() => toCr(0, CR0_PE | CR0_PG))).toBe('13(0)');
    expect(cpu.state.cr(0) & CR0_PG).toBe(0);
    cpu.poke(0x1000, 0x2000 | PTE_P);
    cpu.poke(0x2000, PTE_P | PTE_PS);
    toCr(0, CR0_PE | CR0_PG);
    expect(cpu.mmu.translate(0x1234, 'read', false)).toBe(0x1234);
  });

  test('a bad table leaves CR3 as it was', () => {
    cpu.state.setCr(3, 0x1000);
    toCr(4, CR4_PAE);
    toCr(0, CR0_PE | CR0_PG);
    cpu.poke(0x5008, PTE_P | (1 << 8));
    expect(faultOf(() => toCr(3, 0x5000))).toBe('13(0)');
    expect(fromCr(3)).toBe(0x1000);
  });
});

describe('CR4 and the TLB', () => {
  test('bits that the profile has not', () => {
    for (const bit of [CR4_MCE, 1 << 13, 1 << 20]) expect(faultOf(() => toCr(4, bit))).toBe('13(0)');
    expect(cpu.state.cr(4)).toBe(0);
  });

  test('CR3 keeps global pages, PGE drops them', () => {
    cpu.poke(0x1000, PTE_P | PTE_RW | PTE_PS | PTE_G);
    cpu.poke(0x1004, PTE_P | PTE_RW | PTE_PS);
    cpu.state.setCr(3, 0x1000);
    toCr(4, CR4_PSE | CR4_PGE);
    toCr(0, CR0_PE | CR0_PG);
    cpu.mmu.write8(0x3000, 1, false);
    cpu.mmu.write8(0x401000, 2, false);
    cpu.poke(0x1000, 0);
    cpu.poke(0x1004, 0);
    toCr(3, 0x1000);
    expect(cpu.mmu.read8(0x3000, false)).toBe(1);
    expect(faultOf(() => cpu.mmu.read8(0x401000, false))).toBe('14(0)');
    toCr(4, CR4_PSE);
    expect(faultOf(() => cpu.mmu.read8(0x3000, false))).toBe('14(0)');
  });
});

test('HLT stops behind the instruction', () => {
  expect(hlt(cpu)).toBe(HELPER_RESYNC);
  expect(cpu.calls).toEqual(['halt']);
  expect(cpu.state.eip).toBe(cpu.nextEip);
});

describe('long mode', () => {
  const L_BIT = 1 << 13;
  const setAttributes = (n: number, bits: number): void => cpu.state.setU32(cpu.state.segment(n) + L.SEG_ATTRIBUTES, bits);
  beforeEach(() => {
    cpu = new TestCpu(LONG_PROFILE);
    cpu.state.setU32(L.EFER, EFER_LME);
    toCr(4, CR4_PAE);
    cpu.poke(0x1000, 0x2003); // PML4
    cpu.poke(0x2000, 0x83); // 1 GiB
    toCr(3, 0x1000);
  });

  test('LME and PG make LMA; without them it ends', () => {
    toCr(0, CR0_PE | CR0_PG);
    expect(cpu.state.efer).toBe(EFER_LME | EFER_LMA);
    expect(cpu.mmu.translate(0x12345678, 'read', false)).toBe(0x12345678);
    expect(faultOf(() => toCr(4, 0))).toBe('13(0)');
    toCr(0, CR0_PE);
    expect(cpu.state.efer).toBe(EFER_LME);
  });

  test('what keeps it from being switched on', () => {
    toCr(4, 0);
    expect(faultOf(() => toCr(0, CR0_PE | CR0_PG))).toBe('13(0)');
    toCr(4, CR4_PAE);
    const code = cpu.state.segAttributes(CS);
    setAttributes(CS, code | L_BIT);
    expect(faultOf(() => toCr(0, CR0_PE | CR0_PG))).toBe('13(0)');
    setAttributes(CS, code);
    setAttributes(TR, 0x83);
    expect(faultOf(() => toCr(0, CR0_PE | CR0_PG))).toBe('13(0)');
    expect(cpu.state.cr(0) & CR0_PG).toBe(0);
  });

  test('64-bit code cannot switch it off, and has no upper halves in CR0, CR4 and CR8', () => {
    toCr(0, CR0_PE | CR0_PG);
    setAttributes(CS, cpu.state.segAttributes(CS) | L_BIT);
    expect(faultOf(() => toCr(0, CR0_PE))).toBe('13(0)');
    for (const n of [0, 4, 8]) expect(faultOf(() => toCr(n, 1n << 32n))).toBe('13(0)');
    toCr(2, 0x123456789abcdef0n);
    fromCr(2);
    expect(cpu.state.getU64(RBX)).toBe(0x123456789abcdef0n);
    toCr(8, 15);
    expect(fromCr(8)).toBe(15);
    expect(faultOf(() => toCr(8, 16))).toBe('13(0)');
  });

  test('CR3 has no more bits than addresses, and bit 63 with PCIDs', () => {
    toCr(0, CR0_PE | CR0_PG);
    setAttributes(CS, cpu.state.segAttributes(CS) | L_BIT);
    toCr(3, 0xff_0000_0000n);
    fromCr(3);
    expect(cpu.state.getU64(RBX)).toBe(0xff_0000_0000n);
    expect(faultOf(() => toCr(3, 1n << 40n))).toBe('13(0)');
    expect(faultOf(() => toCr(3, (1n << 63n) | 0x1000n))).toBe('13(0)');
    toCr(3, 0x1018);
    expect(faultOf(() => toCr(4, CR4_PAE | CR4_PCIDE))).toBe('13(0)');
    toCr(3, 0x1000);
    toCr(4, CR4_PAE | CR4_PCIDE);
    toCr(3, (1n << 63n) | 0x1007n);
    expect(fromCr(3)).toBe(0x1007);
    setAttributes(CS, cpu.state.segAttributes(CS) & ~L_BIT);
    expect(faultOf(() => toCr(0, CR0_PE))).toBe('13(0)');
  });

  test('PCIDs are for long mode', () => {
    expect(faultOf(() => toCr(4, CR4_PAE | CR4_PCIDE))).toBe('13(0)');
  });

  test('INVPCID drops what its type says and refuses the rest', () => {
    toCr(0, CR0_PE | CR0_PG);
    const descriptor = (pcid: number, address: bigint): void => {
      cpu.poke(0x5000, pcid);
      cpu.poke(0x5004, 0);
      cpu.poke(0x5008, Number(address & 0xffffffffn));
      cpu.poke(0x500c, Number(address >> 32n));
    };
    descriptor(0, 0x3000n);
    expect(cpu.mmu.read8(0x3000, false)).toBe(0);
    cpu.mmu.read32(0x5000, false);
    cpu.poke(0x2000, 0); // the tables are gone, what is cached stays
    expect(cpu.mmu.read8(0x3000, false)).toBe(0);
    expect(invalidate(0, 0)).toBe(HELPER_RESYNC);
    expect(faultOf(() => cpu.mmu.read8(0x3000, false))).toBe('14(0)');
    cpu.poke(0x2000, 0x83);
    setAttributes(CS, cpu.state.segAttributes(CS) | L_BIT);
    for (const [type, high] of [[4, 0], [0, 1]]) expect(faultOf(() => invalidate(type, high))).toBe('13(0)');
    descriptor(1, 0n);
    expect([0, 1, 2, 3].map((type) => faultOf(() => invalidate(type, 0)))).toEqual(['13(0)', '13(0)', '', '']);
    descriptor(0x1000, 0n);
    expect(faultOf(() => invalidate(2, 0))).toBe('13(0)');
    descriptor(0, 1n << 47n);
    expect([0, 1].map((type) => faultOf(() => invalidate(type, 0)))).toEqual(['13(0)', '']);
    cpu.protect(3);
    expect(faultOf(() => invalidate(2, 0))).toBe('13(0)');
  });
});
