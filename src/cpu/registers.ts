/** Names and bits of the architectural registers, as the SDM has them. */

export const RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7, R11 = 11, R13 = 13, R14 = 14, R15 = 15;
export const ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5, LDTR = 6, TR = 7;

// EFLAGS [SDM1 3.4.3]
export const EFLAGS_CF = 1 << 0, EFLAGS_FIXED = 1 << 1, EFLAGS_PF = 1 << 2, EFLAGS_AF = 1 << 4, EFLAGS_ZF = 1 << 6;
export const EFLAGS_SF = 1 << 7, EFLAGS_TF = 1 << 8, EFLAGS_IF = 1 << 9, EFLAGS_DF = 1 << 10, EFLAGS_OF = 1 << 11;
export const EFLAGS_IOPL = 3 << 12, EFLAGS_IOPL_SHIFT = 12, EFLAGS_NT = 1 << 14, EFLAGS_RF = 1 << 16, EFLAGS_VM = 1 << 17;
export const EFLAGS_AC = 1 << 18, EFLAGS_VIF = 1 << 19, EFLAGS_VIP = 1 << 20, EFLAGS_ID = 1 << 21;
/** The six flags that arithmetic sets. */
export const EFLAGS_ARITHMETIC = EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF;

// CR0, CR4 [SDM3 2.5]
export const CR0_PE = 1 << 0, CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_ET = 1 << 4, CR0_NE = 1 << 5;
export const CR0_WP = 1 << 16, CR0_AM = 1 << 18, CR0_NW = 1 << 29, CR0_CD = 1 << 30, CR0_PG = 1 << 31;
export const CR4_VME = 1 << 0, CR4_PVI = 1 << 1, CR4_TSD = 1 << 2, CR4_DE = 1 << 3, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5;
export const CR4_MCE = 1 << 6, CR4_PGE = 1 << 7, CR4_PCE = 1 << 8, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10;
export const CR4_UMIP = 1 << 11, CR4_FSGSBASE = 1 << 16, CR4_PCIDE = 1 << 17, CR4_OSXSAVE = 1 << 18, CR4_SMEP = 1 << 20;
export const CR4_SMAP = 1 << 21;

// IA32_EFER [SDM3 2.2.1]
export const EFER_SCE = 1 << 0, EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_NXE = 1 << 11;

// Exception vectors [SDM3 6.3.1]
export const VECTOR_DE = 0, VECTOR_DB = 1, VECTOR_NMI = 2, VECTOR_BP = 3, VECTOR_OF = 4, VECTOR_BR = 5, VECTOR_UD = 6;
export const VECTOR_NM = 7, VECTOR_DF = 8, VECTOR_TS = 10, VECTOR_NP = 11, VECTOR_SS = 12, VECTOR_GP = 13, VECTOR_PF = 14;
export const VECTOR_MF = 16, VECTOR_AC = 17, VECTOR_MC = 18, VECTOR_XM = 19;
