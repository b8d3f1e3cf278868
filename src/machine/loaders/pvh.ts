/**
 * Kernels with a PVH entry: ELF executables whose note XEN_ELFNOTE_PHYS32_ENTRY says where they start, in flat 32-bit
 * protected mode, with the address of a start information block in EBX. Linux has one in its vmlinux, library OSes too.
 *
 * References: [PVH] xen docs/misc/pvh.pandoc, include/public/arch-x86/hvm/start_info.h, include/public/elfnote.h.
 */
import { EmulatorError } from '../../errors.ts';
import { ramLayout } from '../../memory/ram-layout.ts';
import type { BootPlan, Placement } from './boot-plan.ts';
import { ByteReader, ByteWriter, mebibytes, zeroTerminated } from './bytes.ts';
import { elfNotes, elfPlacements, elfSegments, elfWidth } from './elf.ts';
import { EBDA_BASE, HIGH_MEMORY, memoryMap } from './memory-map.ts';

const XEN_ELFNOTE_PHYS32_ENTRY = 18;
// struct hvm_start_info, version 1
const START_MAGIC = 0x336ec578, START_VERSION = 1, START_SIZE = 56;
const MODULE_SIZE = 32, MAP_ENTRY_SIZE = 24;
/** Start information, in conventional memory that kernels at 1 MiB leave alone. */
const INFO_BASE = 0x6000, INFO_LIMIT = 0x10000;
const PAGE = 0x1000;

export interface PvhOptions {
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array | undefined;
  readonly commandLine?: string | undefined;
  readonly ramBytes: number;
  readonly rsdp: number;
  /** The processor has long mode, so a 64-bit kernel may run. */
  readonly longMode: boolean;
}

/** True for an ELF executable that has the note. */
export function isPvh(image: Uint8Array): boolean {
  const reader = new ByteReader(image);
  return elfWidth(reader) !== undefined && pvhEntry(reader) !== undefined;
}

/** @throws EmulatorError `bad-image` for a damaged kernel, `image-too-large` when it does not fit, `bad-option` */
export function loadPvh(options: PvhOptions): BootPlan {
  const image = new ByteReader(options.kernel);
  const entry = pvhEntry(image);
  if (entry === undefined) throw new EmulatorError('bad-image', 'this file has no PVH entry (XEN_ELFNOTE_PHYS32_ENTRY)');
  if (elfWidth(image) === 64 && !options.longMode) {
    throw new EmulatorError('bad-image', 'this kernel is 64-bit, and the processor of this machine has 32 bits (-cpu); take x86-64-v3, or an i386 kernel');
  }
  const { below } = ramLayout(options.ramBytes);
  const placements = elfPlacements(image, elfSegments(image));
  for (const placement of placements) checkPlacement(placement, below);
  const kernelEnd = Math.max(HIGH_MEMORY, ...placements.map(({ address, bytes }) => address + bytes.length));
  const initrd = placeInitrd(options.initrd, kernelEnd, below);
  if (initrd) placements.push(initrd);
  placements.push({ address: INFO_BASE, bytes: startInformation(options, initrd) });
  return { placements, entry: { eip: entry, ebx: INFO_BASE } };
}

/** The note has 32 bits, or 64 in kernels of 64 bits. */
function pvhEntry(image: ByteReader): number | undefined {
  const note = elfNotes(image, elfSegments(image)).find(({ name, type }) => name === 'Xen' && type === XEN_ELFNOTE_PHYS32_ENTRY);
  return note && note.data.length >= 4 ? note.data.u32(0) : undefined;
}

function checkPlacement({ address, bytes }: Placement, ramBytes: number): void {
  const end = address + bytes.length;
  if (end > ramBytes) {
    throw new EmulatorError('image-too-large', `the kernel needs memory up to ${mebibytes(end)} MiB, the machine has ${mebibytes(ramBytes)} MiB; give it more (-m)`);
  }
  if ((address < HIGH_MEMORY && end > EBDA_BASE) || (address < INFO_LIMIT && end > INFO_BASE)) {
    throw new EmulatorError('bad-image', `the kernel wants to lie at ${address.toString(16)}h, where firmware's data and devices are; link it at 1 MiB or above`);
  }
}

/** As high as it goes: kernels take what follows them while they start. */
function placeInitrd(bytes: Uint8Array | undefined, kernelEnd: number, ramBytes: number): Placement | undefined {
  if (bytes === undefined) return undefined;
  const address = Math.floor((ramBytes - bytes.length) / PAGE) * PAGE;
  if (address < kernelEnd) {
    throw new EmulatorError('image-too-large', `kernel and initrd do not fit into ${mebibytes(ramBytes)} MiB; give the machine more memory (-m)`);
  }
  return { address, bytes };
}

function startInformation(options: PvhOptions, initrd: Placement | undefined): Uint8Array {
  const map = memoryMap(options.ramBytes);
  const commandLine = zeroTerminated(options.commandLine ?? '');
  const modulesAt = START_SIZE, mapAt = modulesAt + MODULE_SIZE, commandLineAt = mapAt + map.length * MAP_ENTRY_SIZE;
  const size = commandLineAt + commandLine.length;
  if (size > INFO_LIMIT - INFO_BASE) throw new EmulatorError('bad-option', 'the command line is too long');
  const info = new ByteWriter(size);
  info.u32(0, START_MAGIC);
  info.u32(4, START_VERSION);
  info.u32(12, initrd ? 1 : 0);
  info.u64(16, INFO_BASE + modulesAt);
  info.u64(24, INFO_BASE + commandLineAt);
  info.u64(32, options.rsdp);
  info.u64(40, INFO_BASE + mapAt);
  info.u32(48, map.length);
  info.u64(modulesAt, initrd?.address ?? 0);
  info.u64(modulesAt + 8, initrd?.bytes.length ?? 0);
  map.forEach(({ base, size: bytes, type }, i) => {
    const at = mapAt + i * MAP_ENTRY_SIZE;
    info.u64(at, base);
    info.u64(at + 8, bytes);
    info.u32(at + 16, type);
  });
  info.set(commandLineAt, commandLine);
  return info.bytes;
}
