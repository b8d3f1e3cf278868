/**
 * The two references, and where each is no reference: what it cannot run, and differences that are known to be its own.
 * `host` is the processor that the tests run on, in 64-bit mode; `qemu` runs 16- and 32-bit protected mode.
 */
import type { Row } from '../../src/isa/row.ts';
import { RAM_BYTES } from './environment.ts';
import type { Encoding } from './generate.ts';
import { hostDifference } from './host-differences.ts';
import { type Executor, nativeExecutor } from './native.ts';
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
const FS = 4;

/** Memory operands and implicit addresses need the address-size prefix in 64-bit mode. */
export const usesAddress = (e: Encoding): boolean =>
  e.address !== undefined || e.row.attributes.has('asize') || e.row.operands.some((o) => o.kind === 'O');

/** Not in 64-bit mode, with another meaning there, or not for user programs to compare. */
const NOT_ON_HOST = new Set([
  'DAA', 'DAS', 'AAA', 'AAS', 'AAM', 'AAD', 'PUSHA', 'POPA', 'BOUND', 'INTO', 'SALC', 'ARPL', 'LES', 'LDS', 'MOV_TO_SEG', 'MOV_FROM_SEG',
  'LSS', 'LFS', 'LGS', 'INT', 'INT3', 'IRET', 'CALL_FAR', 'JMP_FAR', 'RET_FAR', 'CALL_FAR_INDIRECT', 'JMP_FAR_INDIRECT',
  'JMP_INDIRECT', 'SLDT', 'STR', 'LLDT', 'LTR', 'VERR', 'VERW', 'SGDT', 'SIDT', 'SMSW', 'LAR', 'LSL', 'PUSHF', 'POPF',
  'RDPMC', 'RDMSR', 'WRMSR', 'SYSENTER', 'SYSEXIT', 'XGETBV', 'XSETBV', 'XSAVE', 'XSAVEOPT', 'XSAVEC', 'XRSTOR', 'XSAVES', 'XRSTORS', 'INVPCID', 'RDPID',
]);

/** Their results differ in the last places. */
const APPROXIMATE = /^(V?RCP[PS]S|V?RSQRT[PS]S|F2XM1|FYL2X|FPTAN|FPATAN|FYL2XP1|FSINCOS|FSIN|FCOS)$/;

export function hostAccepts(e: Encoding): boolean {
  const { row } = e;
  if (e.mode !== R.MODE_FLAT32 || e.asize !== 32 || e.segmentOverride >= FS || e.segmentOverride === CS) return false;
  if (NOT_ON_HOST.has(row.mnemonic) || row.attributes.has('stack')) return false;
  // 40 to 4F are REX prefixes, 82 is gone.
  if (row.opcode.length === 1 && [0x40, 0x48, 0x82].includes(row.opcode[0] as number)) return false;
  if (row.attributes.has('branch') && e.osize === 16) return false;
  // ModRM 5 is relative to RIP.
  if (e.address && (e.modrm & 0xc7) === 5) return false;
  // Eight more XMM registers are saved in 64-bit mode; x87/compare.ts and simd/compare.ts judge approximations.
  if (row.mnemonic === 'FXSAVE' || APPROXIMATE.test(row.mnemonic)) return false;
  // PREFETCH with a register: a NOP on some processors, #UD on others.
  if (row.opcode[0] === 0x0f && row.opcode[1] === 0x0d && !e.address) return false;
  return e.bytes.length < 15;
}

const hostExcuse: Reference['excuse'] = (e, reference, mine, n, fields) => {
  const difference = hostDifference(e.row.mnemonic, reference.u32(n, R.VECTOR), fields);
  if (difference !== undefined) return difference;
  const wraps = reference.u32(n, R.CR2) >= 0xfffffe00 && SEGMENT_FAULTS.includes(mine.u32(n, R.VECTOR));
  return wraps ? 'an operand across 4 GiB is within no 64-bit limit' : undefined;
};

export function hostReference(): Reference {
  return {
    name: 'host',
    modes: [R.MODE_FLAT32],
    executor: nativeExecutor(),
    selectors: false,
    plainFx: false,
    judges: () => true,
    accepts: hostAccepts,
    translate(batch, encodings) {
      const other = batch.copy();
      for (const [n, e] of encodings.entries()) {
        if (!usesAddress(e)) continue;
        other.setCode(n, Uint8Array.of(0x67, ...e.bytes));
        other.setU32(n, R.EIP, batch.u32(n, R.EIP) - 1);
      }
      return other;
    },
    adjust(results, cases, encodings) {
      for (const [n, e] of encodings.entries()) {
        const vector = results.u32(n, R.VECTOR);
        const eip = results.u32(n, R.EIP_AFTER);
        if (usesAddress(e) && eip === results.u32(n, R.EIP)) results.setU32(n, R.EIP_AFTER, eip + 1);
        results.setU32(n, R.EIP, cases.u32(n, R.EIP));
        if (vector === 3) results.setU32(n, R.ERROR, 0);
        if (vector !== PAGE_FAULT) continue;
        // No execute-disable here; the kernel's identity map makes low pages present.
        let error = results.u32(n, R.ERROR) & ~0x10;
        const cr2 = results.u32(n, R.CR2);
        if (cr2 < RAM_BYTES) error |= 1;
        else if (cr2 === results.u32(n, R.EIP_AFTER)) error &= ~1;
        results.setU32(n, R.ERROR, error);
      }
    },
    excuse: hostExcuse,
  };
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
    const segmented = e.mode !== R.MODE_FLAT32 || e.segmentOverride === CS || e.segmentOverride >= FS;
    const wraps = reference.u32(n, R.CR2) >= 0xfffffe00;
    if (segmented || wraps) return 'QEMU checks no segment limits and types';
  }
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
