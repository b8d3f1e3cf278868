/**
 * The board `microvm`, as QEMU's: serial ports, virtio devices over MMIO, APICs, timer and clock of a PC, and ACPI without
 * the fixed hardware. No firmware, no PCI, no display: a kernel starts in milliseconds, and sees little to look for.
 */
import { EventDevice } from '../../devices/acpi/event-device.ts';
import { buildMicrovmTables } from '../../devices/acpi/microvm-tables.ts';
import { type AcpiTables, placeAcpiTables } from '../../devices/acpi/tables.ts';
import type { LocalApic } from '../../devices/apic/local-apic.ts';
import { Pit } from '../../devices/pit.ts';
import { cmosNvram } from '../../devices/rtc/cmos.ts';
import { Rtc } from '../../devices/rtc/rtc.ts';
import { MMIO_SIZE } from '../../devices/virtio/registers.ts';
import { VirtioMmio } from '../../devices/virtio/virtio-mmio.ts';
import { physAddr } from '../../memory/address.ts';
import { ramLayout } from '../../memory/ram-layout.ts';
import type { Board, SerialPort } from '../board.ts';
import type { BootPlan } from '../loaders/boot-plan.ts';
import type { BoardParts } from '../machine.ts';
import { BoardBase, type DebugExitPlace, SERIAL } from './board-base.ts';
import { CoprocessorError } from './coprocessor.ts';
import { setUpLocalApic } from './firmware-setup.ts';
import { NO_KEYBOARD, NO_MOUSE, NO_SCREEN } from './headless.ts';
import { PcInterrupts } from './pc-interrupts.ts';
import { createVirtioFunctions, type VirtioSpec } from './virtio-functions.ts';

export interface MicrovmOptions {
  readonly serialPorts: number;
  readonly startDate: Date;
  readonly virtio: readonly VirtioSpec[];
  readonly debugExit: DebugExitPlace | undefined;
}

const VIRTIO_BASE = 0xfeb00000;
/** Interrupt requests that nothing else has, one for each virtio device. */
const VIRTIO_IRQS = [5, 6, 7, 10, 11, 12, 14, 15];
const EVENT_IRQ = 9;
export const MOST_VIRTIO_DEVICES = VIRTIO_IRQS.length;

/** Where the virtio devices of a microvm are, in order. */
function virtioPlaces(count: number): { base: number; size: number; irq: number }[] {
  return VIRTIO_IRQS.slice(0, count).map((irq, i) => ({ base: VIRTIO_BASE + i * MMIO_SIZE, size: MMIO_SIZE, irq }));
}

/** The same for a kernel without ACPI, as parameters of its command line [Linux drivers/virtio/virtio_mmio.c]. */
export function virtioParameters(count: number): string {
  return virtioPlaces(count).map(({ base, size, irq }) => `virtio_mmio.device=${size}@0x${base.toString(16)}:${irq}`).join(' ');
}

export function createMicrovmBoard(parts: BoardParts, options: MicrovmOptions): Board {
  return new MicrovmBoard(parts, options);
}

class MicrovmBoard extends BoardBase implements Board {
  readonly interrupts: LocalApic;
  readonly apic: LocalApic;
  readonly serialPorts: readonly SerialPort[];
  readonly screen = NO_SCREEN;
  readonly keyboard = NO_KEYBOARD;
  readonly mouse = NO_MOUSE;
  private readonly acpi: AcpiTables;
  private readonly events: EventDevice;
  private readonly coprocessor: CoprocessorError;

  constructor(parts: BoardParts, options: MicrovmOptions) {
    super(parts);
    const { clock, memory } = parts;
    const irqs = new PcInterrupts(parts, { hpet: false });
    this.interrupts = this.apic = irqs.localApic;
    this.add(new Pit({ clock, irq: irqs.pitLine }));
    this.coprocessor = this.add(new CoprocessorError(irqs.line(13)));
    const { below, above } = ramLayout(memory.ramBytes);
    const nvram = cmosNvram({ ramBytes: below, ramAbove4GBytes: above, bootOrder: [] });
    this.add(new Rtc({ clock, irq: irqs.rtcLine, startSeconds: options.startDate.getTime() / 1000, nvram }));
    this.events = this.add(new EventDevice({
      irq: irqs.line(EVENT_IRQ), powerOff: () => parts.requestExit('poweroff'), resetMachine: parts.requestReset,
    }));
    const uarts = this.addSerialPorts(options.serialPorts, (irq) => irqs.line(irq));
    this.addDebugPorts(options.debugExit);
    const virtio = createVirtioFunctions(options.virtio, uarts.length, parts);
    this.serialPorts = [...uarts, ...virtio.consoles];
    const places = virtioPlaces(virtio.functions.length);
    for (const [i, fn] of virtio.functions.entries()) {
      this.add(new VirtioMmio({ function: fn, memory, irq: irqs.line(places[i].irq), base: places[i].base }));
    }
    for (const device of irqs.devices) this.add(device);
    this.acpi = buildMicrovmTables({
      serialPorts: SERIAL.slice(0, uarts.length).map(({ base, irq }) => [base, irq] as const), virtio: places, eventIrq: EVENT_IRQ,
    });
  }

  coprocessorError(ferr: boolean): boolean {
    return this.coprocessor.signal(ferr);
  }

  pressPowerButton(): void {
    this.events.pressPowerButton();
  }

  prepareDirectBoot(plan: BootPlan): void {
    const { memory } = this.parts;
    // The 8259 pair stays masked: a kernel that is told of reduced hardware never touches it.
    setUpLocalApic(memory);
    placeAcpiTables(this.acpi, (address, bytes) => memory.write(physAddr(address), bytes));
    this.placeGuest(plan);
  }
}
