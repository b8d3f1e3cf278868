; Ways between levels and segments in long mode: IRET, far JMP, CALL and RET, call gates, SYSCALL and SYSRET, SYSENTER and
; SYSEXIT, SWAPGS; null stack segments, LTR and LLDT, LAR, LSL, VERR and VERW; MSRs with addresses; UMIP, XCR0.
; [SDM2 IRET, CALL, RET, SYSCALL, SYSRET, SYSEXIT], [SDM3 5.8]
%include "kernel64.inc"

CODE_SEL    equ SLOT(0)
GATE_SEL    equ SLOT(2)          ; two slots
TABLE_SEL   equ SLOT(4)          ; two slots
EXIT_SEL    equ SLOT(8)          ; six for SYSENTER and SYSEXIT
TSS2        equ DATA + 0x1000

main:
    CASE "iretq to level 3 and to the same level, operands of 64, 32 and 16 bits"
    USER user_end
    EXPECT .iret_same
    push qword KDS
    push qword KSTACK - 0x200
    push qword 0x202 ^ 0x200
    push qword KCS
    push qword show_here
    iretq
.iret_same:
    EXPECT .iret_32
    sub rsp, 20
    mov dword [rsp], show_here
    mov dword [rsp + 4], KCS
    mov dword [rsp + 8], 2
    mov dword [rsp + 12], KSTACK - 0x300
    mov dword [rsp + 16], KDS
    iretd
.iret_32:
    DONE
    CASE "iretq with selectors of all kinds - cs and ss"
    mov dword [terse], 1
    FOR round, 12
    mov ecx, [round]
    say " "
    EXPECT .iret_bad
    movzx eax, word [stack_selectors + rcx * 2]
    push rax
    push qword KSTACK - 0x200
    push qword 2
    movzx eax, word [code_selectors + rcx * 2]
    push rax
    push qword show_level
    iretq
.iret_bad:
    NEXT
    mov dword [terse], 0
    DONE
    CASE "iretq to an address that is not canonical, with nt, with vm"
    EXPECT .iret_rip
    push qword KDS
    push qword KSTACK
    push qword 2
    push qword KCS
    mov rax, 0x0000800000000000
    push rax
    iretq
.iret_rip:
    EXPECT .iret_nt
    push qword 0x4002
    popfq
    push qword KDS
    push qword KSTACK
    push qword 2
    push qword KCS
    push qword show_here
    iretq
.iret_nt:
    EXPECT .iret_vm
    push qword KDS
    push qword KSTACK - 0x200
    push qword 0x20002
    push qword KCS
    push qword show_here
    iretq
.iret_vm:
    DONE
    CASE "what iretq loads of the flags, at level 0 and 3"
    EXPECT .flags0
    push qword KDS
    push qword KSTACK - 0x200
    push qword 0x3f7cd7
    push qword KCS
    push qword show_flags
    iretq
.flags0:
    USER user_iret_flags, UCS, 0x2
    DONE
    CASE "rsp of level 3 comes back whole"
    mov qword [probe_resume], .rsp
    mov qword [probe_base], user_end
    mov [probe_rsp], rsp
    push qword UDS
    mov rax, 0x123456789abcdef0
    push rax
    push qword 2
    push qword UCS
    push qword user_ud
    iretq
.rsp:
    DONE
    CASE "segments of level 0 are null at level 3, and null selectors 0"
    mov eax, KDS
    mov ds, ax
    mov eax, 3
    mov es, ax
    mov eax, KDS
    mov fs, ax
    mov eax, UDS
    mov gs, ax
    mov qword [probe_resume], .segments
    mov qword [probe_base], user_segments
    mov [probe_rsp], rsp
    push qword UDS
    push qword USTACK
    push qword 2
    push qword UCS
    push qword user_segments
    iretq
.segments:
    DONE

    CASE "far jumps and calls by m16:64, m16:32 and m16:16"
    mov qword [pointer], .jumped64
    mov word [pointer + 8], KCS
    db 0x48, 0xff, 0x2c, 0x25               ; jmp far m16:64
    dd pointer
.jumped64:
    mov dword [pointer], .jumped32
    mov word [pointer + 4], KCS
    jmp far dword [pointer]
.jumped32:
    mov [saved_rsp], rsp
    mov qword [pointer], .called64
    mov word [pointer + 8], KCS
    db 0x48, 0xff, 0x1c, 0x25               ; call far m16:64
    dd pointer
.called64:
    mov rax, [saved_rsp]
    sub rax, rsp
    VAL rax, 8
    mov rax, [rsp + 8]
    VAL rax, 32
    mov rsp, [saved_rsp]
    mov dword [pointer], .called32
    mov word [pointer + 4], KCS
    call far dword [pointer]
.called32:
    mov rax, [saved_rsp]
    sub rax, rsp
    VAL rax, 8
    mov eax, [rsp + 4]
    VAL rax, 32
    mov rsp, [saved_rsp]
    DONE
    CASE "far jumps to selectors of all kinds"
    mov dword [terse], 1
    say " "
    DESCRIPTOR CODE_SEL, 0, 0, 0xe09a
    DESCRIPTOR CODE_SEL + 8, 0, 0, 0xa01a
    FOR round, 11
    mov ecx, [round]
    EXPECT .jump_bad
    movzx eax, word [jump_selectors + rcx * 2]
    mov dword [pointer], show_level
    mov [pointer + 4], ax
    jmp far dword [pointer]
.jump_bad:
    NEXT
    mov dword [terse], 0
    DONE
    CASE "retf of 64 and 32 bits, to level 3 with parameters, not canonical"
    EXPECT .retf64
    push qword KCS
    push qword show_here
    retfq
.retf64:
    EXPECT .retf32
    mov eax, KCS
    shl rax, 32
    or rax, show_here
    push rax
    retf
.retf32:
    EXPECT .retf3
    push qword UDS
    push qword USTACK - 0x40
    push qword 0x99
    push qword UCS
    push qword user_ud
    db 0x48, 0xca, 8, 0                      ; retfq 8
.retf3:
    EXPECT .retf_bad
    push qword KCS
    mov rax, 0x0000800000000000
    push rax
    retfq
.retf_bad:
    DONE

    CASE "call gate, from level 3 and from level 0"
    GATE GDT_GATE(GATE_SEL), KCS, gated, 0xec, 0
    USER user_call_gate
    mov qword [pointer], 0
    mov word [pointer + 8], GATE_SEL
    EXPECT .gate0
    db 0x48, 0xff, 0x1c, 0x25
    dd pointer
.gate0:
    DONE
    CASE "call gate from compatibility mode at level 3, and back by retfq"
    USER user_call_gate32, UCS32
    USER user_call_gate_back
    DONE
    CASE "call gates - upper type bits, target not 64-bit, not canonical, dpl, not present, 286 gate, task gate, tss"
    mov dword [terse], 1
    say " "
    mov dword [GDT_GATE(GATE_SEL) + 12], 0x100
    USER user_call_gate
    GATE GDT_GATE(GATE_SEL), KCS32, gated, 0xec, 0
    USER user_call_gate
    GATE GDT_GATE(GATE_SEL), KCS, 0x0000800000000000, 0xec, 0
    USER user_call_gate
    GATE GDT_GATE(GATE_SEL), KCS, gated, 0x8c, 0
    USER user_call_gate
    GATE GDT_GATE(GATE_SEL), KCS, gated, 0x6c, 0
    USER user_call_gate
    GATE GDT_GATE(GATE_SEL), KCS, gated, 0xe4, 0
    USER user_call_gate
    GATE GDT_GATE(GATE_SEL), KCS, gated, 0xe5, 0
    USER user_call_gate
    GATE GDT_GATE(GATE_SEL), KCS, gated, 0xe9, 0
    USER user_call_gate
    GATE GDT_GATE(GATE_SEL), KCS, gated, 0xec, 0
    USER user_jmp_gate
    mov dword [terse], 0
    DONE

    CASE "syscall and sysret"
    WRITE_MSR 0xc0000081, 0, 0x00200008
    WRITE_MSR 0xc0000082, entered, 0
    WRITE_MSR 0xc0000084, 0x3700, 0
    USER user_syscall, UCS, 0x3202
    DONE
    CASE "syscall and sysret with tf, masked and not"
    USER user_syscall, UCS, 0x102
    WRITE_MSR 0xc0000084, 0x200, 0
    USER user_syscall, UCS, 0x102
    WRITE_MSR 0xc0000084, 0x3700, 0
    DONE
    CASE "syscall from level 0"
    EXPECT .syscall0
    syscall
.syscall0:
    VAL rcx, 16
    DONE
    CASE "sysret to compatibility mode, the flags of r11"
    EXPECT .sysret32
    mov rcx, user_ud
    mov r11, 0x3f7fd5
    sysret
.sysret32:
    DONE
    CASE "sysret to an address that is not canonical, sysret at level 3"
    mov rcx, 0x0000800000000000
    TRY o64 sysret
    USER user_sysret
    DONE
    CASE "without efer.sce, in compatibility mode"
    WRITE_MSR 0xc0000080, 0x900, 0
    TRY syscall
    TRY o64 sysret
    WRITE_MSR 0xc0000080, 0x901, 0
    USER user_syscall, UCS32
    DONE

    CASE "sysenter and sysexit to code of 64 and 32 bits"
    DESCRIPTOR EXIT_SEL, 0, 0, CODE64
    WRITE_MSR 0x174, EXIT_SEL, 0
    WRITE_MSR 0x175, ISTACK - 0x100, 0xffff8000
    WRITE_MSR 0x176, sysentered, 0xffff8000
    DESCRIPTOR EXIT_SEL + 8, 0, 0xfffff, DATA32
    DESCRIPTOR EXIT_SEL + 16, 0, 0xfffff, CODE32 + DPL3
    DESCRIPTOR EXIT_SEL + 24, 0, 0xfffff, DATA32 + DPL3
    DESCRIPTOR EXIT_SEL + 32, 0, 0xfffff, CODE64 + DPL3
    DESCRIPTOR EXIT_SEL + 40, 0, 0xfffff, DATA32 + DPL3
    USER user_sysenter, UCS, 0x3202
    USER user_sysenter, UCS32, 0x3202
    EXPECT .sysexit64
    mov rdx, user_ud
    mov rcx, USTACK
    o64 sysexit
.sysexit64:
    EXPECT .sysexit32
    mov rdx, 0x100000000 + user_ud
    mov rcx, 0x100000000 + USTACK
    sysexit
