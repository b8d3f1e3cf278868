/** A kernel that is entered without firmware, with what goes along with it: which kind it is, and where its parts go. */
import type { StartedThread } from './compiler-thread.ts';
import type { MachineOptions, ModuleOption } from './create-machine.ts';
import { RSDP_ADDRESS } from './devices/acpi/tables.ts';
import { EmulatorError } from './errors.ts';
import { type FileSource, isLoaded, loadFile } from './file-source.ts';
import { type BootPlan, lend } from './machine/loaders/boot-plan.ts';
import { isLinuxKernel, isLongModeKernel, linuxPayload, loadLinux, UNPACKED_SHARE } from './machine/loaders/linux.ts';
import { isMultiboot, loadMultiboot, type MultibootModule } from './machine/loaders/multiboot.ts';
import { isPvh, loadPvh } from './machine/loaders/pvh.ts';
import { SNIFF_BYTES, sniffImage } from './machine/loaders/sniff.ts';
import type { Arena } from './memory/arena.ts';
import { unpackInitrd } from './unpack/initrd.ts';
import { unpackKernel } from './unpack/linux.ts';

export interface KernelSurroundings {
  readonly ramBytes: number;
  /** The board has a VGA. */
  readonly screen: boolean;
  /** The processor has long mode. */
  readonly longMode: boolean;
  /** The leaf kernel's module, which unpacks. */
  readonly leaf: WebAssembly.Module;
  /** All files are there, and are going to be unpacked and placed now; `longMode`: for an entry in 64-bit mode, as far as that is known yet. */
  onLoaded(longMode: boolean): void;
  /** Unpacks initrds beside this thread, if there is one and it is up. */
  thread(): Promise<StartedThread | undefined>;
  /** What a kernel without ACPI has to be told. */
  readonly parameters: string;
}

/** Loads the kernel; `arena`: that of the machine, for the first start, to unpack it where the guest has its memory. */
export type LoadPlan = (arena?: Arena) => Promise<BootPlan>;

/** What loads the kernel, each time that the guest starts; undefined without one. @throws EmulatorError */
export function kernelLoader(options: MachineOptions, around: KernelSurroundings): LoadPlan | undefined {
  const { kernel, initrd } = options;
  if (kernel !== undefined) return (arena) => loadKernel(kernel, options, around, arena);
  if (initrd === undefined && options.append === undefined) return undefined;
  throw new EmulatorError('bad-option', 'an initrd or a command line (append) goes with a kernel; give one');
}

/** Kernel and initrd are in memory, whoever keeps them. */
export function isKernelLoaded({ kernel, initrd }: MachineOptions): boolean {
  const modules = initrd === undefined ? [] : isModuleList(initrd) ? initrd.map(({ source }) => source) : [initrd];
  return [kernel, ...modules].every((source) => source === undefined || isLoaded(source));
}

async function loadKernel(source: FileSource, options: MachineOptions, around: KernelSurroundings, arena: Arena | undefined): Promise<BootPlan> {
  const { initrd } = options;
  const kernel = await loadFile(source, 'the kernel');
  const { ramBytes, screen, longMode, leaf } = around;
  const commandLine = fullCommandLine(options.append, around.parameters);
  if (isMultiboot(kernel) && !isLinuxKernel(kernel)) {
    const modules = await loadModuleList(initrd);
    around.onLoaded(false);
    return loadMultiboot({ kernel, commandLine, modules, ramBytes });
  }
  if (initrd !== undefined && isModuleList(initrd)) {
    throw new EmulatorError('bad-option', 'a list of modules goes with a multiboot kernel; other kernels have one initrd');
  }
  const initrdBytes = initrd === undefined ? undefined : await loadFile(initrd, 'the initrd');
  around.onLoaded(longMode && isLongModeKernel(kernel));
  if (isPvh(kernel)) return loadPvh({ kernel, commandLine, ramBytes, initrd: initrdBytes, rsdp: RSDP_ADDRESS, longMode });
  const kind = sniffImage(kernel.subarray(0, SNIFF_BYTES), kernel.length);
  if (kind === 'elf') {
    throw new EmulatorError('bad-image', 'the kernel is an ELF file without a multiboot header or a PVH entry; give its bzImage');
  }
  if (kind !== 'linux') {
    throw new EmulatorError('bad-image', `the kernel is no Linux bzImage, multiboot or PVH kernel but looks like a ${kind} image; give it as a disk`);
  }
  const payload = linuxPayload(kernel);
  const thread = await around.thread();
  const initrdUnpacked = initrdBytes && unpackBeside(thread, initrdBytes, leaf, ramBytes * UNPACKED_SHARE);
  const start = arena?.usedBytes ?? 0;
  const unpacked = payload && (await unpackKernel(payload, leaf, arena && ((bytes) => ({ memory: arena.memory, at: arena.reserve(bytes) }))));
  const unpackedInitrd = await initrdUnpacked;
  const plan = loadLinux({ kernel, unpacked, commandLine, ramBytes, initrd: initrdBytes, unpackedInitrd, rsdp: RSDP_ADDRESS, screen, longMode });
  return arena ? lend(plan, arena, start) : plan;
}

async function unpackBeside(thread: StartedThread | undefined, packed: Uint8Array, leaf: WebAssembly.Module, most: number): Promise<Uint8Array | undefined> {
  try {
    if (thread?.isUp) return await thread.unpackInitrd(packed, leaf, most);
  } catch {
    // Here, then.
  }
  return unpackInitrd(packed, leaf, most);
}

/** Devices that ACPI tells of are told once. */
function fullCommandLine(append: string | undefined, parameters: string): string | undefined {
  if (parameters === '' || !/(^| )acpi=off( |$)/.test(append ?? '')) return append;
  return `${append} ${parameters}`;
}

async function loadModuleList(initrd: MachineOptions['initrd']): Promise<MultibootModule[]> {
  const list = initrd === undefined ? [] : isModuleList(initrd) ? initrd : [{ source: initrd }];
  const modules: MultibootModule[] = [];
  for (const module of list) {
    modules.push({ bytes: await loadFile(module.source, 'a module'), commandLine: module.commandLine ?? '' });
  }
  return modules;
}

function isModuleList(initrd: FileSource | readonly ModuleOption[]): initrd is readonly ModuleOption[] {
  return Array.isArray(initrd);
}
