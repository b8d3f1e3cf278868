/** What the emulator's executors share: x87, MMX and SSE state from and to FXSAVE images, and the pages of data. */
import * as L from '../../src/cpu/layout.ts';
import type { CpuState } from '../../src/cpu/state.ts';
import { setStatusWord } from '../../src/cpu/x87/environment.ts';
import type { GuestMemory } from '../../src/memory/guest-memory.ts';
import { DATA_PAGES, HASH_START, hashStep, MAX_DIFFERENCES, type Records } from './batch.ts';

const ST = 32, XMM = 160, REGISTER_BYTES = 16, ST_BYTES = 10;

/** Loads an image with so many XMM registers; the pointers to the last x87 instruction are 0. */
export function loadFx(state: CpuState, image: Uint8Array, xmmRegisters: number): void {
  const { u8 } = state.arena;
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const top = view.getUint16(2, true) >> 11;
  state.setU16(L.FCW, view.getUint16(0, true));
  setStatusWord(state, view.getUint16(2, true));
  u8[state.base + L.FTW] = image[4] as number;
  for (const field of [L.FIP, L.FCS, L.FDP]) state.setU32(field, 0);
  state.setU16(L.FOP, 0);
  state.setU16(L.FDS, 0);
  state.setU32(L.MXCSR, view.getUint32(24, true));
  for (let i = 0; i < 8; i++) u8.set(image.subarray(ST + REGISTER_BYTES * i, ST + REGISTER_BYTES * i + ST_BYTES), state.base + L.FPR + 16 * ((top + i) & 7));
  for (let i = 0; i < xmmRegisters; i++) u8.set(image.subarray(XMM + REGISTER_BYTES * i, XMM + REGISTER_BYTES * (i + 1)), state.base + L.XMM + L.XMM_STRIDE * i);
}

export function saveFx(state: CpuState, image: Uint8Array, xmmRegisters: number): void {
  const { u8 } = state.arena;
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const top = state.getU16(L.FSW) >> 11;
  view.setUint16(0, state.getU16(L.FCW), true);
  view.setUint16(2, state.getU16(L.FSW), true);
  image[4] = u8[state.base + L.FTW] as number;
  view.setUint32(24, state.getU32(L.MXCSR), true);
  for (let i = 0; i < 8; i++) {
    const st = state.base + L.FPR + 16 * ((top + i) & 7);
    image.set(u8.subarray(st, st + ST_BYTES), ST + REGISTER_BYTES * i);
  }
  for (let i = 0; i < xmmRegisters; i++) {
    const xmm = state.base + L.XMM + L.XMM_STRIDE * i;
    image.set(u8.subarray(xmm, xmm + REGISTER_BYTES), XMM + REGISTER_BYTES * i);
  }
}

/** Where a record has them: the number of bytes that differ, a hash over all, the first of them. */
export interface MemoryFields {
  readonly DIFFERENCES: number;
  readonly HASH: number;
  readonly DIFFERENCE: number;
}

/** The pages that cases read and write. */
export class DataPages {
  private readonly memory: GuestMemory;
  private readonly frames: readonly number[];
  private base: Buffer[] = [];

  /** @param physical where the first page lies */
  constructor(memory: GuestMemory, physical: number) {
    this.memory = memory;
    this.frames = DATA_PAGES.map((page) => memory.writeFrame((physical + page) >>> 12));
  }

  /** What they hold before each case. */
  baseline(pages: Uint8Array): void {
    this.base = DATA_PAGES.map((_, i) => Buffer.from(pages.subarray(i * 4096, i * 4096 + 4096)));
    for (const [i, page] of this.base.entries()) this.memory.pool.arena.u8.set(page, this.frames[i]);
  }

  /** Puts what a case changed into its record, and restores it. */
  after(batch: Records, n: number, fields: MemoryFields): void {
    const { u8 } = this.memory.pool.arena;
    let count = 0;
    let hash = HASH_START;
    for (const [p, frame] of this.frames.entries()) {
      const page = this.base[p] as Buffer;
      if (page.compare(u8, frame, frame + 4096) === 0) continue;
      for (let i = 0; i < 4096; i++) {
        if (u8[frame + i] === page[i]) continue;
        const difference = ((((DATA_PAGES[p] as number) + i) << 8) | (u8[frame + i] as number)) >>> 0;
        if (count < MAX_DIFFERENCES) batch.setU32(n, fields.DIFFERENCE + 4 * count, difference);
        count++;
        hash = hashStep(hash, difference);
        u8[frame + i] = page[i] as number;
      }
    }
    batch.setU32(n, fields.DIFFERENCES, count);
    batch.setU32(n, fields.HASH, hash);
  }
}
