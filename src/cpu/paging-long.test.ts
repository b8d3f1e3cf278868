import { beforeEach, describe, expect, test } from 'vitest';
import * as L from './layout.ts';
import { highHalf } from './linear.ts';
import { PF_ID, PF_P, PF_RSVD, PF_US, PF_WR, PTE_A, PTE_D, PTE_P, PTE_PS, PTE_RW, PTE_US } from './paging.ts';
import { CR0_WP, CR4_PAE, CR4_PGE, CR4_SMAP, CR4_SMEP, CS, EFER_NXE, EFLAGS_AC } from './registers.ts';
import { faultOf, LONG_PROFILE, TestCpu } from './test-cpu.ts';

const PML4 = 0x10000, PDPT = 0x11000, DIRECTORY = 0x12000, TABLE = 0x13000;
const ALL = PTE_P | PTE_RW | PTE_US;
const XD = 1 << 31;
/** ffff8000_00000000 on, and 0 on: both by the same tables. */
const KERNEL = -(2 ** 47);
let cpu: TestCpu;

function setEntry(at: number, low: number, high = 0): void {
  cpu.poke(at, low);
  cpu.poke(at + 4, high);
}

beforeEach(() => {
  cpu = new TestCpu(LONG_PROFILE);
  setEntry(PML4, PDPT | ALL);
  setEntry(PML4 + 256 * 8, PDPT | ALL);
  setEntry(PDPT, DIRECTORY | ALL);
  setEntry(DIRECTORY, TABLE | ALL);
  setEntry(TABLE, 0x20000 | ALL);
  cpu.enterLong(0, PML4, EFER_NXE);
  cpu.state.setCr(4, CR4_PAE | CR4_PGE);
});

/** Error code of the #PF of an access, undefined without one. */
function pageFault(linear: number, access: 'read' | 'write' | 'execute', user = false): number | undefined {
  if (cpu.mmu.translate(linear, access, user) >= 0) return undefined;
  expect(cpu.state.getU32(L.FAULT_VECTOR)).toBe(14);
  return cpu.state.getU32(L.FAULT_ERROR);
}

describe('pages of all sizes, at both ends of the address space', () => {
  test.each([0, KERNEL])('4 KiB, with accessed and dirty bits (%i)', (base) => {
    expect(cpu.mmu.translate(base + 0x123, 'read', true)).toBe(0x20123);
    expect([cpu.peek(TABLE), cpu.peek(DIRECTORY) & PTE_A, cpu.peek(PDPT) & PTE_A]).toEqual([0x20000 | ALL | PTE_A, PTE_A, PTE_A]);
    cpu.mmu.write8(base + 5, 1, true);
    expect(cpu.peek(TABLE) & PTE_D).toBe(PTE_D);
    expect(cpu.peek(0x20004)).toBe(0x100);
  });

  test('every level has nine bits', () => {
    setEntry(PML4 + 0x155 * 8, PDPT | ALL);
    setEntry(PDPT + 0x0aa * 8, DIRECTORY | ALL);
    setEntry(DIRECTORY + 0x1ff * 8, TABLE | ALL);
    setEntry(TABLE + 0x101 * 8, 0x45000 | ALL);
    const linear = Number(BigInt.asIntN(48, (0x155n << 39n) | (0xaan << 30n) | (0x1ffn << 21n) | (0x101n << 12n) | 0x678n));
    expect(cpu.mmu.translate(linear, 'read', false)).toBe(0x45678);
  });

  test('2 MiB and 1 GiB, above 4 GiB', () => {
    setEntry(DIRECTORY + 8, 0x00600000 | ALL | PTE_PS, 0x12);
    setEntry(PDPT + 8, 0x40000000 | ALL | PTE_PS, 0xff);
    expect(cpu.mmu.translate(0x234567, 'read', false)).toBe(0x12_0063_4567);
    expect(cpu.mmu.translate(0x76543210, 'read', false)).toBe(0xff_7654_3210);
  });

  test('INVLPG drops every part of a large page, and nothing of its neighbours', () => {
    setEntry(PDPT + 8, ALL | PTE_PS);
    setEntry(DIRECTORY + 8, ALL | PTE_PS);
    setEntry(TABLE + 5 * 8, 0x20000 | ALL);
    for (const linear of [0x40001000, 0x7ff00000, 0x200000, 0x3ff000, KERNEL + 0x5000]) cpu.mmu.read8(linear, false);
    for (const at of [PDPT + 8, DIRECTORY + 8, TABLE + 5 * 8]) setEntry(at, 0);
    cpu.mmu.invalidatePage(0x55555000);
    expect(faultOf(() => cpu.mmu.read8(0x40001000, false))).toBe('14(0)');
    expect(faultOf(() => cpu.mmu.read8(0x7ff00000, false))).toBe('14(0)');
    expect(cpu.mmu.read8(0x200000, false)).toBe(0);
    cpu.mmu.invalidatePage(0x200000);
    expect(faultOf(() => cpu.mmu.read8(0x3ff000, false))).toBe('14(0)');
    expect(cpu.mmu.read8(KERNEL + 0x5000, false)).toBe(0);
  });
});

describe('faults', () => {
  test('CR2 has 64 bits', () => {
    expect(pageFault(KERNEL + 0x1234, 'write')).toBe(PF_WR);
    expect(cpu.state.getU64(L.CR + 16)).toBe(0xffff800000001234n);
  });

  test('addresses that are not canonical: #GP', () => {
    for (const linear of [2 ** 47, KERNEL - 1, 2 ** 62]) {
      expect(faultOf(() => cpu.mmu.read8(linear, false))).toBe('13(0)');
      expect(cpu.mmu.translate(linear, 'read', false)).toBe(-1);
    }
  });

  test('not present at each level', () => {
    for (const at of [TABLE, DIRECTORY, PDPT, PML4]) {
      setEntry(at, ALL & ~PTE_P);
      expect(pageFault(0, 'execute', true)).toBe(PF_US | PF_ID);
    }
  });

  test('reserved bits at each level', () => {
    const at = [PML4, PDPT, DIRECTORY, TABLE];
    const next = [PDPT, DIRECTORY, TABLE, 0x20000];
    for (const [i, entry] of at.entries()) {
      setEntry(entry, next[i] | ALL, 1 << 8);
      expect(pageFault(0, 'read')).toBe(PF_P | PF_RSVD);
      setEntry(entry, next[i] | ALL, 0x7ff00000);
      expect(pageFault(0, 'read')).toBeUndefined();
      setEntry(entry, next[i] | ALL);
    }
    setEntry(PML4, PDPT | ALL | PTE_PS);
    expect(pageFault(0, 'read')).toBe(PF_P | PF_RSVD);
    setEntry(PML4, PDPT | ALL);
    setEntry(DIRECTORY, 0x2000 | ALL | PTE_PS);
    expect(pageFault(0, 'read')).toBe(PF_P | PF_RSVD);
    setEntry(PDPT, 0x200000 | ALL | PTE_PS);
    expect(pageFault(0, 'write')).toBe(PF_P | PF_RSVD | PF_WR);
  });

  test('XD is reserved without NXE, and forbids fetches with it', () => {
    setEntry(DIRECTORY, TABLE | ALL, XD);
    expect(pageFault(0, 'execute')).toBe(PF_P | PF_ID);
    expect(pageFault(0, 'read')).toBeUndefined();
    cpu.mmu.setEfer(cpu.state.efer & ~EFER_NXE);
    expect(pageFault(0, 'execute')).toBe(PF_P | PF_RSVD);
  });

  test('rights are those of all levels together', () => {
    setEntry(PDPT, DIRECTORY | PTE_P | PTE_US);
    expect(pageFault(0, 'write', true)).toBe(PF_P | PF_WR | PF_US);
    expect(pageFault(0, 'write')).toBeUndefined();
    cpu.state.setCr(0, cpu.state.cr(0) | CR0_WP);
    expect(pageFault(0, 'write')).toBe(PF_P | PF_WR);
    setEntry(PML4, PDPT | PTE_P | PTE_RW);
    expect(pageFault(0, 'read', true)).toBe(PF_P | PF_US);
  });

  test('1 GiB pages are reserved where CPUID knows none', () => {
    cpu = new TestCpu({ ...LONG_PROFILE, features: new Set([...LONG_PROFILE.features].filter((feature) => feature !== 'pdpe1gb')) });
    setEntry(PML4, PDPT | ALL);
    setEntry(PDPT, ALL | PTE_PS);
    cpu.enterLong(0, PML4);
    expect(pageFault(0, 'read')).toBe(PF_P | PF_RSVD);
  });
});

describe('SMEP and SMAP', () => {
  const features = (bits: number): void => cpu.state.setCr(4, CR4_PAE | bits);

  test('SMEP: no fetch from user pages below level 3', () => {
    features(CR4_SMEP);
    expect(pageFault(0, 'execute')).toBe(PF_P | PF_ID);
    expect(pageFault(0, 'execute', true)).toBeUndefined();
    expect(cpu.mmu.fill(0, 'read', false)).toBe(true);
    expect(cpu.state.getU64(L.TLB_SUPERVISOR + L.TLB_EXECUTE)).toBe(L.TLB_INVALID);
  });

  test('SMAP: no data access to user pages below level 3, but with AC set', () => {
    features(CR4_SMAP);
    expect(pageFault(0, 'read')).toBe(PF_P);
    expect(pageFault(0, 'write')).toBe(PF_P | PF_WR);
    expect(pageFault(0, 'execute')).toBeUndefined();
    expect(pageFault(0, 'write', true)).toBeUndefined();
    cpu.state.eflags = cpu.state.eflags | EFLAGS_AC;
    expect(cpu.mmu.read8(0, false)).toBe(0);
    cpu.state.eflags = cpu.state.eflags & ~EFLAGS_AC;
    cpu.mmu.restrictUserPages();
    expect(faultOf(() => cpu.mmu.read8(0, false))).toBe('14(1)');
  });

  test('what the processor itself accesses at level 3 is not let through by AC', () => {
    features(CR4_SMAP);
    cpu.protect(3);
    cpu.state.eflags = cpu.state.eflags | EFLAGS_AC;
    expect(pageFault(0, 'read')).toBe(PF_P);
  });

  test('a fetch that SMAP permits makes no tag for data', () => {
    features(CR4_SMAP);
    expect(cpu.mmu.fill(0, 'execute', false)).toBe(true);
    expect(cpu.state.getU64(L.TLB_SUPERVISOR + L.TLB_EXECUTE)).toBe(0n);
    expect(cpu.state.getU64(L.TLB_SUPERVISOR + L.TLB_READ)).toBe(L.TLB_INVALID);
  });
});

describe('tags', () => {
  const tag = (user: boolean): bigint => cpu.state.getU64((user ? L.TLB_USER : L.TLB_SUPERVISOR) + L.TLB_READ);

  test('have both halves', () => {
    cpu.mmu.read8(KERNEL, false);
    expect(tag(false)).toBe(0xffff800000000000n);
    expect(highHalf(KERNEL)).toBe(0xffff8000 | 0);
    cpu.mmu.read8(0, false);
    expect(tag(false)).toBe(0n);
  });

  test('none with a high half is in the set that 32-bit code uses', () => {
    cpu.mmu.read8(KERNEL, false);
    cpu.mmu.read8(KERNEL, true);
    cpu.mmu.restrictTo32(true);
    expect([tag(false), tag(true)]).toEqual([0xffff800000000000n, L.TLB_INVALID]);
    cpu.mmu.restrictTo32(false);
    expect(tag(false)).toBe(L.TLB_INVALID);
    cpu.state.setU32(cpu.state.segment(CS) + L.SEG_ATTRIBUTES, 0xc09b);
    expect(cpu.mmu.read8(KERNEL, false)).toBe(0);
    expect(tag(false)).toBe(L.TLB_INVALID);
  });
});
