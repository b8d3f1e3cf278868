; Real mode: interrupts through the vector table, their flags, segment wrap and limits, unreal mode, A20, and the ways
; into protected mode and back. [SDM3 9.8, 9.9, 20.1]
%include "kernel.inc"
%include "real.inc"

C16         equ SLOT(0)
D16         equ SLOT(1)
D32         equ SLOT(2)

; Text from real mode, with DS = RSEG.
%macro RSAY 1+
    [section .data]
%%text: db %1, 0
    [section .text]
    mov si, R(%%text)
    call rputs
%endmacro
%macro RVAL 1                    ; a register of 32 bits
    push eax
    mov eax, %1
    call rput32
    pop eax
%endmacro
%macro RLINE 0
    mov al, 10
    out DEBUG_PORT, al
%endmacro
; An exception from here on is noted as vector and distance and goes on at the label.
%macro REXPECT 1
    mov word [cs:R(resume_at)], R(%1)
    mov word [cs:R(base_at)], R(%%here)
    mov [cs:R(saved_sp)], sp
%%here:
%endmacro

main:
    REAL_SEGMENTS
    DESCRIPTOR D32, 0, 0xfffff, 0xc092
    mov ecx, 32                  ; vectors 0 to 31 to stubs in segment RSEG
    xor edi, edi
    mov eax, (RSEG << 16) + (rstubs - $$)
.vector:
    stosd
    add eax, 4
    loop .vector
    sidt [DATA]
    lidt [real_idt]
    mov [saved_esp], esp
    ENTER_REAL
    xor ax, ax
    mov es, ax

    RSAY "int through the vector table:"
    mov dword [es:0x60 * 4], (RSEG << 16) + (int60 - $$)
    REXPECT .next1
    push dword 0x7202
    popfd
    sti
    int 0x60
    cli
.next1:
    RVAL ebx
    RVAL ecx
    RLINE
    RSAY "flags of real mode:"
    push word 0xfeff
    popf
    pushf
    pop ax
    movzx eax, ax
    push word 2
    popf
    RVAL eax
    RLINE
    RSAY "divide error saves the faulting instruction:"
    xor cx, cx
    xor dx, dx
    REXPECT .next2
    div cx
.next2:
    call report16
    RSAY "word at ffff is #GP:"
    REXPECT .next3
    mov ax, [es:0xffff]
.next3:
    call report16
    RSAY "word at ffff of the stack is #SS:"
    REXPECT .next4
    mov bp, 0xffff
    mov ax, [bp]
.next4:
    call report16
    RSAY "address of 32 bits past 64 KiB is #GP:"
    REXPECT .next5
    mov eax, 0x10000
    mov bl, [es:eax]
.next5:
    call report16
    RSAY "doubleword at fffd is #GP:"
    REXPECT .next6
    mov eax, [es:0xfffd]
.next6:
    call report16
    RSAY "sp wraps from 0 to fffe:"
    mov ax, sp
    xor sp, sp
    push word 0x1234
    mov bx, sp
    mov sp, ax
    movzx ebx, bx
    RVAL ebx
    mov ax, [0xfffe]
    movzx eax, ax
    RVAL eax
    RLINE
    RSAY "index wraps at 64 KiB:"
    mov byte [es:0x0f00], 0x5a
    mov bx, 0xff00
    mov di, 0x1000
    xor eax, eax
    mov al, [es:bx + di]
    RVAL eax
    RLINE
    RSAY "rep movsb wraps si and di:"
    push ds
    push es
    mov ax, DATA >> 4
    mov ds, ax
    mov es, ax
    mov dword [0xfffc], 0x11223344
    mov dword [0], 0x55667788
    mov si, 0xfffe
    mov di, 0x100
    mov cx, 4
    rep movsb
    mov eax, [0x100]
    pop es
    pop ds
    RVAL eax
    movzx eax, si
    RVAL eax
    RLINE
    RSAY "segment ffff reaches past 1 MiB, or wraps without a20:"
    push es
    mov ax, 0xffff
    mov es, ax
    mov dword [es:0x510], 0x0badcafe       ; 100500h
    push ds
    xor ax, ax
    mov ds, ax
    mov dword [0x500], 0x11112222
    pop ds
    mov eax, [es:0x510]
    RVAL eax
    in al, 0x92
    and al, 0xfd
    out 0x92, al
    mov eax, [es:0x510]
    RVAL eax
    mov dword [es:0x510], 0x33334444
    in al, 0x92
    or al, 2
    out 0x92, al
    mov eax, [es:0x510]
    RVAL eax
    pop es
    mov eax, [es:0x500]
    RVAL eax
    RLINE
    RSAY "code wraps at 1 MiB without a20:"
    mov dword [es:0x600], 0xcb1111b8       ; mov ax, 1111h; retf
    mov dword [es:0x604], 0
    push es
    mov ax, 0xffff
    mov es, ax
    mov dword [es:0x610], 0xcb2222b8
    pop es
    xor eax, eax
    call 0xffff:0x610
    RVAL eax
    in al, 0x92
    and al, 0xfd
    out 0x92, al
    xor eax, eax
    call 0xffff:0x610
    push ax
    in al, 0x92
    or al, 2
    out 0x92, al
    pop ax
    movzx eax, ax
    RVAL eax
    xor eax, eax
    call 0xffff:0x610
    RVAL eax
    RLINE
    RSAY "lldt is #UD:"
    REXPECT .next7
    lldt ax
.next7:
    call report16
    RSAY "arpl is #UD:"
    REXPECT .next8
    arpl ax, bx
.next8:
    call report16
    RSAY "ud2 in real mode:"
    REXPECT .next9
    ud2
.next9:
    call report16
    RSAY "bound in real mode:"
    mov word [R(scratch)], 5
    mov word [R(scratch) + 2], 9
    mov ax, 10
    REXPECT .next10
    bound ax, [R(scratch)]
.next10:
    call report16
    RSAY "into in real mode:"
    REXPECT .next11
    mov al, 0x7f
    inc al
    into
.next11:
    call report16
    RSAY "int3 in real mode:"
    REXPECT .next12
    int3
.next12:
    call report16
    RSAY "single step in real mode:"
    REXPECT .next13
    push word 0x102
    popf
    nop
    nop
.next13:
    call report16
    RSAY "iret with 32 bits:"
    push dword 0x00240202
    push dword RSEG
    push dword R(.iret)
    iretd
.iret:
    pushfd
    pop eax
    push dword 2
    popfd
    RVAL eax
    RLINE
    RSAY "vector past the limit of the idt:"
    lidt [R(short_idt)]
    REXPECT .next14
    int 0x60
.next14:
    lidt [R(real_idt)]
    call report16
    RSAY "vector table elsewhere:"
    push es
    mov ax, DATA >> 4
    mov es, ax
    mov dword [es:0x61 * 4], (RSEG << 16) + (int61 - $$)
    pop es
    lidt [R(moved_idt)]
    xor ebx, ebx
    int 0x61
    lidt [R(real_idt)]
    RVAL ebx
    RLINE
    RSAY "unreal mode reaches all memory:"
    push es
    mov eax, 0x31
    mov cr0, eax
    mov bx, D32
    mov es, bx
    mov eax, 0x30
    mov cr0, eax
    mov dword [es:dword 0x200000], 0xfeed0001
    mov eax, [es:dword 0x200000]
    RVAL eax
    xor bx, bx                   ; the limit survives a load in real mode
    mov es, bx
    mov eax, [es:dword 0x200000]
    RVAL eax
    pop es
    mov eax, [es:dword 0x200000]
    RVAL eax
    RLINE
    RSAY "smsw, lmsw:"
    smsw ax
    movzx eax, ax
    RVAL eax
    RLINE
    RSAY "far pointers, les and retf:"
    mov dword [R(scratch)], 0x12345678
    push es
    les bx, [R(scratch)]
    mov ax, es
    pop es
    movzx eax, ax
    RVAL eax
    movzx eax, bx
    RVAL eax
    push cs
    push word R(.returned)
    retf
.returned:
    RLINE
    ; Back to protected mode.
    LEAVE_REAL
int60:                           ; pushed flags and flags inside
    mov bp, sp
    movzx ebx, word [ss:bp + 4]
    pushf
    pop cx
    movzx ecx, cx
    iret
int61:
    mov ebx, 0x61616161
    iret
rstubs:
%rep 32
    call rexception              ; what it pushes tells the vector
    nop
%endrep
; Notes vector, distance and flags, and goes on where REXPECT said.
rexception:
    mov bp, sp
    mov ax, [bp]
    sub ax, R(rstubs) + 3
    shr ax, 2
    mov [cs:R(seen)], al
    mov ax, [bp + 2]
    sub ax, [cs:R(base_at)]
    mov [cs:R(seen) + 1], al
    mov ax, [bp + 6]
    mov [cs:R(seen) + 2], ax
    mov sp, [cs:R(saved_sp)]
    push word 2
    popf
    jmp [cs:R(resume_at)]
; Vector, distance, flags of the last exception; ends the line's item.
report16:
    push eax
    movzx eax, byte [R(seen)]
    call rput32
    movzx eax, byte [R(seen) + 1]
    call rput32
    movzx eax, word [R(seen) + 2]
    and ax, 0x7700
    call rput32
    mov dword [R(seen)], 0
    mov al, 10
    out DEBUG_PORT, al
    pop eax
    ret
rputs:
    lodsb
    test al, al
    jz .end
    out DEBUG_PORT, al
    jmp rputs
.end:
    ret
rput32:
    push eax
    push edx
    push cx
    mov edx, eax
    mov al, ' '
    out DEBUG_PORT, al
    mov cx, 8
.next:
    rol edx, 4
    mov al, dl
    and al, 15
    cmp al, 10
    sbb al, 0x69
    das
    or al, 0x20
    out DEBUG_PORT, al
    loop .next
    pop cx
    pop edx
    pop eax
    ret
bits 32
back:
    FLAT_SEGMENTS saved_esp
    ret

section .data
    align 4
real_idt: dw 0x3ff
    dd 0
short_idt: dw 0x60 * 4 - 1
    dd 0
moved_idt: dw 0x3ff
    dd DATA
saved_esp: dd 0
scratch: dd 0, 0
seen: dd 0
resume_at: dw 0
base_at: dw 0
saved_sp: dw 0
image_end:
