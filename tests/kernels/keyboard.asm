; The keyboard controller, its keyboard and mouse, beyond what board.asm asks: interrupts, scan code sets and translation,
; typematic and LED commands, mouse modes and packets, disabled devices, the output port and resets. [8042], [PS/2]
%include "kernel.inc"
%macro OUT8 2
    mov al, %2
    out %1, al
%endmacro
%macro CONTROL 1
    call wait_input
    OUT8 0x64, %1
%endmacro
%macro WRITE 1
    call wait_input
    OUT8 0x60, %1
%endmacro
%macro ANSWER 1                  ; so many bytes
    %rep %1
    call answer
    %endrep
%endmacro
%macro MOUSE 1
    CONTROL 0xd4
    WRITE %1
%endmacro

main:
    xor eax, eax
    call init_pics
    call flush
    CASE "self test, then the command byte, its bits"
    CONTROL 0xaa
    ANSWER 1
    CONTROL 0x20
    ANSWER 1
    CONTROL 0x60
    WRITE 0xff
    CONTROL 0x20
    ANSWER 1
    CONTROL 0x60
    WRITE 0x20                   ; keyboard on, mouse off, no interrupts, no translation
    DONE
    CASE "disable and enable show in the command byte"
    CONTROL 0xad
    CONTROL 0x20
    ANSWER 1
    CONTROL 0xae
    CONTROL 0xa8
    CONTROL 0x20
    ANSWER 1
    CONTROL 0xa7
    CONTROL 0x20
    ANSWER 1
    DONE
    CASE "keyboard, scan code set"
    WRITE 0xf0
    ANSWER 1
    WRITE 0
    ANSWER 2
    WRITE 0xf0
    ANSWER 1
    WRITE 1
    ANSWER 1
    WRITE 0xf0
    ANSWER 1
    WRITE 0
    ANSWER 2
    WRITE 0xf0
    ANSWER 1
    WRITE 2
    ANSWER 1
    DONE
    CASE "keyboard, leds, typematic rate, defaults, disable, enable"
    WRITE 0xed
    ANSWER 1
    WRITE 7
    ANSWER 1
    WRITE 0xf3
    ANSWER 1
    WRITE 0x20
    ANSWER 1
    WRITE 0xf6
    ANSWER 1
    WRITE 0xf5
    ANSWER 1
    WRITE 0xf4
    ANSWER 1
    DONE
    CASE "keyboard, resend, identify untranslated, reset"
    WRITE 0xf2
    ANSWER 3
    WRITE 0xfe
    ANSWER 1
    WRITE 0xff
    ANSWER 2
    DONE
    CASE "keyboard, identify translated"
    CONTROL 0x60
    WRITE 0x60
    WRITE 0xf2
    ANSWER 3
    CONTROL 0x60
    WRITE 0x20
    DONE
    CASE "status bits, command or data last written, output full, source"
    CONTROL 0xae
    in al, 0x64
    and al, 0x3f
    VAL eax, 8
    WRITE 0xee
    call wait_some
    in al, 0x64
    and al, 0x3f
    VAL eax, 8
    in al, 0x60
    VAL eax, 8
    in al, 0x64
    and al, 0x3f
    VAL eax, 8
    DONE
    CASE "data port keeps its last byte"
    in al, 0x60
    VAL eax, 8
    DONE
    CASE "mouse, reset, identify, status"
    CONTROL 0xa8
    MOUSE 0xff
    ANSWER 3
    MOUSE 0xf2
    ANSWER 2
    MOUSE 0xe9
    ANSWER 4
    DONE
    CASE "mouse, resolution, scaling, rate, status again"
    MOUSE 0xe8
    ANSWER 1
    MOUSE 3
    ANSWER 1
    MOUSE 0xe7
    ANSWER 1
    MOUSE 0xf3
    ANSWER 1
    MOUSE 40
    ANSWER 1
    MOUSE 0xe9
    ANSWER 4
    DONE
    CASE "mouse, wheel by the three rates"
    MOUSE 0xf3
    ANSWER 1
    MOUSE 200
    ANSWER 1
    MOUSE 0xf3
    ANSWER 1
    MOUSE 100
    ANSWER 1
    MOUSE 0xf3
    ANSWER 1
    MOUSE 80
    ANSWER 1
    MOUSE 0xf2
    ANSWER 2
    DONE
    CASE "mouse, remote mode, read data, wrap mode"
    MOUSE 0xf0
    ANSWER 1
    MOUSE 0xeb
    ANSWER 5
    MOUSE 0xee
    ANSWER 1
    MOUSE 0x55
    ANSWER 1
    MOUSE 0xec
    ANSWER 1
    MOUSE 0xea
    ANSWER 1
    DONE
    CASE "mouse, enable, disable, defaults"
    MOUSE 0xf4
    ANSWER 1
    MOUSE 0xf5
    ANSWER 1
    MOUSE 0xf6
    ANSWER 1
    DONE
    call wait_some
    call flush
    CASE "interrupts 1 and 12 by their enables"
    mov dword [interrupt_hook], irq
    CONTROL 0x60
    WRITE 0x03
    mov al, 0xf9
    out 0x21, al
    mov al, 0xef
    out 0xa1, al
    sti
    CONTROL 0xd2
    WRITE 0x11
    call wait_some
    CONTROL 0xd3
    WRITE 0x22
    call wait_some
    cli
    CONTROL 0x60
    WRITE 0x30
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    CONTROL 0xd2
    WRITE 0x33
    call wait_some
    ANSWER 1
    DONE
    CASE "output port, read; a20 by dd and df"
    CONTROL 0xd0
    call answer_value
    and al, 0x03
    VAL eax, 8
    CONTROL 0xdd
    mov dword [DATA + 0x100000], 0x1111
    mov dword [DATA], 0x2222
    mov eax, [DATA + 0x100000]
    VAL eax, 16
    CONTROL 0xdf
    mov dword [DATA + 0x100000], 0x3333
    mov eax, [DATA]
    VAL eax, 16
    DONE
    CASE "a20 by port 92h, which reads back"
    in al, 0x92
    and al, 3
    VAL eax, 8
    and al, 0xfd
    out 0x92, al
    in al, 0x92
    and al, 3
    VAL eax, 8
    or al, 2
    out 0x92, al
    DONE
    CASE "mouse, unknown command"
    MOUSE 0xe1
    ANSWER 1
    DONE
    CASE "pulse of no output bit does nothing"
    CONTROL 0xff
    NOTE "here"
    DONE
    ret

wait_input:
    push eax
    push ecx
    mov ecx, 1000000
.wait:
    in al, 0x64
    test al, 2
    jz .end
    loop .wait
.end:
    pop ecx
    pop eax
    ret
; The next byte, with an m in front when it is the mouse's; a dash when none comes.
answer:
    push eax
    push ecx
    mov ecx, 300000
.wait:
    in al, 0x64
    test al, 1
    jnz .there
    loop .wait
    say " -"
    jmp .end
.there:
    inc dword [line_items]
    test al, 0x20
    mov al, ' '
    jz .space
    out DEBUG_PORT, al
    mov al, 'm'
.space:
    out DEBUG_PORT, al
    in al, 0x60
    call put8
.end:
    pop ecx
    pop eax
    ret
answer_value:
    in al, 0x64
    test al, 1
    jz answer_value
    in al, 0x60
    movzx eax, al
    ret
flush:
    in al, 0x64
    test al, 1
    jz .end
    in al, 0x60
    jmp flush
.end:
    ret
wait_some:
    pushad
    mov ecx, 20000
.next:
    in al, 0x61
    loop .next
    popad
    ret
irq:
    mov eax, [ebp + F_VECTOR]
    NOTE "irq"
    VAL eax, 8
    in al, 0x60
    VAL eax, 8
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    ret
init_pics:
    mov al, 0x11
    out 0x20, al
    out 0xa0, al
    mov al, 0x20
    out 0x21, al
    mov al, 0x28
    out 0xa1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xa1, al
    mov al, 1
    out 0x21, al
    out 0xa1, al
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    ret

section .data
image_end:
