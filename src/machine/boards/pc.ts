/**
 * The board `pc`, as QEMU's: i440FX and PIIX3, their slots, ports and wires. Devices know nothing of each other; every
 * connection between two of them is made here.
 */
import { buildPcTables } from '../../devices/acpi/pc-tables.ts';
import { type AcpiTables, acpiFiles, placeAcpiTables } from '../../devices/acpi/tables.ts';
import type { LocalApic } from '../../devices/apic/local-apic.ts';
import { Dma8237 } from '../../devices/dma8237.ts';
import { Fdc } from '../../devices/fdc/fdc.ts';
import { FwCfg } from '../../devices/fw-cfg/fw-cfg.ts';
import { I8042 } from '../../devices/i8042/i8042.ts';
import { type DrivePosition, type DriveSpec, Piix3Ide } from '../../devices/ide/piix3-ide.ts';
import { I440fx } from '../../devices/pci/i440fx.ts';
import { PciBus } from '../../devices/pci/pci-bus.ts';
import { Piix3 } from '../../devices/pci/piix3.ts';
import * as PM from '../../devices/pci/piix4-pm.ts';
import { Pit } from '../../devices/pit.ts';
import { Port92 } from '../../devices/port92.ts';
import { type BootDevice, cmosNvram, type FloppyType } from '../../devices/rtc/cmos.ts';
import { Rtc } from '../../devices/rtc/rtc.ts';
import type { Uart } from '../../devices/uart/uart.ts';
import { VgaRenderer } from '../../devices/vga/renderer/renderer.ts';
import type { Vga } from '../../devices/vga/vga.ts';
import { VgaPci } from '../../devices/vga/vga-pci.ts';
import type { VirtioFunction } from '../../devices/virtio/virtio-core.ts';
import { VirtioPci } from '../../devices/virtio/virtio-pci.ts';
import { physAddr } from '../../memory/address.ts';
import { ramLayout } from '../../memory/ram-layout.ts';
import type { BlockBackend } from '../../storage/block.ts';
import type { Board, SerialPort } from '../board.ts';
import { mapBios } from '../loaders/bios.ts';
import type { BootPlan } from '../loaders/boot-plan.ts';
import type { BoardParts } from '../machine.ts';
import { BoardBase, type DebugExitPlace, SERIAL } from './board-base.ts';
import { CoprocessorError } from './coprocessor.ts';
import { setUpAsFirmware } from './firmware-setup.ts';
import { PcInterrupts } from './pc-interrupts.ts';
import { createVirtioFunctions, type VirtioSpec } from './virtio-functions.ts';

export interface PcBoardOptions {
  readonly drives: Partial<Record<DrivePosition, DriveSpec>>;
  readonly floppies: readonly [BlockBackend | undefined, BlockBackend | undefined];
  /** Undefined: the processor is sent into a guest without firmware (`prepareDirectBoot`). */
  readonly bios: Uint8Array | undefined;
  readonly vgaBios: Uint8Array | undefined;
  /** Letters a, c, d, n. */
  readonly bootOrder: string;
  readonly serialPorts: number;
  readonly startDate: Date;
  readonly virtio: readonly VirtioSpec[];
  readonly debugExit: DebugExitPlace | undefined;
}

const PCI_SLOT = { hostBridge: 0, piix3: 1, vga: 2, free: 3 } as const;
const BOOT_DEVICES: Readonly<Record<string, BootDevice>> = { a: 'floppy', c: 'disk', d: 'cdrom', n: 'network' };
/** What SeaBIOS routes PIRQA# to PIRQD# to. */
const PIRQ_IRQS = [10, 10, 11, 11];
/** Window for PCI memory: above the largest RAM, below what the chipset keeps. */
const PCI_MEMORY_BASE = 0xe0000000;

export function createPcBoard(parts: BoardParts, options: PcBoardOptions): Board {
  return new PcBoard(parts, options);
}

class PcBoard extends BoardBase implements Board {
  readonly interrupts: LocalApic;
  readonly apic: LocalApic;
  readonly serialPorts: readonly SerialPort[];
  private readonly uarts: readonly Uart[];
  readonly screen: VgaRenderer;
  private readonly vga: Vga;
  private readonly irqs: PcInterrupts;
  private readonly i8042: I8042;
  private readonly piix3: Piix3;
  private readonly pm: PM.Piix4Pm;
  private readonly coprocessor: CoprocessorError;

  constructor(parts: BoardParts, options: PcBoardOptions) {
    super(parts);
    const { memory } = parts;
    this.irqs = new PcInterrupts(parts, { hpet: true });
    this.interrupts = this.apic = this.irqs.localApic;
    this.i8042 = this.add(this.createKeyboardController());
    this.add(new Port92({ a20: parts.setA20, resetCpu: parts.requestReset }));
    this.add(new Pit({ clock: parts.clock, irq: this.irqs.pitLine }));
    this.coprocessor = this.add(new CoprocessorError(this.irqs.line(13)));
    this.uarts = this.addSerialPorts(options.serialPorts, (irq) => this.irqs.line(irq));
    this.addDebugPorts(options.debugExit);
    this.piix3 = this.add(new Piix3({ irqLine: (irq) => this.irqs.line(irq), resetMachine: parts.requestReset }));
    this.pm = new PM.Piix4Pm({
      clock: parts.clock, sci: this.irqs.line(PM.SCI_IRQ), powerOff: () => parts.requestExit('poweroff'),
    });
    const vga = new VgaPci({ clock: parts.clock, ...(options.vgaBios ? { rom: options.vgaBios } : {}) });
    this.vga = vga.vga;
    this.screen = new VgaRenderer(this.vga);
    this.addStorage(options);
    const virtio = createVirtioFunctions(options.virtio, this.uarts.length, parts);
    this.serialPorts = [...this.uarts, ...virtio.consoles];
    this.addPci(vga, options, virtio.functions);
    const ram = ramLayout(memory.ramBytes);
    const fwCfg = this.add(new FwCfg({ memory, clock: parts.clock, ramBytes: ram.below, ramAbove4GBytes: ram.above }));
    // Firmware asks for them after it has placed the power management registers.
    for (const name of acpiFiles(this.acpi).keys()) fwCfg.addFile(name, () => acpiFiles(this.acpi).get(name)!);
    if (options.bios) this.mapFirmware(options.bios);
    for (const device of this.irqs.devices) this.add(device);
  }

  private get acpi(): AcpiTables {
    const { ioBase } = this.pm;
    return buildPcTables({
      ramBytes: ramLayout(this.parts.memory.ramBytes).below,
      serialPorts: SERIAL.slice(0, this.uarts.length).map(({ base, irq }) => [base, irq] as const),
      ...(ioBase === undefined ? {} : { pmBase: ioBase }),
    });
  }

  get keyboard(): I8042['keyboard'] {
    return this.i8042.keyboard;
  }

  get mouse(): I8042['mouse'] {
    return this.i8042.mouse;
  }

  coprocessorError(ferr: boolean): boolean {
    return this.coprocessor.signal(ferr);
  }

  pressPowerButton(): void {
    this.pm.pressPowerButton();
  }

  prepareDirectBoot(plan: BootPlan): void {
    const { memory, ports } = this.parts;
    const serial = SERIAL.slice(0, this.uarts.length);
    this.pm.configure();
    setUpAsFirmware({
      memory, ports, vga: this.vga, pirqIrqs: PIRQ_IRQS, pciMemoryBase: PCI_MEMORY_BASE, serialBases: serial.map(({ base }) => base),
    });
    placeAcpiTables(this.acpi, (address, bytes) => memory.write(physAddr(address), bytes));
    this.placeGuest(plan);
  }

  private createKeyboardController(): I8042 {
    const { clock, setA20, requestReset } = this.parts;
    return new I8042({
      clock, keyboardIrq: this.irqs.line(1), mouseIrq: this.irqs.line(12), a20: setA20, resetCpu: requestReset,
    });
  }

  private addStorage(options: PcBoardOptions): void {
    const { clock, door, memory, deviceError } = this.parts;
    const dma = this.add(new Dma8237(memory));
    const [a, b] = options.floppies;
    const fdc = this.add(new Fdc({
      irq: this.irqs.line(6), dma: dma.channel(2), clock, door, drives: [a ?? 'empty', b], onError: deviceError,
    }));
    const types = fdc.cmosDriveTypes;
    const diskSectors = ([0, 1, 2, 3] as const).map((position) => {
      const drive = options.drives[position];
      return drive?.kind === 'disk' ? Math.ceil(drive.backend.sizeBytes / 512) : undefined;
    });
    const ram = ramLayout(memory.ramBytes);
    const nvram = cmosNvram({
      ramBytes: ram.below,
      ramAbove4GBytes: ram.above,
      bootOrder: [...options.bootOrder].map((letter) => BOOT_DEVICES[letter]),
      floppies: [(types >> 4) as FloppyType, (types & 15) as FloppyType],
      diskSectors,
    });
    this.add(new Rtc({ clock, irq: this.irqs.rtcLine, startSeconds: options.startDate.getTime() / 1000, nvram }));
  }

  private addPci(vga: VgaPci, options: PcBoardOptions, virtio: readonly VirtioFunction[]): void {
    const { clock, door, memory, deviceError } = this.parts;
    const bus = new PciBus({ router: this.piix3, resetControl: this.piix3.resetControl });
    const hostBridge = this.add(new I440fx({ memory }));
    const ide = new Piix3Ide({
      irq14: this.irqs.line(14), irq15: this.irqs.line(15), clock, door, memory, drives: options.drives, onError: deviceError,
    });
    for (const device of [ide, this.pm, vga]) this.add(device);
    bus.add(PCI_SLOT.hostBridge, 0, hostBridge.config);
    bus.add(PCI_SLOT.piix3, 0, this.piix3.config);
    bus.add(PCI_SLOT.piix3, 1, ide.config);
    bus.add(PCI_SLOT.piix3, 3, this.pm.config);
    bus.add(PCI_SLOT.vga, 0, vga.config);
    for (const [i, fn] of virtio.entries()) {
      const device = this.add(new VirtioPci({ function: fn, memory, messages: this.irqs.messages }));
      bus.add(PCI_SLOT.free + i, 0, device.config);
    }
    this.add(bus);
  }

  private mapFirmware(image: Uint8Array): void {
    const { high, low } = mapBios(image);
    this.mapRom('bios', high);
    this.mapRom('bios-low', low);
  }
}
