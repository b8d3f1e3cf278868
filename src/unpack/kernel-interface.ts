/** The part of the leaf kernel that unpacks, in a memory of its own or in one that is given to it. Addresses are of that memory. */
import { SLACK, WORK_BYTES } from './layout.ts';

interface UnpackKernel {
  /**
   * (at, end, start, to, limit, work): goes on unpacking an LZ4 block from `at` to `end` at `to`, where what came out of it begins at `start`;
   * some of it, WORK_END tells how far. Gives the end of what has come out, at most `limit`, or 0 for damaged input.
   */
  unpack_lz4(at: number, end: number, start: number, to: number, limit: number, work: number): number;
  /** (at, end, to, limit, work): likewise LZMA2 data that begin at `at` and end before `end`, all of them. */
  unpack_lzma2(at: number, end: number, to: number, limit: number, work: number): number;
  /** (at, end, to, limit, work): begins with DEFLATE data, of which it is not known where before `end` they end. */
  start_deflate(at: number, end: number, to: number, limit: number, work: number): void;
  /** Goes on with them. Gives the end of what has come out, or 0 for damaged input; once that is all, WORK_END tells where they ended, until then 0. */
  go_on_deflate(): number;
  /** (work): begins with a CRC-32, for which it needs the work area. */
  start_crc32(work: number): void;
  /** (crc, at, end, work): goes on with it, from -1 on; gives what is to be inverted at the end. */
  go_on_crc32(crc: number, at: number, end: number, work: number): number;
  /** (start, end): makes the targets of calls and jumps distances again. */
  undo_x86(start: number, end: number): void;
}

/** The kernel's constants lie in the first of these. */
const WASM_PAGE = 65536;
/** What comes out begins at a multiple of so many bytes. */
const PAGE = 4096;

/** Where there is room for so many bytes, which are all zero: a memory, and from which page of 4096 bytes on. */
export type RoomFor = (bytes: number) => { readonly memory: WebAssembly.Memory; readonly at: number };

const newMemory: RoomFor = (bytes) => ({ memory: new WebAssembly.Memory({ initial: 1 + Math.ceil(bytes / WASM_PAGE) }), at: WASM_PAGE });

/** A place for packed bytes and for what comes out. */
export interface Workspace {
  readonly kernel: UnpackKernel;
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly work: number;
  /** Where the packed bytes belong, and what comes out, and where either ends at most. */
  readonly from: number;
  readonly fromEnd: number;
  readonly to: number;
  readonly limit: number;
}

/** @param kernel the leaf kernel's module @param packedSize bytes that are there at once @param size bytes that come out */
export function workspaceFor(kernel: WebAssembly.Module, packedSize: number, size: number, roomFor: RoomFor = newMemory): Workspace {
  const before = Math.ceil((WORK_BYTES + packedSize + SLACK) / PAGE) * PAGE;
  const { memory, at: work } = roomFor(before + size + SLACK);
  const from = work + WORK_BYTES, to = work + before;
  const { exports } = new WebAssembly.Instance(kernel, { env: { memory } });
  return {
    kernel: exports as unknown as UnpackKernel, memory: new Uint8Array(memory.buffer), view: new DataView(memory.buffer),
    work, from, fromEnd: from + packedSize, to, limit: to + size,
  };
}
