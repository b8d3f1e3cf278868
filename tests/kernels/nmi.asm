; Non-maskable interrupts: taken with IF clear, out of HLT, from every mode; blocked from their delivery to the next IRET,
; whichever it is; one waits at most. [SDM3 6.7, 6.7.1]
%include "kernel.inc"
%include "levels.inc"

TASK        equ SLOT(0)
TSS2        equ 0x70000

main:
    call make_levels
    and byte [TSS + 0x68 + 0x443 / 8], ~(1 << (0x443 & 7))
    GATE IDT_GATE(2), KCS, handler, 0x8e, 0
    CASE "taken with if clear"
    call ask
    call wait_for_one
    VAL [taken]
    DONE
    CASE "wakes from hlt with if clear, behind it"
    mov dword [taken], 0
    mov dword [nested], 0
    mov dword [in_handler], again_if_early
    EXPECT .halted
    call ask
    hlt
.behind:
    VAL [taken]
.halted:
    mov eax, [from]
    sub eax, .behind
    VAL eax
    DONE
    CASE "blocked in its handler, then taken once behind the iret"
    mov dword [taken], 0
    mov dword [nested], 0
    mov dword [in_handler], ask_twice
    call ask
    call wait_for_one
    call long_wait
    VAL [taken]
    VAL [seen_inside]
    DONE
    CASE "an iret within the handler unblocks"
    mov dword [taken], 0
    mov dword [nested], 0
    mov dword [in_handler], ask_and_iret
    call ask
    call wait_for_one
    call long_wait
    VAL [taken]
    VAL [seen_inside]
    VAL [seen_behind]
    DONE
    CASE "int 2 does not block"
    mov dword [taken], 0
    mov dword [nested], 0
    mov dword [in_handler], ask_and_wait
    int 2
    VAL [taken]
    VAL [seen_inside]
    DONE
    mov dword [in_handler], nothing
    CASE "from level 3, frame and level"
    mov dword [taken], 0
    USER user_spin, 0x3002
    VAL [taken]
    VAL [from_cs], 16
    DONE
    CASE "from virtual-8086 mode"
    mov dword [taken], 0
    EXPECT .v86
    push dword 0
    push dword 0
    push dword 0
    push dword 0
    push dword BASE >> 4
    push dword 0xf000
    push dword 0x23002
    push dword BASE >> 4
    push dword v86_spin - BASE
    iretd
.v86:
    VAL [taken]
    VAL [from_flags]
    DONE
    CASE "by a task gate; the task's iret unblocks"
    mov dword [taken], 0
    DESCRIPTOR TASK, TSS2, 0x67, 0x0089
    mov dword [TSS2 + 0x20], task
    mov dword [TSS2 + 0x24], 2
    mov dword [TSS2 + 0x38], 0x72000
    mov dword [TSS2 + 0x48], KDS
    mov dword [TSS2 + 0x4c], KCS
    mov dword [TSS2 + 0x50], KDS
    mov dword [TSS2 + 0x54], KDS
    mov dword [TSS2 + 0x64], 0x680000
    GATE IDT_GATE(2), TASK, 0, 0x85, 0
    call ask
    call wait_for_one
    mov dword [taken], 0
    call ask
    call wait_for_one
    VAL [taken]
    clts
    DONE
    CASE "with an interrupt that waits, the nmi comes first"
    GATE IDT_GATE(2), KCS, handler, 0x8e, 0
    mov dword [taken], 0
    mov dword [order], 0
    mov dword [interrupt_hook], irq
    call init_pics
    cli
    call tick
    mov dword [nested], 0
    mov dword [in_handler], note_order
    call ask
    call wait_for_one
    sti
    nop
    cli
    VAL [order]
    DONE
    ret

ask:                             ; the harness and the watchdog answer with an NMI each on their machine
    push eax
    push edx
    mov al, 0x15
    out DEBUG_PORT, al
    mov edx, 0x443
    mov al, 0x0f
    out dx, al
    pop edx
    pop eax
    ret
wait_for_one:
    push ecx
    mov ecx, 400000000
.next:
    cmp dword [taken], 0
    jne .end
    loop .next
.end:
    pop ecx
    ret
long_wait:                       ; 10 ms by the power management timer
    push eax
    push ecx
    push edx
    mov edx, 0x608
    in eax, dx
    mov ecx, eax
.next:
    in eax, dx
    sub eax, ecx
    and eax, 0xffffff
    cmp eax, 35795
    jb .next
    pop edx
    pop ecx
    pop eax
    ret

handler:
    push eax
    push ds
    mov ax, KDS
    mov ds, ax
    mov eax, [esp + 8]
    mov [from], eax
    mov eax, [esp + 12]
    mov [from_cs], eax
    mov eax, [esp + 16]
    and eax, 0x3f7700
    mov [from_flags], eax
    inc dword [taken]
    cmp dword [nested], 0
    jne .end
    inc dword [nested]
    call [in_handler]
.end:
    pop ds
    pop eax
    iretd
nothing:
    mov dword [nested], 0
    ret
again_if_early:                  ; before the HLT: another one
    mov dword [nested], 0
    cmp dword [from], main.behind
    je .end
    dec dword [taken]
    call ask
.end:
    ret
ask_twice:
    call ask
    call long_wait
    call ask
    call long_wait
    mov eax, [taken]
    mov [seen_inside], eax
    ret
ask_and_iret:
    call ask
    call long_wait
    mov eax, [taken]
    mov [seen_inside], eax
    pushfd
    push dword KCS
    push dword .there
    iretd
.there:
    nop
    mov eax, [taken]
    mov [seen_behind], eax
    ret
ask_and_wait:
    mov dword [taken], 0
    call ask
    call wait_for_one
    mov eax, [taken]
    mov [seen_inside], eax
    ret
note_order:
    shl dword [order], 8
    or dword [order], 2
    ret
task:
    inc dword [taken]
    iretd
    jmp task

irq:
    shl dword [order], 8
    or dword [order], 0x20
    mov al, 0x20
    out 0x20, al
    ret
init_pics:
    mov al, 0x11
    out 0x20, al
    mov al, 0x20
    out 0x21, al
    mov al, 4
    out 0x21, al
    mov al, 1
    out 0x21, al
    mov al, 0xfe
    out 0x21, al
    mov al, 0x30
    out 0x43, al
    ret
tick:
    mov al, 0x30
    out 0x43, al
    mov al, 119
    out 0x40, al
    mov al, 0
    out 0x40, al
.wait:
    mov al, 0x0a
    out 0x20, al
    in al, 0x20
    test al, 1
    jz .wait
    ret

user_spin:
    call ask
    call wait_for_one
    int 0x30
bits 16
v86_spin:
    mov dx, 0x443
    mov al, 0x15
    out DEBUG_PORT, al
    mov al, 0x0f
    out dx, al
    mov ax, BASE >> 4
    mov ds, ax
.next:
    cmp dword [dword taken - BASE], 0
    je .next
    int 0x30
bits 32

section .data
    align 4
taken: dd 0
nested: dd 0
seen_inside: dd 0
seen_behind: dd 0
from: dd 0
from_cs: dd 0
from_flags: dd 0
order: dd 0
in_handler: dd nothing
image_end:
