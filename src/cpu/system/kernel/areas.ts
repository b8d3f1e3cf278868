/**
 * Areas of FXSAVE and XSAVE: x87, SSE and AVX state on its way to and from memory [SDM1 10.5, 13.7 to 13.12]. There is no supervisor
 * state: IA32_XSS stays 0. All state counts as in use and as modified, which the SDM leaves to the implementation; so does it what FXSAVE
 * does with MXCSR and XMM registers while CR4.OSFXSR is clear: nothing. Reserved bytes past the last XMM register are not written.
 */
import {
  CR, FCS, FCW, FDP, FDS, FIP, FOP, FPR, FSW, FTOP, FTW, GPR, MXCSR, STATE_AREA, TLB_ACTIVE, TLB_READ, TLB_WRITE, XCR0, XMM, XMM_STRIDE,
} from '../../layout';
import { CR4_OSFXSR, RAX } from '../../registers';
import {
  AREA_AVX, AREA_BYTES, AREA_COMPACTED, AREA_HEADER, AREA_STORED, AREA_WIDE, AREA_XMM, AREA_XSAVE, STATE_AVX, STATE_SSE, STATE_X87,
} from '../area-forms';
import { fninit } from '../../x87/kernel/stack-instructions';
import { setTop, updateSummary } from '../../x87/kernel/state';
import { isLongCode, served } from './descriptors';

const CR4 = CR + 4 * 8;

// Places in an area [SDM1 table 10-2, 13.4.2]
const AREA_FIP = 8, AREA_FDP = 16, AREA_MXCSR = 24, AREA_ST = 32;
const XSTATE_BV = AREA_HEADER, XCOMP_BV = AREA_HEADER + 8;
const COMPACTED: u64 = 1 << 63;
/** Bits of MXCSR that may be set; DAZ is among them. */
const MXCSR_MASK = 0xffff;
const MXCSR_RESET = 0x1f80;
/** FCW's bits that can be written; bit 6 reads as 1. */
const FCW_WRITABLE = 0x1f3f, FCW_FIXED = 0x40;
const FOP_BITS = 0x7ff;

/** Components that the instruction moves. */
function requested(cpu: i32, form: i32): i32 {
  if (form & AREA_XSAVE) return load<i32>(cpu, GPR + RAX * 8) & load<i32>(cpu, XCR0);
  return load<i32>(cpu, CR4) & CR4_OSFXSR ? STATE_X87 | STATE_SSE : STATE_X87;
}

/** XMM registers that the mode has. */
function registers(cpu: i32): i32 {
  return isLongCode(cpu) ? 16 : 8;
}

export function area_bytes(cpu: i32, form: i32): i32 {
  const components = requested(cpu, form);
  if (form & AREA_XSAVE) return components & STATE_AVX ? AREA_BYTES : AREA_AVX;
  return components & STATE_SSE ? AREA_XMM + registers(cpu) * 16 : AREA_XMM;
}

export function move_state(cpu: i32, linear: i64, form: i32): i32 {
  const set = load<i32>(cpu, TLB_ACTIVE);
  const tag = form & AREA_STORED ? TLB_WRITE : TLB_READ;
  const bytes = area_bytes(cpu, form);
  const first = min(bytes, 0x1000 - (<i32>linear & 0xfff));
  const at = served(set, linear, first, tag);
  if (at == 0) return 0;
  if (first == bytes) return move_area(cpu, at, form);
  const beyond = served(set, linear + first, bytes - first, tag);
  if (beyond == 0) return 0;
  const buffer = cpu + STATE_AREA;
  memory.copy(buffer, at, first);
  memory.copy(buffer + first, beyond, bytes - first);
  if (!move_area(cpu, buffer, form)) return 0;
  if (form & AREA_STORED) {
    memory.copy(at, buffer, first);
    memory.copy(beyond, buffer + first, bytes - first);
  }
  return 1;
}

export function move_area(cpu: i32, at: i32, form: i32): i32 {
  const components = requested(cpu, form);
  if ((form & AREA_STORED) == 0) return restore(cpu, at, form, components);
  const withMxcsr = form & AREA_COMPACTED ? STATE_SSE : STATE_SSE | STATE_AVX;
  if (components & STATE_X87) saveX87(cpu, at, (form & AREA_WIDE) != 0);
  if (components & withMxcsr) store<u64>(at, load<u32>(cpu, MXCSR) | (<u64>MXCSR_MASK << 32), AREA_MXCSR);
  if (components & STATE_SSE) for (let n = registers(cpu) - 1; n >= 0; n--) v128.store(at + n * 16, v128.load(cpu + n * XMM_STRIDE, XMM), AREA_XMM);
  if (components & STATE_AVX) for (let n = registers(cpu) - 1; n >= 0; n--) v128.store(at + n * 16, v128.load(cpu + n * XMM_STRIDE, XMM + 16), AREA_AVX);
  if (form & AREA_COMPACTED) {
    store<u64>(at, components, XSTATE_BV);
    store<u64>(at, components | COMPACTED, XCOMP_BV);
  } else if (form & AREA_XSAVE) store<u64>(at, load<u64>(at, XSTATE_BV) | components, XSTATE_BV);
  return 1;
}

/** Changes nothing where the area does not fit. */
function restore(cpu: i32, at: i32, form: i32, components: i32): i32 {
  let present = components;
  let compacted = false;
  if (form & AREA_XSAVE) {
    if (!headerFits(cpu, at, form)) return 0;
    present &= load<i32>(at, XSTATE_BV);
    compacted = (load<u64>(at, XCOMP_BV) & COMPACTED) != 0;
  }
  // In standard form MXCSR comes from the area whatever XSTATE_BV says; in compacted form it belongs to SSE.
  const hasMxcsr = ((compacted ? present & STATE_SSE : components & (STATE_SSE | STATE_AVX))) != 0;
  const mxcsr = hasMxcsr ? load<u32>(at, AREA_MXCSR) : MXCSR_RESET;
  if (mxcsr & ~MXCSR_MASK) return 0;
  if (hasMxcsr || components & STATE_SSE) store<u32>(cpu, mxcsr, MXCSR);
  if (present & STATE_X87) restoreX87(cpu, at, (form & AREA_WIDE) != 0);
  else if (components & STATE_X87) {
    fninit(cpu);
    memory.fill(cpu + FPR, 0, 8 * 16);
  }
  if (components & STATE_SSE) restoreRegisters(cpu + XMM, at + AREA_XMM, registers(cpu), (present & STATE_SSE) != 0);
  if (components & STATE_AVX) restoreRegisters(cpu + XMM + 16, at + AREA_AVX, registers(cpu), (present & STATE_AVX) != 0);
  return 1;
}

/** [SDM1 13.8.1, 13.8.2, 13.12] */
function headerFits(cpu: i32, at: i32, form: i32): bool {
  const defined = load<u64>(cpu, XCR0);
  const present = load<u64>(at, XSTATE_BV);
  const format = load<u64>(at, XCOMP_BV);
  const next = load<u64>(at, XCOMP_BV + 8);
  if ((format & COMPACTED) == 0) return (form & AREA_COMPACTED) == 0 && (format | next) == 0 && (present & ~defined) == 0;
  for (let place = XCOMP_BV + 8; place < AREA_AVX; place += 8) if (load<u64>(at + place) != 0) return false;
  return (format & ~(defined | COMPACTED)) == 0 && (present & ~(format & ~COMPACTED)) == 0;
}

function slot(cpu: i32, i: i32): i32 {
  return cpu + ((<i32>load<u8>(cpu, FTOP) + i) & 7) * 16;
}

function saveX87(cpu: i32, at: i32, wide: bool): void {
  store<u16>(at, load<u16>(cpu, FCW));
  store<u16>(at, load<u16>(cpu, FSW), 2);
  store<u16>(at, load<u8>(cpu, FTW), 4);
  store<u16>(at, load<u16>(cpu, FOP) & FOP_BITS, 6);
  store<u64>(at, wide ? load<u64>(cpu, FIP) : <u64>load<u32>(cpu, FIP) | (<u64>load<u16>(cpu, FCS) << 32), AREA_FIP);
  store<u64>(at, wide ? load<u64>(cpu, FDP) : <u64>load<u32>(cpu, FDP) | (<u64>load<u16>(cpu, FDS) << 32), AREA_FDP);
  for (let i = 0; i < 8; i++) {
    const from = slot(cpu, i);
    store<u64>(at + i * 16, load<u64>(from, FPR), AREA_ST);
    store<u64>(at + i * 16, load<u16>(from, FPR + 8), AREA_ST + 8);
  }
}

function restoreX87(cpu: i32, at: i32, wide: bool): void {
  const status = load<u16>(at, 2);
  store<u16>(cpu, (load<u16>(at) & FCW_WRITABLE) | FCW_FIXED, FCW);
  store<u16>(cpu, status, FSW);
  setTop(cpu, (status >> 11) & 7);
  store<u8>(cpu, load<u8>(at, 4), FTW);
  updateSummary(cpu);
  store<u16>(cpu, load<u16>(at, 6) & FOP_BITS, FOP);
  store<u64>(cpu, wide ? load<u64>(at, AREA_FIP) : <u64>load<u32>(at, AREA_FIP), FIP);
  store<u16>(cpu, wide ? 0 : load<u16>(at, AREA_FIP + 4), FCS);
  store<u64>(cpu, wide ? load<u64>(at, AREA_FDP) : <u64>load<u32>(at, AREA_FDP), FDP);
  store<u16>(cpu, wide ? 0 : load<u16>(at, AREA_FDP + 4), FDS);
  for (let i = 0; i < 8; i++) {
    const to = slot(cpu, i);
    store<u64>(to, load<u64>(at + i * 16, AREA_ST), FPR);
    store<u16>(to, load<u16>(at + i * 16, AREA_ST + 8), FPR + 8);
  }
}

function restoreRegisters(to: i32, from: i32, count: i32, present: bool): void {
  for (let n = 0; n < count; n++) v128.store(to + n * XMM_STRIDE, present ? v128.load(from + n * 16) : i64x2.splat(0));
}
