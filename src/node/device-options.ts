/** QEMU's flags for devices: -drive, -device, -chardev, -fsdev, -virtfs; what they name by id is put together here. */
import { EmulatorError } from '../errors.ts';
import type { DriveOption, MachineOptions, VirtioOption } from '../index.ts';
import { type Destination, destination } from './destinations.ts';
import type { Flags } from './flags.ts';

export interface DeviceOptions {
  readonly virtio: readonly VirtioOption[];
  readonly debugExit: MachineOptions['debugExit'];
  /** Where the output of each console goes, and which the terminal types to. */
  readonly consoles: readonly Destination[];
}

/** Key and value pairs as QEMU separates them: by commas, a doubled comma is one that belongs to a value. */
export class Properties {
  readonly spec: string;
  /** The first word, where it is no pair. */
  readonly first: string | undefined;
  private readonly flag: string;
  private readonly values = new Map<string, string>();

  constructor(flag: string, spec: string) {
    this.flag = flag;
    this.spec = spec;
    const parts = spec.replaceAll(',,', '\0').split(',').map((part) => part.replaceAll('\0', ','));
    this.first = parts[0].includes('=') ? undefined : parts.shift();
    for (const part of parts) {
      const at = part.indexOf('=');
      if (at < 1) throw this.error(`${part} is no KEY=VALUE`);
      this.values.set(part.slice(0, at), part.slice(at + 1));
    }
  }

  /** Takes a value out; what stays is unknown. */
  take(key: string): string | undefined {
    const value = this.values.get(key);
    this.values.delete(key);
    return value;
  }

  need(key: string): string {
    const value = this.take(key);
    if (value === undefined || value === '') throw this.error(`it needs ${key}=…`);
    return value;
  }

  takeSwitch(key: string): boolean {
    const value = this.take(key) ?? 'off';
    if (value !== 'on' && value !== 'off') throw this.error(`${key} is on or off`);
    return value === 'on';
  }

  /** @throws EmulatorError `bad-option` for a key that nobody took */
  finish(): void {
    const [unknown] = this.values.keys();
    if (unknown !== undefined) throw this.error(`there is no ${unknown}`);
  }

  error(what: string): EmulatorError {
    return new EmulatorError('bad-option', `-${this.flag} ${this.spec}: ${what}`);
  }
}

/** @throws EmulatorError `bad-option` */
export function deviceOptions(flags: Flags): DeviceOptions {
  return new DeviceFlags(flags).read();
}

interface Folder {
  readonly source: string;
  readonly readOnly: boolean;
}

/** What -fsdev and -virtfs have in common. */
function readFolder(properties: Properties): Folder {
  if (properties.first !== 'local') throw properties.error('it is local,path=DIR,…');
  const source = properties.need('path');
  const model = properties.take('security_model') ?? 'none';
  if (model !== 'none') throw properties.error('security_model is none: files belong to the user who starts the machine');
  return { source, readOnly: properties.takeSwitch('readonly') };
}

const VIRTIO_9P = /^virtio-9p-(pci|device)$/;
const VIRTIO_BLK = /^virtio-blk-(pci|device)$/, VIRTIO_RNG = /^virtio-rng-(pci|device)$/, VIRTIO_SERIAL = /^virtio-serial-(pci|device)$/;

class DeviceFlags {
  private readonly flags: Flags;
  private readonly drives = new Map<string, DriveOption>();
  private readonly chardevs = new Map<string, Destination>();
  private readonly folders = new Map<string, Folder>();
  private readonly virtio: VirtioOption[] = [];
  private readonly consoles: Destination[] = [];
  /** Serial controllers that have no console yet. */
  private controllers = 0;
  private debugExit: { iobase?: number; iosize?: number } | undefined = undefined;

  constructor(flags: Flags) {
    this.flags = flags;
  }

  read(): DeviceOptions {
    for (const spec of this.flags.all('chardev')) this.addChardev(new Properties('chardev', spec));
    for (const spec of this.flags.all('drive')) this.addDrive(new Properties('drive', spec));
    for (const spec of this.flags.all('fsdev')) this.addFolder(new Properties('fsdev', spec));
    for (const spec of this.flags.all('virtfs')) this.addShare(new Properties('virtfs', spec));
    for (const spec of this.flags.all('device')) this.addDevice(new Properties('device', spec));
    const [unused] = this.drives.keys();
    if (unused !== undefined) throw new EmulatorError('bad-option', `-drive …,id=${unused}: no -device virtio-blk-pci,drive=${unused} uses it`);
    const { virtio, debugExit, consoles } = this;
    return { virtio, debugExit, consoles };
  }

  private addChardev(properties: Properties): void {
    const id = properties.need('id');
    const path = properties.take('path');
    properties.finish();
    const { first } = properties;
    const spec = first === 'file' && path !== undefined ? `file:${path}` : first ?? '';
    if (first === 'file' && path === undefined) throw properties.error('it needs path=…');
    this.chardevs.set(id, destination(spec, 'chardev'));
  }

  private addDrive(properties: Properties): void {
    const source = properties.need('file');
    const where = properties.take('if') ?? 'ide';
    const format = properties.take('format') ?? 'raw';
    const id = properties.take('id');
    const keep = this.flags.has('snapshot') || properties.takeSwitch('snapshot');
    properties.finish();
    if (format !== 'raw') throw properties.error('the format of an image is raw');
    const drive: DriveOption = { source, writes: keep ? 'memory' : 'direct' };
    if (where === 'virtio') this.virtio.push({ kind: 'blk', drive });
    else if (where === 'none' && id !== undefined) this.drives.set(id, drive);
    else throw properties.error(where === 'none' ? 'it needs id=…' : 'if is virtio or none; IDE disks are -hda to -hdd');
  }

  private addFolder(properties: Properties): void {
    const id = properties.need('id');
    this.folders.set(id, readFolder(properties));
    properties.finish();
  }

  private addShare(properties: Properties): void {
    const mountTag = properties.need('mount_tag');
    this.virtio.push({ kind: '9p', mountTag, ...readFolder(properties) });
    properties.take('id');
    properties.finish();
  }

  private addDevice(properties: Properties): void {
    const model = properties.first ?? '';
    if (model === 'isa-debug-exit') this.addDebugExit(properties);
    else if (VIRTIO_BLK.test(model)) this.addDisk(properties);
    else if (VIRTIO_RNG.test(model)) this.virtio.push({ kind: 'rng' });
    else if (VIRTIO_SERIAL.test(model)) this.controllers++;
    else if (VIRTIO_9P.test(model)) this.add9p(properties);
    else if (model === 'virtconsole') this.addConsole(properties);
    else {
      throw properties.error('Coracle adds virtio-blk-pci, virtio-rng-pci, virtio-serial-pci, virtconsole, virtio-9p-pci and isa-debug-exit; the PC’s other devices are always there');
    }
    properties.take('id');
    properties.finish();
  }

  private addDisk(properties: Properties): void {
    const id = properties.need('drive');
    const drive = this.drives.get(id);
    if (drive === undefined) throw properties.error(`there is no -drive if=none,id=${id}, or another device has it`);
    this.drives.delete(id);
    this.virtio.push({ kind: 'blk', drive });
  }

  private add9p(properties: Properties): void {
    const id = properties.need('fsdev'), mountTag = properties.need('mount_tag');
    const folder = this.folders.get(id);
    if (folder === undefined) throw properties.error(`there is no -fsdev local,id=${id}`);
    this.virtio.push({ kind: '9p', mountTag, ...folder });
  }

  private addConsole(properties: Properties): void {
    if (this.controllers-- === 0) throw properties.error('each console needs a -device virtio-serial-pci before it');
    const id = properties.take('chardev');
    const where: Destination | undefined = id === undefined ? { kind: 'none' } : this.chardevs.get(id);
    if (where === undefined) throw properties.error(`there is no -chardev …,id=${id}`);
    this.virtio.push({ kind: 'console' });
    this.consoles.push(where);
  }

  private addDebugExit(properties: Properties): void {
    const exit: { iobase?: number; iosize?: number } = {};
    for (const key of ['iobase', 'iosize'] as const) {
      const text = properties.take(key);
      if (text === undefined) continue;
      const number = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : Number.NaN;
      if (!(number <= 0xffff)) throw properties.error(`${key}=${text} is not ${key === 'iobase' ? 'iobase=PORT' : 'iosize=N'}`);
      exit[key] = number;
    }
    this.debugExit = exit;
  }
}
