import { beforeEach, describe, expect, test } from 'vitest';
import * as L from './layout.ts';
import { CR0_PE, CR0_PG, CR0_WP, CR4_PAE, CR4_PGE, CR4_PSE, EFER_NXE } from './registers.ts';
import { PF_ID, PF_P, PF_RSVD, PF_US, PF_WR, PTE_A, PTE_D, PTE_G, PTE_P, PTE_PS, PTE_RW, PTE_US } from './paging.ts';
import { faultOf, TestCpu } from './test-cpu.ts';

const DIRECTORY = 0x10000, TABLE = 0x11000, PDPT = 0x12020;
const OTHER_TABLE = 0x13000;
const ALL = PTE_P | PTE_RW | PTE_US;
/** Its page has the TLB slot of the one at 0x400000. */
const SAME_SLOT = 0x400000 + L.TLB_ENTRIES * 4096;
let cpu: TestCpu;

beforeEach(() => {
  cpu = new TestCpu();
});

/** 32-bit paging: linear 0x400000 on is mapped by TABLE. */
function enablePaging(cr0 = 0, cr4 = CR4_PSE | CR4_PGE): void {
  cpu.poke(DIRECTORY + 4, TABLE | ALL);
  cpu.state.setCr(3, DIRECTORY);
  cpu.state.setCr(4, cr4);
  cpu.state.setCr(0, CR0_PE | CR0_PG | cr0);
  cpu.mmu.flush();
}

/** PAE paging: linear 0 on is mapped by the page table at TABLE. */
function enablePae(nx: boolean): void {
  cpu.poke(PDPT, DIRECTORY | PTE_P);
  cpu.poke(DIRECTORY, TABLE | ALL);
  expect(cpu.mmu.loadPdptes(PDPT)).toBe(true);
  cpu.mmu.setEfer(nx ? EFER_NXE : 0);
  cpu.state.setCr(3, PDPT);
  cpu.state.setCr(4, CR4_PAE | CR4_PGE);
  cpu.state.setCr(0, CR0_PE | CR0_PG | CR0_WP);
  cpu.mmu.flush();
}

function pageFault(action: () => unknown): number | undefined {
  const match = /^14\((\d+)\)$/.exec(faultOf(action));
  return match ? Number(match[1]) : undefined;
}

interface Tags { read: boolean; write: boolean; execute: boolean }
/** What generated code sees in the TLB for a linear address. */
function tags(linear: number, user = false): Tags {
  const entry = (user ? L.TLB_USER : L.TLB_SUPERVISOR) + ((linear >>> 12) % L.TLB_ENTRIES) * L.TLB_ENTRY_SIZE;
  const page = BigInt((linear & ~0xfff) >>> 0);
  const has = (field: number): boolean => cpu.state.getU64(entry + field) === page;
  return { read: has(L.TLB_READ), write: has(L.TLB_WRITE), execute: has(L.TLB_EXECUTE) };
}
const NONE: Tags = { read: false, write: false, execute: false };

/** Reads a byte as generated code does after a hit. */
function throughTlb(linear: number, user = false): number {
  const entry = (user ? L.TLB_USER : L.TLB_SUPERVISOR) + ((linear >>> 12) % L.TLB_ENTRIES) * L.TLB_ENTRY_SIZE;
  return cpu.memory.pool.arena.u8[(cpu.state.getU32(entry + L.TLB_ADDEND) + linear) >>> 0];
}

describe('without paging', () => {
  test('linear addresses are physical; tags appear for what is backed', () => {
    expect(cpu.mmu.translate(0xfee01234, 'write', true)).toBe(0xfee01234);
    cpu.poke(0x5000, 0x11223344);
    expect(cpu.mmu.fill(0x5001, 'read', false)).toBe(true);
    expect(tags(0x5000)).toEqual({ read: true, write: true, execute: true });
    expect(throughTlb(0x5001)).toBe(0x33);
  });

  test('no tag for page 0 before it is filled', () => {
    expect(tags(0)).toEqual(NONE);
    expect(tags(0, true)).toEqual(NONE);
  });

  test('a read of a page that was never written allocates nothing and traps the first write', () => {
    const before = cpu.memory.pool.framesInUse;
    cpu.mmu.fill(0x7000, 'read', false);
    expect(tags(0x7000)).toEqual({ read: true, write: false, execute: true });
    expect(cpu.memory.pool.framesInUse).toBe(before);
    cpu.mmu.fill(0x7000, 'write', false);
    expect(tags(0x7000).write).toBe(true);
    expect(cpu.memory.pool.framesInUse).toBe(before + 1);
  });

  test('memory of a device gets no tag, and sees each access once', () => {
    const log: string[] = [];
    cpu.memory.memory('device', 0x1000, {
      read: (offset, width) => { log.push(`r${width}@${offset}`); return 0x55; },
      write: (offset, width, value) => { log.push(`w${width}@${offset}=${value}`); },
    }, { widths: [1, 2, 4] }).mapAt(0xf0000000);
    expect(cpu.mmu.fill(0xf0000000, 'write', false)).toBe(true);
    expect(tags(0xf0000000)).toEqual(NONE);
    expect(cpu.mmu.read16(0xf0000010, false)).toBe(0x55);
    cpu.mmu.write32(0xf0000020, 7, false);
    expect(log).toEqual(['r2@16', 'w4@32=7']);
  });

  test('accesses cross pages and wrap at 4 GiB', () => {
    cpu.mmu.write32(0x8ffe, 0xa1b2c3d4, false);
    expect(cpu.mmu.read16(0x8ffe, false)).toBe(0xc3d4);
    expect(cpu.mmu.read16(0x9000, false)).toBe(0xa1b2);
    expect(cpu.mmu.read32(0x8ffe, false)).toBe(0xa1b2c3d4);
    cpu.mmu.write64(0x9ffc, 0x1122334455667788n, false);
    expect(cpu.mmu.read64(0x9ffc, false)).toBe(0x1122334455667788n);
    cpu.poke(0, 0x42);
    expect(cpu.mmu.read32(0xfffffffd, false)).toBe(0x42ffffff);
  });
});

describe('32-bit paging', () => {
  test('accessed and dirty bits are set by what uses them', () => {
    enablePaging();
    cpu.poke(TABLE, 0x20000 | ALL);
    expect(cpu.mmu.translate(0x400123, 'read', true)).toBe(0x20123);
    expect(cpu.peek(DIRECTORY + 4)).toBe(TABLE | ALL | PTE_A);
    expect(cpu.peek(TABLE)).toBe(0x20000 | ALL | PTE_A);
    cpu.mmu.fill(0x400000, 'read', true);
    expect(tags(0x400000, true).write).toBe(false);
    cpu.mmu.write8(0x400000, 1, true);
    expect(cpu.peek(TABLE)).toBe(0x20000 | ALL | PTE_A | PTE_D);
    expect(tags(0x400000, true)).toEqual({ read: true, write: true, execute: true });
    expect(tags(0x400000, false)).toEqual(NONE);
  });

  test('error codes and CR2', () => {
    enablePaging(CR0_WP);
    cpu.poke(TABLE, 0x20000 | PTE_P | PTE_US);
    cpu.poke(TABLE + 4, 0x21000 | PTE_P | PTE_RW);
    expect(pageFault(() => cpu.mmu.read8(0x402abc, false))).toBe(0);
    expect(cpu.state.cr(2)).toBe(0x402abc);
    expect(pageFault(() => cpu.mmu.write8(0x402000, 0, true))).toBe(PF_WR | PF_US);
    expect(pageFault(() => cpu.mmu.read8(0x80000000, true))).toBe(PF_US);
    expect(cpu.state.cr(2)).toBe(0x80000000);
    expect(pageFault(() => cpu.mmu.write8(0x400000, 0, true))).toBe(PF_P | PF_WR | PF_US);
    expect(pageFault(() => cpu.mmu.write8(0x400000, 0, false))).toBe(PF_P | PF_WR);
    expect(pageFault(() => cpu.mmu.read8(0x401000, true))).toBe(PF_P | PF_US);
    expect(cpu.mmu.fill(0x401000, 'execute', true)).toBe(false);
    expect(cpu.state.getU32(L.FAULT_ERROR)).toBe(PF_P | PF_US);
    // A refused access leaves no accessed bit in the leaf.
    expect(cpu.peek(TABLE)).toBe(0x20000 | PTE_P | PTE_US);
  });

  test('rights are those of both levels together', () => {
    enablePaging();
    cpu.poke(TABLE, 0x20000 | ALL);
    cpu.poke(DIRECTORY + 4, TABLE | PTE_P | PTE_US);
    expect(pageFault(() => cpu.mmu.write8(0x400000, 0, true))).toBe(PF_P | PF_WR | PF_US);
    cpu.poke(DIRECTORY + 4, TABLE | PTE_P | PTE_RW);
    expect(pageFault(() => cpu.mmu.read8(0x400000, true))).toBe(PF_P | PF_US);
  });

  test('without WP the supervisor writes to read-only pages', () => {
    enablePaging();
    cpu.poke(TABLE, 0x20000 | PTE_P | PTE_US);
    cpu.mmu.write8(0x400000, 9, false);
    expect(cpu.peek(0x20000)).toBe(9);
    expect(pageFault(() => cpu.mmu.write8(0x400000, 9, true))).toBe(PF_P | PF_WR | PF_US);
  });

  test('a crossing write faults before its first byte is written', () => {
    enablePaging();
    cpu.poke(TABLE, 0x20000 | ALL);
    cpu.poke(0x20ffc, 0x01020304);
    expect(pageFault(() => cpu.mmu.write32(0x400ffe, 0, true))).toBe(PF_WR | PF_US);
    expect(cpu.state.cr(2)).toBe(0x401000);
    expect(cpu.peek(0x20ffc)).toBe(0x01020304);
  });

  test('4 MiB pages, PSE-36 and its reserved bits', () => {
    enablePaging();
    cpu.poke(DIRECTORY + 8, 0x00800000 | ALL | PTE_PS);
    expect(cpu.mmu.translate(0x912345, 'write', true)).toBe(0x00912345);
    expect(cpu.peek(DIRECTORY + 8)).toBe(0x00800000 | ALL | PTE_PS | PTE_A | PTE_D);
    cpu.poke(DIRECTORY + 8, 0x0080a000 | ALL | PTE_PS);
    expect(cpu.mmu.translate(0x912345, 'read', true)).toBe(0x500912345);
    cpu.poke(DIRECTORY + 8, 0x00a00000 | ALL | PTE_PS);
    expect(pageFault(() => cpu.mmu.read8(0x912345, true))).toBe(PF_P | PF_RSVD | PF_US);
    cpu.state.setCr(4, 0);
    cpu.poke(DIRECTORY + 8, TABLE | ALL | PTE_PS);
    cpu.poke(TABLE + 0x112 * 4, 0x33000 | ALL);
    expect(cpu.mmu.translate(0x912345, 'read', true)).toBe(0x33345);
  });
});

describe('PAE paging', () => {
  test('translates through three levels', () => {
    enablePae(false);
    cpu.poke(TABLE + 8, 0x20000 | ALL);
    cpu.poke(TABLE + 12, 0x3);
    expect(cpu.mmu.translate(0x1abc, 'write', true)).toBe(0x300020abc);
    expect(cpu.peek(TABLE + 8)).toBe(0x20000 | ALL | PTE_A | PTE_D);
    cpu.poke(DIRECTORY + 8, 0x00600000 | ALL | PTE_PS);
    cpu.poke(DIRECTORY + 12, 0x1);
    expect(cpu.mmu.translate(0x345678, 'read', true)).toBe(0x100745678);
    expect(pageFault(() => cpu.mmu.read8(0x40000000, true))).toBe(PF_US);
  });

  test('XD is reserved without NXE and checked with it', () => {
    enablePae(false);
    cpu.poke(TABLE, 0x20000 | ALL);
    cpu.poke(TABLE + 4, 0x80000000);
    expect(pageFault(() => cpu.mmu.read8(0, true))).toBe(PF_P | PF_RSVD | PF_US);
    cpu.mmu.setEfer(EFER_NXE);
    cpu.mmu.fill(0, 'read', true);
    expect(tags(0, true)).toEqual({ read: true, write: false, execute: false });
    expect(cpu.mmu.fill(0, 'execute', true)).toBe(false);
    expect(cpu.state.getU32(L.FAULT_ERROR)).toBe(PF_P | PF_US | PF_ID);
    expect(cpu.mmu.fill(0x2000, 'execute', false)).toBe(false);
    expect(cpu.state.getU32(L.FAULT_ERROR)).toBe(PF_ID);
  });

  test('reserved address bits and low bits of 2 MiB pages', () => {
    enablePae(true);
    cpu.poke(TABLE, 0x20000 | ALL);
    cpu.poke(TABLE + 4, 0x10);
    expect(pageFault(() => cpu.mmu.write8(0, 0, false))).toBe(PF_P | PF_RSVD | PF_WR);
    cpu.poke(DIRECTORY + 8, 0x00602000 | ALL | PTE_PS);
    expect(pageFault(() => cpu.mmu.read8(0x200000, false))).toBe(PF_P | PF_RSVD);
  });

  test('PDPTEs are registers, refused with reserved bits', () => {
    enablePae(true);
    cpu.poke(TABLE, 0x20000 | ALL);
    cpu.poke(PDPT, 0);
    cpu.mmu.flush();
    expect(cpu.mmu.translate(0, 'read', true)).toBe(0x20000);
    cpu.poke(PDPT + 8, DIRECTORY | PTE_P | PTE_RW);
    expect(cpu.mmu.loadPdptes(PDPT)).toBe(false);
    expect(cpu.mmu.translate(0, 'read', true)).toBe(0x20000);
    cpu.poke(PDPT + 8, PTE_RW);
    expect(cpu.mmu.loadPdptes(PDPT)).toBe(true);
  });
});

