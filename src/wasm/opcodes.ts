/** WebAssembly opcodes by operation and type [WebAssembly Core 5.4]. SIMD opcodes follow the 0xfd prefix. */

export type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
export type IntType = 'i32' | 'i64';

export const TYPE_CODE: Record<Type, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

type Table = Partial<Record<Type, number>>;

/** Operations of two operands with a result of their type. */
export const BINARY = {
  add: { i32: 0x6a, i64: 0x7c, f32: 0x92, f64: 0xa0 },
  sub: { i32: 0x6b, i64: 0x7d, f32: 0x93, f64: 0xa1 },
  mul: { i32: 0x6c, i64: 0x7e, f32: 0x94, f64: 0xa2 },
  div: { f32: 0x95, f64: 0xa3 },
  divS: { i32: 0x6d, i64: 0x7f },
  divU: { i32: 0x6e, i64: 0x80 },
  remS: { i32: 0x6f, i64: 0x81 },
  remU: { i32: 0x70, i64: 0x82 },
  and: { i32: 0x71, i64: 0x83 },
  or: { i32: 0x72, i64: 0x84 },
  xor: { i32: 0x73, i64: 0x85 },
  shl: { i32: 0x74, i64: 0x86 },
  shrS: { i32: 0x75, i64: 0x87 },
  shrU: { i32: 0x76, i64: 0x88 },
  rotl: { i32: 0x77, i64: 0x89 },
  rotr: { i32: 0x78, i64: 0x8a },
} satisfies Record<string, Table>;

/** Comparisons: two operands of one type, an i32 of 0 or 1. */
export const COMPARE = {
  eq: { i32: 0x46, i64: 0x51, f32: 0x5b, f64: 0x61 },
  ne: { i32: 0x47, i64: 0x52, f32: 0x5c, f64: 0x62 },
  ltS: { i32: 0x48, i64: 0x53 },
  ltU: { i32: 0x49, i64: 0x54 },
  gtS: { i32: 0x4a, i64: 0x55 },
  gtU: { i32: 0x4b, i64: 0x56 },
  leS: { i32: 0x4c, i64: 0x57 },
  leU: { i32: 0x4d, i64: 0x58 },
  geS: { i32: 0x4e, i64: 0x59 },
  geU: { i32: 0x4f, i64: 0x5a },
  lt: { f32: 0x5d, f64: 0x63 },
  gt: { f32: 0x5e, f64: 0x64 },
  le: { f32: 0x5f, f64: 0x65 },
  ge: { f32: 0x60, f64: 0x66 },
} satisfies Record<string, Table>;

/** Operations of one operand with a result of its type. */
export const UNARY = {
  clz: { i32: 0x67, i64: 0x79 },
  ctz: { i32: 0x68, i64: 0x7a },
  popcnt: { i32: 0x69, i64: 0x7b },
  extend8S: { i32: 0xc0, i64: 0xc2 },
  extend16S: { i32: 0xc1, i64: 0xc3 },
  abs: { f32: 0x8b, f64: 0x99 },
  neg: { f32: 0x8c, f64: 0x9a },
  ceil: { f32: 0x8d, f64: 0x9b },
  floor: { f32: 0x8e, f64: 0x9c },
  trunc: { f32: 0x8f, f64: 0x9d },
  nearest: { f32: 0x90, f64: 0x9e },
  sqrt: { f32: 0x91, f64: 0x9f },
} satisfies Record<string, Table>;

/** Conversions: operand type, result type, opcode (0xfcnn: prefixed). */
export const CONVERT = {
  wrap: ['i64', 'i32', 0xa7],
  extendS: ['i32', 'i64', 0xac],
  extendU: ['i32', 'i64', 0xad],
  i32TruncSatF32: ['f32', 'i32', 0xfc00],
  i32TruncSatF64: ['f64', 'i32', 0xfc02],
  i64TruncSatF32: ['f32', 'i64', 0xfc04],
  i64TruncSatF64: ['f64', 'i64', 0xfc06],
  f32FromI32: ['i32', 'f32', 0xb2],
  f32FromI64: ['i64', 'f32', 0xb4],
  f64FromI32: ['i32', 'f64', 0xb7],
  f64FromI64: ['i64', 'f64', 0xb9],
  demote: ['f64', 'f32', 0xb6],
  promote: ['f32', 'f64', 0xbb],
  i32FromF32Bits: ['f32', 'i32', 0xbc],
  i64FromF64Bits: ['f64', 'i64', 0xbd],
  f32FromBits: ['i32', 'f32', 0xbe],
  f64FromBits: ['i64', 'f64', 0xbf],
} as const satisfies Record<string, readonly [Type, Type, number]>;

/** SIMD operations: operand types, result type, opcode. */
const vv = (code: number) => [['v128', 'v128'], 'v128', code] as const;
const v = (code: number) => [['v128'], 'v128', code] as const;
const vs = (code: number) => [['v128', 'i32'], 'v128', code] as const;
const reduce = (code: number) => [['v128'], 'i32', code] as const;
export const SIMD = {
  'i8x16.splat': [['i32'], 'v128', 0x0f],
  'i16x8.splat': [['i32'], 'v128', 0x10],
  'i32x4.splat': [['i32'], 'v128', 0x11],
  'i64x2.splat': [['i64'], 'v128', 0x12],
  'f32x4.splat': [['f32'], 'v128', 0x13],
  'f64x2.splat': [['f64'], 'v128', 0x14],
  'i8x16.swizzle': vv(0x0e),
  'v128.not': v(0x4d), 'v128.and': vv(0x4e), 'v128.andnot': vv(0x4f), 'v128.or': vv(0x50), 'v128.xor': vv(0x51),
  'v128.bitselect': [['v128', 'v128', 'v128'], 'v128', 0x52], 'v128.any_true': reduce(0x53),
  'i8x16.eq': vv(0x23), 'i8x16.gt_s': vv(0x27), 'i8x16.lt_s': vv(0x25),
  'i16x8.eq': vv(0x2d), 'i16x8.gt_s': vv(0x31), 'i16x8.lt_s': vv(0x2f),
  'i32x4.eq': vv(0x37), 'i32x4.gt_s': vv(0x3b), 'i32x4.lt_s': vv(0x39),
  'f32x4.eq': vv(0x41), 'f32x4.ne': vv(0x42), 'f32x4.lt': vv(0x43), 'f32x4.gt': vv(0x44), 'f32x4.le': vv(0x45), 'f32x4.ge': vv(0x46),
  'f64x2.eq': vv(0x47), 'f64x2.ne': vv(0x48), 'f64x2.lt': vv(0x49), 'f64x2.gt': vv(0x4a), 'f64x2.le': vv(0x4b), 'f64x2.ge': vv(0x4c),
  'i8x16.abs': v(0x60), 'i8x16.neg': v(0x61), 'i8x16.popcnt': v(0x62), 'i8x16.all_true': reduce(0x63), 'i8x16.bitmask': reduce(0x64),
  'i8x16.narrow_i16x8_s': vv(0x65), 'i8x16.narrow_i16x8_u': vv(0x66),
  'i8x16.shl': vs(0x6b), 'i8x16.shr_s': vs(0x6c), 'i8x16.shr_u': vs(0x6d),
  'i8x16.add': vv(0x6e), 'i8x16.add_sat_s': vv(0x6f), 'i8x16.add_sat_u': vv(0x70),
  'i8x16.sub': vv(0x71), 'i8x16.sub_sat_s': vv(0x72), 'i8x16.sub_sat_u': vv(0x73),
  'i8x16.min_s': vv(0x76), 'i8x16.min_u': vv(0x77), 'i8x16.max_s': vv(0x78), 'i8x16.max_u': vv(0x79), 'i8x16.avgr_u': vv(0x7b),
  'i16x8.extadd_pairwise_i8x16_s': v(0x7c), 'i16x8.extadd_pairwise_i8x16_u': v(0x7d),
  'i32x4.extadd_pairwise_i16x8_s': v(0x7e), 'i32x4.extadd_pairwise_i16x8_u': v(0x7f),
  'i16x8.abs': v(0x80), 'i16x8.neg': v(0x81), 'i16x8.q15mulr_sat_s': vv(0x82), 'i16x8.all_true': reduce(0x83), 'i16x8.bitmask': reduce(0x84),
  'i16x8.narrow_i32x4_s': vv(0x85), 'i16x8.narrow_i32x4_u': vv(0x86),
  'i16x8.extend_low_i8x16_s': v(0x87), 'i16x8.extend_high_i8x16_s': v(0x88), 'i16x8.extend_low_i8x16_u': v(0x89), 'i16x8.extend_high_i8x16_u': v(0x8a),
  'i16x8.shl': vs(0x8b), 'i16x8.shr_s': vs(0x8c), 'i16x8.shr_u': vs(0x8d),
  'i16x8.add': vv(0x8e), 'i16x8.add_sat_s': vv(0x8f), 'i16x8.add_sat_u': vv(0x90),
  'i16x8.sub': vv(0x91), 'i16x8.sub_sat_s': vv(0x92), 'i16x8.sub_sat_u': vv(0x93), 'i16x8.mul': vv(0x95),
  'i16x8.min_s': vv(0x96), 'i16x8.min_u': vv(0x97), 'i16x8.max_s': vv(0x98), 'i16x8.max_u': vv(0x99), 'i16x8.avgr_u': vv(0x9b),
  'i32x4.abs': v(0xa0), 'i32x4.neg': v(0xa1), 'i32x4.all_true': reduce(0xa3), 'i32x4.bitmask': reduce(0xa4),
  'i32x4.extend_low_i16x8_s': v(0xa7), 'i32x4.extend_high_i16x8_s': v(0xa8), 'i32x4.extend_low_i16x8_u': v(0xa9), 'i32x4.extend_high_i16x8_u': v(0xaa),
  'i32x4.shl': vs(0xab), 'i32x4.shr_s': vs(0xac), 'i32x4.shr_u': vs(0xad),
  'i32x4.add': vv(0xae), 'i32x4.sub': vv(0xb1), 'i32x4.mul': vv(0xb5),
  'i32x4.min_s': vv(0xb6), 'i32x4.min_u': vv(0xb7), 'i32x4.max_s': vv(0xb8), 'i32x4.max_u': vv(0xb9), 'i32x4.dot_i16x8_s': vv(0xba),
  'i32x4.extmul_low_i16x8_s': vv(0xbc), 'i32x4.extmul_high_i16x8_s': vv(0xbd), 'i32x4.extmul_low_i16x8_u': vv(0xbe), 'i32x4.extmul_high_i16x8_u': vv(0xbf),
  'i64x2.abs': v(0xc0), 'i64x2.neg': v(0xc1), 'i64x2.all_true': reduce(0xc3), 'i64x2.bitmask': reduce(0xc4),
  'i64x2.extend_low_i32x4_s': v(0xc7), 'i64x2.extend_high_i32x4_s': v(0xc8), 'i64x2.extend_low_i32x4_u': v(0xc9), 'i64x2.extend_high_i32x4_u': v(0xca),
  'i64x2.shl': vs(0xcb), 'i64x2.shr_s': vs(0xcc), 'i64x2.shr_u': vs(0xcd),
  'i64x2.add': vv(0xce), 'i64x2.sub': vv(0xd1), 'i64x2.mul': vv(0xd5), 'i64x2.eq': vv(0xd6), 'i64x2.gt_s': vv(0xd9),
  'i64x2.extmul_low_i32x4_s': vv(0xdc), 'i64x2.extmul_high_i32x4_s': vv(0xdd), 'i64x2.extmul_low_i32x4_u': vv(0xde), 'i64x2.extmul_high_i32x4_u': vv(0xdf),
  'f32x4.ceil': v(0x67), 'f32x4.floor': v(0x68), 'f32x4.trunc': v(0x69), 'f32x4.nearest': v(0x6a),
  'f64x2.ceil': v(0x74), 'f64x2.floor': v(0x75), 'f64x2.trunc': v(0x7a), 'f64x2.nearest': v(0x94),
  'f32x4.abs': v(0xe0), 'f32x4.neg': v(0xe1), 'f32x4.sqrt': v(0xe3), 'f32x4.add': vv(0xe4), 'f32x4.sub': vv(0xe5), 'f32x4.mul': vv(0xe6), 'f32x4.div': vv(0xe7),
  'f64x2.abs': v(0xec), 'f64x2.neg': v(0xed), 'f64x2.sqrt': v(0xef), 'f64x2.add': vv(0xf0), 'f64x2.sub': vv(0xf1), 'f64x2.mul': vv(0xf2), 'f64x2.div': vv(0xf3),
  'i32x4.trunc_sat_f32x4_s': v(0xf8), 'f32x4.convert_i32x4_s': v(0xfa), 'i32x4.trunc_sat_f64x2_s_zero': v(0xfc), 'f64x2.convert_low_i32x4_s': v(0xfe),
  'f32x4.demote_f64x2_zero': v(0x5e), 'f64x2.promote_low_f32x4': v(0x5f),
} as const satisfies Record<string, readonly [readonly Type[], Type, number]>;

/** Lane access: element type, number of lanes, opcode. */
export const EXTRACT = {
  'i8x16.extract_lane_u': ['i32', 16, 0x16], 'i16x8.extract_lane_u': ['i32', 8, 0x19], 'i16x8.extract_lane_s': ['i32', 8, 0x18],
  'i32x4.extract_lane': ['i32', 4, 0x1b], 'i64x2.extract_lane': ['i64', 2, 0x1d],
  'f32x4.extract_lane': ['f32', 4, 0x1f], 'f64x2.extract_lane': ['f64', 2, 0x21],
} as const satisfies Record<string, readonly [Type, number, number]>;
export const REPLACE = {
  'i8x16.replace_lane': ['i32', 16, 0x17], 'i16x8.replace_lane': ['i32', 8, 0x1a], 'i32x4.replace_lane': ['i32', 4, 0x1c],
  'i64x2.replace_lane': ['i64', 2, 0x1e], 'f32x4.replace_lane': ['f32', 4, 0x20], 'f64x2.replace_lane': ['f64', 2, 0x22],
} as const satisfies Record<string, readonly [Type, number, number]>;

/** Loads: result type, opcode, log2 of the natural alignment. */
export const LOAD = {
  i32: ['i32', 0x28], i64: ['i64', 0x29], f32: ['f32', 0x2a], f64: ['f64', 0x2b],
  u8: ['i32', 0x2d], s8: ['i32', 0x2c], u16: ['i32', 0x2f], s16: ['i32', 0x2e], u32: ['i64', 0x35], s32: ['i64', 0x34], v128: ['v128', 0xfd00],
  // 4 and 8 bytes, zero-extended
  z32: ['v128', 0xfd5c], z64: ['v128', 0xfd5d],
} as const satisfies Record<string, readonly [Type, number]>;
export const STORE = {
  i32: ['i32', 0x36], i64: ['i64', 0x37], f32: ['f32', 0x38], f64: ['f64', 0x39],
  u8: ['i32', 0x3a], u16: ['i32', 0x3b], u32: ['i64', 0x3e], v128: ['v128', 0xfd0b],
} as const satisfies Record<string, readonly [Type, number]>;
