/** What the code fuzzer lays out in a guest's memory: descriptor tables, gates, task segments, page tables, stacks. */
import { physAddr } from '../../src/memory/address.ts';
import type { Random } from '../oracle/random.ts';
import type { FuzzMachine } from './machine.ts';

export const GDT = 0x10000, LDT = 0x12000, IDT = 0x13000, TASKS = 0x14000;
export const PAGE_DIRECTORY = 0x18000, PDPT = 0x19000, PAE_DIRECTORIES = 0x1a000, PAGE_TABLES = 0x20000;
export const CODE = 0x40000, CODE_BYTES = 0x800, DATA = 0x60000, STACK = 0x70000;
export const GDT_LIMIT = 0x1ff, IDT_LIMIT = 0x7ff, LDT_LIMIT = 0xff;
const TABLES = 8;
const TASK_SIZE = 0x200;

/** Descriptors by their place in the GDT; the fuzzers' selectors. */
export const CODE32 = 0x08, DATA32 = 0x10, USER_CODE32 = 0x18, USER_DATA32 = 0x20, CODE16 = 0x28, DATA16 = 0x30, LOCAL = 0x38, TASK = 0x40;
const TASK_B = 0x48, TASK16 = 0x50, CALL_GATE = 0x58, TASK_GATE = 0x60, CALL_GATE16 = 0x68, CONFORMING = 0x70, EXPAND_DOWN = 0x78, USER_GATE = 0x88;
export const USER_CODE16 = 0x80;
export const GATES = [CALL_GATE, TASK_GATE, CALL_GATE16, USER_GATE, TASK_B, TASK16];
export const SELECTORS: readonly number[] = [
  0, CODE32, DATA32, USER_CODE32, USER_DATA32, CODE16, DATA16, LOCAL, TASK, TASK_B, TASK16, CALL_GATE, TASK_GATE, CALL_GATE16, CONFORMING, EXPAND_DOWN, USER_CODE16,
  USER_GATE, 0x0c, 0x14, 0x90, 0x1f8, 0x200,
];

/** An address at which something is. */
export function interesting(random: Random): number {
  const at = random.pick([
    0, 0x400, 0x5000, GDT, LDT, IDT, TASKS, PAGE_DIRECTORY, PAE_DIRECTORIES, PAGE_TABLES, CODE, CODE, CODE, DATA, DATA, DATA, DATA, STACK, STACK, 0xa0000,
    0xb8000, 0xf0000, 0x100000, 0x3fffff, 0x400000, 0xe0000000, 0xfee00000, 0xfffff000, 0xffffffff,
  ]);
  return (at + (random.chance(60) ? random.below(0x1000) : random.pick([0, 1, 0xffe, 0xfff, -1, -3]))) >>> 0;
}

type Descriptor = readonly [low: number, high: number];

function segment(base: number, limit: number, access: number, flags: number): Descriptor {
  const low = ((base & 0xffff) << 16) | (limit & 0xffff);
  const high = (base & 0xff000000) | (flags << 20) | (limit & 0xf0000) | (access << 8) | ((base >>> 16) & 0xff);
  return [low >>> 0, high >>> 0];
}

function gate(selector: number, offset: number, access: number, count = 0): Descriptor {
  return [((selector << 16) | (offset & 0xffff)) >>> 0, ((offset & 0xffff0000) | (access << 8) | count) >>> 0];
}

function taskSegment(random: Random, n: number, busy: number): Descriptor {
  return segment(TASKS + n * TASK_SIZE, random.pick([0x67, 0x67, 0x1ff, 0x66, 0x2b, 0x20ff]), 0x89 | busy | random.pick([0, 0x60]), 0);
}

function globalDescriptors(random: Random): Descriptor[] {
  const data = (access: number): Descriptor => segment(random.pick([0, 0, 0, DATA]), random.pick([0xfffff, 0xfffff, 0xff]), access, 0xc);
  return [
    [0, 0], segment(0, 0xfffff, 0x9b, 0xc), data(0x93), segment(0, 0xfffff, 0xfb, 0xc), data(0xf3),
    segment(CODE, 0xffff, 0x9b, 0), segment(DATA, 0xffff, 0x93, 0), segment(LDT, LDT_LIMIT, 0x82, 0),
    taskSegment(random, 0, 2), taskSegment(random, 1, 0), segment(TASKS + 2 * TASK_SIZE, 0x2b, 0x81, 0),
    gate(CODE32, CODE + random.below(CODE_BYTES), 0x8c | random.pick([0, 0x60]), random.below(32)), gate(TASK_B, 0, 0x85 | random.pick([0, 0x60])),
    gate(CODE16, random.below(CODE_BYTES), 0x84 | random.pick([0, 0x60]), random.below(4)), segment(0, 0xfffff, random.pick([0x9e, 0xfe]), 0xc),
    segment(DATA, 0xff, random.pick([0x96, 0xf6]), random.pick([0, 4, 0xc])), segment(CODE, 0xffff, 0xfb, 0), gate(CODE32, CODE + random.below(CODE_BYTES), 0xec, 0),
  ];
}

function interruptGate(random: Random): Descriptor {
  const dpl = random.pick([0, 0x60]);
  const offset = random.below(CODE_BYTES);
  switch (random.below(12)) {
    case 0: return gate(TASK_B, 0, 0x85 | dpl);
    case 1: return gate(CODE16, offset, 0x86 | dpl);
    case 2: return gate(random.pick(SELECTORS), CODE + offset, random.below(256));
    case 3: return gate(CONFORMING, CODE + offset, 0x8f | dpl);
    case 4: return [random.u32(), random.u32()];
    default: return gate(CODE32, CODE + offset, (random.chance(50) ? 0x8e : 0x8f) | dpl);
  }
}

/** 32-bit task segments [SDM3 7.2.1] that could be entered, with what is wrong in some of them. */
function writeTask(random: Random, put: (at: number, value: number) => void, at: number): void {
  for (let i = 0; i < TASK_SIZE; i += 4) put(at + i, random.chance(20) ? random.value() : 0);
  const stack = (): number => STACK + random.below(0x8000);
  for (const [offset, value] of [[0, TASK], [4, stack()], [8, DATA32], [0xc, stack()], [0x10, random.pick(SELECTORS)], [0x14, stack()], [0x18, DATA32],
    [0x1c, random.pick([PAGE_DIRECTORY, PDPT, random.value()])], [0x20, CODE + random.below(CODE_BYTES)], [0x24, random.pick([2, 0x202, 0x4202, 0x23202, 0x3102, random.value()])],
    [0x38, stack()], [0x48, DATA32], [0x4c, random.pick([CODE32, USER_CODE32 | 3, CODE16, random.pick(SELECTORS)])], [0x50, random.pick([DATA32, USER_DATA32 | 3, random.pick(SELECTORS)])],
    [0x54, DATA32], [0x58, 0], [0x5c, 0], [0x60, random.pick([LOCAL, 0, 0x14])], [0x64, (random.pick([0x68, 0, 0xffff, 0x1f0]) << 16) | random.below(2)]] as const) {
    if (random.chance(92)) put(at + offset, value);
  }
}

/** Pages that mostly map onto themselves. */
function writePageTables(random: Random, put: (at: number, value: number) => void): void {
  const flags = (): number => (random.chance(85) ? 7 : random.below(0x200)) | (random.chance(3) ? random.value() & 0xfff : 0);
  const page = (linear: number): number => (random.chance(94) ? linear : random.pick([random.u32() & ~0xfff, 0xa0000, 0xe0000000, CODE, PAGE_TABLES, 0xfffff000, 0x7ffff000]));
  for (let i = 0; i < 1024; i++) {
    const table = PAGE_TABLES + (i % TABLES) * 4096;
    const odd = random.chance(10);
    put(PAGE_DIRECTORY + 4 * i, odd ? random.value() : i < TABLES ? table | 7 : random.pick([0, table | 7, ((i << 22) | 0x87) >>> 0, PAGE_DIRECTORY | 7]));
  }
  for (let i = 0; i < TABLES * 1024; i++) put(PAGE_TABLES + 4 * i, (page(i * 4096) | flags()) >>> 0);
  for (let i = 0; i < 4; i++) {
    put(PDPT + 8 * i, (PAE_DIRECTORIES + 4096 * i) | random.pick([1, 1, 1, 0, 7]));
    put(PDPT + 8 * i + 4, random.chance(5) ? random.value() : 0);
  }
  for (let i = 0; i < 2048; i++) {
    const large = ((i << 21) | 0x87) >>> 0;
    const own = PAGE_TABLES + (i % TABLES) * 4096;
    put(PAE_DIRECTORIES + 8 * i, random.chance(5) ? random.value() : random.chance(70) ? large : own | 7);
    put(PAE_DIRECTORIES + 8 * i + 4, random.chance(4) ? random.value() : 0);
  }
}

/** Everything but code. */
export function layOut(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const image = new DataView(new ArrayBuffer(PAGE_TABLES + TABLES * 4096 - GDT));
  const put = (at: number, value: number): void => image.setUint32(at - GDT, value >>> 0, true);
  const putAll = (at: number, list: readonly Descriptor[]): void => list.forEach(([low, high], i) => {
    const odd = random.chance(3);
    put(at + 8 * i, odd ? random.value() : low);
    put(at + 8 * i + 4, odd && random.chance(50) ? random.value() : high);
  });
  putAll(GDT, globalDescriptors(random));
  for (let i = 0x90; i <= GDT_LIMIT - 3; i += 4) put(GDT + i, random.u32());
  putAll(LDT, [[0, 0], segment(0, 0xfffff, 0xfb, 0xc), segment(0, 0xfffff, 0xf3, 0xc), segment(DATA, 0xfff, 0x92, 4)]);
  putAll(IDT, Array.from({ length: 256 }, () => interruptGate(random)));
  for (let n = 0; n < 4; n++) writeTask(random, put, TASKS + n * TASK_SIZE);
  writePageTables(random, put);
  m.machine.memory.write(physAddr(GDT), new Uint8Array(image.buffer));
}
