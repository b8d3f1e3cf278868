; Data and I/O breakpoints swept by R/W, LEN, register, size, kind and place of the access; every kind of instruction that
; accesses memory; and what comes together: traps with single steps, with faults, with task switches, with REP.
; [SDM3 17.2, 17.3]
; A digit of a sweep counts eight or more places of an access from 4 below the breakpoint's doubleword on, a bit a place.
%include "kernel.inc"

WATCHED          equ DATA + 0x100     ; the doubleword that is watched
PORT        equ 0x84

%define BREAK(rw, len) (0x401 | ((rw) << 16) | ((len) << 18))
%macro CLEAR_BREAK 0
    mov eax, 0x400
    mov dr7, eax
%endmacro

main:
    GATE IDT_GATE(1), KCS, count_hit, 0x8e, 0
%macro SWEEP 3                   ; R/W, LEN, name
    mov dword [dr7_value], BREAK(%1, %2)
    CASE %3, ", aligned"
    mov dword [base], WATCHED
    call sweep
    DONE
    CASE %3, ", address not aligned"
    mov dword [base], WATCHED + 1
    call sweep
    mov dword [base], WATCHED + 2
    call sweep
    mov dword [base], WATCHED + 3
    call sweep
    DONE
%endmacro
    SWEEP 1, 0, "write, 1 byte"
    SWEEP 1, 1, "write, 2 bytes"
    SWEEP 1, 3, "write, 4 bytes"
    SWEEP 3, 0, "access, 1 byte"
    SWEEP 3, 1, "access, 2 bytes"
    SWEEP 3, 3, "access, 4 bytes"
    CASE "each register by its enables"
    mov dword [line_items], 1
    FOR number, 4
    say " "
    FOR enable, 4
    call one_register
    NEXT
    NEXT
    DONE
    CLEAR_BREAK

    mov eax, 8
    mov cr4, eax
%macro IO_SWEEP 2
    CASE %2
    mov dword [line_items], 1
    mov dword [dr7_value], BREAK(2, %1)
    mov dword [base], PORT
    call io_sweep
    DONE
%endmacro
    IO_SWEEP 0, "i/o, 1 byte: in, out, ins, outs by size"
    IO_SWEEP 1, "i/o, 2 bytes"
    IO_SWEEP 3, "i/o, 4 bytes"
    xor eax, eax
    mov cr4, eax
    CASE "i/o without de"
    mov eax, PORT
    mov dr0, eax
    mov eax, BREAK(2, 0)
    mov dr7, eax
    mov dword [hits], 0
    in al, PORT
    CLEAR_BREAK
    VAL [hits]
    DONE

    mov eax, 0x200
    mov cr4, eax
    mov dword [number], 0
    fninit
    mov eax, WATCHED
    mov dr0, eax
%macro HITS 2+                   ; name, instruction
    CASE %1
    mov dword [hits], 0
    mov dword [dr6_seen], 0
    mov esi, WATCHED
    mov edi, WATCHED + 0x40
    mov ebx, WATCHED
    mov dword [ebx], 0x10
    mov dword [ebx + 4], 0x7fffffff
    mov ecx, 1
    xor eax, eax
    xor edx, edx
    mov ebp, BREAK(3, 3)
    mov dr7, ebp
    %2
    nop
    mov ebp, 0x400
    mov dr7, ebp
    call show_hits
    DONE
%endmacro
    HITS "mov from memory", mov eax, [ebx]
    HITS "mov to memory", mov [ebx], eax
    HITS "add to memory", add [ebx], eax
    HITS "cmp with memory", cmp [ebx], eax
    HITS "test with memory", test [ebx], eax
    HITS "xchg", xchg [ebx], eax
    HITS "cmpxchg that fails", cmpxchg [ebx], ecx
    HITS "cmpxchg8b", cmpxchg8b [ebx]
    HITS "bt by register", bt [ebx], eax
    HITS "setz", setz [ebx]
    HITS "cmovz that is not taken", cmovnz eax, [ebx]
    HITS "movzx", movzx eax, byte [ebx + 3]
    HITS "lea does not access", lea eax, [ebx]
    HITS "nop with memory does not access", db 0x0f, 0x1f, 0x03
    HITS "prefetch does not access", db 0x0f, 0x18, 0x0b
    HITS "movs from", movsd
    HITS "lods", lodsd
    HITS "cmps", cmpsd
    HITS "rep lodsb", rep lodsb
    HITS "mul by memory", mul dword [ebx]
    HITS "div by memory", div dword [ebx]
    HITS "fld m32", fld dword [ebx]
    HITS "fstp m32", fstp dword [ebx]
    HITS "fstp m80 whose end is there", fstp tword [ebx - 8]
    HITS "fnstenv whose middle is there", fnstenv [ebx - 12]
    HITS "movups", db 0x0f, 0x10, 0x43, 0xf4
    HITS "movups store", db 0x0f, 0x11, 0x43, 0xf4
    HITS "fxsave", fxsave [ebx - 0x100]
    HITS "sgdt", sgdt [ebx - 4]
    HITS "sidt at its end", sidt [ebx - 2]
    HITS "bound", bound ebx, [ebx]
    HITS "les, selector", les eax, [ebx - 4]
    mov ax, KDS
    mov es, ax
    HITS "push of memory", push dword [ebx]
    HITS "pop to memory", pop dword [ebx]
    CASE "stack: push, call, pushf, pusha, enter, far call"
%macro STACK_HITS 1+
    mov dword [hits], 0
    mov dword [dr6_seen], 0
    mov [kept_esp], esp
    mov esp, WATCHED + 4
    mov ebp, BREAK(3, 3)
    mov dr7, ebp
    %1
    nop
    mov ebp, 0x400
    mov dr7, ebp
    mov esp, [kept_esp]
    call show_hits
%endmacro
    STACK_HITS push eax
    STACK_HITS call $+5
    STACK_HITS pushfd
    STACK_HITS pushad
    STACK_HITS enter 4, 0
    STACK_HITS call KCS:$+7
    DONE
    CLEAR_BREAK
    xor eax, eax
    mov cr4, eax

    ; Combinations, with reports in full.
    GATE IDT_GATE(1), KCS, stubs + STUB_SIZE, 0x8e, 0
    CASE "an instruction whose operand hits and which then faults"
    mov dword [WATCHED], 0x10000000
    mov eax, WATCHED
    mov dr0, eax
    mov eax, BREAK(3, 3)
    mov dr7, eax
    TRY lfs eax, [WATCHED - 2]
    nop
    CLEAR_BREAK
    DONE
    CASE "execute breakpoint and single step"
    mov eax, .here
    mov dr0, eax
    mov eax, BREAK(0, 0)
    mov dr7, eax
    mov dword [trap_count], 2
    EXPECT .execute
    push dword 0x102
    popfd
    nop
.here:
    nop
.execute:
    CLEAR_BREAK
    DONE
    CASE "execute breakpoint on an instruction that faults"
    mov eax, .fault_here
    mov dr0, eax
    mov eax, BREAK(0, 0)
    mov dr7, eax
    GATE IDT_GATE(1), KCS, resume_flag, 0x8e, 0
    EXPECT .fault_done
.fault_here:
    ud2
.fault_done:
    CLEAR_BREAK
    DONE
    CASE "execute breakpoint on rep movsb comes once"
    mov eax, .rep_here
    mov dr0, eax
    mov eax, BREAK(0, 0)
    mov dr7, eax
    mov esi, DATA
    mov edi, DATA + 0x800
    mov ecx, 4
    EXPECT .rep_done
.rep_here:
    rep movsb
.rep_done:
    CLEAR_BREAK
    VAL ecx
    DONE
    CASE "two execute breakpoints in a row, a prefix is the place"
    mov eax, .first
    mov dr0, eax
    mov eax, .second
    mov dr1, eax
    inc eax
    mov dr2, eax
    mov eax, 0x415
    mov dr7, eax
    EXPECT .row
.first:
    nop
.second:
    lock inc dword [DATA]
    nop
.row:
    CLEAR_BREAK
    DONE
    GATE IDT_GATE(1), KCS, stubs + STUB_SIZE, 0x8e, 0
    CASE "dr6 keeps old bits, b bits only of what is enabled or hit"
    mov eax, 0xffff0ff0 | 0x8002
    mov dr6, eax
    mov dword [trap_count], 1
    EXPECT .sticky
    push dword 0x102
    popfd
    nop
.sticky:
    DONE
    CASE "general detect by a write, by dr6, dr7, at level 3"
    mov eax, 0x2400
    mov dr7, eax
    TRY mov dr0, eax
    mov eax, 0x2400
    mov dr7, eax
    TRY mov eax, dr7
    mov eax, 0x2400
    mov dr7, eax
    TRY mov dr6, eax
    mov eax, 0x2400
    mov dr7, eax
    USER user_dr
    TRY mov dr7, eax
    CLEAR_BREAK
    DONE
    CASE "int3 with tf set, int n with tf set, icebp with tf set"
    mov dword [trap_count], 3
    EXPECT .int3
    push dword 0x102
    popfd
    int3
    nop
.int3:
    push dword 2
    popfd
    GATE IDT_GATE(0x2f), KCS, show_flags, 0x8e, 0
    mov dword [trap_count], 1
    EXPECT .intn
    push dword 0x4102
    popfd
    int 0x2f
    nop
.intn:
    push dword 2
    popfd
    DONE
    CASE "single step of in, of rep outsb"
    mov esi, DATA
    mov edx, 0x80
    mov ecx, 2
    mov dword [trap_count], 4
    EXPECT .io_step
    push dword 0x102
    popfd
    in al, 0x80
    rep outsb
    nop
.io_step:
    DONE
    CASE "single step of retf, and of far jmp and call through a call gate"
    GATE GDT_GATE(SLOT(0)), KCS, .gate_target, 0x8c, 0
    GATE GDT_GATE(SLOT(1)), KCS, .far_step, 0x8c, 0
    mov dword [trap_count], 3
    EXPECT .far_step
    push dword 0x102
    popfd
    call SLOT(0):0
    jmp SLOT(1):0
    nop
.gate_target:
    retf
.far_step:
    DONE
    CASE "cpuid, rdtsc, mov cr, lidt under single steps"
    mov dword [trap_count], 5
    EXPECT .system_step
    push dword 0x102
    popfd
    cpuid
    rdtsc
    mov eax, cr0
    mov cr0, eax
    lidt [idt_pointer]
    nop
.system_step:
    DONE
    CASE "branch steps, cleared by the trap"
    mov ecx, 0x1d9
    mov eax, 2
    xor edx, edx
    wrmsr
    mov dword [trap_count], 2
    EXPECT .branches
    push dword 0x102
    popfd
    nop
    cmp ecx, ecx
    jne .never
    mov eax, 1
    je .taken
    nop
.never:
    nop
.taken:
    nop
    nop
.branches:
    mov ecx, 0x1d9
    rdmsr
    VAL eax
    DONE
    CASE "branch steps by call, jmp to the next instruction, loop, jmp m, ret, far jmp"
%macro BRANCH 1+
    mov ecx, 0x1d9
    mov eax, 2
    xor edx, edx
    wrmsr
    mov dword [trap_count], 1
    mov ecx, 2
    push dword 0x102
    popfd
    nop
    %1
%endmacro
    mov [kept_esp], esp
    EXPECT .btf
    BRANCH call .called
.called:
    BRANCH jmp .jumped
.jumped:
    BRANCH loop .looped
    nop
.looped:
    mov eax, .indirect
    mov [DATA], eax
    BRANCH jmp [DATA]
    nop
.indirect:
    push dword .returned
    EXPECT .btf
    BRANCH ret
    nop
.returned:
    BRANCH jmp KCS:.far
    nop
.far:
    mov ecx, 0x1d9
    xor eax, eax
    wrmsr
    jmp .btf
.btf:
    mov esp, [kept_esp]
    DONE
    ; Last, because QEMU ends here.
    CASE "data breakpoint and single step in one trap"
    mov dword [trap_count], 3
    EXPECT .both
    mov eax, WATCHED
    mov dr0, eax
    mov eax, BREAK(1, 3)
    mov dr7, eax
    push dword 0x102
    popfd
    mov [WATCHED], eax
    nop
.both:
    CLEAR_BREAK
    DONE
    ret
; A string of four digits for reads and writes of each size: the accesses from 4 below to 7 above that hit.
sweep:
    mov dword [line_items], 1
    say " "
    mov eax, [base]
    mov dr0, eax
    FOR kind, 6
    mov dword [places], 0
    FOR place, 12
    mov eax, [kind]
    mov edx, WATCHED - 4
    add edx, [place]
    mov ecx, [.kinds + eax * 4]
    mov eax, [dr7_value]
    mov dr7, eax
    mov dword [hits], 0
    call ecx
    mov eax, 0x400
    mov dr7, eax
    shl dword [places], 1
    cmp dword [hits], 0
    je .none
    or dword [places], 1
.none:
    NEXT
    mov eax, [places]
    mov ecx, 3
    push ecx
    push dword .put
    push ecx
    jmp put_digits
.put:
    pop ecx
    say "."
    NEXT
    ret
    [section .data]
.kinds: dd .read8, .read16, .read32, .write8, .write16, .write32
    [section .text]
.read8:
    mov al, [edx]
    nop
    ret
.read16:
    mov ax, [edx]
    nop
    ret
.read32:
    mov eax, [edx]
    nop
    ret
.write8:
    mov [edx], al
    nop
    ret
.write16:
    mov [edx], ax
    nop
    ret
.write32:
    mov [edx], eax
    nop
    ret

io_sweep:
    mov eax, [base]
    mov dr0, eax
    say " "
    FOR kind, 12
    mov dword [places], 0
    FOR place, 8
    mov eax, [kind]
    mov edx, PORT - 4
    add edx, [place]
    mov ecx, [.kinds + eax * 4]
    mov esi, DATA
    mov edi, DATA
    mov eax, [dr7_value]
    mov dr7, eax
    mov dword [hits], 0
    call ecx
    mov eax, 0x400
    mov dr7, eax
    shl dword [places], 1
    cmp dword [hits], 0
    je .none
    or dword [places], 1
.none:
    NEXT
    mov eax, [places]
    call put8
    say "."
    NEXT
    ret
    [section .data]
.kinds: dd .in8, .in16, .in32, .out8, .out16, .out32, .ins8, .ins16, .ins32, .outs8, .outs16, .outs32
    [section .text]
.in8:
    in al, dx
    nop
    ret
.in16:
    in ax, dx
    nop
    ret
.in32:
    in eax, dx
    nop
    ret
.out8:
    xor eax, eax
    out dx, al
    nop
    ret
.out16:
    xor eax, eax
    out dx, ax
    nop
    ret
.out32:
    xor eax, eax
    out dx, eax
    nop
    ret
.ins8:
    insb
    nop
    ret
.ins16:
    insw
    nop
    ret
.ins32:
    insd
    nop
    ret
.outs8:
    outsb
    nop
    ret
.outs16:
    outsw
    nop
    ret
.outs32:
    outsd
    nop
    ret

one_register:
    mov eax, WATCHED
    mov edx, [number]
    cmp edx, 1
    jb .zero
    je .one
    cmp edx, 2
    je .two
    mov dr3, eax
    jmp .set
.two:
    mov dr2, eax
    jmp .set
.one:
    mov dr1, eax
    jmp .set
.zero:
    mov dr0, eax
.set:
    mov ecx, [number]
    shl ecx, 1
    mov eax, [enable]
    shl eax, cl
    shl ecx, 1
    mov edx, 0xd0000             ; write, 4 bytes
    shl edx, cl
    or eax, edx
    or eax, 0x400
    mov dword [hits], 0
    mov dword [dr6_seen], 0
    mov dr7, eax
    mov [WATCHED], eax
    nop
    mov eax, 0x400
    mov dr7, eax
    mov al, [hits]
    add al, '0'
    out DEBUG_PORT, al
    mov al, [dr6_seen]
    and al, 15
    add al, '0'
    out DEBUG_PORT, al
    ret

show_hits:
    pushad
    VAL [hits], 8
    VAL [dr6_seen], 16
    popad
    ret

count_hit:
    push eax
    inc dword [hits]
    mov eax, dr6
    and eax, 0xe00f
    or [dr6_seen], eax
    mov eax, 0xffff0ff0
    mov dr6, eax
    pop eax
    iretd
; Reports, and comes back with RF set.
resume_flag:
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
    or dword [ebp + F_EFLAGS], 0x10000
    jmp return_from_exception
show_flags:
    mov eax, [esp + 8]
    and eax, 0x7700
    VAL eax
    pushfd
    pop eax
    and eax, 0x7700
    VAL eax
    iretd
user_dr:
    mov eax, dr0

section .data
    align 4
dr7_value: dd 0
base: dd 0
kind: dd 0
place: dd 0
number: dd 0
enable: dd 0
places: dd 0
hits: dd 0
dr6_seen: dd 0
kept_esp: dd 0
image_end:
