/**
 * The two references, and where each is no reference: what it cannot run, and differences that are known to be its own.
 * `host` is the processor that the tests run on, in compatibility mode; `qemu` runs virtual-8086 mode too.
 */
import type { Row } from '../../src/isa/row.ts';
import * as E from './environment.ts';
import type { Encoding } from './generate.ts';
import { hostDifference, onIntel } from './host-differences.ts';
import { type Executor, NativeExecutor } from './native.ts';
import { QemuExecutor } from './qemu.ts';
import * as R from './record.ts';

export interface Reference {
  readonly name: 'host' | 'qemu';
  readonly modes: readonly number[];
  readonly executor: Executor;
  /** Segment registers are among its results. */
  readonly selectors: boolean;
  /** It gets states that keep its own ways out of sight (see fx-state.ts). */
  readonly plainFx: boolean;
  /** Whether it is right about a field of the results; where not, the other reference judges. */
  judges(e: Encoding, field: string): boolean;
  /** Whether it can run the instruction. */
  accepts(e: Encoding): boolean;
  /** The cases as this reference is to run them. */
  translate(batch: R.Batch, encodings: readonly Encoding[]): R.Batch;
  /** Brings its results to what the emulator's would be, where the difference is the environment's. */
  adjust(results: R.Batch, cases: R.Batch, encodings: readonly Encoding[]): void;
  /** Why a difference is the reference's own, or undefined. */
  excuse(e: Encoding, reference: R.Batch, mine: R.Batch, n: number, fields: readonly string[]): string | undefined;
}

const PAGE_FAULT = 14;
const SEGMENT_FAULTS = [12, 13];
const CS = 1;
const ESP = 4;
const FS = 4;

/** Not for user programs to compare: system calls, and what the kernel keeps for itself or answers in the processor's place. */
const NOT_ON_HOST = new Set([
  'SLDT', 'STR', 'SGDT', 'SIDT', 'SMSW', 'RDPMC', 'SYSENTER', 'SYSEXIT', 'SYSCALL', 'SYSRET', 'XGETBV', 'XSETBV', 'XSAVE', 'XSAVEOPT', 'XSAVEC', 'XRSTOR', 'XSAVES', 'XRSTORS',
  'INVPCID', 'RDPID',
]);
const SYSTEM_CALL = 0x80;
const LINUX_CODE64 = 0x33;

/** Their results differ in the last places. */
export const APPROXIMATE = /^(V?RCP[PS]S|V?RSQRT[PS]S|F2XM1|FYL2X|FPTAN|FPATAN|FYL2XP1|FSINCOS|FSIN|FCOS)$/;

export function hostAccepts(e: Encoding): boolean {
  const { row } = e;
  return !NOT_ON_HOST.has(row.mnemonic) && !(row.mnemonic === 'INT' && (e.immediate & 0xff) === SYSTEM_CALL);
}

/** Results that need not be the same on two processors, and are not compared; x87/compare.ts and simd/compare.ts judge approximations by their bounds. */
export function isOwn(mnemonic: string, field: string): boolean {
  // MXCSR_MASK
  if (mnemonic === 'FXSAVE') return field === 'memory';
  return APPROXIMATE.test(mnemonic) && /^(ST\d|XMM\d+|upper half of YMM\d+|C1|FSW|MXCSR)$/.test(field);
}

const inV86Pages = (linear: number, paragraph: number): boolean => linear - paragraph * 16 < 0x10000 && linear >= paragraph * 16;

/** The host ends with a page fault there, where it has none. */
export function reachesV86Pages(host: R.Batch, n: number): boolean {
  const cr2 = host.u32(n, R.CR2);
  return host.u32(n, R.VECTOR) === PAGE_FAULT && (inV86Pages(cr2, E.V86_DATA) || inV86Pages(cr2, E.V86_CODE));
}

const hostExcuse: Reference['excuse'] = (e, reference, mine, n, fields) => {
  if (wrapsAround(reference, n, mine, n)) return 'an operand that wraps around 4 GiB in a segment that holds all of them';
  const cr2 = reference.u32(n, R.CR2);
  if (reference.u32(n, R.VECTOR) === PAGE_FAULT && cr2 === reference.u32(n, R.EIP_AFTER) && cr2 - R.DATA_BASE < 0x10000 && cr2 >= R.DATA_BASE) return 'a branch to data, which the host does not execute';
  if (reachesV86Pages(reference, n)) return 'the pages of virtual-8086 mode, which the host does not have';
  if ([reference, mine].some((batch) => batch.selector(n, CS) === LINUX_CODE64)) return 'a far transfer to 64-bit code';
  // Its stack has no base, and all of ESP.
  const below = (reference.u32(n, R.REGISTERS + 4 * ESP) - cr2) >>> 0;
  const pushed = [reference, mine].every((batch) => batch.u32(n, R.VECTOR) === PAGE_FAULT) && below > 0 && below <= 16;
  if (pushed && FAR_TRANSFERS.test(e.row.mnemonic)) return 'a far transfer to 64-bit code';
  return hostDifference(e.row.mnemonic, reference.u32(n, R.VECTOR), fields, { osize: e.osize });
};

export function hostReference(): Reference {
  return {
    name: 'host',
    modes: [R.MODE_FLAT32, R.MODE_CODE16],
    executor: new NativeExecutor(),
    selectors: true,
    plainFx: false,
    judges: (e, field) => !isOwn(e.row.mnemonic, field),
    accepts: hostAccepts,
    translate: (batch) => batch.copy(),
    adjust(results) {
      for (let n = 0; n < results.count; n++) adjustHost(results, n);
    },
    excuse: hostExcuse,
  };
}

const LAST_BYTES = 0xfffffe00;
const faultsAtTheEnds = (batch: R.Batch, n: number): boolean => batch.u32(n, R.VECTOR) === PAGE_FAULT && (batch.u32(n, R.CR2) >= LAST_BYTES || batch.u32(n, R.CR2) < 0x200);
const faultsByTheLimit = (batch: R.Batch, n: number): boolean => SEGMENT_FAULTS.includes(batch.u32(n, R.VECTOR));
/**
 * Processors may fault by the limit for an operand that wraps around 4 GiB in a flat segment, or look at its pages [SDM3 5.3]: AMD's do the one,
 * Intel's the other, the emulator the other where all segments are flat.
 */
export const wrapsAround = (host: R.Batch, n: number, mine: R.Batch, m: number): boolean =>
  (faultsByTheLimit(host, n) && faultsAtTheEnds(mine, m)) || (onIntel && faultsAtTheEnds(host, n) && faultsByTheLimit(mine, m));

/** Brings a result of the host's to what it is for the guest: there is no execute-disable, and what the environment keeps for itself is present. */
export function adjustHost(results: R.Batch, n: number): void {
  if (results.u32(n, R.VECTOR) === PAGE_FAULT) results.setU32(n, R.ERROR, (results.u32(n, R.ERROR) & ~0x10) | (results.u32(n, R.CR2) < E.RAM_BYTES ? 1 : 0));
}

const FAR_TRANSFERS = /^(CALL_FAR|JMP_FAR|RET_FAR|IRET|CALL_FAR_INDIRECT|JMP_FAR_INDIRECT)$/;

/** Features that QEMU's processors do not have. */
const NOT_IN_QEMU = new Set(['sha-ni', 'invpcid', 'xsaveopt', 'xsavec', 'xsaves', 'rdpid']);
export const qemuHas = (row: Row): boolean => row.feature === undefined || !NOT_IN_QEMU.has(row.feature);

function qemuAccepts(e: Encoding): boolean {
  const { row } = e;
  if (!qemuHas(row)) return false;
  // Undocumented, with no documented instruction that does the same; QEMU raises #UD.
  if (row.mnemonic === 'ICEBP') return false;
  return true;
}

/**
 * Undocumented aliases that QEMU raises #UD for run there as what they are aliases of: TEST with /1, SHL with /6, reserved
 * NOPs with a register.
 */
export function documented(e: Encoding): Uint8Array | undefined {
  const { row, bytes } = e;
  const opcode = bytes.findIndex((_, i) => row.opcode.every((b, k) => bytes[i + k] === b));
  const modrm = opcode + row.opcode.length;
  const other = bytes.slice();
  if (row.mnemonic === 'TEST' && row.digit === 1) other[modrm] = (bytes[modrm] as number) & ~0x38;
  else if (row.mnemonic === 'SHL' && row.digit === 6) other[modrm] = (bytes[modrm] as number) & ~0x10;
  else if (row.mnemonic === 'NOP' && row.opcode[0] === 0x0f && !e.address) other[modrm - 1] = 0x1f;
  else return undefined;
  return other;
}

const FX_FIELD = /^(FCW|FSW|C1|FTW|MXCSR|ST\d|XMM\d)$/;
/** SSE, MMX and x87 instructions whose x87, MMX and SSE results QEMU gets right. */
const QEMU_EXACT = /^(MOV(?!DQ2Q).*|P.*|AND.*|OR.*|XOR.*|UNPCK.*|SHUF.*|LDMXCSR)$/;
/** x87 instructions whose images or decimals in memory differ. */
const QEMU_OTHER_IMAGE = /^(FNSTENV|FNSAVE|FBSTP)$/;
const FLAG_FIELD = /^[ACOPSZ]F( [ACOPSZ]F)*$/;

/**
 * QEMU's x87 and SSE arithmetic is not exact in NaNs, C1 and exceptions, and FCOMI leaves OF, SF and AF alone. It judges
 * moves, addressing and what faults; the host's processor judges the rest.
 */
const qemuJudges: Reference['judges'] = (e, field) => {
  const { row } = e;
  const x87 = row.attributes.has('fpu');
  if (FX_FIELD.test(field)) return !x87 && !row.attributes.has('wait') && !(row.attributes.has('sse') || row.attributes.has('mmx')) ? true : QEMU_EXACT.test(row.mnemonic);
  if (x87 && FLAG_FIELD.test(field)) return false;
  return !(field === 'memory' && QEMU_OTHER_IMAGE.test(row.mnemonic));
};

const qemuExcuse: Reference['excuse'] = (e, reference, mine, n, fields) => {
  const { mnemonic } = e.row;
  const vector = reference.u32(n, R.VECTOR);
  const here = mine.u32(n, R.VECTOR);
  if (here !== vector && SEGMENT_FAULTS.includes(here)) {
    const segmented = e.mode !== R.MODE_FLAT32 || e.segmentOverride === CS || e.segmentOverride >= FS || e.selectors.some((s) => s !== E.USER_CODE32 && s !== E.USER_DATA32);
    const wraps = reference.u32(n, R.CR2) >= 0xfffffe00;
    if (segmented || wraps) return 'QEMU checks no segment limits and types';
  }
  // What it loads from past the limit is a selector, which it faults with.
  if (/^L[DEFGS]S$/.test(mnemonic) && SEGMENT_FAULTS.includes(here) && mine.u32(n, R.ERROR) === 0) return 'QEMU checks no segment limits and types';
  if (SEGMENT_FAULTS.includes(here) && e.segmentOverride >= FS) return 'QEMU checks no segment limits and types';
  if (vector === PAGE_FAULT && here === PAGE_FAULT && fields.every((f) => f === 'error') && ((reference.u32(n, R.ERROR) ^ mine.u32(n, R.ERROR)) & ~2) === 0) {
    return 'QEMU reads before it writes';
  }
  if ((vector === PAGE_FAULT || here === PAGE_FAULT) && /^MASKMOV/.test(mnemonic)) return 'QEMU tells of the byte that faults';
  if (vector === PAGE_FAULT && here !== vector && /^(PUNPCKL|CVT)/.test(mnemonic)) return 'QEMU reads more than the manual says';
  if (vector === PAGE_FAULT && e.row.attributes.has('sse') && fields.every((f) => f === 'memory')) return 'QEMU stores a part before it faults';
  if (mnemonic === 'FXSAVE' && fields.every((f) => f === 'memory')) return 'QEMU leaves reserved bytes as they are, which processors clear';
  if (here === 13 && (e.row.attributes.has('sse') || /^FX/.test(mnemonic)) && e.address !== undefined) return 'QEMU checks no alignment';
  if (e.row.attributes.has('fpu') && (vector === PAGE_FAULT || here === PAGE_FAULT)) return 'QEMU reaches images and ten-byte operands in another order, and not all of them';
  if (FAR_TRANSFERS.test(mnemonic)) {
    if (vector === PAGE_FAULT || here === PAGE_FAULT) return 'QEMU reaches the stack of a far transfer with the rights of level 0';
    if (here === 13 && mine.u32(n, R.ERROR) === 0) return 'QEMU checks the limit of the new CS late or not at all';
    if (mnemonic === 'RET_FAR' && e.immediate & 0x8000) return 'QEMU sign-extends the count of RET';
  }
  if (mnemonic === 'ENTER' && e.osize === 32 && here === vector && fields.every((f) => /^(register 5|memory)$/.test(f))) return 'QEMU borrows from the upper half of ESP for a frame pointer on a 16-bit stack';
  if (mnemonic === 'RET' && e.immediate & 0x8000) return 'QEMU sign-extends the count of RET';
  if (vector === PAGE_FAULT && /^(CMPS.|PUSHA|POPA)$/.test(mnemonic)) return 'QEMU accesses in another order';
  if (vector === PAGE_FAULT && /^SCAS.$/.test(mnemonic) && fields.every((f) => FLAG_FIELD.test(f))) return 'QEMU keeps the flags of the last iteration when a later one faults';
  if (vector === PAGE_FAULT && /^RC[LR]$/.test(mnemonic)) return 'QEMU sets flags before it faults';
  if (here === PAGE_FAULT && /^CL(FLUSH|WB)/.test(mnemonic)) return 'QEMU does nothing for CLFLUSH';
  if (vector === PAGE_FAULT && /^S[GI]DT$/.test(mnemonic)) return 'QEMU stores a part before it faults';
  if (mnemonic === 'BSWAP' && e.osize === 16) return 'undefined result';
  if (R.is16(e.mode) && /^(CRC32|MOVBE)$/.test(mnemonic)) return 'QEMU takes the operand size of CRC32 and MOVBE as in 32-bit code';
  if (/^(MOV_(TO|FROM)_CR|XSETBV)$/.test(mnemonic) && here === 6) return 'QEMU checks the privilege before whether the register is there';
  return undefined;
};

export async function qemuReference(): Promise<Reference> {
  return {
    name: 'qemu',
    modes: [R.MODE_FLAT32, R.MODE_CODE16, R.MODE_V86],
    executor: await QemuExecutor.create(),
    selectors: true,
    plainFx: true,
    judges: qemuJudges,
    accepts: qemuAccepts,
    translate(batch, encodings) {
      const other = batch.copy();
      for (const [n, e] of encodings.entries()) {
        const bytes = documented(e);
        if (bytes) other.setCode(n, bytes);
      }
      return other;
    },
    adjust: () => {},
    excuse: qemuExcuse,
  };
}
