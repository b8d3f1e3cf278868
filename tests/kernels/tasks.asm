; Task switches: JMP, CALL, IRET, task gates in GDT, LDT and IDT, exceptions to tasks with an error code, 16- and 32-bit
; TSS, busy and NT bits, T bit, CR3, LDT, and faults of the incoming task's selectors. [SDM3 7]
%include "kernel.inc"

TSS2        equ 0x70000          ; 32 bits
TSS3        equ 0x71000          ; 16 bits
TSS4        equ 0x75000          ; takes faults of incoming tasks
TSS2_SEL    equ SLOT(0)
TSS3_SEL    equ SLOT(1)
GATE_SEL    equ SLOT(2)
LDT_SEL     equ SLOT(3)
TSS4_SEL    equ SLOT(11)
BAD         equ SLOT(4)
LDT_BASE    equ 0x72000
STACK2      equ 0x74000

; The state after a switch, a line of its own.
%assign states 0
%macro STATE 0
    %assign states states + 1
    %defstr number states
    CASE "state after switch ", number
    call show_state
%endmacro

main:
    call prepare
    CASE "call to a task and iret back"
    TRY call TSS2_SEL:0
    DONE
    STATE
    call prepare
    CASE "jump to a task and jump back"
    mov dword [TSS2 + 0x20], jump_back
    TRY jmp TSS2_SEL:0
    DONE
    STATE
    call prepare
    CASE "call through a task gate"
    GATE GDT_GATE(GATE_SEL), TSS2_SEL, 0, 0x85, 0
    TRY call GATE_SEL:0
    DONE
    STATE
    call prepare
    CASE "call to a 16-bit task and iret back"
    TRY call TSS3_SEL:0
    DONE
    STATE
    call prepare
    CASE "interrupt to a task"
    GATE IDT_GATE(0x2f), TSS2_SEL, 0, 0x85, 0
    TRY int 0x2f
    DONE
    STATE
    call prepare
    CASE "exception to a task with an error code"
    push dword [IDT_GATE(13)]
    push dword [IDT_GATE(13) + 4]
    GATE IDT_GATE(13), TSS2_SEL, 0, 0x85, 0
    mov dword [TSS2 + 0x20], gp_task
    EXPECT .gp
    mov eax, 0x1004
    mov fs, ax
    nop
.gp:
    pop dword [IDT_GATE(13) + 4]
    pop dword [IDT_GATE(13)]
    DONE
    STATE
    call prepare
    CASE "task with an ldt"
    mov word [TSS2 + 0x60], LDT_SEL
    mov dword [TSS2 + 0x54], 0x07
    mov dword [TSS2 + 0x20], ldt_task
    TRY call TSS2_SEL:0
    DONE
    sldt ax
    movzx eax, ax
    CASE "ldtr after the return"
    VAL eax
    DONE
    call prepare
    CASE "task with page tables of its own"
    call page_tables
    mov dword [TSS2 + 0x1c], TABLES + 0x1000
    mov dword [TSS2 + 0x20], paged_task
    mov dword [TSS + 0x1c], TABLES
    mov eax, TABLES
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    TRY call TSS2_SEL:0
    mov eax, cr3
    VAL eax
    mov eax, [0x400000]
    VAL eax
    mov eax, 0x31
    mov cr0, eax
    DONE
    call prepare
    CASE "the t bit of the new task"
    mov word [TSS2 + 0x64], 1
    mov dword [trap_count], 1
    EXPECT .trapped
    mov dword [probe_base], task2
    call TSS2_SEL:0
.trapped:
    DONE
    call prepare
    CASE "local breakpoints are dropped"
    mov eax, 0x3ff
    mov dr7, eax
    TRY call TSS2_SEL:0
    mov eax, dr7
    VAL eax
    mov eax, 0x400
    mov dr7, eax
    DONE
    call prepare
    CASE "ts is set"
    TRY call TSS2_SEL:0
    mov eax, cr0
    VAL eax
    clts
    DONE
    call prepare
    CASE "jump to a busy task"
    or byte [gdt + TSS2_SEL + 5], 2
    TRY jmp TSS2_SEL:0
    DONE
    call prepare
    CASE "call to the running task"
    TRY call TSS_SEL:0
    DONE
    CASE "interrupt to a busy task"
    GATE IDT_GATE(0x2f), TSS2_SEL, 0, 0x85, 0
    or byte [gdt + TSS2_SEL + 5], 2
    TRY int 0x2f
    DONE
    call prepare
    CASE "jump to a task that is not present"
    and byte [gdt + TSS2_SEL + 5], 0x7f
    TRY jmp TSS2_SEL:0
    DONE
    call prepare
    CASE "jump to a task that is too short"
    mov word [gdt + TSS2_SEL], 0x66
    TRY jmp TSS2_SEL:0
    DONE
    CASE "jump to a 16-bit task that is too short"
    mov word [gdt + TSS3_SEL], 0x2a
    TRY jmp TSS3_SEL:0
    DONE
    call prepare
    CASE "task gate to a code segment"
    GATE GDT_GATE(GATE_SEL), KCS, 0, 0x85, 0
    TRY call GATE_SEL:0
    DONE
    CASE "task gate that is not present"
    GATE GDT_GATE(GATE_SEL), TSS2_SEL, 0, 0x05, 0
    TRY call GATE_SEL:0
    DONE
    CASE "task gate to the ldt"
    GATE GDT_GATE(GATE_SEL), TSS2_SEL | 4, 0, 0x85, 0
    TRY call GATE_SEL:0
    DONE
    CASE "task whose dpl is below the level"
    USER user_call_task
    DONE
    CASE "task gate that level 3 may use"
    GATE GDT_GATE(GATE_SEL), TSS2_SEL, 0, 0xe5, 0
    USER user_call_gate
    DONE
    STATE
    call prepare
    CASE "iret with nt and a link that is no task"
    mov word [TSS], KCS
    EXPECT .bad_link
    push dword 0x4002
    popfd
    iretd
.bad_link:
    DONE
    CASE "iret with nt and a link to a task that is not busy"
    mov word [TSS], TSS2_SEL
    EXPECT .free_link
    push dword 0x4002
    popfd
    iretd
.free_link:
    DONE
    CASE "ltr of a busy task"
    mov eax, TSS_SEL
    TRY ltr ax
    DONE
    CASE "ltr of a null selector"
    xor eax, eax
    TRY ltr ax
    DONE
    CASE "ltr of a code segment"
    mov eax, KCS
    TRY ltr ax
    DONE
    CASE "ltr of a task that is not present"
    and byte [gdt + TSS2_SEL + 5], 0x7f
    mov eax, TSS2_SEL
    TRY ltr ax
    DONE
    CASE "lldt of a code segment"
    mov eax, KCS
    TRY lldt ax
    DONE
    CASE "lldt of an ldt that is not present"
    and byte [gdt + LDT_SEL + 5], 0x7f
    mov eax, LDT_SEL
    TRY lldt ax
    DONE
    CASE "a selector in the ldt while there is none"
    xor eax, eax
    lldt ax
    mov eax, 0x07
    TRY mov fs, ax
    DONE

; Faults that belong to the incoming task, whose stack cannot be trusted: task gates take them.
%macro INCOMING 4                ; name, offset, size, value
    call prepare
    CASE %1
    mov %3 [TSS2 + %2], %4
    TRY jmp TSS2_SEL:0
    DONE
%endmacro
    call prepare_fault_task
    INCOMING "incoming cs is null", 0x4c, word, 0
    INCOMING "incoming cs is data", 0x4c, word, KDS
    INCOMING "incoming cs is not present", 0x4c, word, BAD
    INCOMING "incoming ss is null", 0x50, word, 0
    INCOMING "incoming ss is of another level", 0x50, word, UDS
    INCOMING "incoming ss is not present", 0x50, word, SLOT(5)
    INCOMING "incoming ds is not present", 0x54, word, SLOT(5)
    INCOMING "incoming ds cannot be read", 0x54, word, SLOT(6)
    INCOMING "incoming ds is past the limit of the gdt", 0x54, word, 0x2000
    INCOMING "incoming ldt is not present", 0x60, word, SLOT(5)
    INCOMING "incoming ldt is a code segment", 0x60, word, KCS
    INCOMING "incoming eip is past the limit", 0x4c, word, SLOT(7)
    ret

; Fresh tasks: they report their state and return.
prepare:
    mov edi, TSS2
    mov ecx, 0x2000 / 4
    xor eax, eax
    rep stosd
    DESCRIPTOR TSS2_SEL, TSS2, 0x67, 0x0089
    DESCRIPTOR TSS3_SEL, TSS3, 0x2b, 0x0081
    DESCRIPTOR LDT_SEL, LDT_BASE, 0x0f, 0x0082
    DESCRIPTOR BAD, 0, 0xfffff, 0xc01a
    DESCRIPTOR SLOT(5), 0, 0xfffff, 0xc012
    DESCRIPTOR SLOT(6), 0, 0xfffff, 0xc098
    DESCRIPTOR SLOT(7), 0, 0xff, 0x409a
    mov dword [LDT_BASE], DESC_LOW(0, 0xfffff)
    mov dword [LDT_BASE + 4], DESC_HIGH(0, 0xfffff, 0xc0f2)
    mov dword [TSS2 + 4], STACK2
    mov dword [TSS2 + 8], KDS
    mov dword [TSS2 + 0x20], task2
    mov dword [TSS2 + 0x24], 2
    mov dword [TSS2 + 0x28], 0x11111111
    mov dword [TSS2 + 0x38], STACK2
    mov dword [TSS2 + 0x44], 0x77777777
    mov dword [TSS2 + 0x48], KDS
    mov dword [TSS2 + 0x4c], KCS
    mov dword [TSS2 + 0x50], KDS
    mov dword [TSS2 + 0x54], KDS
    mov dword [TSS2 + 0x58], KDS
    mov dword [TSS2 + 0x5c], KDS
    mov dword [TSS2 + 0x64], 0x00680000
    mov word [TSS3 + 0x0e], task3 - BASE
    mov word [TSS3 + 0x10], 2
    mov word [TSS3 + 0x12], 0x1111
    mov word [TSS3 + 0x1a], 0xf000
    mov word [TSS3 + 0x20], 0x7777
    mov word [TSS3 + 0x22], KDS
    mov word [TSS3 + 0x24], SLOT(8)
    mov word [TSS3 + 0x26], SLOT(9)
    mov word [TSS3 + 0x28], KDS
    DESCRIPTOR SLOT(9), DATA, 0xffff, 0x0092
    DESCRIPTOR SLOT(8), BASE, 0xffff, 0x009a
    ret

; What a switch left in tables and in the main task's TSS.
show_state:
    movzx eax, byte [gdt + TSS_SEL + 5]
    VAL eax, 8
    movzx eax, byte [gdt + TSS2_SEL + 5]
    VAL eax, 8
    movzx eax, byte [gdt + TSS3_SEL + 5]
    VAL eax, 8
    mov eax, [TSS2]
    VAL eax
    mov eax, [TSS2 + 0x24]
    and eax, 0x7700
    VAL eax
    mov eax, [TSS + 0x24]
    and eax, 0x7700
    VAL eax
    mov eax, [TSS + 0x38]
    VAL eax
    str ax
    VAL eax, 16
    pushfd
    pop eax
    and eax, 0x7700
    VAL eax
    DONE
    clts
    ret

report_task:
    str cx
    movzx ecx, cx
    VAL ecx
    VAL eax
    VAL edi
    VAL esp
    pushfd
    pop ecx
    and ecx, 0x7700
    VAL ecx
    ret
task2:
    call report_task
    iretd
jump_back:
    call report_task
    jmp TSS_SEL:0
gp_task:
    pop ebx
    call report_task
    VAL ebx
    add dword [TSS + 0x20], 3    ; behind the load
    iretd
ldt_task:
    sldt ax
    VAL eax, 16
    mov eax, [ds:0x400]
    mov eax, ds
    VAL eax
    iretd
paged_task:
    mov eax, cr3
    VAL eax
    mov eax, [0x400000]
    VAL eax
    iretd
bits 16
task3:
    mov eax, cs
    mov [dword DATA], eax
    call dword KCS:report_far
    iret
bits 32
report_far:
    movzx eax, ax
    movzx edi, di
    movzx esp, sp
    call report_task
    retf

prepare_fault_task:
    mov dword [TSS4 + 0x24], 2
    mov dword [TSS4 + 0x48], KDS
    mov dword [TSS4 + 0x4c], KCS
    mov dword [TSS4 + 0x50], KDS
    mov dword [TSS4 + 0x54], KDS
    mov dword [TSS4 + 0x64], 0x00680000
%assign vector 10
%rep 4
    GATE IDT_GATE(vector), TSS4_SEL, 0, 0x85, 0
%assign vector vector + 1
%endrep
rearm:
    DESCRIPTOR TSS4_SEL, TSS4, 0x67, 0x0089
    mov dword [TSS4 + 0x20], fault_task
    mov dword [TSS4 + 0x38], 0x76000
    ret

; Says what the faulting task looks like, then becomes the main task again.
fault_task:
    pop eax
    VAL eax
    movzx eax, word [TSS4]
    VAL eax, 16
    cmp dword [TSS2 + 0x20], task2
    sete al
    VAL eax, 8
    mov eax, [TSS2 + 0x4c]
    VAL eax, 16
    mov eax, [TSS2 + 0x50]
    VAL eax, 16
    mov eax, [TSS2 + 0x54]
    VAL eax, 16
    mov eax, [TSS2 + 0x60]
    VAL eax, 16
    mov al, [gdt + TSS2_SEL + 5]
    VAL eax, 8
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov ax, TSS_SEL
    ltr ax
    xor eax, eax
    lldt ax
    clts
    push dword 2
    popfd
    call rearm
    mov esp, [probe_esp]
    jmp [probe_resume]

user_call_task:
    call TSS2_SEL | 3:0
    int 0x30
user_call_gate:
    call GATE_SEL | 3:0
    int 0x30

; Identity for the first 4 MiB in two sets; 4 MiB and above differs.
page_tables:
    mov edi, TABLES
    mov ecx, 0x1000
    xor eax, eax
    rep stosd
    mov dword [TABLES], TABLES + 0x2007
    mov dword [TABLES + 0x1000], TABLES + 0x2007
    mov dword [TABLES + 4], TABLES + 0x3007
    mov dword [TABLES + 0x1004], TABLES + 0x3007 + 0x1000
    mov edi, TABLES + 0x2000
    mov eax, 7
    mov ecx, 1024
.fill:
    stosd
    add eax, 0x1000
    loop .fill
    mov dword [TABLES + 0x3000], DATA + 7
    mov dword [TABLES + 0x4000], DATA + 0x1007
    mov dword [DATA], 0x1111aaaa
    mov dword [DATA + 0x1000], 0x2222bbbb
    ret

section .data
image_end:
