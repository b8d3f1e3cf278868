; Interrupts and exceptions that come while a virtual-8086 task runs, through gates of all kinds, and its way back; page
; faults, breakpoints and single steps there; protected-mode virtual interrupts. [SDM3 20.2, 20.3, 20.4]
%include "kernel.inc"
%include "levels.inc"

VSEG        equ BASE >> 4
PD          equ TABLES
LOW_TABLE   equ TABLES + 0x1000
CODE16      equ SLOT(0)
STACK16     equ SLOT(1)
%define R(label) ((label) - BASE)

%macro V86 2                     ; code, low half of EFLAGS
    mov dword [probe_resume], %%after
    mov dword [probe_base], R(%1)
    mov [probe_esp], esp
    push dword 0x1111
    push dword 0x2222
    push dword VSEG
    push dword VSEG
    push dword VSEG
    push dword 0xf000
    push dword 0x20000 | (%2)
    push dword VSEG
    push dword R(%1)
    iretd
%%after:
%endmacro
; What the handler of an IRQ or INT 2Fh found: flags, CS, IP in distance, SP, and the words at the top of its stack.
%macro SEEN 0
    VAL [seen]
    VAL [seen + 4]
    VAL [seen + 8]
%endmacro

main:
    call make_levels
    DESCRIPTOR CODE16, BASE, 0xffff, 0x009a
    DESCRIPTOR STACK16, BASE + 0x10000, 0xffff, 0x0092
    call init_pics
    GATE IDT_GATE(0x30), KCS, stubs + 0x30 * STUB_SIZE, 0xee, 0
    CASE "irq with iopl 0, if set; the task goes on"
    GATE IDT_GATE(0x20), KCS, irq32, 0x8e, 0
    call arm
    V86 waits, 0x0202
    SEEN
    DONE
    CASE "irq with iopl 3"
    call arm
    V86 waits, 0x3202
    SEEN
    DONE
    CASE "irq through a trap gate keeps if"
    GATE IDT_GATE(0x20), KCS, irq32, 0x8f, 0
    call arm
    V86 waits, 0x3202
    SEEN
    VAL [inside_flags]
    DONE
    CASE "irq through a 16-bit gate, nine words"
    GATE IDT_GATE(0x20), CODE16, R(irq16), 0x86, 0
    call arm
    V86 waits, 0x3202
    mov esi, ISTACK - 18
    call words
    DONE
    GATE IDT_GATE(0x20), KCS, irq32, 0x8e, 0
    CASE "irq with a 16-bit inner stack"
    mov dword [TSS + 4], 0xd000
    mov dword [TSS + 8], STACK16
    call arm
    V86 waits, 0x3202
    mov dword [TSS + 4], ISTACK
    mov dword [TSS + 8], KDS
    SEEN
    DONE
    CASE "if clear holds the irq until the task sets it"
    call arm
    V86 sets_later, 0x3002
    SEEN
    DONE
    CASE "irq to a conforming segment, to level 1"
    DESCRIPTOR SLOT(2), 0, 0xfffff, 0xc09e
    GATE IDT_GATE(0x20), SLOT(2), irq32, 0x8e, 0
    call arm
    V86 spins, 0x3202
    GATE IDT_GATE(0x20), RCS0 + 16, irq32, 0x8e, 0
    call init_pics
    call arm
    V86 spins, 0x3202
    GATE IDT_GATE(0x20), KCS, irq32, 0x8e, 0
    call init_pics
    DONE
    CASE "int through a trap gate, a 16-bit gate, and back"
    GATE IDT_GATE(0x2f), KCS, int32, 0xef, 0
    V86 calls, 0x3202
    SEEN
    GATE IDT_GATE(0x2f), CODE16, R(int16), 0xe6, 0
    V86 calls, 0x3202
    mov esi, ISTACK - 18
    call words
    DONE
    CASE "into, bound, int3 by their gates, iopl 0"
    GATE IDT_GATE(4), KCS, stubs + 4 * STUB_SIZE, 0xee, 0
    GATE IDT_GATE(3), KCS, stubs + 3 * STUB_SIZE, 0xee, 0
    V86 overflows, 0x0002
    V86 bounds, 0x0002
    V86 breaks, 0x0002
    DONE
    CASE "iret by the handler into level 3, nt kept, vm of a fake frame"
    GATE IDT_GATE(0x2f), KCS, to_level3, 0xee, 0
    V86 calls, 0x3002
    DONE
    CASE "prefixes of 32 bits, pushfd, popfd, iretd with iopl 3"
    V86 wide, 0x3202
    VAL [DATA]
    VAL [DATA + 4]
    DONE
    CASE "popf changes neither iopl nor vm; if by iopl 3"
    V86 changes_iopl, 0x3002
    VAL [DATA], 16
    DONE
    CASE "lock on mov"
    V86 locks, 0x3002
    DONE
    CASE "single steps over int and iret"
    GATE IDT_GATE(0x2f), KCS, int32, 0xee, 0
    mov dword [trap_count], 4
    V86 steps, 0x3102
    DONE
    call page_tables
    CASE "page faults are those of level 3"
    V86 reads, 0x3002
    V86 writes, 0x3002
    DONE
    CASE "a page for the system alone"
    mov dword [LOW_TABLE + 0x50 * 4], 0x50003
    mov eax, cr3
    mov cr3, eax
    V86 reads_system, 0x3002
    DONE
    mov eax, 0x31
    mov cr0, eax

    ; Protected-mode virtual interrupts.
    CASE "pvi, cli and sti at level 3 move vif"
    mov eax, 2
    mov cr4, eax
    USER virtual, 0x0202
    VAL [DATA]
    VAL [DATA + 4]
    DONE
    CASE "pvi, sti with vip is #GP; popf does not touch vif"
    USER virtual_pending, 0x100002
    USER virtual_popf, 0x80002
    VAL [DATA]
    DONE
    CASE "pvi, iopl 3 and level 1 are as without"
    USER virtual, 0x3202
    VAL [DATA]
    VAL [DATA + 4]
    mov eax, 1
    mov edx, virtual
    mov ecx, 2
    call run_at
    DONE
    xor eax, eax
    mov cr4, eax
    CASE "without pvi cli is #GP"
    USER virtual, 0x0202
    DONE
    CASE "without vme, vif and vip come by iret and do nothing"
    EXPECT .no_vme
    push dword 0
    push dword 0
    push dword VSEG
    push dword VSEG
    push dword VSEG
    push dword 0xf000
    push dword 0x1a3002
    push dword VSEG
    push dword R(sets)
    mov dword [probe_base], R(sets)
    iretd
.no_vme:
    VAL [DATA], 16
    DONE
    ; Last, because QEMU stays there.
    CASE "execute breakpoint at a linear address"
    mov eax, BASE + R(nops) + 1
    mov dr0, eax
    mov eax, 0x401
    mov dr7, eax
    V86 nops, 0x3002
    mov eax, 0x400
    mov dr7, eax
    DONE
    ret

; Handlers.
irq32:
    push eax
    push ds
    mov ax, KDS
    mov ds, ax
    mov eax, [esp + 8]
    sub eax, [probe_base]
    cmp eax, 0x40
    setb al                      ; somewhere in the task's loop
    movzx eax, al
    mov [seen], eax
    mov eax, [esp + 12]
    mov [seen + 4], eax
    mov eax, [esp + 16]
    and eax, 0x3f7200
    mov [seen + 8], eax
    pushfd
    pop eax
    and eax, 0x7200
    mov [inside_flags], eax
    inc dword [irqs]
    mov al, 0x20
    out 0x20, al
    pop ds
    pop eax
    iretd
int32:
    push eax
    push ds
    mov ax, KDS
    mov ds, ax
    mov eax, [esp + 8]
    sub eax, [probe_base]
    mov [seen], eax
    mov eax, [esp + 12]
    mov [seen + 4], eax
    mov eax, [esp + 16]
    and eax, 0x3f7200
    mov [seen + 8], eax
    pop ds
    pop eax
    iretd
to_level3:
    mov ax, KDS
    mov ds, ax
    mov dword [probe_base], .user
    mov dword [esp], .user
    mov dword [esp + 4], UCS
    mov dword [esp + 8], 0x4002
    mov dword [esp + 12], USTACK
    mov dword [esp + 16], UDS
    iretd
.user:
    mov ax, UDS
    mov ds, ax
    pushfd
    pop eax
    and eax, 0x24000
    ud2
bits 16
; A 16-bit IRET loses VM: the program ends here by INT 30h, after a look at the frame.
irq16:
    mov ax, KDS
    mov ds, ax
    mov al, 0x20
    out 0x20, al
    int 0x30
int16:
    int 0x30

waits:
    cmp dword [dword irqs - BASE], 0
    je waits
    int 0x30
spins:
    jmp spins
sets_later:
    mov cx, 2000
.hold:
    in al, 0x61
    loop .hold
    sti
    jmp waits
calls:
    int 0x2f
    int 0x30
overflows:
    mov al, 0x7f
    inc al
    into
bounds:
    mov ax, 1
    mov dword [dword scratch - BASE], 0x00050003
    bound ax, [dword scratch - BASE]
breaks:
    int3
wide:
    mov ax, DATA >> 4
    mov es, ax
    pushfd
    pop dword [es:0]
    push dword 0x7202
    popfd
    push dword 0x40202
    push dword VSEG
    push dword R(.there)
    iretd
.there:
    pushfd
    pop dword [es:4]
    int 0x30
changes_iopl:
    mov ax, DATA >> 4
    mov es, ax
    push word 0x0202
    popf
    pushf
    pop word [es:0]
    cli
    int 0x30
locks:
    db 0xf0                      ; LOCK
    mov [dword scratch - BASE], ax
steps:
    nop
    int 0x2f
    nop
    int 0x30
nops:
    nop
    nop
    int 0x30
reads:
    mov ax, 0x7000
    mov es, ax
    mov ax, [es:0xff]
writes:
    mov ax, 0x7000
    mov es, ax
    mov [es:0x101], ax
reads_system:
    mov ax, 0x5000
    mov es, ax
    mov ax, [es:0x10]
sets:
    mov ax, DATA >> 4
    mov es, ax
    sti
    pushf
    pop word [es:0]
    cli
    int 0x30
bits 32

virtual:
    sti
    pushfd
    pop dword [DATA]
    cli
    pushfd
    pop dword [DATA + 4]
    int 0x30
virtual_pending:
    sti
virtual_popf:
    push dword 0x202
    popfd
    pushfd
    pop dword [DATA]
    int 0x30

words:                           ; nine words from ESI on
    mov ecx, 9
.next:
    movzx eax, word [esi]
    cmp ecx, 9
    jne .show
    sub eax, [probe_base]
    cmp eax, 0x20                ; the first is an IP
    setb al
    movzx eax, al
.show:
    cmp ecx, 7
    jne .whole
    and eax, 0x7200              ; of the flags
.whole:
    VAL eax, 16
    add esi, 2
    loop .next
    ret

page_tables:
    mov edi, LOW_TABLE
    mov eax, 7
    mov ecx, 1024
.fill:
    stosd
    add eax, 0x1000
    loop .fill
    mov dword [LOW_TABLE + 0x70 * 4], 0
    mov dword [PD], LOW_TABLE + 7
    mov eax, PD
    mov cr3, eax
    mov eax, 0x80000031
    mov cr0, eax
    ret
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
    and byte [TSS + 0x68 + 0x61 / 8], ~2
    ret
arm:
    mov dword [irqs], 0
    mov al, 0x30
    out 0x43, al
    mov al, 119
    out 0x40, al
    mov al, 0
    out 0x40, al
    ret

section .data
    align 4
seen: dd 0, 0, 0
inside_flags: dd 0
irqs: dd 0
scratch: dd 0
image_end:
