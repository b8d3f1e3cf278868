/** The compiler thread: makes and compiles a module for each request, beside the machine that sent it. */
import { generateModule } from './generate.ts';
import { unpackRegions } from './packing.ts';
import type { CompileReply, CompileRequest } from './thread-protocol.ts';

declare const self: {
  onmessage: ((event: { readonly data: CompileRequest }) => void) | null;
  postMessage(reply: CompileReply): void;
};

async function compile({ id, regions }: CompileRequest): Promise<CompileReply> {
  const bytes = generateModule(unpackRegions(regions));
  return { id, module: await WebAssembly.compile(bytes as BufferSource), bytes: bytes.length };
}

self.onmessage = ({ data }) => {
  compile(data).catch(() => ({ id: data.id, module: undefined, bytes: 0 })).then((reply) => self.postMessage(reply));
};
