/** Just enough ACPI machine language to describe a PC [ACPI 2.0, chapters 6.4 and 17]. Terms are arrays of bytes. */

export type Aml = readonly number[];

const le16 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const le32 = (value: number): number[] => [...le16(value), ...le16(value >>> 16)];

/** Length of a package, its own bytes included [17.2.4]. */
function packageLength(contents: number): number[] {
  if (contents + 1 < 0x40) return [contents + 1];
  if (contents + 2 < 0x1000) {
    const length = contents + 2;
    return [0x40 | (length & 0x0f), length >> 4];
  }
  const length = contents + 3;
  return [0x80 | (length & 0x0f), (length >> 4) & 0xff, length >> 12];
}

function withLength(opcode: Aml, contents: Aml): number[] {
  return [...opcode, ...packageLength(contents.length), ...contents];
}

/** `PCI0`, or `\_SB_` with a root prefix: segments of four characters. */
function nameString(name: string): number[] {
  return [...name].map((char) => char.charCodeAt(0));
}

export function integer(value: number): number[] {
  if (value === 0 || value === 1) return [value];
  if (value <= 0xff) return [0x0a, value];
  if (value <= 0xffff) return [0x0b, ...le16(value)];
  return [0x0c, ...le32(value)];
}

/** A compressed identifier such as PNP0A03. */
export function eisaId(id: string): number[] {
  const letter = (i: number): number => id.charCodeAt(i) - 0x40;
  const vendor = (letter(0) << 10) | (letter(1) << 5) | letter(2);
  const product = Number.parseInt(id.slice(3), 16);
  return [0x0c, vendor >> 8, vendor & 0xff, product >> 8, product & 0xff];
}

export function name(path: string, value: Aml): number[] {
  return [0x08, ...nameString(path), ...value];
}

export function scope(path: string, ...terms: Aml[]): number[] {
  return withLength([0x10], [...nameString(path), ...terms.flat()]);
}

export function device(path: string, ...terms: Aml[]): number[] {
  return withLength([0x5b, 0x82], [...nameString(path), ...terms.flat()]);
}

export function packageOf(...elements: Aml[]): number[] {
  return withLength([0x12], [elements.length, ...elements.flat()]);
}

/** A buffer of resource descriptors with its end tag. */
export function resources(...descriptors: Aml[]): number[] {
  const bytes = [...descriptors.flat(), 0x79, 0];
  return withLength([0x11], [...integer(bytes.length), ...bytes]);
}

/** Ports at a fixed place. */
export function ioPorts(base: number, size: number): number[] {
  return [0x47, 0x01, ...le16(base), ...le16(base), 1, size];
}

export function interruptRequest(irq: number): number[] {
  return [0x22, ...le16(1 << irq)];
}

const TYPE_MEMORY = 0, TYPE_IO = 1, TYPE_BUS = 2;
/** Minimum and maximum are fixed, the bridge decodes positively. */
const FIXED = 0x0c;

function wordRange(type: number, flags: number, min: number, max: number): number[] {
  return [0x88, ...le16(13), type, FIXED, flags, ...le16(0), ...le16(min), ...le16(max), ...le16(0), ...le16(max - min + 1)];
}

export function busNumbers(min: number, max: number): number[] {
  return wordRange(TYPE_BUS, 0, min, max);
}

/** Ports that a bridge passes on. */
export function ioRange(min: number, max: number): number[] {
  return wordRange(TYPE_IO, 3, min, max);
}

/** Memory that a bridge passes on: read and write, not cached. */
export function memoryRange(min: number, max: number): number[] {
  return [0x87, ...le16(23), TYPE_MEMORY, FIXED, 1, ...le32(0), ...le32(min), ...le32(max), ...le32(0), ...le32(max - min + 1)];
}
