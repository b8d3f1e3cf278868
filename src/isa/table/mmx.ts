/** Packed integers on MMX and XMM registers [SDM2 appendix A, table A-3]. */

const hex = (n: number) => n.toString(16).toUpperCase().padStart(2, '0');

/** Opcodes that have both forms, with the same operands. */
const COMMON: readonly (readonly [number, string])[] = [
  [0x63, 'PACKSSWB'], [0x64, 'PCMPGTB'], [0x65, 'PCMPGTW'], [0x66, 'PCMPGTD'], [0x67, 'PACKUSWB'],
  [0x68, 'PUNPCKHBW'], [0x69, 'PUNPCKHWD'], [0x6a, 'PUNPCKHDQ'], [0x6b, 'PACKSSDW'],
  [0x74, 'PCMPEQB'], [0x75, 'PCMPEQW'], [0x76, 'PCMPEQD'],
  [0xd1, 'PSRLW'], [0xd2, 'PSRLD'], [0xd3, 'PSRLQ'], [0xd4, 'PADDQ'], [0xd5, 'PMULLW'], [0xd8, 'PSUBUSB'], [0xd9, 'PSUBUSW'], [0xda, 'PMINUB'],
  [0xdb, 'PAND'], [0xdc, 'PADDUSB'], [0xdd, 'PADDUSW'], [0xde, 'PMAXUB'], [0xdf, 'PANDN'],
  [0xe0, 'PAVGB'], [0xe1, 'PSRAW'], [0xe2, 'PSRAD'], [0xe3, 'PAVGW'], [0xe4, 'PMULHUW'], [0xe5, 'PMULHW'],
  [0xe8, 'PSUBSB'], [0xe9, 'PSUBSW'], [0xea, 'PMINSW'], [0xeb, 'POR'], [0xec, 'PADDSB'], [0xed, 'PADDSW'], [0xee, 'PMAXSW'], [0xef, 'PXOR'],
  [0xf1, 'PSLLW'], [0xf2, 'PSLLD'], [0xf3, 'PSLLQ'], [0xf4, 'PMULUDQ'], [0xf5, 'PMADDWD'], [0xf6, 'PSADBW'],
  [0xf8, 'PSUBB'], [0xf9, 'PSUBW'], [0xfa, 'PSUBD'], [0xfb, 'PSUBQ'], [0xfc, 'PADDB'], [0xfd, 'PADDW'], [0xfe, 'PADDD'],
];
/** Those whose MMX form came later than MMX. */
const LATER: Readonly<Record<string, string>> = {
  PAVGB: 'sse', PAVGW: 'sse', PMINUB: 'sse', PMAXUB: 'sse', PMINSW: 'sse', PMAXSW: 'sse', PMULHUW: 'sse', PSADBW: 'sse',
  PADDQ: 'sse2', PSUBQ: 'sse2', PMULUDQ: 'sse2',
};
const common = COMMON.map(
  ([op, m]) => `
NP 0F ${hex(op)} ${m} Pq Qq : mmx +${LATER[m] ?? 'mmx'}
66 0F ${hex(op)} ${m} Vx Wx : sse +sse2`,
).join('');

/** The unpacks of low halves read only 32 bits of memory in their MMX form. */
const unpackLow = ['PUNPCKLBW', 'PUNPCKLWD', 'PUNPCKLDQ'].map(
  (m, i) => `
NP 0F ${hex(0x60 + i)} ${m} Pq Qd : mmx +mmx
66 0F ${hex(0x60 + i)} ${m} Vx Wx : sse +sse2`,
).join('');

/** Shifts by an immediate: groups 12, 13 and 14 [SDM2 table A-6]. */
const shifts = (
  [
    [0x71, 2, 'PSRLW'], [0x71, 4, 'PSRAW'], [0x71, 6, 'PSLLW'], [0x72, 2, 'PSRLD'], [0x72, 4, 'PSRAD'], [0x72, 6, 'PSLLD'],
    [0x73, 2, 'PSRLQ'], [0x73, 6, 'PSLLQ'],
  ] as const
).map(
  ([op, digit, m]) => `
NP 0F ${hex(op)} /${digit} ${m} Nq Ib : mmx +mmx
66 0F ${hex(op)} /${digit} ${m} Ux Ib : sse +sse2`,
).join('');

export const MMX_TABLE = `
${common}
${unpackLow}
${shifts}
66 0F 6C PUNPCKLQDQ Vx Wx : sse +sse2
66 0F 6D PUNPCKHQDQ Vx Wx : sse +sse2
NP 0F 6E MOVD Py Ey : mmx +mmx
66 0F 6E MOVD Vy Ey : sse +sse2
NP 0F 6F MOVQ Pq Qq : mmx +mmx
66 0F 6F MOVDQA Vx Wx : sse +sse2
F3 0F 6F MOVDQU Vx Wx : sse +sse2
NP 0F 70 PSHUFW Pq Qq Ib : mmx +sse
66 0F 70 PSHUFD Vx Wx Ib : sse +sse2
F3 0F 70 PSHUFHW Vx Wx Ib : sse +sse2
F2 0F 70 PSHUFLW Vx Wx Ib : sse +sse2
66 0F 73 /3 PSRLDQ Ux Ib : sse +sse2
66 0F 73 /7 PSLLDQ Ux Ib : sse +sse2
NP 0F 77 EMMS : mmx +mmx
NP 0F 7E MOVD Ey Py : mmx +mmx
66 0F 7E MOVD Ey Vy : sse +sse2
F3 0F 7E MOVQ Vq Wq : sse +sse2
NP 0F 7F MOVQ Qq Pq : mmx +mmx
66 0F 7F MOVDQA Wx Vx : sse +sse2
F3 0F 7F MOVDQU Wx Vx : sse +sse2
NP 0F C4 PINSRW Pq Ew Ib : mmx +sse
66 0F C4 PINSRW Vx Ew Ib : sse +sse2
NP 0F C5 PEXTRW Gd Nq Ib : mmx +sse
66 0F C5 PEXTRW Gd Ux Ib : sse +sse2
66 0F D6 MOVQ Wq Vq : sse +sse2
F3 0F D6 MOVQ2DQ Vx Nq : sse +sse2
F2 0F D6 MOVDQ2Q Pq Uq : sse +sse2
NP 0F D7 PMOVMSKB Gd Nq : mmx +sse
66 0F D7 PMOVMSKB Gd Ux : sse +sse2
NP 0F E7 m MOVNTQ Mq Pq : mmx +sse
66 0F E7 m MOVNTDQ Mx Vx : sse +sse2
NP 0F F7 MASKMOVQ Pq Nq : mmx asize +sse
66 0F F7 MASKMOVDQU Vx Ux : sse asize +sse2
`;
