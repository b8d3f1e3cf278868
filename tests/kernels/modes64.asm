; What keeps long mode from being switched on, off and changed: CR0.PG, CR4.PAE, EFER.LME, CS.L, the type of the TSS,
; PCIDs; bits that the control registers have not. From 32-bit code, compatibility mode and 64-bit code.
; [SDM3 2.5, 4.10.1, 9.8.5]
%include "kernel64.inc"

SPARE       equ SLOT(0)          ; 64-bit code with D set, 286 TSS
TSS286      equ SLOT(1)

; Runs code in protected mode without paging, long mode left: from compatibility mode at level 0, with the tables as they are.
; %1: label of 32-bit code, which ends by jumping to `again`.
%macro LEAVE 1
    mov qword [probe_resume], %%after
    mov [probe_rsp], rsp
    mov dword [leave_to], %1
    push qword KDS
    push qword KSTACK - 0x1000
    push qword 2
    push qword KCS32
    push qword leave_long
    iretq
%%after:
%endmacro
main:
    CASE "64-bit code cannot clear pg or pae, or change lme"
    mov rax, cr0
    and eax, 0x7fffffff
    TRY mov cr0, rax
    mov rax, cr4
    and eax, ~0x20
    TRY mov cr4, rax
    mov ecx, 0xc0000080
    rdmsr
    VAL rax, 32
    xor eax, 0x100
    TRY wrmsr
    DONE
    CASE "writing lma changes nothing"
    mov ecx, 0xc0000080
    mov eax, 0x901
    xor edx, edx
    TRY wrmsr
    rdmsr
    VAL rax, 32
    DONE
    CASE "efer with bits 1, 9, 12 and 32, cr4 with bits 13 to 15 and 63"
    mov dword [terse], 1
    say " "
    mov ecx, 0xc0000080
    xor edx, edx
    mov eax, 0x903
    TRY wrmsr
    mov eax, 0xb01
    TRY wrmsr
    mov eax, 0x1901
    TRY wrmsr
    mov eax, 0x901
    mov edx, 1
    TRY wrmsr
    mov rax, cr4
    bts rax, 13
    TRY mov cr4, rax
    mov rax, cr4
    bts rax, 15
    TRY mov cr4, rax
    mov rax, cr4
    bts rax, 63
    TRY mov cr4, rax
    mov dword [terse], 0
    DONE
    CASE "cr0 with bit 32, pg without pe, nw without cd; cr3 past the physical addresses; cr8 above 15"
    mov rax, cr0
    bts rax, 32
    TRY mov cr0, rax
    mov rax, cr0
    and eax, ~1
    TRY mov cr0, rax
    mov rax, cr0
    bts eax, 29
    TRY mov cr0, rax
    mov rax, cr3
    bts rax, 40
    TRY mov cr3, rax
    bts rax, 63
    TRY mov cr3, rax
    mov eax, 16
    TRY mov cr8, rax
    DONE
    CASE "pcide needs a cr3 without pcid, then cr3 takes pcids and bit 63"
    mov rax, cr3
    or eax, 0x18
    mov cr3, rax
    mov rax, cr4
    bts eax, 17
    TRY mov cr4, rax
    mov rax, cr3
    and eax, ~0x18
    mov cr3, rax
    mov rax, cr4
    bts eax, 17
    TRY mov cr4, rax
    mov rax, cr3
    or eax, 5
    bts rax, 63
    TRY mov cr3, rax
    mov rax, cr3
    VAL rax
    DONE
    CASE "with pcide compatibility mode cannot clear pg"
    EXPECT .kept
    push qword KDS
    push qword KSTACK - 0x1000
    push qword 2
    push qword KCS32
    push qword clear_pg
    iretq
.kept:
    mov rax, cr4
    btr eax, 17
    TRY mov cr4, rax
    mov rax, cr3
    and eax, ~0xfff
    mov cr3, rax
    DONE
    CASE "invpcid by type, without pcids"
    mov qword [DATA], 0
    mov qword [DATA + 8], 0
    FOR round, 5
    mov eax, [round]
    TRY invpcid rax, [DATA]
    NEXT
    mov dword [DATA], 1
    xor eax, eax
    TRY invpcid rax, [DATA]
    mov dword [DATA], 0x1000
    mov eax, 2
    TRY invpcid rax, [DATA]
    mov dword [DATA], 0
    mov rax, 0x0000800000000000
    mov [DATA + 8], rax
    xor eax, eax
    TRY invpcid rax, [DATA]
    USER user_invpcid
    DONE
    CASE "off and on again by compatibility mode, pcide and cr8 not known there"
    LEAVE just_back
    mov ecx, 0xc0000080
    rdmsr
    VAL rax, 32
    VAL [left_efer], 32
    DONE
    CASE "on again without pae, with a 286 tss"
    mov dword [gdt + TSS286], DESC_LOW(TSS, 0x2b)
    mov dword [gdt + TSS286 + 4], DESC_HIGH(TSS, 0x2b, 0x0081)
    LEAVE try_on
    VAL [faults], 8
    VAL [faults + 1], 8
    VAL [faults + 2], 8
    mov byte [gdt + TSS_SEL + 5], 0x89
    mov eax, TSS_SEL
    ltr ax
    lidt [idt_pointer]
    DONE
    jmp finish

user_invpcid:
    xor eax, eax
    invpcid rax, [DATA]

bits 32
clear_pg:
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    ud2
leave_long:
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    mov ecx, 0xc0000080
    rdmsr
    mov [left_efer], eax
    jmp [leave_to]
just_back:
again:
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov eax, cr0
    bts eax, 31
    mov cr0, eax
    jmp KCS:.long
bits 64
.long:
    mov rsp, [probe_rsp]
    jmp [probe_resume]
bits 32
; Counts what #GP a switch meets: an IDT of 32 bits whose handler goes on behind the MOV.
try_on:
    mov word [idt32 + 13 * 8], gp32 - BASE
    mov word [idt32 + 13 * 8 + 2], KCS32
    mov word [idt32 + 13 * 8 + 4], 0x8e00
    mov word [idt32 + 13 * 8 + 6], BASE >> 16
    mov eax, gp32
    mov [idt32 + 13 * 8], ax
    lidt [idt32_pointer]
    mov eax, cr4
    and eax, ~0x20
    mov cr4, eax
    xor esi, esi
    mov eax, cr0
    bts eax, 31
    mov cr0, eax
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov esi, 1
    mov eax, TSS286
    ltr ax
    mov eax, cr0
    bts eax, 31
    mov cr0, eax
    mov byte [gdt + TSS_SEL + 5], 0x89
    mov eax, TSS_SEL
    ltr ax
    mov esi, 2
    mov eax, cr4                             ; PCIDs are for long mode
    bts eax, 17
    mov cr4, eax
    jmp again
gp32:
    inc byte [faults + esi]
    add dword [esp + 4], 3
    add esp, 4
    iretd
bits 64

section .data
    align 8
leave_to: dd 0
left_efer: dd 0
faults: dd 0
round: dd 0
idt32_pointer: dw 14 * 8 - 1
    dd idt32
    align 8
idt32: times 14 dq 0
image_end:
