/**
 * An ATAPI CD-ROM drive: packet protocol by PIO and DMA over a medium that the host can change [ATA6 9.8; MMC4].
 *
 * Deviations: every medium is one data track of 2048-byte blocks; no audio; MODE SELECT is refused; commands of the
 * GET PERFORMANCE and DVD STRUCTURE kind are refused as unknown, which drivers take for an old drive.
 */
import type { EmulatorError } from '../../errors.ts';
import type { BlockBackend } from '../../storage/block.ts';
import { readPadded } from '../../storage/padded.ts';
import * as C from './cd-replies.ts';
import { Drive, type DriveHost, STATUS_READY } from './drive.ts';
import { IdentifyData } from './identify.ts';
import * as R from './registers.ts';
import * as S from './scsi.ts';

const CHUNK_BLOCKS = 32;
const PACKET_BYTES = 12;
const EVENT_NONE = 0;
const EVENT_EJECT_REQUEST = 1;
const EVENT_NEW_MEDIUM = 2;
const EVENT_MEDIUM_REMOVED = 3;

export interface CdromOptions {
  /** Up to 40 characters in IDENTIFY, 16 in INQUIRY. */
  readonly model?: string;
  readonly serial?: string;
  /** The guest opened the tray (START STOP UNIT); the medium is out by then. */
  readonly onEject?: () => void;
}

export class AtapiCdrom extends Drive {
  override readonly kind = 'cdrom';
  private medium: BlockBackend | undefined;
  private readonly options: CdromOptions;
  private sense: S.Sense = S.NO_SENSE;
  /** A medium change that the guest has not been told of yet by UNIT ATTENTION. */
  private changed = false;
  private event = EVENT_NONE;
  private locked = false;
  private trayOpen = false;
  /** The command packet is being taken, not data. */
  private takingPacket = false;
  /** The data phase is that of IDENTIFY PACKET DEVICE, which ends as a PIO read does, without a status interrupt. */
  private identifying = false;
  private byteLimit = 0xfffe;
  /** READ under way: next block, blocks to fetch, bytes per sector that the guest gets. */
  private lba = 0;
  private remaining = 0;
  private sectorBytes = R.CD_SECTOR_BYTES;

  constructor(
    host: DriveHost,
    medium: BlockBackend | undefined,
    options: CdromOptions,
    onError: (error: EmulatorError) => void,
  ) {
    super(host, onError);
    this.medium = medium;
    this.options = options;
    this.resetSignature();
  }

  /** Puts a medium into the drive, or takes it out (undefined); the guest learns by UNIT ATTENTION and events. */
  changeMedium(medium: BlockBackend | undefined): void {
    this.medium = medium;
    this.trayOpen = false;
    this.changed = medium !== undefined;
    this.event = medium === undefined ? EVENT_MEDIUM_REMOVED : EVENT_NEW_MEDIUM;
  }

  /** The eject button: with the door locked the guest is only asked. Returns whether the medium is out. */
  pressEject(): boolean {
    if (this.locked) {
      this.event = EVENT_EJECT_REQUEST;
      return false;
    }
    this.changeMedium(undefined);
    this.trayOpen = true;
    return true;
  }

  override execute(command: number): void {
    switch (command) {
      case R.ATA_PACKET:
        this.beginPacket();
        break;
      case R.ATA_DEVICE_RESET:
        this.deviceReset();
        break;
      case R.ATA_IDENTIFY_PACKET:
        this.identify();
        break;
      case R.ATA_SET_FEATURES:
        this.setFeatures();
        break;
      case R.ATA_CHECK_POWER_MODE:
        this.taskFile.sectorCount = 0xff;
        this.succeed();
        break;
      case R.ATA_STANDBY:
      case R.ATA_STANDBY_IMMEDIATE:
      case R.ATA_IDLE:
      case R.ATA_IDLE_IMMEDIATE:
      case R.ATA_SLEEP:
        this.succeed();
        break;
      case R.ATA_IDENTIFY:
      case R.ATA_READ_SECTORS:
        // The abort carries the signature, by which hosts tell a packet device [ATA6 9.12].
        this.resetSignature();
        this.abort();
        break;
      default:
        this.abort();
    }
  }

  override executeBusy(command: number): void {
    if (command === R.ATA_DEVICE_RESET) this.deviceReset();
  }

  protected override fetch(): void {
    const n = Math.min(this.remaining, CHUNK_BLOCKS);
    const from = this.lba;
    this.enter(
      () => this.readBlocks(from, n),
      (data) => {
        this.lba += n;
        this.remaining -= n;
        const raw = this.sectorBytes !== R.CD_SECTOR_BYTES;
        this.chunkFetched(raw ? C.rawSectors(data, from, n) : data, n * this.sectorBytes);
      },
      () => this.check(S.UNRECOVERED_READ_ERROR),
    );
  }

  protected override store(): void {
    this.takingPacket = false;
    const packet = this.chunk;
    this.endPhase();
    this.runPacket(packet);
  }

  protected override moreToFetch(): boolean {
    return this.remaining > 0;
  }

  protected override inDone(): void {
    if (!this.identifying) return this.complete();
    this.identifying = false;
    this.endPhase();
    this.status = STATUS_READY;
  }

  protected override announceBlock(bytes: number): void {
    if (this.takingPacket || this.identifying) return;
    this.error = 0;
    this.taskFile.sectorCount = R.ATAPI_IR_IO;
    this.taskFile.lbaMid = bytes & 0xff;
    this.taskFile.lbaHigh = bytes >>> 8;
  }

  protected override resetSignature(): void {
    const t = this.taskFile;
    t.sectorCount = 1;
    t.lbaLow = 1;
    t.lbaMid = 0x14;
    t.lbaHigh = 0xeb;
    this.takingPacket = false;
    this.identifying = false;
    // A packet device keeps DRDY clear until its first command [ATA6 9.1].
    this.status = 0;
  }

  protected override saveDetails(): Record<string, number | boolean> {
    const { changed, event, locked, trayOpen, takingPacket, identifying, byteLimit, lba, remaining, sectorBytes } =
      this;
    const { key, code, qualifier } = this.sense;
    return {
      changed,
      event,
      locked,
      trayOpen,
      takingPacket,
      identifying,
      byteLimit,
      lba,
      remaining,
      sectorBytes,
      key,
      code,
      qualifier,
    };
  }

  protected override restoreDetails(details: Record<string, number | boolean>): void {
    const n = (name: string): number => Number(details[name]);
    this.changed = Boolean(details['changed']);
    this.event = n('event');
    this.locked = Boolean(details['locked']);
    this.trayOpen = Boolean(details['trayOpen']);
    this.takingPacket = Boolean(details['takingPacket']);
    this.identifying = Boolean(details['identifying']);
    this.byteLimit = n('byteLimit');
    this.lba = n('lba');
    this.remaining = n('remaining');
    this.sectorBytes = n('sectorBytes');
    this.sense = { key: n('key'), code: n('code'), qualifier: n('qualifier') };
  }

  protected override resumeWork(): void {
    // No packet command waits for anything but sectors.
  }

  private get blocks(): number | undefined {
    return this.medium === undefined ? undefined : Math.ceil(this.medium.sizeBytes / R.CD_SECTOR_BYTES);
  }

  private readBlocks(lba: number, count: number): Uint8Array | Promise<Uint8Array> {
    const medium = this.medium;
    const at = lba * R.CD_SECTOR_BYTES;
    const length = count * R.CD_SECTOR_BYTES;
    // The medium may have been taken out in mid-command.
    if (medium === undefined || at >= medium.sizeBytes) return new Uint8Array(length);
    return readPadded(medium, at, length);
  }

  private deviceReset(): void {
    this.reset();
    this.remaining = 0;
  }

  private beginPacket(): void {
    const t = this.taskFile;
    this.dma = false;
    const limit = t.lbaMid | (t.lbaHigh << 8);
    this.byteLimit = limit === 0 || limit === 0xffff ? 0xfffe : limit;
    this.takingPacket = true;
    this.error = 0;
    this.blockBytes = PACKET_BYTES;
    t.sectorCount = R.ATAPI_IR_CD;
    this.expectChunk(PACKET_BYTES, false);
  }

  private runPacket(packet: Uint8Array): void {
    this.dma = (this.taskFile.features & 1) !== 0;
    // Blocks that are not the last have even lengths [ATA6 7.12].
    this.blockBytes = this.byteLimit > 1 ? this.byteLimit & ~1 : 1;
    this.remaining = 0;
    const operation = packet[0];
    if (operation === S.REQUEST_SENSE) {
      const data = S.senseData(this.changed ? this.takeAttention() : this.sense);
      this.sense = S.NO_SENSE;
      return this.reply(data, packet[4]);
    }
    // INQUIRY and event polling go before a pending UNIT ATTENTION [SPC3 5.6; MMC4 6.6].
    if (this.changed && operation !== S.INQUIRY && operation !== S.GET_EVENT_STATUS_NOTIFICATION) {
      return this.check(this.takeAttention());
    }
    this.sense = S.NO_SENSE;
    this.dispatch(operation, packet);
  }

  private takeAttention(): S.Sense {
    this.changed = false;
    return S.MEDIUM_MAY_HAVE_CHANGED;
  }

  private dispatch(operation: number, packet: Uint8Array): void {
    const allocation = C.allocationLength(packet);
    const blocks = this.blocks;
    switch (operation) {
      case S.INQUIRY:
        if ((packet[1] & 1) !== 0) return this.check(S.INVALID_FIELD);
        return this.reply(C.inquiryData(this.options.model ?? 'CD-ROM'), packet[4]);
      case S.MODE_SENSE_6:
      case S.MODE_SENSE_10: {
        const control = packet[2] >> 6;
        if (control === 3) return this.check(S.SAVING_NOT_SUPPORTED);
        const ten = operation === S.MODE_SENSE_10;
        return this.replyOrRefuse(C.modeSenseData(ten, packet[2] & 0x3f, control, this.locked, blocks), allocation);
      }
      case S.GET_CONFIGURATION:
        return this.reply(C.configurationData(packet[1] & 3, S.be16(packet, 2), blocks), allocation);
      case S.GET_EVENT_STATUS_NOTIFICATION:
        return this.eventStatus(packet, allocation);
      case S.START_STOP_UNIT:
        return this.startStop(packet[4]);
      case S.PREVENT_ALLOW_MEDIUM_REMOVAL:
        this.locked = (packet[4] & 1) !== 0;
        return this.complete();
      case S.SET_CD_SPEED:
        return this.complete();
      case S.MECHANISM_STATUS:
        return this.reply(Uint8Array.of(0, this.trayOpen ? 0x10 : 0, 0, 0, 0, 1, 0, 0), S.be16(packet, 8));
    }
    if (blocks === undefined) return this.check(isMediumCommand(operation) ? S.MEDIUM_NOT_PRESENT : S.INVALID_OPCODE);
    this.dispatchMedium(operation, packet, allocation, blocks);
  }

  private dispatchMedium(operation: number, packet: Uint8Array, allocation: number, blocks: number): void {
    switch (operation) {
      case S.TEST_UNIT_READY:
      case S.VERIFY_10:
        return this.complete();
      case S.READ_10:
        return this.read(S.be32(packet, 2), S.be16(packet, 7), R.CD_SECTOR_BYTES);
      case S.READ_12:
        return this.read(S.be32(packet, 2), S.be32(packet, 6), R.CD_SECTOR_BYTES);
      case S.READ_CD: {
        const sectorBytes = C.readCdSectorBytes(packet[9]);
        if (sectorBytes === undefined || (packet[10] & 7) !== 0) return this.check(S.ILLEGAL_MODE_FOR_TRACK);
        return this.read(S.be32(packet, 2), sectorBytes === 0 ? 0 : S.be24(packet, 6), sectorBytes);
      }
      case S.SEEK_10:
        return S.be32(packet, 2) < blocks ? this.complete() : this.check(S.LBA_OUT_OF_RANGE);
      case S.READ_CAPACITY: {
        const data = new Uint8Array(8);
        S.setBe32(data, 0, blocks - 1);
        S.setBe32(data, 4, R.CD_SECTOR_BYTES);
        return this.reply(data, data.length);
      }
      case S.READ_TOC: {
        // Old drivers give the format in the two upper bits of the last byte.
        const format = packet[2] & 0x0f || packet[9] >> 6;
        return this.replyOrRefuse(C.tocData(format, packet[6], (packet[1] & 2) !== 0, blocks), allocation);
      }
      case S.READ_DISC_INFORMATION:
        return this.reply(C.discInformation(), allocation);
      default:
        return this.check(S.INVALID_OPCODE);
    }
  }

  private read(lba: number, count: number, sectorBytes: number): void {
    if (count === 0) return this.complete();
    if (lba + count > (this.blocks ?? 0)) return this.check(S.LBA_OUT_OF_RANGE);
    this.lba = lba;
    this.remaining = count;
    this.sectorBytes = sectorBytes;
    this.beginFetch();
  }

  private eventStatus(packet: Uint8Array, allocation: number): void {
    if ((packet[1] & 1) === 0) return this.check(S.INVALID_FIELD);
    const data = C.eventStatus(packet, this.event, this.medium !== undefined, this.trayOpen);
    if (data.length > 4) this.event = EVENT_NONE;
    this.reply(data, allocation);
  }

  private startStop(flags: number): void {
    const start = (flags & 1) !== 0;
    if ((flags & 2) !== 0) {
      if (!start && this.locked) return this.check(S.MEDIUM_REMOVAL_PREVENTED);
      if (!start && !this.trayOpen) {
        this.changeMedium(undefined);
        this.event = EVENT_NONE;
        this.options.onEject?.();
      }
      this.trayOpen = !start;
    }
    this.complete();
  }

  private replyOrRefuse(data: Uint8Array | undefined, allocation: number): void {
    if (data === undefined) this.check(S.INVALID_FIELD);
    else this.reply(data, allocation);
  }

  private reply(data: Uint8Array, allocation: number): void {
    const bytes = Math.min(data.length, allocation);
    if (bytes === 0) this.complete();
    else this.chunkFetched(data, bytes);
  }

  private complete(): void {
    this.taskFile.sectorCount = R.ATAPI_IR_CD | R.ATAPI_IR_IO;
    this.succeed();
  }

  /** CHECK CONDITION: the sense key stands in the error register, the rest in the sense data [ATA6 8.23.6]. */
  private check(sense: S.Sense): void {
    this.sense = sense;
    this.remaining = 0;
    this.taskFile.sectorCount = R.ATAPI_IR_CD | R.ATAPI_IR_IO;
    this.abort((sense.key << 4) | (sense.key === 5 ? R.ATA_ER_ABRT : 0));
  }

  private setFeatures(): void {
    if (this.taskFile.features !== R.SETFEATURES_XFER || !this.setTransferMode(this.taskFile.sectorCount))
      return this.abort();
    this.succeed();
  }

  private identify(): void {
    const d = new IdentifyData();
    // CD-ROM, removable, DRQ within 50 us of PACKET, 12-byte packets.
    d.word(0, 0x85c0);
    d.text(10, 10, this.options.serial ?? 'CR00003');
    d.text(23, 4, '1.0');
    d.text(27, 20, `CORACLE ${this.options.model ?? 'CD-ROM'}`);
    d.word(49, 0x0b00);
    d.word(50, 0x4000);
    d.transferModes(this.transferMode);
    d.word(82, 0x0210);
    d.word(83, 0x4000);
    d.word(84, 0x4000);
    d.word(85, 0x0210);
    d.word(87, 0x4000);
    this.dma = false;
    this.remaining = 0;
    this.identifying = true;
    this.blockBytes = R.SECTOR_BYTES;
    this.chunkFetched(d.seal(), R.SECTOR_BYTES);
  }
}

function isMediumCommand(operation: number): boolean {
  const commands: readonly number[] = [
    S.TEST_UNIT_READY,
    S.READ_10,
    S.READ_12,
    S.READ_CD,
    S.SEEK_10,
    S.VERIFY_10,
    S.READ_CAPACITY,
    S.READ_TOC,
    S.READ_DISC_INFORMATION,
  ];
  return commands.includes(operation);
}
