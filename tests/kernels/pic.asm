; The interrupt controllers and how the processor takes interrupts: initialisation, masks, priorities, end of interrupt in
; its forms, special mask mode, rotation, polling, spurious interrupts, the shadows of STI and MOV SS, and HLT.
; [8259A], [SDM3 6.8]
%include "kernel.inc"

%macro OUT8 2
    mov al, %2
    out %1, al
%endmacro
%macro IRR 0
    OUT8 0x20, 0x0a
    in al, 0x20
    VAL eax, 8
%endmacro
%macro ISR 0
    OUT8 0x20, 0x0b
    in al, 0x20
    VAL eax, 8
%endmacro
; IRQ 0 by the timer: one shot of a few microseconds in mode 0, awaited with interrupts off.
%macro TICK 0
    call tick
%endmacro

main:
    mov dword [interrupt_hook], irq
    xor eax, eax
    CASE "masks read back after initialisation"
    call init
    in al, 0x21
    VAL eax, 8
    OUT8 0x21, 0xfe
    in al, 0x21
    VAL eax, 8
    OUT8 0xa1, 0xef
    in al, 0xa1
    VAL eax, 8
    DONE
    CASE "request, service and end"
    call init
    OUT8 0x21, 0xfe
    TICK
    IRR
    ISR
    sti
    nop
    cli
    IRR
    ISR
    OUT8 0x20, 0x20
    ISR
    DONE
    CASE "a masked request waits"
    call init
    TICK
    sti
    nop
    nop
    cli
    NOTE "masked"
    OUT8 0x21, 0xfe
    sti
    nop
    cli
    OUT8 0x20, 0x20
    DONE
    CASE "in service blocks equal and lower requests"
    call init
    OUT8 0x21, 0xfe
    TICK
    sti
    nop
    cli
    TICK
    sti
    nop
    nop
    cli
    NOTE "blocked"
    IRR
    OUT8 0x20, 0x20
    sti
    nop
    cli
    OUT8 0x20, 0x20
    DONE
    CASE "specific end of interrupt of another level"
    call init
    OUT8 0x21, 0xfe
    TICK
    sti
    nop
    cli
    OUT8 0x20, 0x61
    ISR
    OUT8 0x20, 0x60
    ISR
    DONE
    CASE "automatic end of interrupt"
    call init
    OUT8 0x20, 0x11
    OUT8 0x21, 0x20
    OUT8 0x21, 4
    OUT8 0x21, 3
    OUT8 0x21, 0xfe
    TICK
    sti
    nop
    cli
    ISR
    DONE
    CASE "vectors start where icw2 says"
    call init
    OUT8 0x20, 0x11
    OUT8 0x21, 0x28
    OUT8 0x21, 4
    OUT8 0x21, 1
    OUT8 0x21, 0xfe
    TICK
    sti
    nop
    cli
    OUT8 0x20, 0x20
    DONE
    CASE "slave by the clock's interrupt, both in service"
    call init
    OUT8 0x21, 0xfb
    OUT8 0xa1, 0xfe
    call rtc_tick
    sti
    nop
    cli
    ISR
    OUT8 0xa0, 0x0b
    in al, 0xa0
    VAL eax, 8
    OUT8 0xa0, 0x20
    OUT8 0x20, 0x20
    ISR
    call rtc_off
    DONE
    CASE "priority of two that wait"
    call init
    OUT8 0x21, 0xfa
    OUT8 0xa1, 0xfe
    call rtc_tick
    TICK
    mov dword [ends], 1
    sti
    nop
    nop
    cli
    mov dword [ends], 0
    call rtc_off
    DONE
    CASE "rotated priority puts irq 0 last"
    call init
    OUT8 0x20, 0xc0
    OUT8 0x21, 0xfa
    OUT8 0xa1, 0xfe
    call rtc_tick
    TICK
    mov dword [ends], 1
    sti
    nop
    nop
    cli
    mov dword [ends], 0
    call rtc_off
    OUT8 0x20, 0xc7
    DONE
    CASE "special mask mode lets lower ones through"
    call init
    OUT8 0x21, 0xfa
    OUT8 0xa1, 0xfe
    TICK
    sti
    nop
    cli
    call rtc_tick
    sti
    nop
    cli
    NOTE "blocked"
    OUT8 0x20, 0x68
    OUT8 0x21, 0xfb
    sti
    nop
    cli
    OUT8 0x20, 0x48
    OUT8 0xa0, 0x20
    OUT8 0x20, 0x62
    OUT8 0x20, 0x60
    ISR
    call rtc_off
    DONE
    CASE "poll takes the request"
    call init
    OUT8 0x21, 0xfe
    TICK
    OUT8 0x20, 0x0c
    in al, 0x20
    VAL eax, 8
    ISR
    OUT8 0x20, 0x20
    OUT8 0x20, 0x0c
    in al, 0x20
    VAL eax, 8
    DONE
    CASE "sti delays by one instruction"
    call init
    OUT8 0x21, 0xfe
    TICK
    EXPECT .here
    sti
    inc ecx
    inc ecx
.here:
    cli
    OUT8 0x20, 0x20
    DONE
    CASE "sti then cli takes nothing"
    call init
    OUT8 0x21, 0xfe
    TICK
    sti
    cli
    NOTE "none"
    mov eax, ss
    EXPECT .shadow
    sti
    mov ss, ax
    nop
    nop
.shadow:
    cli
    OUT8 0x20, 0x20
    DONE
    CASE "mov ss delays by one instruction"
    call init
    TICK
    mov eax, ss
    mov dl, 0xfe
    push dword 0x202
    EXPECT .ss
    popfd
    mov ss, ax
    nop
    nop
.ss:
    cli
    NOTE "masked"
    DONE
    CASE "popf takes at once"
    OUT8 0x21, 0xfe
    push dword 0x202
    EXPECT .popf
    popfd
    nop
    nop
.popf:
    cli
    OUT8 0x20, 0x20
    DONE
    CASE "sti and hlt wake behind the hlt"
    call init
    OUT8 0x21, 0xfe
    call arm
    EXPECT .halt
    sti
    hlt
    nop
.halt:
    cli
    OUT8 0x20, 0x20
    DONE
    CASE "interrupt of rep movsb saves rf and goes on"
    call init
    OUT8 0x21, 0xfe
    mov dword [ends], 1
    mov esi, 0x100000
    mov edi, 0x400000
    mov ecx, 0x200000
    call arm
    EXPECT .rep
    sti
    rep movsb
.rep:
    cli
    VAL ecx
    mov dword [ends], 0
    DONE
    call init
    ret

init:
    OUT8 0x20, 0x11
    OUT8 0xa0, 0x11
    OUT8 0x21, 0x20
    OUT8 0xa1, 0x28
    OUT8 0x21, 4
    OUT8 0xa1, 2
    OUT8 0x21, 1
    OUT8 0xa1, 1
    OUT8 0x21, 0xff
    OUT8 0xa1, 0xff
    OUT8 0x20, 0x20
    OUT8 0xa0, 0x20
    OUT8 0x43, 0x30              ; output of counter 0 low
    ret

arm:                             ; IRQ 0 rises in 100 us
    OUT8 0x43, 0x30
    OUT8 0x40, 119
    OUT8 0x40, 0
    ret
tick:
    call arm
.wait:
    OUT8 0x20, 0x0a
    in al, 0x20
    test al, 1
    jz .wait
    xor eax, eax
    ret
rtc_tick:                        ; IRQ 8 by the periodic interrupt, 8192 Hz
    OUT8 0x70, 0x0c
    in al, 0x71
    OUT8 0x70, 0x0a
    OUT8 0x71, 0x23
    OUT8 0x70, 0x0b
    OUT8 0x71, 0x42
.wait:
    OUT8 0xa0, 0x0a
    in al, 0xa0
    test al, 1
    jz .wait
    xor eax, eax
    ret
rtc_off:
    OUT8 0x70, 0x0b
    OUT8 0x71, 0x02
    OUT8 0x70, 0x0c
    in al, 0x71
    xor eax, eax
    ret

; Says which vector came, and where from; ends it when asked to.
irq:
    push eax
    mov eax, [ebp + F_VECTOR]
    NOTE "irq"
    VAL eax, 8
    mov eax, [ebp + F_EIP]
    sub eax, [probe_base]
    cmp eax, 0x20
    jae .elsewhere
    say " at +"
    call put8
.elsewhere:
    test dword [ebp + F_EFLAGS], 0x10000
    jz .no_rf
    NOTE "rf"
.no_rf:
    cmp dword [ends], 0
    je .end
    cmp dword [ebp + F_VECTOR], 0x28
    jb .master
    OUT8 0xa0, 0x20
    call rtc_off
.master:
    OUT8 0x20, 0x20
.end:
    pop eax
    ret

section .data
ends: dd 0
image_end:
