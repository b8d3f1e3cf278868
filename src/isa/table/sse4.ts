/**
 * What came after SSE2: SSE3, SSSE3, SSE4.1, SSE4.2, AES-NI, PCLMULQDQ and SHA, and the integer instructions of their time
 * [SDM2 appendix A, tables ].
 */

const hex = (n: number) => n.toString(16).toUpperCase().padStart(2, '0');

/** Of SSSE3: on MMX and on XMM registers. */
const SSSE3: readonly (readonly [number, string])[] = [
  [0x00, 'PSHUFB'], [0x01, 'PHADDW'], [0x02, 'PHADDD'], [0x03, 'PHADDSW'], [0x04, 'PMADDUBSW'], [0x05, 'PHSUBW'], [0x06, 'PHSUBD'],
  [0x07, 'PHSUBSW'], [0x08, 'PSIGNB'], [0x09, 'PSIGNW'], [0x0a, 'PSIGND'], [0x0b, 'PMULHRSW'],
  [0x1c, 'PABSB'], [0x1d, 'PABSW'], [0x1e, 'PABSD'],
];
const ssse3 = SSSE3.map(
  ([op, m]) => `
NP 0F 38 ${hex(op)} ${m} Pq Qq : mmx +ssse3
66 0F 38 ${hex(op)} ${m} Vx Wx : sse +ssse3`,
).join('');

/** Of SSE4.1 and SSE4.2, with the operands of most. */
const SSE4: readonly (readonly [number, string])[] = [
  [0x28, 'PMULDQ'], [0x29, 'PCMPEQQ'], [0x2b, 'PACKUSDW'], [0x38, 'PMINSB'], [0x39, 'PMINSD'], [0x3a, 'PMINUW'], [0x3b, 'PMINUD'],
  [0x3c, 'PMAXSB'], [0x3d, 'PMAXSD'], [0x3e, 'PMAXUW'], [0x3f, 'PMAXUD'], [0x40, 'PMULLD'], [0x41, 'PHMINPOSUW'],
];
const sse4 = SSE4.map(([op, m]) => `\n66 0F 38 ${hex(op)} ${m} Vx Wx : sse +sse4.1`).join('');

/** Extensions: sources of a half, a quarter, an eighth. */
const extensions = (['S', 'Z'] as const)
  .map((letter, i) =>
    (['BWq', 'BDd', 'BQw', 'WDq', 'WQd', 'DQq'] as const)
      .map((m, n) => `\n66 0F 38 ${hex(0x20 + 16 * i + n)} PMOV${letter}X${m.slice(0, 2)} Vx W${m[2]} : sse +sse4.1`)
      .join(''))
  .join('');

export const SSE4_TABLE = `
F2 0F 12 MOVDDUP Vx Wq : sse +sse3
F3 0F 12 MOVSLDUP Vx Wx : sse +sse3
F3 0F 16 MOVSHDUP Vx Wx : sse +sse3
66 0F 7C HADDPD Vx Wx : sse +sse3
F2 0F 7C HADDPS Vx Wx : sse +sse3
66 0F 7D HSUBPD Vx Wx : sse +sse3
F2 0F 7D HSUBPS Vx Wx : sse +sse3
66 0F D0 ADDSUBPD Vx Wx : sse +sse3
F2 0F D0 ADDSUBPS Vx Wx : sse +sse3
F2 0F F0 m LDDQU Vx Mx : sse +sse3
${ssse3}
NP 0F 3A 0F PALIGNR Pq Qq Ib : mmx +ssse3
66 0F 3A 0F PALIGNR Vx Wx Ib : sse +ssse3
${sse4}
${extensions}
66 0F 38 10 PBLENDVB Vx Wx XMM0 : sse +sse4.1
66 0F 38 14 BLENDVPS Vx Wx XMM0 : sse +sse4.1
66 0F 38 15 BLENDVPD Vx Wx XMM0 : sse +sse4.1
66 0F 38 17 PTEST Vx Wx : sse +sse4.1
66 0F 38 2A m MOVNTDQA Vx Mx : sse +sse4.1
66 0F 3A 08 ROUNDPS Vx Wx Ib : sse +sse4.1
66 0F 3A 09 ROUNDPD Vx Wx Ib : sse +sse4.1
66 0F 3A 0A ROUNDSS Vd Wd Ib : sse +sse4.1
66 0F 3A 0B ROUNDSD Vq Wq Ib : sse +sse4.1
66 0F 3A 0C BLENDPS Vx Wx Ib : sse +sse4.1
66 0F 3A 0D BLENDPD Vx Wx Ib : sse +sse4.1
66 0F 3A 0E PBLENDW Vx Wx Ib : sse +sse4.1
66 0F 3A 14 r PEXTRB Rd Vx Ib : sse +sse4.1
66 0F 3A 14 m PEXTRB Mb Vx Ib : sse +sse4.1
66 0F 3A 15 r PEXTRW_STORE Rd Vx Ib : sse +sse4.1
66 0F 3A 15 m PEXTRW_STORE Mw Vx Ib : sse +sse4.1
66 0F 3A 16 PEXTRD Ey Vx Ib : sse +sse4.1
66 0F 3A 17 EXTRACTPS Ed Vx Ib : sse +sse4.1
66 0F 3A 20 r PINSRB Vx Rd Ib : sse +sse4.1
66 0F 3A 20 m PINSRB Vx Mb Ib : sse +sse4.1
66 0F 3A 21 INSERTPS Vx Wd Ib : sse +sse4.1
66 0F 3A 22 PINSRD Vx Ey Ib : sse +sse4.1
66 0F 3A 40 DPPS Vx Wx Ib : sse +sse4.1
66 0F 3A 41 DPPD Vx Wx Ib : sse +sse4.1
66 0F 3A 42 MPSADBW Vx Wx Ib : sse +sse4.1
66 0F 38 37 PCMPGTQ Vx Wx : sse +sse4.2
66 0F 3A 60 PCMPESTRM Vx Wx Ib XMM0 : sse osize +sse4.2
66 0F 3A 61 PCMPESTRI Vx Wx Ib : sse osize +sse4.2
66 0F 3A 62 PCMPISTRM Vx Wx Ib XMM0 : sse +sse4.2
66 0F 3A 63 PCMPISTRI Vx Wx Ib : sse +sse4.2

66 0F 38 DB AESIMC Vx Wx : sse +aes
66 0F 38 DC AESENC Vx Wx : sse +aes
66 0F 38 DD AESENCLAST Vx Wx : sse +aes
66 0F 38 DE AESDEC Vx Wx : sse +aes
66 0F 38 DF AESDECLAST Vx Wx : sse +aes
66 0F 3A DF AESKEYGENASSIST Vx Wx Ib : sse +aes
66 0F 3A 44 PCLMULQDQ Vx Wx Ib : sse +pclmulqdq
NP 0F 38 C8 SHA1NEXTE Vx Wx : sse +sha-ni
NP 0F 38 C9 SHA1MSG1 Vx Wx : sse +sha-ni
NP 0F 38 CA SHA1MSG2 Vx Wx : sse +sha-ni
NP 0F 38 CB SHA256RNDS2 Vx Wx XMM0 : sse +sha-ni
NP 0F 38 CC SHA256MSG1 Vx Wx : sse +sha-ni
NP 0F 38 CD SHA256MSG2 Vx Wx : sse +sha-ni
NP 0F 3A CC SHA1RNDS4 Vx Wx Ib : sse +sha-ni

F2 0F 38 F0 CRC32 Gy Eb : +sse4.2
F2 0F 38 F1 CRC32 Gy Ev : +sse4.2
F3 0F B8 POPCNT Gv Ev : +popcnt
F3 0F BC TZCNT Gv Ev : +bmi1
F3 0F BD LZCNT Gv Ev : +abm
NP 0F 38 F0 m MOVBE Gv Mv : +movbe
66 0F 38 F0 m MOVBE Gv Mv : +movbe
NP 0F 38 F1 m MOVBE Mv Gv : +movbe
66 0F 38 F1 m MOVBE Mv Gv : +movbe
66 0F 38 F6 ADCX Gy Ey : +adx
F3 0F 38 F6 ADOX Gy Ey : +adx
`;
