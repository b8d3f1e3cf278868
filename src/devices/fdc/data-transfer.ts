/**
 * The execution phase of the commands that move data: runs of sectors on one head between the backend and the DMA
 * channel or the FIFO, with the multi-track and end-of-track rules [82077AA 5.1.1, tables 5-4 to 5-6].
 */
import { EmulatorError } from '../../errors.ts';
import { readPadded } from '../../storage/padded.ts';
import type { AsyncDoor } from '../device.ts';
import type { DmaChannel } from '../dma8237.ts';
import type { FloppyDrive } from './floppy-drive.ts';
import {
  ST1_DATA_ERROR,
  ST1_END_OF_CYLINDER,
  ST1_MISSING_ADDRESS_MARK,
  ST1_NO_DATA,
  ST1_NOT_WRITABLE,
  ST2_DATA_ERROR,
  ST2_WRONG_CYLINDER,
} from './registers.ts';

export type TransferKind = 'read' | 'write' | 'verify' | 'format';
/** 512 bytes, the only size that the images hold. */
export const SIZE_CODE_512 = 2;

export interface TransferRequest {
  kind: TransferKind;
  unit: number;
  head: number;
  multiTrack: boolean;
  dma: boolean;
  cylinder: number;
  headId: number;
  sector: number;
  sizeCode: number;
  endOfTrack: number;
  /** FORMAT TRACK: the byte that sectors are filled with. */
  filler: number;
}

export interface TransferHost {
  readonly door: AsyncDoor;
  readonly dma: DmaChannel;
  drive(unit: number): FloppyDrive | undefined;
  rate(): number;
  onError(error: EmulatorError): void;
  /** The execution phase is over; status registers 1 and 2 are zero for success. */
  transferDone(st1: number, st2: number): void;
  /** Without DMA: the FIFO wants service. */
  requestService(): void;
}

type Phase = 'idle' | 'fetch' | 'move' | 'store';

export interface TransferState {
  phase: Phase;
  request: TransferRequest;
  chunk: Uint8Array;
  position: number;
  ended: boolean;
}

const EMPTY = new Uint8Array(0);
const NO_REQUEST: TransferRequest = {
  kind: 'read',
  unit: 0,
  head: 0,
  multiTrack: false,
  dma: false,
  cylinder: 0,
  headId: 0,
  sector: 0,
  sizeCode: 0,
  endOfTrack: 0,
  filler: 0,
};

export class DataTransfer {
  private readonly host: TransferHost;
  private phase: Phase = 'idle';
  private request: TransferRequest = { ...NO_REQUEST };
  private chunk: Uint8Array = EMPTY;
  private position = 0;
  /** Terminal count was reached: no further run. */
  private ended = false;
  private generation = 0;

  constructor(host: TransferHost) {
    this.host = host;
    host.dma.onReady = () => this.pump();
  }

  /** Without DMA: the FIFO has a byte for the guest, or room for one. */
  get wantsService(): boolean {
    return this.phase === 'move' && !this.request.dma;
  }

  get toHost(): boolean {
    return this.request.kind === 'read';
  }

  /** Cylinder, head, sector, size for the result phase. */
  get position4(): number[] {
    const { cylinder, headId, sector, sizeCode } = this.request;
    return [cylinder, headId, sector, sizeCode];
  }

  begin(request: TransferRequest): void {
    this.request = { ...request };
    this.ended = false;
    const drive = this.host.drive(request.unit);
    const format = drive?.format;
    const writes = request.kind === 'write' || request.kind === 'format';
    if (drive === undefined || format === undefined || !format.rates.includes(this.host.rate())) {
      return this.finish(ST1_MISSING_ADDRESS_MARK, 0);
    }
    if (writes && drive.backend?.readOnly === true) return this.finish(ST1_NOT_WRITABLE, 0);
    if (request.kind === 'format') return this.expect(request.endOfTrack * 4);
    if (request.cylinder !== drive.cylinder) return this.finish(ST1_NO_DATA, ST2_WRONG_CYLINDER);
    if (request.sizeCode !== SIZE_CODE_512) return this.finish(ST1_NO_DATA, 0);
    this.beginRun();
  }

  reset(): void {
    this.generation++;
    this.phase = 'idle';
    this.chunk = EMPTY;
    this.host.dma.setRequest(false);
  }

  readByte(): number {
    const value = this.chunk[this.position++];
    this.afterByte();
    return value;
  }

  writeByte(value: number): void {
    this.chunk[this.position++] = value;
    this.afterByte();
  }

  save(): TransferState {
    const { phase, request, chunk, position, ended } = this;
    return { phase, request: { ...request }, chunk: chunk.slice(), position, ended };
  }

  restore(state: TransferState): void {
    this.generation++;
    this.phase = state.phase;
    this.request = { ...state.request };
    this.chunk = state.chunk.slice();
    this.position = state.position;
    this.ended = state.ended;
    if (this.phase === 'fetch') this.beginRun();
    else if (this.phase === 'store') this.store();
  }

  /** The rest of the track from the current sector. */
  private beginRun(): void {
    const { kind, unit, head, sector, endOfTrack } = this.request;
    const drive = this.host.drive(unit);
    const at = drive?.offset(head, sector);
    if (drive?.backend === undefined || drive.format === undefined || at === undefined)
      return this.finish(ST1_NO_DATA, 0);
    const last = Math.min(endOfTrack, drive.format.sectors);
    const sectors = last - sector + 1;
    if (sectors <= 0) return this.finish(ST1_NO_DATA, 0);
    if (kind === 'write') return this.expect(sectors * 512);
    const { backend } = drive;
    this.phase = 'fetch';
    this.enter(
      () => readPadded(backend, at, sectors * 512),
      (data) => {
        this.chunk = data;
        this.position = 0;
        if (kind === 'verify') this.runDone(sectors);
        else this.beginMove();
      },
    );
  }

  private expect(bytes: number): void {
    this.chunk = new Uint8Array(bytes);
    this.position = 0;
    if (bytes === 0) this.finish(ST1_NO_DATA, 0);
    else this.beginMove();
  }

  private beginMove(): void {
    this.phase = 'move';
    if (!this.request.dma) return this.host.requestService();
    this.host.dma.setRequest(true);
    this.pump();
  }

  private pump(): void {
    if (this.phase !== 'move' || !this.request.dma) return;
    const { dma } = this.host;
    const left = this.chunk.length - this.position;
    const moved = this.toHost
      ? dma.toMemory(this.chunk, this.position, left)
      : dma.fromMemory(this.chunk, this.position, left);
    this.position += moved;
    this.ended = moved > 0 && dma.terminalCount;
    if (this.ended || this.position === this.chunk.length) this.moved();
  }

  private afterByte(): void {
    if (this.position === this.chunk.length) this.moved();
    else this.host.requestService();
  }

  private moved(): void {
    this.host.dma.setRequest(false);
    if (this.toHost) this.runDone(Math.ceil(this.position / 512));
    else this.store();
  }

  private store(): void {
    const { kind, unit, head, sector, filler } = this.request;
    const drive = this.host.drive(unit);
    const backend = drive?.backend;
    if (drive === undefined || backend === undefined) return this.finish(ST1_NO_DATA, 0);
    // A sector that the terminal count cuts is filled up with zeros.
    const sectors = kind === 'format' ? this.chunk.length >> 2 : Math.ceil(this.position / 512);
    const at = drive.offset(head, kind === 'format' ? 1 : sector);
    const data = kind === 'format' ? new Uint8Array(sectors * 512).fill(filler) : this.chunk.subarray(0, sectors * 512);
    const last = drive.offset(head, (kind === 'format' ? 1 : sector) + sectors - 1);
    if (at === undefined || last === undefined) return this.finish(ST1_NO_DATA, 0);
    // An image that is shorter than its format has no room there.
    if (last + 512 > backend.sizeBytes) return this.finish(ST1_DATA_ERROR, ST2_DATA_ERROR);
    this.phase = 'store';
    this.enter(
      () => backend.write(at, data),
      () => {
        if (kind === 'format') this.finish(0, 0);
        else this.runDone(sectors);
      },
    );
  }

  private runDone(sectors: number): void {
    const r = this.request;
    r.sector += sectors;
    let more = true;
    if (r.sector > r.endOfTrack) {
      r.sector = 1;
      if (r.multiTrack && r.head === 0) r.head = r.headId = 1;
      else {
        more = false;
        r.cylinder = (r.cylinder + 1) & 0xff;
        if (r.multiTrack) r.headId = 0;
      }
    }
    if (this.ended || (r.kind === 'verify' && !more)) this.finish(0, 0);
    else if (more) this.beginRun();
    else this.finish(ST1_END_OF_CYLINDER, 0);
  }

  private finish(st1: number, st2: number): void {
    this.phase = 'idle';
    this.chunk = EMPTY;
    this.host.dma.setRequest(false);
    this.host.transferDone(st1, st2);
  }

  private enter<T>(work: () => T | Promise<T>, done: (result: T) => void): void {
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
        const wrapped = new EmulatorError('storage-failed', `the floppy image failed: ${cause.message}`, { cause });
        this.host.onError(cause instanceof EmulatorError ? cause : wrapped);
        if (generation === this.generation) this.finish(ST1_DATA_ERROR, ST2_DATA_ERROR);
      },
    );
  }
}
