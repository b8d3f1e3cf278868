; Virtual-8086 mode: entry by IRETD, what IOPL guards, INT and IRET, ports and the I/O map, faults with their frames,
; gates that leave it, and the extensions of CR4.VME. [SDM3 20.2, 20.3]
%include "kernel.inc"

VSEG        equ BASE >> 4
%define R(label) ((label) - $$)

; Runs code in virtual-8086 mode up to its exception or INT 30h; flags: the low half of EFLAGS.
%macro V86 2
    mov dword [probe_resume], %%after
    mov dword [probe_base], R(%1)
    mov [probe_esp], esp
    push dword 0x1111            ; GS, FS, DS, ES
    push dword 0x2222
    push dword VSEG
    push dword 0
    push dword VSEG
    push dword 0xf000
    push dword 0x20000 | (%2)
    push dword VSEG
    push dword R(%1)
    iretd
%%after:
%endmacro

main:
    CASE "entry and int 30h with iopl 3"
    GATE IDT_GATE(0x30), KCS, v86_end, 0xee, 0
    V86 nothing, 0x3002
    DONE
    CASE "frame of an exception"
    V86 undefined, 0x3002
    mov eax, [ISTACK - 16]
    VAL eax
    mov eax, [ISTACK - 12]
    VAL eax
    mov eax, [ISTACK - 8]
    VAL eax
    mov eax, [ISTACK - 4]
    VAL eax
    DONE
    CASE "data segments are null in the handler"
    GATE IDT_GATE(0x2f), KCS, show_segments, 0xee, 0
    V86 interrupt, 0x3002
    mov eax, [seen]
    VAL eax
    mov eax, [seen + 4]
    VAL eax
    DONE
    CASE "int with iopl 0"
    V86 interrupt, 0x0002
    DONE
    CASE "int3 with iopl 0 goes through its gate"
    GATE IDT_GATE(3), KCS, stubs + 3 * STUB_SIZE, 0xee, 0
    V86 breakpoint, 0x0002
    DONE
    CASE "int through a gate of level 0"
    GATE IDT_GATE(0x2e), KCS, stubs, 0x8e, 0
    V86 interrupt_2e, 0x3002
    DONE
    CASE "int through a gate to a conforming segment"
    DESCRIPTOR SLOT(0), 0, 0xfffff, 0xc09e
    GATE IDT_GATE(0x2e), SLOT(0), stubs, 0xee, 0
    V86 interrupt_2e, 0x3002
    DONE
    CASE "int through a gate to level 1"
    DESCRIPTOR SLOT(0), 0, 0xfffff, 0xc0ba
    V86 interrupt_2e, 0x3002
    DONE
    CASE "cli with iopl 0 and 3"
    V86 clear, 0x0002
    V86 clear, 0x3002
    DONE
    CASE "sti with iopl 0"
    V86 set, 0x0002
    DONE
    CASE "pushf and popf with iopl 0"
    V86 pushes, 0x0002
    V86 pops, 0x0002
    DONE
    CASE "pushf and popf with iopl 3"
    V86 pushes, 0x3202
    V86 pops, 0x3002
    DONE
    CASE "iret with iopl 0"
    V86 returns, 0x0002
    DONE
    CASE "iret with iopl 3 keeps iopl and vm"
    V86 returns, 0x3002
    V86 returns32, 0x3002
    DONE
    CASE "in and out go by the map whatever iopl"
    V86 input, 0x3002
    and byte [TSS + 0x68 + 0x80 / 8], 0xfe
    V86 input, 0x0002
    V86 output16, 0x0002
    and byte [TSS + 0x68 + 0x80 / 8], 0xfc
    V86 output16, 0x0002
    DONE
    CASE "hlt, mov cr0, lgdt, lmsw"
    V86 halts, 0x3002
    V86 control, 0x3002
    V86 table, 0x3002
    V86 machine_status, 0x3002
    DONE
    CASE "lldt, arpl, lar, str are undefined"
    V86 local, 0x3002
    V86 adjust, 0x3002
    V86 rights, 0x3002
    V86 task, 0x3002
    DONE
    CASE "smsw is allowed"
    V86 status, 0x3002
    DONE
    CASE "access past 64 KiB"
    V86 past, 0x3002
    DONE
    CASE "word at ffff"
    V86 at_end, 0x3002
    DONE
    CASE "push with sp 1"
    V86 stack_end, 0x3002
    DONE
    CASE "segment loads take any value"
    V86 segments, 0x3002
    DONE
    CASE "far jump and call"
    V86 far_code, 0x3002
    DONE
    CASE "single step"
    mov dword [trap_count], 3
    V86 steps, 0x3102
    DONE
    CASE "divide error"
    V86 divides, 0x3002
    DONE
    CASE "iretd to an offset past 64 KiB"
    EXPECT .past
    push dword 0
    push dword 0
    push dword 0
    push dword 0
    push dword VSEG
    push dword 0xf000
    push dword 0x23002
    push dword VSEG
    push dword 0x10000
    iretd
.past:
    DONE
    CASE "iretd at level 3 does not set vm"
    USER user_vm
    DONE
    CASE "task gate out of virtual-8086 mode and back"
    DESCRIPTOR SLOT(1), 0x70000, 0x67, 0x0089
    mov dword [0x70000 + 0x20], task_entry
    mov dword [0x70000 + 0x24], 2
    mov dword [0x70000 + 0x38], 0x71000
    mov dword [0x70000 + 0x48], KDS
    mov dword [0x70000 + 0x4c], KCS
    mov dword [0x70000 + 0x50], KDS
    mov dword [0x70000 + 0x54], KDS
    mov dword [0x70000 + 0x64], 0x00680000
    GATE IDT_GATE(0x2d), SLOT(1), 0, 0xe5, 0
    V86 to_task, 0x3002
    clts
    DONE

    ; CR4.VME: the redirection bitmap lies below the I/O map.
    mov eax, 1
    mov cr4, eax
    mov word [TSS + 0x66], 0x88
    mov edi, TSS + 0x68
    mov ecx, 8
    or eax, -1
    rep stosd
    mov dword [0x60 * 4], (VSEG << 16) + (handler60 - $$)
    CASE "vme, redirected int with iopl 3"
    and byte [TSS + 0x68 + 0x60 / 8], 0xfe
    V86 interrupt60, 0x3202
    DONE
    CASE "vme, redirected int with iopl 0 pushes vif as if"
    V86 interrupt60, 0x0202
    VAL ebx
    VAL ecx
    DONE
    CASE "vme, int that is not redirected with iopl 0"
    or byte [TSS + 0x68 + 0x60 / 8], 1
    V86 interrupt60, 0x0202
    DONE
    CASE "vme, sti, cli, pushf with iopl 0"
    V86 virtual, 0x0202
    VAL ebx
    VAL ecx
    DONE
    CASE "vme, pushf of 32 bits with iopl 0"
    V86 pushes32, 0x0202
    DONE
    CASE "vme, popf that sets tf"
    V86 pops_tf, 0x0202
    DONE
    CASE "vme, iret with iopl 0 sets vif"
    V86 returns, 0x0202
    VAL ebx
    VAL ecx
    DONE
    CASE "vme, sti while vip waits"
    EXPECT .vip
    mov dword [probe_base], R(set)
    push dword 0
    push dword 0
    push dword VSEG
    push dword 0
    push dword VSEG
    push dword 0xf000
    push dword 0x120202
    push dword VSEG
    push dword R(set)
    iretd
.vip:
    DONE
    xor eax, eax
    mov cr4, eax
    ret

; INT 30h from virtual-8086 mode: writes EBX and ECX, which the program left, and its flags and place.
v86_end:
    mov ax, KDS
    mov ds, ax
    mov es, ax
    VAL ebx
    VAL ecx
    mov eax, [esp + 8]
    and eax, 0x3f7700
    VAL eax
    mov eax, [esp]
    sub eax, [probe_base]
    VAL eax, 8
    mov esp, [probe_esp]
    push dword 2
    popfd
    jmp [probe_resume]
show_segments:
    mov eax, ds
    mov ecx, es
    shl eax, 16
    mov ax, cx
    mov ebx, fs
    mov ecx, gs
    shl ebx, 16
    mov bx, cx
    mov cx, KDS
    mov ds, cx
    mov [seen], eax
    mov [seen + 4], ebx
    iretd
task_entry:
    str ax
    VAL eax, 16
    movzx eax, word [0x70000]
    VAL eax, 16
    mov eax, [TSS + 0x24]
    and eax, 0x3f7700
    VAL eax
    iretd
user_vm:
    push dword 0x20002
    push dword UCS
    push dword .here
    iretd
.here:
    int 0x2f                     ; its gate stays for level 3; the handler returns
    pushfd
    pop ebx
    int 0x30

bits 16
nothing:
    xor ebx, ebx
    xor ecx, ecx
    int 0x30
undefined:
    ud2
interrupt:
    int 0x2f
    mov bx, ds
    xor ecx, ecx
    movzx ebx, bx
    int 0x30
interrupt_2e:
    int 0x2e
breakpoint:
    int3
clear:
    cli
    xor ebx, ebx
    xor ecx, ecx
    int 0x30
set:
    sti
    xor ebx, ebx
    int 0x30
pushes:
    pushf
    pop bx
    movzx ebx, bx
    xor ecx, ecx
    int 0x30
pushes32:
    pushfd
    pop ebx
    int 0x30
pops:
    push word 0x4202
    popf
    nop
    pushf
    pop bx
    movzx ebx, bx
    push word 2
    popf
    int 0x30
pops_tf:
    push word 0x0102
    popf
returns:
    push word 0x4202
    push cs
    push word .there - BASE
    iret
.there:
    pushf
    pop bx
    movzx ebx, bx
    xor ecx, ecx
    int 0x30
returns32:
    push dword 0x00040202
    push dword VSEG
    push dword .there - BASE
    iretd
.there:
    pushfd
    pop ebx
    xor ecx, ecx
    int 0x30
input:
    in al, 0x80
    xor ebx, ebx
    xor ecx, ecx
    int 0x30
output16:
    out 0x80, ax
    xor ebx, ebx
    xor ecx, ecx
    int 0x30
halts:
    hlt
control:
    mov eax, cr0
table:
    lgdt [0]
machine_status:
    lmsw ax
local:
    lldt ax
adjust:
    arpl ax, bx
rights:
    lar ax, bx
task:
    str ax
status:
    smsw bx
    movzx ebx, bx
    xor ecx, ecx
    int 0x30
past:
    mov ebx, 0x10000
    mov al, [ebx]
at_end:
    mov ax, [0xffff]
stack_end:
    mov sp, 1
    push ax
segments:
    mov ax, 0x1234
    mov fs, ax
    mov gs, ax
    mov bx, fs
    xor ax, ax
    mov fs, ax
    mov ecx, [fs:0x500]
    movzx ebx, bx
    xor ecx, ecx
    int 0x30
far_code:
    jmp VSEG:.next - BASE
.next:
    call VSEG:.called - BASE
    mov bx, cs
    movzx ebx, bx
    xor ecx, ecx
    int 0x30
.called:
    retf
steps:
    nop
    nop
    nop
    nop
    xor ebx, ebx
    xor ecx, ecx
    int 0x30
divides:
    xor bx, bx
    div bx
to_task:
    int 0x2d
    xor ebx, ebx
    xor ecx, ecx
    int 0x30
interrupt60:
    xor ebx, ebx
    xor ecx, ecx
    int 0x60
    int 0x30
handler60:
    mov bp, sp
    mov bx, [bp + 4]
    pushf
    pop cx
    iret
virtual:
    xor ebx, ebx
    xor ecx, ecx
    sti
    pushf
    pop bx
    cli
    pushf
    pop cx
    int 0x30
bits 32

section .data
seen: dd 0, 0
image_end:
