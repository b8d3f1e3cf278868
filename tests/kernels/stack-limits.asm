; Stacks without room and offsets past the limit of their segment, in transfers and in the delivery of events, and a
; double fault by a task gate. [SDM3 5.3, 6.12.1]
%include "kernel.inc"

GATE0       equ SLOT(1)
DATA_SLOT   equ SLOT(3)
CODE1       equ SLOT(5)          ; level 1
SMALL       equ SLOT(8)

main:
    DESCRIPTOR CODE1, 0, 0xfffff, 0xc0ba
    CASE "call gate with an offset past the limit"
    DESCRIPTOR SMALL, BASE, 0xff, 0x409a
    GATE GDT_GATE(GATE0), SMALL, 0x100, 0xec, 0
    USER user_call_plain
    DONE
    CASE "iret past the limit"
    DESCRIPTOR SMALL, BASE, 0xff, 0x409a
    EXPECT .iret_limit
    push dword 2
    push dword SMALL
    push dword 0x100
    iretd
.iret_limit:
    DONE
    GATE GDT_GATE(GATE0), CODE1, landed, 0xec, 0
    CASE "call gate with an inner stack that is full"
    DESCRIPTOR DATA_SLOT, 0, 0xffff, 0x40b2
    mov dword [TSS + 16], DATA_SLOT | 1
    mov dword [TSS + 12], 8
    USER user_call_plain
    DONE
    GATE IDT_GATE(0x2f), CODE1, landed, 0xee, 0
    CASE "interrupt from level 3 with a full inner stack"
    DESCRIPTOR DATA_SLOT, 0, 0xffff, 0x40b2
    mov dword [TSS + 16], DATA_SLOT | 1
    mov dword [TSS + 12], 16
    USER user_int2f
    DONE
    CASE "exception with a full stack in one level"
    DESCRIPTOR DATA_SLOT, 0, 0xffff, 0x4092
    EXPECT .full
    GATE IDT_GATE(8), KCS, stubs + 8 * STUB_SIZE, 0x8e, 0
    call task_for_double_fault
    mov ax, DATA_SLOT
    mov ss, ax
    mov esp, 8
    ud2
.full:
    VAL eax
    DONE
    ret

; A double fault through a task gate would need a TSS; the stack is good again in the handler, which is enough here.
task_for_double_fault:
    GATE IDT_GATE(12), KCS, stubs + 12 * STUB_SIZE, 0x8e, 0
    DESCRIPTOR SLOT(9), 0x7f000, 0x67, 0x0089
    mov dword [0x7f000 + 0x20], double_task
    mov dword [0x7f000 + 0x24], 2
    mov dword [0x7f000 + 0x38], 0x7f000
    mov dword [0x7f000 + 0x4c], KCS
    mov dword [0x7f000 + 0x48], KDS
    mov dword [0x7f000 + 0x50], KDS
    mov dword [0x7f000 + 0x54], KDS
    GATE IDT_GATE(8), SLOT(9), 0, 0x85, 0
    ret

double_task:
    pop eax                      ; error code
    NOTE "double fault task"
    VAL eax
    mov eax, [TSS + 0x38]
    VAL eax
    mov ax, [TSS + 0x50]
    movzx eax, ax
    VAL eax
    str ax
    movzx eax, ax
    VAL eax
    mov eax, [0x7f000]
    VAL eax
    ; Back to the main task as if by a jump, without its registers.
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov ax, TSS_SEL
    ltr ax
    GATE IDT_GATE(8), KCS, stubs + 8 * STUB_SIZE, 0x8e, 0
    clts
    push dword 2
    popfd
    mov esp, [probe_esp]
    mov eax, 0x600d
    jmp [probe_resume]

landed:
    NOTE "landed"
    int 0x30
user_call_plain:
    call GATE0 | 3:0
    int 0x30
user_int2f:
    int 0x2f
    int 0x30

section .data
image_end:
