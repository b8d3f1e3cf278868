/**
 * What a loader hands to the board: bytes to put into guest memory, and how the processor enters them. The processor
 * always starts at its reset vector; for an entry that bypasses firmware, a ROM of one page there takes it to protected
 * mode and into the guest (`entryRom`), so a loader needs to know nothing about the processor's insides.
 */
import { ByteWriter } from './bytes.ts';

export interface Placement {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Registers at the entry; those not named are zero. */
export interface EntryState {
  readonly eip: number;
  readonly eax?: number;
  readonly ebx?: number;
  readonly esi?: number;
  readonly esp?: number;
}

export interface BootPlan {
  readonly placements: readonly Placement[];
  readonly entry: EntryState;
}

const ROM_SIZE = 0x1000;
const ROM_BASE = 0xfffff000;
/** Offsets in the ROM page. */
const GDT = 0x100, GDTR = 0x140, PROTECTED = 0x40, RESET_VECTOR = 0xff0;
/** Selectors as the Linux boot protocol names them (__BOOT_CS, __BOOT_DS); multiboot leaves them open. */
const BOOT_CS = 0x10, BOOT_DS = 0x18;

/** Flat 4 GiB segments, marked accessed because a ROM cannot take the processor's mark [SDM3 3.4.5]. */
const CODE_DESCRIPTOR = [0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0];
const DATA_DESCRIPTOR = [0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0];

/** The page of ROM that ends at 4 GiB: from reset to the entry in flat 32-bit protected mode, interrupts off. */
export function entryRom(entry: EntryState): { base: number; bytes: Uint8Array } {
  const rom = new ByteWriter(ROM_SIZE);
  rom.set(GDT + BOOT_CS, Uint8Array.from(CODE_DESCRIPTOR));
  rom.set(GDT + BOOT_DS, Uint8Array.from(DATA_DESCRIPTOR));
  rom.u16(GDTR, 0x1f);
  rom.u32(GDTR + 2, ROM_BASE + GDT);
  rom.set(0, Uint8Array.from([
    0xfa, // cli
    0xfc, // cld
    0x66, 0x2e, 0x0f, 0x01, 0x16, ...le16(0xf000 + GDTR), // o32 lgdt cs:[GDTR]
    0x0f, 0x20, 0xc0, // mov eax, cr0
    0x0c, 0x01, // or al, 1
    0x0f, 0x22, 0xc0, // mov cr0, eax
    0x66, 0xea, ...le32(ROM_BASE + PROTECTED), ...le16(BOOT_CS), // jmp dword BOOT_CS:PROTECTED
  ]));
  const code = [
    0x66, 0xb8, ...le16(BOOT_DS), // mov ax, BOOT_DS
    0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0x8e, 0xe0, 0x8e, 0xe8, // mov ds, es, ss, fs, gs, ax
    0xb8, ...le32(entry.eax ?? 0), // mov eax, …
    0xb9, ...le32(0), // mov ecx, 0
    0xba, ...le32(0), // mov edx, 0
    0xbb, ...le32(entry.ebx ?? 0), // mov ebx, …
    0xbc, ...le32(entry.esp ?? 0), // mov esp, …
    0xbd, ...le32(0), // mov ebp, 0
    0xbe, ...le32(entry.esi ?? 0), // mov esi, …
    0xbf, ...le32(0), // mov edi, 0
  ];
  const next = ROM_BASE + PROTECTED + code.length + 5;
  rom.set(PROTECTED, Uint8Array.from([...code, 0xe9, ...le32(entry.eip - next)])); // jmp eip
  rom.set(RESET_VECTOR, Uint8Array.from([0xe9, ...le16(0xf000 - 0xfff3)])); // jmp near F000
  return { base: ROM_BASE, bytes: rom.bytes };
}

function le16(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}

function le32(value: number): number[] {
  return [...le16(value), ...le16(value >>> 16)];
}
