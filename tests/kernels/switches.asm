; More of task switches: into virtual-8086 mode, between 16- and 32-bit TSS with all registers, to other levels, nested
; chains, the T bit by every way in, interrupts of devices, and faults at every access of a switch. [SDM3 7.2 to 7.6]
%include "kernel.inc"
%include "levels.inc"

PD          equ TABLES
LOW_TABLE   equ TABLES + 0x1000
VSEG        equ BASE >> 4
%define R(label) ((label) - BASE)

; TSS of the tasks, two pages each.
A           equ 0x70000
B           equ 0x72000
C16         equ 0x74000          ; 16 bits
D16         equ 0x76000          ; 16 bits
A_SEL       equ SLOT(0)
B_SEL       equ SLOT(1)
C_SEL       equ SLOT(2)
D_SEL       equ SLOT(3)
GATE_SEL    equ SLOT(4)
CODE16      equ SLOT(5)          ; level 0, base BASE
DATA16      equ SLOT(6)
LDT_SEL     equ SLOT(7)
UCODE16     equ SLOT(8)
LDT_BASE    equ 0x7a000
GDT_COPY    equ 0x5e000

%macro T 3                       ; TSS, field's offset, value
    mov dword [(%1) + (%2)], %3
%endmacro
T_LINK equ 0
T_ESP0 equ 4
T_SS0 equ 8
T_CR3 equ 0x1c
T_EIP equ 0x20
T_EFLAGS equ 0x24
T_EAX equ 0x28
T_ESP equ 0x38
T_ES equ 0x48
T_CS equ 0x4c
T_SS equ 0x50
T_DS equ 0x54
T_FS equ 0x58
T_GS equ 0x5c
T_LDT equ 0x60
T_TRAP equ 0x64

main:
    call make_levels
    call fresh
    CASE "jump to a virtual-8086 task"
    T A, T_EFLAGS, 0x23002
    T A, T_EIP, R(v86_code)
    T A, T_CS, VSEG
    T A, T_SS, 0x3000
    T A, T_ESP, 0xf000
    T A, T_DS, 0x1234
    T A, T_ES, 0x2345
    T A, T_FS, 0
    T A, T_GS, VSEG
    TRY jmp A_SEL:0
    call back
    VAL [DATA]
    VAL [DATA + 4]
    DONE
    call fresh
    CASE "call to a virtual-8086 task, which gets nt but whose iret is its own"
    T A, T_EFLAGS, 0x23002
    T A, T_EIP, R(v86_iret)
    T A, T_CS, VSEG
    T A, T_SS, 0x3000
    T A, T_ESP, 0xf000
    T A, T_GS, VSEG
    TRY call A_SEL:0
    call back
    VAL [A], 16
    DONE
    call fresh
    CASE "interrupt of virtual-8086 mode to a task, and its iret"
    T A, T_EIP, quiet_iret
    GATE IDT_GATE(0x2d), A_SEL, 0, 0xe5, 0
    EXPECT .v86_done
    push dword 0x1111
    push dword 0x2222
    push dword VSEG
    push dword 0x3333
    push dword VSEG
    push dword 0xe000
    push dword 0x23002
    push dword VSEG
    push dword R(v86_int)
    iretd
.v86_done:
    VAL [TSS + T_EFLAGS]
    VAL [TSS + T_CS], 16
    VAL [TSS + T_ES], 16
    VAL [TSS + T_GS], 16
    VAL [TSS + T_ESP]
    clts
    DONE

    call fresh
    CASE "to a 16-bit task, registers, segments, what lies behind them"
    mov dword [TSS + T_FS], 0
    mov eax, 0x11112222
    mov ebx, 0x33334444
    mov ecx, 0x55556666
    mov edx, 0x77778888
    mov esi, 0x9999aaaa
    mov edi, 0xbbbbcccc
    mov ebp, 0xddddeeee
    TRY call C_SEL:0
    mov esi, DATA
    mov ecx, 11
    call dump
    clts
    DONE
    CASE "what the 32-bit task saved"
    lea esi, [TSS + T_EAX]
    mov ecx, 3
    call dump
    lea esi, [TSS + T_EAX + 0x14]
    mov ecx, 9
    call dump
    DONE
    call fresh
    CASE "from a 16-bit task to a 32-bit one, what it saved"
    mov word [C16 + 0x0e], R(call_b)
    T B, T_EIP, quiet_iret
    TRY call C_SEL:0
    lea esi, [C16 + 0x10]
    mov ecx, 8
    call dump
    clts
    DONE
    call fresh
    CASE "from a 16-bit task to a 16-bit one and back by jumps"
    mov word [C16 + 0x0e], R(jump_d)
    mov word [D16 + 0x0e], R(jump_main)
    TRY jmp C_SEL:0
    call busy
    lea esi, [C16 + 0x10]
    mov ecx, 8
    call dump
    clts
    DONE
    call fresh
    CASE "a 16-bit task's stack for level 0, from level 3"
    mov word [C16 + 2], 0xd000
    mov word [C16 + 4], DATA16
    mov word [C16 + 0x0e], R(user16)
    mov word [C16 + 0x24], UCODE16 | 3
    mov word [C16 + 0x26], UDS
    mov word [C16 + 0x28], UDS
    mov word [C16 + 0x22], UDS
    GATE IDT_GATE(0x2f), KCS, show_stack, 0xee, 0
    TRY jmp C_SEL:0
    call back
    DONE

    call fresh
    CASE "a task of level 3, which calls level 0"
    T A, T_CS, UCS
    T A, T_SS, UDS
    T A, T_DS, UDS
    T A, T_ES, UDS
    T A, T_EIP, user_task
    T A, T_ESP, USTACK
    TRY jmp A_SEL:0
    call back
    VAL [DATA]
    DONE
    call fresh
    CASE "a task with code, stack and data of its ldt"
    T A, T_LDT, LDT_SEL
    T A, T_CS, 0x07
    T A, T_SS, 0x0f
    T A, T_DS, 0x0f
    T A, T_ES, 0x0f
    T A, T_EIP, user_task
    T A, T_ESP, USTACK
    TRY jmp A_SEL:0
    sldt ax
    movzx eax, ax
    call back
    VAL eax
    VAL [DATA]
    DONE
    call fresh
    CASE "a conforming segment of level 0 with rpl 3"
    DESCRIPTOR SLOT(9), 0, 0xfffff, 0xc09e
    T A, T_CS, SLOT(9) | 3
    T A, T_SS, UDS
    T A, T_DS, UDS
    T A, T_ES, UDS
    T A, T_EIP, user_task
    T A, T_ESP, USTACK
    TRY jmp A_SEL:0
    call back
    VAL [DATA]
    DONE

    call fresh
    CASE "three tasks nested, and back"
    T A, T_EIP, call_b32
    T B, T_EIP, chain_end
    TRY call A_SEL:0
    call busy
    VAL [DATA]
    VAL [DATA + 4]
    VAL [A + T_EFLAGS]
    VAL [B + T_EFLAGS]
    clts
    DONE
    call fresh
    CASE "a jump from a nested task to its caller, which is busy; to another task"
    T A, T_EIP, jump_main32
    TRY call A_SEL:0
    call busy
    call back
    call fresh
    T A, T_EIP, jump_b32
    T B, T_EIP, back_by_force
    TRY call A_SEL:0
    call busy
    VAL [A + T_EFLAGS]
    call back
    DONE
    call fresh
    CASE "iret with nt at level 3"
    T A, T_EIP, back_by_force
    USER user_nt
    call busy
    VAL [TSS + T_EFLAGS]
    VAL [TSS + T_CS], 16
    call back
    DONE
    call fresh
    CASE "a task gate in the ldt, a tss in the ldt"
    GATE LDT_BASE + 16, A_SEL, 0, 0x85, 0
    T A, T_EIP, quiet_iret
    mov eax, LDT_SEL
    lldt ax
    mov word [TSS + T_LDT], LDT_SEL
    TRY call 0x14:0
    call busy
    mov dword [LDT_BASE + 24], DESC_LOW(B, 0x67)
    mov dword [LDT_BASE + 28], DESC_HIGH(B, 0x67, 0x0089)
    TRY call 0x1c:0
    mov eax, 0x1c
    TRY ltr ax
    xor eax, eax
    lldt ax
    mov word [TSS + T_LDT], 0
    clts
    DONE
    call fresh
    CASE "the t bit by call, by iret, by an interrupt"
    T A, T_TRAP, 0x680001
    T A, T_EIP, quiet_iret
    mov dword [trap_count], 3
    EXPECT .t_call
    mov dword [probe_base], quiet_iret
    call A_SEL:0
.t_call:
    mov byte [gdt + A_SEL + 5], 0x89
    T A, T_EIP, quiet_iret
    GATE IDT_GATE(0x2d), A_SEL, 0, 0x85, 0
    mov dword [trap_count], 3
    EXPECT .t_int
    mov dword [probe_base], quiet_iret
    int 0x2d
.t_int:
    mov byte [gdt + A_SEL + 5], 0x89
    T A, T_TRAP, 0x680000
    T A, T_EIP, quiet_iret
    mov dword [TSS + T_TRAP], 0x680001
    mov dword [trap_count], 3
    TRY call A_SEL:0
    mov dword [TSS + T_TRAP], 0x680000
    clts
    DONE
    call fresh
    CASE "tf of the incoming task, tf of the outgoing one"
    T A, T_EFLAGS, 0x102
    T A, T_EIP, steps
    mov dword [trap_count], 2
    EXPECT .tf
    mov dword [probe_base], steps
    call A_SEL:0
.tf:
    clts
    call fresh
    T A, T_EIP, .tf_task
    mov dword [trap_count], 3
    EXPECT .tf_out
    push dword 0x102
    popfd
    call A_SEL:0
    nop
    jmp .tf_out
.tf_task:
    iretd
.tf_out:
    VAL [TSS + T_EFLAGS]
    clts
    DONE
    call fresh
    CASE "an irq to a task, between instructions of another"
    call init_pics
    T A, T_EIP, irq_task
    GATE IDT_GATE(0x20), A_SEL, 0, 0x85, 0
    mov dword [switch_count], 0
    call arm
    sti
.wait_irq:
    cmp dword [switch_count], 0
    je .wait_irq
    cli
    VAL [switch_count]
    call busy
    VAL [TSS + T_EFLAGS]
    clts
    DONE
    CASE "an irq to a task that is busy, ext"
    call init_pics
    mov byte [gdt + A_SEL + 5], 0x8b
    EXPECT .busy_irq
    call arm
    sti
.spin:
    jmp .spin
.busy_irq:
    DONE
    call init_pics
    GATE IDT_GATE(0x20), KCS, stubs + 0x20 * STUB_SIZE, 0x8e, 0
    call fresh
    CASE "an exception with an error code to a 16-bit task"
    GATE IDT_GATE(13), C_SEL, 0, 0x85, 0
    mov word [C16 + 0x0e], R(code16_task)
    EXPECT .code16
    mov eax, 0x1004
    mov fs, ax
.code16:
    GATE IDT_GATE(13), KCS, stubs + 13 * STUB_SIZE, 0x8e, 0
    VAL [DATA]
    VAL [DATA + 4]
    call busy
    clts
    DONE
    call fresh
    CASE "ts makes the x87 wait for the first use"
    T A, T_EIP, x87_task
    TRY call A_SEL:0
    mov eax, cr0
    VAL eax
    TRY fnop
    clts
    TRY fnop
    DONE

    ; Faults at every access of a switch: two pages of a TSS, one of which is absent or read-only.
    call page_tables
    mov eax, PD
    mov cr3, eax
    mov [TSS + T_CR3], eax
    mov eax, 0x80010031
    mov cr0, eax
%macro SWITCH_FAULT 3            ; name, page, entry's bits
    call fresh
    T A, T_CR3, PD
    T A, T_EIP, quiet_iret
    CASE %1
    mov dword [LOW_TABLE + ((%2) >> 12) * 4], ((%2) & ~0xfff) | (%3)
    mov eax, cr3
    mov cr3, eax
    TRY call A_SEL:0
    mov dword [LOW_TABLE + ((%2) >> 12) * 4], ((%2) & ~0xfff) | 7
    mov eax, cr3
    mov cr3, eax
    call busy
    clts
    DONE
