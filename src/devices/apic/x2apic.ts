/** The local APIC's registers as MSRs 800H to 83FH, and what each of them takes [SDM3 10.12.1.2, table 10-6]. */
import type { LocalApic } from './local-apic.ts';
import * as A from './registers.ts';

const FIRST_MSR = 0x800, LAST_MSR = 0x83f;
const MASK_32 = 0xffffffffn;

/** Bits that a write may set; a register that is absent here cannot be written. */
const WRITABLE: ReadonlyMap<number, number> = new Map([
  [A.APIC_TPR, 0xff], [A.APIC_EOI, 0], [A.APIC_SVR, 0x3ff], [A.APIC_ESR, 0],
  [A.APIC_LVT_TIMER, 0x710ff], [A.APIC_LVT_THERMAL, 0x117ff], [A.APIC_LVT_PERFORMANCE, 0x117ff],
  [A.APIC_LVT_LINT0, 0x1f7ff], [A.APIC_LVT_LINT1, 0x1f7ff], [A.APIC_LVT_ERROR, 0x110ff],
  [A.APIC_INITIAL_COUNT, 0xffffffff], [A.APIC_DIVIDE, 0xb], [A.APIC_SELF_IPI, 0xff],
]);
const ICR_LOW_WRITABLE = 0xcdfffn;

const isReadable = (offset: number): boolean =>
  (offset >= A.APIC_ISR && offset < A.APIC_ESR) ||
  [A.APIC_ID, A.APIC_VERSION, A.APIC_PPR, A.APIC_LDR, A.APIC_CURRENT_COUNT].includes(offset) ||
  (WRITABLE.has(offset) && offset !== A.APIC_EOI && offset !== A.APIC_SELF_IPI);

/** undefined: #GP. */
export function readX2Apic(apic: LocalApic, index: number): bigint | undefined {
  if (index < FIRST_MSR || index > LAST_MSR) return undefined;
  const offset = (index - FIRST_MSR) << 4;
  if (offset === A.APIC_ICR_LOW) return (BigInt(apic.read(A.APIC_ICR_HIGH)) << 32n) | BigInt(apic.read(A.APIC_ICR_LOW));
  return isReadable(offset) ? BigInt(apic.read(offset)) : undefined;
}

/** False: #GP. */
export function writeX2Apic(apic: LocalApic, index: number, value: bigint): boolean {
  if (index < FIRST_MSR || index > LAST_MSR) return false;
  const offset = (index - FIRST_MSR) << 4;
  if (offset === A.APIC_ICR_LOW) {
    if ((value & MASK_32 & ~ICR_LOW_WRITABLE) !== 0n) return false;
    apic.write(A.APIC_ICR_HIGH, Number(value >> 32n));
    apic.write(A.APIC_ICR_LOW, Number(value & MASK_32));
    return true;
  }
  const writable = WRITABLE.get(offset);
  if (writable === undefined || (value & ~BigInt(writable)) !== 0n) return false;
  if (offset === A.APIC_SELF_IPI) apic.selfInterrupt(Number(value));
  else apic.write(offset, Number(value));
  return true;
}
