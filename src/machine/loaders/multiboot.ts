/**
 * Multiboot 1 kernels: an ELF executable, or any file whose header gives load addresses itself.
 * Reference: [multiboot] The Multiboot Specification 0.6.96.
 *
 * Deviation: a request for a video mode is not honoured; the guest finds VGA text mode 3.
 */
import { EmulatorError } from '../../errors.ts';
import { ramLayout } from '../../memory/ram-layout.ts';
import type { BootPlan, Placement } from './boot-plan.ts';
import { ByteReader, ByteWriter, mebibytes, zeroTerminated } from './bytes.ts';
import { elfEntry, elfPlacements, elfSegments, elfWidth, placeSegment } from './elf.ts';
import { EBDA_BASE, HIGH_MEMORY, memoryMap } from './memory-map.ts';

// Header [multiboot 3.1]
const HEADER_MAGIC = 0x1badb002, HEADER_SEARCH = 8192;
const PAGE_ALIGN = 1 << 0, MEMORY_INFO = 1 << 1, VIDEO_MODE = 1 << 2, AOUT_KLUDGE = 1 << 16;
/** Flags 0 to 15 are requirements: a loader that does not know one must refuse. */
const KNOWN_REQUIREMENTS = PAGE_ALIGN | MEMORY_INFO | VIDEO_MODE;

// Machine state and information [multiboot 3.2, 3.3]
const BOOTLOADER_MAGIC = 0x2badb002;
const INFO_MEMORY = 1 << 0, INFO_CMDLINE = 1 << 2, INFO_MODS = 1 << 3, INFO_MEM_MAP = 1 << 6, INFO_LOADER_NAME = 1 << 9;
const INFO_SIZE = 120, MODULE_SIZE = 16, MAP_ENTRY_SIZE = 24;
/** The information block lies in conventional memory, at the first of its places, from here on, that the kernel leaves free. The stack ends here. */
const FIRST_INFO_BASE = 0x9000, INFO_SPACE = 0x7000;

export interface MultibootModule {
  readonly bytes: Uint8Array;
  /** Text that the kernel gets with the module: its name, arguments. */
  readonly commandLine: string;
}

export interface MultibootOptions {
  readonly kernel: Uint8Array;
  readonly commandLine?: string | undefined;
  readonly modules?: readonly MultibootModule[] | undefined;
  readonly ramBytes: number;
}

/** True for a file with a valid multiboot 1 header where the specification wants it. */
export function isMultiboot(image: Uint8Array): boolean {
  return findHeader(new ByteReader(image)) !== undefined;
}

/**
 * @throws EmulatorError `bad-image` for a kernel that is damaged or wants what there is not, `image-too-large` when it
 * does not fit into the guest's memory.
 */
export function loadMultiboot(options: MultibootOptions): BootPlan {
  const image = new ByteReader(options.kernel);
  const header = findHeader(image);
  if (header === undefined) throw new EmulatorError('bad-image', 'this file has no multiboot header in its first 8 KiB');
  const flags = image.u32(header + 4);
  const unknown = flags & 0xffff & ~KNOWN_REQUIREMENTS;
  if (unknown !== 0) {
    throw new EmulatorError('bad-image', `the kernel asks for multiboot features that Coracle lacks (flags ${unknown.toString(16)}h)`);
  }
  const kernel = flags & AOUT_KLUDGE ? aoutKernel(image, header) : elfKernel(image);
  const { below } = ramLayout(options.ramBytes);
  const placements = kernel.placements.map((placement) => checkPlacement(placement, below));
  const end = Math.max(HIGH_MEMORY, ...placements.map((p) => p.address + p.bytes.length));
  const infoBase = freeInfoBase(placements);
  const modules = placeModules(options.modules ?? [], end, below);
  placements.push(...modules.map(({ address, bytes }) => ({ address, bytes })));
  placements.push({ address: infoBase, bytes: information(options, modules, infoBase) });
  return { placements, entry: { eip: kernel.entry, eax: BOOTLOADER_MAGIC, ebx: infoBase, esp: FIRST_INFO_BASE } };
}

interface Kernel {
  readonly placements: readonly Placement[];
  readonly entry: number;
}

function findHeader(image: ByteReader): number | undefined {
  for (let at = 0; at + 12 <= Math.min(image.length, HEADER_SEARCH); at += 4) {
    if (image.u32(at) !== HEADER_MAGIC) continue;
    if ((image.u32(at) + image.u32(at + 4) + image.u32(at + 8)) >>> 0 === 0) return at;
  }
  return undefined;
}

/** Load addresses from the header's address fields [multiboot 3.1.3]. */
function aoutKernel(image: ByteReader, header: number): Kernel {
  const headerAddress = image.u32(header + 12);
  const loadAddress = image.u32(header + 16);
  const loadEnd = image.u32(header + 20);
  const bssEnd = image.u32(header + 24);
  const fileStart = header - (headerAddress - loadAddress);
  if (fileStart < 0 || loadAddress > headerAddress) {
    throw new EmulatorError('bad-image', 'the addresses in the multiboot header contradict each other');
  }
  const fileBytes = loadEnd === 0 ? image.length - fileStart : loadEnd - loadAddress;
  if (fileBytes <= 0 || fileStart + fileBytes > image.length) throw truncated(fileStart + fileBytes, image.length);
  const placements = [placeSegment(image.bytes.subarray(fileStart, fileStart + fileBytes), loadAddress, bssEnd - loadAddress)];
  return { placements: placements.flat(), entry: image.u32(header + 28) };
}

function elfKernel(image: ByteReader): Kernel {
  if (elfWidth(image) !== 32) {
    throw new EmulatorError('bad-image', 'a multiboot kernel without address fields must be a 32-bit i386 ELF executable');
  }
  const segments = elfSegments(image);
  const placements = elfPlacements(image, segments);
  if (placements.length === 0) throw new EmulatorError('bad-image', 'the ELF kernel has nothing to load');
  return { placements, entry: elfEntry(image, segments) };
}

function checkPlacement(placement: Placement, ramBytes: number): Placement {
  const end = placement.address + placement.bytes.length;
  if (end > ramBytes) {
    throw new EmulatorError('image-too-large', `the kernel needs memory up to ${mebibytes(end)} MiB, the machine has ${mebibytes(ramBytes)} MiB; give it more (-m)`);
  }
  if (placement.address < HIGH_MEMORY && end > EBDA_BASE) {
    throw new EmulatorError('bad-image', `the kernel wants to lie at ${placement.address.toString(16)}h, where firmware and devices are; link it at 1 MiB or above`);
  }
  return placement;
}

function freeInfoBase(placements: readonly Placement[]): number {
  for (let base = FIRST_INFO_BASE; base + INFO_SPACE <= EBDA_BASE; base += INFO_SPACE) {
    if (placements.every(({ address, bytes }) => address + bytes.length <= base || address >= base + INFO_SPACE)) return base;
  }
  throw new EmulatorError('bad-image', 'the kernel leaves no conventional memory for what the loader tells it; link it at 1 MiB or above');
}

interface PlacedModule extends Placement {
  readonly commandLine: string;
}

function placeModules(modules: readonly MultibootModule[], kernelEnd: number, ramBytes: number): PlacedModule[] {
  let address = kernelEnd;
  return modules.map(({ bytes, commandLine }) => {
    const at = Math.ceil(address / 0x1000) * 0x1000;
    address = at + bytes.length;
    if (address > ramBytes) {
      throw new EmulatorError('image-too-large', `the modules end at ${mebibytes(address)} MiB, the machine has ${mebibytes(ramBytes)} MiB; give it more (-m)`);
    }
    return { address: at, bytes, commandLine };
  });
}

/** The information structure, then what it points to [multiboot 3.3]. */
function information(options: MultibootOptions, modules: readonly PlacedModule[], base: number): Uint8Array {
  const map = memoryMap(options.ramBytes);
  const texts = [options.commandLine ?? '', 'Coracle', ...modules.map((m) => m.commandLine)].map(zeroTerminated);
  const mapAt = INFO_SIZE;
  const modulesAt = mapAt + map.length * MAP_ENTRY_SIZE;
  const textsAt = modulesAt + modules.length * MODULE_SIZE;
  const size = textsAt + texts.reduce((sum, text) => sum + text.length, 0);
  if (size > INFO_SPACE) throw new EmulatorError('bad-option', 'command line and module names are too long together');
  const info = new ByteWriter(size);
  let next = textsAt;
  const addresses = texts.map((text) => {
    const at = next;
    info.set(at, text);
    next += text.length;
    return base + at;
  });
  info.u32(0, INFO_MEMORY | INFO_CMDLINE | INFO_MODS | INFO_MEM_MAP | INFO_LOADER_NAME);
  info.u32(4, EBDA_BASE / 1024);
  info.u32(8, Math.max(ramLayout(options.ramBytes).below - HIGH_MEMORY, 0) / 1024);
  info.u32(16, addresses[0]);
  info.u32(20, modules.length);
  info.u32(24, base + modulesAt);
  info.u32(44, map.length * MAP_ENTRY_SIZE);
  info.u32(48, base + mapAt);
  info.u32(64, addresses[1]);
  map.forEach((range, i) => {
    const at = mapAt + i * MAP_ENTRY_SIZE;
    info.u32(at, MAP_ENTRY_SIZE - 4);
    info.u64(at + 4, range.base);
    info.u64(at + 12, range.size);
    info.u32(at + 20, range.type);
  });
  modules.forEach((module, i) => {
    const at = modulesAt + i * MODULE_SIZE;
    info.u32(at, module.address);
    info.u32(at + 4, module.address + module.bytes.length);
    info.u32(at + 8, addresses[2 + i]);
  });
  return info.bytes;
}

function truncated(needed: number, present: number): EmulatorError {
  return new EmulatorError('bad-image', `the kernel image is truncated: ${present} bytes of ${needed}; fetch or build it again`);
}
