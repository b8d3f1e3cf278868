; x87 exceptions with CR0.NE clear: FERR# raises IRQ 13, a write to port F0h clears it. [SDM1 8.7.2]
%include "kernel.inc"

main:
    CASE "irq 13 with ne clear"
    call init_pics
    mov dword [interrupt_hook], irq
    mov al, 0xfb
    out 0x21, al
    mov al, 0xdf
    out 0xa1, al
    mov eax, 0x11
    mov cr0, eax
    fninit
    fldcw [zero_divide]
    sti
    fldz
    fld1
    fdivrp
    TRY fnop
    nop
    cli
    fninit
    mov eax, 0x31
    mov cr0, eax
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    DONE
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
    ret
; An IRQ: says its vector, clears the coprocessor's error, ends it on both controllers.
irq:
    mov eax, [ebp + F_VECTOR]
    NOTE "irq"
    VAL eax, 8
    fnclex
    xor eax, eax
    out 0xf0, al
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    ret

section .data
zero_divide: dw 0x033b
image_end:
