; A triple fault in real mode: the vector table has no entries. [SDM3 20.1.4, 6.15 #DF]
%include "kernel.inc"
CODE16      equ SLOT(0)

main:
    DESCRIPTOR CODE16, BASE, 0xffff, 0x009a
    CASE "before the triple fault"
    DONE
    lidt [none]
    jmp CODE16:(.sixteen - BASE)
bits 16
.sixteen:
    mov eax, 0x30
    mov cr0, eax
    jmp (BASE >> 4):(.real - BASE)
.real:
    int3
.wait:
    jmp .wait
bits 32

section .data
none: dw 0
    dd 0
image_end:
