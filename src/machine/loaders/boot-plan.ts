/**
 * What a loader hands to the board: bytes to put into guest memory, and how the processor enters them. The processor
 * always starts at its reset vector; for an entry that bypasses firmware, a ROM of one page there takes it to protected
 * or 64-bit mode and into the guest (`entryRom`), so a loader needs to know nothing about the processor's insides.
 */
import { type ArenaAddr, arenaAddr, PAGE_SIZE } from '../../memory/address.ts';
import type { Arena } from '../../memory/arena.ts';
import { ByteWriter, le16, le32 } from './bytes.ts';

export interface Placement {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Where in the machine's arena they lie already. */
  readonly at?: ArenaAddr;
}

/** Pages of the machine's arena, in which some placements are: guest memory from the start on. */
export interface LentPages {
  readonly start: ArenaAddr;
  readonly end: ArenaAddr;
}

/** Registers at the entry; those not named are zero. */
export interface EntryState {
  readonly eip: number;
  readonly eax?: number;
  readonly ebx?: number;
  readonly esi?: number;
  readonly esp?: number;
  /** Entered in 64-bit mode, with these page tables, which map at least the first 4 GiB one to one. EAX is no parameter then. */
  readonly pageTables?: number;
}

export interface BootPlan {
  readonly placements: readonly Placement[];
  readonly entry: EntryState;
  /** Some of it was unpacked: rather to be made anew for each start than kept. */
  readonly unpacked?: boolean;
  /** For one start. */
  readonly lent?: LentPages;
}

/**
 * The plan with placements told as of the arena that are in it, for its views are lost whenever it grows, and with all that was reserved there
 * since it had `start` bytes in use.
 */
export function lend(plan: BootPlan, arena: Arena, start: number): BootPlan {
  const { buffer } = arena.memory;
  const lent = { start: arenaAddr(Math.ceil(start / PAGE_SIZE) * PAGE_SIZE), end: arenaAddr(Math.floor(arena.usedBytes / PAGE_SIZE) * PAGE_SIZE) };
  const placements = plan.placements.map((placement): Placement => {
    const { address, bytes } = placement;
    if (bytes.buffer !== buffer) return placement;
    const at = arenaAddr(bytes.byteOffset), end = at + bytes.length;
    return { address, at, get bytes() { return arena.u8.subarray(at, end); } };
  });
  return { ...plan, placements, lent };
}

const ROM_SIZE = 0x1000;
const ROM_BASE = 0xfffff000;
/** Offsets in the ROM page. */
const GDT = 0x100, GDTR = 0x140, PROTECTED = 0x40, RESET_VECTOR = 0xff0;
/** Selectors as the Linux boot protocol names them (__BOOT_CS, __BOOT_DS); multiboot leaves them open. */
const BOOT_CS = 0x10, BOOT_DS = 0x18;
/** The ROM's own 32-bit code segment on the way to 64 bits. */
const ROM_CS = 0x20;

/** Flat 4 GiB segments, marked accessed because a ROM cannot take the processor's mark [SDM3 3.4.5]. */
const CODE_DESCRIPTOR = [0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0];
const DATA_DESCRIPTOR = [0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0];
const CODE64_DESCRIPTOR = [0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0];

/** The page of ROM that ends at 4 GiB: from reset to the entry, with flat segments and interrupts off. */
export function entryRom(entry: EntryState): { base: number; bytes: Uint8Array } {
  const rom = new ByteWriter(ROM_SIZE);
  const wide = entry.pageTables !== undefined;
  rom.set(GDT + BOOT_CS, Uint8Array.from(wide ? CODE64_DESCRIPTOR : CODE_DESCRIPTOR));
  rom.set(GDT + BOOT_DS, Uint8Array.from(DATA_DESCRIPTOR));
  rom.set(GDT + ROM_CS, Uint8Array.from(CODE_DESCRIPTOR));
  rom.u16(GDTR, ROM_CS + 7);
  rom.u32(GDTR + 2, ROM_BASE + GDT);
  rom.set(0, Uint8Array.from([
    0xfa, // cli
    0xfc, // cld
    0x66, 0x2e, 0x0f, 0x01, 0x16, ...le16(0xf000 + GDTR), // o32 lgdt cs:[GDTR]
    0x0f, 0x20, 0xc0, // mov eax, cr0
    0x0c, 0x01, // or al, 1
    0x0f, 0x22, 0xc0, // mov cr0, eax
    0x66, 0xea, ...le32(ROM_BASE + PROTECTED), ...le16(ROM_CS), // jmp dword ROM_CS:PROTECTED
  ]));
  const segments = [
    0x66, 0xb8, ...le16(BOOT_DS), // mov ax, BOOT_DS
    0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0x8e, 0xe0, 0x8e, 0xe8, // mov ds, es, ss, fs, gs, ax
  ];
  const mode = entry.pageTables === undefined ? [] : enterLongMode(entry.pageTables);
  // The same bytes in 32-bit and 64-bit code, where the upper halves become zero.
  const registers = [
    0xb8, ...le32(entry.eax ?? 0), // mov eax, …
    0xb9, ...le32(0), // mov ecx, 0
    0xba, ...le32(0), // mov edx, 0
    0xbb, ...le32(entry.ebx ?? 0), // mov ebx, …
    0xbc, ...le32(entry.esp ?? 0), // mov esp, …
    0xbd, ...le32(0), // mov ebp, 0
    0xbe, ...le32(entry.esi ?? 0), // mov esi, …
    0xbf, ...le32(0), // mov edi, 0
  ];
  // A far jump goes on behind itself, to reload CS.
  const enter = [0xea, ...le32(ROM_BASE + PROTECTED + segments.length + mode.length + 7), ...le16(BOOT_CS)];
  const code = [...segments, ...mode, ...enter, ...registers];
  const next = ROM_BASE + PROTECTED + code.length + 5;
  const leave = wide
    ? [0xb8, ...le32(entry.eip), 0xff, 0xe0] // mov eax, eip; jmp rax
    : [0xe9, ...le32(entry.eip - next)]; // jmp eip
  rom.set(PROTECTED, Uint8Array.from([...code, ...leave]));
  rom.set(RESET_VECTOR, Uint8Array.from([0xe9, ...le16(0xf000 - 0xfff3)])); // jmp near F000
  return { base: ROM_BASE, bytes: rom.bytes };
}

/** Up to the far jump, which makes it 64-bit mode [SDM3 9.8.5]. */
function enterLongMode(pageTables: number): number[] {
  return [
    0x0f, 0x20, 0xe0, // mov eax, cr4
    0x0c, 0x20, // or al, PAE
    0x0f, 0x22, 0xe0, // mov cr4, eax
    0xb8, ...le32(pageTables), // mov eax, …
    0x0f, 0x22, 0xd8, // mov cr3, eax
    0xb9, ...le32(0xc0000080), // mov ecx, IA32_EFER
    0x0f, 0x32, // rdmsr
    0x80, 0xcc, 0x01, // or ah, LME
    0x0f, 0x30, // wrmsr
    0x0f, 0x20, 0xc0, // mov eax, cr0
    0x0d, ...le32(0x80000000), // or eax, PG
    0x0f, 0x22, 0xc0, // mov cr0, eax
  ];
}

const PAGE = 0x1000, LARGE_PAGE = 0x200000, ENTRIES = 512, GIB_TABLES = 4;
const PTE_PRESENT = 1, PTE_WRITABLE = 2, PTE_LARGE = 0x80;

/** Page tables at `address` that map the first 4 GiB one to one, in pages of 2 MiB [SDM3 4.5]. */
export function identityTables(address: number): Placement {
  const tables = new ByteWriter((2 + GIB_TABLES) * PAGE);
  const link = PTE_PRESENT | PTE_WRITABLE;
  tables.u64(0, (address + PAGE) | link);
  for (let i = 0; i < GIB_TABLES; i++) tables.u64(PAGE + 8 * i, (address + (2 + i) * PAGE) | link);
  for (let i = 0; i < GIB_TABLES * ENTRIES; i++) tables.u64(2 * PAGE + 8 * i, i * LARGE_PAGE + (link | PTE_LARGE));
  return { address, bytes: tables.bytes };
}
