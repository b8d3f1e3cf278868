/**
 * The ACPI tables of the `pc` board: RSDP, RSDT, FADT, FACS, DSDT, MADT and HPET, for a firmware that places them
 * (`acpiFiles`) or laid straight into memory for a guest without firmware (`placeAcpiTables`).
 *
 * References: [ACPI 2.0] chapter 5; [QEMU docs/specs/fw_cfg, linker/loader].
 */
import {
  GPE0_BASE, GPE0_SIZE, PM1_CNT, PM1_EVT, PM_IO_BASE, PM_TMR, PORT_SMI_COMMAND, SCI_IRQ, SMI_ACPI_DISABLE,
  SMI_ACPI_ENABLE,
} from '../pci/piix4-pm.ts';
import { RTC_CENTURY } from '../rtc/registers.ts';
import { dsdtBody } from './dsdt.ts';
import { hpetTable } from './hpet-table.ts';
import { madtTable } from './madt.ts';
import { ascii, HEADER_CHECKSUM, HEADER_SIZE, table, words } from './sdt.ts';
import { type LoaderFix, loaderScript } from './table-loader.ts';

export const RSDP_FILE = 'etc/acpi/rsdp', TABLES_FILE = 'etc/acpi/tables', LOADER_FILE = 'etc/table-loader';

export interface AcpiOptions {
  /** RAM below 4 GiB, in bytes: PCI memory begins above it. */
  readonly ramBytes: number;
  /** Base and interrupt request of each serial port. Default: one at 3F8h. */
  readonly serialPorts?: readonly (readonly [base: number, irq: number])[];
}

export interface AcpiTables {
  readonly rsdp: Uint8Array;
  /** All other tables, one after the other. */
  readonly tables: Uint8Array;
  /** What is to be adjusted once both have their addresses: pointers hold offsets into `tables`, checksums are zero. */
  readonly fixes: readonly LoaderFix[];
}

const FACS_LENGTH = 4;
const FACS_SIZE = 64, FADT_SIZE = 244, RSDP_SIZE = 20;
const FADT_FIRMWARE_CTRL = 36, FADT_DSDT = 40, RSDP_CHECKSUM = 8, RSDP_RSDT = 16;
const PCI_HOLE_END = 0xfebfffff;
const PROFILE_DESKTOP = 1;
const IAPC_LEGACY_DEVICES = 0x01, IAPC_8042 = 0x02;
/** WBINVD works, C1 on all processors, no fixed sleep button, no fixed RTC wake, and the reset register. */
const FADT_FLAGS = 0x0001 | 0x0004 | 0x0020 | 0x0040 | 0x0400;
const RESET_PORT = 0xcf9, RESET_VALUE = 0x06;
/** Latencies past 100 and 1000 microseconds say that C2 and C3 are not there. */
const NO_C2 = 0x0fff, NO_C3 = 0x0fff;

export function buildAcpiTables(options: AcpiOptions): AcpiTables {
  // The same choice as SeaBIOS makes for the start of PCI memory.
  const holeStart = options.ramBytes <= 0x80000000 ? 0x80000000 : 0xc0000000;
  const dsdt = table('DSDT', 1, Uint8Array.from(
    dsdtBody({ pciHole: [holeStart, PCI_HOLE_END], serialPorts: options.serialPorts ?? [[0x3f8, 4]] }),
  ));
  const facs = facsTable();
  const layout = new Layout();
  const facsAt = layout.add(facs), dsdtAt = layout.add(dsdt);
  const listed = [fadtTable(facsAt, dsdtAt), madtTable(), hpetTable()];
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

function fadtTable(facsAt: number, dsdtAt: number): Uint8Array {
  const bytes = table('FACP', 3, new Uint8Array(FADT_SIZE - HEADER_SIZE));
  const view = new DataView(bytes.buffer);
  const put32 = (offset: number, value: number): void => view.setUint32(offset, value, true);
  const put16 = (offset: number, value: number): void => view.setUint16(offset, value, true);
  put32(FADT_FIRMWARE_CTRL, facsAt);
  put32(FADT_DSDT, dsdtAt);
  view.setUint8(45, PROFILE_DESKTOP);
  put16(46, SCI_IRQ);
  put32(48, PORT_SMI_COMMAND);
  view.setUint8(52, SMI_ACPI_ENABLE);
  view.setUint8(53, SMI_ACPI_DISABLE);
  put32(56, PM_IO_BASE + PM1_EVT);
  put32(64, PM_IO_BASE + PM1_CNT);
  put32(76, PM_IO_BASE + PM_TMR);
  put32(80, GPE0_BASE);
  view.setUint8(88, 4); // PM1_EVT_LEN
  view.setUint8(89, 2); // PM1_CNT_LEN
  view.setUint8(91, 4); // PM_TMR_LEN
  view.setUint8(92, GPE0_SIZE);
  put16(96, NO_C2);
  put16(98, NO_C3);
  view.setUint8(108, RTC_CENTURY);
  put16(109, IAPC_LEGACY_DEVICES | IAPC_8042);
  put32(112, FADT_FLAGS);
  // RESET_REG, a generic address: I/O space, 8 bits wide, byte access.
  bytes.set([1, 8, 0, 1], 116);
  put32(120, RESET_PORT);
  view.setUint8(128, RESET_VALUE);
  return bytes;
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
