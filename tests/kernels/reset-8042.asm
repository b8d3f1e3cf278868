; The keyboard controller's pulse of output bit 0 resets the machine. [8042]
%include "kernel.inc"

main:
    CASE "before the reset"
    DONE
    mov al, 0xfe
    out 0x64, al
.wait:
    jmp .wait

section .data
image_end:
