; The interval timer's modes by what they do: output and gate of counter 2 at port 61h, interrupts of counter 0, reloading
; while it counts, BCD, read-back, and the order of bytes. [82C54]
%include "kernel.inc"
%macro OUT8 2
    mov al, %2
    out %1, al
%endmacro
%macro OUTPUT 0                  ; counter 2's, 20h or 0
    in al, 0x61
    and al, 0x20
    VAL eax, 8
%endmacro
%macro MODE2 2                   ; control word, count of 16 bits
    OUT8 0x43, %1
    OUT8 0x42, (%2) & 0xff
    OUT8 0x42, (%2) >> 8
%endmacro
%macro STATUS 1                  ; of a counter, without the output
    OUT8 0x43, 0xe0 | (2 << (%1))
    in al, 0x40 + (%1)
    and al, 0x7f
    VAL eax, 8
%endmacro

main:
    xor eax, eax
    call init_pics
%assign mode 0
%rep 6
    %defstr number mode
    CASE "mode ", number, ", output by control word, count, gate, and after its time"
    OUT8 0x61, 0
    OUT8 0x43, 0xb0 | (mode << 1)
    OUTPUT
    OUT8 0x42, 0x00
    OUT8 0x42, 0x04
    OUTPUT
    OUT8 0x61, 1
    call short_wait              ; the trigger's clock
    call long_wait               ; 1024 clocks are 0.86 ms
    %if mode != 2 && mode != 3   ; those go on changing
    OUTPUT
    %endif
    OUT8 0x61, 0
    OUTPUT
    DONE
%assign mode mode + 1
%endrep
    CASE "status by mode, null count before a count and after it counts"
    OUT8 0x61, 1
%assign mode 0
%rep 8
    OUT8 0x43, 0xb0 | (mode << 1)
    STATUS 2
    OUT8 0x42, 0
    OUT8 0x42, 0x40
    call short_wait
    STATUS 2
%assign mode mode + 1
%endrep
    OUT8 0x61, 0
    DONE
    CASE "mode 1 starts anew by its gate"
    MODE2 0xb2, 0x0400
    OUT8 0x61, 1
    call short_wait
    OUTPUT
    OUT8 0x61, 0
    OUT8 0x61, 1
    call short_wait
    OUTPUT
    call long_wait
    OUTPUT
    OUT8 0x61, 0
    DONE
    CASE "mode 0, gate low holds the count"
    OUT8 0x61, 0
    MODE2 0xb0, 0x0400
    call long_wait
    OUTPUT
    OUT8 0x43, 0x80
    call read_count
    sub ax, 0x400 - 2
    cmp ax, 3
    setb al
    VAL eax, 8
    OUT8 0x61, 1
    call long_wait
    OUTPUT
    OUT8 0x61, 0
    DONE
    CASE "mode 0, a second count starts anew; its first byte stops"
    OUT8 0x61, 1
    MODE2 0xb0, 0x0400
    OUT8 0x42, 0x00
    call long_wait
    OUTPUT
    OUT8 0x42, 0x04
    call short_wait
    OUTPUT
    call long_wait
    OUTPUT
    OUT8 0x61, 0
    DONE
    CASE "latch keeps both bytes though the count moves; a read without latch in two parts"
    OUT8 0x61, 1
    MODE2 0xb4, 0xffff
    OUT8 0x43, 0x80
    in al, 0x42
    mov bl, al
    call long_wait
    in al, 0x42
    mov bh, al
    cmp bh, 0xf8                 ; the high byte is that of the latch
    setae al
    VAL eax, 8
    OUT8 0x61, 0
    DONE
    CASE "read-back latches count and status; status comes first, a second latch is ignored"
    MODE2 0xb4, 0x1234
    OUT8 0x43, 0xc8
    OUT8 0x43, 0xc8
    in al, 0x42
    and al, 0x3f
    VAL eax, 8
    call read_count
    sub ax, 0x1234 - 4
    cmp ax, 5
    setb al
    VAL eax, 8
    DONE
    CASE "low byte alone, high byte alone"
    OUT8 0x61, 0
    OUT8 0x43, 0x94
    OUT8 0x42, 0x80
    OUT8 0x61, 1
    STATUS 2
    OUT8 0x43, 0x80
    in al, 0x42
    cmp al, 0x80
    setbe al
    VAL eax, 8
    OUT8 0x61, 0
    OUT8 0x43, 0xa4
    OUT8 0x42, 0x80
    OUT8 0x61, 1
    STATUS 2
    OUT8 0x61, 0
    DONE
    CASE "bcd digits only, count 0 is 10000"
    OUT8 0x61, 1
    MODE2 0xb5, 0
    mov ebx, 200
    xor edx, edx
.bcd:
    OUT8 0x43, 0x80
    call read_count
    mov ecx, 4
.digit:
    mov esi, eax
    and esi, 15
    cmp esi, 10
    cmc
    adc edx, 0
    shr eax, 4
    loop .digit
    dec ebx
    jnz .bcd
    VAL edx, 8
    OUT8 0x61, 0
    DONE
    CASE "counter 0, interrupts by mode"
%assign mode 0
%rep 6
    OUT8 0x43, 0x30 | (mode << 1)
    call acknowledge
    OUT8 0x40, 0x00
    OUT8 0x40, 0x04
    call long_wait
    call requested
    VAL eax, 8
%assign mode mode + 1
%endrep
    DONE
    CASE "mode 2, as many interrupts as clocks say"
    mov dword [interrupt_hook], irq
    OUT8 0x43, 0x34
    OUT8 0x40, 0xa9              ; 1193: one millisecond
    OUT8 0x40, 0x04
    call acknowledge
    mov dword [count], 0
    OUT8 0x61, 0
    MODE2 0xb0, 23864            ; 20 ms
    OUT8 0x61, 1
    OUT8 0x21, 0xfe
    sti
.until:
    in al, 0x61
    test al, 0x20
    jz .until
    cli
    OUT8 0x21, 0xff
    mov eax, [count]
    sub eax, 18
    cmp eax, 5
    setb al
    VAL eax, 8
    OUT8 0x61, 0
    DONE
    OUT8 0x43, 0x30
    ret

read_count:                      ; EAX: two bytes of counter 2
    in al, 0x42
    mov ah, al
    in al, 0x42
    xchg al, ah
    movzx eax, ax
    ret
short_wait:                      ; 30 us by the power management timer
    mov ecx, 107
    jmp wait_clocks
long_wait:                       ; 1.5 ms
    mov ecx, 5370
wait_clocks:
    mov dx, 0x608
    in eax, dx
    mov esi, eax
.next:
    in eax, dx
    sub eax, esi
    and eax, 0xffffff
    cmp eax, ecx
    jb .next
    xor eax, eax
    ret
acknowledge:                     ; forgets a request of IRQ 0
    OUT8 0x20, 0x11
    OUT8 0x21, 0x20
    OUT8 0x21, 4
    OUT8 0x21, 1
    OUT8 0x21, 0xff
    ret
requested:
    OUT8 0x20, 0x0a
    in al, 0x20
    and eax, 1
    ret
irq:
    inc dword [count]
    mov al, 0x20
    out 0x20, al
    ret
init_pics:
    call acknowledge
    OUT8 0xa1, 0xff
    ret

section .data
    align 4
count: dd 0
image_end:
