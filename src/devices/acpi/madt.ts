/** The multiple APIC description table: one processor, the I/O APIC and how ISA interrupts reach it [ACPI 2.0, 5.2.10]. */
import { IO_APIC_BASE, LOCAL_APIC_BASE } from '../apic/registers.ts';
import { table, words } from './sdt.ts';

const PCAT_COMPAT = 1;
const PROCESSOR_LOCAL_APIC = 0, IO_APIC = 1, INTERRUPT_OVERRIDE = 2, LOCAL_APIC_NMI = 4;
const ENABLED = 1;
/** Polarity and trigger of an override: as the bus says, or active high and level-triggered. */
const CONFORMS = 0, HIGH_LEVEL = 0x0d;
/** The interrupt requests of PCI and of the SCI; ISA's others are edge-triggered. */
const LEVEL_IRQS = [5, 9, 10, 11];
const ALL_PROCESSORS = 0xff;

export function madtTable(): Uint8Array {
  const override = (irq: number, input: number, flags: number): Uint8Array =>
    Uint8Array.from([INTERRUPT_OVERRIDE, 10, 0, irq, ...words(input), flags, 0]);
  return table('APIC', 1, concatenate(
    words(LOCAL_APIC_BASE, PCAT_COMPAT),
    Uint8Array.from([PROCESSOR_LOCAL_APIC, 8, 0, 0, ...words(ENABLED)]),
    Uint8Array.from([IO_APIC, 12, 0, 0, ...words(IO_APIC_BASE, 0)]),
    // The 8254 is wired to input 2.
    override(0, 2, CONFORMS),
    ...LEVEL_IRQS.map((irq) => override(irq, irq, HIGH_LEVEL)),
    // NMIs come by LINT1.
    Uint8Array.from([LOCAL_APIC_NMI, 6, ALL_PROCESSORS, 0, 0, 1]),
  ));
}

function concatenate(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
