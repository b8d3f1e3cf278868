; The local APIC as systems use it: interrupts that it sends itself, by priority and past the task priority; destinations;
; NMIs; the timer's modes; what becomes of it when IA32_APIC_BASE or its own register switches it off. The I/O APIC
; with the timer behind pin 2. [SDM3 10], [82093AA]
%include "kernel64.inc"

APIC        equ WINDOW + 0x200000
IOAPIC      equ WINDOW + 0x400000
ID          equ APIC + 0x20
VERSION     equ APIC + 0x30
TPR         equ APIC + 0x80
PPR         equ APIC + 0xa0
EOI         equ APIC + 0xb0
LDR         equ APIC + 0xd0
DFR         equ APIC + 0xe0
SVR         equ APIC + 0xf0
ISR         equ APIC + 0x100
TMR         equ APIC + 0x180
IRR         equ APIC + 0x200
ICR         equ APIC + 0x300
ICR2        equ APIC + 0x310
LVT_TIMER   equ APIC + 0x320
LVT_LINT0   equ APIC + 0x350
LVT_LINT1   equ APIC + 0x360
LVT_ERROR   equ APIC + 0x370
INITIAL     equ APIC + 0x380
CURRENT     equ APIC + 0x390
DIVIDE      equ APIC + 0x3e0
SELF        equ 0x44000          ; shorthand self, fixed, asserted
NMI_MODE    equ 0x4400
PERIODIC    equ 0x20000
MASKED      equ 0x10000
APIC_BASE   equ 0x1b
FIRST       equ 0x40             ; vectors 40h to 8fh are the test's
VECTORS     equ 0x50

; A register is read as 32 bits.
%macro REGISTER 2
    push rax
    mov eax, %1
    VAL rax, %2
    pop rax
%endmacro

main:
    mov dword [PD_WINDOW + 8], 0xfee0009b
    mov dword [PD_WINDOW + 16], 0xfec0009b
    mov rax, cr3
    mov cr3, rax
    xor ebx, ebx
.gates:
    mov eax, ebx
    imul eax, eax, ENTRY_SIZE
    add eax, entries
    mov ecx, ebx
    add ecx, FIRST
    shl ecx, 4
    GATE IDT + rcx, KCS, rax, 0x8e, 0
    inc ebx
    cmp ebx, VECTORS
    jb .gates
    GATE IDT_GATE(2), KCS, nmi, 0x8e, 0
    mov ecx, APIC_BASE
    rdmsr
    mov [base], eax

    CASE "base, version"
    and eax, ~0xff
    VAL rax, 32
    mov eax, [VERSION]
    VAL rax, 32
    DONE

    CASE "local vectors after the apic was switched off and on, while software has it disabled, written then, enabled, written"
    call restart
    call show_local_vectors
    mov dword [LVT_TIMER], 0x40
    mov dword [LVT_LINT0], 0x400
    call show_local_vectors
    mov dword [SVR], 0x1ff
    call show_local_vectors
    mov dword [LVT_TIMER], 0x40
    mov dword [LVT_LINT0], 0x400
    call show_local_vectors
    mov dword [LVT_TIMER], MASKED
    mov dword [LVT_LINT0], MASKED
    DONE
    CASE "request and service, before and in the handler, after its eoi"
    mov dword [ICR], SELF + 0x44
    call show_request
    mov dword [probe], show_service
    call open_window
    call show_log
    call show_request
    mov dword [probe], 0
    DONE
    CASE "the order of 41 52 63 8f 43"
    mov esi, sent_in_a_row
    call send_list
    call open_window
    call show_log
    DONE
    CASE "sent twice"
    mov dword [ICR], SELF + 0x41
    mov dword [ICR], SELF + 0x41
    call open_window
    call show_log
    DONE
    CASE "what interrupts the handler of 52 before and after its eoi - 41 5f 50 63"
    mov dword [probe], let_others_in
    mov dword [ICR], SELF + 0x52
    call open_window
    call show_log
    mov dword [probe], 0
    DONE
    CASE "task priority 4f 50 5f 60 - 52 63 70, processor priority"
    mov esi, priorities
.priority:
    mov al, [rsi]
    test al, al
    jz .lowered
    movzx eax, al
    mov [TPR], eax
    push rsi
    mov esi, sent_past_priority
    call send_list
    call open_window
    call show_log
    REGISTER [PPR], 8
    mov rax, cr8
    VAL rax, 8
    pop rsi
    mov dword [TPR], 0
    call open_window
    call show_log
    inc rsi
    jmp .priority
.lowered:
    DONE
    CASE "cr8 0, 5, 6, f and the register"
    mov esi, eights
.eight:
    movzx eax, byte [rsi]
    mov cr8, rax
    REGISTER [TPR], 8
    REGISTER [PPR], 8
    mov dword [ICR], SELF + 0x61
    call open_window
    call show_log
    mov cr8, rax
    inc rsi
    test eax, eax
    jnz .eight
    call open_window
    call show_log
    TRY {mov eax, 0x10}, {mov cr8, rax}
    DONE
    CASE "an interrupt that priority lets in behind mov to cr8"
    mov eax, 15
    mov cr8, rax
    mov dword [ICR], SELF + 0x61
    mov dword [logged], 0
    sti
    nop
    nop
    VAL [logged], 8
    xor eax, eax
    mov cr8, rax
    cli
    call show_log
    DONE

    CASE "destinations - own number, other, all, all others, everybody, logical flat 1 2 ff, cluster 11 12 21"
    mov dword [LDR], 0x01000000
    mov ebx, 0x44
    mov esi, destinations
.destination:
    mov eax, [rsi]
    mov [ICR2], eax
    mov eax, [rsi + 4]
    add eax, ebx
    mov [ICR], eax
    call open_window
    call show_log
    add rsi, 8
    inc ebx
    cmp ebx, 0x4c
    jne .flat
    mov dword [DFR], 0x0fffffff
    mov dword [LDR], 0x11000000
.flat:
    cmp rsi, destinations_end
    jb .destination
    mov dword [DFR], 0xffffffff
    mov dword [ICR2], 0
    DONE
    CASE "what registers keep of ffffffff - tpr ldr dfr spurious timer lint0 error divide"
    mov esi, kept
.keep:
    lodsd
    test eax, eax
    jz .kept
    mov edi, eax
    add rdi, APIC
    mov ebx, [rdi]
    mov dword [rdi], 0xffffffff
    REGISTER [rdi], 32
    mov [rdi], ebx
    jmp .keep
.kept:
    DONE

    CASE "nmi to itself, interrupts off"
    mov dword [nmis], 0
    mov dword [ICR], NMI_MODE
    call settle
    VAL [nmis], 8
    DONE
    CASE "three more from its handler are one, after iret"
    mov dword [nmis], 0
    mov dword [probe], more_nmis
    mov dword [ICR], NMI_MODE
    call settle
    VAL [nmis], 8
    VAL [nmis_within], 8
    mov dword [probe], 0
    DONE
    CASE "nmi past the task priority"
    mov dword [nmis], 0
    mov dword [TPR], 0xff
    mov dword [ICR], NMI_MODE
    call settle
    VAL [nmis], 8
    mov dword [TPR], 0
    DONE

    mov dword [DIVIDE], 0xb
    CASE "one-shot, masked - runs, ends at 0"
    mov dword [LVT_TIMER], MASKED + 0x45
    mov dword [INITIAL], 2000000
    call runs
    call wait_end
    REGISTER [CURRENT], 32
    REGISTER [INITIAL], 32
    call open_window
    call show_log
    DONE
    CASE "one-shot, an interrupt, one only, not before its time"
    mov dword [LVT_TIMER], 0x45
    rdtsc
    mov ebx, eax
    mov dword [INITIAL], 200000
    mov dword [logged], 0
    sti
.shot:
    pause
    cmp dword [logged], 0
    je .shot
    rdtsc
    sub eax, ebx
    cmp eax, 200000
    setae al
    VAL rax, 8
    call pass
    cli
    call show_log
    REGISTER [CURRENT], 32
    DONE
    CASE "one-shot again to periodic - goes on, then from the start"
    mov dword [LVT_TIMER], MASKED + 0x45
    mov dword [INITIAL], 0x4000000
    call wait_half
    mov dword [LVT_TIMER], MASKED + PERIODIC + 0x45
    mov eax, [CURRENT]
    cmp eax, 0x2000001
    setb al
    VAL rax, 8
.turn:
    call breathe
    cmp dword [CURRENT], 0x2000000
    jbe .turn
    NOTE "again"
    call wait_half
    mov dword [LVT_TIMER], MASKED + 0x45
    mov eax, [CURRENT]
    cmp eax, 0x2000001
    setb al
    VAL rax, 8
    call wait_end
    REGISTER [CURRENT], 32
    DONE
    CASE "at 0 periodic stays there"
    mov dword [LVT_TIMER], MASKED + PERIODIC + 0x45
    call pass
    REGISTER [CURRENT], 32
    DONE
    CASE "periodic, four interrupts, 0 stops it"
    mov dword [LVT_TIMER], PERIODIC + 0x46
    mov dword [logged], 0
    mov dword [INITIAL], 100000
    sti
.four:
    pause
    cmp dword [logged], 4
    jb .four
    mov dword [INITIAL], 0
    cli
    mov dword [logged], 0
    call pass
    call open_window
    VAL [logged], 8
    REGISTER [CURRENT], 32
    DONE
    CASE "divided by 2 4 8 16 32 64 128 1 it takes that much longer, not shorter, not 16 times as long"
    mov dword [LVT_TIMER], MASKED + 0x45
    FOR round, 8
    mov ecx, [round]
    mov eax, ecx
    and eax, 3
    and ecx, 4
    lea eax, [rax + rcx * 2]
    mov [DIVIDE], eax
    mov ecx, [round]
    inc ecx
    and ecx, 7
    mov ebx, 0x1000000
    shr ebx, cl
    rdtscp
    mov edi, eax
    mov [INITIAL], ebx
    call wait_end
    rdtscp
    sub eax, edi
    cmp eax, 0x1000000
    setae cl
    cmp eax, 0x10000000
    setb al
    add al, cl
    VAL rax, 8
    NEXT
    mov dword [DIVIDE], 0xb
    DONE

    CASE "enabled by software no more - pending stays, masks return, vectors do not come"
    mov dword [LVT_TIMER], 0x45
    mov dword [SVR], 0xff
    call show_local_vectors
    mov dword [INITIAL], 1000
    call pass
    call open_window
    call show_log
    mov dword [SVR], 0x1ff
    mov dword [LVT_TIMER], MASKED
    call open_window
    call show_log
    DONE
    CASE "switched off - cpuid, the page, cr8 - and on"
    mov dword [TPR], 0x30
    mov ecx, APIC_BASE
    mov eax, [base]
    and eax, ~0x800
    xor edx, edx
    wrmsr
    call show_cpuid_bit
    REGISTER [VERSION], 32
    REGISTER [TPR], 32
    mov eax, 7
    mov cr8, rax
    mov rax, cr8
    VAL rax, 8
    mov ecx, APIC_BASE
    mov eax, [base]
    xor edx, edx
    wrmsr
    call show_cpuid_bit
    REGISTER [VERSION], 32
    REGISTER [SVR], 32
    mov dword [TPR], 0
    DONE
    CASE "bits of ia32_apic_base that are reserved - 0 1 9, 52"
    say " "
    mov esi, reserved
.reserved:
    lodsb
    cmp al, 64
    je .checked
    movzx ebx, al
    mov eax, [base]
    xor edx, edx
    bts rax, rbx
    mov rdx, rax
    shr rdx, 32
    mov ecx, APIC_BASE
    mov dword [terse], 1
    TRY wrmsr
    mov dword [terse], 0
    jmp .reserved
.checked:
    DONE

    mov dword [SVR], 0x1ff
    CASE "timer 0 by pin 2 of the i/o apic, masked, not, by an edge once"
    mov edi, 2
    mov eax, MASKED + 0x71
    call redirect
    call fire_pit
    call open_window
    call show_log
    mov eax, 0x71
    call redirect
    call open_window
    call show_log
    call fire_pit
    call open_window
    call show_log
    call open_window
    call show_log
    mov eax, MASKED
    call redirect
    DONE
    CASE "what its entries keep of ffffffff, its version's count of them"
    mov edi, 5
    mov eax, 0xffffffff
    call redirect
    mov dword [IOAPIC], 0x1a
    REGISTER [IOAPIC + 0x10], 32
    mov eax, MASKED
    call redirect
    mov dword [IOAPIC], 1
    mov eax, [IOAPIC + 0x10]
    shr eax, 16
    VAL rax, 8
    DONE
    ret

; Switches the APIC off and on, which makes it what it is after a reset.
restart:
    mov ecx, APIC_BASE
    mov eax, [base]
    and eax, ~0x800
    xor edx, edx
    wrmsr
    or eax, 0x800
    wrmsr
    ret

show_local_vectors:
    REGISTER [LVT_TIMER], 32
    REGISTER [LVT_LINT0], 32
    REGISTER [LVT_ERROR], 32
    NOTE "."
    ret

show_cpuid_bit:
    mov eax, 1
    cpuid
    shr edx, 9
    and edx, 1
    VAL rdx, 8
    ret

; Vectors 40h to 5fh of the request and service registers.
show_request:
    REGISTER [IRR + 0x20], 32
    REGISTER [ISR + 0x20], 32
    ret
show_service:
    call show_request
    REGISTER [PPR], 8
    ret

let_others_in:
    mov dword [probe], 0
    mov dword [ICR], SELF + 0x41
    mov dword [ICR], SELF + 0x5f
    mov dword [ICR], SELF + 0x50
    mov dword [ICR], SELF + 0x63
    sti
    nop
    nop
    cli
    NOTE "within"
    call show_log
    ret

more_nmis:
    mov dword [ICR], NMI_MODE
    mov dword [ICR], NMI_MODE
    mov dword [ICR], NMI_MODE
    mov dword [probe], 0
    call settle
    mov eax, [nmis]
    mov [nmis_within], eax
    ret

send_list:                       ; RSI: vectors, a zero
    xor eax, eax
    lodsb
    test al, al
    jz .end
    or eax, SELF
    mov [ICR], eax
    jmp send_list
.end:
    ret

open_window:
    sti
    nop
    nop
    cli
    ret

; The vectors that came since the last time.
show_log:
    push rcx
    xor ecx, ecx
.each:
    cmp ecx, [logged]
    jae .end
    VAL [log + rcx], 8
    inc ecx
    jmp .each
.end:
    mov dword [logged], 0
    NOTE "."
    pop rcx
    ret

settle:                          ; QEMU takes events where its blocks end
    ret

; About 2 ms, and a hundredth of that between two looks at the timer: reading it costs more than the time-stamp counter.
pass:
    push rcx
    mov ecx, 2000000
    jmp idle
breathe:
    push rcx
    mov ecx, 20000
idle:
    push rbx
    rdtsc
    mov ebx, eax
.more:
    rdtsc
    sub eax, ebx
    cmp eax, ecx
    jb .more
    pop rbx
    pop rcx
    ret

runs:
    mov eax, [CURRENT]
    mov ebx, eax
.still:
    pause
    cmp [CURRENT], ebx
    je .still
    NOTE "runs"
    ret
wait_half:
    call breathe
    cmp dword [CURRENT], 0x2000000
    ja wait_half
    ret
wait_end:
    call breathe
    cmp dword [CURRENT], 0
    jne wait_end
    ret

; Pin EDI of the I/O APIC gets the entry EAX, for this processor.
redirect:
    push rcx
    lea ecx, [rdi + rdi + 0x11]
    mov [IOAPIC], ecx
    mov dword [IOAPIC + 0x10], 0
    dec ecx
    mov [IOAPIC], ecx
    mov [IOAPIC + 0x10], eax
    pop rcx
    ret

; Counter 0 of the 8254 in mode 0: its output rises after 40h ticks, 54 us; some time for it to arrive.
fire_pit:
    mov al, 0x30
    out 0x43, al
    mov al, 0x40
    out 0x40, al
    mov al, 0
    out 0x40, al
.low:
    mov al, 0xe2
    out 0x43, al
    in al, 0x40
    test al, 0x80
    jz .low
    jmp pass

nmi:
    inc dword [nmis]
    cmp dword [probe], 0
    je .end
    push rax
    mov eax, [probe]
    call rax
    pop rax
.end:
    iretq

ENTRY_SIZE equ 16
    align 16
entries:
%assign vector FIRST
%rep VECTORS
    push qword vector
    jmp near interrupt
    align ENTRY_SIZE
    %assign vector vector + 1
%endrep

interrupt:
    SAVE_REGISTERS
    mov eax, [rsp + F_VECTOR]
    mov ecx, [logged]
    mov [log + rcx], al
    inc dword [logged]
    cmp dword [probe], 0
    je .quiet
    mov eax, [probe]
    call rax
.quiet:
    mov dword [EOI], 0
    RESTORE_REGISTERS
    add rsp, 8
    iretq

section .data
sent_in_a_row: db 0x41, 0x52, 0x63, 0x8f, 0x43, 0
sent_past_priority: db 0x52, 0x63, 0x70, 0
priorities: db 0x4f, 0x50, 0x5f, 0x60, 0
eights: db 5, 6, 15, 0
reserved: db 0, 1, 9, 52, 64
    align 4
destinations:                    ; high and low half of the command
    dd 0, 0x4000, 0x05000000, 0x4000, 0, 0x84000, 0, 0xc4000, 0xff000000, 0x4000
    dd 0x01000000, 0x4800, 0x02000000, 0x4800, 0xff000000, 0x4800
    dd 0x11000000, 0x4800, 0x12000000, 0x4800, 0x21000000, 0x4800
destinations_end:
kept: dd 0x80, 0xd0, 0xe0, 0xf0, 0x320, 0x350, 0x370, 0x3e0, 0
base: dd 0
probe: dd 0                      ; what a handler calls
nmis: dd 0
nmis_within: dd 0
logged: dd 0
round: dd 0
log: times 256 db 0
image_end:
