/**
 * An ATA-6 hard disk: PIO, multiple and DMA transfers in CHS, 28-bit and 48-bit form [ATA6 8].
 *
 * Deviations: the power management commands complete and change nothing; a transfer that would run past the last sector
 * fails at once with IDNF instead of after the sectors that exist; NOP, SMART, security, host protected area (but for
 * READ NATIVE MAX) and everything else that IDENTIFY does not announce is aborted.
 */
import type { EmulatorError } from '../../errors.ts';
import type { BlockBackend } from '../../storage/block.ts';
import { readPadded } from '../../storage/padded.ts';
import { Drive, type DriveHost, STATUS_READY } from './drive.ts';
import { IdentifyData } from './identify.ts';
import * as R from './registers.ts';

/** Sectors moved by one request to the backend. */
const PIO_CHUNK_SECTORS = 128;
const DMA_CHUNK_SECTORS = 512;
const MAX_MULTIPLE = 16;
const LBA28_SECTORS = 0x0fffffff;
const DEFAULT_HEADS = 16;
const DEFAULT_SECTORS_PER_TRACK = 63;
const MAX_CYLINDERS = 16383;

export interface DiskOptions {
  /** Up to 40 characters. */
  readonly model?: string;
  /** Up to 20 characters. */
  readonly serial?: string;
}

export class AtaDisk extends Drive {
  override readonly kind = 'disk';
  private readonly backend: BlockBackend;
  private readonly options: DiskOptions;
  /** Capacity in sectors of 512 bytes; a partial last sector counts. */
  private readonly sectors: number;
  private heads = DEFAULT_HEADS;
  private sectorsPerTrack = DEFAULT_SECTORS_PER_TRACK;
  /** Sectors in a DRQ block of the MULTIPLE commands; 0: they are disabled. */
  private multiple = MAX_MULTIPLE;
  private writeCache = true;
  private lookAhead = true;
  /** The transfer under way: next sector, sectors not yet fetched or stored, and its addressing. */
  private lba = 0;
  private remaining = 0;
  private extended = false;

  constructor(host: DriveHost, backend: BlockBackend, options: DiskOptions, onError: (error: EmulatorError) => void) {
    super(host, onError);
    this.backend = backend;
    this.options = options;
    this.sectors = Math.max(1, Math.ceil(backend.sizeBytes / R.SECTOR_BYTES));
    this.resetSignature();
  }

  override execute(command: number): void {
    switch (command) {
      case R.ATA_READ_SECTORS:
      case R.ATA_READ_SECTORS_NORETRY:
        this.read(false, 1);
        break;
      case R.ATA_READ_SECTORS_EXT:
        this.read(true, 1);
        break;
      case R.ATA_READ_MULTIPLE:
        this.read(false, this.multiple);
        break;
      case R.ATA_READ_MULTIPLE_EXT:
        this.read(true, this.multiple);
        break;
      case R.ATA_READ_DMA:
      case R.ATA_READ_DMA_NORETRY:
        this.read(false, 'dma');
        break;
      case R.ATA_READ_DMA_EXT:
        this.read(true, 'dma');
        break;
      case R.ATA_WRITE_SECTORS:
      case R.ATA_WRITE_SECTORS_NORETRY:
        this.write(false, 1);
        break;
      case R.ATA_WRITE_SECTORS_EXT:
        this.write(true, 1);
        break;
      case R.ATA_WRITE_MULTIPLE:
        this.write(false, this.multiple);
        break;
      case R.ATA_WRITE_MULTIPLE_EXT:
        this.write(true, this.multiple);
        break;
      case R.ATA_WRITE_DMA:
      case R.ATA_WRITE_DMA_NORETRY:
        this.write(false, 'dma');
        break;
      case R.ATA_WRITE_DMA_EXT:
        this.write(true, 'dma');
        break;
      case R.ATA_READ_VERIFY:
      case R.ATA_READ_VERIFY_NORETRY:
        this.verify(false);
        break;
      case R.ATA_READ_VERIFY_EXT:
        this.verify(true);
        break;
      case R.ATA_READ_NATIVE_MAX:
        this.nativeMax(false);
        break;
      case R.ATA_READ_NATIVE_MAX_EXT:
        this.nativeMax(true);
        break;
      case R.ATA_FLUSH_CACHE:
      case R.ATA_FLUSH_CACHE_EXT:
        this.flush();
        break;
      case R.ATA_IDENTIFY:
        this.identify();
        break;
      case R.ATA_SET_FEATURES:
        this.setFeatures();
        break;
      case R.ATA_SET_MULTIPLE:
        this.setMultiple();
        break;
      case R.ATA_INITIALIZE_PARAMETERS:
        this.initializeParameters();
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
      default:
        // RECALIBRATE 1xh and SEEK 7xh, obsolete since ATA-4 and still issued by old systems.
        if ((command & 0xf0) === 0x10 || (command & 0xf0) === 0x70) this.succeed();
        else this.abort();
    }
  }

  override executeBusy(_command: number): void {
    // A disk takes nothing while it is busy; DEVICE RESET is for packet devices.
  }

  protected override fetch(): void {
    const n = this.chunkSectors();
    this.enter(
      () => readPadded(this.backend, this.lba * R.SECTOR_BYTES, n * R.SECTOR_BYTES),
      (data) => {
        this.lba += n;
        this.remaining -= n;
        this.chunkFetched(data, n * R.SECTOR_BYTES);
      },
      () => this.fail(),
    );
  }

  protected override store(): void {
    const n = this.chunkEnd / R.SECTOR_BYTES;
    const at = this.lba * R.SECTOR_BYTES;
    const inside = Math.min(this.chunkEnd, this.backend.sizeBytes - at);
    this.enter(
      () => this.backend.write(at, this.chunk.subarray(0, inside)),
      () => {
        this.lba += n;
        this.remaining -= n;
        if (this.remaining > 0) this.expectChunk(this.chunkSectors() * R.SECTOR_BYTES, true);
        else this.outDone();
      },
      () => this.fail(),
    );
  }

  protected override moreToFetch(): boolean {
    return this.remaining > 0;
  }

  protected override inDone(): void {
    // IDENTIFY moves no sectors and leaves the address registers alone.
    if (this.lba > 0) {
      this.showPosition(this.lba - 1);
      this.taskFile.sectorCount = 0;
    }
    if (this.dma) this.succeed();
    else {
      // A PIO read ends with its last word; the interrupt came with the block.
      this.endPhase();
      this.status = STATUS_READY;
    }
  }

  protected override announceBlock(_bytes: number): void {
    this.error = 0;
  }

  protected override resetSignature(): void {
    const t = this.taskFile;
    t.sectorCount = 1;
    t.lbaLow = 1;
    t.lbaMid = 0;
    t.lbaHigh = 0;
    this.status = STATUS_READY;
    // As QEMU's disks; drivers that never issue SET MULTIPLE take what IDENTIFY says.
    this.multiple = MAX_MULTIPLE;
  }

  protected override saveDetails(): Record<string, number | boolean> {
    const { heads, sectorsPerTrack, multiple, writeCache, lookAhead, lba, remaining, extended } = this;
    return { heads, sectorsPerTrack, multiple, writeCache, lookAhead, lba, remaining, extended };
  }

  protected override restoreDetails(details: Record<string, number | boolean>): void {
    this.heads = Number(details['heads']);
    this.sectorsPerTrack = Number(details['sectorsPerTrack']);
    this.multiple = Number(details['multiple']);
    this.writeCache = Boolean(details['writeCache']);
    this.lookAhead = Boolean(details['lookAhead']);
    this.lba = Number(details['lba']);
    this.remaining = Number(details['remaining']);
    this.extended = Boolean(details['extended']);
  }

  protected override resumeWork(): void {
    this.flush();
  }

  private chunkSectors(): number {
    return Math.min(this.remaining, this.dma ? DMA_CHUNK_SECTORS : PIO_CHUNK_SECTORS);
  }

  /** Takes address and count from the task file; false, with the command ended by IDNF, when they are off the disk. */
  private address(extended: boolean): boolean {
    const t = this.taskFile;
    this.extended = extended;
    if (extended) {
      this.lba =
        t.lbaLow +
        t.lbaMid * 2 ** 8 +
        t.lbaHigh * 2 ** 16 +
        t.previousLbaLow * 2 ** 24 +
        t.previousLbaMid * 2 ** 32 +
        t.previousLbaHigh * 2 ** 40;
      this.remaining = (t.previousSectorCount << 8) | t.sectorCount || 65536;
    } else {
      this.remaining = t.sectorCount || 256;
      const high = t.device & 0x0f;
      if ((t.device & R.ATA_DEV_LBA) !== 0) this.lba = (high << 24) | (t.lbaHigh << 16) | (t.lbaMid << 8) | t.lbaLow;
      else {
        const cylinder = (t.lbaHigh << 8) | t.lbaMid;
        const bad = t.lbaLow === 0 || t.lbaLow > this.sectorsPerTrack || high >= this.heads;
        this.lba = bad ? this.sectors : (cylinder * this.heads + high) * this.sectorsPerTrack + t.lbaLow - 1;
      }
    }
    if (this.lba + this.remaining <= this.sectors) return true;
    this.abort(R.ATA_ER_IDNF);
    return false;
  }

  /** Puts a sector's address into the registers: the last one of a finished transfer, or the one that failed. */
  private showPosition(lba: number): void {
    const t = this.taskFile;
    if (this.extended || (t.device & R.ATA_DEV_LBA) !== 0) {
      t.lbaLow = lba & 0xff;
      t.lbaMid = (lba >>> 8) & 0xff;
      t.lbaHigh = (lba >>> 16) & 0xff;
      const upper = Math.floor(lba / 2 ** 24);
      if (this.extended) {
        t.previousLbaLow = upper & 0xff;
        t.previousLbaMid = (upper >>> 8) & 0xff;
        t.previousLbaHigh = (upper >>> 16) & 0xff;
      } else t.device = (t.device & 0xf0) | (upper & 0x0f);
      return;
    }
    const track = Math.floor(lba / this.sectorsPerTrack);
    const cylinder = Math.floor(track / this.heads);
    t.lbaLow = (lba % this.sectorsPerTrack) + 1;
    t.lbaMid = cylinder & 0xff;
    t.lbaHigh = (cylinder >>> 8) & 0xff;
    t.device = (t.device & 0xf0) | (track % this.heads);
  }

  /** `block`: sectors in a DRQ block, 0 when MULTIPLE is not set up. */
  private read(extended: boolean, block: number | 'dma'): void {
    if (block === 0) return this.abort();
    if (!this.address(extended)) return;
    this.dma = block === 'dma';
    this.blockBytes = block === 'dma' ? R.SECTOR_BYTES : block * R.SECTOR_BYTES;
    this.beginFetch();
  }

  private write(extended: boolean, block: number | 'dma'): void {
    if (block === 0 || this.backend.readOnly) return this.abort();
    if (!this.address(extended)) return;
    this.dma = block === 'dma';
    this.blockBytes = block === 'dma' ? R.SECTOR_BYTES : block * R.SECTOR_BYTES;
    this.expectChunk(this.chunkSectors() * R.SECTOR_BYTES, false);
  }

  private verify(extended: boolean): void {
    if (this.address(extended)) this.succeed();
  }

  private outDone(): void {
    if (this.dma) this.host.busMaster.complete();
    this.showPosition(this.lba - 1);
    this.taskFile.sectorCount = 0;
    if (this.writeCache) this.succeed();
    else this.flush();
  }

  private flush(): void {
    this.phase = 'work';
    this.status = R.ATA_SR_BSY | R.ATA_SR_DRDY;
    this.enter(
      () => this.backend.flush(),
      () => this.succeed(),
      () => this.abort(),
    );
  }

  /** The backend failed: UNC for a read, ABRT for a write [ATA6 8.27.6, 8.62.6]. */
  private fail(): void {
    const error = this.toHost ? R.ATA_ER_UNC : R.ATA_ER_ABRT;
    this.showPosition(this.lba);
    this.taskFile.sectorCount = this.remaining & 0xff;
    this.abort(error);
  }

  private nativeMax(extended: boolean): void {
    this.extended = extended;
    this.showPosition(extended ? this.sectors - 1 : Math.min(this.sectors, LBA28_SECTORS) - 1);
    this.succeed();
  }

  private setMultiple(): void {
    const count = this.taskFile.sectorCount;
    if (count > MAX_MULTIPLE || (count & (count - 1)) !== 0) {
      this.multiple = 0;
      this.abort();
      return;
    }
    this.multiple = count;
    this.succeed();
  }

  private initializeParameters(): void {
    if (this.taskFile.sectorCount === 0) return this.abort();
    this.heads = (this.taskFile.device & 0x0f) + 1;
    this.sectorsPerTrack = this.taskFile.sectorCount;
    this.succeed();
  }

  private setFeatures(): void {
    switch (this.taskFile.features) {
      case R.SETFEATURES_WC_ON:
        this.writeCache = true;
        break;
      case R.SETFEATURES_WC_OFF:
        this.writeCache = false;
        return this.flush();
      case R.SETFEATURES_RA_ON:
        this.lookAhead = true;
        break;
      case R.SETFEATURES_RA_OFF:
        this.lookAhead = false;
        break;
      case R.SETFEATURES_KEEP_DEFAULTS:
      case R.SETFEATURES_RESTORE_DEFAULTS:
        break;
      case R.SETFEATURES_XFER:
        if (!this.setTransferMode(this.taskFile.sectorCount)) return this.abort();
        break;
      default:
        return this.abort();
    }
    this.succeed();
  }

  private identify(): void {
    const d = new IdentifyData();
    const cylinders = (heads: number, perTrack: number): number =>
      Math.max(1, Math.min(MAX_CYLINDERS, Math.floor(this.sectors / (heads * perTrack))));
    const current = cylinders(this.heads, this.sectorsPerTrack);
    d.word(0, 0x0040);
    d.word(1, cylinders(DEFAULT_HEADS, DEFAULT_SECTORS_PER_TRACK));
    d.word(3, DEFAULT_HEADS);
    d.word(6, DEFAULT_SECTORS_PER_TRACK);
    d.text(10, 10, this.options.serial ?? 'CR00001');
    d.text(23, 4, '1.0');
    d.text(27, 20, this.options.model ?? 'CORACLE HARDDISK');
    d.word(47, 0x8000 | MAX_MULTIPLE);
    d.word(48, 1);
    d.word(49, 0x0b00);
    d.word(50, 0x4000);
    d.word(54, current);
    d.word(55, this.heads);
    d.word(56, this.sectorsPerTrack);
    d.dword(57, Math.min(current * this.heads * this.sectorsPerTrack, this.sectors));
    d.word(59, this.multiple === 0 ? 0 : 0x0100 | this.multiple);
    d.dword(60, Math.min(this.sectors, LBA28_SECTORS));
    d.transferModes(this.transferMode);
    d.word(82, 0x4068);
    d.word(83, 0x7400);
    d.word(84, 0x4000);
    d.word(85, 0x4008 | (this.writeCache ? 0x20 : 0) | (this.lookAhead ? 0x40 : 0));
    d.word(86, 0x3400);
    d.word(87, 0x4000);
    d.dword(100, this.sectors % 2 ** 32);
    d.dword(102, Math.floor(this.sectors / 2 ** 32));
    this.dma = false;
    this.lba = 0;
    this.remaining = 0;
    this.blockBytes = R.SECTOR_BYTES;
    this.chunkFetched(d.seal(), R.SECTOR_BYTES);
  }
}
