; The interrupt controllers' modes, mostly by polling: every priority order, the forms of OCW2, automatic end of interrupt
; with rotation, special fully nested mode and special mask mode over the cascade, level-triggered inputs by ELCR,
; requests that go, reads. Lines that can be raised and lowered: keyboard 1, serial port 4, mouse 12, disk 14.
; [8259A], [82371SB]
%include "kernel.inc"
%macro OUT8 2
    mov al, %2
    out %1, al
%endmacro
%macro OUTX 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro
%macro READ 2                    ; controller, OCW3
    OUT8 %1, %2
    in al, %1
    VAL eax, 8
%endmacro
%macro POLL 1
    OUT8 %1, 0x0c
    in al, %1
    VAL eax, 8
%endmacro

main:
    mov dword [interrupt_hook], irq
    xor eax, eax
    call devices
    CASE "elcr, bits that can be set"
    OUTX 0x4d0, 0xff
    in al, dx
    VAL eax, 8
    OUTX 0x4d1, 0xff
    in al, dx
    VAL eax, 8
    OUTX 0x4d0, 0
    OUTX 0x4d1, 0
    DONE
    CASE "icw1 clears the mask and selects irr; icw4 may be left out"
    call init
    OUT8 0x21, 0xff
    READ 0x20, 0x0b
    OUT8 0x20, 0x11
    OUT8 0x21, 0x20
    OUT8 0x21, 4
    OUT8 0x21, 1
    in al, 0x21
    VAL eax, 8
    OUT8 0x20, 0x10
    OUT8 0x21, 0x20
    OUT8 0x21, 4
    OUT8 0x21, 0x5a              ; OCW1 already
    in al, 0x21
    VAL eax, 8
    OUT8 0x20, 0x12              ; single: no ICW3
    OUT8 0x21, 0x20
    OUT8 0x21, 0xa5
    in al, 0x21
    VAL eax, 8
    DONE
    CASE "polls of keyboard and serial port by lowest priority 0 to 7"
    FOR lowest, 8
    call init
    mov al, 0xc0
    or al, [lowest]
    out 0x20, al
    call raise_1
    call raise_4
    POLL 0x20
    OUT8 0x20, 0x20
    POLL 0x20
    OUT8 0x20, 0x20
    call lower_all
    NEXT
    DONE
    CASE "rotation by the end of interrupt, not specific"
    call init
    call raise_1
    POLL 0x20
    OUT8 0x20, 0xa0              ; 1 becomes the lowest
    call lower_all
    call raise_1
    call raise_4
    POLL 0x20
    OUT8 0x20, 0x20
    POLL 0x20
    OUT8 0x20, 0x20
    call lower_all
    DONE
    CASE "rotation by a specific end of interrupt, end without one in service"
    call init
    call raise_4
    POLL 0x20
    OUT8 0x20, 0xe4
    READ 0x20, 0x0b
    OUT8 0x20, 0x20
    call lower_all
    call raise_1
    call raise_4
    POLL 0x20
    POLL 0x20
    OUT8 0x20, 0x20
    OUT8 0x20, 0x20
    call lower_all
    DONE
    CASE "no operation of ocw2 changes nothing"
    call init
    call raise_4
    POLL 0x20
    OUT8 0x20, 0x40
    READ 0x20, 0x0b
    OUT8 0x20, 0x64
    READ 0x20, 0x0b
    call lower_all
    DONE
    CASE "automatic end, with rotation and without"
    call init_aeoi
    OUT8 0x20, 0x80
    call raise_1
    call raise_4
    POLL 0x20
    READ 0x20, 0x0b
    call lower_all
    call raise_1
    call raise_4
    POLL 0x20
    POLL 0x20
    call lower_all
    OUT8 0x20, 0x00
    OUT8 0x20, 0xc7
    call raise_1
    call raise_4
    POLL 0x20
    call lower_all
    call raise_1
    POLL 0x20
    call lower_all
    DONE
    CASE "polls nest, a lower one waits, a higher one does not"
    call init
    call raise_4
    POLL 0x20
    call raise_1
    POLL 0x20
    READ 0x20, 0x0b
    OUT8 0x20, 0x20
    READ 0x20, 0x0b
    OUT8 0x20, 0x20
    call lower_all
    DONE
    CASE "special mask mode lets a lower one through"
    call init
    call raise_1
    POLL 0x20
    call raise_4
    POLL 0x20
    OUT8 0x21, 0x02
    OUT8 0x20, 0x68
    POLL 0x20
    READ 0x20, 0x0b
    OUT8 0x20, 0x48
    call lower_all
    DONE
    CASE "slave by polls of both"
    call init
    call raise_14
    READ 0x20, 0x0a
    READ 0xa0, 0x0a
    POLL 0x20
    POLL 0xa0
    READ 0x20, 0x0b
    READ 0xa0, 0x0b
    OUT8 0xa0, 0x20
    OUT8 0x20, 0x20
    call lower_all
    DONE
    CASE "two of the slave, with and without special fully nested mode"
    call init
    call nest_slave
    call init
    OUT8 0x20, 0x11
    OUT8 0x21, 0x20
    OUT8 0x21, 4
    OUT8 0x21, 0x11
    OUT8 0x21, 0x01              ; not the timer
    call nest_slave
    DONE
    CASE "an edge is one request; the line stays high"
    call init
    call raise_4
    call take
    OUT8 0x20, 0x20
    READ 0x20, 0x0a
    call take
    call lower_all
    DONE
    CASE "a level asks again until it is gone"
    OUTX 0x4d0, 0x10
    call init
    call raise_4
    call take
    OUT8 0x20, 0x20
    READ 0x20, 0x0a
    call take
    call lower_all
    READ 0x20, 0x0a
    OUT8 0x20, 0x20
    call take
    OUTX 0x4d0, 0
    DONE
    CASE "a request that goes before the processor looks is no request"
    call init
    call raise_4
    call lower_all
    call take
    READ 0x20, 0x0b
    OUT8 0x20, 0x20
    DONE
    CASE "the same with a level"
    OUTX 0x4d0, 0x10
    call init
    call raise_4
    call lower_all
    call take
    READ 0x20, 0x0b
    OUTX 0x4d0, 0
    DONE
    CASE "nor is the slave's"
    call init
    call raise_14
    call lower_all
    call take
    READ 0x20, 0x0b
    READ 0xa0, 0x0b
    OUT8 0xa0, 0x20
    OUT8 0x20, 0x20
    DONE
    CASE "a mask withdraws a request, and gives it back"
    call init
    call raise_4
    OUT8 0x21, 0xff
    call take
    OUT8 0x21, 0x01
    call take
    OUT8 0x20, 0x20
    call lower_all
    DONE
    CASE "vectors of both, icw2 of the slave"
    call init
    OUT8 0xa0, 0x11
    OUT8 0xa1, 0x2b              ; its low bits do not count
    OUT8 0xa1, 2
    OUT8 0xa1, 1
    call raise_14
    call take
    OUT8 0xa0, 0x20
    OUT8 0x20, 0x20
    call lower_all
    DONE
    OUT8 0x21, 0xff
    OUT8 0xa1, 0xff
    ret

