/** Asks the browser or Node, with modules of a few bytes, for the parts of WebAssembly that Coracle's modules are made of. */
import { EmulatorError } from './errors.ts';

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** A type section with `() -> ()` and a function section with one function of it. */
const ONE_FUNCTION = [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0];
const MEMORY = [5, 3, 1, 0, 1];

const probe = (...sections: number[][]): Uint8Array<ArrayBuffer> => Uint8Array.from([HEADER, ...sections].flat());

const FEATURES: readonly (readonly [string, Uint8Array<ArrayBuffer>])[] = [
  // table of one funcref; (i32.const 0) (return_call_indirect)
  ['tail calls', probe(ONE_FUNCTION, [4, 4, 1, 0x70, 0, 1], [10, 9, 1, 7, 0, 0x41, 0, 0x13, 0, 0, 0x0b])],
  // (drop (i8x16.splat (i32.const 0)))
  ['SIMD', probe(ONE_FUNCTION, [10, 9, 1, 7, 0, 0x41, 0, 0xfd, 0x0f, 0x1a, 0x0b])],
  // (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
  ['bulk memory', probe(ONE_FUNCTION, MEMORY, [10, 13, 1, 11, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0, 0x0b])],
  // (drop (i32.extend8_s (i32.const 0)))
  ['sign extension', probe(ONE_FUNCTION, [10, 8, 1, 6, 0, 0x41, 0, 0xc0, 0x1a, 0x0b])],
];

/** @throws EmulatorError `unsupported-host` that names what is missing and what has it. */
export function checkWebAssembly(): void {
  if (typeof WebAssembly !== 'object') {
    throw new EmulatorError('unsupported-host', `WebAssembly is missing here, or switched off; ${ADVICE}`);
  }
  const missing = FEATURES.filter(([, module]) => !WebAssembly.validate(module)).map(([name]) => name);
  if (missing.length > 0) {
    throw new EmulatorError('unsupported-host', `WebAssembly here lacks ${missing.join(', ')}; ${ADVICE}`);
  }
}

const ADVICE = 'use Chrome or Edge 112, Firefox 121, Safari 18.2, Node 20 or later';
