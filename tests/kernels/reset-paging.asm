; A triple fault by page faults: the stack and the tables are gone. [SDM3 6.15 #DF]
%include "kernel.inc"

main:
    CASE "before the triple fault"
    DONE
    mov eax, TABLES
    mov cr3, eax
    mov eax, 0x80000031          ; nothing is mapped
    mov cr0, eax
    nop
.wait:
    jmp .wait

section .data
image_end:
