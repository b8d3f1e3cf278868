/** What a machine traces, as text: guest code disassembled by iced-x86, regions in columns side by side. */
import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import type { RegionListing, TraceEvent, TraceItem } from '../index.ts';

const GUEST_WIDTH = 48, IR_WIDTH = 56;
/** Bytes of an instruction in a row. */
const BYTES_IN_ROW = 8;

/** @param items those that are traced: of a region, `ir` and `wasm` have a column each. Ends with a line feed. */
export function traceText(event: TraceEvent, items: readonly TraceItem[]): string {
  switch (event.item) {
    case 'in_asm': {
      const code = disassemble(event.bytes, event.linear, event.bits);
      return `in_asm ${event.instructions}: ${event.bits} bits\n${code.map((line) => `  ${line}\n`).join('')}`;
    }
    case 'exec': return `exec ${event.instructions}: ${address(event.linear, event.bits)} ${event.compiled ? 'compiled' : 'interpreted'}\n`;
    case 'int': {
      const { errorCode, address: accessed } = event;
      const error = errorCode === undefined ? '' : ` e=${hex(errorCode, 4)}`;
      const at = accessed === undefined ? '' : ` cr2=${address(accessed, 32)}`;
      return `int ${event.instructions}: v=${hex(event.vector, 2)}${error} ${event.kind} cpl=${event.cpl} ip=${hex(event.selector, 4)}:${address(event.ip, 32)}${at}\n`;
    }
    case 'region': return `region ${event.instructions}: ${listingText(event.listing, { ir: items.includes('ir'), wasm: items.includes('wasm') })}`;
  }
}

/** A region's guest code, and beside it its operations and its WebAssembly, unless they are not wanted. Ends with a line feed. */
export function listingText(listing: RegionListing, { ir = true, wasm = true } = {}): string {
  const { linear, bits, instructions, codeBytes } = listing;
  const rows = listing.parts.flatMap((part) => {
    const guest = part.linear === undefined ? [] : disassemble(part.bytes, part.linear, bits);
    const columns = [guest, ...(ir ? [part.ir] : []), ...(wasm ? [part.wasm] : [])];
    const height = Math.max(...columns.map(({ length }) => length));
    return Array.from({ length: height }, (_, n) => columns.map((column) => column[n] ?? ''));
  });
  const widths = [GUEST_WIDTH, ir ? IR_WIDTH : 0];
  const lines = rows.map((row) => row.map((text, n) => (n < row.length - 1 ? `${text.padEnd(widths[n])} ` : text)).join('').trimEnd());
  return `${address(linear, bits)}, ${bits} bits, ${instructions} instructions, ${codeBytes} bytes of WebAssembly\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** A line an instruction; more where it is long. */
function disassemble(bytes: Uint8Array, linear: number, bits: 16 | 32 | 64): string[] {
  if (bytes.length === 0) return [];
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const formatter = new Formatter(FormatterSyntax.Nasm);
  decoder.ip = BigInt.asUintN(64, BigInt(linear));
  const lines: string[] = [];
  try {
    while (decoder.canDecode) {
      const from = decoder.position;
      const instruction = decoder.decode();
      const text = formatter.format(instruction);
      instruction.free();
      const raw = [...bytes.subarray(from, decoder.position)].map((byte) => hex(byte, 2));
      lines.push(`${address(linear + from, bits)} ${raw.slice(0, BYTES_IN_ROW).join('').padEnd(2 * BYTES_IN_ROW)} ${text}`);
      if (raw.length > BYTES_IN_ROW) lines.push(`${' '.repeat(address(linear, bits).length)} ${raw.slice(BYTES_IN_ROW).join('')}`);
    }
  } finally {
    formatter.free();
    decoder.free();
  }
  return lines;
}

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
/** 16 digits in 64-bit code and where 32 bits do not hold it, else 8. */
function address(n: number, bits: 16 | 32 | 64): string {
  const short = bits !== 64 && n >= -(2 ** 31) && n < 2 ** 32;
  return short ? hex(n >>> 0, 8) : BigInt.asUintN(64, BigInt(n)).toString(16).padStart(16, '0');
}
