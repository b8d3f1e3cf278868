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
/** Where Linux has the flat segments of its programs of 32 bits; the others are in the local table, as modify_ldt puts them there. */
export const USER_CODE32 = 0x23;
export const USER_DATA32 = 0x2b;
export const USER_CODE16 = 0x07;
export const USER_DATA16 = 0x0f;
export const USER_FS = 0x17;
export const USER_GS = 0x1f;
export const TASK = 0x48;
export const LOCAL_TABLE = 0x50;
export const GDT_LIMIT = 0x7f;
/** Paragraphs of virtual-8086 mode, at linear addresses that 32-bit cases hardly ever form. */
export const V86_DATA = 0x8a00;
export const V86_CODE = 0x9b00;
export const FS_BASE = DATA_BASE + 0x123;
export const FS_LIMIT = 0x17ff;
export const GS_LIMIT = 0x1fff;

const PRESENT = 1, WRITABLE = 2, USER = 4, LARGE = 0x80;

export interface LocalSegment {
  readonly base: number;
  /** In pages when `big` has 8, G. */
  readonly limit: number;
  readonly access: number;
  /** 4: D or B; 8: G. */
  readonly flags: number;
}
const EXECUTE_ONLY = 0xf9, CODE = 0xfb, READ_ONLY = 0xf1, DATA = 0xf3, DOWN_READ_ONLY = 0xf5, DOWN = 0xf7, NOT_PRESENT = 0x73, NOT_PRESENT_CODE = 0x7f;
const B = 4, G = 8;
/** The local table: what modify_ldt can make, of every type but conforming code that is present, with limits in and around the data. */
export const LOCAL: readonly LocalSegment[] = [
  { base: CODE_BASE, limit: 0xffff, access: CODE, flags: 0 },
  { base: DATA_BASE, limit: 0xffff, access: DATA, flags: 0 },
  { base: FS_BASE, limit: FS_LIMIT, access: DATA, flags: B },
  { base: DATA_BASE, limit: GS_LIMIT, access: READ_ONLY, flags: B },
  { base: DATA_BASE, limit: 0xfff, access: DOWN, flags: B },
  { base: DATA_BASE, limit: 0xfff, access: DOWN, flags: 0 },
  { base: 0, limit: 0xfffff, access: EXECUTE_ONLY, flags: B | G },
  { base: DATA_BASE, limit: 0xffff, access: NOT_PRESENT, flags: B },
  { base: 0, limit: 0x10001, access: DATA, flags: B | G },
  { base: DATA_BASE, limit: 1, access: DATA, flags: B | G },
  { base: DATA_BASE, limit: 0, access: DOWN_READ_ONLY, flags: B | G },
  { base: DATA_BASE + 0x800, limit: 0, access: DATA, flags: B },
  { base: CODE_BASE, limit: 0xffff, access: EXECUTE_ONLY, flags: 0 },
  { base: CODE_BASE, limit: 0xffff, access: NOT_PRESENT_CODE, flags: 0 },
  // Offsets of the data lead around the end of the address space.
  { base: 0xf0000000, limit: 0xfffff, access: DATA, flags: B | G },
  { base: DATA_BASE, limit: 0x1ffe, access: DATA, flags: B },
];
export const LDT_LIMIT = 8 * LOCAL.length - 1;
const LOCAL_BITS = 7;
export const localSelector = (index: number): number => (8 * index) | LOCAL_BITS;
/** What data segment registers can hold, and SS. */
export const DATA_SELECTORS: readonly number[] = [0, USER_CODE32, USER_DATA32, ...LOCAL.flatMap((s, i) => ((s.access & 0x80) !== 0 && (s.access & 0xa) !== 8 ? [localSelector(i)] : []))];
export const STACK_SELECTORS: readonly number[] = [USER_DATA32, ...LOCAL.flatMap((s, i) => ((s.access & 0x8a) === 0x82 ? [localSelector(i)] : []))];

const NO_SEGMENT: LocalSegment = { base: 0, limit: 0, access: 0, flags: 0 };
/** What a segment register holds with a selector of these; the limit in bytes. */
export function segmentOf(selector: number): LocalSegment {
  if (selector === USER_CODE32 || selector === USER_DATA32) return { base: 0, limit: 0xffffffff, access: selector === USER_CODE32 ? CODE : DATA, flags: B | G };
  const local = (selector & LOCAL_BITS) === LOCAL_BITS ? LOCAL[selector >> 3] : undefined;
  if (!local) return NO_SEGMENT;
  return (local.flags & G) === 0 ? local : { ...local, limit: ((local.limit << 12) | 0xfff) >>> 0 };
}

/** Stacks in it have 32-bit pointers. */
export const isBig = (selector: number): boolean => (segmentOf(selector).flags & B) !== 0;

function descriptor(base: number, limit: number, access: number, flags: number): bigint {
  const b = BigInt(base >>> 0), l = BigInt(limit);
  return (l & 0xffffn) | ((b & 0xffffffn) << 16n) | (BigInt(access) << 40n) | ((l >> 16n) << 48n) | (BigInt(flags) << 52n) | ((b >> 24n) << 56n);
}

export interface EnvironmentOptions {
  /** The code pages may be written, for programs that change themselves. */
  readonly writableCode?: boolean;
  /** CR0.AM is set, as Linux sets it: a program that sets EFLAGS.AC has its accesses checked. QEMU checks none. */
  readonly alignmentChecks?: boolean;
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
    0n,
    descriptor(0, 0xfffff, CODE, B | G),
    descriptor(0, 0xfffff, DATA, B | G),
    // Linux's code segment of 64 bits, and at the end that with the processor's number as its limit.
    descriptor(0, 0xfffff, CODE, 0xa),
    0n,
    0n,
    descriptor(TSS, 0x67, 0x89, 0x0),
    descriptor(LDT, LDT_LIMIT, 0x82, 0x0),
    0n,
    0n,
    0n,
    0n,
    descriptor(0, 0, DOWN_READ_ONLY, B),
  ];
  const ldt = LOCAL.map((s) => descriptor(s.base, s.limit, s.access, s.flags));
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