%endmacro
    SWITCH_FAULT "new tss absent", A, 0
    SWITCH_FAULT "new tss read-only, for the link", A, 5
    SWITCH_FAULT "old tss read-only", TSS, 5
    call fresh
    T A, T_CR3, PD
    T A, T_EIP, quiet_iret
    CASE "gdt read-only, for the busy bit"
    mov esi, gdt
    mov edi, GDT_COPY
    mov ecx, (gdt_end - gdt) / 4
    rep movsd
    sgdt [DATA]
    mov dword [DATA + 2], GDT_COPY
    lgdt [DATA]
    mov dword [LOW_TABLE + (GDT_COPY >> 12) * 4], GDT_COPY | 5
    mov eax, cr3
    mov cr3, eax
    TRY call A_SEL:0
    mov al, [GDT_COPY + A_SEL + 5]
    VAL eax, 8
    lgdt [gdt_pointer]
    DONE
    call fresh
    T A, T_CR3, PD
    CASE "new tss across into an absent page"
    mov dword [gdt + A_SEL], DESC_LOW(A + 0xfc0, 0x67)
    mov dword [LOW_TABLE + ((A + 0x1000) >> 12) * 4], 0
    mov eax, cr3
    mov cr3, eax
    TRY call A_SEL:0
    mov dword [LOW_TABLE + ((A + 0x1000) >> 12) * 4], (A + 0x1000) | 7
    mov eax, cr3
    mov cr3, eax
    call busy
    DONE
    call fresh
    T A, T_CR3, PD
    CASE "iret to a tss that is absent"
    mov word [TSS], A_SEL
    mov byte [gdt + A_SEL + 5], 0x8b
    mov dword [LOW_TABLE + (A >> 12) * 4], 0
    mov eax, cr3
    mov cr3, eax
    EXPECT .iret_absent
    push dword 0x4002
    popfd
    iretd
.iret_absent:
    mov dword [LOW_TABLE + (A >> 12) * 4], A | 7
    mov eax, cr3
    mov cr3, eax
    call busy
    DONE
    mov eax, 0x31
    mov cr0, eax

    call fresh
    CASE "the limit of the old tss is too short to save"
    mov word [gdt + TSS_SEL], 0x5e
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov eax, TSS_SEL
    ltr ax
    T A, T_EIP, quiet_iret
    TRY call A_SEL:0
    mov word [gdt + TSS_SEL], 0x1fff
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov eax, TSS_SEL
    ltr ax
    call busy
    DONE
    CASE "a tss too short for the stack of an inner level"
    mov word [gdt + TSS_SEL], 0x0c
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov eax, TSS_SEL
    ltr ax
    GATE GDT_GATE(GATE_SEL), RCS0 + 16, landed, 0xec, 0
    USER user_gate
    mov word [gdt + TSS_SEL], 0x1fff
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov eax, TSS_SEL
    ltr ax
    DONE
    ret

; Descriptors and fresh tasks.
fresh:
    push edi
    push ecx
    mov edi, A
    mov ecx, 0x8000 / 4
    xor eax, eax
    rep stosd
    DESCRIPTOR A_SEL, A, 0x67, 0x0089
    DESCRIPTOR B_SEL, B, 0x67, 0x0089
    DESCRIPTOR C_SEL, C16, 0x2b, 0x0081
    DESCRIPTOR D_SEL, D16, 0x2b, 0x0081
    DESCRIPTOR CODE16, BASE, 0xffff, 0x009a
    DESCRIPTOR UCODE16, BASE, 0xffff, 0x00fa
    DESCRIPTOR DATA16, BASE + 0x10000, 0xffff, 0x0092
    DESCRIPTOR LDT_SEL, LDT_BASE, 0x1f, 0x0082
    mov dword [LDT_BASE], DESC_LOW(0, 0xfffff)
    mov dword [LDT_BASE + 4], DESC_HIGH(0, 0xfffff, 0xc0fa)
    mov dword [LDT_BASE + 8], DESC_LOW(0, 0xfffff)
    mov dword [LDT_BASE + 12], DESC_HIGH(0, 0xfffff, 0xc0f2)
    mov edi, A
    mov ecx, 0x75000
    call .fill
    mov edi, B
    mov ecx, 0x77000
    call .fill
    mov edi, C16
    call .fill16
    mov edi, D16
    call .fill16
    mov dword [TSS + T_LINK], 0
    pop ecx
    pop edi
    ret
.fill:
    T edi, T_ESP0, ISTACK
    T edi, T_SS0, KDS
    T edi, T_EFLAGS, 2
    mov [edi + T_ESP], ecx
    T edi, T_ES, KDS
    T edi, T_CS, KCS
    T edi, T_SS, KDS
    T edi, T_DS, KDS
    T edi, T_TRAP, 0x680000
    ret
.fill16:
    mov word [edi + 0x0e], R(task16)
    mov word [edi + 0x10], 2
    mov dword [edi + 0x12], 0x22221111
    mov dword [edi + 0x16], 0x44443333
    mov word [edi + 0x1a], 0xe000
    mov word [edi + 0x22], KDS
    mov word [edi + 0x24], CODE16
    mov word [edi + 0x26], DATA16
    mov word [edi + 0x28], KDS
    ret

