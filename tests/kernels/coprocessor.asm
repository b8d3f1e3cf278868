; x87 exceptions with CR0.NE clear: FERR# raises IRQ 13 before the next instruction that waits, which waits for it; a
; write to port F0h clears the request and asserts IGNNE# until the exception is cleared. [SDM1 8.7.2, D.2.1]
%include "kernel.inc"

%macro UNMASKED_ERROR 0          ; a division by zero, unmasked
    fninit
    fldcw [zero_divide]
    fldz
    fld1
    fdivrp
%endmacro

main:
    call init_pics
    mov dword [interrupt_hook], irq
    mov eax, 0x11
    mov cr0, eax
    sti
    CASE "irq 13 comes before the next instruction that waits"
    UNMASKED_ERROR
    EXPECT .waits
    nop
    nop
    fnop
    nop
.waits:
    DONE
    CASE "before fwait, before a store, before mmx; not before what does not wait"
    UNMASKED_ERROR
    EXPECT .fwait
    fnstsw ax
    fnstcw [DATA]
    fwait
.fwait:
    UNMASKED_ERROR
    EXPECT .store
    fnstenv [DATA]               ; masks everything: nothing is pending
    fst dword [DATA]
    fninit
    fldcw [zero_divide]
    fldz
    fld1
    fdivrp
    fst dword [DATA]
.store:
    UNMASKED_ERROR
    EXPECT .mmx
    emms
.mmx:
    DONE
    CASE "fnclex, fninit, fnsave before the next one, no interrupt"
    UNMASKED_ERROR
    fnclex
    fnop
    UNMASKED_ERROR
    fninit
    fnop
    UNMASKED_ERROR
    fnsave [DATA]
    fnop
    DONE
    CASE "the handler runs x87 instructions behind port f0h"
    mov dword [handler_kind], 1
    UNMASKED_ERROR
    EXPECT .ignne
    fnop
.ignne:
    DONE
    CASE "port f0h without an exception does not ignore the next one"
    mov dword [handler_kind], 0
    xor eax, eax
    out 0xf0, al
    UNMASKED_ERROR
    EXPECT .next
    fnop
.next:
    DONE
    CASE "once cleared, the next exception is reported again"
    mov ecx, 3
.again:
    push ecx
    UNMASKED_ERROR
    EXPECT .reported
    fnop
.reported:
    pop ecx
    loop .again
    DONE
    CASE "the instruction waits while irq 13 is masked; another interrupt comes in between"
    mov dword [handler_kind], 2
    mov al, 0xff
    out 0xa1, al
    mov al, 0xfa
    out 0x21, al
    call arm
    UNMASKED_ERROR
    EXPECT .masked
    fnop
.masked:
    cli
    DONE
    CASE "with ne the same exception is #MF"
    mov eax, 0x31
    mov cr0, eax
    UNMASKED_ERROR
    TRY fnop
    fninit
    DONE
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
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
    mov al, 0x30                 ; the timer's output low
    out 0x43, al
    mov al, 0xfb
    out 0x21, al
    mov al, 0xdf
    out 0xa1, al
    ret
arm:
    mov al, 0x30
    out 0x43, al
    mov al, 119
    out 0x40, al
    mov al, 0
    out 0x40, al
    ret
; Says its vector and where it came from, and clears the coprocessor's error in the ways of handlers.
irq:
    mov eax, [ebp + F_VECTOR]
    NOTE "irq"
    VAL eax, 8
    mov eax, [ebp + F_EIP]
    sub eax, [probe_base]
    say " at +"
    call put8
    fnstsw ax
    VAL eax, 16
    cmp dword [handler_kind], 1
    jb .clear
    ja .unmask
    xor eax, eax                 ; IGNNE#: waiting instructions run in spite of the exception
    out 0xf0, al
    fld1
    fstp dword [DATA]
    fwait
    NOTE "went on"
    fnclex
    jmp .end
.clear:
    fnclex
    xor eax, eax
    out 0xf0, al
    jmp .end
.unmask:                         ; the timer: from now on IRQ 13 may come
    mov dword [handler_kind], 0
    mov al, 0xdf
    out 0xa1, al
.end:
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    ret

section .data
handler_kind: dd 0
zero_divide: dw 0x033b
image_end:
