/**
 * A server of 9P2000.L over a file tree: bytes of a request in, bytes of the answer out, at once where the tree answers at
 * once. Nothing that a client sends makes it throw.
 */
import { ERRNO, FileError, type FileTree, type Soon } from '../../../storage/file-tree.ts';
import { Fids } from './fids.ts';
import * as M from './messages.ts';
import { OPERATIONS } from './operations.ts';
import { runWaiting, type Waiting } from './wait.ts';

/** The longest message, and the shortest limit that a client may ask for. */
export const LARGEST_MESSAGE = 1 << 20;
const SMALLEST_MESSAGE = 4096;

export class P9Server {
  private readonly tree: FileTree;
  private readonly onError: (error: Error) => void;
  private readonly fids = new Fids();
  private messageSize = LARGEST_MESSAGE;
  /** The last request, while it waits. Requests are served one after the other, so that none meets the places of another half moved. */
  private last: Promise<unknown> | undefined;

  /** @param onError hears of failures that are none of a file's */
  constructor(tree: FileTree, onError: (error: Error) => void) {
    this.tree = tree;
    this.onError = onError;
  }

  /** @param room bytes that the client has for the answer */
  handle(request: Uint8Array, room: number): Soon<Uint8Array> {
    if (request.length < M.HEADER_SIZE) return errorAnswer(0, ERRNO.EINVAL);
    const view = new DataView(request.buffer, request.byteOffset);
    const type = view.getUint8(4), tag = view.getUint16(5, true);
    const serve = (): Soon<Uint8Array> => runWaiting(this.answer(type, tag, request, Math.min(room, this.messageSize)));
    const answer = this.last === undefined ? serve() : this.last.then(serve);
    if (!(answer instanceof Promise)) return answer;
    this.last = answer;
    return answer.finally(() => {
      if (this.last === answer) this.last = undefined;
    });
  }

  /** Closes all files and forgets the client. */
  reset(): void {
    this.fids.clear(this.onError);
    this.messageSize = LARGEST_MESSAGE;
  }

  private *answer(type: number, tag: number, bytes: Uint8Array, room: number): Waiting<Uint8Array> {
    const request = new M.MessageReader(bytes), answer = new M.MessageWriter();
    try {
      if (type === M.TVERSION) this.version(request, answer);
      // The request that the client has given up was served before.
      else if (type !== M.TFLUSH) {
        const operation = OPERATIONS.get(type);
        if (operation === undefined) throw new FileError('EOPNOTSUPP');
        const work = operation({ tree: this.tree, fids: this.fids, room }, request, answer);
        if (work) yield* work;
      }
      if (answer.length > room) throw new FileError('ENOBUFS');
      return answer.finish(type + 1, tag);
    } catch (error) {
      if (!(error instanceof FileError)) this.onError(error instanceof Error ? error : new Error(String(error)));
      return errorAnswer(tag, error instanceof FileError ? ERRNO[error.code] : ERRNO.EIO);
    }
  }

  /** Starts a session: fids of an earlier one are gone. */
  private version(request: M.MessageReader, answer: M.MessageWriter): void {
    const size = request.u32(), version = request.text();
    if (size < SMALLEST_MESSAGE) throw new FileError('EINVAL');
    this.reset();
    this.messageSize = Math.min(size, LARGEST_MESSAGE);
    answer.u32(this.messageSize);
    answer.text(version === M.VERSION ? version : M.VERSION_UNKNOWN);
  }
}

/** Rlerror: the number of a Linux error. */
export function errorAnswer(tag: number, errno: number): Uint8Array {
  const answer = new M.MessageWriter();
  answer.u32(errno);
  return answer.finish(M.RLERROR, tag);
}
