; Debug registers and single steps: execute, write, access and I/O breakpoints, general detect, TF through POPF, IRET,
; INT and REP, RF, and the shadow of MOV SS. [SDM3 17.2, 17.3, 6.8.3]
%include "kernel.inc"

; DR7 for breakpoint 0: L0, R/W and LEN.
%define BREAK(rw, len) (0x401 | ((rw) << 16) | ((len) << 18))
%macro SET_BREAK 2               ; address, DR7
    mov eax, %1
    mov dr0, eax
    mov eax, %2
    mov dr7, eax
%endmacro
%macro CLEAR_BREAK 0
    mov eax, 0x400
    mov dr7, eax
%endmacro
%macro STEP 1                    ; single steps, at most so many, from the next instruction but one
    mov dword [trap_count], %1
    pushfd
    or dword [esp], 0x100
    popfd
%endmacro

main:
    CASE "execute breakpoint is a fault, rf lets the instruction run"
    SET_BREAK .target, BREAK(0, 0)
    mov dword [trap_count], 1
    EXPECT .after
    mov dword [rf_on_return], 1
    GATE IDT_GATE(1), KCS, debug_handler, 0x8e, 0
    nop
.target:
    inc eax
    nop
.after:
    CLEAR_BREAK
    DONE
    CASE "breakpoint in a loop"
    mov dword [hits], 0
    SET_BREAK .loop, BREAK(0, 0)
    mov dword [quiet], 1
    mov ecx, 5
.loop:
    dec ecx
    jnz .loop
    CLEAR_BREAK
    mov dword [quiet], 0
    mov eax, [hits]
    VAL eax
    DONE
    CASE "write breakpoint is a trap"
    SET_BREAK DATA + 4, BREAK(1, 3)
    EXPECT .write
    mov dword [DATA + 4], 1
    nop
.write:
    DONE
    CASE "write breakpoint and a read"
    TRY mov eax, [DATA + 4]
    DONE
    CASE "write breakpoint and neighbours"
    EXPECT .neighbours
    mov dword [DATA], 1
    mov dword [DATA + 8], 1
    mov byte [DATA + 7], 1
    mov dword [DATA + 1], 1
    nop
.neighbours:
    DONE
    CASE "access breakpoint of one byte"
    SET_BREAK DATA + 5, BREAK(3, 0)
    EXPECT .access
    mov eax, [DATA + 4]
    mov al, [DATA + 4]
    mov al, [DATA + 5]
    mov ax, [DATA + 5]
    add byte [DATA + 5], 1
    push dword [DATA + 4]
    pop eax
.access:
    DONE
    CASE "access breakpoint on the second page of a crossing access"
    SET_BREAK DATA + 0x1000, BREAK(3, 0)
    EXPECT .crossing
    mov eax, [DATA + 0xffe]
    mov [DATA + 0xffd], eax
    nop
.crossing:
    DONE
    CASE "stack breakpoint"
    SET_BREAK KSTACK - 0x40, BREAK(1, 3)
    EXPECT .stack
    mov ebp, esp
    mov esp, KSTACK - 0x3c
    push eax
    mov esp, ebp
.stack:
    DONE
    CASE "breakpoint of another task register, disabled"
    SET_BREAK DATA + 4, BREAK(1, 3) & ~3
    TRY mov [DATA + 4], eax
    DONE
    CASE "two breakpoints at once"
    SET_BREAK DATA + 4, 0x405 | (0xd << 16) | (0xf << 20)
    mov eax, DATA + 4
    mov dr1, eax
    EXPECT .two
    mov [DATA + 4], eax
    nop
.two:
    CLEAR_BREAK
    DONE
    CASE "rep stosd with a write breakpoint"
    SET_BREAK DATA + 8, BREAK(1, 3)
    mov edi, DATA
    mov ecx, 4
    EXPECT .rep
    rep stosd
    nop
.rep:
    VAL ecx
    CLEAR_BREAK
    DONE
    CASE "i/o breakpoint"
    mov eax, 8
    mov cr4, eax
    SET_BREAK 0x80, BREAK(2, 0)
    EXPECT .io
    in al, 0x80
    out 0x80, al
    in al, 0x81
    nop
.io:
    CLEAR_BREAK
    xor eax, eax
    mov cr4, eax
    DONE
    CASE "general detect"
    mov eax, 0x2400
    mov dr7, eax
    mov dword [skip], 3
    TRY mov eax, dr0
    mov eax, dr7
    VAL eax
    DONE
    CASE "dr4 and dr5"
    mov eax, 0x12345678
    mov dr0, eax
    TRY db 0x0f, 0x21, 0xe1      ; mov ecx, dr4
    VAL ecx
    mov eax, 8
    mov cr4, eax
    TRY db 0x0f, 0x21, 0xe1
    xor eax, eax
    mov cr4, eax
    DONE
    CASE "values of dr6 and dr7"
    mov eax, -1
    mov dr6, eax
    mov eax, dr6
    VAL eax
    mov eax, 0xffff0ff0
    mov dr6, eax
    mov eax, 0xffff0000
    mov dr7, eax
    mov eax, dr7
    VAL eax
    CLEAR_BREAK
    DONE
    CASE "mov dr at level 3"
    USER user_dr
    DONE

    GATE IDT_GATE(1), KCS, stubs + STUB_SIZE, 0x8e, 0
    CASE "single step after popf"
    EXPECT .popf
    STEP 3
    nop
    inc eax
    inc ecx
    inc edx
.popf:
    DONE
    CASE "single step into int and back"
    GATE IDT_GATE(0x2f), KCS, empty_handler, 0x8e, 0
    EXPECT .int
    STEP 3
    int 0x2f
    nop
    nop
    nop
.int:
    DONE
    CASE "single step of an instruction that faults"
    EXPECT .faulting
    STEP 3
    ud2
.faulting:
    DONE
    CASE "single step of rep movsb steps each iteration"
    mov esi, DATA
    mov edi, DATA + 0x100
    mov ecx, 3
    EXPECT .rep_step
    STEP 5
    rep movsb
    nop
    nop
    nop
.rep_step:
    VAL ecx
    DONE
    CASE "single step over mov ss skips its successor"
    mov eax, ss
    EXPECT .mov_ss
    STEP 3
    mov ss, ax
    nop
    nop
    nop
    nop
.mov_ss:
    DONE
    CASE "single step over pop ss"
    EXPECT .pop_ss
    push ss
    STEP 3
    pop ss
    nop
    nop
    nop
    nop
.pop_ss:
    DONE
    CASE "single step over sti does not skip"
    EXPECT .sti
    STEP 3
    sti
    cli
    nop
    nop
    nop
.sti:
    cli
    DONE
    CASE "single step by iret"
    EXPECT .iret
    mov dword [trap_count], 2
    push dword 0x102
    push dword KCS
    push dword .iret_target
    iretd
.iret_target:
    nop
    nop
    nop
.iret:
    DONE
    CASE "single step of a jump, a call, a far jump"
    EXPECT .jumps
    STEP 4
    jmp .next
.next:
    call .called
    jmp KCS:.jumps
.called:
    ret
.jumps:
    DONE
    CASE "popf that clears tf traps once more"
    EXPECT .last
    STEP 5
    push dword 2
    popfd
    nop
    nop
.last:
    DONE
    CASE "pushf under single step pushes tf"
    EXPECT .pushf
    STEP 1
    pushfd
    pop eax
.pushf:
    and eax, 0x7700
    VAL eax
    DONE
    CASE "level 3 single steps into a system call"
    GATE IDT_GATE(0x2f), KCS, empty_handler, 0xee, 0
    mov dword [trap_count], 3
    USER user_step, 0x102
    DONE
    CASE "pushf never shows rf"
    EXPECT .rf
    push dword 0x10002
    push dword KCS
    push dword .rf_target
    iretd
.rf_target:
    pushfd
    pop eax
.rf:
    VAL eax
    DONE
    CASE "rf by iret skips one execute breakpoint"
    SET_BREAK .rf_here, BREAK(0, 0)
    EXPECT .rf_done
    push dword 0x10002
    push dword KCS
    push dword .rf_here
    iretd
.rf_here:
    nop
    nop
.rf_done:
    CLEAR_BREAK
    DONE
    CASE "data breakpoint of mov ss waits for the next instruction"
    mov eax, ss
    mov [DATA + 4], eax
    SET_BREAK DATA + 4, BREAK(3, 3)
    mov dword [trap_count], 9
    EXPECT .ss_break
    mov ss, [DATA + 4]
    nop
    nop
.ss_break:
    CLEAR_BREAK
    DONE
    CASE "data breakpoint of mov ss, then icebp, int 1, int3"
    SET_BREAK DATA + 4, BREAK(3, 3)
    mov dword [trap_count], 9
    EXPECT .ss_icebp
    mov ss, [DATA + 4]
    db 0xf1
.ss_icebp:
    NOTE "."
    EXPECT .ss_int
    mov ss, [DATA + 4]
    int 1
.ss_int:
    NOTE "."
    EXPECT .ss_int3
    mov ss, [DATA + 4]
    int3
.ss_int3:
    CLEAR_BREAK
    DONE
    CASE "execute breakpoint behind mov ss is not seen"
    SET_BREAK .behind, BREAK(0, 0)
    mov dword [trap_count], 9
    mov eax, ss
    EXPECT .behind_done
    mov ss, ax
.behind:
    nop
    nop
.behind_done:
    CLEAR_BREAK
    DONE
    ret

; Reports, or only counts, and returns with RF set.
debug_handler:
    cmp dword [quiet], 0
    jne .count
    push dword 0
    push dword 1
    pushad
    push ds
    push es
    push fs
    push gs
    mov ebp, esp
    call report
    inc dword [line_items]
    mov eax, [skip]
    mov dword [skip], 0
    add [ebp + F_EIP], eax
    or dword [ebp + F_EFLAGS], 0x10000
    jmp return_from_exception
.count:
    inc dword [hits]
    or dword [esp + 8], 0x10000
    iretd
empty_handler:
    iretd
user_dr:
    mov eax, dr0
user_step:
    nop
    int 0x2f
    nop
    nop
    nop
    int 0x30

section .data
rf_on_return: dd 0
hits: dd 0
quiet: dd 0
skip: dd 0
image_end:
