/**
 * AVX, AVX2, FMA, F16C, BMI1 and BMI2 [SDM2 appendix A, tables, SDM1 14]. Where an SSE instruction has the same
 * operation its body serves; a first source in VEX.vvvv comes before the second one.
 */

type Named = readonly (readonly [opcode: string, mnemonic: string])[];

/** `66 0F 58` and a mnemonic for each entry of a list such as `58 ADD, 59 MUL`. */
const list = (prefix: string, text: string): Named =>
  text.split(',').map((entry) => {
    const [opcode, mnemonic] = entry.trim().split(' ');
    return [`${prefix} ${opcode}`, mnemonic] as const;
  });

/** Operands of 128 bits as those of 256. */
const wide = (text: string): string => text.replace(/([VHWULMX])x/g, '$1Y');
/** Both lengths of rows with `x` operands; `feature` is that of the 256-bit form. */
const both = (rows: Named, operands: string, feature: string): string =>
  rows.map(([opcode, m]) => `
VEX.128 ${opcode} V${m} ${operands} : avx +avx
VEX.256 ${opcode} V${m} ${wide(operands)} : avx ${feature}`).join('');
const narrow = (rows: Named, operands: string): string => rows.map(([opcode, m]) => `\nVEX.128 ${opcode} V${m} ${operands} : avx +avx`).join('');

// Floating point

const FLOAT = '54 AND, 55 ANDN, 56 OR, 57 XOR, 58 ADD, 59 MUL, 5C SUB, 5D MIN, 5E DIV, 5F MAX, 14 UNPCKL, 15 UNPCKH';
const suffixed = (prefix: string, text: string, suffix: string): Named => list(prefix, text).map(([opcode, m]) => [opcode, m + suffix] as const);
const packed = both([...suffixed('NP 0F', FLOAT, 'PS'), ...suffixed('66 0F', FLOAT, 'PD')], 'Vx Hx Wx', '+avx');
const SCALAR = '51 SQRT, 58 ADD, 59 MUL, 5C SUB, 5D MIN, 5E DIV, 5F MAX';
const scalar = [...suffixed('F3 0F', SCALAR, 'SS d'), ...suffixed('F2 0F', SCALAR, 'SD q')]
  .map(([opcode, m]) => {
    const [mnemonic, size] = m.split(' ');
    return `\nVEX.LIG ${opcode} V${mnemonic} V${size} H${size} W${size} : avx +avx`;
  }).join('');

// Packed integers

const INTEGER = `63 PACKSSWB, 64 PCMPGTB, 65 PCMPGTW, 66 PCMPGTD, 67 PACKUSWB, 68 PUNPCKHBW, 69 PUNPCKHWD, 6A PUNPCKHDQ, 6B PACKSSDW,
60 PUNPCKLBW, 61 PUNPCKLWD, 62 PUNPCKLDQ, 6C PUNPCKLQDQ, 6D PUNPCKHQDQ, 74 PCMPEQB, 75 PCMPEQW, 76 PCMPEQD,
D4 PADDQ, D5 PMULLW, D8 PSUBUSB, D9 PSUBUSW, DA PMINUB, DB PAND, DC PADDUSB, DD PADDUSW, DE PMAXUB, DF PANDN, E0 PAVGB, E3 PAVGW,
E4 PMULHUW, E5 PMULHW, E8 PSUBSB, E9 PSUBSW, EA PMINSW, EB POR, EC PADDSB, ED PADDSW, EE PMAXSW, EF PXOR, F4 PMULUDQ, F5 PMADDWD,
F6 PSADBW, F8 PSUBB, F9 PSUBW, FA PSUBD, FB PSUBQ, FC PADDB, FD PADDW, FE PADDD`;
const INTEGER38 = `00 PSHUFB, 01 PHADDW, 02 PHADDD, 03 PHADDSW, 04 PMADDUBSW, 05 PHSUBW, 06 PHSUBD, 07 PHSUBSW, 08 PSIGNB, 09 PSIGNW, 0A PSIGND,
0B PMULHRSW, 28 PMULDQ, 29 PCMPEQQ, 2B PACKUSDW, 37 PCMPGTQ, 38 PMINSB, 39 PMINSD, 3A PMINUW, 3B PMINUD, 3C PMAXSB, 3D PMAXSD, 3E PMAXUW,
3F PMAXUD, 40 PMULLD`;
/** Shifts: by the low 64 bits of an XMM register or memory, whatever the length. */
const SHIFTS = 'D1 PSRLW, D2 PSRLD, D3 PSRLQ, E1 PSRAW, E2 PSRAD, F1 PSLLW, F2 PSLLD, F3 PSLLQ';
const shifts = list('66 0F', SHIFTS).map(([opcode, m]) => `
VEX.128 ${opcode} V${m} Vx Hx Wx : avx +avx
VEX.256 ${opcode} V${m} VY HY Wx : avx +avx2`).join('');
const IMMEDIATE_SHIFTS = `71 /2 PSRLW, 71 /4 PSRAW, 71 /6 PSLLW, 72 /2 PSRLD, 72 /4 PSRAD, 72 /6 PSLLD, 73 /2 PSRLQ, 73 /6 PSLLQ, 73 /3 PSRLDQ, 73 /7 PSLLDQ`;
const immediateShifts = IMMEDIATE_SHIFTS.split(',').map((entry) => {
  const [opcode, digit, m] = entry.trim().split(' ');
  return `
VEX.128 66 0F ${opcode} ${digit} r V${m} Hx Ux Ib : avx +avx
VEX.256 66 0F ${opcode} ${digit} r V${m} HY UY Ib : avx +avx2`;
}).join('');
const extensions = (['S', 'Z'] as const).flatMap((letter, i) =>
  (['BWqx', 'BDdq', 'BQwd', 'WDqx', 'WQdq', 'DQqx'] as const).map((m, n) => {
    const opcode = `66 0F 38 ${(0x20 + 16 * i + n).toString(16).toUpperCase()} VPMOV${letter}X${m.slice(0, 2)}`;
    return `\nVEX.128 ${opcode} Vx W${m[2]} : avx +avx\nVEX.256 ${opcode} VY W${m[3]} : avx +avx2`;
  })).join('');

// Masked moves, shifts by lanes, gathers, fused operations

/** Both lengths, with a W. */
const each = (w: string, rows: Named, operands: string, feature = '+avx2'): string =>
  rows.map(([opcode, m]) => `
VEX.128.${w} ${opcode} V${m} ${operands} : avx ${feature}
VEX.256.${w} ${opcode} V${m} ${wide(operands)} : avx ${feature}`).join('');
const masked = [
  each('W0', [['66 0F 38 2C m', 'MASKMOVPS'], ['66 0F 38 2D m', 'MASKMOVPD']], 'Vx Hx Mx', '+avx'),
  each('W0', [['66 0F 38 2E m', 'MASKMOVPS'], ['66 0F 38 2F m', 'MASKMOVPD']], 'Mx Hx Vx', '+avx'),
  each('W0', [['66 0F 38 8C m', 'PMASKMOVD']], 'Vx Hx Mx'), each('W1', [['66 0F 38 8C m', 'PMASKMOVQ']], 'Vx Hx Mx'),
  each('W0', [['66 0F 38 8E m', 'PMASKMOVD']], 'Mx Hx Vx'), each('W1', [['66 0F 38 8E m', 'PMASKMOVQ']], 'Mx Hx Vx'),
].join('');
/** An index for each element: as wide as it is, half or twice as wide, so that half as many elements fit. */
const gathers = ([['90', 'PGATHER', 'D', 'Q'], ['92', 'GATHER', 'PS', 'PD']] as const).map(([opcode, m, single, double]) => {
  const next = (Number.parseInt(opcode, 16) + 1).toString(16);
  return `
VEX.128.W0 66 0F 38 ${opcode} V${m}D${single} Vx Xx Hx : avx +avx2
VEX.256.W0 66 0F 38 ${opcode} V${m}D${single} VY XY HY : avx +avx2
VEX.128.W1 66 0F 38 ${opcode} V${m}D${double} Vx Xx Hx : avx +avx2
VEX.256.W1 66 0F 38 ${opcode} V${m}D${double} VY Xx HY : avx +avx2
VEX.128.W0 66 0F 38 ${next} V${m}Q${single} Vx Xx Hx : avx +avx2
VEX.256.W0 66 0F 38 ${next} V${m}Q${single} Vx XY Hx : avx +avx2
VEX.128.W1 66 0F 38 ${next} V${m}Q${double} Vx Xx Hx : avx +avx2
VEX.256.W1 66 0F 38 ${next} V${m}Q${double} VY XY HY : avx +avx2`;
}).join('');
const FUSED = '6 FMADDSUB, 7 FMSUBADD, 8 FMADD, A FMSUB, C FNMADD, E FNMSUB';
const fused = (['132', '213', '231'] as const).map((order, i) =>
  list('', FUSED).map(([digit, m]) => {
    const opcode = `66 0F 38 ${'9AB'[i]}${digit.trim()}`;
    const packedRows = each('W0', [[opcode, `${m}${order}PS`]], 'Vx Hx Wx', '+fma') + each('W1', [[opcode, `${m}${order}PD`]], 'Vx Hx Wx', '+fma');
    if (m === 'FMADDSUB' || m === 'FMSUBADD') return packedRows;
    const scalarOpcode = opcode.slice(0, -1) + (Number.parseInt(digit.trim(), 16) + 1).toString(16).toUpperCase();
    return `${packedRows}
VEX.LIG.W0 ${scalarOpcode} V${m}${order}SS Vd Hd Wd : avx +fma
VEX.LIG.W1 ${scalarOpcode} V${m}${order}SD Vq Hq Wq : avx +fma`;
  }).join('')).join('');

export const AVX_TABLE = `
${packed}
${scalar}
${both([['NP 0F C2', 'CMPPS'], ['66 0F C2', 'CMPPD'], ['NP 0F C6', 'SHUFPS'], ['66 0F C6', 'SHUFPD'], ['66 0F 3A 0C', 'BLENDPS'], ['66 0F 3A 0D', 'BLENDPD'], ['66 0F 3A 40', 'DPPS']], 'Vx Hx Wx Ib', '+avx')}
${both([['66 0F 7C', 'HADDPD'], ['F2 0F 7C', 'HADDPS'], ['66 0F 7D', 'HSUBPD'], ['F2 0F 7D', 'HSUBPS'], ['66 0F D0', 'ADDSUBPD'], ['F2 0F D0', 'ADDSUBPS']], 'Vx Hx Wx', '+avx')}
${both([['NP 0F 51', 'SQRTPS'], ['66 0F 51', 'SQRTPD'], ['NP 0F 52', 'RSQRTPS'], ['NP 0F 53', 'RCPPS'], ['F3 0F 12', 'MOVSLDUP'], ['F3 0F 16', 'MOVSHDUP'], ['NP 0F 5B', 'CVTDQ2PS'], ['66 0F 5B', 'CVTPS2DQ'], ['F3 0F 5B', 'CVTTPS2DQ']], 'Vx Wx', '+avx')}
${both([['66 0F 3A 08', 'ROUNDPS'], ['66 0F 3A 09', 'ROUNDPD']], 'Vx Wx Ib', '+avx')}
${both([['66 0F 38 17', 'PTEST']], 'Vx Wx', 'keeps +avx').replace(': avx +avx', ': avx keeps +avx')}
${each('W0', [['66 0F 38 0E', 'TESTPS'], ['66 0F 38 0F', 'TESTPD']], 'Vx Wx', 'keeps +avx')}
VEX.128 66 0F 3A 41 VDPPD Vx Hx Wx Ib : avx +avx
VEX.LIG F3 0F 52 VRSQRTSS Vd Hd Wd : avx +avx
VEX.LIG F3 0F 53 VRCPSS Vd Hd Wd : avx +avx
VEX.LIG F3 0F C2 VCMPSS Vd Hd Wd Ib : avx +avx
VEX.LIG F2 0F C2 VCMPSD Vq Hq Wq Ib : avx +avx
VEX.LIG 66 0F 3A 0A VROUNDSS Vd Hd Wd Ib : avx +avx
VEX.LIG 66 0F 3A 0B VROUNDSD Vq Hq Wq Ib : avx +avx
VEX.LIG NP 0F 2E VUCOMISS Vd Wd : avx keeps +avx
VEX.LIG 66 0F 2E VUCOMISD Vq Wq : avx keeps +avx
VEX.LIG NP 0F 2F VCOMISS Vd Wd : avx keeps +avx
VEX.LIG 66 0F 2F VCOMISD Vq Wq : avx keeps +avx
VEX.LIG F3 0F 2A VCVTSI2SS Vd Hd Ey : avx +avx
VEX.LIG F2 0F 2A VCVTSI2SD Vq Hq Ey : avx +avx
VEX.LIG F3 0F 2C VCVTTSS2SI Gy Wd : avx +avx
VEX.LIG F2 0F 2C VCVTTSD2SI Gy Wq : avx +avx
VEX.LIG F3 0F 2D VCVTSS2SI Gy Wd : avx +avx
VEX.LIG F2 0F 2D VCVTSD2SI Gy Wq : avx +avx
VEX.LIG F3 0F 5A VCVTSS2SD Vq Hd Wd : avx +avx
VEX.LIG F2 0F 5A VCVTSD2SS Vd Hq Wq : avx +avx
VEX.128 NP 0F 5A VCVTPS2PD Vx Wq : avx +avx
VEX.256 NP 0F 5A VCVTPS2PD VY Wx : avx +avx
VEX.128 66 0F 5A VCVTPD2PS Vx Wx : avx +avx
VEX.256 66 0F 5A VCVTPD2PS Vx WY : avx +avx
VEX.128 F3 0F E6 VCVTDQ2PD Vx Wq : avx +avx
VEX.256 F3 0F E6 VCVTDQ2PD VY Wx : avx +avx
VEX.128 66 0F E6 VCVTTPD2DQ Vx Wx : avx +avx
VEX.256 66 0F E6 VCVTTPD2DQ Vx WY : avx +avx
VEX.128 F2 0F E6 VCVTPD2DQ Vx Wx : avx +avx
VEX.256 F2 0F E6 VCVTPD2DQ Vx WY : avx +avx

${both([['NP 0F 10', 'MOVUPS'], ['66 0F 10', 'MOVUPD'], ['NP 0F 28', 'MOVAPS'], ['66 0F 28', 'MOVAPD'], ['66 0F 6F', 'MOVDQA'], ['F3 0F 6F', 'MOVDQU']], 'Vx Wx', '+avx')}
${both([['NP 0F 11', 'MOVUPS'], ['66 0F 11', 'MOVUPD'], ['NP 0F 29', 'MOVAPS'], ['66 0F 29', 'MOVAPD'], ['66 0F 7F', 'MOVDQA'], ['F3 0F 7F', 'MOVDQU']], 'Wx Vx', '+avx')}
VEX.128 F2 0F 12 VMOVDDUP Vx Wq : avx +avx
VEX.256 F2 0F 12 VMOVDDUP VY WY : avx +avx
VEX.128 NP 0F 2B m VMOVNTPS Mx Vx : avx +avx
VEX.256 NP 0F 2B m VMOVNTPS MY VY : avx +avx
VEX.128 66 0F 2B m VMOVNTPD Mx Vx : avx +avx
VEX.256 66 0F 2B m VMOVNTPD MY VY : avx +avx
VEX.128 66 0F E7 m VMOVNTDQ Mx Vx : avx +avx
VEX.256 66 0F E7 m VMOVNTDQ MY VY : avx +avx
VEX.128 66 0F 38 2A m VMOVNTDQA Vx Mx : avx +avx
VEX.256 66 0F 38 2A m VMOVNTDQA VY MY : avx +avx2
VEX.128 F2 0F F0 m VLDDQU Vx Mx : avx +avx
VEX.256 F2 0F F0 m VLDDQU VY MY : avx +avx
VEX.LIG F3 0F 10 m VMOVSS Vd Md : avx +avx
VEX.LIG F2 0F 10 m VMOVSD Vq Mq : avx +avx
VEX.LIG F3 0F 10 r VMOVSS Vd Hd Ud : avx +avx
VEX.LIG F2 0F 10 r VMOVSD Vq Hq Uq : avx +avx
VEX.LIG F3 0F 11 m VMOVSS Md Vd : avx +avx
VEX.LIG F2 0F 11 m VMOVSD Mq Vq : avx +avx
VEX.LIG F3 0F 11 r VMOVSS Ud Hd Vd : avx +avx
VEX.LIG F2 0F 11 r VMOVSD Uq Hq Vq : avx +avx
VEX.128 NP 0F 12 m VMOVLPS Vq Hq Mq : avx +avx
VEX.128 NP 0F 12 r VMOVHLPS Vq Hq Uq : avx +avx
VEX.128 66 0F 12 m VMOVLPD Vq Hq Mq : avx +avx
VEX.128 NP 0F 13 m VMOVLPS Mq Vq : avx +avx
VEX.128 66 0F 13 m VMOVLPD Mq Vq : avx +avx
VEX.128 NP 0F 16 m VMOVHPS Vq Hq Mq : avx +avx
VEX.128 NP 0F 16 r VMOVLHPS Vq Hq Uq : avx +avx
VEX.128 66 0F 16 m VMOVHPD Vq Hq Mq : avx +avx
VEX.128 NP 0F 17 m VMOVHPS Mq Vq : avx +avx
VEX.128 66 0F 17 m VMOVHPD Mq Vq : avx +avx
VEX.128 NP 0F 50 VMOVMSKPS Gd Ux : avx +avx
VEX.256 NP 0F 50 VMOVMSKPS Gd UY : avx +avx
VEX.128 66 0F 50 VMOVMSKPD Gd Ux : avx +avx
VEX.256 66 0F 50 VMOVMSKPD Gd UY : avx +avx
VEX.128 66 0F D7 VPMOVMSKB Gd Ux : avx +avx
VEX.256 66 0F D7 VPMOVMSKB Gd UY : avx +avx2
VEX.128 66 0F 6E VMOVD Vq Ey : avx +avx
VEX.128 66 0F 7E VMOVD Ey Vq : avx +avx
VEX.128 F3 0F 7E VMOVQ Vq Wq : avx +avx
VEX.128 66 0F D6 VMOVQ Wq Vq : avx +avx
VEX.128 66 0F F7 VMASKMOVDQU Vx Ux : avx keeps asize +avx
VEX.LZ NP 0F AE /2 m VLDMXCSR Md : avx +avx
VEX.LZ NP 0F AE /3 m VSTMXCSR Md : avx +avx
VEX.128 NP 0F 77 VZEROUPPER : avx osize f64 +avx
VEX.256 NP 0F 77 VZEROALL : avx osize f64 +avx

${both(list('66 0F', INTEGER), 'Vx Hx Wx', '+avx2')}
${both(list('66 0F 38', INTEGER38), 'Vx Hx Wx', '+avx2')}
${both(list('66 0F 38', '1C PABSB, 1D PABSW, 1E PABSD'), 'Vx Wx', '+avx2')}
${both([['66 0F 70', 'PSHUFD'], ['F3 0F 70', 'PSHUFHW'], ['F2 0F 70', 'PSHUFLW']], 'Vx Wx Ib', '+avx2')}
${both(list('66 0F 3A', '0E PBLENDW, 0F PALIGNR, 42 MPSADBW'), 'Vx Hx Wx Ib', '+avx2')}
${shifts}
${immediateShifts}
${extensions}
${narrow([['66 0F 38 41', 'PHMINPOSUW'], ['66 0F 38 DB', 'AESIMC']], 'Vx Wx')}
${narrow(list('66 0F 38', 'DC AESENC, DD AESENCLAST, DE AESDEC, DF AESDECLAST'), 'Vx Hx Wx').replaceAll('+avx', '+aes')}
VEX.128 66 0F 3A DF VAESKEYGENASSIST Vx Wx Ib : avx +aes
VEX.128 66 0F 3A 44 VPCLMULQDQ Vx Hx Wx Ib : avx +pclmulqdq
VEX.128 66 0F 3A 60 VPCMPESTRM Vx Wx Ib XMM0 : avx keeps osize +avx
VEX.128 66 0F 3A 61 VPCMPESTRI Vx Wx Ib : avx keeps osize +avx
VEX.128 66 0F 3A 62 VPCMPISTRM Vx Wx Ib XMM0 : avx keeps +avx
VEX.128 66 0F 3A 63 VPCMPISTRI Vx Wx Ib : avx keeps +avx
VEX.128 66 0F C4 VPINSRW Vx Hx Ew Ib : avx +avx
VEX.128 66 0F C5 VPEXTRW Gd Ux Ib : avx +avx
VEX.128 66 0F 3A 14 r VPEXTRB Rd Vx Ib : avx +avx
VEX.128 66 0F 3A 14 m VPEXTRB Mb Vx Ib : avx +avx
VEX.128 66 0F 3A 15 r VPEXTRW_STORE Rd Vx Ib : avx +avx
VEX.128 66 0F 3A 15 m VPEXTRW_STORE Mw Vx Ib : avx +avx
VEX.128 66 0F 3A 16 VPEXTRD Ey Vx Ib : avx +avx
VEX.128 66 0F 3A 17 VEXTRACTPS Ed Vx Ib : avx +avx
VEX.128 66 0F 3A 20 r VPINSRB Vx Hx Rd Ib : avx +avx
VEX.128 66 0F 3A 20 m VPINSRB Vx Hx Mb Ib : avx +avx
VEX.128 66 0F 3A 21 VINSERTPS Vx Hx Wd Ib : avx +avx
VEX.128 66 0F 3A 22 VPINSRD Vx Hx Ey Ib : avx +avx
${each('W0', [['66 0F 3A 4A', 'BLENDVPS'], ['66 0F 3A 4B', 'BLENDVPD']], 'Vx Hx Wx Lx', '+avx')}
VEX.128.W0 66 0F 3A 4C VPBLENDVB Vx Hx Wx Lx : avx +avx
VEX.256.W0 66 0F 3A 4C VPBLENDVB VY HY WY LY : avx +avx2

; What has no SSE instruction of its kind
VEX.128.W0 66 0F 38 18 VBROADCASTSS Vx Wd : avx +avx
VEX.256.W0 66 0F 38 18 VBROADCASTSS VY Wd : avx +avx
VEX.256.W0 66 0F 38 19 VBROADCASTSD VY Wq : avx +avx
VEX.256.W0 66 0F 38 1A m VBROADCASTF128 VY Mx : avx +avx
VEX.256.W0 66 0F 38 5A m VBROADCASTI128 VY Mx : avx +avx2
${each('W0', [['66 0F 38 58', 'PBROADCASTD']], 'Vx Wd').replaceAll('WY', 'Wd')}
VEX.128.W0 66 0F 38 59 VPBROADCASTQ Vx Wq : avx +avx2
VEX.256.W0 66 0F 38 59 VPBROADCASTQ VY Wq : avx +avx2
VEX.128.W0 66 0F 38 78 VPBROADCASTB Vx Wb : avx +avx2
VEX.256.W0 66 0F 38 78 VPBROADCASTB VY Wb : avx +avx2
VEX.128.W0 66 0F 38 79 VPBROADCASTW Vx Ww : avx +avx2
VEX.256.W0 66 0F 38 79 VPBROADCASTW VY Ww : avx +avx2
VEX.256.W0 66 0F 3A 18 VINSERTF128 VY HY Wx Ib : avx +avx
VEX.256.W0 66 0F 3A 38 VINSERTI128 VY HY Wx Ib : avx +avx2
VEX.256.W0 66 0F 3A 19 VEXTRACTF128 Wx VY Ib : avx +avx
VEX.256.W0 66 0F 3A 39 VEXTRACTI128 Wx VY Ib : avx +avx2
VEX.256.W0 66 0F 3A 06 VPERM2F128 VY HY WY Ib : avx +avx
VEX.256.W0 66 0F 3A 46 VPERM2I128 VY HY WY Ib : avx +avx2
${each('W0', [['66 0F 3A 04', 'PERMILPS'], ['66 0F 3A 05', 'PERMILPD']], 'Vx Wx Ib', '+avx')}
${each('W0', [['66 0F 38 0C', 'PERMILPS'], ['66 0F 38 0D', 'PERMILPD']], 'Vx Hx Wx', '+avx')}
VEX.256.W0 66 0F 38 36 VPERMD VY HY WY : avx +avx2
VEX.256.W0 66 0F 38 16 VPERMPS VY HY WY : avx +avx2
VEX.256.W1 66 0F 3A 00 VPERMQ VY WY Ib : avx +avx2
VEX.256.W1 66 0F 3A 01 VPERMPD VY WY Ib : avx +avx2
${masked}
${each('W0', [['66 0F 38 45', 'PSRLVD'], ['66 0F 38 46', 'PSRAVD'], ['66 0F 38 47', 'PSLLVD']], 'Vx Hx Wx')}
${each('W1', [['66 0F 38 45', 'PSRLVQ'], ['66 0F 38 47', 'PSLLVQ']], 'Vx Hx Wx')}
${each('W0', [['66 0F 3A 02', 'PBLENDD']], 'Vx Hx Wx Ib')}
${gathers}
${fused}
VEX.128.W0 66 0F 38 13 VCVTPH2PS Vx Wq : avx +f16c
VEX.256.W0 66 0F 38 13 VCVTPH2PS VY Wx : avx +f16c
VEX.128.W0 66 0F 3A 1D VCVTPS2PH Wq Vx Ib : avx +f16c
VEX.256.W0 66 0F 3A 1D VCVTPS2PH Wx VY Ib : avx +f16c

; On general registers
VEX.LZ NP 0F 38 F2 ANDN Gy By Ey : +bmi1
VEX.LZ NP 0F 38 F7 BEXTR Gy Ey By : +bmi1
VEX.LZ NP 0F 38 F3 /1 BLSR By Ey : +bmi1
VEX.LZ NP 0F 38 F3 /2 BLSMSK By Ey : +bmi1
VEX.LZ NP 0F 38 F3 /3 BLSI By Ey : +bmi1
VEX.LZ NP 0F 38 F5 BZHI Gy Ey By : +bmi2
VEX.LZ F3 0F 38 F5 PEXT Gy By Ey : +bmi2
VEX.LZ F2 0F 38 F5 PDEP Gy By Ey : +bmi2
VEX.LZ F2 0F 38 F6 MULX Gy By Ey : +bmi2
VEX.LZ F2 0F 3A F0 RORX Gy Ey Ib : +bmi2
VEX.LZ 66 0F 38 F7 SHLX Gy Ey By : +bmi2
VEX.LZ F2 0F 38 F7 SHRX Gy Ey By : +bmi2
VEX.LZ F3 0F 38 F7 SARX Gy Ey By : +bmi2
`;
