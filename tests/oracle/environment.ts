/**
 * The machine that a case runs in: page tables, descriptors and exception handlers, as an image of guest-physical memory
 * that serves the emulator and QEMU alike. Cases run at privilege level 3; every exception ends one.
 */
import { CODE_BASE, DATA_BASE } from './record.ts';

export const RAM_BYTES = 32 << 20;
const PAGE_DIRECTORY = 0x200000;
const DATA_TABLE = 0x201000;
const CODE_TABLE = 0x202000;
/** Page table of the first 4 MiB. */
const LOW_TABLE = 0x20b000;
export const LDT = 0x20c000;
export const GDT = 0x203000;
export const IDT = 0x204000;
export const TSS = 0x205000;
export const STACK_TOP = 0x208000;
/** Sixteen bytes for each vector, beginning with HLT. */
export const HANDLERS = 0x209000;
export const DATA_FRAMES = 0x210000;
export const CODE_FRAMES = 0x230000;
export const CR3 = PAGE_DIRECTORY;

export const KERNEL_CODE = 0x08;
export const KERNEL_DATA = 0x10;
export const USER_CODE32 = 0x1b;
export const USER_DATA32 = 0x23;
export const USER_CODE16 = 0x2b;
export const USER_DATA16 = 0x33;
export const USER_FS = 0x3b;
export const USER_GS = 0x43;
export const TASK = 0x48;
export const LOCAL_TABLE = 0x50;
export const GDT_LIMIT = 0x57;
/** Paragraphs of virtual-8086 mode, at linear addresses that 32-bit cases hardly ever form. */
export const V86_DATA = 0x8a00;
export const V86_CODE = 0x9b00;
export const FS_BASE = DATA_BASE + 0x123;
export const FS_LIMIT = 0x17ff;
export const GS_LIMIT = 0x1fff;

const PRESENT = 1, WRITABLE = 2, USER = 4, LARGE = 0x80;

function descriptor(base: number, limit: number, access: number, flags: number): bigint {
  const b = BigInt(base >>> 0), l = BigInt(limit);
  return (l & 0xffffn) | ((b & 0xffffffn) << 16n) | (BigInt(access) << 40n) | ((l >> 16n) << 48n) | (BigInt(flags) << 52n) | ((b >> 24n) << 56n);
}

export interface EnvironmentOptions {
  /** The code pages may be written, for programs that change themselves. */
  readonly writableCode?: boolean;
}

/** Calls `poke` for each doubleword of the environment. */
export function buildEnvironment(poke: (address: number, value: number) => void, options: EnvironmentOptions = {}): void {
  for (let i = 0; i < RAM_BYTES >>> 22; i++) poke(PAGE_DIRECTORY + 4 * i, (i << 22) | LARGE | WRITABLE | PRESENT);
  poke(PAGE_DIRECTORY, LOW_TABLE | USER | WRITABLE | PRESENT);
  for (let i = 0; i < 1024; i++) poke(LOW_TABLE + 4 * i, (i << 12) | WRITABLE | PRESENT);
  poke(PAGE_DIRECTORY + (DATA_BASE >>> 22) * 4, DATA_TABLE | USER | WRITABLE | PRESENT);
  poke(PAGE_DIRECTORY + (CODE_BASE >>> 22) * 4, CODE_TABLE | USER | WRITABLE | PRESENT);
  for (const page of [0, 1, 15]) {
    for (const at of [DATA_TABLE, LOW_TABLE + (V86_DATA >> 8) * 4]) poke(at + 4 * page, (DATA_FRAMES + page * 4096) | USER | WRITABLE | PRESENT);
  }
  for (const page of [0, 1, 2]) {
    const entry = (CODE_FRAMES + page * 4096) | USER | (options.writableCode ? WRITABLE : 0) | PRESENT;
    for (const at of [CODE_TABLE, LOW_TABLE + (V86_CODE >> 8) * 4]) poke(at + 4 * page, entry);
  }
  const gdt = [
    0n,
    descriptor(0, 0xfffff, 0x9b, 0xc),
    descriptor(0, 0xfffff, 0x93, 0xc),
    descriptor(0, 0xfffff, 0xfb, 0xc),
    descriptor(0, 0xfffff, 0xf3, 0xc),
    descriptor(CODE_BASE, 0xffff, 0xfb, 0x0),
    descriptor(DATA_BASE, 0xffff, 0xf3, 0x0),
    descriptor(FS_BASE, FS_LIMIT, 0xf3, 0x4),
    descriptor(DATA_BASE, GS_LIMIT, 0xf1, 0x4),
    descriptor(TSS, 0x67, 0x89, 0x0),
    descriptor(LDT, 0x3f, 0x82, 0x0),
  ];
  // Some are not accessed yet, not present, conforming, of level 0, read-only, or execute-only.
  const ldt = [
    descriptor(0, 0xfffff, 0xfb, 0xc), descriptor(0, 0xfffff, 0xf3, 0xc), descriptor(DATA_BASE, 0xffff, 0xf2, 0x0), descriptor(0, 0xfffff, 0x9f, 0xc),
    descriptor(DATA_BASE, 0x1fff, 0xf1, 0x4), descriptor(0, 0xfffff, 0x73, 0xc), descriptor(CODE_BASE, 0xffff, 0xf9, 0x0), descriptor(0, 0xfffff, 0x93, 0xc),
  ];
  for (const [at, table] of [[GDT, gdt], [LDT, ldt]] as const) {
    table.forEach((d, i) => {
      poke(at + 8 * i, Number(d & 0xffffffffn));
      poke(at + 8 * i + 4, Number(d >> 32n));
    });
  }
  for (let vector = 0; vector < 256; vector++) {
    const at = HANDLERS + vector * 16;
    const dpl = vector === 3 || vector === 4 ? 3 : 0;
    poke(IDT + 8 * vector, (KERNEL_CODE << 16) | (at & 0xffff));
    poke(IDT + 8 * vector + 4, (at & 0xffff0000) | 0x8e00 | (dpl << 13));
    poke(at, 0xf4);
  }
  poke(TSS + 4, STACK_TOP);
  poke(TSS + 8, KERNEL_DATA);
  poke(TSS + 0x64, 0x68 << 16);
  for (let i = 0; i < 0x3000; i += 4) poke(CODE_FRAMES + i, 0xcccccccc);
}
