; The real-time clock's interrupts and modes: periodic rates with and without their enable, update-ended and alarm
; interrupts with "any" bytes, SET, UIP, roll-over of the date, formats. [MC146818A]
%include "kernel.inc"
%macro OUT8 2
    mov al, %2
    out %1, al
%endmacro
%macro CMOS 1
    OUT8 0x70, %1
    in al, 0x71
%endmacro
%macro CMOS_WRITE 2
    OUT8 0x70, %1
    OUT8 0x71, %2
%endmacro

main:
    mov dword [interrupt_hook], irq
    xor eax, eax
    call init_pics
    CASE "registers a, b, d, index port"
    CMOS_WRITE 0x0a, 0x26
    CMOS 0x0a
    and al, 0x7f
    VAL eax, 8
    CMOS_WRITE 0x0b, 0x02
    CMOS 0x0b
    VAL eax, 8
    CMOS 0x0d
    VAL eax, 8
    in al, 0x70
    VAL eax, 8
    DONE
    CASE "periodic flag without its enable, no irqf"
    CMOS_WRITE 0x0a, 0x26
    CMOS 0x0c
    call periodic_wait
    VAL eax, 8
    CMOS 0x0c
    and al, 0x40
    VAL eax, 8
    DONE
    CASE "rate 0 has no periodic flag"
    CMOS_WRITE 0x0a, 0x20
    CMOS 0x0c
    mov ecx, 100000
.rate0:
    in al, 0x61
    loop .rate0
    CMOS 0x0c
    and al, 0x40
    VAL eax, 8
    DONE
    CASE "periodic interrupt, flags, ten of them"
    CMOS_WRITE 0x0a, 0x26
    CMOS 0x0c
    CMOS_WRITE 0x0b, 0x42
    mov dword [count], 0
.ten:
    sti
    hlt
    cli
    cmp dword [count], 10
    jb .ten
    VAL [flags], 8
    VAL [count]
    CMOS_WRITE 0x0b, 0x02
    DONE
    CASE "the interrupt waits for register c"
    CMOS_WRITE 0x0b, 0x42
    mov dword [keep], 1
    mov dword [count], 0
.first:
    sti
    hlt
    cli
    cmp dword [count], 0
    je .first
    mov ecx, 3000
.wait:
    in al, 0x61
    loop .wait
    sti
    nop
    nop
    cli
    VAL [count]
    mov dword [keep], 0
    CMOS 0x0c
    and al, 0xc0
    VAL eax, 8
    CMOS_WRITE 0x0b, 0x02
    DONE
    CASE "update-ended interrupt with an alarm at any time, update flag and time"
    CMOS_WRITE 1, 0xc0
    CMOS_WRITE 3, 0xff
    CMOS_WRITE 5, 0xc0
    CMOS 0x0c
    CMOS_WRITE 0x0b, 0x32
    mov dword [count], 0
.update:
    sti
    hlt
    cli
    cmp dword [count], 1
    jb .update
    mov eax, [flags]
    and al, 0xb0
    VAL eax, 8
    CMOS 0x0a
    and al, 0x80
    VAL eax, 8
    CMOS_WRITE 0x0b, 0x02
    DONE
    CASE "set stops updates and takes away the update interrupt"
    CMOS_WRITE 0x0b, 0x92
    CMOS 0x0b
    VAL eax, 8
    CMOS_WRITE 0, 0x59
    CMOS_WRITE 2, 0x59
    CMOS_WRITE 4, 0x23
    CMOS_WRITE 6, 0x06
    CMOS_WRITE 7, 0x31
    CMOS_WRITE 8, 0x12
    CMOS_WRITE 9, 0x99
    CMOS 0
    VAL eax, 8
    CMOS 9
    VAL eax, 8
    DONE
    CASE "roll-over of the year"
    CMOS_WRITE 0x0b, 0x12
    mov dword [count], 0
    CMOS 0x0c
.roll:
    sti
    hlt
    cli
    cmp dword [count], 1
    jb .roll
    CMOS_WRITE 0x0b, 0x02
    CMOS 4
    VAL eax, 8
    CMOS 7
    VAL eax, 8
    CMOS 8
    VAL eax, 8
    CMOS 9
    VAL eax, 8
    CMOS 6
    VAL eax, 8
    DONE
    CASE "noon and midnight in 12 hours"
    call half_day
    VAL eax, 8
    CMOS_WRITE 0x0b, 0x82
    CMOS_WRITE 4, 0x12
    CMOS_WRITE 0x0b, 0x80
    CMOS_WRITE 4, 0x92
    CMOS_WRITE 0x0b, 0x00
    CMOS_WRITE 0x0b, 0x02
    CMOS 4
    VAL eax, 8
    DONE
    ret

half_day:                        ; midnight, shown in 12 hours
    CMOS_WRITE 0x0b, 0x82
    CMOS_WRITE 4, 0
    CMOS_WRITE 0x0b, 0x02
    CMOS_WRITE 0x0b, 0x00
    CMOS 4
    push eax
    CMOS_WRITE 0x0b, 0x02
    pop eax
    ret
periodic_wait:
    mov ecx, 1000000
.wait:
    CMOS 0x0c
    test al, 0x40
    jnz .end
    loop .wait
.end:
    and eax, 0xc0
    ret
irq:
    inc dword [count]
    cmp dword [keep], 0
    jne .end
    OUT8 0x70, 0x0c
    in al, 0x71
    mov [flags], al
.end:
    OUT8 0xa0, 0x20
    OUT8 0x20, 0x20
    ret
init_pics:
    OUT8 0x20, 0x11
    OUT8 0xa0, 0x11
    OUT8 0x21, 0x20
    OUT8 0xa1, 0x28
    OUT8 0x21, 4
    OUT8 0xa1, 2
    OUT8 0x21, 1
    OUT8 0xa1, 1
    OUT8 0x21, 0xfb
    OUT8 0xa1, 0xfe
    ret

section .data
    align 4
count: dd 0
flags: dd 0
keep: dd 0
image_end:
