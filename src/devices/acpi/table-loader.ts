/**
 * The script by which firmware places ACPI tables that it got through fw_cfg: commands of 128 bytes, file names in
 * fields of 56. References: [QEMU docs/specs/fw_cfg]; SeaBIOS, romfile_loader.h (the layout).
 */

const COMMAND_SIZE = 128, FILE_SIZE = 56;
const COMMAND_ALLOCATE = 1, COMMAND_ADD_POINTER = 2, COMMAND_ADD_CHECKSUM = 3;
const ZONES = { high: 1, fseg: 2 } as const;
const POINTER_SIZE = 4;

export interface LoaderAllocation {
  readonly file: string;
  readonly alignment: number;
  /** Anywhere in memory, or in the F segment, where guests look for the RSDP. */
  readonly zone: keyof typeof ZONES;
}

export type LoaderFix =
  /** Adds the address of `target` to the 32-bit pointer at `offset` of `file`. */
  | { readonly kind: 'pointer'; readonly file: string; readonly target: string; readonly offset: number }
  /** Makes the bytes from `start` on sum up to zero by the byte at `offset`. */
  | { readonly kind: 'checksum'; readonly file: string; readonly offset: number; readonly start: number; readonly length: number };

export function loaderScript(allocations: readonly LoaderAllocation[], fixes: readonly LoaderFix[]): Uint8Array {
  const script = new Uint8Array(COMMAND_SIZE * (allocations.length + fixes.length));
  let at = 0;
  const command = (number: number, ...fields: (string | number | { readonly byte: number })[]): void => {
    const view = new DataView(script.buffer, at, COMMAND_SIZE);
    view.setUint32(0, number, true);
    let offset = 4;
    for (const field of fields) {
      if (typeof field === 'string') {
        script.set(new TextEncoder().encode(field), at + offset);
        offset += FILE_SIZE;
      } else if (typeof field === 'number') {
        view.setUint32(offset, field, true);
        offset += 4;
      } else {
        view.setUint8(offset, field.byte);
        offset += 1;
      }
    }
    at += COMMAND_SIZE;
  };
  for (const { file, alignment, zone } of allocations) command(COMMAND_ALLOCATE, file, alignment, { byte: ZONES[zone] });
  for (const fix of fixes) {
    if (fix.kind === 'pointer') command(COMMAND_ADD_POINTER, fix.file, fix.target, fix.offset, { byte: POINTER_SIZE });
    else command(COMMAND_ADD_CHECKSUM, fix.file, fix.offset, fix.start, fix.length);
  }
  return script;
}
