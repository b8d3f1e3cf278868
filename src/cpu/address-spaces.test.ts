import { beforeEach, expect, test } from 'vitest';
import { writeCr3 } from './control-registers.ts';
import * as L from './layout.ts';
import { PTE_A, PTE_D, PTE_G, PTE_P, PTE_RW, PTE_US } from './paging.ts';
import { CR0_PE, CR0_PG, CR4_PAE, CR4_PGE } from './registers.ts';
import { faultOf, TestCpu } from './test-cpu.ts';

/** Two address spaces, and a table that is in both. */
const ONE = 0x10000, TWO = 0x11000, TABLE = 0x12000;
const ALL = PTE_P | PTE_RW | PTE_US;
const PAGE = 0x400000;
let cpu: TestCpu;

const cached = (linear: number, tag: number = L.TLB_READ): boolean =>
  cpu.state.getU64(L.TLB_SUPERVISOR + ((linear >>> 12) % L.TLB_ENTRIES) * L.TLB_ENTRY_SIZE + tag) === BigInt(linear);
/** There and back. */
function leave(change: () => void = () => {}): void {
  writeCr3(cpu, TWO);
  change();
  writeCr3(cpu, ONE);
}

beforeEach(() => {
  cpu = new TestCpu();
  for (const directory of [ONE, TWO]) cpu.poke(directory + 4, TABLE | ALL);
  for (let n = 0; n < 64; n++) cpu.poke(TABLE + n * 4, 0x100000 | (n << 12) | ALL);
  cpu.state.setCr(4, CR4_PGE);
  cpu.state.setCr(0, CR0_PE | CR0_PG);
  cpu.mmu.flush();
  writeCr3(cpu, ONE);
});

test('a page is there again when its address space is, and not in another one', () => {
  cpu.mmu.write8(PAGE, 0x55, false);
  cpu.mmu.write8(PAGE, 0x55, true);
  leave(() => expect(cached(PAGE)).toBe(false));
  expect([cached(PAGE), cached(PAGE, L.TLB_WRITE), cpu.mmu.read8(PAGE, false)]).toEqual([true, true, 0x55]);
  // The same once more, and when the same space is loaded.
  leave();
  writeCr3(cpu, ONE);
  expect(cached(PAGE)).toBe(true);
});

test('a page whose entries have changed is walked anew', () => {
  for (const change of [() => cpu.poke(TABLE, 0x120000 | ALL), () => cpu.poke(TABLE, 0), () => cpu.poke(ONE + 4, 0), () => cpu.poke(TABLE, 0x100000 | ALL | PTE_A)]) {
    cpu.poke(ONE + 4, TABLE | ALL);
    cpu.poke(TABLE, 0x100000 | ALL);
    writeCr3(cpu, ONE);
    cpu.mmu.write8(PAGE, 1, false);
    expect(cpu.peek(TABLE) & PTE_D).toBe(PTE_D);
    leave(change);
    expect(cached(PAGE)).toBe(false);
  }
  cpu.poke(TABLE, PTE_US);
  expect(faultOf(() => cpu.mmu.read8(PAGE, false))).toBe('14(0)');
});

test('nothing is put back after what makes all translations stale', () => {
  const changes = [
    () => cpu.mmu.flush(), () => cpu.mmu.dropFrame(-1), () => cpu.mmu.setEfer(0), () => cpu.mmu.clear(), () => cpu.mmu.setBreakpointPages([PAGE]),
  ];
  for (const change of changes) {
    cpu.mmu.read8(PAGE, false);
    leave(change);
    expect(cached(PAGE)).toBe(false);
  }
});

test('the frame is the one that is there now', () => {
  cpu.mmu.read8(PAGE, false);
  leave(() => cpu.memory.writePhys(0x100000, 1, 0x77));
  expect(cpu.mmu.read8(PAGE, false)).toBe(0x77);
});

test('stores to code that was made meanwhile ask', () => {
  cpu.mmu.write8(PAGE, 0x55, false);
  const frame = cpu.memory.writeFrame(0x100);
  if (frame === 0) throw new Error('no frame');
  leave(() => cpu.memory.pool.setCodeTurn(frame, 1));
  expect([cached(PAGE), cached(PAGE, L.TLB_WRITE)]).toEqual([true, false]);
});

test('global pages stay, the last pages come back, and few enough address spaces are kept', () => {
  cpu.poke(TABLE, 0x100000 | ALL | PTE_G);
  for (let n = 0; n < 64; n++) cpu.mmu.read8(PAGE + n * 4096, false);
  leave();
  expect(Array.from({ length: 64 }, (_, n) => cached(PAGE + n * 4096))).toEqual(Array.from({ length: 64 }, (_, n) => n === 0 || n >= 32));
  for (let n = 0; n < 20; n++) writeCr3(cpu, 0x20000 + n * 4096);
  writeCr3(cpu, ONE);
  expect(cached(PAGE + 63 * 4096)).toBe(false);
});

test('with PAE paging the PDPTE register counts', () => {
  const PDPT = 0x13000, OTHER = 0x14000;
  for (const [table, to] of [[PDPT, ONE], [OTHER, TWO]]) {
    cpu.poke(table, to | PTE_P);
    cpu.poke(to, TABLE | ALL);
    cpu.poke(to + 4, 0);
  }
  for (let n = 0; n < 2; n++) cpu.poke(TABLE + n * 4, n === 0 ? 0x100000 | ALL : 0);
  cpu.state.setCr(4, CR4_PAE);
  cpu.mmu.flush();
  writeCr3(cpu, PDPT);
  cpu.mmu.read8(0, false);
  writeCr3(cpu, OTHER);
  writeCr3(cpu, PDPT);
  expect(cached(0)).toBe(true);
  writeCr3(cpu, OTHER);
  cpu.poke(PDPT, TWO | PTE_P);
  writeCr3(cpu, PDPT);
  expect(cached(0)).toBe(false);
});