; The main task again, after a switch without a way back; EAX stays.
back:
    push eax
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov ax, TSS_SEL
    ltr ax
    xor eax, eax
    lldt ax
    clts
    pop eax
    ret
; Type bytes of the main task, A, B, C and D, TR, and the links.
busy:
    pushad
    mov al, [gdt + TSS_SEL + 5]
    VAL eax, 8
    mov al, [gdt + A_SEL + 5]
    VAL eax, 8
    mov al, [gdt + B_SEL + 5]
    VAL eax, 8
    mov al, [gdt + C_SEL + 5]
    VAL eax, 8
    str ax
    VAL eax, 16
    VAL [A], 16
    VAL [B], 16
    popad
    ret
dump:                            ; ECX doublewords from ESI on
    lodsd
    VAL eax
    loop dump
    ret

quiet_iret:
    iretd
    jmp quiet_iret
steps:
    nop
    nop
    iretd
call_b32:
    call B_SEL:0
    mov eax, [B]
    mov [DATA], eax
    iretd
chain_end:
    mov eax, [A]
    mov [DATA + 4], eax
    iretd
jump_main32:
    jmp TSS_SEL:0
jump_b32:
    jmp B_SEL:0
back_by_force:                   ; NT is clear here: an IRET would be an ordinary one
    pushfd
    pop eax
    VAL eax
    mov esp, [probe_esp]
    jmp [probe_resume]
irq_task:
    inc dword [switch_count]
    mov al, 0x20
    out 0x20, al
    iretd
    jmp irq_task
x87_task:
    clts
    fninit
    iretd
user_task:
    mov [DATA], esp
    int 0x30
user_nt:
    push dword 0x4002
    popfd
    mov dword [TSS], A_SEL       ; the link; the TSS is mapped for all
    mov byte [gdt + A_SEL + 5], 0x8b
    iretd
    int 0x30
user_gate:
    call GATE_SEL | 3:0
    int 0x30
landed:
    int 0x30
show_stack:
    mov ax, KDS
    mov ds, ax
    VAL esp
    mov eax, ss
    VAL eax, 16
    mov esp, [probe_esp]
    mov ax, KDS
    mov ss, ax
    jmp [probe_resume]

bits 16
v86_code:
    mov bx, ds
    mov cx, es
    mov ax, DATA >> 4
    mov ds, ax
    mov [0], bx
    mov [2], cx
    mov bx, gs
    mov [4], bx
    int 0x30
v86_iret:
    pushf
    push cs
    push word R(.there)
    iret
.there:
    int 0x30
v86_int:
    int 0x2d
    int 0x30
task16:
    mov [dword DATA], eax
    mov [dword DATA + 4], ecx
    mov [dword DATA + 8], edx
    mov [dword DATA + 12], ebx
    mov [dword DATA + 16], esp
    mov [dword DATA + 20], ebp
    mov [dword DATA + 24], esi
    mov [dword DATA + 28], edi
    mov eax, fs
    mov [dword DATA + 32], eax
    pushfd
    pop dword [dword DATA + 36]
    mov eax, cs
    mov [dword DATA + 40], eax
    iret
call_b:
    mov eax, 0xaaaa1111
    mov ecx, 0xbbbb2222
    mov ebp, 0xcccc3333
    call B_SEL:0
    iret
jump_d:
    mov ebx, 0x12345678
    jmp D_SEL:0
jump_main:
    jmp TSS_SEL:0
user16:
    int 0x2f
code16_task:
    mov eax, esp
    mov [dword DATA + 4], eax
    pop ax
    movzx eax, ax
    mov [dword DATA], eax
    add dword [dword TSS + T_EIP], 2     ; behind MOV FS
    iret
bits 32

init_pics:
    mov al, 0x11
    out 0x20, al
    mov al, 0x20
    out 0x21, al
    mov al, 4
    out 0x21, al
    mov al, 1
    out 0x21, al
    mov al, 0xfe
    out 0x21, al
    mov al, 0x30
    out 0x43, al
    ret
arm:
    mov al, 0x30
    out 0x43, al
    mov al, 119
    out 0x40, al
    mov al, 0
    out 0x40, al
    ret

page_tables:
    mov edi, LOW_TABLE
    mov eax, 7
    mov ecx, 1024
.fill:
    stosd
    add eax, 0x1000
    loop .fill
    mov dword [PD], LOW_TABLE + 7
    ret

section .data
    align 4
switch_count: dd 0
image_end:
