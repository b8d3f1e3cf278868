/** One-byte and two-byte opcodes of the integer and system instruction set [SDM2 appendix A, tables ]. */

const ALU = ['ADD', 'OR', 'ADC', 'SBB', 'AND', 'SUB', 'XOR', 'CMP'];
const SHIFTS = ['ROL', 'ROR', 'RCL', 'RCR', 'SHL', 'SHR', 'SHL', 'SAR'];
const CONDITIONS = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G'];
const hex = (n: number) => n.toString(16).toUpperCase().padStart(2, '0');

/** The eight operations that share one layout of opcodes. */
const alu = ALU.map((m, i) => {
  const lock = m === 'CMP' ? '' : ': lock';
  const op = (n: number) => hex(i * 8 + n);
  return `
${op(0)} ${m} Eb Gb ${lock}
${op(1)} ${m} Ev Gv ${lock}
${op(2)} ${m} Gb Eb
${op(3)} ${m} Gv Ev
${op(4)} ${m} AL Ib
${op(5)} ${m} rAX Iz
80 /${i} ${m} Eb Ib ${lock}
81 /${i} ${m} Ev Iz ${lock}
82 /${i} ${m} Eb Ib ${lock === '' ? ': i64' : ': lock i64'}
83 /${i} ${m} Ev sIb ${lock}`;
}).join('');

const shifts = SHIFTS.map(
  (m, i) => `
C0 /${i} ${m} Eb Ib
C1 /${i} ${m} Ev Ib
D0 /${i} ${m} Eb 1
D1 /${i} ${m} Ev 1
D2 /${i} ${m} Eb CL
D3 /${i} ${m} Ev CL`,
).join('');

const conditional = CONDITIONS.map(
  (c, i) => `
${hex(0x70 + i)} J${c} Jb : branch osize f64
0F ${hex(0x80 + i)} J${c} Jz : branch osize f64
0F ${hex(0x90 + i)} SET${c} Eb
0F ${hex(0x40 + i)} CMOV${c} Gv Ev : +cmov`,
).join('');

const bitTests = ['BT', 'BTS', 'BTR', 'BTC'].map((m, i) => {
  const lock = m === 'BT' ? '' : ': lock';
  return `
0F ${hex(0xa3 + i * 8)} ${m} Ev Gv ${lock}
0F BA /${4 + i} ${m} Ev Ib ${lock}`;
}).join('');

export const INTEGER_TABLE = `
${alu}
${shifts}
${conditional}
${bitTests}

06 PUSH_ES : stack osize i64
07 POP_ES : stack osize i64
0E PUSH_CS : stack osize i64
16 PUSH_SS : stack osize i64
17 POP_SS : stack osize end i64
1E PUSH_DS : stack osize i64
1F POP_DS : stack osize i64
0F A0 PUSH_FS : stack osize d64
0F A1 POP_FS : stack osize d64
0F A8 PUSH_GS : stack osize d64
0F A9 POP_GS : stack osize d64

27 DAA : i64
2F DAS : i64
37 AAA : i64
3F AAS : i64
40+ INC Zv : i64
48+ DEC Zv : i64
50+ PUSH Zv : stack d64
58+ POP Zv : stack d64
60 PUSHA : stack osize rare i64
61 POPA : stack osize rare i64
62 m BOUND Gv M : osize rare i64
63 ARPL Ew Gw : protected rare i64
63 MOVSXD Gv Ez : o64
68 PUSH Iz : stack d64
69 IMUL Gv Ev Iz
6A PUSH sIb : stack osize d64
6B IMUL Gv Ev sIb
6C INSB : rep asize
6D INSW : rep asize osize
6E OUTSB : rep asize
6F OUTSW : rep asize osize
84 TEST Eb Gb
85 TEST Ev Gv
86 XCHG Eb Gb : lock
87 XCHG Ev Gv : lock
88 MOV Eb Gb
89 MOV Ev Gv
8A MOV Gb Eb
8B MOV Gv Ev
8C r MOV_FROM_SEG Rv S
8C m MOV_FROM_SEG Mw S
8D m LEA Gv M
8E MOV_TO_SEG S Ew
8F /0 POP Ev : stack pop d64
90 NOP
90+ XCHG Zv rAX
98 CBW : osize
99 CWD : osize
9A CALL_FAR A : osize end i64
9C PUSHF : stack osize d64
9D POPF : stack osize d64
9E SAHF
9F LAHF
A0 MOV AL Ob
A1 MOV rAX Ov
A2 MOV Ob AL
A3 MOV Ov rAX
A4 MOVSB : rep asize
A5 MOVSW : rep asize osize
A6 CMPSB : repz asize
A7 CMPSW : repz asize osize
A8 TEST AL Ib
A9 TEST rAX Iz
AA STOSB : rep asize
AB STOSW : rep asize osize
AC LODSB : rep asize
AD LODSW : rep asize osize
AE SCASB : repz asize
AF SCASW : repz asize osize
B0+ MOV Zb Ib
B8+ MOV Zv Iv
C2 RET Iw : stack branch osize end f64
C3 RET : stack branch osize end f64
C4 m LES Gv M : osize rare i64
C5 m LDS Gv M : osize rare i64
C6 /0 MOV Eb Ib
C7 /0 MOV Ev Iz
C8 ENTER Iw : stack osize rare d64
C9 LEAVE : stack osize d64
CA RET_FAR Iw : osize end
CB RET_FAR : osize end
CC INT3 : end
CD INT Ib : branch end
CE INTO : i64
CF IRET : branch osize end
D4 AAM Ib : i64
D5 AAD Ib : i64
D6 SALC : i64
D7 XLAT : asize
E0 LOOPNE Jb : branch asize osize f64
E1 LOOPE Jb : branch asize osize f64
E2 LOOP Jb : branch asize osize f64
E3 JCXZ Jb : branch asize osize f64
E4 IN AL Ib : end
E5 IN eAX Ib : end
E6 OUT Ib AL : end
E7 OUT Ib eAX : end
E8 CALL Jz : stack branch osize end f64
E9 JMP Jz : branch osize end f64
EA JMP_FAR A : osize end i64
EB JMP Jb : branch osize end f64
EC IN AL DX : end
ED IN eAX DX : end
EE OUT DX AL : end
EF OUT DX eAX : end
F1 ICEBP : end
F4 HLT : end
F5 CMC
F6 /0 TEST Eb Ib
F6 /1 TEST Eb Ib
F6 /2 NOT Eb : lock
F6 /3 NEG Eb : lock
F6 /4 MUL Eb
F6 /5 IMUL1 Eb
F6 /6 DIV Eb
F6 /7 IDIV Eb
F7 /0 TEST Ev Iz
F7 /1 TEST Ev Iz
F7 /2 NOT Ev : lock
F7 /3 NEG Ev : lock
F7 /4 MUL Ev
F7 /5 IMUL1 Ev
F7 /6 DIV Ev
F7 /7 IDIV Ev
F8 CLC
F9 STC
FA CLI
FB STI
FC CLD
FD STD
FE /0 INC Eb : lock
FE /1 DEC Eb : lock
FF /0 INC Ev : lock
FF /1 DEC Ev : lock
FF /2 CALL_INDIRECT Ev : stack branch end f64
FF /3 m CALL_FAR_INDIRECT M : osize end rare
FF /4 JMP_INDIRECT Ev : branch end f64
FF /5 m JMP_FAR_INDIRECT M : osize end rare
FF /6 PUSH Ev : stack d64

0F 00 /0 r SLDT Rv : protected rare
0F 00 /0 m SLDT Mw : protected rare
0F 00 /1 r STR Rv : protected rare
0F 00 /1 m STR Mw : protected rare
0F 00 /2 LLDT Ew : protected rare
0F 00 /3 LTR Ew : protected rare
0F 00 /4 VERR Ew : protected rare
0F 00 /5 VERW Ew : protected rare
0F 01 /0 m SGDT M : osize rare f64
0F 01 /1 m SIDT M : osize rare f64
0F 01 /2 m LGDT M : osize rare f64
0F 01 /3 m LIDT M : osize rare f64
0F 01 /4 r SMSW Rv : rare
0F 01 /4 m SMSW Mw : rare
0F 01 /6 LMSW Ew : rare end
0F 01 /7 m INVLPG M : rare end
0F 01 =F8 SWAPGS : o64
NP 0F 01 =CA CLAC : end +smap
NP 0F 01 =CB STAC : end +smap
NP 0F 01 =D0 XGETBV : +xsave
NP 0F 01 =D1 XSETBV : end +xsave
0F 01 =F9 RDTSCP : +rdtscp
66 0F 38 82 m INVPCID Gd M : rare end +invpcid
NP 0F AE /4 m XSAVE My : rare +xsave
NP 0F AE /5 m XRSTOR My : rare +xsave
NP 0F AE /6 m XSAVEOPT My : rare +xsaveopt
NP 0F C7 /4 m XSAVEC My : rare +xsavec
NP 0F C7 /3 m XRSTORS My : rare +xsaves
NP 0F C7 /5 m XSAVES My : rare +xsaves
NP 0F C7 /6 r RDRAND Rv : rare +rdrand
66 0F C7 /6 r RDRAND Rv : rare +rdrand
NP 0F C7 /7 r RDSEED Rv : rare +rdseed
66 0F C7 /7 r RDSEED Rv : rare +rdseed
F3 0F C7 /7 r RDPID Rd : rare +rdpid
0F 02 LAR Gv Ew : protected rare
0F 03 LSL Gv Ew : protected rare
0F 05 SYSCALL : o64 branch end +syscall
0F 06 CLTS : end
0F 07 SYSRET : o64 branch osize end +syscall
0F 08 INVD
0F 09 WBINVD
0F 0B UD
0F 0D NOP Ev : rare
; Hints and NOPs came with the processors that have CMOV; CPUID has no bit for them.
0F 18 NOP Ev : rare +cmov
0F 19 NOP Ev : rare +cmov
0F 1A NOP Ev : rare +cmov
0F 1B NOP Ev : rare +cmov
0F 1C NOP Ev : rare +cmov
0F 1D NOP Ev : rare +cmov
0F 1E NOP Ev : rare +cmov
0F 1F NOP Ev : rare +cmov
0F 20 MOV_FROM_CR Rd C
0F 21 MOV_FROM_DR Rd D
0F 22 MOV_TO_CR C Rd : end
0F 23 MOV_TO_DR D Rd : end
0F 30 WRMSR : end +msr
0F 31 RDTSC : +tsc
0F 32 RDMSR : +msr
0F 33 RDPMC
0F 34 SYSENTER : end +sep
0F 35 SYSEXIT : osize end +sep
0F A2 CPUID
F3 0F AE /0 r RDFSBASE Ry : o64 +fsgsbase
F3 0F AE /1 r RDGSBASE Ry : o64 +fsgsbase
F3 0F AE /2 r WRFSBASE Ry : o64 +fsgsbase
F3 0F AE /3 r WRGSBASE Ry : o64 +fsgsbase
0F A4 SHLD Ev Gv Ib
0F A5 SHLD Ev Gv CL
0F AC SHRD Ev Gv Ib
0F AD SHRD Ev Gv CL
0F AF IMUL Gv Ev
0F B0 CMPXCHG Eb Gb : lock
0F B1 CMPXCHG Ev Gv : lock
0F B2 m LSS Gv M : osize rare
0F B4 m LFS Gv M : osize rare
0F B5 m LGS Gv M : osize rare
0F B6 MOVZX Gv Eb
0F B7 MOVZX Gv Ew
0F B9 UD Gv Ev : rare
0F BC BSF Gv Ev
0F BD BSR Gv Ev
0F BE MOVSX Gv Eb
0F BF MOVSX Gv Ew
0F C0 XADD Eb Gb : lock
0F C1 XADD Ev Gv : lock
NP 0F C3 m MOVNTI My Gy : +sse2
0F C7 /1 m CMPXCHG8B M : lock osize +cx8
0F C8+ BSWAP Zv
0F FF UD Gv Ev : rare
`;
