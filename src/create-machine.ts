/** From options, named as QEMU names them, to a machine: loads and checks the images, chooses the way into the guest. */
import { RSDP_ADDRESS } from './devices/acpi/tables.ts';
import { Cpu, type CpuModules, type CpuOptions } from './cpu/cpu.ts';
import { cpuProfile, DEFAULT_PROFILE } from './cpu/profiles.ts';
import type { DrivePosition, DriveSpec } from './devices/ide/piix3-ide.ts';
import { EmulatorError } from './errors.ts';
import { loadModules } from './load-modules.ts';
import { type FileSource, loadFile } from './file-source.ts';
import { createPcBoard, type PcBoardOptions } from './machine/boards/pc.ts';
import type { MachineHost } from './machine/host.ts';
import { mapBios, optionRom } from './machine/loaders/bios.ts';
import type { BootPlan } from './machine/loaders/boot-plan.ts';
import { isLinuxKernel, loadLinux } from './machine/loaders/linux.ts';
import { isMultiboot, loadMultiboot, type MultibootModule } from './machine/loaders/multiboot.ts';
import { checkDisk, checkFloppy, SNIFF_BYTES, sniffImage } from './machine/loaders/sniff.ts';
import { Machine } from './machine/machine.ts';
import type { Pace } from './machine/run-loop.ts';
import { portableHost } from './portable-host.ts';
import type { VirtioSpec } from './machine/boards/virtio-functions.ts';
import type { BlockBackend } from './storage/block.ts';
import { type ImageSource, openImage, type OpenOptions } from './storage/open.ts';
import { type OpenFolder, openVirtio, type VirtioOption } from './virtio-options.ts';

/** A disk's image, or an image with what becomes of the guest's writes. */
export type DriveOption = ImageSource | { readonly source: ImageSource; readonly writes?: NonNullable<OpenOptions['writes']> };

/** A multiboot module with the text that the kernel gets with it. */
export interface ModuleOption {
  readonly source: FileSource;
  readonly commandLine?: string;
}

/** Options of `createMachine`; all have defaults. */
export interface MachineOptions {
  /** Guest memory in MiB, 1 to 3840. Default: 128. Memory that the guest does not touch costs nothing. */
  readonly memoryMiB?: number;
  /**
   * The processor, as QEMU's `-cpu` has it: a name (486, pentium, pentium3, x86-64-v1, x86-64-v2, x86-64-v3), then features to
   * add and to leave out, as in 'pentium3,+sse2,-pae'. A processor claims what is implemented of its features.
   * Default: x86-64-v1.
   */
  readonly cpu?: string;
  /** A bzImage or a multiboot kernel, entered without firmware (`bios` is not run then). */
  readonly kernel?: FileSource;
  /** Initial RAM disk of a Linux kernel; modules of a multiboot kernel. */
  readonly initrd?: FileSource | readonly ModuleOption[];
  /** Command line of `kernel`. */
  readonly append?: string;
  /** IDE disks: primary master, primary slave, secondary master (when there is no `cdrom`), secondary slave. */
  readonly hda?: DriveOption;
  readonly hdb?: DriveOption;
  readonly hdc?: DriveOption;
  readonly hdd?: DriveOption;
  /** A CD in the drive that is the secondary master. */
  readonly cdrom?: DriveOption;
  /** Floppies. */
  readonly fda?: DriveOption;
  readonly fdb?: DriveOption;
  /** Paravirtual devices, in the order of their slots. Default: none. */
  readonly virtio?: readonly VirtioOption[];
  /** Devices that firmware tries, in order: a floppy, c hard disk, d CD, n network. Default: 'cad' as QEMU. */
  readonly boot?: string;
  /** Firmware image: SeaBIOS's bios-256k.bin. Needed unless `kernel` is given. */
  readonly bios?: FileSource;
  /** Video BIOS: vgabios-stdvga.bin. Without it firmware shows nothing. */
  readonly vgaBios?: FileSource;
  /** Serial ports, 0 to 4. Default: 1. */
  readonly serialPorts?: number;
  /** 'wall': guest time follows the clock. 'none': as fast as possible, for tests. Default: 'wall'. */
  readonly pace?: Pace;
  /** What runs the guest's code: the interpreter alone, compiled regions alone as far as possible, or both. Default: 'auto'. */
  readonly tier?: NonNullable<CpuOptions['tier']>;
  /** With 'auto': how often a branch is taken until its target is compiled. */
  readonly compileThreshold?: number;
  /** A reset by the guest ends the machine. Default: false. */
  readonly noReboot?: boolean;
  /** Date of the guest's clock at power-on. Default: now, UTC. */
  readonly date?: Date;
  /** QEMU's isa-debug-exit. Default: not there. */
  readonly debugExit?: { readonly iobase?: number; readonly iosize?: number };
  /** Opens paths for the drives; in Node, `openNodeFile`. */
  readonly openPath?: NonNullable<OpenOptions['openPath']>;
  /** Opens folders that are shared with the guest; in Node, `openNodeTree`. */
  readonly openFolder?: OpenFolder;
  /** The processor's compiled modules. Default: loaded from where the build put them. */
  readonly modules?: CpuModules;
  /** Time and scheduling. Default: the browser's or Node's. */
  readonly host?: MachineHost;
}

const DEFAULT_MEMORY_MIB = 128;
/** One WebAssembly memory has 4 GiB, for the guest's RAM and for what the machine needs besides: TLBs, decoded code. */
const LARGEST_MEMORY_MIB = 3840;
const DEFAULT_BOOT = 'cad';

/**
 * Makes a machine, switched on and paused at its first instruction.
 * @throws EmulatorError with a message that says what to do: an image is damaged or too large, a server does not answer,
 * options contradict each other, the host lacks a feature.
 */
export async function createMachine(options: MachineOptions = {}): Promise<Machine> {
  checkHost();
  const ramBytes = memoryBytes(options.memoryMiB ?? DEFAULT_MEMORY_MIB);
  const profile = options.cpu === undefined ? DEFAULT_PROFILE : cpuProfile(options.cpu);
  const order = bootOrder(options.boot ?? DEFAULT_BOOT);
  const firmware = await loadFirmware(options);
  const plan = await loadKernel(options, ramBytes, profile.features.has('lm'));
  if (plan === undefined && firmware.bios === undefined) {
    throw new EmulatorError('bad-option', 'there is nothing to start: give a BIOS (bios) with a disk, or a kernel (kernel)');
  }
  const modules = options.modules ?? (await loadModules());
  const host = options.host ?? portableHost();
  const drives = await openDrives(options, host);
  const processor: CpuOptions = {
    profile,
    tier: options.tier ?? 'auto',
    nowMs: () => host.nowMs(),
    ...(options.compileThreshold === undefined ? {} : { compileThreshold: options.compileThreshold }),
  };
  const boardOptions: PcBoardOptions = {
    ...drives,
    bios: plan ? undefined : firmware.bios,
    vgaBios: firmware.vgaBios,
    bootOrder: order,
    serialPorts: options.serialPorts ?? 1,
    startDate: options.date ?? new Date(host.dateMs()),
    debugExit: options.debugExit,
  };
  return new Machine({
    ramBytes,
    host,
    pace: options.pace ?? 'wall',
    noReboot: options.noReboot ?? false,
    plan,
    createProcessor: (arena, parts) => new Cpu(arena, parts, modules, processor),
    createBoard: (parts) => createPcBoard(parts, boardOptions),
    onDispose: async () => {
      for (const backend of drives.backends) await backend.close();
    },
  });
}

function checkHost(): void {
  if (typeof WebAssembly === 'undefined') {
    throw new EmulatorError('unsupported-host', 'this browser has no WebAssembly; use a current one');
  }
  // A module of one function that calls itself in tail position through a table: what the interpreter is made of.
  const tailCalls = Uint8Array.from([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 4, 4, 1, 112, 0, 1, 10, 9, 1, 7, 0, 65, 0, 19, 0, 0, 11,
  ]);
  if (!WebAssembly.validate(tailCalls)) {
    throw new EmulatorError(
      'unsupported-host',
      'this browser has no WebAssembly tail calls; use Chrome 112, Firefox 121, Safari 18.2, Node 20 or later',
    );
  }
}

function memoryBytes(mebibytes: number): number {
  if (!Number.isInteger(mebibytes) || mebibytes < 1 || mebibytes > LARGEST_MEMORY_MIB) {
    throw new EmulatorError('bad-option', `memory of ${mebibytes} MiB: a machine has 1 to ${LARGEST_MEMORY_MIB} MiB, whole ones (WebAssembly memory ends at 4 GiB)`);
  }
  return mebibytes * 2 ** 20;
}

function bootOrder(letters: string): string {
  if (!/^[acdn]{1,4}$/.test(letters)) {
    throw new EmulatorError('bad-option', `boot order “${letters}”: it is made of a (floppy), c (hard disk), d (CD), n (network)`);
  }
  return letters;
}

async function loadFirmware(options: MachineOptions): Promise<{ bios: Uint8Array | undefined; vgaBios: Uint8Array | undefined }> {
  const bios = options.bios === undefined ? undefined : await loadFile(options.bios, 'the BIOS');
  const vgaBios = options.vgaBios === undefined ? undefined : await loadFile(options.vgaBios, 'the VGA BIOS');
  if (bios) mapBios(bios);
  return { bios, vgaBios: vgaBios && optionRom(vgaBios) };
}

async function loadKernel(options: MachineOptions, ramBytes: number, longMode: boolean): Promise<BootPlan | undefined> {
  if (options.kernel === undefined) {
    if (options.initrd !== undefined || options.append !== undefined) {
      throw new EmulatorError('bad-option', 'an initrd or a command line (append) goes with a kernel; give one');
    }
    return undefined;
  }
  const kernel = await loadFile(options.kernel, 'the kernel');
  const commandLine = options.append;
  const { initrd } = options;
  if (isMultiboot(kernel) && !isLinuxKernel(kernel)) {
    const modules: MultibootModule[] = [];
    const list = initrd === undefined ? [] : isModuleList(initrd) ? initrd : [{ source: initrd }];
    for (const module of list) {
      modules.push({ bytes: await loadFile(module.source, 'a module'), commandLine: module.commandLine ?? '' });
    }
    return loadMultiboot({ kernel, commandLine, modules, ramBytes });
  }
  const kind = sniffImage(kernel.subarray(0, SNIFF_BYTES), kernel.length);
  if (kind !== 'linux') {
    throw new EmulatorError('bad-image', `the kernel is no Linux bzImage or multiboot kernel but looks like a ${kind} image; give it as a disk`);
  }
  if (initrd !== undefined && isModuleList(initrd)) {
    throw new EmulatorError('bad-option', 'a list of modules goes with a multiboot kernel; a Linux kernel has one initrd');
  }
  return loadLinux({
    kernel, commandLine, ramBytes,
    initrd: initrd === undefined ? undefined : await loadFile(initrd, 'the initrd'),
    rsdp: RSDP_ADDRESS,
    longMode,
  });
}

function isModuleList(initrd: FileSource | readonly ModuleOption[]): initrd is readonly ModuleOption[] {
  return Array.isArray(initrd);
}

interface Drives {
  readonly drives: Partial<Record<DrivePosition, DriveSpec>>;
  readonly floppies: readonly [BlockBackend | undefined, BlockBackend | undefined];
  readonly virtio: readonly VirtioSpec[];
  readonly backends: readonly BlockBackend[];
}

async function openDrives(options: MachineOptions, host: MachineHost): Promise<Drives> {
  if (options.cdrom !== undefined && options.hdc !== undefined) {
    throw new EmulatorError('bad-option', 'cdrom and hdc are the same place on the IDE bus; use hdd for one more disk');
  }
  const backends: BlockBackend[] = [];
  const open = async (option: DriveOption): Promise<BlockBackend> => {
    const backend = await openDrive(option, options.openPath);
    backends.push(backend);
    return backend;
  };
  const openDisk = async (option: DriveOption, name: string): Promise<BlockBackend> => {
    const backend = await open(option);
    checkDisk(await startOf(backend), backend.sizeBytes, 'disk', name);
    return backend;
  };
  try {
    const drives = await openIdeDrives(options, open, openDisk);
    const floppies = await openFloppies(options, open);
    return { drives, floppies, virtio: await openVirtio(options.virtio ?? [], { host, openDisk, openFolder: options.openFolder }), backends };
  } catch (error) {
    for (const backend of backends) void backend.close();
    throw error;
  }
}

type Open = (option: DriveOption) => Promise<BlockBackend>;

async function openIdeDrives(
  options: MachineOptions, open: Open, openDisk: (option: DriveOption, name: string) => Promise<BlockBackend>,
): Promise<Drives['drives']> {
  const drives: Partial<Record<DrivePosition, DriveSpec>> = {};
  for (const [position, name] of (['hda', 'hdb', 'hdc', 'hdd'] as const).entries()) {
    const option = options[name];
    if (option === undefined) continue;
    drives[position as DrivePosition] = { kind: 'disk', backend: await openDisk(option, name) };
  }
  if (options.cdrom !== undefined) {
    const medium = await open(options.cdrom);
    checkDisk(await startOf(medium), medium.sizeBytes, 'cd', 'cdrom');
    drives[2] = { kind: 'cdrom', medium };
  } else {
    // QEMU's pc has an empty CD drive there.
    drives[2] ??= { kind: 'cdrom' };
  }
  return drives;
}

async function openFloppies(options: MachineOptions, open: Open): Promise<Drives['floppies']> {
  const floppies: [BlockBackend | undefined, BlockBackend | undefined] = [undefined, undefined];
  for (const [unit, name] of (['fda', 'fdb'] as const).entries()) {
    const option = options[name];
    if (option === undefined) continue;
    const floppy = await open(option);
    checkFloppy(floppy.sizeBytes, name);
    floppies[unit] = floppy;
  }
  return floppies;
}

function openDrive(option: DriveOption, openPath: OpenOptions['openPath']): Promise<BlockBackend> {
  const plain = typeof option === 'string' || !('source' in option) ? { source: option } : option;
  return openImage(plain.source, {
    ...('writes' in plain && plain.writes !== undefined ? { writes: plain.writes } : {}),
    ...(openPath === undefined ? {} : { openPath }),
  });
}

function startOf(backend: BlockBackend): Uint8Array | Promise<Uint8Array> {
  return backend.read(0, Math.min(backend.sizeBytes, SNIFF_BYTES));
}
