; A triple fault resets the machine: a double fault whose gate cannot be used. [SDM3 6.15, #DF]
%include "kernel.inc"

main:
    CASE "before the triple fault"
    DONE
    mov dword [IDT_GATE(13) + 4], 0
    mov dword [IDT_GATE(8) + 4], 0
    mov eax, 0x1000
    mov fs, ax
    CASE "behind the triple fault"
    DONE
    ret

section .data
image_end:
