; Compatibility mode: code of 32 and 16 bits under a 64-bit kernel. Segments have bases and limits again, addresses and
; offsets wrap at 32 bits, opcodes have their old meaning, the upper halves of registers come back as they may.
; [SDM3 9.8.5], [SDM1 3.2.1], [SDM2]
%include "kernel64.inc"

BASED       equ SLOT(0)          ; data with base DATA and a limit
BASED_CODE  equ SLOT(1)          ; 32-bit code with a base
CODE16      equ SLOT(2)
STACK16     equ SLOT(3)
GATE_SEL    equ SLOT(4)
LIMIT       equ 0x7f

main:
    DESCRIPTOR BASED, DATA, LIMIT, 0x4092 + DPL3
    DESCRIPTOR BASED_CODE, BASE, 0xffff, 0x409a + DPL3
    DESCRIPTOR CODE16, BASE, 0xffff, 0x009a + DPL3
    DESCRIPTOR STACK16, DATA, 0xffff, 0x0092 + DPL3
    mov dword [DATA + 8], 0x12345678
    CASE "segment bases and limits count"
    mov eax, BASED
    mov ds, ax                               ; 64-bit code does not mind
    mov eax, [DATA + 8]
    VAL rax, 32
    USER user_based, UCS32
    VAL [result], 32
    USER user_past_limit, UCS32
    USER user_write_code, UCS32
    USER user_null, UCS32
    DONE
    CASE "bases of fs above 4 GiB lose their upper half"
    mov eax, UDS
    mov fs, ax
    WRITE_MSR 0xc0000100, DATA, 0x12
    USER user_fs, UCS32
    VAL [result], 32
    DONE
    CASE "code segment with a base, jumps past its limit"
    USER user_based_code - BASE, BASED_CODE | 3
    USER user_past_code - BASE, BASED_CODE | 3
    USER user_call_past - BASE, BASED_CODE | 3
    DONE
    CASE "16-bit code and a 16-bit stack"
    mov qword [probe_resume], .sixteen
    mov qword [probe_base], user_16 - BASE
    mov [probe_rsp], rsp
    push qword STACK16 | 3
    push qword 0x200
    push qword 2
    push qword CODE16 | 3
    push qword user_16 - BASE
    iretq
.sixteen:
    VAL [DATA + 0x1fe], 16
    VAL [DATA + 0x1fc], 16
    DONE
    CASE "opcodes 40 to 4f, pusha, push cs, aam, into, bound, arpl, les"
    USER user_old, UCS32
    VAL [result], 32
    VAL [result + 4], 32
    DONE
    CASE "addresses wrap at 4 GiB, offsets of code too"
    USER user_wrap, UCS32
    VAL [result], 32
    DONE
    CASE "high linear addresses with the same low half are others"
    mov rbx, HIGH + DATA
    mov dword [rbx + 0x10], 0x77777777
    mov eax, [rbx + 0x10]
    USER user_low, UCS32
    VAL [result], 32
    DONE
    CASE "pages that are not there, cr2 of 32 bits"
    USER user_fault, UCS32
    USER user_fault_stack, UCS32
    DONE
    CASE "registers of 64 bits after compatibility mode has written 32"
    mov rbx, 0x1111111122222222
    mov r9, 0x3333333344444444
    USER user_write_ebx, UCS32
    VAL [result64]
    VAL [result64 + 8]
    DONE
    CASE "jump from 64-bit to 32-bit code and back, far call and return across"
    USER user_cross
    VAL [result], 32
    DONE
    CASE "call from compatibility mode to a gate at the same level"
    GATE GDT_GATE(GATE_SEL), UCS, gated, 0xec, 0
    USER user_gate, UCS32
    VAL [result], 32
    DONE
    CASE "int n, and iretd at level 3"
    GATE IDT_GATE(0x80), KCS, int80, 0xee, 0
    USER user_int80, UCS32
    VAL [result], 32
    USER user_iretd, UCS32
    USER user_iretd_nt, UCS32
    DONE
    CASE "privileged and 64-bit instructions"
    mov dword [terse], 1
    say " "
    USER user_hlt, UCS32
    USER user_syscall, UCS32
    USER user_swapgs, UCS32
    USER user_rdfsbase, UCS32
    USER user_movcr, UCS32
    USER user_lldt, UCS32
    mov dword [terse], 0
    DONE
    CASE "level 0 in compatibility mode - pushes, cr0 of 32 bits, far return"
    push qword KDS
    push qword KSTACK - 0x400
    push qword 2
    push qword KCS32
    push qword .compat
    iretq
bits 32
.compat:
    mov eax, esp
    push eax
    mov ecx, cr3
    mov edx, dr7
    pop ebx
    jmp KCS:.long
bits 64
.long:
    VAL rax, 32
    VAL rcx, 32
    VAL rdx, 32
    VAL rsp, 32
    DONE
    CASE "interrupts between - fs base kept over a null selector load"
    WRITE_MSR 0xc0000100, 0x5000, 0
    USER user_null_fs, UCS32
    mov ecx, 0xc0000100
    rdmsr
    VAL rax, 32
    DONE
    jmp finish

gated:
    mov [result], rsp
    int 0x30
int80:
    mov eax, 0x80808080
    iretq

user_cross:
    mov [result], rsp
    db 0xff, 0x2c, 0x25                      ; jmp far m16:32
    dd to_32
back_64:
    sub [result], esp
    int 0x30

bits 32
cross_32:
    db 0x9a                                  ; call far UCS:called
    dd called
    dw UCS
    db 0xea
    dd back_64
    dw UCS
user_based:
    mov ax, BASED | 3
    mov ds, ax
    mov eax, [8]
    mov cx, UDS
    mov ds, cx
    mov [result], eax
    int 0x30
user_past_limit:
    mov ax, BASED | 3
    mov ds, ax
    mov al, [LIMIT]
    mov ax, [LIMIT]
user_write_code:
    mov [cs:DATA], al
user_null:
    xor eax, eax
    mov es, ax
    mov al, [es:DATA]
user_fs:
    mov eax, [fs:8]
    mov [result], eax
    int 0x30
user_based_code:
    call .next
.next:
    pop eax
    ud2
user_past_code:
    jmp 0x10000 + BASE
user_call_past:
    mov eax, 0xffff0000
    call eax
user_old:
    mov eax, 0x41
    inc eax
    dec ecx
    aam
    mov [result], eax
    mov eax, esp
    pusha
    popa
    push cs
    pop edx
    mov ecx, 3
    mov dx, 0x10
    arpl dx, cx
    shl edx, 16
    les esi, [far_pointer]
    mov dx, es
    mov [result + 4], edx
    int 0x30
user_wrap:
    mov eax, 0xfffffff0
    mov eax, [eax + DATA + 0x18]
    mov [result], eax
    mov ebx, 0x80000000
    lea eax, [ebx + ebx * 2 + .here - 0x80000000]
    jmp eax
.here:
    int 0x30
user_low:
    mov eax, [DATA + 0x10]
    mov [result], eax
    int 0x30
user_fault:
    mov al, [0x80001234]
user_fault_stack:
    mov esp, 0x90000004
    push eax
user_write_ebx:
    mov ebx, 0x55555555
    db 0xea
    dd .show
    dw UCS
bits 64
.show:
    mov [result64], rbx
    mov [result64 + 8], r9
    int 0x30
called:
    db 0xcb                                  ; retf of 32 bits
bits 32
user_gate:
    db 0x9a
    dd 0
    dw GATE_SEL | 3
user_int80:
    int 0x80
    mov [result], eax
    int 0x30
user_iretd:
    pushfd
    push cs
    push dword .there
    iretd
.there:
    ud2
user_iretd_nt:
    pushfd
    or dword [esp], 0x4000
    popfd
    iretd
user_hlt:
    hlt
user_syscall:
    syscall
user_swapgs:
    db 0x0f, 0x01, 0xf8
user_rdfsbase:
    db 0xf3, 0x0f, 0xae, 0xc0
user_movcr:
    mov eax, cr0
user_lldt:
    lldt ax
user_null_fs:
    xor eax, eax
    mov fs, ax
    int 0x30
bits 16
user_16:
    mov ax, 0x1234
    push ax
    call .here
.here:
    pop bx
    push bx
    mov eax, esp
    ud2
bits 64

section .data
    align 8
result: dq 0
result64: dq 0, 0
to_32: dd cross_32
    dw UCS32
far_pointer: dd 0x99
    dw UDS
image_end:
