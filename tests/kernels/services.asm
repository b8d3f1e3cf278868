; What a kernel finds that goes back to real mode and calls the BIOS, where firmware was there and where it was not: services
; that say no, vectors that nobody uses, interrupts of devices that come to an end. [RBIL INT 11, INT 12, INT 15]
%include "kernel.inc"
%include "real.inc"

C16         equ SLOT(0)
D16         equ SLOT(1)

; AX and the flags after an interrupt with AX.
%macro CALL_BIOS 2
    mov ax, %2
    clc
    int %1
    call note
%endmacro

main:
    REAL_SEGMENTS
    lidt [real_idt]
    mov [saved_esp], esp
    ENTER_REAL
    mov di, R(answers)
    CALL_BIOS 0x15, 0xff00
    xor dx, dx
    CALL_BIOS 0x13, 0xff00
    CALL_BIOS 0x11, 0x5555
    CALL_BIOS 0x12, 0x5555
    CALL_BIOS 0xe0, 0x5555
    CALL_BIOS 0x08, 0x5555
    CALL_BIOS 0x70, 0x5555
    mov al, 0xfe                 ; the timer alone
    out 0x21, al
    mov ax, 0x5555
    mov cx, 2
.tick:
    sti
    hlt
    cli
    loop .tick
    clc
    call note
    mov al, 0xff
    out 0x21, al
    LEAVE_REAL
note:                            ; AX, and CF in the word behind it
    mov [di], ax
    sbb ax, ax
    neg ax
    mov [di + 2], ax
    add di, 4
    ret
bits 32
back:
    FLAT_SEGMENTS saved_esp

%assign at 0
%macro ANSWER 2                  ; name, and the bits of AX that count
    CASE %1
    movzx eax, word [answers + at]
    and eax, %2
    VAL eax
    movzx eax, word [answers + at + 2]
    VAL eax, 8
    DONE
%assign at at + 4
%endmacro
    ANSWER "ah and carry of int 15, a function that is not there", 0xff00
    ANSWER "carry of int 13, a function that is not there", 0
    ANSWER "coprocessor in int 11", 2
    ANSWER "KiB of int 12", 0xffff
    ANSWER "ax and carry of a vector that nobody uses", 0xffff
    ANSWER "of int 8", 0xffff
    ANSWER "of int 70", 0xffff
    ANSWER "after two interrupts of the timer", 0xffff
    ret

section .data
    align 4
real_idt: dw 0x3ff
    dd 0
saved_esp: dd 0
answers: times 16 dw 0
image_end:
