; Gates of 16 bytes: frames and their alignment, the interrupt-stack table, types, levels and code segments swept, faults
; while an event is delivered, double faults, software interrupts, events in compatibility mode. [SDM3 6.14], [SDM2 INT n]
%include "kernel64.inc"

CODE_SEL    equ SLOT(1)
VEC         equ 0x40
GUARD       equ WINDOW + 0x6000  ; a page that is not there

main:
    GATE IDT_GATE(10), KCS, stub_10, 0x8e, 2
    GATE IDT_GATE(12), KCS, stub_12, 0x8e, 2
    mov qword [TSS + 0x2c], IST1 + 0x800     ; IST2
    CASE "frame of int n, the stack aligned to 16"
    mov dword [round], 0
.alignments:
    GATE IDT_GATE(VEC), KCS, catch, 0x8e, 0
    EXPECT .aligned
    mov ecx, [round]
    mov rsp, KSTACK - 0x100
    sub rsp, rcx
    int VEC
.aligned:
    mov rax, [caught]
    VAL rax, 16
    mov rax, [frame + 24]
    VAL rax, 16
    add dword [round], 5
    cmp dword [round], 20
    jb .alignments
    DONE
    CASE "values of the frame at the same level"
    EXPECT .same
    mov eax, 0x246
    push rax
    popfq
    int VEC
.same:
    mov rax, [frame]
    sub rax, [probe_base]
    VAL rax, 8
    VAL [frame + 8], 16
    VAL [frame + 16], 32
    VAL [frame + 32], 16
    DONE
    CASE "frame from level 3"
    GATE IDT_GATE(VEC), KCS, catch, 0xee, 0
    USER user_int, UCS, 0x3246
    call show_frame
    DONE
    CASE "frame from level 3 in compatibility mode"
    USER user_int, UCS32, 0x3246
    call show_frame
    DONE
    CASE "handler on ist 1, from levels 3 and 0"
    GATE IDT_GATE(VEC), KCS, catch, 0xee, 1
    USER user_int
    VAL [caught], 32
    VAL [caught_ss], 16
    TRY int VEC
    VAL [caught], 32
    VAL [caught_ss], 16
    DONE
    CASE "flags in the handler by interrupt and trap gates"
    GATE IDT_GATE(VEC), KCS, catch, 0xee, 0
    USER user_int, UCS, 0x3246
    VAL [caught_flags], 32
    GATE IDT_GATE(VEC), KCS, catch, 0xef, 0
    USER user_int, UCS, 0x7246
    VAL [caught_flags], 32
    DONE
    CASE "an error code below the return address"
    GATE IDT_GATE(13), KCS, catch, 0x8e, 0
    EXPECT .error_code
    mov eax, SLOT(20)
    mov ds, ax
.error_code:
    VAL [frame], 16
    VAL [frame + 16], 16
    GATE IDT_GATE(13), KCS, stub_13, 0x8e, 0
    DONE

    CASE "types of gates 0 to 15, segment descriptors too"
    mov dword [terse], 1
    say " "
    FOR round, 32
    mov eax, [round]
    or eax, 0x80
    mov [IDT_GATE(VEC) + 5], al
    TRY int VEC
    NEXT
    mov dword [terse], 0
    DONE
    CASE "gates that are not present, by type"
    mov dword [terse], 1
    say " "
    FOR round, 16
    mov eax, [round]
    mov [IDT_GATE(VEC) + 5], al
    TRY int VEC
    NEXT
    mov dword [terse], 0
    DONE
    CASE "dpl of the gate 0 to 3, int n at level 3"
    mov dword [terse], 1
    say " "
    FOR round, 4
    mov eax, [round]
    shl eax, 5
    or eax, 0x8e
    mov [IDT_GATE(VEC) + 5], al
    USER user_int
    NEXT
    mov dword [terse], 0
    DONE
    CASE "code segments, levels 0 and 3 - access bytes 98 to ff, 64-bit"
    mov dword [terse], 1
    FOR round, 16
    say " "
    mov ecx, [round]
    mov al, [accesses + rcx]
    DESCRIPTOR CODE_SEL, 0, 0xfffff, 0xa000
    mov [gdt + CODE_SEL + 5], al
    GATE IDT_GATE(VEC), CODE_SEL, catch_terse, 0xee, 0
    TRY int VEC
    USER user_int
    NEXT
    mov dword [terse], 0
    DONE
    CASE "code segments by l and d"
    mov dword [terse], 1
    FOR round, 4
    say " "
    mov eax, [round]
    shl eax, 5
    DESCRIPTOR CODE_SEL, 0, 0, 0x9a
    mov [gdt + CODE_SEL + 6], al
    TRY int VEC
    NEXT
    mov dword [terse], 0
    DONE
    CASE "selectors - null, null with rpl 3, past the limit, in an ldt that is not there, with rpl 3"
    GATE IDT_GATE(VEC), 0, catch, 0xee, 0
    TRY int VEC
    GATE IDT_GATE(VEC), 3, catch, 0xee, 0
    TRY int VEC
    GATE IDT_GATE(VEC), 0xfff8, catch, 0xee, 0
    TRY int VEC
    GATE IDT_GATE(VEC), 0xc, catch, 0xee, 0
    TRY int VEC
    GATE IDT_GATE(VEC), KCS + 3, catch, 0xee, 0
    TRY int VEC
    VAL [caught_cs], 16
    DONE
    CASE "offset that is not canonical"
    GATE IDT_GATE(VEC), KCS, 0x0000800000000000, 0xee, 0
    TRY int VEC
    DONE
    CASE "handler in the upper half"
    GATE IDT_GATE(VEC), KCS, HIGH + catch, 0xee, 0
    TRY int VEC
    VAL [caught_rip]
    DONE
    CASE "limit of the idt, one byte short and enough"
    GATE IDT_GATE(VEC), KCS, catch, 0xee, 0
    mov word [idt_pointer], VEC * 16 + 14
    lidt [idt_pointer]
    TRY int VEC
    mov word [idt_pointer], VEC * 16 + 15
    lidt [idt_pointer]
    TRY int VEC
    VAL [caught_cs], 16
    mov word [idt_pointer], 0x100 * 16 - 1
    lidt [idt_pointer]
    DONE

    CASE "stacks - an ist past the limit of the tss, rsp0 in a page that is not present"
    GATE IDT_GATE(VEC), KCS, catch, 0xee, 7
    mov dword [gdt + TSS_SEL], DESC_LOW(TSS, 0x5a)
    call reload_tss
    TRY int VEC
    mov dword [gdt + TSS_SEL], DESC_LOW(TSS, 0x67)
    call reload_tss
    GATE IDT_GATE(VEC), KCS, catch, 0xee, 0
    mov rax, GUARD + 0x1000
    mov [TSS + 4], rax
    GATE IDT_GATE(14), KCS, stub_14, 0x8e, 2
    USER user_int
    mov qword [TSS + 4], ISTACK
    GATE IDT_GATE(14), KCS, stub_14, 0x8e, 0
    DONE
    CASE "a stack that is not canonical"
    mov rax, 0x0000900000000000
    mov [TSS + 4], rax
    USER user_int
    mov qword [TSS + 4], ISTACK
    DONE

    CASE "double faults - gate of #GP not present, not 64-bit code; #PF on a bad stack"
    GATE IDT_GATE(8), KCS, stub_8, 0x8e, 2
    mov byte [IDT_GATE(13) + 5], 0x0e
    EXPECT .double1
    mov eax, SLOT(20)
    mov ds, ax
.double1:
    GATE IDT_GATE(13), KCS32, stub_13, 0x8e, 0
    EXPECT .double2
    mov eax, SLOT(20)
    mov ds, ax
.double2:
    GATE IDT_GATE(13), KCS, stub_13, 0x8e, 0
    EXPECT .double3
    mov rsp, GUARD + 0x1000
    push rax
.double3:
    DONE
    CASE "a fault of a benign event is delivered itself - int n through a gate to #NP"
    GATE IDT_GATE(VEC), CODE_SEL, catch, 0xee, 0
    DESCRIPTOR CODE_SEL, 0, 0, 0xa01a
    TRY int VEC
    USER user_int
    DONE

    CASE "int3, icebp, int 3, into, bound at level 3"
    GATE IDT_GATE(3), KCS, stub_3, 0xee, 0
    USER user_int3
    USER user_icebp
    USER user_int_3
    GATE IDT_GATE(3), KCS, stub_3, 0x8e, 0
    USER user_int3
    USER user_into
    USER user_bound
    DONE
    CASE "mov ss that meets a data breakpoint, then int1, one exception"
    mov rax, kernel_data
    mov dr0, rax
    mov eax, 0x70001                         ; L0, reads and writes of two bytes
    mov dr7, rax
    EXPECT .int1
    mov ss, [kernel_data]
    db 0xf1
.int1:
    mov rax, dr6
    and eax, 0xe00f
    VAL rax, 16
    xor eax, eax
    mov dr7, rax
    DONE
    CASE "exceptions from compatibility mode at level 3 and 0"
    USER user_ud32, UCS32
    USER user_divide32, UCS32
    EXPECT .compat
    push qword KDS
    push qword KSTACK - 0x400
    push qword 2
    push qword KCS32
    push qword user_ud32
    iretq
.compat:
    DONE
    ret

; Keeps what it is entered with, and goes on behind the instruction that was tried.
catch:
    call .here
.here:
    pop qword [caught_rip]
    pushfq
    pop qword [caught_flags]
catch_registers:
    mov [caught], rsp
    mov [caught_ss], ss
    mov [caught_cs], cs
    push rax
    push rcx
    FOR index, 6
    mov ecx, [index]
    mov rax, [rsp + 16 + rcx * 8]
    mov [frame + rcx * 8], rax
    NEXT
    pop rcx
    pop rax
back:
    push rax
    mov eax, KDS
    mov ds, ax
    mov es, ax
    mov ss, ax
    pop rax
    mov rsp, [probe_rsp]
    push qword 2
    popfq
    jmp [probe_resume]
; Says the level that it runs at. A handler at level 3 goes back by INT 30h.
catch_terse:
    push rax
    mov ax, cs
    and al, 3
    add al, '0'
    test al, 3
    jnz .user
    out DEBUG_PORT, al
    pop rax
    jmp back
.user:
    pop rax
    int 0x30

show_frame:
    mov rax, [frame]
    sub rax, user_int
    VAL rax, 8
    VAL [frame + 8], 16
    VAL [frame + 16], 32
    VAL [frame + 24], 32
    VAL [frame + 32], 16
    VAL [caught], 32
    VAL [caught_ss], 16
    VAL [caught_cs], 16
    ret
reload_tss:
    mov byte [gdt + TSS_SEL + 5], 0x89
    mov eax, TSS_SEL
    ltr ax
    ret

user_int:
    int VEC
    int 0x30
user_int3:
    int3
    int 0x30
user_icebp:
    db 0xf1
    int 0x30
user_int_3:
    db 0xcd, 3
    int 0x30
user_into:
    db 0xce
    int 0x30
user_bound:
    db 0x62, 0x00
    int 0x30
user_ud32:
    ud2
user_divide32:
    db 0x31, 0xc9, 0xf7, 0xf1               ; xor ecx, ecx; div ecx

section .data
accesses: db 0x9a, 0xba, 0xda, 0xfa, 0x98, 0xf8, 0x9e, 0xbe, 0xde, 0xfe, 0x92, 0xf2, 0x1a, 0x7a, 0x1e, 0x89
    align 8
caught: dq 0
caught_rip: dq 0
caught_flags: dq 0
caught_ss: dq 0
caught_cs: dq 0
frame: times 6 dq 0
round: dd 0
kernel_data: dw KDS, 0
index: dd 0
image_end:
