/** Made by scripts/successors.ts; successors.ts says what it means. */
export const SUCCESSOR_TABLE = `
MOV Gv0,Ev0 32 flat 32 segmented none: 0 2 8 1 7 9 69 11 10
MOV Ev0,Gv0 32 register 32 segmented none: 7 6 1 0 5 8 10 2 38
MOV Ev0,Gv0 32 flat 32 segmented none: 0 2 1 11 9 8 7 10
MOV Ev0,Gv0 64 register 32 segmented none: 13 3 14 12 4 16 25
MOV Gv0,Ev0 64 flat64 32 long none: 4 25 3 16 24 13 22 35 41 23
POP Gv0 32 none 32 flat none: 5 18
PUSH Gv0 32 none 32 flat none: 1 6 38 0 7 10 9
CALL Jz0 32 none 32 flat none: |9 6 420 0
TEST Ev0,Gv0 32 register 32 segmented none: 15 20 19 32
LEA Gv0,M0 32 flat 32 segmented none: 6 1 2 5 0 7 9 10
MOV Gv0,Iv0 32 none 32 segmented none: 7 10 1 11 2 0 9
XOR Ev0,Gv0 32 register 32 segmented none: 1 11 10 2 0 5 9 7 33 8
POP Gv0 64 none 32 long none: 12 30 37
CALL Jz0 64 none 32 long none: |27 14 3 4
PUSH Gv0 64 none 32 long none: 14 3 50 4
JE Jb0 32 none 32 flat none: 0 1 9 10 2 7 8 11|0 1 9 21 10 11 5 2 7
MOV Ev0,Gv0 64 flat64 32 long none: 16 4 13 3 24 25 22
JE Jb0 64 none 32 long none: 4 3 22 13 16 24 34|4 3 12 22 40 30 13 24 16 34
RET  32 none 32 flat none: |0 1 5 8 21 2 9 42 10 90
JNE Jb0 32 none 32 flat none: 0 9 1 21 10 8 11 43|0 1 9 21 10 11 8 2
JE Jz0 32 none 32 flat none: 0 1 9 2 10 8 28|0 9 1 11 10 7 21 29 8 2
ADD Ev0,Ib0s 32 register 32 segmented none: 5 1 28 8 31 2 21 7 0
MOV Gv0,Ev0 32 flat64 32 long none: 22 4 3 39 16 24 34 163
JNE Jb0 64 none 32 long none: 4 40 3 22 45 23 34 24 12 25|4 3 22 40 13 12 30 24 58 16
LEA Gv0,M0 64 flat64 32 long none: 3 24 13 16 41 14 4 34
TEST Ev0,Gv0 64 register 32 segmented none: 17 26 23 35
JE Jz0 64 none 32 long none: 4 3 22 24 16 26 25 71|4 3 22 13 40 12 24 34
NOP Ev0 32 general64 32 long none: 14 4 3 27 25 22 34
CMP Ev0,Ib0s 32 register 32 segmented none: 15 20 19 77 32 137 110 119 140 109
MOV Ev0,Iz0 32 flat 32 segmented none: 29 2 0 7 1 9 8
RET  64 none 32 long none: |4 3 25 22 16 13 37 34 24 45
CMP Ev0,Gv0 32 register 32 segmented none: 19 15 77 20 98 124 32 143 1 223
JNE Jz0 32 none 32 flat none: 0 9 1 44 10 7 21 8|0 9 1 10 11 7
ADD Ev0,Gv0 32 register 32 segmented none: 11 0 1 2 33 31 49
MOV Ev0,Iz0 64 register 32 segmented none: 13 34 3 16 14 37 24
JNE Jz0 64 none 32 long none: 4 40 22 3 37 35 24 25 139|4 3 22 13 24 40 58 12 34
AND Ev0,Ib0s 32 register 32 segmented none: 28 2 1 36 64 15 21
JMP Jz0 64 none 32 long none: |27 30 4 3 22 14 40
SUB Ev0,Ib0s 32 register 32 segmented none: 0 2 51 7 6 28 9 31
MOV Ev0,Gv0 32 flat64 32 long none: 39 13 4 22 16 3 37 24
ADD Ev0,Ib0s 64 register 32 segmented none: 12 3 41 16 13 40 30
CMP Ev0,Gv0 64 register 32 segmented none: 17 23 26 103 106 133 35 151 246 285
TEST Eb0,Gb0 32 register 32 segmented none: 15 20 19 32
JMP Jb0 32 none 32 flat none: |0 1 9 10 8 21 5 2
JMP Jz0 32 none 32 flat none: |0 1 9 10 21 2 8
JMP Jb0 64 none 32 long none: |4 3 22 12 25 40 24 16 45 34
SUB Ev0,Gv0 32 register 32 segmented none: 2 31 1 0 33 46 11 28 8 21
SHR Ev0,Ib0 32 register 32 segmented none: 36 2 47 11 1 33 49 52 156 31
MOVZX Gv0,Eb0 32 flat 32 segmented none: 42 0 93 1 2 36 48 9 21 94
LEA Gv0,M0 32 indexed 32 segmented none: 0 2 1 49 11 9 31 74
SUB Ev0,Ib0s 64 register 32 segmented none: 16 50 4 22 41 13
MOV fixedv0,Ov0 32 general 32 segmented none: 2 0 8 55 51
AND Ev0,Iz0 32 register 32 segmented none: 2 15 64 28 1 66 19 90 52 32
TEST Eb0,Ib0 32 register 32 segmented none: 15 32 19 107 20
MOV fixedv0,Ov0 32 flat 32 segmented none: 8 10 2 0 7 1 9
TEST Eb0,Ib0 32 flat 32 segmented none: 15 19 32 20
TEST fixedb0,Ib0 32 none 32 segmented none: 15 32 19 20 107
PUSH Ib0s 32 none 32 flat none: 7 57 6 80 1 0 11 10 62 9
MOVZX Gv0,Eb0 32 flat64 32 long none: 58 3 4 40 108 24 22 16 87 13
MOV Ev0,Iz0 64 flat64 32 long none: 59 16 4 13 3 25 84
ADD Ev0,Gv0 64 register 32 segmented none: 16 4 41 3 60 13
LEA Gv0,M0 64 indexed64 32 long none: 61 4 3 16 86 41 13 60 85 45
PUSH Ev0 32 flat 32 flat none: 62 0 7 6 1 80 9
CMP Eb0,Ib0 32 flat 32 segmented none: 15 19 20 32 2 1 0
OR Ev0,Gv0 32 register 32 segmented none: 2 1 0 15 93 157 19 32 146 92
TEST Eb0,Ib0 32 flat64 32 long none: 17 23 35 26
CMP Ev0,Iz0 32 register 32 segmented none: 20 15 110 119 19 32 137 140
CMP Ev0,Gv0 32 flat 32 segmented none: 15 20 19 32 124 77 98 142 143
MOVZX Gv0,Eb0 32 register 32 segmented none: 1 2 68 75 47 8 0 266 74 21
SUB Gv0,Ev0 32 general 32 segmented none: 32 19 15
NOP  32 none 32 segmented none: 0 70 1 11 10
CMP Ev0,Ib0s 64 flat64 32 long none: 17 26 23 35 3 4 16
ROR Ev0,Ib0 32 register 32 segmented none: 33 2 11 1 72 49 95
AND fixedv0,Iz0 32 none 32 segmented none: 79 2 28 83 1 64 52
SHL Ev0,Ib0 32 register 32 segmented none: 33 64 2 1 115 0 36 49 46 9
MOV Gv0,Ev0 32 indexed 32 segmented none: 8 0 2 1 75 9 113 33 10 266
CMP Ev0,Ib0s 32 flat 32 segmented none: 15 19 20 32 2 0 140 119
JB Jb0 32 none 32 flat none: 0 1 9 31 11 2 10|113 0 1 21 2 75 9 303 11 5
CMP Eb0,Ib0 32 flat64 32 long none: 17 23 35 26 3 4
CMP fixedv0,Iz0 32 none 32 segmented none: 110 119 15 20 19 32 137 111 140
PUSH Iz0 32 none 32 flat none: 7 80 6 57 0 10 62
MOVSXD Gv0,Ez0 64 register 32 segmented none: 34 3 104 13 61 86 4 14 81
LEAVE  32 none 32 flat none: 18
OR Ev0,Ib0s 32 register 32 segmented none: 2 15 53 83 32 93 1 20 0 10
MOV Ev0,Iz0 32 flat64 32 long none: 84 16 13 4 3 37 24 22 39 25
SUB Ev0,Gv0 64 register 32 segmented none: 41 3 85 60 16 61 25 230 86 24
SHL Ev0,Ib0 64 register 32 segmented none: 60 114 61 169 16 104 13 4 85 86
LEA Gv0,M0 32 flat64 32 long none: 39 3 81 4 231 87 292 24 61 16
SHR Ev0,Ib0 64 register 32 segmented none: 3 114 86 16 41 88 61 39 60 13
CMP Eb0,Ib0 32 register 32 segmented none: 20 15 19 110 32 111 137 119
ADD Ev0,Iz0 32 register 32 segmented none: 1 38 6 5 0 47 2 138 7
MOV Eb0,Ib0 32 flat 32 segmented none: 0 91 2 9 29 1 44 11 10 21
AND Ev0,Gv0 32 register 32 segmented none: 64 0 1 11 92 49 2 31 33
MOV Eb0,Gb0 32 flat 32 segmented none: 0 48 1 9 21 2 93 7
CMP fixedb0,Ib0 32 none 32 segmented none: 20 15 19 32 110 111 119 10 137 109
ROL Ev0,Ib0 32 register 32 segmented none: 33 11 2 49 46 95 72
CMP Ev0,Ib0s 64 register 32 segmented none: 23 17 26 141 154 130 120 35
MOV Gv0,Ev0 32 general 32 segmented none: 2 0 1 38 8 97 31 9
JAE Jb0 32 none 32 flat none: 0 1 11 2 31 9 8|0 21 1 9 38 11 10 7 5 48
MOVZX Gv0,Ew0 32 flat 32 segmented none: 0 2 216 121 1 36 273 209 11 29
TEST fixedv0,Iz0 32 none 32 segmented none: 32 19 15 20
MOV Eb0,Ib0 32 flat64 32 long none: 101 4 13 3 16 24 37 40 45 22
TEST Ev0,Iz0 32 register 32 segmented none: 32 15 19 20 107
JAE Jb0 64 none 32 long none: 4 3 22 16 81 41 24 30 101|4 3 40 12 22 13 24 16 34 30
MOV Gv0,Ev0 64 indexed64 32 long none: 25 16 168 4 3 13 60 104 61 41
CMP Gv0,Ev0 32 flat 32 segmented none: 15 98 20 77 143 19 32 124 1
JB Jb0 64 none 32 long none: 4 3 41 22 34 45 24 123 12 37|4 3 30 40 41 22 81 24 16 25
CMOVNE Gv0,Ev0 32 register 32 segmented none: 1 107 0 2 11 18 115
MOV Eb0,Gb0 32 flat64 32 long none: 13 4 108 58 16 40 3 37 12 22
SBB Ev0,Gv0 32 register 32 segmented none: 36 52 2 124 77 0 272 11 73 312
JA Jb0 32 none 32 flat none: 0 1 10 9 8 28 2 11 21|0 1 9 10 11 48 21 36 5 28
SETE Eb0 32 register 32 segmented none: 68 306 1 64 42 74 21 8 33 2
MOVZX Gv0,Ew0 32 flat64 32 long none: 3 4 126 112 24 16 39 41 22 101
MOV Ev0,Gv0 32 indexed 32 segmented none: 21 0 1 9
ADD Gv0,Ev0 64 flat64 32 long none: 16 4 3 88 128 13 41 39 60
ADD Gv0,Ev0 32 flat 32 segmented none: 233 2 0 1 31 7
CALL_INDIRECT Ev0 64 register 32 long none: |27 14 3 4
SHL Ev0,fixedb1 32 register 32 segmented none: 1 136 2 53 0 8 33 38 64 117
CMP Ev0,Iz0 64 register 32 segmented none: 17 120 130 23 26 141 154 103 35 106
JA Jz0 32 none 32 flat none: 0 10 1 8 28 9|0 1 9 10 11 28 2
JA Jb0 64 none 32 long none: 4 3 22 30 25 24 120 87 34 16|4 3 22 12 40 30 58 34 131 16
MOV Ev0,Gv0 16 flat 32 segmented none: 0 9 121 1 10 29 11 99 66 8
ADD Ev0,Ib0s 32 flat 32 segmented none: 0 1 2 381 9 7 21 10 29
CMP Ev0,Gv0 64 flat64 32 long none: 17 26 23 35 106 103 133 151
JB Jz0 32 none 32 flat none: 0 1 9 31 2 8 63|0 21 10 1 2 11 66 9 122
SETNE Eb0 32 register 32 segmented none: 68 1 0 42 8 21 36 11 117 92
MOV Ev0,Gv0 16 general64 32 long none: 4 126 13 16 22 37 40 24 12 3
MOV Ov0,fixedv0 32 flat 32 segmented none: 127 0 10 54 2 21 11 8 5 1
AND Ev0,Gv0 64 register 32 segmented none: 3 129 41 4 88 61 114 128 169 16
CMP fixedv0,Iz0 64 none 32 segmented none: 120 130 17 26 23 141
JA Jz0 64 none 32 long none: 4 3 22 130 25 24 26 375 13|4 3 13 22 238 12 40 34 87 24
AND Ev0,Ib0s 64 register 32 segmented none: 41 16 3 85 96 50 4 131 155 190
CMOVE Gv0,Ev0 32 register 32 segmented none: 0 1 2 18 9 10 21 55 44 11
JB Jz0 64 none 32 long none: 4 3 34 58 22 25 37 41|4 22 3 34 87 13 118 16 40 25
ADD Ev0,Gv0 32 flat 32 segmented none: 0 242 1 21 134 9 2
CMP Ev0,Ib0s 32 flat64 32 long none: 17 23 26 35 141 154 4 152 16 120
NOT Ev0 32 register 32 segmented none: 92 136 2 36 1 204 402 0
JBE Jb0 32 none 32 flat none: 0 10 28 1 9 6 29 66 11 36|0 1 10 28 8 9 11 21 5
MOV Ev0,Iz0 32 register 32 segmented none: 0 2 138 9 1 97 8
ADD Ev0,Iz0 64 register 32 segmented none: 12 13 3 16 37 41 30 40
JBE Jz0 32 none 32 flat none: 0 66 28 1 9 10|0 66 28 21 10 11 9 1 8
JBE Jb0 64 none 32 long none: 4 3 34 22 131 16 141 58 87 24|3 4 16 22 25 12 34 40 30 81
JLE Jb0 32 none 32 flat none: 0 1 9 10 5 11 63 67 8 38|0 21 1 10 5 2 11 76 75 31
JAE Jz0 32 none 32 flat none: 0 1 2 8 38 21 9 18 10 44|0 9 7 46 10 1 11 21 90 2
UD  32 none 32 segmented none: 0 9 10 44 11 43 21 51
MOVSXD Gv0,Ez0 64 flat64 32 long none: 4 3 114 61 60 24 145 22 25 14
JS Jb0 32 none 32 flat none: 0 1 9 2 5 8 10 31|0 1 9 10 11 21 2 5
INC Gv0 32 none 32 segmented none: 43 2 28 42 147 182 0 21 19
ADD fixedv0,Iz0 32 none 32 segmented none: 7 2 6 31 1 73 138 47 264
AND Eb0,Ib0 32 register 32 segmented none: 15 19 32 2 9 20 73 125
MOVZX Gv0,Ew0 32 register 32 segmented none: 1 47 2 150 10 9 8 7 11 6
JAE Jz0 64 none 32 long none: 4 3 22 25 151 24 37 41 78 16|4 40 22 3 12 24 34 25 50
JLE Jb0 64 none 32 long none: 4 3 12 22 81 87 24 78 30 163|4 22 12 3 40 81 30
JS Jb0 64 none 32 long none: 4 24 3 22 16 30 12 153 25 13|4 3 12 40 16 30 34
JBE Jz0 64 none 32 long none: 4 3 154 22 131 24 87 155|4 22 3 16 375 40 58 13 87 39
CMP Gv0,Ev0 64 flat64 32 long none: 17 26 103 106 23 35 133 151
STOSW  32 none 32 flat rep: 0 9 1 10 54 156 8 2
JS Jz0 32 none 32 flat none: 0 1 9 2 10 48 55|0 1 9 7 21 11 10 54 20
STOSW  64 none 64 long rep: 3 4 24 158 16 25 22
LEA Gv0,M0 32 indexed64 32 long none: 3 159 39 13 85 61 81 22 88 178
SAR Ev0,Ib0 32 register 32 segmented none: 192 2 33 36 1 46 31 0
AND Ev0,Iz0 64 register 32 segmented none: 37 161 128 114 41 24 3 183 16 25
NEG Ev0 32 register 32 segmented none: 92 109 196 308 8 2 10 1 0 264
CMP Ev0,Gv0 32 flat64 32 long none: 23 17 26 35 152 133 215 103 106 310
SUB Gv0,Ev0 32 flat 32 segmented none: 234 2 160 47 1 0 31 124 9 8
JS Jz0 64 none 32 long none: 4 22 3 16 41 58 24 165 34 13|4 3 13 22 26 34 40 12 30
SUB Ev0,Iz0 64 register 32 segmented none: 16 166 4 39 22 3
XADD Ev0,Gv0 32 flat 32 segmented none: 8 28
MOV Ev0,Gv0 64 indexed64 32 long none: 4 40 3 85 37 24 25 168 45 16
OR Ev0,Gv0 64 register 32 segmented none: 16 3 41 183 4 190 169 23 45 435
CMP Ev0,Ib0s 16 register 32 segmented none: 15 20 119 19 32 110 125 137 140 414
SUB Gv0,Ev0 64 flat64 32 long none: 60 230 88 16 4 61 3 25 118 39
CMOVNE Gv0,Ev0 64 register 32 segmented none: 4 183 3 30 16 37 41 13 22 85
CMP Eb0,Gb0 32 register 32 segmented none: 19 15 20 77 143 32 257
ADD Ev0,Ib0s 32 flat64 32 long none: 4 3 22 13 16 34 37 174 45 65
MOV Gv0,Ev0 32 general64 32 long none: 13 39 175 4 81 163 22 37 14 16
ADD Ev0,Gv0 64 flat64 32 long none: 4 176 3 12 45 37 22 25 40 317
CLI  32 none 32 segmented none: 0 10 51 7 1 2 436 437 369 11
CMP Gv0,Ev0 32 flat64 32 long none: 103 151 3 106 23 26 310 35 17 133
INC Ev0 32 general 32 segmented none: 0 1 54 10 97 180 9 7 51 49
DEC Ev0 32 general 32 segmented none: 15 20 180 111 32
OR Ev0,Iz0 32 register 32 segmented none: 2 53 147 1 0 83 56 210 10 36
MOV Gb0,Eb0 32 flat 32 segmented none: 42 93 94 89 173 9 182 117 36
NOT Ev0 64 register 32 segmented none: 128 25 3 183 263 131 114 438
JLE Jz0 32 none 32 flat none: 0 11 9 1 8 89 29 10 2 44|0 1 89 11 29 21 75 7 38
OR Gv0,Ev0 32 flat 32 segmented none: 2 15 32 185 19 20 0 1 64
IMUL Gv0,Ev0 32 register 32 segmented none: 186 1 2 31 11 0 33 275 49 222
CMOVB Gv0,Ev0 32 register 32 segmented none: 0 2 10 67 21 1 8 187 47 31
DIV Ev0 32 register 32 segmented none: 1 2 0 10 33 31
JLE Jz0 64 none 32 long none: 189 4 3 81 13 25 87 40 22 12|4 22 3 40 13 84 81 24 78 39
OR Ev0,Ib0s 64 register 32 segmented none: 16 190 41 4 183 131 37 3
SUB Ev0,Iz0 32 register 32 segmented none: 2 0 7 92 51 89 356 9 1
IMUL Gv0,Ev0,Iz0 32 register 32 segmented none: 47 2 33 0 74 1 46 5 10 49
STI  32 none 32 segmented none: 0 44 10 43 1 9 21 5 8 7
SHL Ev0,fixedb1 64 register 32 segmented none: 3 50 60 41 183 22 128 194 61 25
OR Eb0,Ib0 32 flat 32 segmented none: 0 195 2 44 9 5 10 11 1 48
SHR Ev0,fixedb1 32 register 32 segmented none: 53 36 92 1 31 0 335 2 8 33
JG Jb0 32 none 32 flat none: 0 9 10 28 11 43 94 1 21 75|0 1 10 9 2 21 75 31 28
XOR Eb0,Gb0 32 register 32 segmented none: 31 2 36 55 0 67 1 64
OR Eb0,Ib0 32 flat64 32 long none: 199 4 16 37 3 22 12 58 30 13
XADD Ev0,Gv0 32 flat64 32 long none: 212 87 81 34 45 30 4
MOV Gv0,Ev0 32 indexed64 32 long none: 270 329 13 39 305 201 24 208 439
AND fixedv0,Iz0 64 none 32 segmented none: 161 183 3 114 16 320 169 60 128 129
JNS Jb0 32 none 32 flat none: 0 80 10 2 73 1 9 144 76 8|0 9 1 21 10 11 2 15 8 7
AND Gv0,Ev0 32 flat 32 segmented none: 204 64 2 19 9 15 117 8 20 136
CMP fixedv0,Iz0 16 none 32 segmented none: 15 20 32 19 125
OR Ev0,Ib0s 32 flat 32 segmented none: 0 206 1 44 29 51 11 10 7 9
CMP Ev0,Iz0 32 flat 32 segmented none: 15 20 19 32 2 0 111 1 110
SHR Ev0,fixedb1 64 register 32 segmented none: 25 60 41 128 3 440 305 96 208 4
TEST Ev0,Gv0 16 register 32 segmented none: 15 20 19 32 132 10 125 146
TEST Ev0,Iz0 32 flat 32 segmented none: 15 19 32 20 107 132
CMOVE Gv0,Ev0 64 register 32 segmented none: 30 4 3 13 16 128 45 24 37 88
DEC Ev0 32 general64 32 long none: 17 26 212 35 23
OR Eb0,Ib0 32 register 32 segmented none: 53 2 1 36 7 102 9 29 28 0
IMUL Gv0,Ev0 64 register 32 segmented none: 3 214 88 60 86 61 399
JG Jb0 64 none 32 long none: 4 3 22 45 12 24 37 215 87 13|4 3 81 22 13 16 12 87 41
AND fixedv0,Iz0 16 none 32 segmented none: 205 15
INC Ev0 32 general64 32 long none: 22 4 212 34 175 13 174 217 3 30
JNS Jb0 64 none 32 long none: 4 34 3 101 16 60 183 25 45 78|4 12 3 41 34 40 22 13 17
INC Ev0 32 flat 32 segmented none: 0 1 2 11 44 43 9 5 10
ADD Gv0,Ev0 32 indexed 32 segmented none: 0 2 1 33 9 283 113 7 63 31
JG Jz0 32 none 32 flat none: 0 9 8 10 1 38 11 221 28|0 79 1 10 228 63 91 21
MUL Ev0 32 register 32 segmented none: 1 47 33 0 2 10 11
CMOVA Gv0,Ev0 32 register 32 segmented none: 2 1 8 0 11 10 33 46 21 48
JG Jz0 64 none 32 long none: 4 22 3 25 78 224 87 34 37 16|4 22 78 25 3 84 12 88 30
ADD Gv0,Ev0 32 general 32 segmented none: 0 2 7 1 48 67 9 134 51
CMPXCHG Ev0,Gv0 32 flat 32 segmented none: 19 32 111 2 31
PUSHF  32 none 32 flat none: 5 441
SUB Ev0,Ib0s 32 flat 32 segmented none: 0 180 19 32 29 15 9 7
CALL_INDIRECT Ev0 64 flat64 32 long none: |27 14 3 4
SAR Ev0,Ib0 64 register 32 segmented none: 86 3 41 230 16 13 85 175 61 214
CBW  64 none 32 segmented none: 104 61 86 4 60 30 168 16 240 3
SETB Eb0 32 register 32 segmented none: 47 42 68 18 77 262 1 2 10 5
ADC Gv0,Ev0 32 flat 32 segmented none: 2 0 11 1 10 115 9 164
SBB Gv0,Ev0 32 flat 32 segmented none: 2 8 77 98 31 1 11 124 0 143
IMUL Gv0,Ev0,Ib0s 32 register 32 segmented none: 0 115 33 46 10 1 2 9 222 11
SHR Ev0,oneb0 32 register 32 segmented none: 36 2 98 31 1 49 10 11 38 33
INC Ev0 32 register 32 segmented none: 10 33 28 31 42 79 237
INC Ev0 64 register 32 segmented none: 45 96 78 37 108 118 16 238 60 41
MOVUPS Wx0,Vx0 32 indexed64 32 long none: 239 16 25 3 41 4 376
MOVZX Gv0,Eb0 32 indexed64 32 long none: 240 352 108 37 4 24 3 87 45 201
CMP Ev0,Iz0 16 register 32 segmented none: 15 19 20 32 119 110 111
ADC Ev0,Gv0 32 flat 32 segmented none: 0 134 44 9 1 21 43 2 7
MOVZX Gv0,Eb0 32 indexed 32 segmented none: 74 0 93 357 2 1 9 31 243 48
DEC Ev0 32 flat 32 segmented none: 15 20 19 0 29 32
MOV Gb0,Eb0 32 flat64 32 long none: 108 238 87 24 16 101 245 3
CMOVB Gv0,Ev0 64 register 32 segmented none: 4 16 123 199 3 265 41 85 37 112
OR Ev0,Ib0s 32 flat64 32 long none: 247 4 22 65 24 71 37 16 13 217
AND Eb0,Ib0 32 flat64 32 long none: 248 3 4 12 16 13 45 22 41 40
XOR Gv0,Ev0 32 flat 32 segmented none: 2 266 64 0 249 1 260 204 68 21
ADD Gv0,Ev0 64 general64 32 long none: 4 13 22 58 37 3 65 16 123 24
OR Ev0,Iz0 32 flat 32 segmented none: 0 2 8 44 251 29 227 1 442 10
DEC Gv0 32 none 32 segmented none: 98 2 0 15 19 43 146 31 1 6
AND Eb0,Ib0 32 flat 32 segmented none: 253 0 5 10 1 7 9 11 29 146
XOR Ev0,Gv0 64 register 32 segmented none: 4 254 3 399 128 16 214 263 25 183
OR fixedv0,Iz0 32 none 32 segmented none: 2 1 213 6 443 36 181 10 29 42
NEG Ev0 64 register 32 segmented none: 128 3 348 25 13 61 85 41
CMOVAE Gv0,Ev0 32 register 32 segmented none: 2 0 1 33 257 31 10 8 67
CMP Eb0,Gb0 32 flat 32 segmented none: 32 19 20 98 15 143 77
PUSH Ib0s 64 none 32 long none: 13 259 3 24 34 22 14 37
BSWAP Gv0 32 none 32 segmented none: 2 11 249 1 260 113
MOV Gv0,Ev0 64 general64 32 long none: 25 41 261 96 4 65 355 240 183 3
XOR Ev0,Ib0s 32 register 32 segmented none: 36 68 94 44 1 92 64 15 83
AND Gv0,Ev0 64 flat64 32 long none: 88 3 23 16 169 17 30 24 263 26
ADC Ev0,Ib0s 32 register 32 segmented none: 2 1 11 21 67 31 162 33 291 127
CMOVAE Gv0,Ev0 64 register 32 segmented none: 60 41 16 267 3 4 71 265 45 13
XOR Gv0,Ev0 32 indexed 32 segmented none: 0 1 249 68 2 266 113 48
TEST Ev0,Iz0 64 register 32 segmented none: 26 35 17 23
MOVSW  32 none 32 flat rep: 0 1 43 44 21 9 10 268 79 29
CMOVBE Gv0,Ev0 32 register 32 segmented none: 79 1 8 0 31 46 11 21 2 67
XOR Gv0,Ev0 32 indexed64 32 long none: 81 270 339 87 12 41
MOV_TO_SEG S0,Ew0 32 register 32 segmented none: 271 11 1 10 294 97 43 444 316 445
JGE Jb0 32 none 32 flat none: 0 2 9 54 31 76 29 10 332 11|0 9 15 21 1 5 48 2 33
AND Ev0,Iz0 16 register 32 segmented none: 241 64 1 47
BT Ev0,Gv0 32 flat 32 segmented none: 98 77 232 143 124 446 99
MUL Ev0 32 flat 32 segmented none: 33 1 2 0 10
JMP_INDIRECT Ev0 64 register 32 long none: 
XCHG Ev0,Gv0 32 flat 32 segmented none: 28 8 11 0 10
INC Ev0 32 flat64 32 long none: 4 3 24 13 30 16 37 278
SHR Eb0,Ib0 32 register 32 segmented none: 36 68 89 1 94 74 279 64
SUB fixedv0,Iz0 32 none 32 segmented none: 31 92 1 73 2 6 179 5 8 46
ADD fixedv0,Iz0 64 none 32 segmented none: 41 16 129 88 22 30 4 355
PCMPEQB Vx0,Wx0 32 register 32 segmented none: 284 282 9 21 11 447 448
ADC Ev0,Gv0 32 register 32 segmented none: 2 0 9 113 1 11 31 8 6
PMOVMSKB Gd0,Ux0 32 register 32 segmented none: 8 284 327 64 9
CMOVA Gv0,Ev0 64 register 32 segmented none: 16 4 3 41 30 85 25 171 285 114
BSR Gv0,Ev0 32 register 32 segmented none: 132 21 1 38
MOV Eb0,Gb0 32 register 32 segmented none: 149 1 287 99 370 121
PUSHF  64 none 32 long none: 12
ADD Gv0,Ev0 32 flat64 32 long none: 39 4 289 13 133 85 22 391
VPMOVMSKB Gd0,UY0 32 register 32 segmented none: 40 96 208 449 86 450 50 85 87
SHRD Ev0,Gv0,Ib0 32 register 32 segmented none: 47 236 1 2 36 160 67 134 0 31
CMPXCHG Ev0,Gv0 32 flat64 32 long none: 35 23
BT Ev0,Gv0 64 flat64 32 long none: 103 106 151 133
MOV Ev0,Gv0 32 general 32 segmented none: 10 138 9 294 0 51 11 52 5
OR Ev0,Iz0 32 flat64 32 long none: 22 3 4 295 16 13 30 58 37 39
AND Ev0,Iz0 32 flat 32 segmented none: 0 1 2 9 298 29 8 7 210 44
CMP Ev0,Ib0s 16 flat 32 segmented none: 20 19 32 15 2
OR Ev0,Gv0 32 flat 32 segmented none: 0 21 2 9 43 44 298 1 7
CWD  32 none 32 segmented none: 451 1 2 33 43 387 54 9 10 452
CMP Ev0,Ib0s 16 general64 32 long none: 26 23 35 17 172 3 4
ADD Gv0,Ev0 64 indexed64 32 long none: 4 3 24 16 13 78 45 22
DEC Ev0 32 flat64 32 long none: 17 26 23 4 59 35
MOV Ev0,Iz0 32 indexed 32 segmented none: 21 0 1 2 28 43 75 46
PXOR Vx0,Wx0 32 register 32 segmented none: 282 304 1 36 447 453 454 455 21
MUL Ev0 64 register 32 segmented none: 456 88 3 457
OR Eb0,Gb0 32 register 32 segmented none: 19 32 15 10 20
CPUID  32 none 32 segmented none: 2 1 8 79 90 458 52
CMOVS Gv0,Ev0 32 register 32 segmented none: 0 31 33 8 11 308 1 21 10 105
ADD Ev0,Gv0 32 flat64 32 long none: 309 12 22 4 30 39 178 3 16 45
JGE Jb0 64 none 32 long none: 4 22 39 84 12 37 41 3 393 145|30 22 17 4 81 41 114 12 3 16
CMOVG Gv0,Ev0 32 register 32 segmented none: 2 11 31 9 8 0 38 18 1 7
JL Jb0 32 none 32 flat none: 0 29 2 459 1 31 9 46|0 105 9 5 48 57 75
VZEROUPPER  64 none 32 segmented none: 30
TZCNT Gv0,Ev0 32 register 32 segmented none: 33 1 28 2 117 31 460 46 38
MOV Gb0,Ib0 32 none 32 segmented none: 412 10 1 132 357 5 76 43 28 0
MOV Gb0,Eb0 32 general 32 segmented none: 42 366 1 316 461 74 162 9 459 0
ADD Ev0,Ib0s 64 flat64 32 long none: 4 25 317 3 40 59 35 45 16 27
IMUL Gv0,Ev0,Iz0 64 register 32 segmented none: 60 61 88 3 4 281 85 114 318 13
SUB Ev0,Gv0 32 flat 32 segmented none: 0 462 134 9 1 32 46 54 10 44
OR Gv0,Ev0 64 flat64 32 long none: 169 190 16 263 3 320
BT Ev0,Ib0 64 register 32 segmented none: 103 133 151 106
SHR Ev0,oneb0 64 register 32 segmented none: 61 183 4 85 305 41 60 16 3 23
BTS Ev0,Gv0 32 flat 32 segmented none: 0 48 9 21 10 76 323 55 44 49
DIV Ev0 64 register 32 segmented none: 3 41 16 30 85 39 25 86 24 4
MOV Ev0,Gv0 16 indexed 32 segmented none: 0 44 9 21 79 76 2 121 43 11
MOVZX Gv0,Ew0 32 indexed64 32 long none: 126 3 4 155 39 22 87
SAR Ev0,fixedb1 32 register 32 segmented none: 36 8 31 1 56 0 53 2 204 327
SUB Ev0,Ib0s 32 flat64 32 long none: 23 22 17 212 35 13 4 45 39 328
MOV Ev0,Gv0 32 indexed64 32 long none: 40 37 4 163 45 365 329 12 22 178
MOVAPS Wx0,Vx0 32 indexed64 32 long none: 330 24 16 40 25 13 41
BT Ev0,Ib0 32 register 32 segmented none: 98 77 143 124
CMP Gb0,Eb0 32 flat 32 segmented none: 15 19 143 98 20 124
MOVDQA Vx0,Wx0 32 indexed 32 segmented none: 282 333 453 454 10
MOVZX Gv0,Ew0 32 indexed 32 segmented none: 121 1 0 2 325 9 209 21 243
SHRD Ev0,Gv0,fixedb1 32 register 32 segmented none: 196 53 11 327
POP Gv0 32 none 32 segmented none: 336 463 464 465 466 467
AND Ev0,Ib0s 32 flat 32 segmented none: 29 0 63 2 55 337 11 9 180 121
AND Gv0,Ev0 32 flat64 32 long none: 338 17 23 35 61 104 26 39 22
XOR Gv0,Ev0 32 flat64 32 long none: 270 338 39 81 40 22 4
VPCMPEQB VY0,HY0,WY0 32 register 32 segmented none: 290 468 340 469
STOSW  32 none 64 long rep: 3 4 24 34 22 17 16 341
CALL_INDIRECT Ev0 32 general 32 flat none: |9 6 420 0
MOVSW  64 none 64 long rep: 4 12 37 3 24 343 30 59 45 174
CALL_INDIRECT Ev0 32 register 32 flat none: |9 6 420 0
JL Jb0 64 none 32 long none: 84 81 4 22 41 470 159 86 17 39|22 178 375 61 39 3 4 30
BTS Ev0,Gv0 64 flat64 32 long none: 4 58 22 65 40 12 278 159 346 248
TEST Ev0,Iz0 32 flat64 32 long none: 23 35 17 26 59
CMOVS Gv0,Ev0 64 register 32 segmented none: 60 41 25 3 88 40 4 417 348 155
JNS Jz0 64 none 32 long none: 4 3 65 24 34 37 349 22 118|4 3 16 22 78 40 165 65 174 302
MOV Eb0,Ib0 32 indexed64 32 long none: 4 24 16 25 45 87 3 37 350 12
MOV Gb0,Eb0 32 general64 32 long none: 471 472 24 3 351 256 175
MOV Eb0,Gb0 32 indexed64 32 long none: 40 145 238 22 4 352 3
MOV Eb0,Ib0 32 indexed 32 segmented none: 0 9 21 43 1 28 8 49 6 10
VMOVDQU WY0,VY0 32 general64 32 long none: 354 434 313 340 40 85
MOV Ev0,Gv0 64 general64 32 long none: 4 355 71 12 41 129 34 13 199
MOVDQA Wx0,Vx0 32 indexed 32 segmented none: 356 9 473
MOV Eb0,Gb0 32 indexed 32 segmented none: 0 21 147 11 48 105 42 182
JNS Jz0 32 none 32 flat none: 0 1 44 9 10 55 51 54 6 11|0 63 2 10 9 8 122 244 21 55
SYSCALL  32 none 32 long none: 
XCHG Ev0,Gv0 32 flat64 32 long none: 34 217 22 71 4 13 27 3 40 37
JGE Jz0 32 none 32 flat none: 0 1 8 9 10 207 49 54|0 63 9 21 74 28 1 7
CMP Ev0,Iz0 64 flat64 32 long none: 17 26 35 23 22 3
TEST Ev0,Iz0 64 flat64 32 long none: 23 26 35 17 58
SETNE Eb0 32 flat 32 segmented none: 57 8 48 5 11 44 33 76 68 10
OR Gv0,Ev0 32 flat64 32 long none: 39 23 35 329 26 365 135 22 4 108
MOVSX Gv0,Eb0 32 register 32 segmented none: 33 8 1 38 49 162 308 9 21 68
PUSH Gv0 32 none 32 segmented none: 367 1 38 474
CMOVLE Gv0,Ev0 32 register 32 segmented none: 31 11 46 2 33 8 63 1 6 76
BTS Ev0,Ib0 32 flat 32 segmented none: 0 124 98 29 77 76 9 28 99 1
OUT fixedw2,fixedb0 32 none 32 segmented none: 
DEC Ev0 32 register 32 segmented none: 10 47 315 64 1 111 117 79
MOVSX Gv0,Eb0 32 flat 32 segmented none: 2 42 21 73 7 10 89 1 31 9
NOP Ev0 16 general64 32 long none: 4 3 78 22 41 58 295 85 229
VPCMPEQB VY0,HY0,WY0 32 general64 32 long none: 290 340 374
VMOVDQU VY0,WY0 32 general64 32 long none: 374 375 354 340 96 475
MOVDQU Vx0,Wx0 32 indexed64 32 long none: 476 239 376 40 4 422 24 16
JL Jz0 32 none 32 flat none: 0 10 62 44 8 20 122 369 28 67|0 11 1 48 2 9
CALL_INDIRECT Ev0 32 flat 32 flat none: |9 6 420 0
BT Ev0,Gv0 32 register 32 segmented none: 98 124 143 232 77 446
CMOVE Gv0,Ev0 32 flat 32 segmented none: 75 2 0 11 74 44 1 9 380 125
ADC Ev0,Ib0s 32 flat 32 segmented none: 0 381 43 122 2 51 7 28 21 11
CMP Eb0,Gb0 32 flat64 32 long none: 23 17 103 26 151 106 35
OR Ev0,Gv0 32 flat64 32 long none: 22 16 4 45 40 13 3 37 39 23
AND Ev0,Iz0 32 flat64 32 long none: 3 22 4 16 384 383 13 37 12 24
BT Ev0,Gv0 64 register 32 segmented none: 106 151 103 133 39
SAR Ev0,oneb0 32 register 32 segmented none: 2 28 21 36 31 7 8 46 74 15
SHLD Ev0,Gv0,fixedb1 32 register 32 segmented none: 117 11
CMOVNS Gv0,Ev0 32 register 32 segmented none: 2 33 11 21 5 0 1 160 8
IMUL Gv0,Ev0,Ib0s 64 register 32 segmented none: 60 61 16 24 114 4 14 87 13 104
SUB fixedv0,Iz0 64 none 32 segmented none: 85 30 176 41 16 3 25 230
SUB Gv0,Ev0 32 flat64 32 long none: 178 3 4 163 13 39 87 81 133 139
CMP Eb0,Ib0 32 indexed 32 segmented none: 15 19 20 32 111 9
CMP Ev0,Iz0 32 flat64 32 long none: 23 17 35 26 130 16
CMOVBE Gv0,Ev0 64 register 32 segmented none: 3 41 16 4 25 13 85
PUSH Ev0 64 flat64 32 long none: 395 14 4 22 171 3
SETG Eb0 32 register 32 segmented none: 68 33 8 0 1 297 49 2 396 18
CMOVGE Gv0,Ev0 32 register 32 segmented none: 1 397 0 2 9 46 51 70 67 31
LEAVE  64 none 32 long none: 30 37 305 208
ROL Ev0,Ib0 64 register 32 segmented none: 60 254 86 16 214 399
MOV Gv0,Ev0 16 flat 32 segmented none: 1 121 370 209 205
CMOVL Gv0,Ev0 32 register 32 segmented none: 0 2 31 9 10 62 105 127 1 21
AND Ev0,Gv0 32 flat 32 segmented none: 21 402 0 54 121 43 1 253 15 8
BTR Ev0,Gv0 32 flat 32 segmented none: 1 0 98 105 2 75 91 66
TZCNT Gv0,Ev0 64 register 32 segmented none: 60 45 50 41 61 404 39 159
CMOVAE Gv0,Ev0 32 flat 32 segmented none: 2 33 150 8 1 11 6
MOV Ov0,fixedv0 16 flat 32 segmented none: 10 406 54
OR Ev0,Ib0s 64 flat64 32 long none: 3 407 22 24 12 65 194 13 34 45
INC Ev0 64 general64 32 long none: 4 37 13 39 212 34 174 30 114 12
XOR Ev0,Iz0 32 register 32 segmented none: 95 136 46 2 83 11 64 6 191 33
JGE Jz0 64 none 32 long none: 4 81 87 65 25 159 16 22 27 145|22 4 78 81 86 3 108 12 88 87
SBB Ev0,Ib0s 32 register 32 segmented none: 21 134 11 122 33 9 0 401 28 2
OUT Ib0,fixedb0 32 none 32 segmented none: 
SHR Ev0,Ib0 16 register 32 segmented none: 46 36 173 1 150 48
SETA Eb0 32 register 32 segmented none: 68 11 33 1 92 9 414 49 89 42
MOV_FROM_SEG Rv0,S0 16 register 32 segmented none: 271 415 150 427 74 477 478
PCMPISTRI Vx0,Wx0,Ib0 32 register 32 segmented none: 1 46 111 77 33 137
CMPXCHG Ev0,Gv0 64 flat64 32 long none: 23 35 16 4 41
BTS Ev0,Ib0 64 flat64 32 long none: 133 22 3 103 4 71 106 25 418 65
CMP Eb0,Ib0 32 indexed64 32 long none: 17 23 35 24 26
JMP_INDIRECT Ev0 32 register 32 flat none: 
CMP Ev0,Gv0 32 indexed 32 segmented none: 15 19 98 479 77 32 111
MOVD Vy0,Ey0 64 register 32 segmented none: 16 422 39 376 24 40 176 4 3 61
SETBE Eb0 32 register 32 segmented none: 28 42 173 66 18 480 68 1 306
OR Ev0,Iz0 64 register 32 segmented none: 65 4 24 16 85 481 61 40 25 37
AND Ev0,Ib0s 32 flat64 32 long none: 78 425 13 4 84 65 3 129 16 126
BSR Gv0,Ev0 64 register 32 segmented none: 87 61 482 159 194 22
CMP Ev0,Gv0 16 register 32 segmented none: 19 223 187 32 15 143 124 483
MOVSB  32 none 32 flat rep: 1 5 0 2 9 7 10 8 182 38
IMUL Gv0,Ev0,Ib0s 32 flat 32 segmented none: 0 115 33 49 7 10 21 75 1
CMP Ev0,Ib0s 64 indexed64 32 long none: 17 23 35 26 24
MOV Ov0,fixedv0 32 general 32 segmented none: 0 21 76 10 7 44 66 484 6 54
SETE Eb0 32 flat 32 segmented none: 2 48 125 36 32 8 485 111 7 73
ADD Eb0,Ib0 32 flat 32 segmented none: 0 325 93 9 46 44 2 11
VMOVDQA VY0,WY0 32 general64 32 long none: 340 354 434 486 487
SETNE Eb0 32 flat64 32 long none
CLD  32 none 32 segmented none
MOV fixedv0,Ov0 16 general 32 segmented none
AND Ev0,Gv0 64 flat64 32 long none
ADD Gv0,Ev0 32 indexed64 32 long none
AND Gv0,Ev0 64 indexed64 32 long none
POP Ev0 32 flat 32 flat none
PUSH_SS  32 none 32 flat none
OUT fixedw2,fixedz0 32 none 32 segmented none
MOV Gv0,Ev0 16 general 32 segmented none
MOV fixedb0,Ob0 32 general 32 segmented none
SETB Eb0 32 flat 32 segmented none
PTEST Vx0,Wx0 32 register 32 segmented none
PMAXUB Vx0,Wx0 32 register 32 segmented none
SARX Gy0,Ey0,By0 32 register 32 segmented none
BLSMSK By0,Ey0 32 register 32 segmented none
IDIV Ev0 32 register 32 segmented none
IDIV Ev0 32 flat 32 segmented none
PSHUFB Vx0,Wx0 32 register 32 segmented none
MOVDQA Vx0,Wx0 32 register 32 segmented none
MOVLPD Vq0,Mq0 32 indexed 32 segmented none
SHRD Ev0,Gv0,Ib0 64 register 32 segmented none
SHRD Ev0,Gv0,fixedb1 64 register 32 segmented none
XCHG Ev0,Gv0 32 register 32 segmented none
MOV Eb0,Gb0 32 general 32 segmented none
BTR Ev0,Gv0 32 register 32 segmented none
CMPXCHG Eb0,Gb0 32 general 32 segmented none
SBB Ev0,Gv0 32 flat 32 segmented none
RET  32 none 32 segmented none
RET Iw0 16 none 32 segmented none
JMP Jz0 16 none 32 segmented none
IRET  16 none 32 segmented none
POP Gv0 16 none 32 segmented none
VPANDN VY0,HY0,WY0 32 register 32 segmented none
VPOR VY0,HY0,WY0 32 register 32 segmented none
MOV Eb0,Gb0 32 general64 32 long none
MOVSX Gv0,Eb0 64 register 32 segmented none
CMPXCHG Eb0,Gb0 32 general64 32 long none
MOVQ Wq0,Vq0 32 indexed 32 segmented none
PUSH Iz0 32 none 32 segmented none
VPADDB VY0,HY0,WY0 32 register 32 segmented none
MOVDQA Vx0,Wx0 32 indexed64 32 long none
MOV Ov0,fixedv0 16 general 32 segmented none
CALL Jz0 16 none 32 segmented none
SBB Gv0,Ev0 32 indexed 32 segmented none
AND Eb0,Gb0 32 register 32 segmented none
OR fixedv0,Iz0 64 none 32 segmented none
BSR Gv0,Ev0 64 flat64 32 long none
JNE Jb0 16 none 32 segmented none
MOV Eb0,Ib0 32 general 32 segmented none
OR Gb0,Eb0 32 flat 32 segmented none
VPMINUB VY0,HY0,WY0 32 general64 32 long none
VPXOR VY0,HY0,WY0 32 register 32 segmented none
`;
