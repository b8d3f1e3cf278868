/**
 * The opcode table's row: what one line of src/isa/table/*.ts says, parsed and checked.
 *
 *   [VEX[.128|.256|.LZ|.LIG][.W0|.W1]] [prefix] opcode [/digit] [m|r]  MNEMONIC  operands…  [: attributes…]
 *
 * VEX         a VEX prefix with that length and that W, any where none is said (LZ is 128 for general registers); the opcode
 *             begins with 0F, 0F 38 or 0F 3A for the map, and V before the mnemonic of an SSE instruction has its body
 * prefix      NP, 66, F3 or F2: a mandatory prefix (NP: none of them)
 * opcode      hex bytes; a `+` after the last one adds the register in its low three bits
 * /digit      ModRM.reg; `m` or `r`: only with a memory or a register ModRM.rm
 * operands    the SDM's codes [SDM2 appendix A.2]: E G I J M O Z S C D R P Q N V W U, and b w d q v z y x t for the size;
 *             sIb is a sign-extended byte, `1` the constant; AL CL DX rAX eAX XMM0 are fixed registers; STi is ModRM.rm
 * attributes  see `Attribute`; `+sse2` names the feature (src/isa/features.ts) that brought the instruction; a row for 64-bit mode
 *             alone (o64) may share its opcode with one for the others (i64)
 */
import { type Feature, featureNamed } from './features.ts';
import type { Body } from './ops.ts';

export type OperandKind =
  | 'G' // general register in ModRM.reg
  | 'E' // general register or memory in ModRM.rm
  | 'R' // general register in ModRM.rm
  | 'M' // memory in ModRM.rm
  | 'Z' // general register in the opcode's low bits
  | 'O' // memory at an immediate offset
  | 'I' // immediate
  | 'J' // relative branch target
  | 'A' // far pointer immediate: offset in imm, selector in imm2
  | 'S' // segment register in ModRM.reg
  | 'C' // control register in ModRM.reg
  | 'D' // debug register in ModRM.reg
  | 'P' // MMX register in ModRM.reg
  | 'Q' // MMX register or memory in ModRM.rm
  | 'N' // MMX register in ModRM.rm
  | 'V' // XMM register in ModRM.reg
  | 'W' // XMM register or memory in ModRM.rm
  | 'U' // XMM register in ModRM.rm
  | 'H' // XMM register in VEX.vvvv
  | 'B' // general register in VEX.vvvv
  | 'L' // XMM register in the high half of an immediate byte
  | 'X' // XMM register that is the index of a memory operand in ModRM.rm (VSIB)
  | 'T' // x87 stack register ST(i) in ModRM.rm
  | 'fixed' // a fixed general register
  | 'one'; // the constant 1

/** b 8, w 16, d 32, q 64, x 128, Y 256, t 80 bits; v by operand size, z 16 or 32, y 32 or 64; '' none (address only). */
export type OperandSize = 'b' | 'w' | 'd' | 'q' | 'x' | 'Y' | 't' | 'v' | 'z' | 'y' | '';

export interface Operand {
  readonly kind: OperandKind;
  readonly size: OperandSize;
  /** Register number of a fixed operand. */
  readonly register: number;
  readonly signed: boolean;
}

const ATTRIBUTES = [
  'lock', // LOCK is allowed with a memory destination
  'rep', // REP repeats it
  'repz', // REPE and REPNE repeat it and test ZF
  'asize', // the body depends on the address size besides its operand
  'pop', // a memory operand based on ESP is addressed after the pop [SDM2 POP]
  'stack', // uses the stack: the body depends on its width
  'branch', // jumps in CS: the body depends on CS being flat
  'end', // nothing follows it in a block
  'protected', // #UD in real and virtual-8086 mode
  'rare', // only general addressing forms are made
  'osize', // the body depends on the operand size though no operand does
  'fpu', // #NM with CR0.EM or CR0.TS
  'wait', // #NM with CR0.MP and CR0.TS together
  'mmx', // #UD with CR0.EM, #NM with CR0.TS
  'sse', // #UD with CR0.EM or without CR4.OSFXSR, #NM with CR0.TS
  'keeps', // with a VEX prefix: writes no vector register, or what a body itself says of its upper half
  'avx', // #UD without CR4.OSXSAVE or the AVX state in XCR0, #NM with CR0.TS
  // In 64-bit mode, as the superscripts of the SDM's opcode maps:
  'i64', // #UD there
  'o64', // #UD everywhere else
  'd64', // the operand size is 64 without a prefix, and never 32
  'f64', // the operand size is 64 whatever the prefixes
] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

export type MandatoryPrefix = 'NP' | '66' | 'F3' | 'F2';

/** What a VEX prefix has to say; undefined: either. */
export interface Vex {
  readonly length: 128 | 256 | undefined;
  readonly w: 0 | 1 | undefined;
}

export interface Row {
  readonly source: string;
  readonly vex: Vex | undefined;
  readonly prefix: MandatoryPrefix | undefined;
  /** One-byte map: [op]; two-byte: [0x0f, op]; three-byte: [0x0f, 0x38 or 0x3a, op]. */
  readonly opcode: readonly number[];
  readonly plusRegister: boolean;
  readonly digit: number | undefined;
  readonly form: 'memory' | 'register' | 'any';
  /** For x87: the ModRM byte that selects it exactly. */
  readonly modrm: number | undefined;
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
  readonly attributes: ReadonlySet<Attribute>;
  /** undefined: every processor has it. */
  readonly feature: Feature | undefined;
  readonly body: Body;
}

const FIXED: Record<string, Operand> = {
  AL: { kind: 'fixed', size: 'b', register: 0, signed: false },
  CL: { kind: 'fixed', size: 'b', register: 1, signed: false },
  AX: { kind: 'fixed', size: 'w', register: 0, signed: false },
  DX: { kind: 'fixed', size: 'w', register: 2, signed: false },
  rAX: { kind: 'fixed', size: 'v', register: 0, signed: false },
  eAX: { kind: 'fixed', size: 'z', register: 0, signed: false },
  '1': { kind: 'one', size: 'b', register: 0, signed: false },
  XMM0: { kind: 'fixed', size: 'x', register: 0, signed: false },
  STi: { kind: 'T', size: '', register: 0, signed: false },
};

/** Rows share what they say alike: there are more than a thousand of them, in each thread. */
const memoized = <V>(make: (text: string) => V): ((text: string) => V) => {
  const made = new Map<string, V>();
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const value = make(text);
    made.set(text, value);
    return value;
  };
};

const operandOf = memoized((text): Operand => {
  const fixed = FIXED[text];
  if (fixed) return fixed;
  const m = /^(s?)([GERMZOIJASCDPQNVWUHBLX])([bwdqxYtvzy]?)$/.exec(text);
  if (!m) throw new Error(`operand ${text}`);
  return { kind: m[2] as OperandKind, size: m[3] as OperandSize, register: 0, signed: m[1] === 's' };
});
const operandsOf = memoized((text): readonly Operand[] => text.split(' ').filter((o) => o !== '').map(operandOf));
const attributesOf = memoized((text): ReadonlySet<Attribute> => {
  const words = text.split(' ').filter((a) => a !== '');
  for (const a of words) if (!(ATTRIBUTES as readonly string[]).includes(a)) throw new Error(`attribute ${a}`);
  return new Set(words as Attribute[]);
});

const LINE =
  /^(?:(VEX)(?:\.(128|256|LZ|LIG))?(?:\.W([01]))? )?(?:(NP|66|F3|F2) )?((?:[0-9A-F]{2} )*[0-9A-F]{2})(\+)?(?: \/([0-7]))?(?: ([mr]))?(?: =([0-9A-F]{2}))? +([A-Z][A-Za-z0-9_]*)((?: +[A-Za-z0-9]+)*)(?: *: *(.*))?$/;

/** Parses table text; every line is a row, blank lines and lines that begin with `;` are not. */
export function parseRows(text: string, bodies: Readonly<Record<string, Body>>): Row[] {
  const rows: Row[] = [];
  for (const line of text.split('\n')) {
    const source = line.trim();
    if (source === '' || source.startsWith(';')) continue;
    try {
      rows.push(parseRow(source, bodies));
    } catch (cause) {
      throw new Error(`row "${source}"`, { cause });
    }
  }
  return rows;
}

function parseVex(length: string | undefined, w: string | undefined): Vex {
  const bits = length === '256' ? 256 : length === '128' || length === 'LZ' ? 128 : undefined;
  return { length: bits, w: w === undefined ? undefined : (Number(w) as 0 | 1) };
}

/** VEX instructions that write an XMM register clear the upper half of its YMM register [SDM1 14.4]. */
const clearing = (body: Body): Body => (o) => {
  body(o);
  const kind = o.operandCount > 0 ? o.operandKind(0) : 'G';
  const register = 'VHU'.includes(kind) || (kind === 'W' && !o.inMemory(0));
  if (register && o.operandSize(0) !== 'Y') o.storeRegister(0, 'v128', o.e.v128(new Uint8Array(16)), UPPER);
};
/** Where the upper half of a YMM register begins. */
const UPPER = 16;

function parseRow(source: string, bodies: Readonly<Record<string, Body>>): Row {
  const m = LINE.exec(source.replace(/\s+/g, ' '));
  if (!m) throw new Error('not what a row looks like');
  const [, vex, length, w, prefix, opcode, plus, digit, form, modrm, mnemonic, operands, attributes] = m;
  const own = bodies[mnemonic] ?? (vex ? bodies[mnemonic.slice(1)] : undefined);
  if (!own) throw new Error(`no body ${mnemonic}`);
  const words = (attributes ?? '').split(' ');
  const feature = words.filter((word) => word.startsWith('+')).map((name) => featureNamed(name.slice(1)));
  if (feature.length > 1 || feature.some((name) => name === undefined)) throw new Error('features');
  const said = attributesOf(words.filter((word) => !word.startsWith('+')).join(' '));
  return {
    source,
    vex: vex ? parseVex(length, w) : undefined,
    prefix: prefix as MandatoryPrefix | undefined,
    opcode: opcode.split(' ').map((h) => Number.parseInt(h, 16)),
    plusRegister: plus !== undefined,
    digit: digit === undefined ? undefined : Number(digit),
    form: form === 'm' ? 'memory' : form === 'r' ? 'register' : 'any',
    modrm: modrm === undefined ? undefined : Number.parseInt(modrm, 16),
    mnemonic,
    operands: operandsOf(operands),
    attributes: said,
    feature: feature[0],
    body: vex && !said.has('keeps') ? clearing(own) : own,
  };
}

/** True when the row's instruction has a ModRM byte. */
export function hasModrm(row: Row): boolean {
  if (row.digit !== undefined || row.form !== 'any' || row.modrm !== undefined) return true;
  return row.operands.some((o) => 'GERMSCDPQNVWUTX'.includes(o.kind) && o.kind.length === 1);
}
