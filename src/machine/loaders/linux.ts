/**
 * Linux kernels without firmware: the 32-bit and the 64-bit boot protocol, and the older forms of a kernel image down to those without
 * a setup header, which find their parameters at 0x90000.
 * References: [boot] Documentation/arch/x86/boot.rst, [zero-page] Documentation/arch/x86/zero-page.rst of the kernel.
 *
 * Deviations: the real-mode setup code never runs, since it would call firmware; what it finds out is filled in here. A kernel that
 * somebody has unpacked already is entered itself, where it was linked to run, as vmlinux files are.
 */
import { EmulatorError } from '../../errors.ts';
import { ramLayout } from '../../memory/ram-layout.ts';
import { type BootPlan, identityTables, type Placement } from './boot-plan.ts';
import { ByteReader, ByteWriter, mebibytes, zeroTerminated } from './bytes.ts';
import { elfEntry, elfPlacements, elfSegments, elfWidth, loadedSegments } from './elf.ts';
import { HIGH_MEMORY, memoryMap } from './memory-map.ts';

// Setup header, as offsets in the image and in boot_params [boot "The Real-Mode Kernel Header"]
const SETUP_SECTS = 0x1f1, SYSSIZE = 0x1f4, VID_MODE = 0x1fa, BOOT_FLAG = 0x1fe, JUMP_LENGTH = 0x201, HEADER = 0x202;
const VERSION = 0x206, TYPE_OF_LOADER = 0x210, LOADFLAGS = 0x211, RAMDISK_IMAGE = 0x218, RAMDISK_SIZE = 0x21c;
const HEAP_END_PTR = 0x224, CMD_LINE_PTR = 0x228, INITRD_ADDR_MAX = 0x22c, XLOADFLAGS = 0x236, CMDLINE_SIZE = 0x238;
const CODE32_START = 0x214, PAYLOAD_OFFSET = 0x248, PAYLOAD_LENGTH = 0x24c, PREF_ADDRESS = 0x258, INIT_SIZE = 0x260;
const LOADED_HIGH = 1 << 0, CAN_USE_HEAP = 1 << 7;
const XLF_KERNEL_64 = 1 << 0;
const LOADER_UNDEFINED = 0xff;
const VID_MODE_NORMAL = 0xffff;

// boot_params [zero-page]
const EXT_MEM_K = 0x002, ORIG_VIDEO_MODE = 0x006, ORIG_VIDEO_COLS = 0x007, ORIG_VIDEO_EGA_BX = 0x00a;
const ORIG_VIDEO_LINES = 0x00e, ORIG_VIDEO_ISVGA = 0x00f, ORIG_VIDEO_POINTS = 0x010;
const OLD_CL_MAGIC = 0x020, OLD_CL_OFFSET = 0x022, OLD_CL_MAGIC_VALUE = 0xa33f;
const ACPI_RSDP_ADDR = 0x070, ALT_MEM_K = 0x1e0, E820_ENTRIES = 0x1e8, E820_TABLE = 0x2d0, E820_ENTRY_SIZE = 20;

/** Where the zero page lies: kernels before protocol 2.02 look for it nowhere else. */
const BOOT_PARAMS = 0x90000;
const COMMAND_LINE = 0x99000;
const STACK_TOP = 0x98000;
/** For kernels of 64 bits, and where those are entered. */
const PAGE_TABLES = 0x70000, ENTRY64 = 0x200;
/** Load address of a zImage after setup has moved it [boot "Memory Layout"]. */
const LOW_KERNEL = 0x1000;
/** Limits where the header is too old to tell. */
const OLD_INITRD_ADDR_MAX = 0x37ffffff, OLD_CMDLINE_SIZE = 255;

/** So much of the memory above the kernel an unpacked initrd may take: the guest makes files of it before it lets it go. */
export const UNPACKED_SHARE = 1 / 4;

export interface LinuxOptions {
  readonly kernel: Uint8Array;
  /** What `linuxPayload` gave, unpacked. */
  readonly unpacked?: Uint8Array | undefined;
  readonly initrd?: Uint8Array | undefined;
  /** The initrd with its archives unpacked, which is taken instead where it leaves the guest plenty of room. */
  readonly unpackedInitrd?: Uint8Array | undefined;
  readonly commandLine?: string | undefined;
  readonly ramBytes: number;
  /** Address of ACPI's RSDP, for kernels that take it from the zero page. */
  readonly rsdp?: number | undefined;
  /** There is a VGA in text mode. Default: true. */
  readonly screen?: boolean | undefined;
  /** The processor has long mode, so a 64-bit kernel may run. */
  readonly longMode?: boolean | undefined;
}

/** True for an image with the boot flag and the setup header's signature. */
export function isLinuxKernel(image: Uint8Array): boolean {
  const reader = new ByteReader(image);
  return reader.u16(BOOT_FLAG) === 0xaa55 && reader.hasText(HEADER, 'HdrS');
}

/** True for an image of a kernel with an entry in 64-bit mode [boot "64-bit Boot Protocol"]. */
export function isLongModeKernel(image: Uint8Array): boolean {
  return isLinuxKernel(image) && hasLongModeEntry(new ByteReader(image));
}
const hasLongModeEntry = (image: ByteReader): boolean => image.u16(VERSION) >= 0x20c && (image.u16(XLOADFLAGS) & XLF_KERNEL_64) !== 0;

/** The compressed kernel in a bzImage; undefined in images that do not tell where it is. */
export function linuxPayload(image: Uint8Array): Uint8Array | undefined {
  const reader = new ByteReader(image);
  if (!isLinuxKernel(image) || reader.u16(VERSION) < 0x208) return undefined;
  const start = codeOffset(reader) + reader.u32(PAYLOAD_OFFSET), length = reader.u32(PAYLOAD_LENGTH);
  return length > 0 && start + length <= image.length ? image.subarray(start, start + length) : undefined;
}

/**
 * @throws EmulatorError `bad-image` for a truncated or unfit kernel, `image-too-large` when kernel and initrd do not fit
 * into the guest's memory, `bad-option` for a command line that is too long.
 */
export function loadLinux(options: LinuxOptions): BootPlan {
  const image = new ByteReader(options.kernel);
  const header = readHeader(image, options.longMode ?? false);
  const code = options.kernel.subarray(header.codeOffset, header.codeOffset + header.codeBytes);
  const { below } = ramLayout(options.ramBytes);
  const kernelEnd = checkKernelFits(header, code, below);
  const commandLine = zeroTerminated(options.commandLine ?? '');
  if (commandLine.length - 1 > header.commandLineMax) {
    throw new EmulatorError('bad-option', `this kernel takes a command line of at most ${header.commandLineMax} characters, got ${commandLine.length - 1}`);
  }
  const initrd = placeInitrd(options, header.initrdAddressMax, kernelEnd, below);
  const unpacked = options.unpacked && placeUnpacked(options.unpacked, header);
  const placements: Placement[] = [
    ...(unpacked?.placements ?? [{ address: header.loadAddress, bytes: code }]),
    { address: BOOT_PARAMS, bytes: bootParams(image, header, options, initrd) },
    { address: COMMAND_LINE, bytes: commandLine },
  ];
  if (initrd) placements.push(initrd);
  const eip = unpacked?.entry ?? header.loadAddress + (header.is64 ? ENTRY64 : 0);
  const entry = { esi: BOOT_PARAMS, esp: STACK_TOP, eip, ...(header.is64 ? { pageTables: PAGE_TABLES } : {}) };
  if (header.is64) placements.push(identityTables(PAGE_TABLES));
  return { placements, entry, unpacked: unpacked !== undefined || (initrd !== undefined && initrd.bytes === options.unpackedInitrd) };
}

interface Header {
  /** 0 for images without a header. */
  readonly version: number;
  /** There is an entry in 64-bit mode. */
  readonly is64: boolean;
  readonly codeOffset: number;
  readonly codeBytes: number;
  readonly loadAddress: number;
  /** Where it is linked to run. */
  readonly preferredAddress: number;
  readonly commandLineMax: number;
  readonly initrdAddressMax: number;
  /** One past the last byte that the kernel needs until it knows its memory map. */
  readonly needsUpTo: number;
}

/** Where the protected-mode code begins, behind the boot sector and the setup code. */
const codeOffset = (image: ByteReader): number => ((image.u8(SETUP_SECTS) || 4) + 1) * 512;

function readHeader(image: ByteReader, longMode: boolean): Header {
  if (image.u16(BOOT_FLAG) !== 0xaa55) {
    throw new EmulatorError('bad-image', 'this is no Linux kernel image (no boot signature at offset 510); give a bzImage');
  }
  const version = image.hasText(HEADER, 'HdrS') ? image.u16(VERSION) : 0;
  const high = version >= 0x200 && (image.u8(LOADFLAGS) & LOADED_HIGH) !== 0;
  const offset = codeOffset(image);
  // From 2.04 on the field has 32 bits and is right, in paragraphs of 16 bytes, the last of which the file need not fill [boot, syssize].
  const sized = version >= 0x204 ? image.u32(SYSSIZE) * 16 : 0;
  const present = image.length - offset;
  if (present <= Math.max(sized - 16, 0)) {
    throw new EmulatorError('bad-image', `the kernel image is truncated: ${image.length} bytes of ${offset + Math.max(sized, 1)}; fetch or build it again`);
  }
  const is64 = version > 0 && hasLongModeEntry(image);
  if (is64 && !longMode) {
    throw new EmulatorError('bad-image', 'this kernel is 64-bit, and the processor of this machine has 32 bits (-cpu); take x86-64-v3, or an i386 kernel');
  }
  const loadAddress = high ? HIGH_MEMORY : LOW_KERNEL;
  const initSize = version >= 0x20a ? image.u32(INIT_SIZE) : 0;
  const preferred = version >= 0x20a ? image.u64(PREF_ADDRESS) : loadAddress;
  return {
    version,
    is64,
    codeOffset: offset,
    codeBytes: present,
    loadAddress,
    preferredAddress: preferred,
    commandLineMax: version >= 0x206 ? image.u32(CMDLINE_SIZE) : OLD_CMDLINE_SIZE,
    initrdAddressMax: version >= 0x203 ? image.u32(INITRD_ADDR_MAX) : OLD_INITRD_ADDR_MAX,
    needsUpTo: Math.max(loadAddress, preferred) + Math.max(initSize, present),
  };
}

/** Returns the end of what the kernel occupies. */
function checkKernelFits(header: Header, code: Uint8Array, ramBytes: number): number {
  if (header.loadAddress === LOW_KERNEL && LOW_KERNEL + code.length > BOOT_PARAMS) {
    throw new EmulatorError('bad-image', `a zImage of ${code.length} bytes reaches past ${BOOT_PARAMS.toString(16)}h; build a bzImage`);
  }
  if (header.needsUpTo > ramBytes) {
    throw new EmulatorError('image-too-large', `the kernel needs ${mebibytes(header.needsUpTo)} MiB to start, the machine has ${mebibytes(ramBytes)} MiB; give it more (-m)`);
  }
  return header.loadAddress === LOW_KERNEL ? HIGH_MEMORY : header.needsUpTo;
}

/** The segments of a vmlinux; undefined if it is none, or would have to be relocated. */
function placeUnpacked(unpacked: Uint8Array, header: Header): { placements: Placement[]; entry: number } | undefined {
  const image = new ByteReader(unpacked);
  if (elfWidth(image) !== (header.is64 ? 64 : 32)) return undefined;
  const segments = elfSegments(image), loaded = loadedSegments(segments);
  const start = Math.min(...loaded.map(({ address }) => address));
  const end = Math.max(...loaded.map(({ address, memoryBytes }) => address + memoryBytes));
  if (start !== header.preferredAddress || end > header.needsUpTo) return undefined;
  return { placements: elfPlacements(image, segments), entry: elfEntry(image, segments) };
}

/** As high as kernel and memory allow, on a page, above everything that the kernel touches while it starts. */
function placeInitrd({ initrd, unpackedInitrd }: LinuxOptions, max: number, kernelEnd: number, ramBytes: number): Placement | undefined {
  if (initrd === undefined) return undefined;
  if (initrd.length === 0) throw new EmulatorError('bad-image', 'the initrd is empty; leave it out or build it again');
  const top = Math.min(ramBytes, max + 1);
  const isRoomy = unpackedInitrd !== undefined && unpackedInitrd.length <= (top - kernelEnd) * UNPACKED_SHARE;
  const bytes = isRoomy ? unpackedInitrd : initrd;
  const address = Math.floor((top - bytes.length) / 0x1000) * 0x1000;
  if (address < kernelEnd) {
    throw new EmulatorError(
      'image-too-large',
      `the initrd (${mebibytes(bytes.length)} MiB) does not fit above the kernel, which needs ${mebibytes(kernelEnd)} of ${mebibytes(ramBytes)} MiB; give the machine more memory (-m)`,
    );
  }
  return { address, bytes };
}

function bootParams(image: ByteReader, header: Header, options: LinuxOptions, initrd: Placement | undefined): Uint8Array {
  const page = new ByteWriter(0x1000);
  const headerEnd = header.version >= 0x200 ? HEADER + image.u8(JUMP_LENGTH) : HEADER;
  page.set(SETUP_SECTS, image.bytes.subarray(SETUP_SECTS, headerEnd));
  if (options.screen ?? true) fillScreenInfo(page);
  const extendedKiB = Math.max(ramLayout(options.ramBytes).below - HIGH_MEMORY, 0) / 1024;
  page.u16(EXT_MEM_K, Math.min(extendedKiB, 0xfc00));
  page.u32(ALT_MEM_K, extendedKiB);
  page.u16(OLD_CL_MAGIC, OLD_CL_MAGIC_VALUE);
  page.u16(OLD_CL_OFFSET, COMMAND_LINE - BOOT_PARAMS);
  page.u16(VID_MODE, VID_MODE_NORMAL);
  const map = memoryMap(options.ramBytes);
  page.u8(E820_ENTRIES, map.length);
  map.forEach((range, i) => {
    const at = E820_TABLE + i * E820_ENTRY_SIZE;
    page.u64(at, range.base);
    page.u64(at + 8, range.size);
    page.u32(at + 16, range.type);
  });
  if (header.version < 0x200) return page.bytes;
  page.u8(TYPE_OF_LOADER, LOADER_UNDEFINED);
  page.u8(LOADFLAGS, image.u8(LOADFLAGS) | CAN_USE_HEAP);
  page.u32(CODE32_START, header.loadAddress);
  page.u16(HEAP_END_PTR, STACK_TOP - BOOT_PARAMS - 0x200);
  if (initrd) {
    page.u32(RAMDISK_IMAGE, initrd.address);
    page.u32(RAMDISK_SIZE, initrd.bytes.length);
  }
  if (header.version >= 0x202) page.u32(CMD_LINE_PTR, COMMAND_LINE);
  if (options.rsdp !== undefined) page.u64(ACPI_RSDP_ADDR, options.rsdp);
  return page.bytes;
}

/** VGA text mode 3, as the board leaves the adapter. */
function fillScreenInfo(page: ByteWriter): void {
  page.u8(ORIG_VIDEO_MODE, 3);
  page.u8(ORIG_VIDEO_COLS, 80);
  page.u16(ORIG_VIDEO_EGA_BX, 3);
  page.u8(ORIG_VIDEO_LINES, 25);
  page.u8(ORIG_VIDEO_ISVGA, 1);
  page.u16(ORIG_VIDEO_POINTS, 16);
}
