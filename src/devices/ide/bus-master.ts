/**
 * One channel of the PIIX3 bus master: command, status and descriptor table pointer, and the walk over the physical
 * region descriptors [BMIDE 1.2, 2; PIIX3 2.4].
 *
 * Deviations: the direction bit is kept but the drive's command decides the direction; the error bit is never set,
 * because an access to memory that is not there reads as ones and swallows writes instead of ending in a master abort.
 */
import { physAddr } from '../../memory/address.ts';
import type { Dma } from '../device.ts';
import {
  BMIC,
  BMIC_RWCON,
  BMIC_START,
  BMIDTP,
  BMIS,
  BMIS_ACTIVE,
  BMIS_DRIVE0_CAPABLE,
  BMIS_DRIVE1_CAPABLE,
  BMIS_ERROR,
  BMIS_INTERRUPT,
  PRD_EOT,
} from './registers.ts';

export interface BusMasterState {
  command: number;
  status: number;
  table: number;
  next: number;
  address: number;
  left: number;
  last: boolean;
}

export class BusMaster {
  private readonly memory: Dma;
  private readonly isMaster: () => boolean;
  private readonly started: () => void;
  private command = 0;
  private status = 0;
  private table = 0;
  /** Address of the descriptor that follows the current one. */
  private next = 0;
  /** What is left of the current region. */
  private address = 0;
  private left = 0;
  private last = false;
  private readonly descriptor = new Uint8Array(8);

  /** @param isMaster the function may access memory @param started runs when the engine starts: a drive may be waiting for it */
  constructor(memory: Dma, isMaster: () => boolean, started: () => void) {
    this.memory = memory;
    this.isMaster = isMaster;
    this.started = started;
  }

  /** The engine is running, has not come to the end of its table, and may access memory. */
  get ready(): boolean {
    return (this.status & BMIS_ACTIVE) !== 0 && this.isMaster();
  }

  /** The function may have become a bus master. */
  masterChanged(): void {
    if (this.ready) this.started();
  }

  reset(): void {
    this.command = 0;
    this.status = 0;
    this.table = 0;
    this.stop();
  }

  /** The drive's INTRQ rose. */
  interrupt(): void {
    this.status |= BMIS_INTERRUPT;
  }

  /** The drive has moved its last byte: the engine goes idle if the table ends here too, and stays active if not. */
  complete(): void {
    if (this.left === 0 && this.last) this.status &= ~BMIS_ACTIVE;
  }

  readByte(offset: number): number {
    if (offset === BMIC) return this.command;
    if (offset === BMIS) return this.status;
    if (offset >= BMIDTP) return (this.table >>> ((offset - BMIDTP) * 8)) & 0xff;
    return 0;
  }

  writeByte(offset: number, value: number): void {
    if (offset === BMIC) this.writeCommand(value);
    else if (offset === BMIS) {
      const cleared = value & (BMIS_ERROR | BMIS_INTERRUPT);
      const capable = BMIS_DRIVE0_CAPABLE | BMIS_DRIVE1_CAPABLE;
      this.status = (this.status & ~cleared & ~capable) | (value & capable);
    } else if (offset >= BMIDTP) {
      const shift = (offset - BMIDTP) * 8;
      this.table = ((this.table & ~(0xff << shift)) | (value << shift)) & ~3;
    }
  }

  /** Moves up to `length` bytes of `data` from `offset` into guest memory; fewer when the table ends. */
  toMemory(data: Uint8Array, offset: number, length: number): number {
    let moved = 0;
    while (moved < length && this.region()) {
      const n = Math.min(this.left, length - moved);
      this.memory.write(physAddr(this.address), data.subarray(offset + moved, offset + moved + n));
      this.advance(n);
      moved += n;
    }
    return moved;
  }

  /** Fills `data` from guest memory, as `toMemory`. */
  fromMemory(data: Uint8Array, offset: number, length: number): number {
    let moved = 0;
    while (moved < length && this.region()) {
      const n = Math.min(this.left, length - moved);
      this.memory.read(physAddr(this.address), data.subarray(offset + moved, offset + moved + n));
      this.advance(n);
      moved += n;
    }
    return moved;
  }

  save(): BusMasterState {
    const { command, status, table, next, address, left, last } = this;
    return { command, status, table, next, address, left, last };
  }

  restore(state: BusMasterState): void {
    this.command = state.command;
    this.status = state.status;
    this.table = state.table;
    this.next = state.next;
    this.address = state.address;
    this.left = state.left;
    this.last = state.last;
  }

  private writeCommand(value: number): void {
    const starts = (value & BMIC_START) !== 0 && (this.command & BMIC_START) === 0;
    this.command = value & (BMIC_START | BMIC_RWCON);
    if (starts) {
      this.next = this.table >>> 0;
      this.left = 0;
      this.last = false;
      this.status |= BMIS_ACTIVE;
      this.started();
    } else if ((value & BMIC_START) === 0) this.stop();
  }

  private stop(): void {
    this.status &= ~BMIS_ACTIVE;
    this.left = 0;
    this.last = false;
  }

  /** Makes sure that a region is current; false when the engine is idle or the table has ended. */
  private region(): boolean {
    if (!this.ready) return false;
    if (this.left > 0) return true;
    if (this.last) {
      // More data than the table has room for: active falls without an interrupt [BMIDE 3.1].
      this.status &= ~BMIS_ACTIVE;
      return false;
    }
    const d = this.descriptor;
    this.memory.read(physAddr(this.next), d);
    this.next = (this.next + 8) >>> 0;
    this.address = ((d[0] & 0xfe) | (d[1] << 8) | (d[2] << 16) | (d[3] << 24)) >>> 0;
    this.left = (d[4] & 0xfe) | (d[5] << 8);
    if (this.left === 0) this.left = 0x10000;
    this.last = (d[7] & (PRD_EOT >>> 24)) !== 0;
    return true;
  }

  private advance(bytes: number): void {
    this.address = (this.address + bytes) >>> 0;
    this.left -= bytes;
  }
}
