; The interval timer: access modes, latching, read-back and status, output of the modes by port 61h, BCD, and that a tick
; takes its time. Values that move are compared, not written. [82C54]
%include "kernel.inc"

%macro OUT8 2
    mov al, %2
    out %1, al
%endmacro
%macro IN8 1
    in al, %1
    VAL eax, 8
%endmacro

main:
    xor eax, eax
    OUT8 0x61, 0                 ; gate of counter 2 low: it stands still
    CASE "status after a mode word, count not loaded"
    OUT8 0x43, 0xb0
    OUT8 0x43, 0xe8
    IN8 0x42
    DONE
    CASE "counter 2, low and high byte, gate low"
    OUT8 0x42, 0x34
    OUT8 0x42, 0x12
    OUT8 0x43, 0xe8
    in al, 0x42
    and al, 0xbf
    VAL eax, 8
    DONE
    CASE "mode 0 output is low, then high at the end"
    OUT8 0x61, 1
    in al, 0x61
    and al, 0x20
    VAL eax, 8
    call wait_output
    in al, 0x61
    and al, 0x20
    VAL eax, 8
    DONE
    CASE "mode 0 goes on counting behind its end"
    OUT8 0x43, 0x80
    in al, 0x42
    in al, 0x42
    cmp al, 0xf0
    setae al
    VAL eax, 8
    OUT8 0x61, 0
    DONE
    CASE "latched count stays until it is read"
    OUT8 0x43, 0xb4
    OUT8 0x42, 0x00
    OUT8 0x42, 0x80
    OUT8 0x61, 1
    OUT8 0x43, 0x80
    in al, 0x42
    mov bl, al
    in al, 0x42
    mov bh, al
    OUT8 0x43, 0x80
    call delay
    OUT8 0x43, 0x80
    in al, 0x42
    mov cl, al
    in al, 0x42
    mov ch, al
    OUT8 0x43, 0x80
    in al, 0x42
    mov dl, al
    in al, 0x42
    mov dh, al
    sub bx, cx
    cmp bx, 0x400
    setb al                      ; the second latch was ignored while the first waited
    VAL eax, 8
    DONE
    CASE "read-back of count and status together"
    OUT8 0x43, 0xc8
    in al, 0x42
    and al, 0x3f
    VAL eax, 8
    in al, 0x42
    in al, 0x42
    NOTE "count"
    DONE
    CASE "read-back of several counters"
    OUT8 0x43, 0x14              ; counter 0: low byte only, mode 2
    OUT8 0x40, 0x80
    OUT8 0x43, 0xea
    in al, 0x40
    and al, 0x3f
    VAL eax, 8
    in al, 0x42
    and al, 0x3f
    VAL eax, 8
    DONE
    CASE "high byte only"
    OUT8 0x61, 0
    OUT8 0x43, 0xa0
    OUT8 0x42, 0x12
    OUT8 0x43, 0xe8
    in al, 0x42
    and al, 0xbf
    VAL eax, 8
    DONE
    CASE "bcd status"
    OUT8 0x43, 0xb1
    OUT8 0x42, 0x99
    OUT8 0x42, 0x99
    OUT8 0x43, 0xe8
    in al, 0x42
    and al, 0x3f
    VAL eax, 8
    DONE
    CASE "status gives the mode as it was written"
    OUT8 0x43, 0xb6
    OUT8 0x43, 0xe8
    in al, 0x42
    and al, 0x3f
    VAL eax, 8
    OUT8 0x43, 0xbe
    OUT8 0x43, 0xe8
    in al, 0x42
    and al, 0x3f
    VAL eax, 8
    OUT8 0x43, 0xbc
    OUT8 0x43, 0xe8
    in al, 0x42
    and al, 0x3f
    VAL eax, 8
    DONE
    CASE "mode 3 with the gate low has its output high"
    OUT8 0x43, 0xb6
    OUT8 0x42, 0
    OUT8 0x42, 0x10
    in al, 0x61
    and al, 0x20
    VAL eax, 8
    DONE
    CASE "mode 3 output is a square wave"
    OUT8 0x61, 1
    call count_edges
    cmp ecx, 4
    setae al
    VAL eax, 8
    OUT8 0x61, 0
    DONE
    CASE "mode 1 starts by the gate"
    OUT8 0x43, 0xb2
    OUT8 0x42, 0
    OUT8 0x42, 0xf0
    in al, 0x61
    and al, 0x20
    VAL eax, 8
    OUT8 0x61, 1
    mov ecx, 200
.clock:
    in al, 0x61
    loop .clock
    and al, 0x20
    VAL eax, 8
    call wait_output
    in al, 0x61
    and al, 0x20
    VAL eax, 8
    OUT8 0x61, 0
    DONE
    CASE "port 61h keeps gate and speaker"
    OUT8 0x61, 3
    in al, 0x61
    and al, 0x0f
    VAL eax, 8
    OUT8 0x61, 0
    in al, 0x61
    and al, 0x0f
    VAL eax, 8
    DONE
    CASE "refresh bit of port 61h toggles"
    mov ecx, 100000
    in al, 0x61
    mov bl, al
.refresh:
    in al, 0x61
    xor al, bl
    test al, 0x10
    jnz .toggled
    loop .refresh
.toggled:
    test ecx, ecx
    setnz al
    movzx eax, al
    VAL eax, 8
    DONE
    CASE "10 ms by counter 2 and by counter 0 agree within a tenth"
    OUT8 0x43, 0x34
    OUT8 0x40, 0
    OUT8 0x40, 0
    OUT8 0x43, 0xb0
    OUT8 0x42, 0x9c
    OUT8 0x42, 0x2e              ; 11932
    OUT8 0x43, 0
    in al, 0x40
    mov bl, al
    in al, 0x40
    mov bh, al
    OUT8 0x61, 1
    call wait_output
    OUT8 0x43, 0
    in al, 0x40
    mov cl, al
    in al, 0x40
    mov ch, al
    OUT8 0x61, 0
    sub bx, cx
    sub bx, 11932 - 1193
    cmp bx, 2 * 1193
    setb al
    movzx eax, al
    VAL eax, 8
    DONE
    ret

wait_output:
    mov ecx, 10000000
.wait:
    in al, 0x61
    test al, 0x20
    jnz .end
    loop .wait
.end:
    xor eax, eax
    ret
count_edges:
    xor ecx, ecx
    mov edx, 2000000
    mov bl, 0
.next:
    in al, 0x61
    and al, 0x20
    cmp al, bl
    je .same
    inc ecx
    mov bl, al
    cmp ecx, 6
    jae .end
.same:
    dec edx
    jnz .next
.end:
    xor eax, eax
    ret
delay:
    push ecx
    mov ecx, 3000
.next:
    in al, 0x61
    loop .next
    pop ecx
    ret

section .data
image_end:
