/** The ACPI tables of the `pc` board: FADT with the PIIX4's power management, DSDT, MADT and HPET. */
import {
  GPE0_BASE, GPE0_SIZE, PM1_CNT, PM1_EVT, PM_IO_BASE, PM_TMR, PORT_SMI_COMMAND, SCI_IRQ, SMI_ACPI_DISABLE,
  SMI_ACPI_ENABLE,
} from '../pci/piix4-pm.ts';
import { RTC_CENTURY } from '../rtc/registers.ts';
import { dsdtBody } from './dsdt.ts';
import { hpetTable } from './hpet-table.ts';
import { madtTable } from './madt.ts';
import { HEADER_SIZE, table } from './sdt.ts';
import { type AcpiTables, assembleTables, FADT_DSDT, FADT_FIRMWARE_CTRL, FADT_RESET_REG } from './tables.ts';

export interface AcpiOptions {
  /** RAM below 4 GiB, in bytes: PCI memory begins above it. */
  readonly ramBytes: number;
  /** Base and interrupt request of each serial port. Default: one at 3F8h. */
  readonly serialPorts?: readonly (readonly [base: number, irq: number])[];
  /** Where firmware has put the power management registers. Default: where SeaBIOS does. */
  readonly pmBase?: number;
}

const FADT_SIZE = 244;
const PCI_HOLE_END = 0xfebfffff;
const PROFILE_DESKTOP = 1;
const IAPC_LEGACY_DEVICES = 0x01, IAPC_8042 = 0x02;
/** WBINVD works, C1 on all processors, no fixed sleep button, no fixed RTC wake, and the reset register. */
const FADT_FLAGS = 0x0001 | 0x0004 | 0x0020 | 0x0040 | 0x0400;
const RESET_PORT = 0xcf9, RESET_VALUE = 0x06;
/** Latencies past 100 and 1000 microseconds say that C2 and C3 are not there. */
const NO_C2 = 0x0fff, NO_C3 = 0x0fff;

export function buildPcTables(options: AcpiOptions): AcpiTables {
  // The same choice as SeaBIOS makes for the start of PCI memory.
  const holeStart = options.ramBytes <= 0x80000000 ? 0x80000000 : 0xc0000000;
  const pmBase = options.pmBase ?? PM_IO_BASE;
  const dsdt = dsdtBody({ pmBase, pciHole: [holeStart, PCI_HOLE_END], serialPorts: options.serialPorts ?? [[0x3f8, 4]] });
  return assembleTables({
    dsdt: table('DSDT', 1, Uint8Array.from(dsdt)), fadt: (facsAt, dsdtAt) => fadtTable(facsAt, dsdtAt, pmBase), others: [madtTable(), hpetTable()],
  });
}

function fadtTable(facsAt: number, dsdtAt: number, pmBase: number): Uint8Array {
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
  put32(56, pmBase + PM1_EVT);
  put32(64, pmBase + PM1_CNT);
  put32(76, pmBase + PM_TMR);
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
  bytes.set([1, 8, 0, 1], FADT_RESET_REG);
  put32(120, RESET_PORT);
  view.setUint8(128, RESET_VALUE);
  return bytes;
}
