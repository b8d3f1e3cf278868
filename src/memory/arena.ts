/**
 * The arena: the one WebAssembly.Memory that holds guest frames, vCPU states, TLBs and decoded code. It grows in steps;
 * a growth detaches every view, so views are fetched from here at each use and never kept, not even while something is called
 * that may need a frame: what is read from a detached view is nothing, and what is stored there is lost.
 */
import { EmulatorError } from '../errors.ts';
import { type ArenaAddr, arenaAddr } from './address.ts';

const WASM_PAGE = 65536;
/** Growth step: large enough that growing stays rare, small enough that an idle machine stays small. */
const GROWTH_STEP = 4 << 20;
/** What a 32-bit WebAssembly memory can address; the last page stays unused so that an end address fits 32 bits. */
export const ARENA_MAX_BYTES = 0xffff0000;

export interface ArenaOptions {
  /** Upper bound in bytes, at most `ARENA_MAX_BYTES`. */
  readonly maximumBytes?: number;
}

export class Arena {
  readonly memory: WebAssembly.Memory;
  u8!: Uint8Array;
  u16!: Uint16Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  i64!: BigInt64Array;
  u64!: BigUint64Array;
  f64!: Float64Array;
  view!: DataView;
  private next: number;
  private size: number;
  private readonly maximum: number;

  constructor(options: ArenaOptions = {}) {
    this.maximum = Math.min(options.maximumBytes ?? ARENA_MAX_BYTES, ARENA_MAX_BYTES);
    this.memory = new WebAssembly.Memory({ initial: GROWTH_STEP / WASM_PAGE, maximum: Math.ceil(this.maximum / WASM_PAGE) });
    this.size = GROWTH_STEP;
    // The first WebAssembly page holds the static data of the leaf kernels; address 0 means "none" everywhere.
    this.next = WASM_PAGE;
    this.fetchViews();
  }

  /** Bytes handed out so far, the fixed part included. */
  get usedBytes(): number {
    return this.next;
  }

  /**
   * Reserves zeroed bytes for good (frames are recycled by the page pool, not here).
   * @throws EmulatorError `out-of-memory` when the host refuses to grow the memory.
   */
  reserve(bytes: number, alignment = 4096): ArenaAddr {
    const at = Math.ceil(this.next / alignment) * alignment;
    const end = at + bytes;
    if (end > this.size) this.grow(end);
    this.next = end;
    return arenaAddr(at);
  }

  private grow(end: number): void {
    const target = Math.min(Math.ceil(end / GROWTH_STEP) * GROWTH_STEP, this.maximum);
    try {
      if (target < end) throw new RangeError('past the maximum');
      this.memory.grow(Math.ceil((target - this.size) / WASM_PAGE));
    } catch (cause) {
      const mib = Math.round(end / 2 ** 20);
      throw new EmulatorError('out-of-memory', `the host gives no ${mib} MiB for the guest; start it with less memory (-m)`, { cause });
    }
    this.size = this.memory.buffer.byteLength;
    this.fetchViews();
  }

  private fetchViews(): void {
    const buffer = this.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
  }
}
