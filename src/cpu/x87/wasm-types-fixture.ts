/** For tests: the types of the functions that a WebAssembly module exports, read from its binary. */

const SECTION_TYPE = 1, SECTION_FUNCTION = 3, SECTION_EXPORT = 7;
const KIND_FUNCTION = 0;
const VALUE_TYPES = new Map([[0x7f, 'i32'], [0x7e, 'i64'], [0x7b, 'v128']]);

interface FunctionType {
  readonly params: readonly string[];
  readonly result: string | undefined;
}

class Reader {
  private readonly bytes: Uint8Array;
  at: number;
  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }
  byte(): number { return this.bytes[this.at++]; }
  /** Unsigned LEB128. */
  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }
  list<T>(read: () => T): T[] { return Array.from({ length: this.u32() }, read); }
  name(): string { return String.fromCharCode(...this.list(() => this.byte())); }
}

/** Types by export name; the module must import no functions. */
export function exportedTypes(bytes: Uint8Array): Record<string, FunctionType> {
  const reader = new Reader(bytes, 8);
  let types: FunctionType[] = [];
  let functions: number[] = [];
  const result: Record<string, FunctionType> = {};
  const valueType = (): string => VALUE_TYPES.get(reader.byte()) ?? 'unknown';
  while (reader.at < bytes.length) {
    const section = reader.byte();
    const end = reader.u32() + reader.at;
    if (section === SECTION_TYPE) {
      types = reader.list(() => {
        reader.byte();
        return { params: reader.list(valueType), result: reader.list(valueType)[0] };
      });
    } else if (section === SECTION_FUNCTION) functions = reader.list(() => reader.u32());
    else if (section === SECTION_EXPORT) {
      for (const { name, kind, index } of reader.list(() => ({ name: reader.name(), kind: reader.byte(), index: reader.u32() }))) {
        if (kind === KIND_FUNCTION) result[name] = types[functions[index]];
      }
    }
    reader.at = end;
  }
  return result;
}
