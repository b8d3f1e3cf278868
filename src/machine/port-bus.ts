/**
 * The I/O address space: 65536 ports, one table entry each. Accesses are split into widths that the handler takes;
 * ports that nobody claims read as all ones and ignore writes.
 */
import type { IoHandler, Region, RegionOptions, Width } from '../devices/device.ts';
import { allOnes, WidthAdapter } from '../memory/access.ts';

const PORTS = 0x10000;

class PortRegion implements Region {
  readonly name: string;
  readonly size: number;
  readonly adapter: WidthAdapter;
  private readonly bus: PortBus;
  private at: number | undefined;

  constructor(bus: PortBus, name: string, size: number, adapter: WidthAdapter) {
    this.bus = bus;
    this.name = name;
    this.size = size;
    this.adapter = adapter;
  }

  get base(): number | undefined {
    return this.at;
  }

  mapAt(base: number): void {
    if (base === this.at) return;
    if (!Number.isInteger(base) || base < 0) throw new Error(`ports ${this.name} cannot lie at ${base}`);
    this.unmap();
    this.bus.mapRegion(this, base);
    this.at = base;
  }

  unmap(): void {
    if (this.at === undefined) return;
    const base = this.at;
    this.at = undefined;
    this.bus.unmapRegion(this, base);
  }
}

export class PortBus {
  /** By port: the region that answers, with its base. */
  private readonly table: (PortRegion | undefined)[] = new Array<undefined>(PORTS).fill(undefined);
  private readonly mapped: { region: PortRegion; base: number }[] = [];
  private sealed = false;
  /** Called before a device is asked: what it does may take the host a while. */
  onDeviceAccess: (() => void) | undefined;

  /** Registrar: claims `size` consecutive ports, invisible until mapped. */
  ports(name: string, size: number, handler: IoHandler, options?: RegionOptions): Region {
    return new PortRegion(this, name, size, new WidthAdapter(handler, options));
  }

  /** From now on the guest moves regions: an overlap resolves to the region mapped first instead of throwing. */
  seal(): void {
    this.sealed = true;
  }

  readPort(port: number, width: Width): number {
    const region = this.table[port];
    if (region !== undefined) {
      const offset = port - region.base!;
      if (offset + width <= region.size && port + width <= PORTS) {
        this.onDeviceAccess?.();
        return region.adapter.read(offset, width);
      }
    }
    if (width === 1) return 0xff;
    if (region === undefined && !this.anyRegion(port, width)) return allOnes(width);
    const half = (width >>> 1) as Width;
    return (this.readPort(port, half) | (this.readPort((port + half) & 0xffff, half) << (half * 8))) >>> 0;
  }

  writePort(port: number, width: Width, value: number): void {
    const region = this.table[port];
    if (region !== undefined) {
      const offset = port - region.base!;
      if (offset + width <= region.size && port + width <= PORTS) {
        this.onDeviceAccess?.();
        region.adapter.write(offset, width, value >>> 0);
        return;
      }
    }
    if (width === 1) return;
    const half = (width >>> 1) as Width;
    this.writePort(port, half, value);
    this.writePort((port + half) & 0xffff, half, value >>> (half * 8));
  }

  mapRegion(region: PortRegion, base: number): void {
    const other = this.mapped.find((m) => base < m.base + m.region.size && m.base < base + region.size);
    if (other && !this.sealed) {
      throw new Error(`ports ${region.name} at ${base.toString(16)} overlap ${other.region.name}`);
    }
    this.mapped.push({ region, base });
    for (let port = base; port < base + region.size && port < PORTS; port++) this.table[port] ??= region;
  }

  unmapRegion(region: PortRegion, base: number): void {
    const index = this.mapped.findIndex((m) => m.region === region);
    this.mapped.splice(index, 1);
    for (let port = base; port < base + region.size && port < PORTS; port++) {
      if (this.table[port] !== region) continue;
      this.table[port] = this.mapped.find((m) => port >= m.base && port < m.base + m.region.size)?.region;
    }
  }

  private anyRegion(port: number, width: Width): boolean {
    for (let i = 1; i < width; i++) {
      if (this.table[(port + i) & 0xffff] !== undefined) return true;
    }
    return false;
  }
}
