/**
 * A small encoder of ACPI machine language: each function gives the bytes of one term, so that a table reads like its
 * ASL source. References: [ACPI 2.0] chapter 17 (AML), 6.4 (resource descriptors).
 */

export type Aml = readonly number[];

const ROOT_CHAR = 0x5c, DUAL_NAME_PREFIX = 0x2e, MULTI_NAME_PREFIX = 0x2f, EXT_OP_PREFIX = 0x5b;

/** Argument and local variables. */
export const ARG0: Aml = [0x68];
export const LOCAL0: Aml = [0x60];

/** '\\_SB.PCI0' or 'LNKA'; segments are padded with underscores. */
export function nameString(path: string): Aml {
  const root = path.startsWith('\\');
  const segments = path.slice(root ? 1 : 0).split('.').map((segment) => ascii(segment.padEnd(4, '_')));
  const prefix = segments.length === 1 ? [] : segments.length === 2 ? [DUAL_NAME_PREFIX] : [MULTI_NAME_PREFIX, segments.length];
  return [...(root ? [ROOT_CHAR] : []), ...prefix, ...segments.flat()];
}

export function integer(value: number): Aml {
  if (value === 0 || value === 1) return [value];
  if (value <= 0xff) return [0x0a, value];
  if (value <= 0xffff) return [0x0b, ...little(value, 2)];
  return [0x0c, ...little(value, 4)];
}

/** A compressed identifier: 'PNP0A03'. */
export function eisaId(id: string): Aml {
  const letter = (i: number): number => id.charCodeAt(i) - 0x40;
  const vendor = (letter(0) << 10) | (letter(1) << 5) | letter(2);
  const product = Number.parseInt(id.slice(3), 16);
  return [0x0c, vendor >> 8, vendor & 0xff, product >> 8, product & 0xff];
}

/** ASCII text. */
export const text = (value: string): Aml => [0x0d, ...ascii(value), 0];
export const name = (path: string, value: Aml): Aml => [0x08, ...nameString(path), ...value];
export const scope = (path: string, ...terms: Aml[]): Aml => block([0x10], nameString(path), ...terms);
export const device = (path: string, ...terms: Aml[]): Aml => block([EXT_OP_PREFIX, 0x82], nameString(path), ...terms);
export const packageOf = (...elements: Aml[]): Aml => block([0x12], [elements.length], ...elements);
export const buffer = (bytes: Aml): Aml => block([0x11], integer(bytes.length), bytes);

/** A method that runs one at a time when `serialized`, as one that makes names has to. */
export function method(path: string, args: number, serialized: boolean, ...terms: Aml[]): Aml {
  return block([0x14], nameString(path), [args | (serialized ? 0x08 : 0)], ...terms);
}

export const SPACE_MEMORY = 0, SPACE_PCI_CONFIG = 2;
export function operationRegion(path: string, space: number, offset: number, length: number): Aml {
  return [EXT_OP_PREFIX, 0x80, ...nameString(path), space, ...integer(offset), ...integer(length)];
}

/** A field of whole bytes, accessed bytewise and preserved. */
export function byteField(region: string, ...names: string[]): Aml {
  const byteAccess = 0x01, bits = 8;
  return block([EXT_OP_PREFIX, 0x81], nameString(region), [byteAccess], ...names.map((n) => [...nameString(n), bits]));
}

/** A field of one doubleword, accessed as such. */
export function dwordField(region: string, fieldName: string): Aml {
  const dwordAccess = 0x03, bits = 32;
  return block([EXT_OP_PREFIX, 0x81], nameString(region), [dwordAccess], [...nameString(fieldName), bits]);
}

