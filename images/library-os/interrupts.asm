; Interrupts: exceptions stop the application with a message, devices come by the I/O APIC [82093AA] and the local APIC
; [SDM3 chapter 10].

LOCAL_APIC      equ 0xfee00000
APIC_EOI        equ LOCAL_APIC + 0xb0
APIC_SPURIOUS   equ LOCAL_APIC + 0xf0
APIC_ENABLE     equ 1 << 8
IO_APIC         equ 0xfec00000
IO_APIC_WINDOW  equ IO_APIC + 0x10
REDIRECTION     equ 0x10
PIC_MASTER_MASK equ 0x21
PIC_SLAVE_MASK  equ 0xa1
GATE            equ 0x8e00                  ; present, interrupt gate
EXCEPTIONS      equ 32
VECTOR_CONSOLE  equ 0x40
VECTOR_SPURIOUS equ 0xff

interrupts_start:
    xor r8d, r8d
    mov r9d, exceptions
.exception:
    mov edi, r8d
    mov esi, r9d
    call set_gate
    add r9d, EXCEPTION_SIZE
    inc r8d
    cmp r8d, EXCEPTIONS
    jb .exception
    mov edi, VECTOR_SPURIOUS
    mov esi, spurious
    call set_gate
    lidt [.register]
    mov al, 0xff                            ; the 8259 pair stays out of it
    out PIC_MASTER_MASK, al
    out PIC_SLAVE_MASK, al
    mov eax, APIC_SPURIOUS
    mov dword [rax], APIC_ENABLE | VECTOR_SPURIOUS
    ret
align 8
.register:
    dw 256 * 16 - 1
    dq interrupt_table

; EDI: vector, RSI: handler.
set_gate:
    shl edi, 4
    add edi, interrupt_table
    mov eax, esi
    mov [rdi], ax
    mov word [rdi + 2], CODE
    mov word [rdi + 4], GATE
    shr eax, 16
    mov [rdi + 6], ax
    ret

; EDI: input of the I/O APIC, ESI: vector. The interrupt goes to the first processor, by its edge.
enable_input:
    mov edx, IO_APIC
    lea eax, [edi * 2 + REDIRECTION + 1]
    mov [rdx], eax
    mov dword [rdx + IO_APIC_WINDOW - IO_APIC], 0
    dec eax
    mov [rdx], eax
    mov [rdx + IO_APIC_WINDOW - IO_APIC], esi
    ret

%macro END_OF_INTERRUPT 0
    mov eax, APIC_EOI
    mov dword [rax], 0
%endmacro

spurious:
    iretq

; One entry for each exception: those without an error code push a zero, all push their number.
EXCEPTION_SIZE  equ 16
align 16
exceptions:
%assign vector 0
%rep EXCEPTIONS
    align EXCEPTION_SIZE
  %if vector != 8 && !(vector >= 10 && vector <= 14) && vector != 17
    push 0
  %endif
    push vector
    jmp exception
  %assign vector vector + 1
%endrep

exception:
    mov rdi, .says
    call print
    pop rdi
    call print_number
    mov rdi, .at
    call print
    mov rdi, [rsp + 8]
    call print_hexadecimal
    mov rdi, new_line
    call print
    jmp halt
.says: db 'exception ', 0
.at: db ' at ', 0
