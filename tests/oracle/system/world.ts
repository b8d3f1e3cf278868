/**
 * The states that system cases start from, as images of physical memory and values of registers: real mode, and privilege
 * level 0 of protected mode in 16 and 32 bits, with paging. Data and code lie where the generator's modes have them.
 */
import * as E from '../environment.ts';
import * as R from '../record.ts';

export interface Segment {
  readonly selector: number;
  readonly base: number;
  readonly limit: number;
  readonly attributes: number;
}
export interface Kind {
  readonly name: string;
  /** The generator's mode, of the same code and operands. */
  readonly mode: number;
  readonly real: boolean;
  readonly cr0: number;
  readonly cr4: number;
  readonly idt: { readonly base: number; readonly limit: number };
  /** In encoding order. */
  readonly segments: readonly Segment[];
  /** Parts of physical memory that cases may change: where, and how long. */
  readonly regions: readonly (readonly [number, number])[];
}

export const GDT_LIMIT = 0x6f;
export const LDTR: Segment = { selector: E.LOCAL_TABLE, base: E.LDT, limit: E.LDT_LIMIT, attributes: 0x82 };
export const TR: Segment = { selector: E.TASK, base: E.TSS, limit: 0x67, attributes: 0x8b };
/** Descriptor of the task, whose type says that it is busy. */
export const TASK_TYPE = E.GDT + E.TASK + 5;
export const TASK_BUSY = 0x8b, TASK_AVAILABLE = 0x89;
const CODE16 = 0x58, DATA16 = 0x60, DOUBLE_FAULT_TASK = 0x68;
const DOUBLE_FAULT_TSS = E.TSS + 0x100;
const DOUBLE_FAULT = 8;

/** Handlers of real mode, by 16 bytes, and QEMU's way into a state: LGDT and LIDT in 16 bits, LLDT and LTR in 32. */
export const REAL_HANDLERS = 0x9e00, STUB = 0x9f00;
export const STUB_TABLES = 0x100, STUB_32 = 0x20;

const REAL = { base: 0, limit: 0x3ff };
const PROTECTED = { base: E.IDT, limit: 0x7ff };
const TABLES: readonly [number, number] = [0x200000, 0x34000];
const STUB_REGION: readonly [number, number] = [STUB << 4, 0x1000];
const paragraph = (selector: number): Segment => ({ selector, base: selector << 4, limit: 0xffff, attributes: 0x93 });
const flat = (selector: number, attributes: number): Segment => ({ selector, base: 0, limit: 0xffffffff, attributes });
const EXTRA: readonly Segment[] = [
  { selector: E.USER_FS & ~3, base: E.FS_BASE, limit: E.FS_LIMIT, attributes: 0x40f3 },
  { selector: E.USER_GS & ~3, base: R.DATA_BASE, limit: E.GS_LIMIT, attributes: 0x40f1 },
];
const inOrder = (code: Segment, data: Segment): Segment[] => [data, code, data, data];

export const KINDS: readonly Kind[] = [
  {
    name: 'real', mode: R.MODE_V86, real: true, cr0: 0x30, cr4: 0, idt: REAL, regions: [[0, 0xa0000], TABLES],
    segments: [...inOrder(paragraph(E.V86_CODE), paragraph(E.V86_DATA)), paragraph(E.V86_DATA), paragraph(E.V86_DATA)],
  },
  {
    name: 'level 0, 16 bits', mode: R.MODE_CODE16, real: false, cr0: 0x80010033, cr4: 0x600, idt: PROTECTED, regions: [STUB_REGION, TABLES],
    segments: [
      ...inOrder({ selector: CODE16, base: R.CODE_BASE, limit: 0xffff, attributes: 0x9b }, { selector: DATA16, base: R.DATA_BASE, limit: 0xffff, attributes: 0x93 }), ...EXTRA,
    ],
  },
  {
    name: 'level 0, 32 bits', mode: R.MODE_FLAT32, real: false, cr0: 0x80010033, cr4: 0x600, idt: PROTECTED, regions: [STUB_REGION, TABLES],
    segments: [...inOrder(flat(E.KERNEL_CODE, 0xc09b), flat(E.KERNEL_DATA, 0xc093)), ...EXTRA],
  },
];

/** Where code and data lie in physical memory. */
export const codeAt = (kind: Kind): number => (kind.real ? E.V86_CODE << 4 : E.CODE_FRAMES);
const dataAt = (kind: Kind): number => (kind.real ? E.V86_DATA << 4 : E.DATA_FRAMES);
/** The physical address of a linear one that something may have been pushed to. */
export function physical(kind: Kind, linear: number): number {
  const inData = !kind.real && linear >= R.DATA_BASE && linear < R.CODE_BASE;
  return inData ? linear - R.DATA_BASE + E.DATA_FRAMES : linear;
}

const little = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** Memory from 0 to the end of the tables, as a case of the kind finds it. */
export function makeImage(kind: Kind, baseline: Uint8Array): Uint8Array {
  const image = new Uint8Array(E.RAM_BYTES);
  const view = new DataView(image.buffer);
  E.buildEnvironment((address, value) => view.setUint32(address, value, true));
  const keep = (page: number): boolean => page * 4096 >= TABLES[0] && page * 4096 < TABLES[0] + TABLES[1];
  // What a case has no business with is not mapped, where the two machines' memories differ.
  const table = view.getUint32(E.CR3, true) & ~0xfff;
  for (let page = 0; page < 1024; page++) if (!keep(page) && !(view.getUint32(table + 4 * page, true) & 4)) view.setUint32(table + 4 * page, 0, true);
  for (let i = 1; i < E.RAM_BYTES >>> 22; i++) view.setUint32(E.CR3 + 4 * i, 0, true);
  image.set([0xff, 0xff, ...little(R.CODE_BASE).slice(0, 3), 0x9b, 0, R.CODE_BASE >>> 24], E.GDT + CODE16);
  image.set([0xff, 0xff, ...little(R.DATA_BASE).slice(0, 3), 0x93, 0, R.DATA_BASE >>> 24], E.GDT + DATA16);
  image.set([0x67, 0, ...little(DOUBLE_FAULT_TSS).slice(0, 3), 0x89, 0, 0], E.GDT + DOUBLE_FAULT_TASK);
  image.set([0, 0, DOUBLE_FAULT_TASK, 0, 0, 0x85, 0, 0], E.IDT + 8 * DOUBLE_FAULT);
  // CR3, EIP, EFLAGS, ESP, ES, CS, SS, DS, LDT, and where the I/O map would begin [SDM3 8.2.1].
  const task: readonly (readonly [number, number])[] = [
    [0x1c, E.CR3], [0x20, E.HANDLERS + 16 * DOUBLE_FAULT], [0x24, 2], [0x38, E.STACK_TOP - 0x800], [0x48, E.KERNEL_DATA], [0x4c, E.KERNEL_CODE],
    [0x50, E.KERNEL_DATA], [0x54, E.KERNEL_DATA], [0x60, E.LOCAL_TABLE], [0x64, 0x680000],
  ];
  for (const [at, value] of task) view.setUint32(DOUBLE_FAULT_TSS + at, value, true);
  image[TASK_TYPE] = TASK_BUSY;
  if (kind.real) for (let v = 0; v < 256; v++) image.set([...little(16 * v).slice(0, 2), ...little(REAL_HANDLERS).slice(0, 2)], 4 * v);
  for (const [i, offset] of R.DATA_PAGES.entries()) image.set(baseline.subarray(4096 * i, 4096 * i + 4096), dataAt(kind) + offset);
  image.fill(R.INT3, codeAt(kind), codeAt(kind) + R.CODE_SIZE);
  const stub = STUB << 4;
  image.set([0x66, 0x0f, 0x01, 0x16, ...little(STUB_TABLES).slice(0, 2), 0x66, 0x0f, 0x01, 0x1e, ...little(STUB_TABLES + 8).slice(0, 2)], stub); // lgdt, lidt
  image.set([0x0f, 0x00, 0xd0, 0x0f, 0x00, 0xdb], stub + STUB_32); // lldt ax; ltr bx
  image.set([...little(GDT_LIMIT).slice(0, 2), ...little(E.GDT)], stub + STUB_TABLES);
  image.set([...little(kind.idt.limit).slice(0, 2), ...little(kind.idt.base)], stub + STUB_TABLES + 8);
  return image;
}

/** The vector whose handler an address is the entry of; undefined: none. */
export function vectorOf(kind: Kind, cs: number, eip: number): number | undefined {
  const offset = eip - (kind.real ? 0 : E.HANDLERS);
  if (cs !== (kind.real ? REAL_HANDLERS : E.KERNEL_CODE) || offset < 0 || offset >= 0x1000 || offset & 15) return undefined;
  return offset >> 4;
}

/** All of a processor's state that the two tell of, by name. */
export type State = Map<string, number>;
export const GENERAL = ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI'];
export const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDT', 'TR'];

export interface Outcome {
  readonly state: State;
  /** The kind's regions, one after the other. */
  readonly memory: readonly Uint8Array[];
}

export interface Case {
  readonly kind: Kind;
  readonly code: Uint8Array;
  readonly eip: number;
  readonly eflags: number;
  readonly registers: readonly number[];
}
