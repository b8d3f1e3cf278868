/** A `pc` without a screen for the fuzzers, with the checks that hold whatever a guest does. */
import { isDeepStrictEqual } from 'node:util';
import { Cpu, type CpuModules, type CpuOptions } from '../../src/cpu/cpu.ts';
import { cpuProfile } from '../../src/cpu/profiles.ts';
import type { Device, Width } from '../../src/devices/device.ts';
import type { DrivePosition, DriveSpec } from '../../src/devices/ide/piix3-ide.ts';
import { createPcBoard } from '../../src/machine/boards/pc.ts';
import { optionRom } from '../../src/machine/loaders/bios.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Arena } from '../../src/memory/arena.ts';
import type { BlockBackend } from '../../src/storage/block.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { FuzzBackend } from './backend.ts';
import { ALIVE, ALIVE_PORT, COUNTER, fuzzFirmware } from './firmware.ts';
import { Finding, type FuzzCase } from './fuzzer.ts';
import { collectionSizes } from './growth.ts';
import { FuzzHost } from './host.ts';

const MIB = 2 ** 20;
/** Host time of the processor for one call of `run`, which has at most 100,000 instructions; regions that are compiled count. */
const SLOW_MS = 8000;
const CMOS_PROCESSORS = 0x5f;
/** The same for one access of a port or of memory. */
const SLOW_ACCESS_MS = 250;
/** What the arena holds besides RAM: video memory, ROMs, decoded code, TLBs and tables. */
const ARENA_BESIDES = 48 * MIB;
const FRAMES_BESIDES = (18 * MIB) / 4096;
/** Elements by which any list may grow. Code, and regions by page, come and go in larger numbers, but are bounded; a decoder's table appears with its first use. */
const LARGEST_GROWTH = 1000;
const BOUNDED = /^\.memory\.byPage$|^\.cpu\.engine\.(code\.|compiler\.(freeSlots|waiting|footprints))|^\.cpu\.source\.translator\.decoder\./;
/** How processors run: compiling what a guest's code seldom reaches here, what it often does, and nothing. To compile all is too slow. */
const WAYS: readonly CpuOptions[] = [{ tier: 'auto' }, { tier: 'auto', compileThreshold: 4 }, { tier: 'interp' }];
const FLOPPY_BYTES = 1440 * 1024;

export interface FuzzResources {
  readonly modules: CpuModules;
  /** SeaBIOS, where it is found. */
  readonly bios: Uint8Array | undefined;
  readonly vgaBios: Uint8Array | undefined;
}

let resources: FuzzResources | undefined;
export function setResources(given: FuzzResources): void {
  resources = given;
}
export function getResources(): FuzzResources {
  if (!resources) throw new Error('no resources');
  return resources;
}

export interface FuzzMachineOptions {
  readonly ramMiB?: number;
  /** Firmware that sets the machine up and then waits for interrupts, or SeaBIOS. Default: the former. */
  readonly seaBios?: boolean;
}

export class FuzzMachine {
  readonly fuzz: FuzzCase;
  readonly host = new FuzzHost();
  readonly machine: Machine;
  readonly cpu: Cpu;
  readonly disks: FuzzBackend[] = [];
  private readonly arena: Arena;
  /** Of the machine as it was made. */
  private readonly sizes: ReadonlyMap<string, number>;
  private error: Error | undefined;
  /** Bytes of the debug ports since the last reset. */
  private output = '';

  constructor(fuzz: FuzzCase, options: FuzzMachineOptions = {}) {
    this.fuzz = fuzz;
    const { modules, bios, vgaBios } = getResources();
    const seaBios = options.seaBios === true && bios !== undefined;
    let arena: Arena | undefined;
    let cpu: Cpu | undefined;
    this.machine = new Machine({
      ramBytes: (options.ramMiB ?? 4) * MIB,
      host: this.host,
      pace: 'none',
      noReboot: false,
      plan: undefined,
      createProcessor: (given, parts) => {
        arena = given;
        cpu = this.timedRuns(new Cpu(given, parts, modules, { ...fuzz.random.pick(WAYS), profile: cpuProfile('max') }));
        return cpu;
      },
      createBoard: (parts) => createPcBoard(parts, {
        drives: this.drives(),
        floppies: this.floppies(),
        bios: seaBios ? bios : fuzzFirmware(),
        vgaBios: vgaBios && optionRom(vgaBios),
        bootOrder: 'cad',
        serialPorts: 4,
        startDate: new Date(this.host.dateMs()),
        virtio: [
          { kind: 'blk', backend: new MemoryBackend(new Uint8Array(MIB)) }, { kind: 'console' },
          { kind: 'rng', random: (length) => this.host.random(length) },
        ],
        debugExit: {},
      }),
    });
    this.arena = arena!;
    this.cpu = cpu!;
    this.machine.on('error', (error) => {
      // A disk that fails tells the host, too; that is no failure of the host.
      if (error.name !== 'EmulatorError') this.error = error;
    });
    this.machine.on('debug-output', ({ data }) => {
      this.output = (this.output + String.fromCharCode(...data.slice(-2000))).slice(-4000);
    });
    this.machine.on('reset', () => {
      this.output = '';
    });
    this.sizes = collectionSizes(this.machine);
  }

  get ramBytes(): number {
    return this.machine.memory.ramBytes;
  }

  in(port: number, width: Width): number {
    this.fuzz.note(`in${width} ${port.toString(16)}`);
    return this.checkValue(timed(`in ${port.toString(16)}`, SLOW_ACCESS_MS, () => this.machine.ports.readPort(port, width)), width);
  }

  out(port: number, width: Width, value: number): void {
    this.fuzz.note(`out${width} ${port.toString(16)} ${(value >>> 0).toString(16)}`);
    timed(`out ${port.toString(16)}`, SLOW_ACCESS_MS, () => this.machine.ports.writePort(port, width, value >>> 0));
  }

  read(address: number, width: Width): number {
    this.fuzz.note(`read${width} ${address.toString(16)}`);
    return this.checkValue(timed('a read', SLOW_ACCESS_MS, () => this.machine.memory.readPhys(address, width)), width);
  }

  write(address: number, width: Width, value: number): void {
    this.fuzz.note(`write${width} ${address.toString(16)} ${(value >>> 0).toString(16)}`);
    timed('a write', SLOW_ACCESS_MS, () => this.machine.memory.writePhys(address, width, value >>> 0));
  }

  /** A register of a PCI function, by the configuration ports. */
  configure(slot: number, fn: number, register: number, width: Width, value: number): void {
    this.out(0xcf8, 4, 0x80000000 | (slot << 11) | (fn << 8) | (register & 0xfc));
    this.out(0xcfc + (register & 3), width, value);
  }

  /** Lets the machine run for some turns of the host's event loop; answers of disks arrive in between. */
  async run(turns: number): Promise<void> {
    this.fuzz.note(`run ${turns}`);
    this.machine.run();
    for (let i = 0; i < turns; i++) {
      await settle();
      if (this.machine.state === 'off') {
        this.fuzz.note('off');
        this.machine.run();
      }
      if (!this.host.turn()) break;
      this.fuzz.note('turn');
      this.failed();
    }
    await settle();
    this.machine.pause();
    while (this.host.turn());
    this.failed();
  }

  /** What holds after any traffic. */
  check(): void {
    const { memory } = this.machine;
    const frames = memory.pool.framesInUse;
    const most = this.ramBytes / 4096 + FRAMES_BESIDES;
    if (frames > most) throw new Finding(`${frames} frames are in use, there should be at most ${most}`);
    if (this.arena.usedBytes > this.ramBytes + ARENA_BESIDES) throw new Finding(`the arena has grown to ${this.arena.usedBytes} bytes`);
    (this.machine as unknown as { flushOutput(): void }).flushOutput();
    for (const [path, size] of collectionSizes(this.machine)) {
      const before = this.sizes.get(path) ?? 0;
      if (size > before + LARGEST_GROWTH && !BOUNDED.test(path)) throw new Finding(`${path} has grown from ${before} to ${size} elements`);
    }
    this.checkStates();
    const frame = this.machine.screenshot();
    if (frame.width * frame.height > 64 * MIB) throw new Finding(`a picture of ${frame.width} by ${frame.height}`);
    this.machine.readTextScreen();
  }

  /** After a reset the machine is one again: its firmware runs, RAM keeps a word, the timer interrupts. */
  async answers(): Promise<void> {
    this.fuzz.note('reset');
    this.machine.pause();
    this.machine.reset();
    this.output = '';
    await this.run(12);
    const counted = this.machine.memory.readPhys(COUNTER, 2);
    if (!this.output.includes(String.fromCharCode(ALIVE)) || counted < 3) {
      throw new Finding(`after a reset the machine does not come up: port ${ALIVE_PORT.toString(16)} “${this.output}”, ${counted} interrupts`);
    }
  }

  /** The same for a machine with SeaBIOS. */
  async startsSeaBios(): Promise<void> {
    this.fuzz.note('reset');
    this.machine.pause();
    // Where SeaBIOS looks for a number of processors, which it would wait for; the battery keeps what the guest wrote there.
    this.out(0x70, 1, CMOS_PROCESSORS);
    this.out(0x71, 1, 0);
    this.machine.reset();
    this.output = '';
    for (let i = 0; i < 60 && !/Booting from|No bootable/.test(this.output); i++) await this.run(20);
    if (!/Booting from|No bootable/.test(this.output)) throw new Finding(`after a reset SeaBIOS does not come up: “${this.output.slice(-300)}”`);
  }

  async dispose(): Promise<void> {
    await this.machine.dispose();
  }

  /** A device that gets its own state back is the same device. */
  private checkStates(): void {
    const { devices } = this.machine.board as unknown as { devices: readonly Device<unknown>[] };
    for (const device of devices) {
      const state = structuredClone(device.save());
      device.restore(state);
      if (!isDeepStrictEqual(device.save(), state)) throw new Finding(`${device.id} has another state after restore: ${difference(device.save(), state)}`);
    }
  }

  private failed(): void {
    if (this.error !== undefined) throw this.error;
  }

  private checkValue(value: number, width: Width): number {
    const whole = Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width);
    if (!whole) throw new Finding(`a read of ${width} bytes gives ${value}`);
    return value;
  }

  /** Every call of `run` has to come back soon. */
  private timedRuns(cpu: Cpu): Cpu {
    const run = cpu.run.bind(cpu);
    cpu.run = (fuel) => timed(`run(${fuel})`, SLOW_MS, () => run(fuel));
    return cpu;
  }

  private drives(): Partial<Record<DrivePosition, DriveSpec>> {
    const { random } = this.fuzz;
    const disk = (bytes: number, readOnly = false): FuzzBackend => {
      const backend = new FuzzBackend(random, bytes, readOnly);
      this.disks.push(backend);
      return backend;
    };
    return {
      0: { kind: 'disk', backend: disk(random.pick([MIB, 512, 3 * MIB - 100, 700])) },
      ...(random.chance(50) ? { 1: { kind: 'disk', backend: disk(MIB, true) } as const } : {}),
      2: random.chance(80) ? { kind: 'cdrom', medium: disk(random.pick([MIB, 2048, 5000]), true) } : { kind: 'cdrom' },
      ...(random.chance(30) ? { 3: { kind: 'disk', backend: disk(64 * 1024) } as const } : {}),
    };
  }

  private floppies(): readonly [BlockBackend | undefined, BlockBackend | undefined] {
    const { random } = this.fuzz;
    const floppy = (): FuzzBackend | undefined => (random.chance(70) ? new FuzzBackend(random, FLOPPY_BYTES, random.chance(30)) : undefined);
    return [floppy(), floppy()];
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}

/** The first place in which two states differ. */
function difference(is: unknown, was: unknown, path = ''): string {
  if (typeof is !== 'object' || is === null || typeof was !== 'object' || was === null) return `${path} is ${String(is)}, was ${String(was)}`;
  for (const name of new Set([...Object.keys(is), ...Object.keys(was)])) {
    const [a, b] = [(is as Record<string, unknown>)[name], (was as Record<string, unknown>)[name]];
    if (!isDeepStrictEqual(a, b)) return difference(a, b, `${path}.${name}`);
  }
  return path;
}

/** Throws when `action` takes more of the host's processor than it may. */
function timed<T>(what: string, limitMs: number, action: () => T): T {
  const before = performance.now();
  const usedBefore = cpuMs();
  const result = action();
  if (performance.now() - before > limitMs) {
    const ms = Math.round(cpuMs() - usedBefore);
    if (ms > limitMs) throw new Finding(`${what} took ${ms} ms of the host's processor`);
  }
  return result;
}

/** Of the host's processor, by this process. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
