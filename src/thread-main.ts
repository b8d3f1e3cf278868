/**
 * The thread beside the machine: makes and compiles a module for each request of the region compiler, and unpacks an initrd while the machine's
 * own thread unpacks the kernel.
 */
import { FirstRun } from './jit/first-run.ts';
import { generateModule } from './jit/generate.ts';
import { unpackRegions } from './jit/packing.ts';
import type { CompileReply, CompileRequest } from './jit/thread-protocol.ts';
import type { ThreadReply, ThreadRequest, UnpackReply, UnpackRequest } from './thread-protocol.ts';
import { unpackInitrd } from './unpack/initrd.ts';

declare const self: {
  onmessage: ((event: { readonly data: ThreadRequest }) => void) | null;
  postMessage(reply: ThreadReply, transfer?: ArrayBuffer[]): void;
};

let firstRun: FirstRun | undefined;

async function compile({ id, regions }: CompileRequest): Promise<CompileReply> {
  const bytes = generateModule(unpackRegions(regions));
  const module = await WebAssembly.compile(bytes as BufferSource);
  try {
    firstRun ??= new FirstRun();
    firstRun.of(module);
  } catch {
    // There is no memory for it: the machine's own thread has the engine compile it.
  }
  return { id, module, bytes: bytes.length };
}

/** What comes out lies in a WebAssembly memory, which cannot be given away. */
function unpack({ id, packed, leaf, most }: UnpackRequest): UnpackReply {
  return { id, unpacked: unpackInitrd(packed, leaf, most)?.slice() };
}

self.onmessage = ({ data }) => {
  if ('packed' in data) {
    const reply = unpack(data);
    self.postMessage(reply, reply.unpacked ? [reply.unpacked.buffer as ArrayBuffer] : []);
    return;
  }
  compile(data).catch(() => ({ id: data.id, module: undefined, bytes: 0 })).then((reply) => self.postMessage(reply));
};
