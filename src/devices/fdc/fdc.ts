/**
 * 82077AA floppy disk controller in AT mode, with up to two drives, through DMA channel 2 or the FIFO
 * [82077AA datasheet]. What moves data is in data-transfer.ts, the disks are in floppy-drive.ts.
 *
 * Deviations: the disk does not turn, so READ ID always finds sector 1 and timings are constants; head load and step
 * rates are kept for DUMPREG only; deleted data marks are not kept; SCAN commands and, in AT mode, SRA and SRB are
 * absent; a drive without a disk fails at once instead of hanging until the host gives up.
 */
import type { EmulatorError } from '../../errors.ts';
import { ticks } from '../../memory/address.ts';
import type { BlockBackend } from '../../storage/block.ts';
import type { AsyncDoor, BusRegistrar, Clock, Device, IrqLine, ResetKind, Timer } from '../device.ts';
import type { DmaChannel } from '../dma8237.ts';
import {
  DataTransfer,
  SIZE_CODE_512,
  type TransferHost,
  type TransferKind,
  type TransferState,
} from './data-transfer.ts';
import { CMOS_NONE, FloppyDrive } from './floppy-drive.ts';
import * as R from './registers.ts';

const BASE = 0x3f0;
const RESET_NS = 100_000;
const SEEK_NS = 1_000_000;
const UNITS = 4;

export interface FdcOptions {
  readonly irq: IrqLine;
  readonly dma: DmaChannel;
  readonly clock: Clock;
  readonly door: AsyncDoor;
  /** Drives A and B: a disk, 'empty' for a 1.44 MB drive without one, undefined for no drive. */
  readonly drives: readonly (BlockBackend | 'empty' | undefined)[];
  /** A backend failed. The guest gets a data error; this is for the host. Must not throw. */
  readonly onError?: (error: EmulatorError) => void;
}

export interface FdcState {
  version: 1;
  dor: number;
  tdr: number;
  rate: number;
  phase: Phase;
  fifo: number[];
  wanted: number;
  irq: boolean;
  interrupts: number[];
  seeking: number[];
  resetPending: boolean;
  deadline: number | undefined;
  parameters: Parameters;
  drives: { cylinder: number; diskChanged: boolean }[];
  transfer: TransferState;
}

/** What SPECIFY, CONFIGURE, PERPENDICULAR MODE and LOCK set. */
interface Parameters {
  specify1: number;
  specify2: number;
  configure: number;
  precompensation: number;
  perpendicular: number;
  locked: boolean;
}

type Phase = 'command' | 'execution' | 'result';

/** Bytes of a command with its parameters; data commands by the low five bits, others by the whole byte. */
const DATA_COMMAND_BYTES: Readonly<Record<number, number>> = {
  [R.CMD_READ_TRACK]: 9,
  [R.CMD_WRITE_DATA]: 9,
  [R.CMD_READ_DATA]: 9,
  [R.CMD_WRITE_DELETED]: 9,
  [R.CMD_READ_ID]: 2,
  [R.CMD_READ_DELETED]: 9,
  [R.CMD_FORMAT_TRACK]: 6,
  [R.CMD_VERIFY]: 9,
};
const COMMAND_BYTES: Readonly<Record<number, number>> = {
  [R.CMD_SPECIFY]: 3,
  [R.CMD_SENSE_DRIVE_STATUS]: 2,
  [R.CMD_RECALIBRATE]: 2,
  [R.CMD_SENSE_INTERRUPT]: 1,
  [R.CMD_DUMPREG]: 1,
  [R.CMD_SEEK]: 3,
  [R.CMD_SEEK | R.RELATIVE]: 3,
  [R.CMD_SEEK | R.RELATIVE | R.RELATIVE_IN]: 3,
  [R.CMD_VERSION]: 1,
  [R.CMD_PERPENDICULAR]: 2,
  [R.CMD_CONFIGURE]: 4,
  [R.CMD_LOCK]: 1,
  [R.CMD_LOCK | 0x80]: 1,
};
const DEFAULT_PARAMETERS: Parameters = {
  specify1: 0,
  specify2: 0,
  configure: 0,
  precompensation: 0,
  perpendicular: 0,
  locked: false,
};

export class Fdc implements Device<FdcState>, TransferHost {
  readonly id = 'fdc';
  readonly door: AsyncDoor;
  readonly dma: DmaChannel;
  private readonly options: FdcOptions;
  private readonly drives: readonly (FloppyDrive | undefined)[];
  private readonly timer: Timer;
  private readonly transfer: DataTransfer;
  private dor = 0;
  private tdr = 0;
  private dataRate = 2;
  private phase: Phase = 'command';
  /** Bytes of the command, or of the result. */
  private fifo: number[] = [];
  /** Bytes that the command has in all. */
  private wanted = 0;
  private irqLevel = false;
  /** ST0 values for SENSE INTERRUPT STATUS, oldest first. */
  private interrupts: number[] = [];
  /** Units whose heads are on their way. */
  private seeking: number[] = [];
  private resetPending = false;
  private parameters: Parameters = { ...DEFAULT_PARAMETERS };

  /** @throws EmulatorError `image-too-large` or `bad-image` for an image that is no floppy. */
  constructor(options: FdcOptions) {
    this.options = options;
    this.door = options.door;
    this.dma = options.dma;
    this.drives = options.drives.map((disk) => {
      return disk === undefined ? undefined : new FloppyDrive(disk === 'empty' ? undefined : disk);
    });
    this.timer = options.clock.timer('fdc', () => this.onDeadline());
    this.transfer = new DataTransfer(this);
  }

  /** CMOS register 10h: type of drive A in the upper half, of B in the lower. */
  get cmosDriveTypes(): number {
    return ((this.drives[0]?.cmosType ?? CMOS_NONE) << 4) | (this.drives[1]?.cmosType ?? CMOS_NONE);
  }

  /** Puts a disk into drive 0 or 1, or takes it out. @throws EmulatorError as the constructor; then nothing changes. */
  changeDisk(unit: number, disk: BlockBackend | undefined): void {
    this.drives[unit]?.change(disk);
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: (offset: number): number => this.read(offset),
      write: (offset: number, _width: number, value: number): void => this.write(offset, value),
    };
    bus.ports('fdc', 6, handler).mapAt(BASE);
    bus
      .ports('fdc-dir', 1, {
        read: () => this.digitalInput(),
        write: (_offset, _width, value) => {
          this.dataRate = value & R.DSR_RATE;
        },
      })
      .mapAt(R.PORT_DIR_CCR);
  }

  reset(_kind: ResetKind): void {
    this.dor = 0;
    this.tdr = 0;
    this.dataRate = 2;
    this.parameters = { ...DEFAULT_PARAMETERS };
    this.resetController();
  }

  drive(unit: number): FloppyDrive | undefined {
    return this.drives[unit];
  }

  rate(): number {
    return this.dataRate;
  }

  onError(error: EmulatorError): void {
    this.options.onError?.(error);
  }

  requestService(): void {
    // An edge for every byte: the request falls when the FIFO is served.
    this.setIrq(false);
    this.setIrq(true);
  }

  transferDone(st1: number, st2: number): void {
    const unit = this.fifo[1] & (R.DOR_SELECT | R.ST0_HEAD);
    const noDisk = this.drive(unit & 3)?.backend === undefined ? R.ST0_NOT_READY : 0;
    const st0 = unit | ((st1 | st2) !== 0 ? R.ST0_ABNORMAL | noDisk : 0);
    this.result([st0, st1, st2, ...this.transfer.position4]);
    this.setIrq(true);
  }

  save(): FdcState {
    const { dor, tdr, dataRate: rate, phase, fifo, wanted, irqLevel: irq, interrupts, seeking, resetPending } = this;
    return {
      version: 1,
      dor,
      tdr,
      rate,
      phase,
      fifo: [...fifo],
      wanted,
      irq,
      interrupts: [...interrupts],
      seeking: [...seeking],
      resetPending,
      deadline: this.timer.deadline,
      parameters: { ...this.parameters },
      drives: this.drives.map((drive) => ({ cylinder: drive?.cylinder ?? 0, diskChanged: drive?.diskChanged ?? true })),
      transfer: this.transfer.save(),
    };
  }

  restore(state: FdcState): void {
    this.dor = state.dor;
    this.tdr = state.tdr;
    this.dataRate = state.rate;
    this.phase = state.phase;
    this.fifo = [...state.fifo];
    this.wanted = state.wanted;
    this.interrupts = [...state.interrupts];
    this.seeking = [...state.seeking];
    this.resetPending = state.resetPending;
    this.parameters = { ...state.parameters };
    this.drives.forEach((drive, i) => {
      if (drive !== undefined) Object.assign(drive, state.drives[i]);
    });
    this.timer.cancel();
    if (state.deadline !== undefined) this.timer.armAt(ticks(state.deadline));
    this.transfer.restore(state.transfer);
    this.irqLevel = state.irq;
    this.driveIrq();
  }

  private read(offset: number): number {
    switch (offset) {
      case R.FD_DOR:
        return this.dor;
      case R.FD_TDR:
        return this.tdr;
      case R.FD_MSR:
        return this.mainStatus();
      case R.FD_FIFO:
        return this.readFifo();
      default:
        return 0xff;
    }
  }

  private write(offset: number, value: number): void {
    if (offset === R.FD_DOR) this.writeDor(value);
    else if (offset === R.FD_TDR) this.tdr = value & 3;
    else if (offset === R.FD_DSR) {
      this.dataRate = value & R.DSR_RATE;
      if ((value & R.DSR_SWRESET) !== 0) this.beginReset();
    } else if (offset === R.FD_FIFO) this.writeFifo(value);
  }

  private get inReset(): boolean {
    return (this.dor & R.DOR_NRESET) === 0 || this.resetPending;
  }

  private mainStatus(): number {
    if (this.inReset) return 0;
    const seeking = this.seeking.reduce((bits, unit) => bits | (1 << unit), 0);
    switch (this.phase) {
      case 'command':
        return R.MSR_RQM | seeking | (this.fifo.length > 0 ? R.MSR_CMDBUSY : 0);
      case 'result':
        return R.MSR_RQM | R.MSR_DIO | R.MSR_CMDBUSY | seeking;
      case 'execution': {
        if (!this.transfer.wantsService) return R.MSR_CMDBUSY | seeking;
        return R.MSR_RQM | R.MSR_NONDMA | R.MSR_CMDBUSY | seeking | (this.transfer.toHost ? R.MSR_DIO : 0);
      }
    }
  }

  private digitalInput(): number {
    // The line comes from the selected drive, and one that is not there pulls it up no more than an empty one.
    return this.drive(this.dor & R.DOR_SELECT)?.diskChanged === false ? 0x7f & ~R.DIR_DSKCHG : 0x7f | R.DIR_DSKCHG;
  }

  private writeDor(value: number): void {
    const before = this.dor;
    this.dor = value;
    if ((value & R.DOR_NRESET) === 0) this.resetController();
    else if ((before & R.DOR_NRESET) === 0) this.beginReset();
    this.driveIrq();
  }

  private resetController(): void {
    this.timer.cancel();
    this.transfer.reset();
    this.phase = 'command';
    this.fifo = [];
    this.interrupts = [];
    this.seeking = [];
    this.resetPending = false;
    if (!this.parameters.locked) {
      this.parameters.configure = 0;
      this.parameters.precompensation = 0;
    }
    this.parameters.perpendicular &= 0x3c;
    this.setIrq(false);
  }

  private beginReset(): void {
    this.resetController();
    this.resetPending = true;
    this.timer.armAt(ticks(this.options.clock.now + RESET_NS));
  }

  private onDeadline(): void {
    if (this.resetPending) {
      this.resetPending = false;
      for (let unit = 0; unit < UNITS; unit++) this.pend(R.ST0_POLLING | unit);
    }
    for (const unit of this.seeking) {
      const there = this.drive(unit) !== undefined;
      this.pend(unit | R.ST0_SEEK_END | (there ? 0 : R.ST0_ABNORMAL | R.ST0_EQUIPMENT_CHECK));
    }
    this.seeking = [];
    this.setIrq(true);
  }

  /** A drive has one status to tell; what the guest did not sense before a new one came is gone. */
  private pend(st0: number): void {
    this.interrupts = this.interrupts.filter((older) => (older & R.DOR_SELECT) !== (st0 & R.DOR_SELECT));
    this.interrupts.push(st0);
  }

  private setIrq(level: boolean): void {
    this.irqLevel = level;
    this.driveIrq();
  }

  private driveIrq(): void {
    this.options.irq.set(this.irqLevel && (this.dor & R.DOR_DMAGATE) !== 0);
  }

  private readFifo(): number {
    if (this.inReset) return 0;
    if (this.phase === 'execution' && this.transfer.wantsService && this.transfer.toHost)
      return this.transfer.readByte();
    if (this.phase !== 'result') return 0;
    this.setIrq(false);
    const value = this.fifo.shift() ?? 0;
    if (this.fifo.length === 0) this.phase = 'command';
    return value;
  }

  private writeFifo(value: number): void {
    if (this.inReset) return;
    if (this.phase === 'execution' && this.transfer.wantsService && !this.transfer.toHost)
      return this.transfer.writeByte(value);
    if (this.phase !== 'command') return;
    if (this.fifo.length === 0) this.wanted = COMMAND_BYTES[value] ?? DATA_COMMAND_BYTES[value & R.CMD_OPCODE] ?? 1;
    this.fifo.push(value);
    if (this.fifo.length === this.wanted) this.execute();
  }

  private result(bytes: number[]): void {
    this.phase = 'result';
    this.fifo = bytes;
  }

  private done(): void {
    this.phase = 'command';
    this.fifo = [];
  }

  private execute(): void {
    const [command, a, b, c] = this.fifo;
    const p = this.parameters;
    switch (command) {
      case R.CMD_SPECIFY:
        p.specify1 = a;
        p.specify2 = b;
        return this.done();
      case R.CMD_CONFIGURE:
        p.configure = b;
        p.precompensation = c;
        return this.done();
      case R.CMD_PERPENDICULAR:
        p.perpendicular = (a & 0x80) !== 0 ? a & 0x7f : (p.perpendicular & 0x3c) | (a & 3);
        return this.done();
      case R.CMD_LOCK:
      case R.CMD_LOCK | 0x80:
        p.locked = (command & 0x80) !== 0;
        return this.result([p.locked ? 0x10 : 0]);
      case R.CMD_VERSION:
        return this.result([R.VERSION_82077AA]);
      case R.CMD_DUMPREG:
        return this.dumpRegisters();
      case R.CMD_SENSE_DRIVE_STATUS:
        return this.senseDriveStatus(a);
      case R.CMD_SENSE_INTERRUPT:
        return this.senseInterrupt();
      case R.CMD_RECALIBRATE:
        return this.seek(a & 3, 0);
      case R.CMD_SEEK:
        return this.seek(a & 3, b);
      case R.CMD_SEEK | R.RELATIVE:
        return this.seek(a & 3, (this.drive(a & 3)?.cylinder ?? 0) - b);
      case R.CMD_SEEK | R.RELATIVE | R.RELATIVE_IN:
        return this.seek(a & 3, (this.drive(a & 3)?.cylinder ?? 0) + b);
    }
    switch (command & R.CMD_OPCODE) {
      case R.CMD_READ_DATA:
      case R.CMD_READ_DELETED:
        return this.beginTransfer('read');
      case R.CMD_READ_TRACK:
        this.fifo[4] = 1;
        return this.beginTransfer('read');
      case R.CMD_WRITE_DATA:
      case R.CMD_WRITE_DELETED:
        return this.beginTransfer('write');
      case R.CMD_VERIFY:
        return this.beginTransfer('verify');
      case R.CMD_FORMAT_TRACK:
        return this.beginFormat();
      case R.CMD_READ_ID:
        return this.readId(a);
      default:
        return this.result([R.ST0_INVALID]);
    }
  }

  private get usesDma(): boolean {
    return (this.parameters.specify2 & 1) === 0;
  }

  private beginTransfer(kind: TransferKind): void {
    const [command, select, cylinder, headId, sector, sizeCode, endOfTrack] = this.fifo;
    const unit = select & 3;
    if ((this.parameters.configure & R.CONFIGURE_IMPLIED_SEEK) !== 0) this.drive(unit)?.step(cylinder);
    this.phase = 'execution';
    this.transfer.begin({
      kind,
      unit,
      head: (select >> 2) & 1,
      multiTrack: (command & R.CMD_MT) !== 0,
      dma: this.usesDma,
      cylinder,
      headId,
      sector,
      sizeCode,
      endOfTrack,
      filler: 0,
    });
  }

  private beginFormat(): void {
    const [, select, sizeCode, sectors, , filler] = this.fifo;
    const unit = select & 3;
    const head = (select >> 2) & 1;
    this.phase = 'execution';
    this.transfer.begin({
      kind: 'format',
      unit,
      head,
      multiTrack: false,
      dma: this.usesDma,
      cylinder: this.drive(unit)?.cylinder ?? 0,
      headId: head,
      sector: 1,
      sizeCode,
      endOfTrack: sectors,
      filler,
    });
  }

  private readId(select: number): void {
    const drive = this.drive(select & 3);
    const head = (select >> 2) & 1;
    const readable = drive?.format?.rates.includes(this.dataRate) === true && drive.offset(head, 1) !== undefined;
    const st0 = (select & 7) | (readable ? 0 : R.ST0_ABNORMAL);
    this.result([st0, readable ? 0 : R.ST1_MISSING_ADDRESS_MARK, 0, drive?.cylinder ?? 0, head, 1, SIZE_CODE_512]);
    this.setIrq(true);
  }

  private seek(unit: number, cylinder: number): void {
    this.drive(unit)?.step(cylinder);
    if (!this.seeking.includes(unit)) this.seeking.push(unit);
    this.timer.armAt(ticks(this.options.clock.now + SEEK_NS));
    this.done();
  }

  private senseInterrupt(): void {
    const st0 = this.interrupts.shift();
    this.setIrq(false);
    if (st0 === undefined) this.result([R.ST0_INVALID]);
    else this.result([st0, this.drive(st0 & 3)?.cylinder ?? 0]);
  }

  private senseDriveStatus(select: number): void {
    const drive = this.drive(select & 3);
    const track0 = drive !== undefined && drive.cylinder === 0 ? R.ST3_TRACK_0 : 0;
    const readOnly = drive?.backend?.readOnly === true ? R.ST3_WRITE_PROTECTED : 0;
    this.result([(select & 7) | R.ST3_READY | R.ST3_TWO_SIDE | track0 | readOnly]);
  }

  private dumpRegisters(): void {
    const p = this.parameters;
    const cylinders = Array.from({ length: UNITS }, (_, unit) => this.drive(unit)?.cylinder ?? 0);
    const lastSector = 0;
    this.result([
      ...cylinders,
      p.specify1,
      p.specify2,
      lastSector,
      (p.locked ? 0x80 : 0) | p.perpendicular,
      p.configure,
      p.precompensation,
    ]);
  }
}
