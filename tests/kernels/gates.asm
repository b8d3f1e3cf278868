; Gates and privilege: call gates of both sizes with parameters, interrupt and trap gates of both sizes, conforming
; segments, far jumps, calls and returns between levels, and what they refuse. [SDM3 5.8, 6.12]
%include "kernel.inc"

CODE16      equ SLOT(0)          ; level 0, base BASE, 64 KiB
GATE0       equ SLOT(1)
CONFORMING  equ SLOT(2)          ; level 0, conforming
DATA_SLOT   equ SLOT(3)
GATE1       equ SLOT(4)
CODE1       equ SLOT(5)          ; level 1
STACK1      equ SLOT(6)
STACK16     equ SLOT(7)          ; level 0, 16 bits, base BASE + 10000h
SMALL       equ SLOT(8)
UCODE16     equ SLOT(10)         ; level 3, base BASE, 64 KiB

main:
    DESCRIPTOR CODE16, BASE, 0xffff, 0x009a
    DESCRIPTOR CONFORMING, 0, 0xfffff, 0xc09e
    DESCRIPTOR CODE1, 0, 0xfffff, 0xc0ba
    DESCRIPTOR STACK1, 0, 0xfffff, 0xc0b2
    DESCRIPTOR STACK16, BASE + 0x10000, 0xffff, 0x0092
    DESCRIPTOR UCODE16, BASE, 0xffff, 0x00fa
    mov dword [TSS + 12], 0x3d000
    mov dword [TSS + 16], STACK1 | 1

    CASE "far call and return in one level"
    TRY call KCS:far_32
    VAL ebx
    DONE
    CASE "far call to 16-bit code and back with a 32-bit operand"
    TRY call CODE16:(far_16 - BASE)
    VAL ebx
    DONE
    CASE "far jump to a data segment"
    TRY jmp KDS:0
    DONE
    CASE "far jump to a null selector"
    TRY jmp 0:0
    DONE
    CASE "far jump past the limit of the gdt"
    TRY jmp 0x2000:0
    DONE
    CASE "far jump to an outer level"
    TRY jmp UCS:0
    DONE
    CASE "far jump with an rpl that is too high"
    TRY jmp KCS | 3:0
    DONE
    CASE "far jump past the limit of the target"
    DESCRIPTOR SMALL, BASE, 0xff, 0x409a
    TRY jmp SMALL:0x100
    DONE
    CASE "far jump to a segment that is not present"
    DESCRIPTOR SMALL, BASE, 0xff, 0x401a
    TRY jmp SMALL:0
    DONE
    CASE "far jump to an ldt's descriptor"
    DESCRIPTOR SMALL, BASE, 0xff, 0x0082
    TRY jmp SMALL:0
    DONE
    CASE "far jump to an interrupt gate in the gdt"
    GATE GDT_GATE(GATE0), KCS, far_32, 0x8e, 0
    TRY jmp GATE0:0
    DONE
    CASE "the accessed bit is set by a far jump"
    DESCRIPTOR SMALL, 0, 0xfffff, 0xc09a
    TRY call SMALL:far_32
    mov eax, [gdt + SMALL + 4]
    VAL eax
    DONE
    CASE "far jump to a conforming segment of an inner level from level 3"
    USER user_conforming
    mov eax, [DATA]
    VAL eax
    DONE
    CASE "far jump to a code segment of an inner level from level 3"
    USER user_jump_inner
    DONE
    CASE "call gate in one level"
    GATE GDT_GATE(GATE0), KCS, far_32, 0x8c, 0
    TRY call GATE0:0
    VAL ebx
    DONE
    CASE "call gate, dpl below cpl"
    USER user_call_gate
    DONE
    CASE "call gate from level 3 with parameters"
    GATE GDT_GATE(GATE0), KCS, gate_32, 0xec, 3
    USER user_call_gate
    mov eax, [DATA + 4]
    VAL eax
    mov eax, [DATA + 8]
    VAL eax
    DONE
    CASE "call gate from level 3, 31 parameters"
    GATE GDT_GATE(GATE0), KCS, gate_31, 0xec, 31
    USER user_call_31
    DONE
    CASE "16-bit call gate from level 3 with parameters"
    GATE GDT_GATE(GATE0), CODE16, gate_16 - BASE, 0xe4, 2
    USER user_call_gate16
    mov eax, [DATA + 4]
    VAL eax
    DONE
    CASE "call gate to a conforming segment from level 3 keeps the level"
    GATE GDT_GATE(GATE0), CONFORMING, conforming_gate, 0xec, 0
    USER user_call_plain
    mov eax, [DATA]
    VAL eax
    DONE
    CASE "jump through a call gate to an inner level"
    GATE GDT_GATE(GATE0), KCS, gate_32, 0xec, 0
    USER user_jump_gate
    DONE
    CASE "call gate that is not present"
    GATE GDT_GATE(GATE0), KCS, gate_32, 0x6c, 0
    USER user_call_plain
    DONE
    CASE "call gate with a null target"
    GATE GDT_GATE(GATE0), 0, gate_32, 0xec, 0
    USER user_call_plain
    DONE
    CASE "call gate to a data segment"
    GATE GDT_GATE(GATE0), KDS, gate_32, 0xec, 0
    USER user_call_plain
    DONE
    CASE "call gate to a segment that is not present"
    DESCRIPTOR SMALL, 0, 0xfffff, 0xc01a
    GATE GDT_GATE(GATE0), SMALL, gate_32, 0xec, 0
    USER user_call_plain
    DONE
    CASE "call gate with a null inner stack"
    GATE GDT_GATE(GATE0), CODE1, gate_32, 0xec, 0
    mov dword [TSS + 16], 0
    USER user_call_plain
    DONE
    CASE "call gate with an inner stack of another level"
    mov dword [TSS + 16], UDS
    USER user_call_plain
    DONE
    CASE "call gate with an inner stack that is not present"
    DESCRIPTOR DATA_SLOT, 0, 0xfffff, 0xc032
    mov dword [TSS + 16], DATA_SLOT | 1
    USER user_call_plain
    DONE
    CASE "call gate with an inner stack that cannot be written"
    DESCRIPTOR DATA_SLOT, 0, 0xfffff, 0xc0b0
    USER user_call_plain
    DONE
    CASE "call gate with an inner stack past the limit of the gdt"
    mov dword [TSS + 16], 0x2001
    USER user_call_plain
    DONE
    mov dword [TSS + 12], 0x3d000
    mov dword [TSS + 16], STACK1 | 1
    CASE "call gate to level 1 and back"
    GATE GDT_GATE(GATE0), CODE1, gate_level1, 0xec, 0
    USER user_call_plain
    mov eax, [DATA]
    VAL eax
    mov eax, [DATA + 4]
    VAL eax
    DONE
    CASE "return to an outer level drops inner data segments"
    EXPECT .dropped
    DESCRIPTOR DATA_SLOT, 0, 0xfffff, 0xc0f2
    mov ax, KDS
    mov fs, ax
    mov ax, DATA_SLOT | 3
    mov gs, ax
    mov ax, CONFORMING
    mov es, ax
    push dword UDS
    push dword USTACK
    push dword UCS
    push dword user_segments
    retf
.dropped:
    mov ax, KDS
    mov es, ax
    mov eax, [DATA]
    VAL eax
    mov eax, [DATA + 4]
    VAL eax
    mov eax, [DATA + 8]
    VAL eax
    DONE
    CASE "retf to an inner level"
    USER user_retf_inner
    DONE
    CASE "retf to a null selector"
    EXPECT .retf_null
    push dword 0
    push dword 0
    retf
.retf_null:
    DONE
    CASE "retf to a data segment"
    EXPECT .retf_data
    push dword KDS
    push dword 0
    retf
.retf_data:
    DONE
    CASE "retf to an outer level with a null stack"
    EXPECT .retf_stack
    push dword 0
    push dword USTACK
    push dword UCS
    push dword 0
    retf
.retf_stack:
    DONE
    CASE "retf to an outer level with a stack of another level"
    EXPECT .retf_stack2
    push dword KDS
    push dword USTACK
    push dword UCS
    push dword 0
    retf
.retf_stack2:
    DONE
    CASE "iret to a segment that is not present"
    DESCRIPTOR SMALL, 0, 0xfffff, 0xc01a
    EXPECT .iret_absent
    push dword 2
    push dword SMALL
    push dword 0
    iretd
.iret_absent:
    DONE
    CASE "iret of 16 bits"
    xor ebx, ebx
    EXPECT .iret16
    push word 0x0202
    push word CODE16
    push word iret16_target - BASE
    o16 iret
.iret16:
    VAL ebx
    DONE
    CASE "iret in one level changes if, iopl, nt, ac, id"
    EXPECT .iret_flags
    push dword 0x00247202
    push dword KCS
    push dword .iret_flags
    iretd
.iret_flags:
    pushfd
    push dword 2
    popfd
    pop eax
    VAL eax
    DONE
    CASE "trap gate keeps if, interrupt gate clears it"
    GATE IDT_GATE(0x2e), KCS, flags_handler, 0x8f, 0
    GATE IDT_GATE(0x2f), KCS, flags_handler, 0x8e, 0
    EXPECT .gates_done
    push dword 0x4302            ; IF, TF clear at once by the handler; NT
    and dword [esp], ~0x100
    popfd
    int 0x2e
    mov ecx, ebx
    push dword 0x4202
    popfd
    int 0x2f
.gates_done:
    push dword 2
    popfd
    VAL ecx
    VAL ebx
    DONE
    CASE "16-bit interrupt gate"
    GATE IDT_GATE(0x2f), CODE16, int16_handler - BASE, 0x86, 0
    mov ebp, esp
    TRY call CODE16:(far_int16 - BASE)
    sub ebp, [DATA]
    VAL ebp
    VAL ebx
    DONE
    CASE "16-bit interrupt gate from level 3"
    GATE IDT_GATE(0x2f), CODE16, int16_handler - BASE, 0xe6, 0
    USER user_int16
    mov ebp, ISTACK
    sub ebp, [DATA]
    VAL ebp
    mov eax, [DATA + 4]
    sub eax, user_int16.back - BASE
    VAL eax
    DONE
    CASE "16-bit trap gate for an exception with an error code"
    push dword [IDT_GATE(13)]
    push dword [IDT_GATE(13) + 4]
    GATE IDT_GATE(13), CODE16, gp16_handler - BASE, 0x87, 0
    EXPECT .gp16
    mov eax, 0x1004
    mov fs, ax
.gp16:
    mov esp, [probe_esp]
    pop dword [IDT_GATE(13) + 4]
    pop dword [IDT_GATE(13)]
    mov eax, [DATA]
    VAL eax
    DONE
    CASE "gate to a conforming segment from level 3"
    GATE IDT_GATE(0x2f), CONFORMING, conforming_handler, 0xee, 0
    USER user_int2f
    mov eax, [DATA]
    VAL eax
    DONE
    CASE "interrupt to level 1 from level 3"
    GATE IDT_GATE(0x2f), CODE1, level1_handler, 0xee, 0
    USER user_int2f
    mov eax, [DATA]
    VAL eax
    mov eax, [DATA + 4]
    VAL eax
    DONE
    CASE "interrupt from level 3 with a null inner stack"
    GATE IDT_GATE(0x2f), CODE1, level1_handler, 0xee, 0
    mov dword [TSS + 16], 0
    USER user_int2f
    DONE
    mov dword [TSS + 12], 0x3d000
    mov dword [TSS + 16], STACK1 | 1
    CASE "inner stack of 16 bits"
    mov dword [TSS + 4], 0x1234f000
    mov dword [TSS + 8], STACK16
    mov dword [BASE + 0x10000 + 0xeff0], 0
    GATE IDT_GATE(0x2f), KCS, stack16_handler, 0xee, 0
    USER user_int2f
    mov eax, [DATA]
    VAL eax
    DONE
    ret

far_32:
    mov ebx, cs
    retf

bits 16
far_16:
    mov bx, cs
    o32 retf
far_int16:
    int 0x2f
    o32 retf
gate_16:                         ; two words
    push bp
    mov bp, sp
    mov ax, KDS
    mov ds, ax
    mov eax, [bp + 6]
    mov [dword DATA + 4], eax
    pop bp
    retf 4
iret16_target:
    mov bx, cs
    jmp dword KCS:main.iret16
int16_handler:
    mov ax, KDS
    mov ds, ax
    mov [dword DATA], esp
    mov eax, [esp]
    mov [dword DATA + 4], eax
    mov ebx, 0x16
    iret
gp16_handler:
    mov ax, KDS
    mov ds, ax
    movzx eax, word [esp]
    mov [dword DATA], eax
    jmp dword KCS:main.gp16
bits 32

gate_32:                         ; three doublewords
    push ebp
    mov ebp, esp
    mov ax, KDS
    mov ds, ax
    mov eax, [ebp + 12]
    mov [DATA + 4], eax
    mov eax, [ebp + 20]
    mov [DATA + 8], eax
    mov eax, [ebp + 24]          ; outer ESP
    VAL eax
    mov eax, [ebp + 28]
    VAL eax
    mov eax, cs
    VAL eax
    lea eax, [ebp + 32]
    VAL eax
    pop ebp
    retf 12
gate_31:
    mov ax, KDS
    mov ds, ax
    xor eax, eax
    mov ecx, 31
.sum:
    add eax, [esp + 4 + ecx * 4]
    loop .sum
    VAL eax
    retf 31 * 4
gate_level1:
    mov eax, cs
    mov [DATA], eax
    mov eax, ss
    mov [DATA + 4], eax
    retf
conforming_gate:
    mov eax, cs
    mov [DATA], eax
    retf
flags_handler:
    pushfd
    pop ebx
    iretd
conforming_handler:
    mov eax, cs
    mov [DATA], eax
    iretd
level1_handler:
    mov eax, cs
    mov [DATA], eax
    mov eax, ss
    mov [DATA + 4], eax
    iretd
stack16_handler:
    mov ax, KDS
    mov ds, ax
    movzx eax, sp
    mov [DATA], eax
    mov dword [TSS + 4], ISTACK
    mov dword [TSS + 8], KDS
    iretd

user_conforming:
    jmp CONFORMING:.there
.there:
    mov eax, cs
    mov [DATA], eax
    int 0x30
user_jump_inner:
    jmp KCS | 3:0
user_call_gate:
    push dword 0x33333333
    push dword 0x22222222
    push dword 0x11111111
    call GATE0 | 3:0
    int 0x30
user_call_31:
    mov ecx, 31
.push:
    push ecx
    loop .push
    call GATE0 | 3:0
    int 0x30
user_call_gate16:
    jmp UCODE16 | 3:(.here16 - BASE)
bits 16
.here16:
    push word 0x2222
    push word 0x1111
    call GATE0 | 3:0
    int 0x30
bits 32
user_call_plain:
    call GATE0 | 3:0
    int 0x30
user_jump_gate:
    jmp GATE0 | 3:0
user_segments:
    mov ax, UDS
    mov ds, ax
    mov eax, fs
    mov [DATA], eax
    mov eax, gs
    mov [DATA + 4], eax
    mov eax, es
    mov [DATA + 8], eax
    int 0x30
user_retf_inner:
    push dword KCS
    push dword 0
    retf
user_int16:
    jmp UCODE16 | 3:(.here16 - BASE)
bits 16
.here16:
    int 0x2f
.back:
    int 0x30
bits 32
user_int2f:
    int 0x2f
    int 0x30

section .data
image_end:
