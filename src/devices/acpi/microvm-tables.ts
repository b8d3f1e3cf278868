/** The ACPI tables of the `microvm` board: hardware-reduced, with the serial ports and virtio devices it has. */
import {
  type Aml, and, device, dwordField, eisaId, fixedMemory, integer, interrupt, ioPorts, isaIrq, LOCAL0, method, name,
  nameString, notify, operationRegion, packageOf, resources, scope, SPACE_MEMORY, store, text, when,
} from './aml.ts';
import {
  EVENT_BASE, EVENT_POWER_BUTTON, EVENT_SIZE, RESET_REGISTER, RESET_VALUE, SLEEP_CONTROL, SLEEP_S5, SLEEP_STATUS,
} from './event-device.ts';
import { madtTable } from './madt.ts';
import { HEADER_SIZE, table, words } from './sdt.ts';
import { type AcpiTables, assembleTables, FADT_DSDT, FADT_FIRMWARE_CTRL, FADT_RESET_REG } from './tables.ts';

export interface MicrovmTableOptions {
  /** Base and interrupt request of each serial port. */
  readonly serialPorts: readonly (readonly [base: number, irq: number])[];
  /** The virtio devices' pages, and their inputs of the I/O APIC. */
  readonly virtio: readonly { readonly base: number; readonly size: number; readonly irq: number }[];
  readonly eventIrq: number;
}

const FADT_SIZE = 268, FADT_REVISION = 5;
const FLAGS = 112, RESET_VALUE_AT = 128, SLEEP_CONTROL_REG = 244, SLEEP_STATUS_REG = 256;
/** WBINVD works, power and sleep button are no fixed hardware, reset register, hardware-reduced [ACPI 6.0, 5.2.9]. */
const FADT_FLAGS = 1 | (1 << 4) | (1 << 5) | (1 << 10) | (1 << 20);
const NOTIFY_PRESSED = 0x80;

export function buildMicrovmTables(options: MicrovmTableOptions): AcpiTables {
  return assembleTables({ dsdt: table('DSDT', 2, Uint8Array.from(dsdtBody(options))), fadt: fadtTable, others: [madtTable()] });
}

function fadtTable(facsAt: number, dsdtAt: number): Uint8Array {
  const bytes = table('FACP', FADT_REVISION, new Uint8Array(FADT_SIZE - HEADER_SIZE));
  const view = new DataView(bytes.buffer);
  view.setUint32(FADT_FIRMWARE_CTRL, facsAt, true);
  view.setUint32(FADT_DSDT, dsdtAt, true);
  view.setUint32(FLAGS, FADT_FLAGS, true);
  view.setUint8(RESET_VALUE_AT, RESET_VALUE);
  for (const [at, address] of [[FADT_RESET_REG, RESET_REGISTER], [SLEEP_CONTROL_REG, SLEEP_CONTROL], [SLEEP_STATUS_REG, SLEEP_STATUS]]) {
    // A generic address: memory, 8 bits wide, byte access.
    bytes.set([0, 8, 0, 1, ...words(address, 0)], at);
  }
  return bytes;
}

function dsdtBody({ serialPorts, virtio, eventIrq }: MicrovmTableOptions): Aml {
  const serial = serialPorts.map(([base, irq], i) => device(
    `COM${i + 1}`, name('_HID', eisaId('PNP0501')), name('_UID', integer(i + 1)), name('_CRS', resources(ioPorts(base, 8), isaIrq(irq))),
  ));
  const clock = device('RTC', name('_HID', eisaId('PNP0B00')), name('_CRS', resources(ioPorts(0x70, 2), isaIrq(8))));
  const devices = virtio.map(({ base, size, irq }, i) => device(
    `VR${i.toString(16).toUpperCase().padStart(2, '0')}`,
    name('_HID', text('LNRO0005')), name('_UID', integer(i)),
    name('_CRS', resources(fixedMemory(base, size), interrupt(irq, 'level'))),
  ));
  return [
    ...scope('\\_SB', ...serial, clock, ...devices, device('PWRB', name('_HID', eisaId('PNP0C0C')), name('_UID', integer(0))), events(eventIrq)),
    ...name('\\_S5', packageOf(integer(SLEEP_S5), integer(0), integer(0), integer(0))),
  ];
}

/** The generic event device: its interrupt runs _EVT, which asks what happened. */
function events(irq: number): Aml {
  return device(
    'GED',
    name('_HID', text('ACPI0013')), name('_UID', integer(0)),
    name('_CRS', resources(interrupt(irq, 'level'))),
    operationRegion('EREG', SPACE_MEMORY, EVENT_BASE, EVENT_SIZE),
    dwordField('EREG', 'ESEL'),
    method('_EVT', 1, true, store(nameString('ESEL'), LOCAL0), when(and(LOCAL0, integer(EVENT_POWER_BUTTON)), notify('PWRB', integer(NOTIFY_PRESSED)))),
  );
}
