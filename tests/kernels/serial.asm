; The serial port as drivers see it, looped back: registers, FIFO and trigger levels, interrupts and their priority, line
; and modem status, overrun, and probes that tell a 16550A. [PC16550D]
%include "kernel.inc"
PORT        equ 0x3f8
%macro OUT8 2
    mov dx, PORT + %1
    mov al, %2
    out dx, al
%endmacro
%macro IN8 1
    mov dx, PORT + %1
    in al, dx
    VAL eax, 8
%endmacro
%macro SEND 1
    OUT8 0, %1
    call settle
%endmacro

main:
    call init_pics
    xor eax, eax
    CASE "registers, scratch, writable bits of ier, lcr, mcr"
    OUT8 3, 0
    OUT8 7, 0x5a
    IN8 7
    OUT8 1, 0xff
    IN8 1
    OUT8 1, 0
    OUT8 3, 0x7f
    IN8 3
    OUT8 3, 0x03
    OUT8 4, 0xff
    IN8 4
    OUT8 4, 0
    IN8 4
    DONE
    CASE "divisor behind dlab"
    OUT8 3, 0x83
    OUT8 0, 0x01
    OUT8 1, 0x00
    IN8 0
    IN8 1
    OUT8 3, 0x03
    IN8 1
    OUT8 3, 0x83                 ; 9600 baud: time enough before a character timeout
    OUT8 0, 12
    OUT8 3, 0x03
    DONE
    CASE "fifo bits of iir, by fcr"
    OUT8 2, 0
    IN8 2
    OUT8 2, 1
    IN8 2
    OUT8 2, 0xc7
    IN8 2
    OUT8 2, 0
    IN8 2
    DONE
    CASE "modem status without loopback, deltas clear by reading"
    IN8 6
    IN8 6
    DONE
    CASE "loopback of the modem lines, with deltas"
    OUT8 4, 0x10
    IN8 6
    IN8 6
    OUT8 4, 0x11
    IN8 6
    OUT8 4, 0x13
    IN8 6
    OUT8 4, 0x17
    IN8 6
    OUT8 4, 0x13                 ; RI falls
    IN8 6
    OUT8 4, 0x1f
    IN8 6
    OUT8 4, 0x10
    IN8 6
    DONE
    CASE "loopback of a byte, line status"
    IN8 5
    SEND 0x41
    IN8 5
    IN8 0
    IN8 5
    DONE
    CASE "overrun without fifo"
    SEND 0x41
    SEND 0x42
    IN8 5
    IN8 5
    IN8 0
    IN8 5
    DONE
    CASE "fifo keeps 16, the 17th overruns"
    OUT8 2, 7
    mov ebx, 17
.fill:
    mov dx, PORT
    mov al, 0x60
    add al, bl
    out dx, al
    call settle
    dec ebx
    jnz .fill
    IN8 5
    mov ebx, 16
    xor ecx, ecx
.empty:
    mov dx, PORT
    in al, dx
    rol ecx, 3
    xor cl, al
    dec ebx
    jnz .empty
    VAL ecx
    IN8 5
    DONE
    CASE "receiver reset empties the fifo"
    SEND 0x41
    SEND 0x42
    OUT8 2, 3
    IN8 5
    DONE
    CASE "interrupt identification by trigger level 4"
    OUT8 2, 0x47
    OUT8 1, 1
    SEND 1
    SEND 2
    SEND 3
    IN8 2
    SEND 4
    IN8 2
    IN8 0
    IN8 2
    DONE
    CASE "character timeout"
    mov ecx, 2000
.timeout:
    call settle
    mov dx, PORT + 2
    in al, dx
    and al, 0x0f
    cmp al, 0x0c
    je .timed_out
    loop .timeout
.timed_out:
    VAL eax, 8
    IN8 0
    IN8 0
    IN8 0
    IN8 2
    OUT8 1, 0
    DONE
    CASE "transmitter empty interrupt, by enabling, cleared by iir, by writing"
    OUT8 2, 0
    OUT8 1, 2
    call settle
    IN8 2
    IN8 2
    OUT8 1, 0
    OUT8 1, 2
    call settle
    IN8 2
    SEND 0x55
    IN8 2
    IN8 2
    IN8 0
    OUT8 1, 0
    DONE
    CASE "priorities, line status, data, transmitter, modem"
    OUT8 4, 0x10
    IN8 6
    OUT8 1, 0x0f
    SEND 0x41
    SEND 0x42
    OUT8 4, 0x11
    IN8 2
    IN8 5
    IN8 2
    IN8 0
    IN8 2
    IN8 2
    IN8 6
    IN8 2
    OUT8 1, 0
    DONE
    CASE "the line to the controller needs out2 and no loopback"
    OUT8 4, 0x00
    OUT8 1, 2
    call settle
    call line
    OUT8 4, 0x08
    call settle
    call line
    OUT8 1, 0
    call line
    OUT8 4, 0x0b
    OUT8 1, 2
    call settle
    call line
    IN8 2
    call line
    OUT8 1, 0
    DONE
    CASE "irq 4 by the transmitter"
    mov dword [interrupt_hook], irq
    mov al, 0xef
    out 0x21, al
    OUT8 1, 2
    sti
    call settle
    cli
    IN8 2
    OUT8 1, 0
    mov al, 0xff
    out 0x21, al
    DONE
    CASE "no port at 2f8h"
    mov dx, 0x2fd
    in al, dx
    VAL eax, 8
    DONE
    ret

settle:                          ; a few characters' time
    pushad
    mov ecx, 200
.next:
    in al, 0x61
    loop .next
    mov ecx, 40
.refresh:
    in al, 0x61
    mov ah, al
.same:
    in al, 0x61
    xor al, ah
    test al, 0x10
    jz .same
    loop .refresh
    popad
    ret
; The line by the master's IRR, level triggered.
line:
    mov al, 0x0a
    out 0x20, al
    in al, 0x20
    and al, 0x10
    VAL eax, 8
    ret
irq:
    mov eax, [ebp + F_VECTOR]
    NOTE "irq"
    VAL eax, 8
    mov dx, PORT + 2
    in al, dx
    and al, 0x0f
    VAL eax, 8
    mov al, 0x20
    out 0x20, al
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
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    mov dx, 0x4d0
    mov al, 0x10
    out dx, al
    ret

section .data
image_end:
