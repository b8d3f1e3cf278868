; Faults while an event is delivered: every exception of level 3, an INT n and an IRQ, through gates and stacks that fail
; in every way; which second exception comes, with which error code, and what is a double fault. [SDM3 6.13, 6.15 #DF]
; A result is the letter of the exception that arrives and the digits of its error code.
%include "kernel.inc"
%include "levels.inc"

PD          equ TABLES
LOW_TABLE   equ TABLES + 0x1000
ABSENT      equ SLOT(0)          ; a code segment that is not present
CODE1       equ SLOT(1)          ; level 1, for entries that need its stack
BAD_STACK   equ SLOT(2)
ABSENT_PAGE equ 0x7e000
SOURCES     equ 18

main:
    call make_levels
    call make_tables
    DESCRIPTOR ABSENT, 0, 0xfffff, 0xc01a
    DESCRIPTOR CODE1, 0, 0xfffff, 0xc0ba
    DESCRIPTOR BAD_STACK, 0, 0xfffff, 0xc032
    call init_pics
    mov eax, 0x600
    mov cr4, eax
    mov eax, PD
    mov cr3, eax
    mov eax, 0x80040031          ; PG, AM, NE
    mov cr0, eax
    FOR source, SOURCES
    mov eax, [source]
    mov esi, [source_names + eax * 4]
    call puts
    CASE ", through a gate that is absent, of a wrong type, null, to an absent segment; null, absent, unmapped stack"
    say " "
    call failures
    DONE
    NEXT
    ; Second faults of a page fault: the directory of its gate's page, its handler's stack.
    CASE "cr2 of a page fault while a frame is pushed, and of one within a page fault"
    mov dword [terse], 0
    mov dword [source], 10
    mov dword [failing], 14
    mov dword [mode], 6
    call one
    mov eax, cr2
    VAL eax
    mov dword [source], 4
    mov dword [failing], 6
    call one
    mov eax, cr2
    VAL eax
    DONE
    mov eax, 0x31
    mov cr0, eax
    ret

failures:
    mov eax, [source]
    movzx eax, byte [source_table + eax * 8 + 4]
    mov [failing], eax
    mov dword [terse], 1
    FOR mode, 7
    mov dword [line_items], 1
    call one
    say " "
    NEXT
    ret

one:
    mov edi, [failing]            ; the gate that fails, to be put back
    push dword [IDT + edi * 8]
    push dword [IDT + edi * 8 + 4]
    mov eax, [mode]
    call [.breaks + eax * 4]
    mov ebx, [source]
    mov edx, [source_table + ebx * 8]
    mov ecx, 2
    cmp edx, raise_ac
    jne .flags
    mov ecx, 0x40002
.flags:
    cmp edx, raise_nm
    jne .no_ts
    mov eax, cr0
    or eax, 8
    mov cr0, eax
.no_ts:
    cmp edx, raise_irq
    jne .run
    call raise_line
    mov ecx, 0x202
.run:
    mov eax, 3
    call run_at
    mov edi, [failing]
    pop dword [IDT + edi * 8 + 4]
    pop dword [IDT + edi * 8]
    mov dword [TSS + 12], STACK1
    mov dword [TSS + 16], RDS(1)
    mov eax, 0x80040031
    mov cr0, eax
    fninit
    call init_pics
    ret
    [section .data]
.breaks: dd .absent, .type, .null, .segment, .null_stack, .absent_stack, .unmapped
    [section .text]
.absent:
    and byte [IDT + edi * 8 + 5], 0x7f
    ret
.type:
    mov byte [IDT + edi * 8 + 5], 0xec
    ret
.null:
    mov word [IDT + edi * 8 + 2], 0
    or byte [IDT + edi * 8 + 5], 0x60
    ret
.segment:
    mov word [IDT + edi * 8 + 2], ABSENT
    or byte [IDT + edi * 8 + 5], 0x60
    ret
.null_stack:
    mov dword [TSS + 16], 0
    jmp .level1
.absent_stack:
    mov dword [TSS + 16], BAD_STACK | 1
    jmp .level1
.unmapped:
    mov dword [TSS + 12], ABSENT_PAGE + 0x800
.level1:
    mov word [IDT + edi * 8 + 2], CODE1
    or byte [IDT + edi * 8 + 5], 0x60
    ret

; IRQ 0 waits: the timer's output in mode 0 after its mode word and a short count.
raise_line:
    mov al, 0xfe
    out 0x21, al
    mov al, 0x30
    out 0x43, al
    mov al, 20
    out 0x40, al
    mov al, 0
    out 0x40, al
.wait:
    mov al, 0x0a
    out 0x20, al
    in al, 0x20
    test al, 1
    jz .wait
    ret
init_pics:
    mov al, 0x11
    out 0x20, al
    out 0xa0, al
    mov al, 0x20
    out 0x21, al
    mov al, 0x28
    out 0xa1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xa1, al
    mov al, 1
    out 0x21, al
    out 0xa1, al
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    ret

raise_de:
    xor ecx, ecx
    div ecx
raise_icebp:
    db 0xf1
raise_bp:
    int3
raise_of:
    mov al, 0x7f
    add al, al
    into
raise_ud:
    ud2
raise_br:
    mov eax, 20
    bound eax, [bounds]
raise_nm:
    fnop                         ; with TS
raise_ts:                        ; IRET with NT and a link to nothing
    push dword 0x4002
    popfd
    iretd
raise_np:
    mov ax, SLOT(3) | 3
    mov fs, ax
raise_ss:
    mov eax, SLOT(3) | 3
    mov ss, ax
raise_gp:
    hlt
raise_pf:
    mov eax, [0x1000000]
raise_mf:
    fldcw [zero_divide]
    fldz
    fld1
    fdivrp
    fwait
raise_ac:
    mov eax, [bounds + 1]
raise_int:
    int 0x2f
raise_irq:
    jmp raise_irq
raise_int_d:                     ; INT n that names an exception's vector
    int 13
raise_int_df:
    int 8

make_tables:
    mov edi, LOW_TABLE
    mov eax, 7
    mov ecx, 1024
.fill:
    stosd
    add eax, 0x1000
    loop .fill
    mov dword [LOW_TABLE + (ABSENT_PAGE >> 12) * 4], 0
    mov dword [PD], LOW_TABLE + 7
    DESCRIPTOR SLOT(3), 0, 0xfffff, 0xc072
    ret

section .data
    align 4
source: dd 0
failing: dd 0
mode: dd 0
bounds: dd 1, 10
zero_divide: dw 0x033b
    align 4
; Code, and the vector whose gate fails.
source_table:
    dd raise_de, 0, raise_icebp, 1, raise_bp, 3, raise_of, 4, raise_ud, 6, raise_br, 5, raise_ts, 10, raise_np, 11
    dd raise_ss, 12, raise_gp, 13, raise_pf, 14, raise_mf, 16, raise_ac, 17, raise_nm, 7, raise_int, 0x2f, raise_irq, 0x20
    dd raise_int_d, 13, raise_int_df, 8
source_names:
    dd .de, .db, .bp, .of, .ud, .br, .ts, .np, .ss, .gp, .pf, .mf, .ac, .nm, .int, .irq, .int13, .int8
.de: db "#DE", 0
.db: db "INT1", 0
.bp: db "INT3", 0
.of: db "INTO", 0
.ud: db "#UD", 0
.br: db "#BR", 0
.ts: db "#TS", 0
.np: db "#NP", 0
.ss: db "#SS", 0
.gp: db "#GP", 0
.pf: db "#PF", 0
.mf: db "#MF", 0
.ac: db "#AC", 0
.nm: db "#NM", 0
.int: db "INT 2Fh", 0
.irq: db "IRQ 0", 0
.int13: db "INT 13", 0
.int8: db "INT 8", 0
image_end:
