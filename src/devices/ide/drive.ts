/**
 * What disk and CD-ROM share: the task file, INTRQ, and the data phases (PIO in and out by DRQ blocks, bus-master DMA)
 * over chunks that the subclass fetches from or stores to its backend [ATA6 9; state diagrams HPIOI, HPIOO, HDMA].
 *
 * Work on the backend enters through the AsyncDoor; BSY stays set meanwhile. A reset counts `generation` up, and an
 * answer of an older generation is dropped.
 */
import { EmulatorError } from '../../errors.ts';
import type { AsyncDoor, Width } from '../device.ts';
import type { BusMaster } from './bus-master.ts';
import {
  ATA_DEV_DEV,
  ATA_DEV_OBSOLETE,
  ATA_ER_ABRT,
  ATA_SR_BSY,
  ATA_SR_DRDY,
  ATA_SR_DRQ,
  ATA_SR_DSC,
  ATA_SR_ERR,
  DIAGNOSTIC_PASSED,
  MAX_MWDMA_MODE,
  MAX_PIO_MODE,
  MAX_UDMA_MODE,
  REG_DEVICE,
  REG_ERROR,
  REG_FEATURES,
  REG_LBA_HIGH,
  REG_LBA_LOW,
  REG_LBA_MID,
  REG_SECTOR_COUNT,
} from './registers.ts';

/** Registers are two deep for the 48-bit commands: the `previous` value is what HOB shows. */
export interface TaskFile {
  features: number;
  previousFeatures: number;
  sectorCount: number;
  previousSectorCount: number;
  lbaLow: number;
  previousLbaLow: number;
  lbaMid: number;
  previousLbaMid: number;
  lbaHigh: number;
  previousLbaHigh: number;
  device: number;
}

/**
 * in, out: DRQ, the guest moves data through the data port. gap: BSY between two DRQ blocks. dma-in, dma-out: data for
 * the bus master, or room for it. fetch, store, work: waiting for the backend (work: a flush and the like).
 */
export type Phase = 'idle' | 'in' | 'out' | 'gap' | 'dma-in' | 'dma-out' | 'fetch' | 'store' | 'work';

/** What a drive sees of its channel. */
export interface DriveHost {
  readonly door: AsyncDoor;
  readonly busMaster: BusMaster;
  /** INTRQ of the drive changed. */
  intrqChanged(drive: Drive): void;
  /** Asks for `gapOver` after the short time that a drive needs between two DRQ blocks. */
  armGap(drive: Drive): void;
}

export interface DriveState {
  kind: 'disk' | 'cdrom';
  taskFile: TaskFile;
  status: number;
  error: number;
  intrq: boolean;
  phase: Phase;
  toHost: boolean;
  dma: boolean;
  chunk: Uint8Array;
  chunkEnd: number;
  position: number;
  blockEnd: number;
  blockBytes: number;
  transferMode: number;
  /** The subclass's own fields. */
  details: Record<string, number | boolean>;
}

const EMPTY = new Uint8Array(0);
export const STATUS_READY = ATA_SR_DRDY | ATA_SR_DSC;
/** Multiword DMA mode 2, what firmware would have chosen. */
const DEFAULT_TRANSFER_MODE = 0x20 | MAX_MWDMA_MODE;

export abstract class Drive {
  abstract readonly kind: 'disk' | 'cdrom';
  readonly taskFile: TaskFile = {
    features: 0,
    previousFeatures: 0,
    sectorCount: 0,
    previousSectorCount: 0,
    lbaLow: 0,
    previousLbaLow: 0,
    lbaMid: 0,
    previousLbaMid: 0,
    lbaHigh: 0,
    previousLbaHigh: 0,
    device: 0,
  };
  status = STATUS_READY;
  error = 0;
  intrq = false;
  /** Last mode that SET FEATURES chose, as its sector count value; IDENTIFY reports it. */
  protected transferMode = DEFAULT_TRANSFER_MODE;
  protected phase: Phase = 'idle';
  /** Direction of the data phase, and whether it goes by the bus master. */
  protected toHost = false;
  protected dma = false;
  protected chunk: Uint8Array = EMPTY;
  protected chunkEnd = 0;
  protected position = 0;
  protected blockEnd = 0;
  /** Bytes in one DRQ block. */
  protected blockBytes = 512;
  protected readonly host: DriveHost;
  private readonly onError: (error: EmulatorError) => void;
  private generation = 0;

  constructor(host: DriveHost, onError: (error: EmulatorError) => void) {
    this.host = host;
    this.onError = onError;
  }

  /** A command byte, when the drive is free to take one. */
  abstract execute(command: number): void;
  /** Commands that are taken even while BSY or DRQ are set. */
  abstract executeBusy(command: number): void;
  /** Gets the next chunk and ends in `chunkFetched`. */
  protected abstract fetch(): void;
  /** Takes `chunk` up to `chunkEnd`; ends in `expectChunk` or `outDone`. */
  protected abstract store(): void;
  /** More to fetch after this chunk. */
  protected abstract moreToFetch(): boolean;
  /** The guest took the last byte. */
  protected abstract inDone(): void;
  /** A DRQ block of `bytes` is about to be offered. */
  protected abstract announceBlock(bytes: number): void;
  protected abstract resetSignature(): void;
  protected abstract saveDetails(): Record<string, number | boolean>;
  protected abstract restoreDetails(details: Record<string, number | boolean>): void;
  /** Takes up the phase 'work' again after a restore. */
  protected abstract resumeWork(): void;

  get busy(): boolean {
    return (this.status & (ATA_SR_BSY | ATA_SR_DRQ)) !== 0;
  }

  readRegister(register: number, hob: boolean): number {
    const t = this.taskFile;
    switch (register) {
      case REG_ERROR:
        return this.error;
      case REG_SECTOR_COUNT:
        return hob ? t.previousSectorCount : t.sectorCount;
      case REG_LBA_LOW:
        return hob ? t.previousLbaLow : t.lbaLow;
      case REG_LBA_MID:
        return hob ? t.previousLbaMid : t.lbaMid;
      case REG_LBA_HIGH:
        return hob ? t.previousLbaHigh : t.lbaHigh;
      case REG_DEVICE:
        return t.device | ATA_DEV_OBSOLETE;
      default:
        return this.status;
    }
  }

  writeRegister(register: number, value: number): void {
    const t = this.taskFile;
    switch (register) {
      case REG_FEATURES:
        t.previousFeatures = t.features;
        t.features = value;
        break;
      case REG_SECTOR_COUNT:
        t.previousSectorCount = t.sectorCount;
        t.sectorCount = value;
        break;
      case REG_LBA_LOW:
        t.previousLbaLow = t.lbaLow;
        t.lbaLow = value;
        break;
      case REG_LBA_MID:
        t.previousLbaMid = t.lbaMid;
        t.lbaMid = value;
        break;
      case REG_LBA_HIGH:
        t.previousLbaHigh = t.lbaHigh;
        t.lbaHigh = value;
        break;
      case REG_DEVICE:
        t.device = value;
        break;
    }
  }

  readData(width: Width): number {
    if (this.phase !== 'in') return width === 4 ? 0xffffffff : width === 2 ? 0xffff : 0xff;
    const c = this.chunk;
    const p = this.position;
    let value = c[p];
    if (width === 2) value |= c[p + 1] << 8;
    else if (width === 4) value = (value | (c[p + 1] << 8) | (c[p + 2] << 16) | (c[p + 3] << 24)) >>> 0;
    this.position = p + width;
    if (this.position >= this.blockEnd) this.blockTaken();
    return value;
  }

  writeData(width: Width, value: number): void {
    if (this.phase !== 'out') return;
    const c = this.chunk;
    const p = this.position;
    c[p] = value;
    if (width > 1) c[p + 1] = value >>> 8;
    if (width === 4) {
      c[p + 2] = value >>> 16;
      c[p + 3] = value >>> 24;
    }
    this.position = p + width;
    if (this.position >= this.blockEnd) this.blockFilled();
  }

  /** SRST, hardware reset, and (packet devices) DEVICE RESET. */
  reset(): void {
    this.generation++;
    this.endPhase();
    this.setIntrq(false);
    this.error = DIAGNOSTIC_PASSED;
    this.taskFile.device &= ATA_DEV_DEV;
    this.resetSignature();
  }

  /** The bus master's start bit was set. */
  dmaStarted(): void {
    if (this.phase === 'dma-in') this.pumpIn();
    else if (this.phase === 'dma-out') this.pumpOut();
  }

  gapOver(): void {
    if (this.phase !== 'gap') return;
    this.openBlock();
    this.setIntrq(true);
  }

  setIntrq(level: boolean): void {
    if (this.intrq === level) return;
    this.intrq = level;
    this.host.intrqChanged(this);
  }

  save(): DriveState {
    const { kind, status, error, intrq, phase, toHost, dma, chunkEnd, position, blockEnd, blockBytes, transferMode } =
      this;
    return {
      kind,
      taskFile: { ...this.taskFile },
      status,
      error,
      intrq,
      phase,
      toHost,
      dma,
      chunk: this.chunk.slice(0, chunkEnd),
      chunkEnd,
      position,
      blockEnd,
      blockBytes,
      transferMode,
      details: this.saveDetails(),
    };
  }

  restore(state: DriveState): void {
    this.generation++;
    Object.assign(this.taskFile, state.taskFile);
    this.status = state.status;
    this.error = state.error;
    this.intrq = state.intrq;
    this.phase = state.phase;
    this.toHost = state.toHost;
    this.dma = state.dma;
    this.chunk = state.chunk.slice();
    this.chunkEnd = state.chunkEnd;
    this.position = state.position;
    this.blockEnd = state.blockEnd;
    this.blockBytes = state.blockBytes;
    this.transferMode = state.transferMode;
    this.restoreDetails(state.details);
    if (this.phase === 'fetch') this.fetch();
    else if (this.phase === 'store') this.store();
    else if (this.phase === 'work') this.resumeWork();
    else if (this.phase === 'gap') this.host.armGap(this);
  }

  /** Runs backend work through the door; both callbacks are dropped if a reset came in between. */
  protected enter<T>(work: () => T | Promise<T>, done: (result: T) => void, failed: () => void): void {
    const generation = ++this.generation;
    let answer: T | Promise<T>;
    try {
      answer = work();
    } catch (cause) {
      answer = Promise.reject(cause);
    }
    this.host.door.enter(
      answer,
      (result) => {
        if (generation === this.generation) done(result);
      },
      (cause) => {
        const message = `the image behind the ${this.kind} failed: ${cause.message}`;
        this.onError(cause instanceof EmulatorError ? cause : new EmulatorError('storage-failed', message, { cause }));
        if (generation === this.generation) failed();
      },
    );
  }

  protected endPhase(): void {
    this.phase = 'idle';
    this.chunk = EMPTY;
    this.chunkEnd = this.position = this.blockEnd = 0;
  }

  protected succeed(): void {
    this.endPhase();
    this.error = 0;
    this.status = STATUS_READY;
    this.setIntrq(true);
  }

  protected abort(error = ATA_ER_ABRT): void {
    this.endPhase();
    this.error = error;
    this.status = STATUS_READY | ATA_SR_ERR;
    this.setIntrq(true);
  }

  protected beginFetch(): void {
    this.phase = 'fetch';
    this.toHost = true;
    this.status = ATA_SR_BSY | ATA_SR_DRDY;
    this.fetch();
  }

  protected chunkFetched(data: Uint8Array, bytes: number): void {
    this.chunk = data;
    this.chunkEnd = bytes;
    this.position = 0;
    this.toHost = true;
    if (this.dma) {
      this.phase = 'dma-in';
      this.status = STATUS_READY | ATA_SR_DRQ;
      this.pumpIn();
    } else {
      this.openBlock();
      this.setIntrq(true);
    }
  }

  /** Makes room for `bytes` from the guest; `interrupt`: this is not the first block of a command. */
  protected expectChunk(bytes: number, interrupt: boolean): void {
    // A fresh buffer, since the backend may still hold the last one.
    this.chunk = new Uint8Array(bytes);
    this.chunkEnd = bytes;
    this.position = 0;
    this.toHost = false;
    if (this.dma) {
      this.phase = 'dma-out';
      this.status = STATUS_READY | ATA_SR_DRQ;
      this.pumpOut();
    } else {
      this.openBlock();
      if (interrupt) this.setIntrq(true);
    }
  }

  private openBlock(): void {
    this.blockEnd = Math.min(this.position + this.blockBytes, this.chunkEnd);
    this.announceBlock(this.blockEnd - this.position);
    this.phase = this.toHost ? 'in' : 'out';
    this.status = STATUS_READY | ATA_SR_DRQ;
  }

  private blockTaken(): void {
    this.position = this.blockEnd;
    if (this.position < this.chunkEnd) this.beginGap();
    else this.chunkTaken();
  }

  private chunkTaken(): void {
    if (this.moreToFetch()) this.beginFetch();
    else this.inDone();
  }

  private blockFilled(): void {
    this.position = this.blockEnd;
    if (this.position < this.chunkEnd) this.beginGap();
    else this.beginStore();
  }

  private beginStore(): void {
    this.phase = 'store';
    this.status = ATA_SR_BSY | ATA_SR_DRDY;
    this.store();
  }

  private beginGap(): void {
    this.phase = 'gap';
    this.status = ATA_SR_BSY | ATA_SR_DRDY;
    this.host.armGap(this);
  }

  private pumpIn(): void {
    this.position += this.host.busMaster.toMemory(this.chunk, this.position, this.chunkEnd - this.position);
    if (this.position < this.chunkEnd) return;
    if (!this.moreToFetch()) this.host.busMaster.complete();
    this.chunkTaken();
  }

  private pumpOut(): void {
    this.position += this.host.busMaster.fromMemory(this.chunk, this.position, this.chunkEnd - this.position);
    if (this.position === this.chunkEnd) this.beginStore();
  }

  /** SET FEATURES, transfer mode [ATA6 table 42]; false for a mode that the drive does not have. */
  protected setTransferMode(value: number): boolean {
    const mode = value & 7;
    const limits: Record<number, number> = { 0: 1, 1: MAX_PIO_MODE, 4: MAX_MWDMA_MODE, 8: MAX_UDMA_MODE };
    const limit = limits[value >> 3];
    if (limit === undefined || mode > limit) return false;
    if (value >> 3 >= 4) this.transferMode = value;
    return true;
  }
}
