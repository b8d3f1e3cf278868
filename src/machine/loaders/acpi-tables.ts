/**
 * ACPI tables of the pc board for guests that start without firmware: RSDP, RSDT, FADT, FACS and a DSDT with the PCI bus,
 * its interrupts, the ISA devices and the way to power off.
 * Reference: [ACPI 1.0b] chapter 5 (revision 1 of every table, which every kernel reads).
 */
import type { Placement } from './boot-plan.ts';
import * as aml from './aml.ts';
import { ByteWriter } from './bytes.ts';

/** Where the board has the power management ports, and how it routes PCI interrupts. */
export interface AcpiBoard {
  readonly pmEventBlock: number;
  readonly pmControlBlock: number;
  readonly pmTimerBlock: number;
  readonly gpe0Block: number;
  readonly gpe0Bytes: number;
  readonly sciIrq: number;
  readonly smiCommand: number;
  readonly acpiEnable: number;
  readonly acpiDisable: number;
  readonly sleepTypeS5: number;
  /** Interrupt request of PIRQA# to PIRQD#. */
  readonly pirqIrqs: readonly number[];
  /** Ports and interrupt requests of the serial ports. */
  readonly serialPorts: readonly { readonly base: number; readonly irq: number }[];
  readonly pciMemoryBase: number;
  readonly pciMemoryEnd: number;
}

const HEADER_SIZE = 36;
const OEM_ID = 'CORACL', OEM_TABLE_ID = 'CORACLE ', CREATOR_ID = 'CRCL';
const PCI_SLOTS = 32;
const FADT_SIZE = 116, FACS_SIZE = 64, RSDP_SIZE = 20;
// FADT flags
const WBINVD = 1 << 0, PROC_C1 = 1 << 2, SLP_BUTTON = 1 << 5;
/** A latency above 1000 microseconds: the processor has no such sleep state. */
const NO_SLEEP_STATE = 0x0fff;
const CMOS_CENTURY = 0x32;

/** The tables, from `base` (a multiple of 64) on; the RSDP comes first. */
export function acpiTables(base: number, board: AcpiBoard): Placement {
  const facsAt = base + 64;
  const dsdtAt = facsAt + FACS_SIZE;
  const dsdtBytes = dsdt(board);
  const fadtAt = align(dsdtAt + dsdtBytes.length);
  const rsdtAt = align(fadtAt + FADT_SIZE);
  const rsdtBytes = table('RSDT', HEADER_SIZE + 4, (writer) => writer.u32(HEADER_SIZE, fadtAt));
  const all = new ByteWriter(rsdtAt + rsdtBytes.length - base);
  all.set(0, rsdp(rsdtAt));
  all.set(facsAt - base, facs());
  all.set(dsdtAt - base, dsdtBytes);
  all.set(fadtAt - base, fadt(board, facsAt, dsdtAt));
  all.set(rsdtAt - base, rsdtBytes);
  return { address: base, bytes: all.bytes };
}

const align = (address: number): number => Math.ceil(address / 16) * 16;

function text(writer: ByteWriter, at: number, chars: string): void {
  for (let i = 0; i < chars.length; i++) writer.u8(at + i, chars.charCodeAt(i));
}

/** Makes the bytes of a table sum to zero. */
function sealChecksum(writer: ByteWriter, at: number): void {
  writer.u8(at, -writer.bytes.reduce((sum, byte) => sum + byte, 0) & 0xff);
}

function table(signature: string, size: number, fill: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(size);
  text(writer, 0, signature);
  writer.u32(4, size);
  writer.u8(8, 1);
  text(writer, 10, OEM_ID);
  text(writer, 16, OEM_TABLE_ID);
  writer.u32(24, 1);
  text(writer, 28, CREATOR_ID);
  writer.u32(32, 1);
  fill(writer);
  sealChecksum(writer, 9);
  return writer.bytes;
}

function rsdp(rsdtAt: number): Uint8Array {
  const writer = new ByteWriter(RSDP_SIZE);
  text(writer, 0, 'RSD PTR ');
  text(writer, 9, OEM_ID);
  writer.u32(16, rsdtAt);
  sealChecksum(writer, 8);
  return writer.bytes;
}

function facs(): Uint8Array {
  const writer = new ByteWriter(FACS_SIZE);
  text(writer, 0, 'FACS');
  writer.u32(4, FACS_SIZE);
  return writer.bytes;
}

function fadt(board: AcpiBoard, facsAt: number, dsdtAt: number): Uint8Array {
  return table('FACP', FADT_SIZE, (writer) => {
    writer.u32(36, facsAt);
    writer.u32(40, dsdtAt);
    writer.u16(46, board.sciIrq);
    writer.u32(48, board.smiCommand);
    writer.u8(52, board.acpiEnable);
    writer.u8(53, board.acpiDisable);
    writer.u32(56, board.pmEventBlock);
    writer.u32(64, board.pmControlBlock);
    writer.u32(76, board.pmTimerBlock);
    writer.u32(80, board.gpe0Block);
    writer.u8(88, 4); // PM1_EVT_LEN
    writer.u8(89, 2); // PM1_CNT_LEN
    writer.u8(91, 4); // PM_TMR_LEN
    writer.u8(92, board.gpe0Bytes);
    writer.u16(96, NO_SLEEP_STATE); // P_LVL2_LAT
    writer.u16(98, NO_SLEEP_STATE); // P_LVL3_LAT
    writer.u8(108, CMOS_CENTURY);
    writer.u32(112, WBINVD | PROC_C1 | SLP_BUTTON);
  });
}

function dsdt(board: AcpiBoard): Uint8Array {
  const s5 = aml.integer(board.sleepTypeS5);
  const code = [
    ...aml.name('\\_S5_', aml.packageOf(s5, s5, aml.integer(0), aml.integer(0))),
    ...aml.scope('\\_SB_', pciBus(board)),
  ];
  return table('DSDT', HEADER_SIZE + code.length, (writer) => writer.set(HEADER_SIZE, Uint8Array.from(code)));
}

function pciBus(board: AcpiBoard): number[] {
  const windows = aml.resources(
    aml.busNumbers(0, 0xff),
    aml.ioPorts(0xcf8, 8),
    aml.ioRange(0x0000, 0x0cf7),
    aml.ioRange(0x0d00, 0xffff),
    aml.memoryRange(0xa0000, 0xbffff),
    aml.memoryRange(board.pciMemoryBase, board.pciMemoryEnd - 1),
  );
  return aml.device(
    'PCI0',
    aml.name('_HID', aml.eisaId('PNP0A03')),
    aml.name('_ADR', aml.integer(0)),
    aml.name('_UID', aml.integer(0)),
    aml.name('_CRS', windows),
    aml.name('_PRT', interruptRouting(board)),
    isaBridge(board),
  );
}

/** Pins of the slots, swizzled onto PIRQA# to PIRQD# and from there to fixed interrupt requests. */
function interruptRouting(board: AcpiBoard): number[] {
  const entries: number[][] = [];
  for (let slot = 1; slot < PCI_SLOTS; slot++) {
    for (let pin = 0; pin < 4; pin++) {
      const irq = board.pirqIrqs[(pin + slot - 1) & 3];
      const address = slot * 0x10000 + 0xffff;
      entries.push(aml.packageOf(aml.integer(address), aml.integer(pin), aml.integer(0), aml.integer(irq)));
    }
  }
  return aml.packageOf(...entries);
}

function isaBridge(board: AcpiBoard): number[] {
  const isaDevice = (path: string, id: string, uid: number, ...descriptors: aml.Aml[]): number[] =>
    aml.device(
      path,
      aml.name('_HID', aml.eisaId(id)),
      aml.name('_UID', aml.integer(uid)),
      aml.name('_CRS', aml.resources(...descriptors)),
    );
  return aml.device(
    'ISA_',
    aml.name('_ADR', aml.integer(0x10000)),
    isaDevice('KBD_', 'PNP0303', 0, aml.ioPorts(0x60, 1), aml.ioPorts(0x64, 1), aml.interruptRequest(1)),
    isaDevice('MOU_', 'PNP0F13', 0, aml.interruptRequest(12)),
    isaDevice('RTC_', 'PNP0B00', 0, aml.ioPorts(0x70, 2), aml.interruptRequest(8)),
    ...board.serialPorts.map(({ base, irq }, i) =>
      isaDevice(`COM${i + 1}`, 'PNP0501', i + 1, aml.ioPorts(base, 8), aml.interruptRequest(irq)),
    ),
  );
}
