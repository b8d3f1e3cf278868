; The thirty-two types of descriptors: LAR, LSL, VERR and VERW from every level, and loads into every kind of segment
; register, present and not. [SDM3 5.10, table 3-1, 3-2], [SDM2 LAR, LSL, VERR, ARPL, LLDT, LTR]
%include "kernel.inc"
%include "levels.inc"

TARGET      equ SLOT(0)
TSS_COPY    equ 0x70000

%macro EACH_TYPE 1
    FOR type, 32
    mov dword [line_items], 1
    call %1
    NEXT
%endmacro

main:
    call make_levels
    mov dword [terse], 1
    FOR level, 4
    say "level "
    mov al, [level]
    add al, '0'
    out DEBUG_PORT, al
    CASE ", types by dpl: 1 lar, 2 lsl, 4 verr, 8 verw"
    mov dword [rpl], 0
    call rights
    DONE
    NEXT
    mov dword [level], 0
    CASE "level 0 with rpl 3"
    mov dword [rpl], 3
    call rights
    DONE
    mov dword [rpl], 0
    CASE "what lar and lsl give, by type"
    mov dword [dpl], 2
    FOR type, 32
    call make_target
    mov ecx, TARGET
    xor eax, eax
    lar eax, ecx
    VAL eax
    xor eax, eax
    lsl eax, ecx
    VAL eax
    NEXT
    DONE
    CASE "lar and lsl of 16 bits, of a segment with pages as its unit"
    DESCRIPTOR TARGET, 0x12345678, 0xabcde, 0xc0fb
    mov ecx, TARGET
    mov eax, -1
    lar ax, cx
    VAL eax
    mov eax, -1
    lsl ax, cx
    VAL eax
    lsl eax, ecx
    VAL eax
    DONE
    CASE "lar, lsl, verr, verw of null, past the gdt, in no ldt"
    mov esi, .others
    mov ecx, 5
.other:
    lodsw
    movzx edx, ax
    push ecx
    call four_bits
    VAL eax, 8
    pop ecx
    loop .other
    DONE
    [section .data]
.others: dw 0, 3, 0x3000, 4, 0xfffc
    [section .text]
    CASE "arpl"
    say " "
    FOR level, 4                 ; here: RPL of the destination
    FOR rpl, 4
    mov eax, 0x8880
    or eax, [level]
    mov ebx, 0x7770
    or ebx, [rpl]
    arpl ax, bx
    pushfd
    and al, 0x0f
    add al, '0'
    out DEBUG_PORT, al
    pop eax
    shr al, 6
    and al, 1
    add al, '0'
    out DEBUG_PORT, al
    mov al, ' '
    out DEBUG_PORT, al
    NEXT
    NEXT
    mov dword [DATA], 0x11110040
    mov eax, 3
    arpl [DATA], ax
    VAL [DATA]
    DONE
    mov dword [rpl], 0
    mov dword [level], 0
    FOR present, 2
    say "present "
    mov al, [present]
    add al, '0'
    out DEBUG_PORT, al
    CASE ", loads of ds, ss, cs, ldtr, tr by type"
    mov dword [dpl], 0
%macro LOADS 1
    say " "
    mov dword [action], %1
    EACH_TYPE load
%endmacro
    LOADS load_ds
    LOADS load_ss
    LOADS load_cs
    LOADS load_ldtr
    LOADS load_tr
    DONE
    NEXT
    mov ax, TSS_SEL
    and byte [gdt + TSS_SEL + 5], 0xfd
    ltr ax
    CASE "accessed and busy bits after loads by type"
    say " "
    mov dword [present], 1
    mov dword [action], load_ds
    EACH_TYPE load_and_look
    say " "
    mov dword [action], load_ss
    EACH_TYPE load_and_look
    say " "
    mov dword [action], load_tr
    EACH_TYPE load_and_look
    DONE
    mov ax, TSS_SEL
    and byte [gdt + TSS_SEL + 5], 0xfd
    ltr ax
    xor eax, eax
    lldt ax
    ret

; A descriptor of [type], S its highest bit, and [dpl], over the copy of a TSS.
make_target:
    mov eax, [type]              ; S is bit 4 of both
    mov edx, [dpl]
    shl edx, 5
    or eax, edx
    mov edx, [present]
    shl edx, 7
    or eax, edx
    shl eax, 8
    or eax, 0x00400000 | (TSS_COPY >> 16)
    mov [gdt + TARGET + 4], eax
    mov dword [gdt + TARGET], (TSS_COPY & 0xffff) << 16 | 0x1fff
    ret

rights:
    mov dword [present], 1
    FOR dpl, 4
    say " "
    EACH_TYPE .one
    NEXT
    ret
.one:
    call make_target
    mov eax, [level]
    mov edx, .code
    mov ecx, 2
    mov dword [terse], 0
    call run_at
    mov dword [terse], 1
    mov eax, [found]
    cmp al, 10
    jb .digit
    add al, 'a' - 10 - '0'
.digit:
    add al, '0'
    out DEBUG_PORT, al
    ret
.code:
    mov edx, TARGET
    or edx, [rpl]
    call four_bits
    mov [found], eax
    int 0x30

four_bits:                       ; EDX: selector; EAX: LAR, LSL, VERR, VERW
    xor ecx, ecx
    lar eax, edx
    jnz .no_lar
    or ecx, 1
.no_lar:
    lsl eax, edx
    jnz .no_lsl
    or ecx, 2
.no_lsl:
    verr dx
    jnz .no_verr
    or ecx, 4
.no_verr:
    verw dx
    jnz .no_verw
    or ecx, 8
.no_verw:
    mov eax, ecx
    ret

load:
    cmp dword [action], load_cs
    jne .other
    mov eax, [type]              ; tasks are elsewhere; gates here are zeros
    and eax, 0x15
    cmp eax, 1
    jne .other
    mov al, '-'
    out DEBUG_PORT, al
    ret
.other:
    call make_target
    cmp dword [type], 24         ; code segments hold the kernel
    jb .run
    mov dword [gdt + TARGET], 0xffff
    and dword [gdt + TARGET + 4], 0xffffff00
    or dword [gdt + TARGET + 4], 0x008f0000
.run:
    xor eax, eax
    mov edx, [action]
    mov ecx, 2
    jmp run_at
load_and_look:
    GATE IDT_GATE(13), KCS, .refused, 0x8e, 0
    GATE IDT_GATE(12), KCS, .refused, 0x8e, 0
    GATE IDT_GATE(10), KCS, .refused, 0x8e, 0
    GATE IDT_GATE(0x30), KCS, .refused, 0x8e, 0
    call load
    jmp .look
.refused:
    mov ax, KDS
    mov ss, ax
    mov esp, [probe_esp]
    jmp [probe_resume]
.look:
    mov al, [gdt + TARGET + 5]
    and al, 0x0f
    cmp al, 10
    jb .digit
    add al, 'a' - 10 - '0'
.digit:
    add al, '0'
    out DEBUG_PORT, al
    GATE IDT_GATE(13), KCS, stubs + 13 * STUB_SIZE, 0x8e, 0
    GATE IDT_GATE(12), KCS, stubs + 12 * STUB_SIZE, 0x8e, 0
    GATE IDT_GATE(10), KCS, stubs + 10 * STUB_SIZE, 0x8e, 0
    GATE IDT_GATE(0x30), KCS, stubs + 0x30 * STUB_SIZE, 0xee, 0
    mov dword [terse], 1
    ret
load_ds:
    mov eax, TARGET
    mov ds, ax
    mov ax, KDS
    mov ds, ax
    int 0x30
load_ss:
    mov eax, TARGET
    mov ss, ax
    mov ax, KDS
    mov ss, ax
    int 0x30
load_cs:
    jmp TARGET:.there
.there:
    int 0x30
load_ldtr:
    mov eax, TARGET
    lldt ax
    int 0x30
load_tr:
    mov eax, TARGET
    ltr ax
    int 0x30

section .data
    align 4
level: dd 0
rpl: dd 0
dpl: dd 0
type: dd 0
present: dd 0
action: dd 0
found: dd 0
image_end:
