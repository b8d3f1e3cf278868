; Privilege, swept: from every level to every level by jumps, calls, gates, interrupts and returns, loads of segments,
; what IOPL guards and what only level 0 may do, stacks of inner levels with parameters. [SDM3 5.5 to 5.9, 6.12.1]
; A result is the level reached, or the letter of an exception with the hexadecimal digits of its error code and
; a comma.
%include "kernel.inc"
%include "levels.inc"

TARGET      equ SLOT(0)          ; what a jump, a gate or a load names
GATE0       equ SLOT(1)
CODE16      equ SLOT(2)          ; 16 bits, base BASE
LOW_COPY    equ 0x7000
PRIVILEGED  equ 26               ; instructions of the table at the end

%macro EACH_LEVEL 2+             ; label of what a line has, its name
    FOR level, 4
    call line_name
    CASE %2
    call %1
    DONE
    NEXT
%endmacro

main:
    call make_levels
    mov dword [terse], 1
    mov byte [conforming], 0
    call all_transfers
    mov byte [conforming], 4
    call all_transfers
    mov byte [conforming], 0
    EACH_LEVEL data_loads, "loads of data segments, ss last: dpl, rpl"
    EACH_LEVEL iopl_guards, "cli, sti, in, ins, popf, by iopl"
    EACH_LEVEL privileged, "instructions of level 0"
    call frames
    ret

line_name:
    cmp byte [conforming], 0
    je .plain
    say "conforming, "
.plain:
    say "from level "
    mov eax, [level]
    add al, '0'
    out DEBUG_PORT, al
    say ", "
    ret

all_transfers:
    EACH_LEVEL jumps, "jumps to dpl, rpl"
    EACH_LEVEL calls, "calls to dpl, rpl"
    EACH_LEVEL gate_calls, "call gates, dpl of the gate and of its target"
    EACH_LEVEL gate_jumps, "jumps through gates, dpl of the gate and of its target"
    EACH_LEVEL gate_rpls, "call gates to level 0, rpl and dpl of the gate"
    EACH_LEVEL interrupts, "interrupt gates, dpl of the gate and of its target"
    EACH_LEVEL far_returns, "retf to dpl, rpl"
    EACH_LEVEL interrupt_returns, "iret to dpl, rpl"
    ret

; Code of level [outer] in the slot TARGET.
target_code:
    mov edx, TARGET
    mov eax, [outer]
    shl eax, 5
    or al, 0x9a
    or al, [conforming]
    jmp set_flat

%macro SQUARE 1                  ; for all pairs of outer and inner counters
    FOR outer, 4
    say " "
    FOR inner, 4
    mov dword [line_items], 1
    call %1
    NEXT
    NEXT
    ret
%endmacro

jumps:
    mov dword [action], .code
    jmp direct
.code:
    jmp far [far_target]
calls:
    mov dword [action], .code
    jmp direct
.code:
    call far [far_target]
direct:
    SQUARE .one
.one:
    call target_code
    mov eax, [inner]
    add eax, TARGET
run_far:                         ; EAX: selector
    mov [far_target + 4], ax
    mov dword [far_target], landed
run_action:
    mov eax, [level]
    mov edx, [action]
    mov ecx, 2
    jmp run_at
landed:
    int 0x30

gate_calls:
    mov dword [action], calls.code
    jmp gates
gate_jumps:
    mov dword [action], jumps.code
gates:
    SQUARE .one
.one:                            ; outer: DPL of the target; inner: of the gate
    call target_code
    GATE GDT_GATE(GATE0), TARGET, landed, 0x8c, 0
    mov eax, [inner]
    shl eax, 5
    or [gdt + GATE0 + 5], al
    mov eax, GATE0
    jmp run_far
gate_rpls:
    mov dword [action], calls.code
    SQUARE .one
.one:                            ; outer: DPL of the gate; inner: RPL
    mov edx, TARGET
    mov eax, 0x9a
    or al, [conforming]
    call set_flat
    GATE GDT_GATE(GATE0), TARGET, landed, 0x8c, 0
    mov eax, [outer]
    shl eax, 5
    or [gdt + GATE0 + 5], al
    mov eax, [inner]
    add eax, GATE0
    jmp run_far
interrupts:
    mov dword [action], .code
    SQUARE .one
.code:
    int 0x2f
.one:                            ; outer: DPL of the target; inner: of the gate
    call target_code
    GATE IDT_GATE(0x2f), TARGET, landed, 0x8e, 0
    mov eax, [inner]
    shl eax, 5
    or [IDT_GATE(0x2f) + 5], al
    jmp run_action

far_returns:
    mov dword [action], .code
    jmp returns
.code:
    push dword [return_ss]
    push dword USTACK
    push dword [far_target + 4]
    push dword landed
    retf
interrupt_returns:
    mov dword [action], .code
    jmp returns
.code:
    push dword [return_ss]
    push dword USTACK
    push dword 2
    push dword [far_target + 4]
    push dword landed
    iretd
returns:
    SQUARE .one
.one:
    call target_code
    mov eax, [inner]             ; the stack is that of the level returned to
    shl eax, 4
    or eax, [inner]
    add eax, RDS0
    mov [return_ss], eax
    mov eax, [inner]
    add eax, TARGET
    mov [far_target + 4], eax
    jmp run_action

; FS with data, with readable and with conforming code, with code that cannot be read; SS with data.
data_loads:
    mov dword [action], load_fs
    mov byte [kind], 0x92
    call .square
    mov byte [kind], 0x9a
    call .square
    mov byte [kind], 0x9e
    call .square
    mov byte [kind], 0x98
    call .square
    mov dword [action], load_ss
    mov byte [kind], 0x92
.square:
    say " /"
    SQUARE .one
.one:
    mov edx, TARGET
    mov eax, [outer]
    shl eax, 5
    or al, [kind]
    call set_flat
    mov eax, [inner]
    add eax, TARGET
    mov [far_target + 4], eax
    jmp run_action
load_fs:
    mov fs, [far_target + 4]
    int 0x30
load_ss:
    mov ss, [far_target + 4]
    int 0x30

iopl_guards:
    FOR outer, 4
    say " "
    FOR inner, 7
    mov dword [line_items], 1
    mov eax, [inner]
    mov edx, [.codes + eax * 4]
    mov ecx, [outer]
    shl ecx, 12
    or ecx, 2
    mov eax, [level]
    call run_at
    NEXT
    mov eax, [seen_flags]        ; what POPF with all of IF and IOPL left
    shr eax, 8
    and eax, 0xf2
    call put8
    NEXT
    ret
.cli:
    cli
    int 0x30
.sti:
    sti
    cli
    int 0x30
.in:
    in al, 0x80
    int 0x30
.out:
    out 0x80, ax
    int 0x30
.ins:
    mov edi, DATA
    mov edx, 0x80
    insb
    int 0x30
.outs:
    mov esi, DATA
    mov edx, 0x80
    mov ecx, 2
    rep outsb
    int 0x30
.popf:
    push dword 0x7202            ; IF, IOPL 3, NT
    popfd
    pushfd
    pop dword [seen_flags]
    push dword 2
    popfd
    int 0x30
    [section .data]
.codes: dd .cli, .sti, .in, .out, .ins, .outs, .popf
    [section .text]

privileged:
    say " "
    FOR outer, PRIVILEGED
    mov dword [line_items], 1
    mov eax, [outer]
    mov edx, [privileged_list + eax * 4]
    mov eax, [level]
    mov ecx, 2
    call run_at
    NEXT
    ret
p_clts:
    clts
    int 0x30
p_lgdt:
    lgdt [gdt_pointer]
    int 0x30
p_lidt:
    lidt [idt_pointer]
    int 0x30
p_lldt:
    xor eax, eax
    lldt ax
    int 0x30
p_ltr:
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov eax, TSS_SEL
    ltr ax
    int 0x30
p_lmsw:
    mov eax, 0x31
    lmsw ax
    int 0x30
p_from_cr0:
    mov eax, cr0
    int 0x30
p_to_cr0:
    mov eax, 0x31
    mov cr0, eax
    int 0x30
p_to_cr3:
    xor eax, eax
    mov cr3, eax
    int 0x30
p_from_cr4:
    mov eax, cr4
    int 0x30
p_from_dr:
    mov eax, dr0
    int 0x30
p_to_dr:
    xor eax, eax
    mov dr0, eax
    int 0x30
p_rdmsr:
    mov ecx, 0x174
    rdmsr
    int 0x30
p_wrmsr:
    mov ecx, 0x174
    xor eax, eax
    xor edx, edx
    wrmsr
    int 0x30
p_invd:
    invd
    int 0x30
p_wbinvd:
    wbinvd
    int 0x30
p_invlpg:
    invlpg [DATA]
    int 0x30
p_sysexit:
    mov ecx, USTACK
    mov edx, .there
    sysexit
.there:
    int 0x30
; For all levels.
p_rdtsc:
    rdtsc
    int 0x30
p_sgdt:
    sgdt [DATA]
    int 0x30
p_sidt:
    sidt [DATA]
    int 0x30
p_sldt:
    sldt ax
    int 0x30
p_str:
    str ax
    int 0x30
p_smsw:
    smsw eax
    int 0x30
p_cpuid:
    xor eax, eax
    cpuid
    int 0x30
p_sysenter:
    sysenter
    int 0x30

%macro CALL_GATES 3
    mov dword [level], %1
    mov edx, CODE16
    mov eax, 0x9a | ((%2) << 5)
    call set_flat
%if (%3) == 0xe4                 ; its offset has 16 bits
    mov dword [gdt + CODE16], DESC_LOW(BASE, 0xffff)
    mov dword [gdt + CODE16 + 4], DESC_HIGH(BASE, 0xffff, 0x4092 | 8 | ((%2) << 5))
%endif
    FOR outer, 4
    mov eax, [outer]
    movzx eax, byte [.counts%1%2%3 + eax]
    mov [parameters], eax
%if (%3) == 0xe4
    GATE GDT_GATE(GATE0), CODE16, inside - BASE, %3, 0
    mov dword [return_code], return16
%else
    GATE GDT_GATE(GATE0), CODE16, inside, %3, 0
    mov dword [return_code], return32
%endif
    mov al, [parameters]
    mov [gdt + GATE0 + 4], al
    mov esi, pusher              ; below 64 KiB, where a 16-bit gate comes back to
    mov edi, LOW_COPY
    mov ecx, inside - pusher
    rep movsb
    mov eax, [level]
    mov edx, LOW_COPY
    mov ecx, 2
    call run_at
    VAL [inside_cs], 16
    VAL [inside_esp]
    VAL [inside_sum]
    VAL [outside_esp]
    NEXT
    [section .data]
.counts%1%2%3: db 0, 1, 5, 31
    [section .text]
%endmacro

; Calls from outer to inner levels through gates of both sizes with parameters: level and stack pointer inside, a sum over
; the inner stack, and the stack pointer behind a return that drops the parameters.
frames:
    mov dword [terse], 0
    DESCRIPTOR CODE16, BASE, 0xffff, 0x009a
%assign from 1
%rep 3
%assign to 0
%rep from
    %defstr from_name from
    %defstr to_name to
    CASE "32-bit gates from level ", from_name, " to ", to_name, ", 0, 1, 5 and 31 parameters"
    CALL_GATES from, to, 0xec
    DONE
    CASE "16-bit gates from level ", from_name, " to ", to_name, ", 0, 1, 5 and 31 parameters"
    CALL_GATES from, to, 0xe4
    DONE
%assign to to + 1
%endrep
%assign from from + 1
%endrep
    ret

pusher:
    mov ecx, 40
.next:
    imul eax, ecx, 0x01020305
    push eax
    loop .next
    call GATE0:0
    mov [outside_esp], esp
    int 0x30
; Inside: absolute addresses, since CS may have BASE as its base.
inside:
    mov eax, UDS
    mov ds, ax
    mov [inside_cs], cs
    mov [inside_esp], esp
    mov esi, esp
    add esi, 0x7f
    and esi, ~0x7f               ; the inner stacks begin at multiples of 80h
    mov ecx, [parameters]
    cmp ecx, 31
    jb .short
    add esi, 0x7f
    and esi, ~0x7f
.short:
    mov edi, esp
    xor eax, eax
.sum:
    rol eax, 3
    add ax, [ss:edi]
    add edi, 2
    cmp edi, esi
    jb .sum
    mov [inside_sum], eax
    cmp dword [return_code], return16
    je return16
return32:
    mov eax, [parameters]
    shl eax, 2
    pop edx
    pop ecx
    lea esp, [esp + eax]         ; RETF n with n known only now
    push ecx
    push edx
    retf
return16:
    mov eax, [parameters]
    shl eax, 1
    pop dx
    pop cx
    lea esp, [esp + eax]
    push cx
    push dx
    o16 retf

section .data
    align 4
level: dd 0
outer: dd 0
inner: dd 0
action: dd 0
far_target: dd 0, 0
return_ss: dd 0
seen_flags: dd 0
parameters: dd 0
inside_cs: dd 0
inside_esp: dd 0
inside_sum: dd 0
outside_esp: dd 0
return_code: dd 0
conforming: db 0
kind: db 0
    align 4
privileged_list:
    dd p_clts, p_lgdt, p_lidt, p_lldt, p_ltr, p_lmsw, p_from_cr0, p_to_cr0, p_to_cr3, p_from_cr4, p_from_dr, p_to_dr
    dd p_rdmsr, p_wrmsr, p_invd, p_wbinvd, p_invlpg, p_sysexit
    dd p_rdtsc, p_sgdt, p_sidt, p_sldt, p_str, p_smsw, p_cpuid, p_sysenter
    %if $ - privileged_list != PRIVILEGED * 4
    %error "PRIVILEGED is not the number of instructions"
    %endif
image_end:
