/** Stand-ins for the board, for the unit tests of the chips: a port bus, a clock that is moved by hand, wires. */
import { type PhysAddr, type Ticks, ticks } from '../memory/address.ts';
import type { BusRegistrar, Clock, Dma, IoHandler, IrqLine, RamRegion, Region, RegionOptions, Timer, Width } from './device.ts';

export class TestClock implements Clock {
  now: Ticks = ticks(0);
  private readonly timers: TestTimer[] = [];

  timer(_name: string, onDeadline: (now: Ticks) => void): Timer {
    const timer = new TestTimer(onDeadline);
    this.timers.push(timer);
    return timer;
  }

  /** The earliest armed deadline, in nanoseconds. */
  get nextDeadline(): number | undefined {
    return this.earliest()?.deadline;
  }

  /** Moves time forward, running every deadline on the way at its own time. */
  advance(ns: number): void {
    const end = this.now + ns;
    for (let timer = this.earliest(); timer !== undefined && timer.deadline! <= end; timer = this.earliest()) {
      this.now = ticks(Math.max(this.now, timer.deadline!));
      timer.fire(this.now);
    }
    this.now = ticks(end);
  }

  private earliest(): TestTimer | undefined {
    const armed = this.timers.filter((timer) => timer.deadline !== undefined);
    return armed.sort((a, b) => a.deadline! - b.deadline!)[0];
  }
}

class TestTimer implements Timer {
  deadline: Ticks | undefined = undefined;
  private readonly onDeadline: (now: Ticks) => void;
  constructor(onDeadline: (now: Ticks) => void) {
    this.onDeadline = onDeadline;
  }
  armAt(at: Ticks): void {
    this.deadline = at;
  }
  cancel(): void {
    this.deadline = undefined;
  }
  fire(now: Ticks): void {
    this.deadline = undefined;
    this.onDeadline(now);
  }
}

export class TestLine implements IrqLine {
  level = false;
  /** Rising edges so far. */
  edges = 0;
  set(level: boolean): void {
    if (level && !this.level) this.edges++;
    this.level = level;
  }
}

class TestRegion implements Region {
  readonly name: string;
  readonly size: number;
  readonly handler: IoHandler;
  readonly widths: readonly Width[];
  base: number | undefined = undefined;
  constructor(name: string, size: number, handler: IoHandler, options?: RegionOptions) {
    this.name = name;
    this.size = size;
    this.handler = handler;
    this.widths = options?.widths ?? [1];
  }
  mapAt(base: number): void {
    this.base = base;
  }
  unmap(): void {
    this.base = undefined;
  }
}

/** Splits accesses as the board's bus does: into the widest pieces that the handler takes and that are aligned. */
export class TestBus implements BusRegistrar {
  readonly portRegions: TestRegion[] = [];
  readonly memoryRegions: TestRegion[] = [];

  ports(name: string, size: number, handler: IoHandler, options?: RegionOptions): Region {
    const region = new TestRegion(name, size, handler, options);
    this.portRegions.push(region);
    return region;
  }
  memory(name: string, size: number, handler: IoHandler, options?: RegionOptions): Region {
    const region = new TestRegion(name, size, handler, options);
    this.memoryRegions.push(region);
    return region;
  }
  ram(): RamRegion {
    throw new Error('the test bus has no memory of its own');
  }

  in8(port: number): number {
    return this.access(port, 1, undefined);
  }
  in16(port: number): number {
    return this.access(port, 2, undefined);
  }
  in32(port: number): number {
    return this.access(port, 4, undefined);
  }
  out8(port: number, value: number): void {
    this.access(port, 1, value);
  }
  out16(port: number, value: number): void {
    this.access(port, 2, value);
  }
  out32(port: number, value: number): void {
    this.access(port, 4, value);
  }

  private access(port: number, width: Width, value: number | undefined): number {
    const region = this.portRegions.find((r) => r.base !== undefined && port >= r.base && port < r.base + r.size);
    if (region?.widths.includes(width)) {
      const offset = port - region.base!;
      if (value === undefined) return region.handler.read(offset, width);
      region.handler.write(offset, width, value);
      return 0;
    }
    if (width === 1) return 0xff;
    const half = (width / 2) as Width;
    const low = this.access(port, half, value === undefined ? undefined : value & (half === 1 ? 0xff : 0xffff));
    const high = this.access(port + half, half, value === undefined ? undefined : value >>> (8 * half));
    return (low | (high << (8 * half))) >>> 0;
  }
}

/** Memory for bus masters: reads of all ones past the end. */
export class TestDma implements Dma {
  readonly bytes: Uint8Array;
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }
  read(address: PhysAddr, target: Uint8Array): void {
    for (let i = 0; i < target.length; i++) target[i] = this.bytes[address + i] ?? 0xff;
  }
  write(address: PhysAddr, source: Uint8Array): void {
    for (let i = 0; i < source.length && address + i < this.bytes.length; i++) this.bytes[address + i] = source[i];
  }
}
