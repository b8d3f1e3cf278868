/** System description tables: the header that all but a few have [ACPI 2.0, 5.2.6]. */

const HEADER_LENGTH = 4;
export const HEADER_SIZE = 36, HEADER_CHECKSUM = 9;

/** A table with the standard header, its checksum still zero. */
export function table(signature: string, revision: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + body.length);
  const view = new DataView(bytes.buffer);
  bytes.set(ascii(signature));
  view.setUint32(HEADER_LENGTH, bytes.length, true);
  bytes[8] = revision;
  bytes.set(ascii('CORACLPC      '), 10); // OEMID, OEM table ID
  view.setUint32(24, 1, true);
  bytes.set(ascii('CRCL'), 28);
  view.setUint32(32, 1, true);
  bytes.set(body, HEADER_SIZE);
  return bytes;
}

export function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, true);
  return bytes;
}

export function ascii(text: string): number[] {
  return Array.from(text, (c) => c.charCodeAt(0));
}
