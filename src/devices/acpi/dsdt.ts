/** The definition block of the `pc` board: PCI root with its interrupt links, ISA devices, and the S5 sleep state. */
import { HPET_BASE, HPET_RANGE } from '../hpet.ts';
import { GPE0_BASE, GPE0_SIZE, PORT_SMI_COMMAND, SLP_TYP_S5 } from '../pci/piix4-pm.ts';
import {
  type Aml, ARG0, and, busRange, byteField, createWordField, device, eisaId, findSetRightBit, fixedMemory, give, integer, ioPorts,
  ioRange, isaIrq, LOCAL0, memoryRange, method, name, nameString, not, operationRegion, or, PCI_IRQ_MASK_OFFSET,
  packageOf, pciIrqs, resources, SPACE_PCI_CONFIG, scope, shiftLeft, store, subtract, when,
} from './aml.ts';

export interface DsdtOptions {
  /** Where the power management registers are. */
  readonly pmBase: number;
  /** Where PCI memory may lie: [first, last] address. */
  readonly pciHole: readonly [number, number];
  /** Base and interrupt request of the serial ports. */
  readonly serialPorts: readonly (readonly [base: number, irq: number])[];
}

const LINK_IRQS = [5, 10, 11];
const PIRQ_DISABLED = 0x80, PIRQ_IRQ = 0x0f;
const STA_DISABLED = 0x09, STA_ENABLED = 0x0b;
const SLOTS = 32, PINS = 4;

export function dsdtBody(options: DsdtOptions): Aml {
  return [
    ...scope('\\_SB', pciRoot(options), interruptLinks(), eventTimers()),
    ...name('\\_S5', packageOf(integer(SLP_TYP_S5), integer(0), integer(0), integer(0))),
  ];
}

function pciRoot(options: DsdtOptions): Aml {
  const [first, last] = options.pciHole;
  const windows = resources(
    busRange(0, 0xff),
    ioPorts(0xcf8, 8),
    ioRange(0x0000, 0x0cf7),
    ioRange(0x0d00, 0xffff),
    memoryRange(0xa0000, 0xbffff, true),
    memoryRange(first, last, false),
  );
  return device(
    'PCI0',
    name('_HID', eisaId('PNP0A03')),
    name('_UID', integer(0)),
    name('_CRS', windows),
    name('_PRT', packageOf(...routing())),
    isaBridge(options),
  );
}

/** Slot and pin to link, swizzled as the bus wires them. */
function routing(): Aml[] {
  const entries: Aml[] = [];
  // The host bridge in slot 0 has no interrupt.
  for (let slot = 1; slot < SLOTS; slot++) {
    for (let pin = 0; pin < PINS; pin++) {
      const link = `LNK${'ABCD'[(pin + slot - 1) & 3]}`;
      entries.push(packageOf(integer(slot * 0x10000 + 0xffff), integer(pin), nameString(link), integer(0)));
    }
  }
  return entries;
}

function isaBridge(options: DsdtOptions): Aml {
  const serial = options.serialPorts.map(([base, irq], i) =>
    device(
      `COM${i + 1}`,
      name('_HID', eisaId('PNP0501')),
      name('_UID', integer(i + 1)),
      name('_CRS', resources(ioPorts(base, 8), isaIrq(irq))),
    ),
  );
  const isaDevice = (id: string, hid: string, ...descriptors: Aml[]): Aml =>
    device(id, name('_HID', eisaId(hid)), name('_CRS', resources(...descriptors)));
  return device(
    'ISA',
    name('_ADR', integer(0x00010000)),
    operationRegion('PIRQ', SPACE_PCI_CONFIG, 0x60, PINS),
    isaDevice('RTC', 'PNP0B00', ioPorts(0x70, 2), isaIrq(8)),
    isaDevice('KBD', 'PNP0303', ioPorts(0x60, 1), ioPorts(0x64, 1), isaIrq(1)),
    isaDevice('MOU', 'PNP0F13', isaIrq(12)),
    // Ports of the chipset itself, so that nothing else is put there.
    isaDevice('PMIO', 'PNP0C02', ioPorts(options.pmBase, 0x40), ioPorts(GPE0_BASE, GPE0_SIZE), ioPorts(PORT_SMI_COMMAND, 2)),
    ...serial,
  );
}

function eventTimers(): Aml {
  return device('HPET', name('_HID', eisaId('PNP0103')), name('_UID', integer(0)), name('_CRS', resources(fixedMemory(HPET_BASE, HPET_RANGE))));
}

function interruptLinks(): Aml {
  const links = ['A', 'B', 'C', 'D'].map((letter, i) => interruptLink(`LNK${letter}`, `PRQ${i}`, i));
  return [...byteField('PCI0.ISA.PIRQ', 'PRQ0', 'PRQ1', 'PRQ2', 'PRQ3'), ...links.flat()];
}

/** An interrupt link device [ACPI 2.0, 6.2.11]; `register` is its route control register. */
function interruptLink(id: string, register: string, uid: number): Aml {
  const route = nameString(register);
  const disabled = and(route, integer(PIRQ_DISABLED));
  return device(
    id,
    name('_HID', eisaId('PNP0C0F')),
    name('_UID', integer(uid)),
    name('_PRS', resources(pciIrqs(...LINK_IRQS))),
    method('_STA', 0, false, when(disabled, give(integer(STA_DISABLED))), give(integer(STA_ENABLED))),
    method('_DIS', 0, false, or(route, integer(PIRQ_DISABLED), route)),
    method(
      '_CRS', 0, true,
      name('BUFF', resources(pciIrqs())),
      createWordField(nameString('BUFF'), PCI_IRQ_MASK_OFFSET, 'IRQW'),
      when(not(disabled), shiftLeft(integer(1), and(route, integer(PIRQ_IRQ)), nameString('IRQW'))),
      give(nameString('BUFF')),
    ),
    method(
      '_SRS', 1, true,
      createWordField(ARG0, PCI_IRQ_MASK_OFFSET, 'IRQW'),
      findSetRightBit(nameString('IRQW'), LOCAL0),
      store(subtract(LOCAL0, integer(1)), route),
    ),
  );
}
