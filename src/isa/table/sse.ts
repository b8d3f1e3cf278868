/**
 * SSE and SSE2 floating-point instructions and moves [SDM2 appendix A, table A-3]. The fences, CLFLUSH and the MXCSR
 * instructions share opcode 0F AE; the former belong to the memory system and run whatever CR0 and CR4 say.
 */

const hex = (n: number) => n.toString(16).toUpperCase().padStart(2, '0');

/** The four forms of an operation: PS, PD, SS, SD. */
const four = (op: number, m: string, immediate = '') => `
NP 0F ${hex(op)} ${m}PS Vx Wx ${immediate} : sse +sse
66 0F ${hex(op)} ${m}PD Vx Wx ${immediate} : sse +sse2
F3 0F ${hex(op)} ${m}SS Vd Wd ${immediate} : sse +sse
F2 0F ${hex(op)} ${m}SD Vq Wq ${immediate} : sse +sse2`;
/** PS and PD only. */
const two = (op: number, m: string, immediate = '') => `
NP 0F ${hex(op)} ${m}PS Vx Wx ${immediate} : sse +sse
66 0F ${hex(op)} ${m}PD Vx Wx ${immediate} : sse +sse2`;

export const SSE_TABLE = `
NP 0F 10 MOVUPS Vx Wx : sse +sse
66 0F 10 MOVUPD Vx Wx : sse +sse2
F3 0F 10 MOVSS Vd Wd : sse +sse
F2 0F 10 MOVSD Vq Wq : sse +sse2
NP 0F 11 MOVUPS Wx Vx : sse +sse
66 0F 11 MOVUPD Wx Vx : sse +sse2
F3 0F 11 MOVSS Wd Vd : sse +sse
F2 0F 11 MOVSD Wq Vq : sse +sse2
NP 0F 12 m MOVLPS Vq Mq : sse +sse
NP 0F 12 r MOVHLPS Vq Uq : sse +sse
66 0F 12 m MOVLPD Vq Mq : sse +sse2
NP 0F 13 m MOVLPS Mq Vq : sse +sse
66 0F 13 m MOVLPD Mq Vq : sse +sse2
NP 0F 14 UNPCKLPS Vx Wx : sse +sse
66 0F 14 UNPCKLPD Vx Wx : sse +sse2
NP 0F 15 UNPCKHPS Vx Wx : sse +sse
66 0F 15 UNPCKHPD Vx Wx : sse +sse2
NP 0F 16 m MOVHPS Vq Mq : sse +sse
NP 0F 16 r MOVLHPS Vq Uq : sse +sse
66 0F 16 m MOVHPD Vq Mq : sse +sse2
NP 0F 17 m MOVHPS Mq Vq : sse +sse
66 0F 17 m MOVHPD Mq Vq : sse +sse2
NP 0F 28 MOVAPS Vx Wx : sse +sse
66 0F 28 MOVAPD Vx Wx : sse +sse2
NP 0F 29 MOVAPS Wx Vx : sse +sse
66 0F 29 MOVAPD Wx Vx : sse +sse2
NP 0F 2A CVTPI2PS Vq Qq : sse +sse
66 0F 2A CVTPI2PD Vx Qq : sse +sse2
F3 0F 2A CVTSI2SS Vd Ey : sse +sse
F2 0F 2A CVTSI2SD Vq Ey : sse +sse2
NP 0F 2B m MOVNTPS Mx Vx : sse +sse
66 0F 2B m MOVNTPD Mx Vx : sse +sse2
NP 0F 2C CVTTPS2PI Pq Wq : sse +sse
66 0F 2C CVTTPD2PI Pq Wx : sse +sse2
F3 0F 2C CVTTSS2SI Gy Wd : sse +sse
F2 0F 2C CVTTSD2SI Gy Wq : sse +sse2
NP 0F 2D CVTPS2PI Pq Wq : sse +sse
66 0F 2D CVTPD2PI Pq Wx : sse +sse2
F3 0F 2D CVTSS2SI Gy Wd : sse +sse
F2 0F 2D CVTSD2SI Gy Wq : sse +sse2
NP 0F 2E UCOMISS Vd Wd : sse +sse
66 0F 2E UCOMISD Vq Wq : sse +sse2
NP 0F 2F COMISS Vd Wd : sse +sse
66 0F 2F COMISD Vq Wq : sse +sse2
NP 0F 50 MOVMSKPS Gd Ux : sse +sse
66 0F 50 MOVMSKPD Gd Ux : sse +sse2
${four(0x51, 'SQRT')}
NP 0F 52 RSQRTPS Vx Wx : sse +sse
F3 0F 52 RSQRTSS Vd Wd : sse +sse
NP 0F 53 RCPPS Vx Wx : sse +sse
F3 0F 53 RCPSS Vd Wd : sse +sse
${two(0x54, 'AND')}
${two(0x55, 'ANDN')}
${two(0x56, 'OR')}
${two(0x57, 'XOR')}
${four(0x58, 'ADD')}
${four(0x59, 'MUL')}
NP 0F 5A CVTPS2PD Vx Wq : sse +sse2
66 0F 5A CVTPD2PS Vx Wx : sse +sse2
F3 0F 5A CVTSS2SD Vq Wd : sse +sse2
F2 0F 5A CVTSD2SS Vd Wq : sse +sse2
NP 0F 5B CVTDQ2PS Vx Wx : sse +sse2
66 0F 5B CVTPS2DQ Vx Wx : sse +sse2
F3 0F 5B CVTTPS2DQ Vx Wx : sse +sse2
${four(0x5c, 'SUB')}
${four(0x5d, 'MIN')}
${four(0x5e, 'DIV')}
${four(0x5f, 'MAX')}
NP 0F AE /0 m FXSAVE My : fpu rare +fxsr
NP 0F AE /1 m FXRSTOR My : fpu rare +fxsr
NP 0F AE /2 m LDMXCSR Md : sse +sse
NP 0F AE /3 m STMXCSR Md : sse +sse
NP 0F AE /5 r LFENCE : +sse2
NP 0F AE /6 r MFENCE : +sse2
NP 0F AE /7 r SFENCE : +sse
NP 0F AE /7 m CLFLUSH M : rare +clflush
66 0F AE /7 m CLFLUSHOPT M : rare +clflushopt
66 0F AE /6 m CLWB M : rare +clwb
${four(0xc2, 'CMP', 'Ib')}
${two(0xc6, 'SHUF', 'Ib')}
66 0F E6 CVTTPD2DQ Vx Wx : sse +sse2
F3 0F E6 CVTDQ2PD Vx Wq : sse +sse2
F2 0F E6 CVTPD2DQ Vx Wx : sse +sse2
`;