export const createWordField = (source: Aml, index: number, path: string): Aml => [0x8b, ...source, ...integer(index), ...nameString(path)];
export const store = (value: Aml, target: Aml): Aml => [0x70, ...value, ...target];
const NOWHERE: Aml = [0x00];
export const and = (a: Aml, b: Aml, target: Aml = NOWHERE): Aml => [0x7b, ...a, ...b, ...target];
export const or = (a: Aml, b: Aml, target: Aml = NOWHERE): Aml => [0x7d, ...a, ...b, ...target];
export const subtract = (a: Aml, b: Aml, target: Aml = NOWHERE): Aml => [0x74, ...a, ...b, ...target];
export const shiftLeft = (a: Aml, count: Aml, target: Aml = NOWHERE): Aml => [0x79, ...a, ...count, ...target];
export const findSetRightBit = (value: Aml, target: Aml): Aml => [0x82, ...value, ...target];
export const notify = (path: string, value: Aml): Aml => [0x86, ...nameString(path), ...value];
export const not = (value: Aml): Aml => [0x92, ...value];
export const when = (condition: Aml, ...terms: Aml[]): Aml => block([0xa0], condition, ...terms);
export const give = (value: Aml): Aml => [0xa4, ...value];

/** Resource template: the descriptors in a buffer, with an end tag. */
export const resources = (...descriptors: Aml[]): Aml => buffer([...descriptors.flat(), 0x79, 0x00]);
export function ioPorts(base: number, length: number): Aml {
  const decode16 = 1;
  return [0x47, decode16, ...little(base, 2), ...little(base, 2), 1, length];
}
/** Edge-triggered, active high, exclusive. */
export const isaIrq = (irq: number): Aml => [0x22, ...little(1 << irq, 2)];
/** Memory at a fixed place, read-write. */
export const fixedMemory = (base: number, length: number): Aml => [0x86, 9, 0, 1, ...little(base, 4), ...little(length, 4)];
/** Level-triggered, active low, shared; none for an empty list. */
export function pciIrqs(...irqs: number[]): Aml {
  const levelLowShared = 0x18;
  return [0x23, ...little(irqs.reduce((mask, irq) => mask | (1 << irq), 0), 2), levelLowShared];
}
/** Where a PCI IRQ descriptor keeps its mask. */
export const PCI_IRQ_MASK_OFFSET = 1;

/** An input of the I/O APIC: active high, exclusive. */
export function interrupt(input: number, trigger: 'edge' | 'level'): Aml {
  const consumer = 0x01, edge = 0x02;
  return [0x89, 6, 0, trigger === 'edge' ? consumer | edge : consumer, 1, ...little(input, 4)];
}

const RANGE_MEMORY = 0, RANGE_IO = 1, RANGE_BUS = 2;
/** Both ends fixed, positive decode, a producer: what a bridge passes on. */
const RANGE_FIXED = 0x0c;
export const busRange = (min: number, max: number): Aml => addressSpace(0x88, 2, RANGE_BUS, 0, min, max);
export const ioRange = (min: number, max: number): Aml => addressSpace(0x88, 2, RANGE_IO, 0x03, min, max);
/** Memory, read-write; cacheable for the frame buffer's window. */
export const memoryRange = (min: number, max: number, cacheable: boolean): Aml =>
  addressSpace(0x87, 4, RANGE_MEMORY, cacheable ? 0x03 : 0x01, min, max);

function addressSpace(tag: number, bytes: number, type: number, flags: number, min: number, max: number): Aml {
  const fields = [0, min, max, 0, max - min + 1].flatMap((value) => little(value, bytes));
  return [tag, ...little(3 + fields.length, 2), type, RANGE_FIXED, flags, ...fields];
}

/** An opcode, the package length and what it counts [ACPI 2.0, 17.2.4]. */
function block(opcode: Aml, ...parts: Aml[]): Aml {
  const body = parts.flat();
  let bytes = 1;
  while (body.length + bytes > [0, 0x3f, 0xfff, 0xfffff][bytes]) bytes++;
  const length = body.length + bytes;
  const encoded = bytes === 1 ? [length] : [((bytes - 1) << 6) | (length & 15), ...little(length >> 4, bytes - 1)];
  return [...opcode, ...encoded, ...body];
}

function little(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
}

function ascii(text: string): number[] {
  return Array.from(text, (c) => c.charCodeAt(0));
}
