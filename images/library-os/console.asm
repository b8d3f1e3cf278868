; The console: the first 16550. Output waits for the transmitter, input comes by interrupt into a ring.

COM1            equ 0x3f8
COM1_INPUT      equ 4                       ; of the I/O APIC
UART_IER        equ COM1 + 1
UART_FCR        equ COM1 + 2
UART_LCR        equ COM1 + 3
UART_MCR        equ COM1 + 4
UART_LSR        equ COM1 + 5
LCR_DLAB        equ 0x80
LCR_8N1         equ 3
FCR_ENABLE      equ 7                       ; FIFOs on, cleared
MCR_READY       equ 0x0b                    ; DTR, RTS, OUT2: interrupts pass
LSR_DATA        equ 0x01
LSR_THRE        equ 0x20
INPUT_SIZE      equ 4096

%macro OUT8 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro

console_start:
    OUT8 UART_LCR, LCR_DLAB | LCR_8N1
    OUT8 COM1, 1                            ; 115200 baud
    OUT8 UART_IER, 0
    OUT8 UART_LCR, LCR_8N1
    OUT8 UART_FCR, FCR_ENABLE
    OUT8 UART_MCR, MCR_READY
    mov edi, VECTOR_CONSOLE
    mov esi, console_interrupt
    call set_gate
    mov edi, COM1_INPUT
    mov esi, VECTOR_CONSOLE
    call enable_input
    OUT8 UART_IER, 1                        ; received data
    sti
    ret

console_interrupt:
    push rax
    push rcx
    push rdx
.next:
    mov dx, UART_LSR
    in al, dx
    test al, LSR_DATA
    jz .done
    mov dx, COM1
    in al, dx
    mov ecx, [input_head]
    lea edx, [ecx + 1]
    and edx, INPUT_SIZE - 1
    cmp edx, [input_tail]
    je .next                                ; the ring is full: it is lost
    mov [input_ring + rcx], al
    mov [input_head], edx
    jmp .next
.done:
    END_OF_INTERRUPT
    pop rdx
    pop rcx
    pop rax
    iretq

; Waits for a byte, asleep; gives it in AL.
read_byte:
    cli
    mov ecx, [input_tail]
    cmp ecx, [input_head]
    jne .take
    sti
    hlt
    jmp read_byte
.take:
    mov al, [input_ring + rcx]
    inc ecx
    and ecx, INPUT_SIZE - 1
    mov [input_tail], ecx
    sti
    ret

; AL: byte.
write_byte:
    mov ecx, eax
    mov dx, UART_LSR
.wait:
    in al, dx
    test al, LSR_THRE
    jz .wait
    mov eax, ecx
    mov dx, COM1
    out dx, al
    ret

; RDI: text, ended by a zero.
print:
    mov al, [rdi]
    test al, al
    jz .done
    call write_byte
    inc rdi
    jmp print
.done:
    ret
