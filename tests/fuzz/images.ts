/**
 * Fuzzer `images`: what a user may hand to `createMachine`, damaged at the edges: kernels, headers, initrds, disks, CDs,
 * floppies, firmware. Either a machine comes of it, which then runs and can be switched off, or an EmulatorError.
 */
import { createMachine, type MachineOptions } from '../../src/create-machine.ts';
import { EmulatorError } from '../../src/errors.ts';
import type { Random } from '../oracle/random.ts';
import { type FuzzCase, type Fuzzer, Finding } from './fuzzer.ts';
import { FuzzHost } from './host.ts';
import { cpuMs, getResources } from './machine.ts';
import { fuzzFirmware } from './firmware.ts';

const MIB = 2 ** 20;
const ROUNDS = 6;
const TURNS = 2;
/** Host time of one attempt, machine and a little of its life included. */
const SLOW_MS = 20_000;
const SECTOR = 512, ISO_SECTOR = 2048;

const WORDS = [0, 1, 2, 0xf, 0x10, 0x1f, 0x20, 0x7f, 0x80, 0xff, 0x100, 0x1ff, 0x200, 0xfff, 0x1000, 0xffff, 0x10000, 0xfffff, 0x100000, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff];

class Image {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;

  constructor(random: Random, size: number) {
    this.bytes = new Uint8Array(Math.max(0, size));
    this.view = new DataView(this.bytes.buffer);
    if (random.chance(40)) for (let i = 0; i < Math.min(size, 70_000); i++) this.bytes[i] = random.u32();
  }

  put(at: number, width: 1 | 2 | 4, value: number): void {
    if (at < 0 || at + width > this.bytes.length) return;
    if (width === 1) this.bytes[at] = value;
    else if (width === 2) this.view.setUint16(at, value & 0xffff, true);
    else this.view.setUint32(at, value >>> 0, true);
  }

  text(at: number, text: string): void {
    for (let i = 0; i < text.length; i++) this.put(at + i, 1, text.charCodeAt(i));
  }
}

const number = (random: Random): number => (random.chance(60) ? random.pick(WORDS) : random.value());

/** A few fields, each with a value at an edge. */
function damage(random: Random, image: Image, fields: readonly (readonly [number, 1 | 2 | 4])[]): void {
  for (let n = random.pick([0, 1, 1, 2, 4, 8]); n > 0; n--) {
    const [at, width] = random.pick(fields);
    image.put(at, width, number(random));
  }
  for (let n = random.pick([0, 0, 1, 10]); n > 0; n--) image.put(random.below(Math.max(1, image.bytes.length)), 1, random.u32());
}

/** Setup header of a bzImage [boot.rst]. */
const LINUX_FIELDS: readonly (readonly [number, 1 | 2 | 4])[] = [
  [0x1f1, 1], [0x1f1, 1], [0x1f4, 4], [0x1fe, 2], [0x201, 1], [0x202, 4], [0x206, 2], [0x206, 2], [0x211, 1], [0x214, 4], [0x218, 4], [0x22c, 4], [0x22c, 4],
  [0x230, 4], [0x234, 1], [0x236, 2], [0x238, 4], [0x238, 4], [0x248, 4], [0x24c, 4], [0x250, 4], [0x258, 4], [0x25c, 4], [0x260, 4], [0x260, 4],
];

function linux(random: Random): Image {
  const image = new Image(random, random.pick([0, 1, 511, 512, 0x202, 0x264, 0x400, 1024 * 5, 40_000, 300_000, MIB]));
  image.put(0x1f1, 1, random.pick([0, 1, 4, 30]));
  image.put(0x1fe, 2, 0xaa55);
  image.text(0x202, 'HdrS');
  image.put(0x201, 1, 0x66);
  image.put(0x206, 2, random.pick([0x1ff, 0x200, 0x202, 0x203, 0x204, 0x206, 0x20a, 0x20c, 0x20f]));
  image.put(0x211, 1, random.pick([0, 1, 0x81]));
  image.put(0x1f4, 4, Math.max(0, (image.bytes.length - 2560) >> 4));
  image.put(0x22c, 4, 0x7fffffff);
  image.put(0x238, 4, 2047);
  image.put(0x236, 2, 0);
  image.put(0x258, 4, MIB);
  image.put(0x25c, 4, 0);
  image.put(0x260, 4, 0x40000);
  damage(random, image, LINUX_FIELDS);
  return image;
}

const MULTIBOOT_FIELDS: readonly (readonly [number, 1 | 2 | 4])[] = [
  [4, 4], [12, 4], [16, 4], [20, 4], [24, 4], [28, 4], [32, 4], [36, 4], [40, 4], [44, 4],
];

function multiboot(random: Random): Image {
  const image = new Image(random, random.pick([0, 12, 47, 48, 100, 8192, 8200, 70_000]));
  const at = random.pick([0, 0, 4, 8188, 8180]);
  const flags = random.pick([0x10000, 0x10003, 0x10007, 0, 3, 0x10008, 0xffffffff]);
  [0x1badb002, flags, -(0x1badb002 + flags), MIB + at, MIB, MIB + image.bytes.length, MIB + image.bytes.length + 4096, MIB + at + 48].forEach((word, i) => image.put(at + 4 * i, 4, word));
  damage(random, image, MULTIBOOT_FIELDS.slice(1).map(([offset, width]) => [offset + at, width] as const));
  return image;
}

const ELF_FIELDS: readonly (readonly [number, 1 | 2 | 4])[] = [
  [4, 1], [16, 2], [18, 2], [24, 4], [28, 4], [42, 2], [44, 2], [52, 4], [56, 4], [60, 4], [64, 4], [68, 4], [72, 4], [76, 4], [84, 4], [88, 4], [92, 4], [96, 4], [100, 4],
];

/** An i386 ELF file with two segments and a multiboot header. */
function elf(random: Random): Image {
  const image = new Image(random, random.pick([120, 300, 5000, 20_000]));
  image.text(0, '\x7fELF\x01\x01\x01');
  for (const [at, width, value] of [[16, 2, 2], [18, 2, 3], [24, 4, MIB], [28, 4, 52], [42, 2, 32], [44, 2, 2]] as const) image.put(at, width, value);
  for (let i = 0; i < 2; i++) [1, 0, MIB + i * 65536, MIB + i * 65536, 100, 4096, 7, 4096].forEach((word, k) => image.put(52 + 32 * i + 4 * k, 4, word));
  [0x1badb002, 3, -(0x1badb002 + 3)].forEach((word, k) => image.put(116 + 4 * k, 4, word));
  damage(random, image, ELF_FIELDS);
  return image;
}

const DISK_FIELDS: readonly (readonly [number, 1 | 2 | 4])[] = [[446, 1], [450, 1], [454, 4], [458, 4], [462, 1], [466, 1], [470, 4], [474, 4], [510, 2], [11, 2], [13, 1], [24, 2], [26, 2]];

function disk(random: Random): Image {
  const image = new Image(random, random.pick([0, 1, 511, 512, 513, 63 * 512, 64 * 1024, 1440 * 1024, MIB, 504 * 1024 + 7]));
  image.put(510, 2, 0xaa55);
  image.put(450, 1, 0x83);
  image.put(454, 4, 1);
  image.put(458, 4, Math.floor(image.bytes.length / SECTOR) - 1);
  image.text(0, '\xeb\xfe');
  damage(random, image, DISK_FIELDS);
  return image;
}

const ISO = 16 * ISO_SECTOR, BOOT_RECORD = 17 * ISO_SECTOR, CATALOG = 20 * ISO_SECTOR;
const ISO_FIELDS: readonly (readonly [number, 1 | 2 | 4])[] = [
  [ISO, 1], [ISO + 80, 4], [ISO + 128, 2], [BOOT_RECORD, 1], [BOOT_RECORD + 0x47, 4], [CATALOG, 1], [CATALOG + 0x1c, 2], [CATALOG + 0x1e, 2], [CATALOG + 0x20, 1], [CATALOG + 0x21, 1],
  [CATALOG + 0x22, 2], [CATALOG + 0x26, 2], [CATALOG + 0x28, 4],
];

/** A CD with an El Torito catalogue. */
function cd(random: Random): Image {
  const image = new Image(random, random.pick([0, 2048, ISO, ISO + 6, ISO + 2048, 30 * ISO_SECTOR, 100 * ISO_SECTOR + 5]));
  image.put(ISO, 1, 1);
  image.text(ISO + 1, 'CD001\x01');
  image.put(ISO + 80, 4, Math.floor(image.bytes.length / ISO_SECTOR));
  image.put(BOOT_RECORD, 1, 0);
  image.text(BOOT_RECORD + 1, 'CD001\x01EL TORITO SPECIFICATION');
  image.put(BOOT_RECORD + 0x47, 4, 20);
  for (let i = 0; i < 64; i++) image.put(CATALOG + i, 1, 0);
  image.put(CATALOG, 1, 1);
  image.put(CATALOG + 0x1c, 2, 0x55aa);
  image.put(CATALOG + 0x1e, 2, 0xaa55);
  image.put(CATALOG + 0x20, 1, 0x88);
  image.put(CATALOG + 0x26, 2, 4);
  image.put(CATALOG + 0x28, 4, 22);
  damage(random, image, ISO_FIELDS);
  return image;
}

const FOREIGN = ['QFI\xfb', 'KDMV', '# Disk DescriptorFile', 'conectix', 'vhdxfile', '\x1f\x8b', '\xfd7zXZ', 'PK\x03\x04'];

function foreign(random: Random): Image {
  const image = new Image(random, random.pick([0, 1, 3, 512, 4096]));
  image.text(0, random.pick(FOREIGN).slice(0, random.pick([1, 2, 4, 30])));
  return image;
}

const ANY = [linux, multiboot, elf, disk, cd, foreign];

function initrd(random: Random): Uint8Array<ArrayBuffer> {
  return new Uint8Array(random.pick([0, 1, 4095, 4096, 4097, MIB - 1, MIB, 2 * MIB, 15 * MIB]));
}

/** Code where firmware is entered, and noise everywhere else. */
function firmware(random: Random): Uint8Array {
  const { bios } = getResources();
  const kind = random.below(5);
  if (kind === 0) return new Image(random, random.pick([0, 1, 0xffff, 0x10000, 0x20000, 0x30000, 0x40001, 0x1000000, 0x1010000])).bytes;
  const image = (kind === 1 && bios ? bios : fuzzFirmware()).slice();
  const noise = random.pick([0, 1, 20, 2000]);
  for (let n = 0; n < noise; n++) image[random.below(image.length)] = random.u32();
  return image;
}

function options(random: Random): MachineOptions {
  const source = (): Uint8Array<ArrayBuffer> => random.pick(ANY)(random).bytes;
  const drive = (make: (random: Random) => Image): MachineOptions['hda'] => {
    const { bytes } = random.chance(75) ? make(random) : random.pick(ANY)(random);
    const kind = random.below(4);
    return kind === 0 ? { source: bytes, writes: 'memory' } : kind === 1 ? new Blob([bytes]) : kind === 2 ? bytes.buffer : bytes;
  };
  const list: Record<string, unknown> = { memoryMiB: random.pick([1, 2, 4, 16, 64, 64, 256]) };
  const some = (name: string, percent: number, make: () => unknown): void => {
    if (random.chance(percent)) list[name] = make();
  };
  if (random.chance(60)) {
    list.kernel = random.pick([linux, linux, linux, multiboot, elf, source])(random);
    if (list.kernel instanceof Image) list.kernel = list.kernel.bytes;
    some('initrd', 50, () => (random.chance(70) ? initrd(random) : Array.from({ length: random.pick([0, 1, 3, 300]) }, () => ({ source: new Uint8Array(random.below(5000)), commandLine: 'x'.repeat(random.pick([0, 5, 3000])) }))));
    some('append', 50, () => 'a'.repeat(random.pick([0, 1, 255, 256, 2047, 2048, 5000, 70_000])) + random.pick(['', '\0', '\u00e4\u{1f600}']));
  } else list.bios = firmware(random);
  some('vgaBios', 30, () => (random.chance(50) ? (getResources().vgaBios ?? source()) : Uint8Array.from([0x55, 0xaa, ...new Uint8Array(random.pick([0, 509, 510, 5000, 0x3fffe, 0x3ffff]))])));
  for (const name of ['hda', 'hdb', 'hdd']) some(name, 25, () => drive(disk));
  some('cdrom', 30, () => drive(cd));
  some('fda', 25, () => drive(disk));
  some('boot', 20, () => random.pick(['a', 'c', 'd', 'n', 'cad', '', 'x', 'cccc', 'ccccc']));
  some('memoryMiB', 5, () => random.pick([0, -1, 1.5, Number.NaN, 4096, 3072, 3840]));
  some('serialPorts', 10, () => random.pick([0, 1, 4]));
  return list as MachineOptions;
}

async function attempt(fuzz: FuzzCase): Promise<void> {
  const { random } = fuzz;
  const given = options(random);
  fuzz.note(Object.entries(given).map(([name, value]) => `${name} ${value instanceof Uint8Array ? `${value.length} bytes` : String(value).slice(0, 20)}`).join(', '));
  const host = new FuzzHost();
  let machine: Awaited<ReturnType<typeof createMachine>>;
  try {
    machine = await createMachine({ ...given, pace: 'none', host, modules: getResources().modules, date: new Date(host.dateMs()) });
  } catch (error) {
    if (error instanceof EmulatorError && error.message.length > 10) return;
    throw error;
  }
  let failure: Error | undefined;
  machine.on('error', (error) => {
    failure = error;
  });
  for (let n = 0; n < 2; n++) {
    fuzz.note('run');
    machine.run();
    for (let i = 0; i < TURNS && host.turn(); i++) {
      fuzz.note('turn');
      await Promise.resolve();
    }
    machine.pause();
    while (host.turn());
    machine.screenshot();
    machine.reset();
  }
  if (failure !== undefined && !(failure instanceof EmulatorError)) throw failure;
  await machine.dispose();
}

export const images: Fuzzer = {
  name: 'images',
  share: 16,
  async run(fuzz) {
    for (let n = 0; n < ROUNDS; n++) {
      const before = cpuMs();
      await attempt(fuzz);
      const ms = cpuMs() - before;
      if (ms > SLOW_MS) throw new Finding(`an image took ${Math.round(ms)} ms of the host's processor`);
    }
  },
};