; The lines.
devices:
    OUTX 0x3f6, 2
    OUTX 0x3f9, 0
    OUTX 0x3fc, 8
    OUT8 0x64, 0x60
    call keyboard_wait
    OUT8 0x60, 0x03
    call keyboard_wait
lower_all:
    pushad
    OUTX 0x3f9, 0
    OUTX 0x3f6, 2
    mov dx, 0x1f7
    in al, dx
    mov ecx, 16
.drain:
    in al, 0x64
    test al, 1
    jz .end
    in al, 0x60
    loop .drain
.end:
    popad
    ret
raise_1:
    call keyboard_wait
    OUT8 0x64, 0xd2
    call keyboard_wait
    OUT8 0x60, 0x55
    mov bl, 2
    jmp await_master
raise_12:
    call keyboard_wait
    OUT8 0x64, 0xd3
    call keyboard_wait
    OUT8 0x60, 0x55
    mov bl, 0x10
    jmp await_slave
raise_4:
    OUTX 0x3f9, 0
    OUTX 0x3f9, 2
    mov bl, 0x10
    jmp await_master
raise_14:
    OUTX 0x3f6, 0
    OUTX 0x1f6, 0xe0
    OUTX 0x1f7, 0xe7
    mov bl, 0x40
await_slave:
    mov edx, 0xa0
    jmp await_line
await_master:
    mov edx, 0x20
await_line:
    mov ecx, 1000000
.wait:
    mov al, 0x0a
    out dx, al
    in al, dx
    test al, bl
    jnz .end
    loop .wait
.end:
    xor eax, eax
    ret
keyboard_wait:
    in al, 0x64
    test al, 2
    jnz keyboard_wait
    ret

nest_slave:
    say " /"
    call raise_14
    POLL 0x20
    POLL 0xa0
    call raise_12
    POLL 0x20
    POLL 0xa0
    OUT8 0xa0, 0x20
    OUT8 0xa0, 0x20
    OUT8 0x20, 0x20
    OUT8 0x20, 0x20
    jmp lower_all

take:                            ; whatever comes now
    sti
    nop
    nop
    cli
    inc dword [line_items]
    say " ."
    ret
init:
    OUT8 0x20, 0x11
    OUT8 0xa0, 0x11
    OUT8 0x21, 0x20
    OUT8 0xa1, 0x28
    OUT8 0x21, 4
    OUT8 0xa1, 2
    OUT8 0x21, 1
    OUT8 0xa1, 1
    OUT8 0x21, 0x01              ; all but the timer
    OUT8 0xa1, 0x01              ; all but the clock
    OUT8 0x20, 0x0a
    OUT8 0xa0, 0x0a
    xor eax, eax
    ret
init_aeoi:
    call init
    OUT8 0x20, 0x11
    OUT8 0x21, 0x20
    OUT8 0x21, 4
    OUT8 0x21, 3
    OUT8 0x21, 0x01
    ret
irq:
    mov eax, [ebp + F_VECTOR]
    NOTE "irq"
    VAL eax, 8
    ret

section .data
    align 4
lowest: dd 0
image_end:
