; Page faults in the middle of instructions with several accesses: what has been written, what registers keep, which
; address CR2 names. A page that may be used is followed by one that is absent, or the other way round.
; [SDM3 4.7, 6.5, 6.15 #PF]
%include "kernel.inc"
%include "levels.inc"

PD          equ TABLES
LOW_TABLE   equ TABLES + 0x1000
WINDOW      equ TABLES + 0x2000
V           equ 0x400000         ; pages: 0 and 1 absent, 2 and 3 present, 4 absent, 5 read-only
GOOD        equ V + 0x2000
END         equ V + 0x4000       ; behind the last good byte
READ_ONLY   equ V + 0x5000
GATE0       equ SLOT(0)
CODE1       equ SLOT(1)
TASK        equ SLOT(2)
UCODE16     equ SLOT(3)

; Runs code at level 3; then ESP, EDI, ESI and ECX of its frame, and CR2 is in the report.
%macro PART 2
    CASE %1
    call clear
    USER %2
    VAL [saved + 20]             ; ESP
    VAL [saved]                  ; EDI
    VAL [saved + 4]              ; ESI
    VAL [saved + 24]             ; ECX
    VAL [saved + 28]             ; EAX
%endmacro
; A sum over the good pages, which says whether anything was written.
%macro ENDPART 0
    call sum
    VAL eax
    DONE
%endmacro

main:
    call make_levels
    call make_tables
    GATE IDT_GATE(14), KCS, page_fault, 0x8e, 0
    DESCRIPTOR CODE1, 0, 0xfffff, 0xc0ba
    DESCRIPTOR UCODE16, BASE, 0xffff, 0x00fa
    mov eax, 0x200               ; OSFXSR
    mov cr4, eax
    mov eax, PD
    mov cr3, eax
    mov eax, 0x80010031
    mov cr0, eax
    PART "push m, source absent", .push_source
    ENDPART
    PART "push m, destination absent", .push_target
    ENDPART
    PART "pop m, destination absent", .pop_target
    ENDPART
    PART "pop m by esp, destination absent", .pop_esp
    ENDPART
    PART "pop m, source absent", .pop_source
    ENDPART
    PART "pusha, lower half absent", .pusha
    ENDPART
    PART "popa, upper half absent", .popa
    ENDPART
    PART "enter with level 4, display absent", .enter_display
    ENDPART
    PART "enter with level 4, stack absent", .enter_stack
    ENDPART
    PART "leave, frame absent", .leave
    ENDPART
    PART "call m, pointer absent", .call_pointer
    ENDPART
    PART "call m, stack absent", .call_stack
    ENDPART
    PART "ret n, stack absent", .ret
    ENDPART
    PART "far call, stack absent", .far_call
    ENDPART
    PART "far call m, selector absent", .far_pointer
    ENDPART
    PART "retf, selector absent", .retf
    ENDPART
    PART "iret, flags absent", .iret
    ENDPART
    PART "pushf, stack absent", .pushf
    ENDPART
    PART "popf, stack absent", .popf
    ENDPART
    PART "les, selector absent", .les
    ENDPART
    PART "bound, upper bound absent", .bound
    ENDPART
    PART "xchg, across into absent", .xchg
    ENDPART
    PART "xadd, read-only", .xadd
    ENDPART
    PART "cmpxchg8b, upper half absent", .cmpxchg8b
    ENDPART
    PART "bts far from its base", .bts
    ENDPART
    PART "shld across into absent", .shld
    ENDPART
    PART "movs, source absent", .movs_source
    ENDPART
    PART "movs, destination absent", .movs_target
    ENDPART
    PART "rep movsb, source runs out", .rep_movsb
    ENDPART
    PART "rep movsd that crosses, destination runs out", .rep_movsd
    ENDPART
    PART "rep movsw down, destination runs out", .rep_down
    ENDPART
    PART "rep stosd, unaligned", .rep_stosd
    ENDPART
    PART "repne scasb runs out", .rep_scas
    ENDPART
    PART "rep lodsd runs out", .rep_lods
    ENDPART
    PART "fstp m80 across into absent", .fstp
    ENDPART
    PART "fstenv across into absent", .fstenv
    ENDPART
    PART "fnsave across into absent", .fnsave
    ENDPART
    PART "frstor across into absent", .frstor
    ENDPART
    PART "fldcw absent, fist read-only", .fist
    ENDPART
    PART "fxsave across into absent", .fxsave
    ENDPART
    PART "movups store across into absent", .movups
    ENDPART
    PART "movq mm store across into absent", .movq
    ENDPART
    PART "setc read-only, not read-only", .setc
    ENDPART
    PART "sidt across into absent", .sidt
    ENDPART
    PART "sldt, str, smsw to absent", .smsw
    ENDPART
    PART "cmpxchg that fails, across into absent", .cmpxchg
    ENDPART
    PART "xlat absent", .xlat
    ENDPART
    PART "arpl read-only", .arpl
    ENDPART

    ; Level 0.
    CASE "lgdt, upper half absent"
    TRY lgdt [END - 3]
    sgdt [DATA]
    mov eax, [DATA + 2]
    VAL eax
    DONE
    CASE "lldt and ltr by an absent selector"
    TRY lldt [END]
    TRY ltr [V]
    DONE
    CASE "int from level 3, stack half absent"
    call clear
    mov dword [TSS + 12], GOOD + 8
    GATE IDT_GATE(0x2f), CODE1, landed, 0xee, 0
    USER user_int
    call sum
    VAL eax
    DONE
    CASE "exception with a code from level 3, stack half absent"
    call clear
    mov dword [TSS + 12], GOOD + 20
    GATE IDT_GATE(13), CODE1, landed, 0x8e, 0
    USER user_gp
    call sum
    VAL eax
    GATE IDT_GATE(13), KCS, stubs + 13 * STUB_SIZE, 0x8e, 0
    DONE
    CASE "16-bit gate, stack half absent"
    call clear
    mov dword [TSS + 12], GOOD + 4
    GATE IDT_GATE(0x2f), CODE1, landed - BASE, 0xe6, 0
    USER user_int
    DONE
    CASE "call gate with parameters, inner stack half absent"
    call clear
    mov dword [TSS + 12], GOOD + 16
    GATE GDT_GATE(GATE0), CODE1, landed, 0xec, 4
    USER user_gate
    call sum
    VAL eax
    DONE
    CASE "call gate with parameters, outer stack half absent"
    call clear
    mov dword [TSS + 12], STACK1
    USER user_gate_outer
    DONE
    CASE "int from level 0, stack absent for the flags, for the offset"
    GATE IDT_GATE(8), TASK, 0, 0x85, 0
    call make_task
    GATE IDT_GATE(0x2f), KCS, landed0, 0x8e, 0
    EXPECT .flags
    mov esp, GOOD
    int 0x2f
.flags:
    call make_task
    EXPECT .offset
    mov esp, GOOD + 8
    int 0x2f
.offset:
    GATE IDT_GATE(8), KCS, stubs + 8 * STUB_SIZE, 0x8e, 0
    DONE
    CASE "iret to level 3, stack pointer absent"
    EXPECT .outer
    mov ebx, esp
    mov esp, END - 12
    mov dword [esp], landed
    mov dword [esp + 4], UCS
    mov dword [esp + 8], 2
    iretd
.outer:
    DONE
    CASE "gdt's page absent at a load, idt's at an int"
    sgdt [DATA]
    mov eax, [DATA + 2]
    lea edi, [END - 0x48]
    mov esi, gdt
    mov ecx, 0x48
    rep movsb
    mov dword [DATA + 2], END - 0x48
    lgdt [DATA]
    mov eax, 0x48
    TRY mov fs, ax
    TRY jmp 0x48:0
    TRY lar ecx, eax
    lgdt [gdt_pointer]
    mov esi, IDT
    lea edi, [END - 15 * 8]
    mov ecx, 15 * 8
    rep movsb
    mov word [DATA], 0x17f
    mov dword [DATA + 2], END - 15 * 8
    lidt [DATA]
    TRY int 0x10
    lidt [idt_pointer]
    DONE
    mov eax, 0x31
    mov cr0, eax
    ret

.push_source:
    push dword [END - 2]
.push_target:
    mov esp, GOOD + 2
    push dword [END - 4]
.pop_target:
    mov esp, END - 8
    pop dword [END - 2]
.pop_esp:
    mov esp, END - 8
    pop dword [esp + 6]
.pop_source:
    mov esp, END - 2
    pop dword [GOOD]
.pusha:
    mov esp, GOOD + 16
    pushad
.popa:
    mov ecx, 0x77
    mov esp, END - 16
    popad
.enter_display:
    mov esp, GOOD + 0x100
    mov ebp, GOOD + 8
    enter 16, 4
.enter_stack:
    mov esp, GOOD + 8
    mov ebp, GOOD + 0x200
    enter 16, 4
.leave:
    mov ebp, END - 2
    leave
.call_pointer:
    call [END - 2]
.call_stack:
    mov esp, GOOD + 2
    call user_int
.ret:
    mov esp, END - 2
    ret 8
.far_call:
    mov esp, GOOD + 4
    call UCS:user_int
.far_pointer:
    call far [END - 4]
.retf:
    mov esp, END - 4
    retf 8
.iret:
    mov esp, END - 8
    mov dword [esp], user_int
    mov dword [esp + 4], UCS
    iretd
.pushf:
    mov esp, GOOD + 3
    pushfd
.popf:
    mov esp, END - 1
    popfd
.les:
    mov esi, 0x1234
    les esi, [END - 4]
.bound:
    bound eax, [END - 4]
.xchg:
    xchg eax, [END - 2]
.xadd:
    xadd [READ_ONLY], eax
.cmpxchg8b:
    lock cmpxchg8b [END - 4]
.bts:
    mov eax, (0x2000 - 4) * 8
    bts [GOOD], eax
    mov eax, 0x2000 * 8
    bts [GOOD], eax
.shld:
    shld [END - 3], eax, 4
.movs_source:
    mov esi, END - 2
    mov edi, GOOD
    movsd
.movs_target:
    mov esi, GOOD
    mov edi, END - 3
    movsd
.rep_movsb:
    mov esi, END - 5
    mov edi, GOOD
    mov ecx, 20
    rep movsb
.rep_movsd:
    mov esi, GOOD + 1
    mov edi, END - 9
    mov ecx, 20
    rep movsd
.rep_down:
    mov esi, GOOD + 0x200
    mov edi, GOOD + 7
    mov ecx, 20
    std
    rep movsw
.rep_stosd:
    mov edi, END - 10
    mov ecx, 20
    rep stosd
.rep_scas:
    mov al, 0xaa
    mov edi, END - 6
    mov ecx, 20
    repne scasb
.rep_lods:
    mov esi, END - 10
    mov ecx, 20
    rep lodsd
.fstp:
    fninit
    fld1
    fstp tword [END - 5]
.fstenv:
    fninit
    fnstenv [END - 12]
.fnsave:
    fninit
    fnsave [END - 60]
.frstor:
    fninit
    frstor [END - 60]
.fist:
    fninit
    fld1
    fist dword [READ_ONLY]
.fxsave:
    fxsave [END - 0x100]
.movups:
    db 0x0f, 0x11, 0x05          ; movups [END - 8], xmm0
    dd END - 8
.movq:
    db 0x0f, 0x7f, 0x05          ; movq [END - 4], mm0
    dd END - 4
.setc:
    setc [READ_ONLY]
.sidt:
    sidt [END - 3]
.smsw:
    smsw [END - 1]
.cmpxchg:
    xor eax, eax
    cmpxchg [END - 2], ecx
.xlat:
    mov ebx, END
    xlatb
.arpl:
    mov eax, 3
    arpl [READ_ONLY], ax

user_int:
    int 0x2f
    int 0x30
user_gp:
    hlt
user_gate:
    push dword 4
    push dword 3
    push dword 2
    push dword 1
    call GATE0 | 3:0
    int 0x30
user_gate_outer:
    mov esp, END - 8
    call GATE0 | 3:0
    int 0x30
landed:
    NOTE "landed"
    int 0x30
landed0:
    mov esp, KSTACK - 0x100
    NOTE "landed"
    jmp [probe_resume]

; Keeps the registers of the fault, then reports as every exception.
page_fault:
    mov [saved], edi
    mov [saved + 4], esi
    mov [saved + 24], ecx
    mov [saved + 28], eax
    test byte [esp + 8], 3
    jz .inner
    mov eax, [esp + 16]
    mov [saved + 20], eax
    mov eax, [saved + 28]
.inner:
    jmp stubs + 14 * STUB_SIZE

clear:
    mov edi, GOOD
    mov ecx, 0x2000 / 4
    mov eax, 0x55555555
    rep stosd
    xor eax, eax
    mov edi, saved
    mov ecx, 8
    rep stosd
    mov eax, 0x01020304
    mov ecx, 0x0a0b0c0d
    mov esi, 0x22222222
    mov edi, 0x33333333
    ret
sum:
    push esi
    push ecx
    mov esi, GOOD
    mov ecx, 0x2000 / 4
    xor eax, eax
.next:
    rol eax, 5
    xor eax, [esi]
    add esi, 4
    loop .next
    pop ecx
    pop esi
    ret

double_task:
    pop eax
    NOTE "double fault task"
    mov eax, cr2
    VAL eax
    VAL [TSS + 0x38]
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov ax, TSS_SEL
    ltr ax
    clts
    push dword 2
    popfd
    mov esp, [probe_esp]
    jmp [probe_resume]
make_task:
    DESCRIPTOR TASK, 0x7f000, 0x67, 0x0089
    mov dword [0x7f000 + 0x1c], PD
    mov dword [0x7f000 + 0x20], double_task
    mov dword [0x7f000 + 0x24], 2
    mov dword [0x7f000 + 0x38], 0x7f000
    mov dword [0x7f000 + 0x48], KDS
    mov dword [0x7f000 + 0x4c], KCS
    mov dword [0x7f000 + 0x50], KDS
    mov dword [0x7f000 + 0x54], KDS
    ret

make_tables:
    mov edi, LOW_TABLE
    mov eax, 7
    mov ecx, 1024
.fill:
    stosd
    add eax, 0x1000
    loop .fill
    mov dword [PD], LOW_TABLE + 7
    mov dword [PD + 4], WINDOW + 7
    mov dword [WINDOW + 8], DATA + 0x3007
    mov dword [WINDOW + 12], DATA + 0x1007
    mov dword [WINDOW + 20], DATA + 0x5005
    ret

section .data
    align 4
saved: times 8 dd 0
image_end:
