/** What the boards have in common: devices under one reset, serial ports, debug output, and a guest placed without firmware. */
import type { IsaDebugExitOptions } from '../../devices/isa-debug-exit.ts';
import { IsaDebugExit } from '../../devices/isa-debug-exit.ts';
import { DebugPort } from '../../devices/debug-port.ts';
import type { BusRegistrar, Device, IrqLine, ResetKind } from '../../devices/device.ts';
import { Uart } from '../../devices/uart/uart.ts';
import { physAddr } from '../../memory/address.ts';
import { type BootPlan, entryRom } from '../loaders/boot-plan.ts';
import type { BoardParts } from '../machine.ts';

/** Ports and interrupt requests of a PC's serial ports. */
export const SERIAL = [{ base: 0x3f8, irq: 4 }, { base: 0x2f8, irq: 3 }, { base: 0x3e8, irq: 4 }, { base: 0x2e8, irq: 3 }] as const;
const DEBUG_PORTS = [0xe9, 0x402] as const;

export type DebugExitPlace = { readonly iobase?: number; readonly iosize?: number };

export abstract class BoardBase {
  protected readonly parts: BoardParts;
  protected readonly registrar: BusRegistrar;
  private readonly devices: Device<unknown>[] = [];
  private hasEntry = false;

  constructor(parts: BoardParts) {
    this.parts = parts;
    const { ports, memory } = parts;
    this.registrar = {
      ports: (...claim) => ports.ports(...claim),
      memory: (...claim) => memory.memory(...claim),
      ram: (...claim) => memory.ram(...claim),
    };
  }

  reset(kind: ResetKind): void {
    for (const device of this.devices) device.reset(kind);
  }

  /** Attaches a device and puts it under the board's reset. */
  protected add<D extends Device<unknown>>(device: D): D {
    device.attach(this.registrar);
    this.devices.push(device);
    return device;
  }

  protected addSerialPorts(count: number, line: (irq: number) => IrqLine): Uart[] {
    const { clock, serialOutput } = this.parts;
    return SERIAL.slice(0, count).map(({ base, irq }, i) =>
      this.add(new Uart({ id: `serial${i}`, base, clock, irq: line(irq), output: (byte) => serialOutput(i, byte) })));
  }

  protected addDebugPorts(exit: DebugExitPlace | undefined): void {
    const { debugOutput, requestExit } = this.parts;
    for (const base of DEBUG_PORTS) {
      this.add(new DebugPort({ id: `debug-${base.toString(16)}`, base, output: (byte) => debugOutput(base, byte) }));
    }
    if (exit === undefined) return;
    const options: IsaDebugExitOptions = {
      ...(exit.iobase === undefined ? {} : { base: exit.iobase }),
      ...(exit.iosize === undefined ? {} : { size: exit.iosize }),
      onExit: (status) => requestExit('debug-exit', status),
    };
    this.add(new IsaDebugExit(options));
  }

  /** The guest's bytes in memory, and the way to it in ROM. */
  protected placeGuest(plan: BootPlan): void {
    const { memory } = this.parts;
    for (const { address, bytes, at } of plan.placements) {
      if (at === undefined) memory.write(physAddr(address), bytes);
      else memory.place(physAddr(address), at, bytes.length);
    }
    if (plan.lent) memory.pool.adoptFree(plan.lent.start, plan.lent.end);
    if (!this.hasEntry) this.mapRom('entry', entryRom(plan.entry));
    this.hasEntry = true;
  }

  protected mapRom(name: string, { base, bytes }: { base: number; bytes: Uint8Array }): void {
    const region = this.registrar.ram(name, bytes.length, { rom: true });
    region.write(0, bytes);
    region.mapAt(base);
  }
}