describe('invalidation', () => {
  beforeEach(() => {
    enablePaging();
    cpu.poke(TABLE, 0x20000 | ALL | PTE_G);
    cpu.poke(TABLE + 4, 0x21000 | ALL);
    for (const linear of [0x400000, 0x401000]) cpu.mmu.fill(linear, 'write', false);
  });

  test('global pages survive a non-global flush only', () => {
    cpu.mmu.flushNonGlobal();
    expect(tags(0x400000).write).toBe(true);
    expect(tags(0x401000)).toEqual(NONE);
    cpu.mmu.flush();
    expect(tags(0x400000)).toEqual(NONE);
  });

  test('G means nothing without PGE', () => {
    cpu.state.setCr(4, 0);
    cpu.mmu.flush();
    cpu.mmu.fill(0x400000, 'read', false);
    cpu.mmu.flushNonGlobal();
    expect(tags(0x400000)).toEqual(NONE);
  });

  test('INVLPG takes one page, global too, from both sets', () => {
    cpu.mmu.fill(0x400000, 'read', true);
    cpu.mmu.invalidatePage(0x400fff);
    expect(tags(0x400000)).toEqual(NONE);
    expect(tags(0x400000, true)).toEqual(NONE);
    expect(tags(0x401000).write).toBe(true);
  });

  test('INVLPG takes all of a large page', () => {
    cpu.poke(DIRECTORY + 8, 0x00800000 | ALL | PTE_PS);
    cpu.mmu.fill(0x802000, 'read', false);
    cpu.mmu.fill(0x812000, 'read', false);
    cpu.mmu.invalidatePage(0x9ab000);
    expect(tags(0x802000)).toEqual(NONE);
    expect(tags(0x812000)).toEqual(NONE);
    expect(tags(0x400000).write).toBe(true);
  });

  test('a replaced frame loses its entries', () => {
    cpu.mmu.dropFrame(0x21);
    expect(tags(0x401000)).toEqual(NONE);
    expect(tags(0x400000).write).toBe(true);
    cpu.mmu.dropFrame(-1);
    expect(tags(0x400000)).toEqual(NONE);
  });

  test('pages with code lose their write tags, and writes to them are told', () => {
    const frame = cpu.memory.writeFrame(0x21);
    if (frame === 0) throw new Error('no frame');
    cpu.memory.pool.setCodeTurn(frame, 1);
    cpu.mmu.protectCode(0x21);
    expect(tags(0x401000)).toEqual({ read: true, write: false, execute: true });
    cpu.mmu.write16(0x401010, 0xbeef, false);
    expect(cpu.calls).toContain('frameWritten 16 2');
    expect(cpu.peek(0x21010)).toBe(0xbeef);
    expect(tags(0x401000).write).toBe(false);
  });

  test('code takes the write tags of all pages that lead to its frame', () => {
    cpu.poke(TABLE + 8, 0x21000 | ALL);
    const protect = (): void => {
      const frame = cpu.memory.writeFrame(0x21);
      if (frame === 0) throw new Error('no frame');
      cpu.memory.pool.setCodeTurn(frame, 1);
      cpu.mmu.protectCode(0x21);
      cpu.memory.pool.setCodeTurn(frame, 0);
    };
    const written = (): boolean[] => [tags(0x401000).write, tags(0x402000).write, tags(0x402000, true).write];
    protect();
    expect(written()).toEqual([false, false, false]);
    cpu.mmu.fill(0x401000, 'write', false);
    cpu.mmu.invalidatePage(0x401000);
    cpu.mmu.fill(0x402000, 'write', false);
    expect(written()).toEqual([false, true, false]);
    protect();
    expect(written()).toEqual([false, false, false]);
    cpu.mmu.fill(0x401000, 'write', false);
    cpu.mmu.fill(0x402000, 'write', false);
    cpu.mmu.fill(0x402000, 'write', true);
    expect(written()).toEqual([true, true, true]);
    protect();
    expect(written()).toEqual([false, false, false]);
  });

  test('entries that share a slot replace each other', () => {
    cpu.poke(DIRECTORY + (SAME_SLOT >>> 20), TABLE | ALL);
    cpu.mmu.fill(SAME_SLOT, 'read', false);
    expect(tags(0x400000)).toEqual(NONE);
    expect(tags(SAME_SLOT).read).toBe(true);
    cpu.mmu.flush();
    expect(tags(SAME_SLOT)).toEqual(NONE);
  });

  test('a flush that spares global pages goes by what is in a slot now', () => {
    cpu.state.setCr(4, CR4_PGE);
    cpu.poke(TABLE, 0x20000 | ALL | PTE_G);
    cpu.poke(DIRECTORY + (SAME_SLOT >>> 20), OTHER_TABLE | ALL);
    cpu.poke(OTHER_TABLE, 0x22000 | ALL);
    cpu.mmu.fill(0x400000, 'read', false);
    cpu.mmu.fill(SAME_SLOT, 'read', false);
    cpu.mmu.flushNonGlobal();
    expect(tags(SAME_SLOT)).toEqual(NONE);
    cpu.mmu.fill(SAME_SLOT, 'read', false);
    cpu.mmu.fill(0x400000, 'read', false);
    cpu.mmu.flushNonGlobal();
    expect(tags(0x400000).read).toBe(true);
    cpu.mmu.flush();
    expect(tags(0x400000)).toEqual(NONE);
  });
});
