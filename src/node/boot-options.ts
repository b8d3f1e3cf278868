/** The flags of `coracle boot` as options of a machine and of the session around it. */
import { EmulatorError } from '../errors.ts';
import type { DriveOption, MachineOptions, ModuleOption, Pace, TraceItem } from '../index.ts';
import { type Destination, destination } from './destinations.ts';
import { type DeviceOptions, deviceOptions } from './device-options.ts';
import { embeddedImage, findFirmware, readImage } from './firmware.ts';
import type { Flags } from './flags.ts';
import { isLinuxKernel } from '../machine/loaders/linux.ts';
import { isMultiboot } from '../machine/loaders/multiboot.ts';
import { processorOptions } from '../processor-options.ts';
import { parseReply, type Reply, unescapeText } from './transcript.ts';

export interface SessionOptions {
  /** Of the serial ports, then of the consoles. */
  readonly serial: readonly Destination[];
  readonly serialPorts: number;
  readonly debugcon: Destination;
  readonly until: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly replies: readonly Reply[];
  readonly screenshot: string | undefined;
  readonly trace: readonly TraceItem[];
  /** Where what is traced goes; undefined: standard error. */
  readonly traceFile: string | undefined;
}

/** @throws EmulatorError `bad-option` */
export function sessionOptions(flags: Flags): SessionOptions {
  const given = flags.all('serial').map((spec) => destination(spec, 'serial'));
  const { consoles } = deviceOptions(flags);
  const terminalFree = flags.has('nographic') && !consoles.some((d) => d.kind === 'stdio');
  const ports = given.length > 0 ? given : [terminalFree ? ({ kind: 'stdio' } as const) : ({ kind: 'none' } as const)];
  const serial = [...ports, ...consoles];
  if (serial.filter((d) => d.kind === 'stdio').length > 1) {
    throw new EmulatorError('bad-option', 'only one serial port or console can have the terminal (stdio)');
  }
  if (ports.length > 4) throw new EmulatorError('bad-option', 'a PC has at most four serial ports (-serial)');
  const replies = flags.all('send').map((spec) => {
    const reply = parseReply(spec);
    if (reply === undefined) throw new EmulatorError('bad-option', `-send “${spec}”: it is made of TEXT=>REPLY`);
    return reply;
  });
  const debugcon = flags.get('debugcon');
  const until = flags.get('until');
  if (until === '') throw new EmulatorError('bad-option', '-until needs a text that is not empty');
  return {
    serial,
    serialPorts: ports.length,
    debugcon: debugcon === undefined ? { kind: 'none' } : destination(debugcon, 'debugcon'),
    until: until === undefined ? undefined : unescapeText(until),
    timeoutMs: timeout(flags.get('timeout')),
    replies,
    screenshot: flags.get('screenshot'),
    trace: processorOptions((name) => flags.get(name)).trace ?? [],
    traceFile: flags.get('D'),
  };
}

/** What the flags do not say. */
export interface Surroundings {
  /** Where firmware is looked for after -L's folders. */
  readonly firmwareFolders: readonly string[];
  /** Tells the user what is done in place of what cannot be. */
  say(text: string): void;
}

/** Loads what the flags name; the embedded guest where nothing is named and there is no firmware. @throws EmulatorError */
export async function machineOptions(flags: Flags, serialPorts: number, around: Surroundings): Promise<MachineOptions> {
  const firmwarePaths = findFirmwarePaths(flags, around);
  const kernelPath = flags.get('kernel') ?? embeddedInstead(flags, firmwarePaths, around);
  const kernel = kernelPath === undefined ? undefined : await readImage(kernelPath, 'the kernel');
  const initrd = flags.get('initrd');
  const { virtio, debugExit }: DeviceOptions = deviceOptions(flags);
  return defined({
    machine: machine(flags.get('M')),
    memoryMiB: memory(flags.get('m')),
    cpu: flags.get('cpu'),
    kernel,
    initrd: initrd === undefined ? undefined : await readInitrd(initrd, kernel),
    append: flags.get('append'),
    hda: drive(flags, 'hda'),
    hdb: drive(flags, 'hdb'),
    hdc: drive(flags, 'hdc'),
    hdd: drive(flags, 'hdd'),
    cdrom: drive(flags, 'cdrom'),
    fda: drive(flags, 'fda'),
    fdb: drive(flags, 'fdb'),
    boot: bootOrder(flags.get('boot')),
    ...(await firmware(firmwarePaths, kernel !== undefined)),
    serialPorts,
    pace: pace(flags.get('pace')),
    noReboot: flags.has('no-reboot'),
    date: startDate(flags.get('rtc')),
    debugExit,
    virtio,
    ...processorOptions((name) => flags.get(name)),
    countTiers: flags.has('stats'),
  });
}

/** Leaves out what is undefined: an option that is absent has its default. */
function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function machine(spec: string | undefined): MachineOptions['machine'] {
  if (spec === undefined || spec === 'pc' || spec === 'microvm') return spec;
  throw new EmulatorError('bad-option', `-M ${spec}: it is pc or microvm`);
}

function memory(spec: string | undefined): number | undefined {
  if (spec === undefined) return undefined;
  const match = /^(?:size=)?(\d+)([MmGg]?)$/.exec(spec);
  if (match === null) throw new EmulatorError('bad-option', `-m ${spec}: give MiB, as 256, 256M or 1G`);
  return Number(match[1]) * (match[2].toUpperCase() === 'G' ? 1024 : 1);
}

function timeout(spec: string | undefined): number | undefined {
  if (spec === undefined) return undefined;
  const seconds = Number(spec);
  if (!(seconds > 0) || seconds > 2_000_000) throw new EmulatorError('bad-option', `-timeout ${spec}: give seconds, more than 0`);
  return seconds * 1000;
}

function pace(spec: string | undefined): Pace | undefined {
  if (spec === undefined || spec === 'wall' || spec === 'none') return spec;
  throw new EmulatorError('bad-option', `-pace ${spec}: it is wall or none`);
}

/** QEMU also writes `order=cd`; its other words need a menu or a network. */
function bootOrder(spec: string | undefined): string | undefined {
  return spec?.replace(/^order=/, '');
}

function startDate(spec: string | undefined): Date | undefined {
  if (spec === undefined || spec === 'base=utc') return undefined;
  if (spec === 'base=localtime') return new Date(Date.now() - new Date().getTimezoneOffset() * 60_000);
  const text = /^base=(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2})?$/.exec(spec);
  const date = text && new Date(`${text[1]}${text[2] ?? 'T00:00:00'}Z`);
  if (!date || Number.isNaN(date.getTime())) {
    throw new EmulatorError('bad-option', `-rtc ${spec}: it is base=utc, base=localtime or base=YYYY-MM-DD[THH:MM:SS]`);
  }
  return date;
}

const DRIVES = ['hda', 'hdb', 'hdc', 'hdd', 'cdrom', 'fda', 'fdb'] as const;

function drive(flags: Flags, name: (typeof DRIVES)[number]): DriveOption | undefined {
  const source = flags.get(name);
  if (source === undefined) return undefined;
  return { source, writes: flags.has('snapshot') ? 'memory' : 'direct' };
}

interface FirmwarePaths {
  readonly bios: string | undefined;
  readonly vgaBios: string | undefined;
}

function findFirmwarePaths(flags: Flags, { firmwareFolders }: Surroundings): FirmwarePaths {
  const found = findFirmware([...flags.all('L'), ...firmwareFolders]);
  return { bios: flags.get('bios') ?? found.bios, vgaBios: flags.get('vga-bios') ?? found.vgaBios };
}

const NO_FIRMWARE = 'no firmware is found; install the package seabios or run npm run guests, or give -bios FILE';

/** A user who names no image wants to see something start. */
function embeddedInstead(flags: Flags, { bios }: FirmwarePaths, { say }: Surroundings): string | undefined {
  const named = ([...DRIVES, 'initrd', 'append'] as const).some((flag) => flags.has(flag));
  if (named || bios !== undefined) return undefined;
  say(`${NO_FIRMWARE}. The teaching image, which needs none, starts instead`);
  return embeddedImage();
}

async function firmware({ bios, vgaBios }: FirmwarePaths, direct: boolean): Promise<Pick<MachineOptions, 'bios' | 'vgaBios'>> {
  if (direct) return {};
  if (bios === undefined) throw new EmulatorError('missing-file', `${NO_FIRMWARE} (or -kernel, which needs none)`);
  const biosBytes = await readImage(bios, 'the BIOS');
  return vgaBios === undefined ? { bios: biosBytes } : { bios: biosBytes, vgaBios: await readImage(vgaBios, 'the VGA BIOS') };
}

/** One file for Linux; for multiboot QEMU's list of modules, each with its arguments after a space. */
async function readInitrd(spec: string, kernel: Uint8Array | undefined): Promise<Uint8Array | readonly ModuleOption[]> {
  if (kernel === undefined || isLinuxKernel(kernel) || !isMultiboot(kernel)) return readImage(spec, 'the initrd');
  const modules: ModuleOption[] = [];
  for (const commandLine of spec.split(',')) {
    modules.push({ source: await readImage(commandLine.split(' ')[0], 'a module'), commandLine });
  }
  return modules;
}
