; Bit 0 of port 92h resets the machine. [82371SB]
%include "kernel.inc"

main:
    CASE "before the reset"
    DONE
    in al, 0x92
    or al, 1
    out 0x92, al
.wait:
    jmp .wait

section .data
image_end:
