/** What the machine and the thread beside it say to each other. */
import type { CompileReply, CompileRequest } from './jit/thread-protocol.ts';

export interface UnpackRequest {
  readonly id: number;
  /** As `unpackInitrd` has them. */
  readonly packed: Uint8Array;
  readonly leaf: WebAssembly.Module;
  readonly most: number;
}

export interface UnpackReply {
  readonly id: number;
  readonly unpacked: Uint8Array | undefined;
}

export type ThreadRequest = CompileRequest | UnpackRequest;
export type ThreadReply = CompileReply | UnpackReply;
