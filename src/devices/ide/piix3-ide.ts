/**
 * PIIX3 IDE function, 8086:7010: two channels at the legacy ports with IRQ 14 and 15, bus master behind BAR 4
 * [PIIX3 2.4]. The drives are in ata-disk.ts and atapi-cdrom.ts, the cable in channel.ts.
 *
 * Deviations: the timing registers keep what is written and time nothing; both channels come out of reset enabled, for
 * kernels that are started without the firmware that would do it; the legacy ports are decoded whatever the command
 * register says.
 */
import { assertNever, type EmulatorError } from '../../errors.ts';
import type { BlockBackend } from '../../storage/block.ts';
import type { AsyncDoor, BusRegistrar, Clock, Device, Dma, IoHandler, IrqLine, ResetKind } from '../device.ts';
import { PciConfig, type PciConfigState } from '../pci/pci-config.ts';
import { AtaDisk, type DiskOptions } from './ata-disk.ts';
import { AtapiCdrom, type CdromOptions } from './atapi-cdrom.ts';
import { type ChannelState, IdeChannel } from './channel.ts';
import type { Drive } from './drive.ts';

export type DriveSpec =
  | ({ readonly kind: 'disk'; readonly backend: BlockBackend } & DiskOptions)
  | ({ readonly kind: 'cdrom'; readonly medium?: BlockBackend } & CdromOptions);

/** Where a drive sits, in the order of QEMU's `index=`: 0 primary master to 3 secondary slave. */
export type DrivePosition = 0 | 1 | 2 | 3;

export interface Piix3IdeOptions {
  readonly irq14: IrqLine;
  readonly irq15: IrqLine;
  readonly clock: Clock;
  readonly door: AsyncDoor;
  readonly memory: Dma;
  readonly drives: Partial<Record<DrivePosition, DriveSpec>>;
  /** A backend failed. The guest has its ATA error by the door; this is for the host. Must not throw. */
  readonly onError?: (error: EmulatorError, position: DrivePosition) => void;
}

export interface Piix3IdeState {
  version: 1;
  config: PciConfigState;
  channels: ChannelState[];
}

/** IDE timing registers, one for each channel; bit 15 enables the channel's ports. */
const IDETIM = 0x40;
const IDETIM_DECODE = 0x8000;
const SIDETIM = 0x44;
const BUS_MASTER_BAR = 4;
const COMMAND_BASES = [0x1f0, 0x170];
const CONTROL_BASES = [0x3f6, 0x376];
const MEDIUM_TIMING_FAST_BACK_TO_BACK = 0x0280;

export class Piix3Ide implements Device<Piix3IdeState> {
  readonly id = 'ide';
  /** For the PCI bus: function 1 of the PIIX3. */
  readonly config: PciConfig;
  private readonly channels: readonly [IdeChannel, IdeChannel];

  constructor(options: Piix3IdeOptions) {
    const { clock, door, memory } = options;
    const isMaster = (): boolean => this.config.busMaster;
    this.channels = [
      new IdeChannel('ide0', { irq: options.irq14, clock, door, memory, isMaster }),
      new IdeChannel('ide1', { irq: options.irq15, clock, door, memory, isMaster }),
    ];
    for (const position of [0, 1, 2, 3] as const) {
      const spec = options.drives[position];
      if (spec === undefined) continue;
      const channel = this.channels[position >> 1];
      channel.drives[position & 1] = makeDrive(channel, spec, (error) => options.onError?.(error, position));
    }
    this.config = new PciConfig({
      vendorId: 0x8086,
      deviceId: 0x7010,
      classCode: 0x010180,
      status: MEDIUM_TIMING_FAST_BACK_TO_BACK,
    });
    this.config.define(IDETIM, 4, (IDETIM_DECODE << 16) | IDETIM_DECODE, 0xffffffff);
    this.config.define(SIDETIM, 1, 0, 0xff);
  }

  /** The CD-ROM drive at `position`, to change its medium; undefined if there is none. */
  cdrom(position: DrivePosition): AtapiCdrom | undefined {
    const drive = this.channels[position >> 1].drives[position & 1];
    return drive instanceof AtapiCdrom ? drive : undefined;
  }

  attach(bus: BusRegistrar): void {
    this.channels.forEach((channel, i) => channel.attach(bus, COMMAND_BASES[i], CONTROL_BASES[i]));
    const handler: IoHandler = {
      read: (offset, width) => {
        let value = 0;
        for (let i = 0; i < width; i++) value |= this.busMaster(offset + i).readByte((offset + i) & 7) << (i * 8);
        return value >>> 0;
      },
      write: (offset, width, value) => {
        for (let i = 0; i < width; i++) {
          this.busMaster(offset + i).writeByte((offset + i) & 7, (value >>> (i * 8)) & 0xff);
        }
      },
    };
    this.config.onWrite = () => this.channels.forEach(({ busMaster }) => busMaster.masterChanged());
    this.config.addIoBar(BUS_MASTER_BAR, bus.ports('ide-bus-master', 16, handler, { widths: [1, 2, 4] }));
  }

  reset(_kind: ResetKind): void {
    this.config.reset();
    for (const channel of this.channels) channel.reset();
  }

  save(): Piix3IdeState {
    return { version: 1, config: this.config.save(), channels: this.channels.map((channel) => channel.save()) };
  }

  /** The drives must be the same as when the state was saved; what a changed drive had under way is lost. */
  restore(state: Piix3IdeState): void {
    this.config.restore(state.config);
    this.channels.forEach((channel, i) => channel.restore(state.channels[i]));
  }

  private busMaster(offset: number): IdeChannel['busMaster'] {
    return this.channels[(offset >> 3) & 1].busMaster;
  }
}

function makeDrive(channel: IdeChannel, spec: DriveSpec, onError: (error: EmulatorError) => void): Drive {
  switch (spec.kind) {
    case 'disk':
      return new AtaDisk(channel, spec.backend, spec, onError);
    case 'cdrom':
      return new AtapiCdrom(channel, spec.medium, spec, onError);
    default:
      return assertNever(spec);
  }
}
