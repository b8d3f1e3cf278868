; The reset control register: bit 2 going up resets the machine, bit 1 alone does not. [82371SB, RC register]
%include "kernel.inc"

main:
    CASE "bit 1 alone"
    mov dx, 0xcf9
    mov al, 2
    out dx, al
    in al, dx
    and al, 0x06
    VAL eax, 8
    DONE
    CASE "before the reset"
    DONE
    mov dx, 0xcf9
    mov al, 6
    out dx, al
.wait:
    jmp .wait

section .data
image_end:
