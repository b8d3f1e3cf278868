/** Unpacks gzip files: members, one after the other [RFC 1952]. */
import { crc32 } from './crc32.ts';
import { type RoomFor, type Workspace, workspaceFor } from './kernel-interface.ts';
import { WORK_END } from './layout.ts';

const ID1 = 0x1f, ID2 = 0x8b, DEFLATE = 8;
const HEADER_BYTES = 10, METHOD_AT = 2, FLAGS_AT = 3, TRAILER_BYTES = 8, SIZE_BYTES = 4;
/** What a header may have behind it, in this order. */
const FEXTRA = 4, FNAME = 8, FCOMMENT = 16, FHCRC = 2;

/** What a file of one member says comes out of it [RFC 1952, 2.3.1]. */
export const gzipSize = (packed: Uint8Array): number => new DataView(packed.buffer, packed.byteOffset).getUint32(packed.length - SIZE_BYTES, true);

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === ID1 && bytes[1] === ID2;

/**
 * @param most bytes that may come out
 * @param alignment what comes out of each member begins at a multiple of so many bytes, a power of two, with zeros before it; zeros may be between members
 * @throws RangeError for damaged input, and where more would come out
 */
export function unpackGzip(leaf: WebAssembly.Module, packed: Uint8Array, most: number, alignment = 1, roomFor?: RoomFor): Uint8Array {
  // What the last member says of its size is the last thing in it: enough to see that it is too much before it has come out.
  if (gzipSize(packed) > most) throw new RangeError(`gzip: more than ${most} bytes come out`);
  const workspace = workspaceFor(leaf, packed.length, most, roomFor);
  const { memory, from, fromEnd, to, limit } = workspace;
  memory.set(packed, from);
  let out = to;
  for (let at = from; at < fromEnd; ) {
    if (memory[at] === 0 && at > from) {
      at++;
      continue;
    }
    const start = out + ((to - out) & (alignment - 1));
    if (start > limit) throw new RangeError(`gzip: more than ${most} bytes come out`);
    memory.fill(0, out, start);
    ({ at, out } = unpackMember(workspace, at, start));
  }
  return memory.subarray(to, out);
}

function unpackMember(workspace: Workspace, from: number, to: number): { at: number; out: number } {
  const { kernel, memory, view, work, fromEnd, limit } = workspace;
  const data = dataOf(memory.subarray(from, fromEnd));
  kernel.start_deflate(from + data, fromEnd, to, limit, work);
  let out = to, at = 0;
  while (at === 0) {
    out = kernel.go_on_deflate();
    if (out === 0) throw new RangeError('gzip: the data are damaged, or more than may come out');
    at = view.getUint32(work + WORK_END, true);
  }
  if (at + TRAILER_BYTES > fromEnd) throw new RangeError('the gzip file is cut off');
  const isRight = view.getUint32(at, true) === crc32(workspace, to, out) && view.getUint32(at + 4, true) === out - to;
  if (!isRight) throw new RangeError('gzip: the data are damaged');
  return { at: at + TRAILER_BYTES, out };
}

/** Where the data of a member begin. */
function dataOf(member: Uint8Array): number {
  if (!isGzip(member) || member[METHOD_AT] !== DEFLATE) throw new RangeError('gzip: no such member');
  const flags = member[FLAGS_AT];
  let at = HEADER_BYTES;
  if (flags & FEXTRA) at += 2 + member[at] + member[at + 1] * 256;
  for (const text of [FNAME, FCOMMENT]) if (flags & text) at = member.indexOf(0, at) + 1 || member.length;
  if (flags & FHCRC) at += 2;
  return at;
}
