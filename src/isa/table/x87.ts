/** x87 opcodes D8 to DF [SDM2 appendix A.5]. `fpu`: #NM by CR0.EM or CR0.TS. */

const ARITHMETIC = ['FADD', 'FMUL', 'FCOM', 'FCOMP', 'FSUB', 'FSUBR', 'FDIV', 'FDIVR'];
const isCompare = (m: string) => m.startsWith('FCOM');

const arithmetic = ARITHMETIC.map((m, i) => {
  const integer = m.replace('F', 'FI');
  // The forms that write ST(i) exchange the reversed operations [SDM2 table ].
  const swapped = ['FADD', 'FMUL', '', '', 'FSUBR', 'FSUB', 'FDIVR', 'FDIV'][i];
  const toRegister = isCompare(m)
    ? `DC /${i} r ${m} STi : fpu`
    : `DC /${i} r ${swapped}_TO STi : fpu
DE /${i} r ${swapped}P STi : fpu`;
  return `
D8 /${i} m ${m} Md : fpu
D8 /${i} r ${m} STi : fpu
DC /${i} m ${m} Mq : fpu
${toRegister}
DA /${i} m ${integer} Md : fpu
DE /${i} m ${integer} Mw : fpu`;
}).join('');

const moves = ['B', 'E', 'BE', 'U'].map((c, i) => `
DA /${i} r FCMOV${c} STi : fpu
DB /${i} r FCMOVN${c} STi : fpu`).join('');

export const X87_TABLE = `
${arithmetic}
${moves}
D9 /0 m FLD Md : fpu
D9 /0 r FLD STi : fpu
D9 /1 r FXCH STi : fpu
D9 /2 m FST Md : fpu
D9 =D0 FNOP : fpu
D9 /3 m FSTP Md : fpu
D9 /3 r FSTPNCE STi : fpu
D9 /4 m FLDENV M : fpu rare osize
D9 /5 m FLDCW Mw : fpu
D9 /6 m FNSTENV M : fpu rare osize
D9 /7 m FNSTCW Mw : fpu
D9 =E0 FCHS : fpu
D9 =E1 FABS : fpu
D9 =E4 FTST : fpu
D9 =E5 FXAM : fpu
D9 =E8 FLD1 : fpu
D9 =E9 FLDL2T : fpu
D9 =EA FLDL2E : fpu
D9 =EB FLDPI : fpu
D9 =EC FLDLG2 : fpu
D9 =ED FLDLN2 : fpu
D9 =EE FLDZ : fpu
D9 =F0 F2XM1 : fpu
D9 =F1 FYL2X : fpu
D9 =F2 FPTAN : fpu
D9 =F3 FPATAN : fpu
D9 =F4 FXTRACT : fpu
D9 =F5 FPREM1 : fpu
D9 =F6 FDECSTP : fpu
D9 =F7 FINCSTP : fpu
D9 =F8 FPREM : fpu
D9 =F9 FYL2XP1 : fpu
D9 =FA FSQRT : fpu
D9 =FB FSINCOS : fpu
D9 =FC FRNDINT : fpu
D9 =FD FSCALE : fpu
D9 =FE FSIN : fpu
D9 =FF FCOS : fpu
DA =E9 FUCOMPP : fpu
DB /0 m FILD Md : fpu
DB /1 m FISTTP Md : fpu +sse3
DB /2 m FIST Md : fpu
DB /3 m FISTP Md : fpu
DB /5 m FLD Mt : fpu
DB /7 m FSTP Mt : fpu
DB =E0 FNENI : fpu
DB =E1 FNDISI : fpu
DB =E2 FNCLEX : fpu
DB =E3 FNINIT : fpu
DB =E4 FNSETPM : fpu
DB /5 r FUCOMI STi : fpu
DB /6 r FCOMI STi : fpu
DD /0 m FLD Mq : fpu
DD /0 r FFREE STi : fpu
DD /1 r FXCH STi : fpu
DD /1 m FISTTP Mq : fpu +sse3
DD /2 m FST Mq : fpu
DD /2 r FST STi : fpu
DD /3 m FSTP Mq : fpu
DD /3 r FSTP STi : fpu
DD /4 m FRSTOR M : fpu rare osize
DD /4 r FUCOM STi : fpu
DD /5 r FUCOMP STi : fpu
DD /6 m FNSAVE M : fpu rare osize
DD /7 m FNSTSW Mw : fpu
DE =D9 FCOMPP : fpu
DF /0 m FILD Mw : fpu
DF /0 r FFREEP STi : fpu
DF /1 r FXCH STi : fpu
DF /1 m FISTTP Mw : fpu +sse3
DF /2 m FIST Mw : fpu
DF /2 r FSTP STi : fpu
DF /3 m FISTP Mw : fpu
DF /3 r FSTP STi : fpu
DF /4 m FBLD Mt : fpu
DF /5 m FILD Mq : fpu
DF /6 m FBSTP Mt : fpu
DF /7 m FISTP Mq : fpu
DF =E0 FNSTSW AX : fpu
DF /5 r FUCOMIP STi : fpu
DF /6 r FCOMIP STi : fpu
9B FWAIT : wait
`;
