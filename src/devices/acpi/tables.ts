/**
 * ACPI tables in memory: RSDP, RSDT, FACS and those of a board (`assembleTables`), for a firmware that places them
 * (`acpiFiles`) or laid straight into memory for a guest without firmware (`placeAcpiTables`).
 *
 * References: [ACPI 2.0] chapter 5; [QEMU docs/specs/fw_cfg, linker/loader].
 */
import { ascii, HEADER_CHECKSUM, HEADER_SIZE, table, words } from './sdt.ts';
import { type LoaderFix, loaderScript } from './table-loader.ts';

export const RSDP_FILE = 'etc/acpi/rsdp', TABLES_FILE = 'etc/acpi/tables', LOADER_FILE = 'etc/table-loader';

export interface AcpiTables {
  readonly rsdp: Uint8Array;
  /** All other tables, one after the other. */
  readonly tables: Uint8Array;
  /** What is to be adjusted once both have their addresses: pointers hold offsets into `tables`, checksums are zero. */
  readonly fixes: readonly LoaderFix[];
}

const FACS_LENGTH = 4, FACS_SIZE = 64, RSDP_SIZE = 20, RSDP_CHECKSUM = 8, RSDP_RSDT = 16;
/** Offsets in every FADT. */
export const FADT_FIRMWARE_CTRL = 36, FADT_DSDT = 40, FADT_RESET_REG = 116;

export interface TableSet {
  readonly dsdt: Uint8Array;
  /** The FADT, which holds the offsets of two other tables. */
  fadt(facsAt: number, dsdtAt: number): Uint8Array;
  readonly others: readonly Uint8Array[];
}

export function assembleTables(set: TableSet): AcpiTables {
  const { dsdt } = set;
  const layout = new Layout();
  const facsAt = layout.add(facsTable()), dsdtAt = layout.add(dsdt);
  const listed = [set.fadt(facsAt, dsdtAt), ...set.others];
  const listedAt = listed.map((bytes) => layout.add(bytes));
  const rsdt = table('RSDT', 1, words(...listedAt));
  const rsdtAt = layout.add(rsdt);

  const pointer = (file: string, offset: number): LoaderFix => ({ kind: 'pointer', file, target: TABLES_FILE, offset });
  const checksum = (start: number, length: number): LoaderFix =>
    ({ kind: 'checksum', file: TABLES_FILE, offset: start + HEADER_CHECKSUM, start, length });
  return {
    rsdp: rsdpTable(rsdtAt),
    tables: layout.bytes,
    fixes: [
      pointer(TABLES_FILE, listedAt[0] + FADT_FIRMWARE_CTRL),
      pointer(TABLES_FILE, listedAt[0] + FADT_DSDT),
      ...listedAt.map((_, i) => pointer(TABLES_FILE, rsdtAt + HEADER_SIZE + 4 * i)),
      pointer(RSDP_FILE, RSDP_RSDT),
      checksum(dsdtAt, dsdt.length),
      ...listed.map((bytes, i) => checksum(listedAt[i], bytes.length)),
      checksum(rsdtAt, rsdt.length),
      { kind: 'checksum', file: RSDP_FILE, offset: RSDP_CHECKSUM, start: 0, length: RSDP_SIZE },
    ],
  };
}

/** Tables one after the other, at multiples of 64 bytes, which the FACS needs. */
class Layout {
  private readonly tables: { at: number; bytes: Uint8Array }[] = [];
  private end = 0;

  /** Gives the table's offset. */
  add(bytes: Uint8Array): number {
    const at = this.end;
    this.tables.push({ at, bytes });
    this.end = (at + bytes.length + 63) & ~63;
    return at;
  }

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.end);
    for (const { at, bytes } of this.tables) all.set(bytes, at);
    return all;
  }
}

/** The files for fw_cfg, by name: firmware allocates, places and completes the tables as the loader script says. */
export function acpiFiles(acpi: AcpiTables): Map<string, Uint8Array> {
  const allocations = [
    { file: RSDP_FILE, alignment: 16, zone: 'fseg' },
    { file: TABLES_FILE, alignment: 64, zone: 'high' },
  ] as const;
  return new Map([
    [RSDP_FILE, acpi.rsdp],
    [TABLES_FILE, acpi.tables],
    [LOADER_FILE, loaderScript(allocations, acpi.fixes)],
  ]);
}

/** Where `placeAcpiTables` puts them: guests look for the RSDP between E0000h and FFFFFh. */
export const RSDP_ADDRESS = 0xe0000, TABLES_ADDRESS = 0xe0040;

/** Lays the tables into guest memory, finished, through `write`; the area must be RAM (PAM) and reserved in the memory map. */
export function placeAcpiTables(acpi: AcpiTables, write: (address: number, bytes: Uint8Array) => void): void {
  const files: Readonly<Record<string, { base: number; bytes: Uint8Array }>> = {
    [RSDP_FILE]: { base: RSDP_ADDRESS, bytes: acpi.rsdp.slice() },
    [TABLES_FILE]: { base: TABLES_ADDRESS, bytes: acpi.tables.slice() },
  };
  for (const fix of acpi.fixes) {
    const { bytes } = files[fix.file];
    if (fix.kind === 'pointer') {
      const view = new DataView(bytes.buffer);
      view.setUint32(fix.offset, view.getUint32(fix.offset, true) + files[fix.target].base, true);
    } else {
      const sum = bytes.subarray(fix.start, fix.start + fix.length).reduce((a, b) => a + b, 0);
      bytes[fix.offset] -= sum & 0xff;
    }
  }
  for (const { base, bytes } of Object.values(files)) write(base, bytes);
}

function facsTable(): Uint8Array {
  const bytes = new Uint8Array(FACS_SIZE);
  bytes.set(ascii('FACS'));
  new DataView(bytes.buffer).setUint32(FACS_LENGTH, FACS_SIZE, true);
  return bytes;
}

function rsdpTable(rsdtAt: number): Uint8Array {
  const bytes = new Uint8Array(RSDP_SIZE);
  bytes.set(ascii('RSD PTR '));
  bytes.set(ascii('CORACL'), 9);
  new DataView(bytes.buffer).setUint32(RSDP_RSDT, rsdtAt, true);
  return bytes;
}