.sysexit32:
    mov rdx, 0x0000800000000000
    mov rcx, USTACK
    TRY o64 sysexit
    mov rcx, rdx
    mov rdx, user_ud
    TRY o64 sysexit
    DONE

    CASE "swapgs, and at level 3"
    WRITE_MSR 0xc0000101, 0x11111111, 0x1111
    WRITE_MSR 0xc0000102, 0x22222222, 0xffffa222
    swapgs
    mov ecx, 0xc0000101
    rdmsr
    VAL rdx, 32
    VAL rax, 32
    mov ecx, 0xc0000102
    rdmsr
    VAL rdx, 32
    swapgs
    USER user_swapgs
    DONE
    CASE "bases of fs and gs by msr, by selector, by fsgsbase"
    WRITE_MSR 0xc0000100, DATA, 0xffff8000
    mov dword [DATA + 8], 0x55667788
    mov eax, [fs:8]
    VAL rax, 32
    DESCRIPTOR CODE_SEL, DATA, 0xfffff, DATA32
    mov eax, CODE_SEL
    mov fs, ax
    mov ecx, 0xc0000100
    rdmsr
    VAL rdx, 32
    VAL rax, 32
    xor eax, eax
    mov fs, ax
    rdmsr
    VAL rax, 32
    TRY rdfsbase rax
    mov rax, cr4
    or eax, 1 << 16
    mov cr4, rax
    mov rax, HIGH + DATA
    wrgsbase rax
    mov eax, [gs:8]
    VAL rax, 32
    rdgsbase rdx
    VAL rdx
    mov rax, 0x0000800000000000
    TRY wrfsbase rax
    USER user_fsbase
    DONE
    CASE "msrs with addresses that are not canonical"
    mov dword [terse], 1
    say " "
    FOR round, 7
    mov ecx, [round]
    mov ecx, [address_msrs + rcx * 4]
    xor eax, eax
    mov edx, 0x00008000
    TRY wrmsr
    NEXT
    mov dword [terse], 0
    mov dword [line_items], 1
    DONE

    CASE "null in ss, by rpl, at levels 0 and 3"
    xor eax, eax
    TRY mov ss, ax
    mov ecx, ss
    VAL rcx, 16
    mov eax, KDS
    mov ss, ax
    mov eax, 3
    TRY mov ss, ax
    USER user_null_ss
    DONE
    CASE "ltr - upper type bits, busy, 286, not present"
    mov dword [TABLE_SEL + gdt], DESC_LOW(TSS2, 0x67)
    mov dword [TABLE_SEL + gdt + 4], DESC_HIGH(TSS2, 0x67, 0x89)
    mov dword [TABLE_SEL + gdt + 12], 0x0800
    mov eax, TABLE_SEL
    TRY ltr ax
    mov dword [TABLE_SEL + gdt + 12], 0
    mov byte [TABLE_SEL + gdt + 5], 0x8b
    TRY ltr ax
    mov byte [TABLE_SEL + gdt + 5], 0x81
    TRY ltr ax
    mov byte [TABLE_SEL + gdt + 5], 0x09
    TRY ltr ax
    mov byte [gdt + TSS_SEL + 5], 0x89
    mov eax, TSS_SEL
    ltr ax
    DONE
    CASE "lldt, and a segment of the table"
    mov dword [TABLE_SEL + gdt], DESC_LOW(DATA, 0xf)
    mov dword [TABLE_SEL + gdt + 4], DESC_HIGH(DATA, 0xf, 0x82)
    mov dword [TABLE_SEL + gdt + 8], 0xffff8000
    mov eax, TABLE_SEL
    lldt ax
    mov dword [DATA + 8], DESC_LOW(0, 0xfffff)
    mov dword [DATA + 12], DESC_HIGH(0, 0xfffff, DATA32)
    mov ecx, 0xc
    TRY mov es, cx
    mov ecx, 0x14
    TRY mov es, cx
    mov byte [TABLE_SEL + gdt + 5], 0x89
    TRY lldt ax
    xor eax, eax
    lldt ax
    mov ecx, 0xc
    TRY mov es, cx
    mov eax, KDS
    mov es, ax
    DONE
    CASE "lar, lsl, verr, verw over types 0 to 31"
    say " "
    FOR round, 32
    mov eax, [round]
    or eax, 0x80
    DESCRIPTOR CODE_SEL, 0, 0x123, 0x2000
    mov [gdt + CODE_SEL + 5], al
    mov edx, CODE_SEL
    mov ecx, 0
    lar eax, edx
    setz cl
    lsl eax, edx
    setz al
    lea ecx, [ecx + eax * 2]
    and ecx, 3
    verr dx
    setz al
    and eax, 1
    lea ecx, [ecx + eax * 4]
    verw dx
    setz al
    and eax, 1
    lea ecx, [ecx + eax * 8]
    mov al, [digits + rcx]
    out DEBUG_PORT, al
    NEXT
    mov dword [line_items], 1
    DONE
    CASE "umip - sgdt, sidt, sldt, smsw, str at level 3"
    mov rax, cr4
    or eax, 1 << 11
    mov cr4, rax
    USER user_sgdt
    USER user_sidt
    USER user_sldt
    USER user_smsw
    USER user_str
    mov rax, cr4
    and eax, ~(1 << 11)
    mov cr4, rax
    USER user_sgdt
    mov ax, [DATA + 0x100]
    VAL rax, 16
    mov rax, [DATA + 0x102]
    sub rax, gdt
    VAL rax, 16
    DONE
    CASE "xcr0 - without osxsave, bits, levels"
    xor ecx, ecx
    TRY xgetbv
    mov rax, cr4
    or eax, 1 << 18
    mov cr4, rax
    xor ecx, ecx
    xgetbv
    VAL rax, 32
    mov eax, 3
    xor edx, edx
    TRY xsetbv
    mov eax, 2
    TRY xsetbv
    mov eax, 7
    TRY xsetbv
    mov ecx, 1
    mov eax, 1
    TRY xsetbv
    USER user_xsetbv
    DONE
    CASE "xsave, header and what comes back"
    mov eax, 3
    xor edx, edx
    xor ecx, ecx
    xsetbv
    mov rax, cr4
    or eax, 0x200
    mov cr4, rax
    movdqu xmm9, [sixteen]
    mov qword [DATA + 0x400 + 512], 0
    mov eax, 3
    xsave [DATA + 0x400]
    mov rax, [DATA + 0x400 + 160 + 9 * 16]
    VAL rax
    mov qword [DATA + 0x400 + 512], 0
    mov eax, 2
    xrstor [DATA + 0x400]
    movdqu [DATA], xmm9
    mov rax, [DATA]
    VAL rax
    mov qword [DATA + 0x400 + 512], 4
    mov eax, 3
    TRY xrstor [DATA + 0x400]
    mov qword [DATA + 0x400 + 512], 3
    TRY xrstor [DATA + 0x408]
    xrstor [DATA + 0x400]
    movdqu [DATA], xmm9
    mov rax, [DATA]
    VAL rax
    DONE
    CASE "rdtscp has tsc_aux"
    WRITE_MSR 0xc0000103, 0x1234, 0
    rdtscp
    VAL rcx, 32
    mov edx, 1
    mov ecx, 0xc0000103
    TRY wrmsr
    DONE
    jmp finish

; Goes on behind the instruction that was tried, with a word of where it is.
show_here:
    NOTE "here"
    mov rax, rsp
    VAL rax, 16
    mov eax, cs
    VAL rax, 16
    mov eax, ss
    VAL rax, 16
    jmp go_on
show_level:
    mov eax, cs
    and al, 3
    add al, '0'
    out DEBUG_PORT, al
    inc dword [line_items]
go_on:
    mov eax, KDS
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov rsp, [probe_rsp]
    push qword 2
    popfq
    jmp [probe_resume]
show_flags:
    pushfq
    pop rax
    VAL rax, 32
    jmp go_on
gated:
    NOTE "gated"
    mov rax, [rsp]
    sub rax, [probe_base]
    VAL rax, 8
    mov rbx, [rsp + 8]
    VAL rbx, 16
    mov rax, rsp
    VAL rax, 32
    mov eax, ss
    VAL rax, 16
    test ebx, 3
    jz go_on
    mov rax, [rsp + 16]
    VAL rax, 32
    mov rax, [rsp + 24]
    VAL rax, 16
    retfq
entered:
    mov [saved_rsp], rsp
    mov rsp, ISTACK - 0x200
    NOTE "entered"
    push r11
    mov rax, rcx
    sub rax, [probe_base]
    VAL rax, 8
    pop r11
    VAL r11, 32
    pushfq
    pop rax
    VAL rax, 32
    mov eax, cs
    VAL rax, 16
    mov eax, ss
    VAL rax, 16
    cmp rcx, user_syscall
    jb go_on
    mov rsp, [saved_rsp]
    o64 sysret
sysentered:
    pushfq
    pop rax
    VAL rax, 32
    mov rax, rsp
    VAL rax
    mov eax, cs
    VAL rax, 16
    mov eax, ss
    VAL rax, 16
    jmp go_on

user_sysenter:
    sysenter
user_sysret:
    o64 sysret
user_syscall:
    syscall
    mov eax, cs
    mov ecx, ss
user_ud:
    ud2
user_end:
    int 0x30
user_swapgs:
    swapgs
user_iret_flags:
    push qword UDS
    push qword USTACK - 0x100
    push qword 0x3f7cd7
    push qword UCS
    push qword user_ud
    iretq
user_segments:
    mov eax, ds
    mov ecx, es
    mov edx, fs
    mov ebx, gs
    shl rbx, 48
    shl rdx, 32
    shl rcx, 16
    or rax, rcx
    or rax, rdx
    or rax, rbx
    mov rsp, rax
    ud2
user_call_gate:
    db 0x48, 0xff, 0x1c, 0x25
    dd gate_pointer
    int 0x30
user_jmp_gate:
    db 0x48, 0xff, 0x2c, 0x25
    dd gate_pointer
user_call_gate_back:
    db 0x48, 0xff, 0x1c, 0x25
    dd gate_pointer
    ud2
user_call_gate32:
    db 0x9a                                  ; call far GATE_SEL:0
    dd 0
    dw GATE_SEL | 3
    ud2
user_fsbase:
    mov rax, 0x123456789000
    wrfsbase rax
    rdfsbase rsp
    ud2
user_null_ss:
    mov eax, 3
    mov ss, ax
user_sgdt:
    sgdt [DATA + 0x100]
    int 0x30
user_sidt:
    sidt [DATA + 0x100]
    int 0x30
user_sldt:
    sldt eax
    int 0x30
user_smsw:
    smsw eax
    int 0x30
user_str:
    str eax
    int 0x30
user_xsetbv:
    xor ecx, ecx
    mov eax, 1
    xor edx, edx
    xsetbv

section .data
code_selectors: dw KCS, KCS, KCS, KCS, UCS, UCS, KCS32, KCS + 1, 0, KDS, 0xfff8, KCS
stack_selectors: dw 0, 3, KDS + 3, UDS, 3, KDS, 0, KDS, KDS, KDS, KDS, 0xfff8
jump_selectors: dw KCS, KCS + 3, UCS, UCS - 3, KDS, 0, 3, CODE_SEL, CODE_SEL + 8, TSS_SEL, 0xc
    align 4
address_msrs: dd 0xc0000082, 0xc0000083, 0xc0000100, 0xc0000101, 0xc0000102, 0x175, 0x176
    align 8
gate_pointer: dq 0
    dw GATE_SEL | 3
    align 8
pointer: dq 0, 0
saved_rsp: dq 0
sixteen: dq 0x1122334455667788, 0x99
round: dd 0
image_end:
