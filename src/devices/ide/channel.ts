/**
 * One IDE channel: two drives on one cable, device selection, device control, INTRQ, and its half of the bus master
 * [ATA6 7, 9.1 to 9.3].
 *
 * Deviations: an absent drive reads as zeros, which is what a lone device 0 answers for device 1 and what probes
 * take for "nothing here" on an empty channel; resets end at once when SRST falls.
 */
import { ticks } from '../../memory/address.ts';
import type { AsyncDoor, BusRegistrar, Clock, Dma, IoHandler, IrqLine, Timer, Width } from '../device.ts';
import { BusMaster, type BusMasterState } from './bus-master.ts';
import type { Drive, DriveHost, DriveState } from './drive.ts';
import {
  ATA_DC_HOB,
  ATA_DC_NIEN,
  ATA_DC_SRST,
  ATA_DEV_DEV,
  ATA_EXECUTE_DIAGNOSTIC,
  ATA_SR_BSY,
  REG_COMMAND,
  REG_DATA,
  REG_DEVICE,
  REG_STATUS,
} from './registers.ts';

/** BSY between two DRQ blocks: long enough that a handler that reads Status last does not lose the next interrupt. */
const BLOCK_GAP_NS = 1000;

export interface ChannelParts {
  readonly irq: IrqLine;
  readonly clock: Clock;
  readonly door: AsyncDoor;
  readonly memory: Dma;
  /** The controller may access memory. */
  readonly isMaster: () => boolean;
}

export interface ChannelState {
  control: number;
  selected: number;
  busMaster: BusMasterState;
  drives: (DriveState | undefined)[];
}

export class IdeChannel implements DriveHost {
  readonly door: AsyncDoor;
  readonly busMaster: BusMaster;
  /** Device 0 and device 1; filled once, before `attach`. */
  readonly drives: [Drive | undefined, Drive | undefined] = [undefined, undefined];
  private readonly irq: IrqLine;
  private readonly clock: Clock;
  private readonly gap: Timer;
  private readonly name: string;
  private control = 0;
  private selected = 0;
  private lineLevel = false;

  constructor(name: string, parts: ChannelParts) {
    this.name = name;
    this.door = parts.door;
    this.irq = parts.irq;
    this.clock = parts.clock;
    this.busMaster = new BusMaster(parts.memory, parts.isMaster, () => this.current?.dmaStarted());
    this.gap = parts.clock.timer(name, () => this.current?.gapOver());
  }

  attach(bus: BusRegistrar, commandBase: number, controlBase: number): void {
    const command: IoHandler = {
      read: (offset, width) => (offset === REG_DATA ? this.readData(width) : this.readBytes(offset, width)),
      write: (offset, width, value) => {
        if (offset === REG_DATA) this.current?.writeData(width, value);
        else for (let i = 0; i < width; i++) this.writeRegister(offset + i, (value >>> (i * 8)) & 0xff);
      },
    };
    const control: IoHandler = {
      read: () => this.alternateStatus(),
      write: (_offset, _width, value) => this.writeControl(value),
    };
    bus.ports(this.name, 8, command, { widths: [1, 2, 4] }).mapAt(commandBase);
    bus.ports(`${this.name}-control`, 1, control).mapAt(controlBase);
  }

  reset(): void {
    this.gap.cancel();
    this.control = 0;
    this.selected = 0;
    this.busMaster.reset();
    for (const drive of this.drives) {
      drive?.reset();
      if (drive !== undefined) drive.taskFile.device = 0;
    }
    this.lineLevel = false;
  }

  intrqChanged(drive: Drive): void {
    if (drive === this.current) this.updateLine();
  }

  armGap(): void {
    this.gap.armAt(ticks(this.clock.now + BLOCK_GAP_NS));
  }

  save(): ChannelState {
    return {
      control: this.control,
      selected: this.selected,
      busMaster: this.busMaster.save(),
      drives: this.drives.map((drive) => drive?.save()),
    };
  }

  restore(state: ChannelState): void {
    this.gap.cancel();
    this.control = state.control;
    this.selected = state.selected;
    this.busMaster.restore(state.busMaster);
    this.drives.forEach((drive, i) => {
      const saved = state.drives[i];
      if (drive !== undefined && saved?.kind === drive.kind) drive.restore(saved);
    });
    this.lineLevel = this.wantedLevel();
    this.irq.set(this.lineLevel);
  }

  private get current(): Drive | undefined {
    return this.drives[this.selected];
  }

  private wantedLevel(): boolean {
    return (this.control & ATA_DC_NIEN) === 0 && this.current?.intrq === true;
  }

  private updateLine(): void {
    const level = this.wantedLevel();
    if (level === this.lineLevel) return;
    this.lineLevel = level;
    if (level) this.busMaster.interrupt();
    this.irq.set(level);
  }

  private readData(width: Width): number {
    const drive = this.current;
    if (drive !== undefined) return drive.readData(width);
    return width === 4 ? 0xffffffff : width === 2 ? 0xffff : 0xff;
  }

  private readBytes(offset: number, width: Width): number {
    let value = 0;
    for (let i = 0; i < width; i++) value |= this.readRegister(offset + i) << (i * 8);
    return value >>> 0;
  }

  private readRegister(register: number): number {
    const drive = this.current;
    if (drive === undefined || register > REG_STATUS) return 0;
    if (register === REG_STATUS) {
      const status = this.alternateStatus();
      drive.setIntrq(false);
      return status;
    }
    return drive.readRegister(register, (this.control & ATA_DC_HOB) !== 0);
  }

  private alternateStatus(): number {
    const drive = this.current;
    if (drive === undefined) return 0;
    return (this.control & ATA_DC_SRST) !== 0 ? ATA_SR_BSY : drive.status;
  }

  private writeRegister(register: number, value: number): void {
    if (register > REG_COMMAND || (this.control & ATA_DC_SRST) !== 0) return;
    this.control &= ~ATA_DC_HOB;
    if (register === REG_COMMAND) return this.writeCommand(value);
    // The block belongs to the drive while it works; what a host writes then is lost.
    if (this.current?.busy) return;
    for (const drive of this.drives) drive?.writeRegister(register, value);
    if (register === REG_DEVICE) {
      this.selected = (value & ATA_DEV_DEV) !== 0 ? 1 : 0;
      this.updateLine();
    }
  }

  private writeCommand(command: number): void {
    const drive = this.current;
    if (drive?.busy) return drive.executeBusy(command);
    if (command === ATA_EXECUTE_DIAGNOSTIC) return this.diagnose();
    if (drive === undefined) return;
    drive.setIntrq(false);
    drive.execute(command);
  }

  /** Both drives test themselves; device 0 reports for both [ATA6 8.11]. */
  private diagnose(): void {
    this.resetDrives();
    this.drives[0]?.setIntrq(true);
  }

  private resetDrives(): void {
    this.gap.cancel();
    for (const drive of this.drives) {
      drive?.reset();
      if (drive !== undefined) drive.taskFile.device = 0;
    }
    this.selected = 0;
    this.updateLine();
  }

  private writeControl(value: number): void {
    const released = (this.control & ATA_DC_SRST) !== 0 && (value & ATA_DC_SRST) === 0;
    this.control = value & (ATA_DC_HOB | ATA_DC_SRST | ATA_DC_NIEN);
    // A rising SRST stops the drives at once; the signature stands when it falls.
    if (released || (value & ATA_DC_SRST) !== 0) this.resetDrives();
    this.updateLine();
  }
}
