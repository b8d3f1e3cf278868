/** From options, named as QEMU names them, to a machine: loads and checks the images, chooses the way into the guest. */
import { IDLE_MS, startCompilerThread } from './compiler-thread.ts';
import { Cpu, type CpuModules, type CpuOptions } from './cpu/cpu.ts';
import { cpuProfile, DEFAULT_PROFILE } from './cpu/profiles.ts';
import { type TraceItem, Tracer } from './cpu/trace.ts';
import { EmulatorError } from './errors.ts';
import { type FileSource, loadFile } from './file-source.ts';
import { isKernelLoaded, kernelLoader } from './load-kernel.ts';
import { loadModules, withWideHandlers } from './load-modules.ts';
import { createMicrovmBoard, MOST_VIRTIO_DEVICES, virtioParameters } from './machine/boards/microvm.ts';
import { createPcBoard, type PcBoardOptions } from './machine/boards/pc.ts';
import type { MachineHost } from './machine/host.ts';
import { mapBios, optionRom } from './machine/loaders/bios.ts';
import { Machine } from './machine/machine.ts';
import type { Pace } from './machine/run-loop.ts';
import { Arena } from './memory/arena.ts';
import { openDrives } from './open-drives.ts';
import { portableHost } from './portable-host.ts';
import type { Rehearsal } from './rehearsal/rehearsal.ts';
import type { ImageSource, OpenOptions } from './storage/open.ts';
import type { OpenFolder, VirtioOption } from './virtio-options.ts';
import { checkWebAssembly } from './wasm-features.ts';

/** A disk's image, or an image with what becomes of the guest's writes. */
export type DriveOption = ImageSource | { readonly source: ImageSource; readonly writes?: NonNullable<OpenOptions['writes']> };

/** A multiboot module with the text that the kernel gets with it. */
export interface ModuleOption {
  readonly source: FileSource;
  readonly commandLine?: string;
}

/** Options of `createMachine`; all have defaults. */
export interface MachineOptions {
  /**
   * 'pc': a PC as QEMU's, with firmware or a kernel. 'microvm': serial ports and virtio devices only, for a kernel that is
   * to start fast. Default: 'pc'.
   */
  readonly machine?: 'pc' | 'microvm';
  /** Guest memory in MiB, 1 to 3840. Default: 128. Memory that the guest does not touch costs nothing. */
  readonly memoryMiB?: number;
  /**
   * The processor, as QEMU's `-cpu` has it: a name (486, pentium, pentium3, x86-64-v1, x86-64-v2, x86-64-v3, or max for all that there is), then
   * features to
   * add and to leave out, as in 'pentium3,+sse2,-pae'. A processor claims what is implemented of its features.
   * Default: x86-64-v3.
   */
  readonly cpu?: string;
  /**
   * A bzImage, a multiboot kernel or an ELF kernel with a PVH entry, entered without firmware (`bios` is not run then). Like `initrd` it
   * is loaded anew for each reset, unless it is given as bytes: the machine keeps neither.
   */
  readonly kernel?: FileSource;
  /** Initial RAM disk of a Linux kernel, which may get it unpacked; modules of a multiboot kernel. */
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
  /** What the machine's event `trace` tells. Default: nothing, which costs nothing. */
  readonly trace?: readonly TraceItem[];
  /**
   * Counts how many instructions compiled code executes, and estimates the time in each tier (`statistics().code.tiers`), which
   * takes compiled code a little time whenever it is left. Default: false.
   */
  readonly countTiers?: boolean;
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
  /** Ends when the files are there; what it has warmed is this machine's then. Default: none. */
  readonly rehearsal?: Rehearsal;
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
  checkWebAssembly();
  const ramBytes = memoryBytes(options.memoryMiB ?? DEFAULT_MEMORY_MIB);
  const profile = options.cpu === undefined ? DEFAULT_PROFILE : cpuProfile(options.cpu);
  const order = bootOrder(options.boot ?? DEFAULT_BOOT);
  const microvm = options.machine === 'microvm';
  if (microvm) checkMicrovm(options);
  const firmware = await loadFirmware(options);
  const parameters = microvm ? virtioParameters(options.virtio?.length ?? 0) : '';
  const shared = options.modules ?? (await loadModules());
  const { rehearsal } = options;
  let wide: Promise<CpuModules> | undefined;
  const loadPlan = kernelLoader(options, {
    ramBytes, screen: !microvm, parameters, longMode: profile.features.has('lm'), leaf: shared.kernel,
    thread: async () => rehearsal?.thread,
    onLoaded: (longMode) => {
      rehearsal?.stop();
      // The engine compiles them while the kernel is unpacked.
      if (longMode) wide ??= rehearsal?.modules ?? withWideHandlers(shared);
    },
  });
  const arena = new Arena();
  const plan = await loadPlan?.(arena);
  if (plan === undefined && firmware.bios === undefined) {
    throw new EmulatorError('bad-option', 'there is nothing to start: give a BIOS (bios) with a disk, or a kernel (kernel)');
  }
  const modules = microvm || plan?.entry.pageTables !== undefined ? await (wide ?? rehearsal?.modules ?? withWideHandlers(shared)) : shared;
  const host = options.host ?? portableHost();
  const drives = await openDrives(options, host);
  rehearsal?.stop();
  const tier = options.tier ?? 'auto';
  const script = tier === 'auto' ? modules.compilerScript : undefined;
  const compilerThread = script === undefined ? undefined : ((await rehearsal?.takeThread()) ?? (await startCompilerThread(script)));
  if (compilerThread) compilerThread.idleMs = IDLE_MS;
  const processor: CpuOptions = {
    compilerThread,
    profile,
    tier,
    nowMs: () => host.nowMs(),
    countTiers: options.countTiers ?? false,
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
    arena,
    host,
    pace: options.pace ?? 'wall',
    noReboot: options.noReboot ?? false,
    plan,
    ...(loadPlan && (plan?.unpacked || !isKernelLoaded(options)) ? { loadPlan: () => loadPlan() } : {}),
    createProcessor: (arena, parts) => new Cpu(arena, parts, modules, {
      ...processor, ...(options.trace === undefined ? {} : { tracer: new Tracer(options.trace, parts.trace) }),
    }),
    createBoard: (parts) => (microvm ? createMicrovmBoard(parts, boardOptions) : createPcBoard(parts, boardOptions)),
    onDispose: async () => {
      compilerThread?.terminate();
      for (const backend of drives.backends) await backend.close();
    },
  });
}

/** What the board lacks. */
function checkMicrovm(options: MachineOptions): void {
  const disk = (['hda', 'hdb', 'hdc', 'hdd', 'cdrom', 'fda', 'fdb'] as const).find((name) => options[name] !== undefined);
  if (disk !== undefined) throw new EmulatorError('bad-option', `${disk}: the machine microvm has virtio disks only (virtio; -drive if=virtio)`);
  if (options.kernel === undefined) throw new EmulatorError('bad-option', 'the machine microvm has no firmware; give a kernel (kernel)');
  if ((options.virtio?.length ?? 0) > MOST_VIRTIO_DEVICES) {
    throw new EmulatorError('bad-option', `the machine microvm has at most ${MOST_VIRTIO_DEVICES} virtio devices`);
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
