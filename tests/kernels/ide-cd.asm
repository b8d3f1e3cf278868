; An ATAPI CD-ROM as drivers see it: signature, IDENTIFY PACKET DEVICE, the packet protocol with byte counts and interrupt
; reasons, sense data, DMA, resets, interrupts. The disc has 64 sectors, each filled with its number. [ATA6 9.8], [MMC4]
%include "kernel.inc"
IDE_BASE    equ 0x170
IDE_CONTROL equ 0x376
IDE_IRQ     equ 15
BUS_MASTER  equ 0xc048
%include "ide.inc"

; Sends a packet: byte count limit, features, the packet's twelve bytes.
%macro PACKET 3+
    OUT8 IDE_BASE + 6, 0xa0
    OUT8 IDE_BASE + 1, %2
    OUT8 IDE_BASE + 4, (%1) & 0xff
    OUT8 IDE_BASE + 5, (%1) >> 8
    COMMAND 0xa0
    mov esi, %%packet
    call send_packet
    [section .data]
%%packet: db %3
    times 12 - ($ - %%packet) db 0
    [section .text]
%endmacro
; A packet whose data is shown as: reason, byte count, status of each block, doublewords at the front.
%macro TRANSFER 2+
    PACKET %1, 0, %2
    call blocks
%endmacro
%macro SENSE 0
    call request_sense
%endmacro

main:
    call init_pics
    OUT8 IDE_CONTROL, 2
    CASE "signature after a software reset, status"
    OUT8 IDE_BASE + 6, 0xa0
    OUT8 IDE_CONTROL, 6
    OUT8 IDE_CONTROL, 2
    call registers
    DONE
    CASE "identify device is aborted and leaves the signature"
    COMMAND 0xec
    call registers
    DONE
    CASE "identify packet device, type, capabilities"
    COMMAND 0xa1
    call wait_ready
    VAL eax, 8
    mov ecx, 256
    call read_words
    movzx eax, word [DATA]
    VAL eax, 16
    mov ax, [DATA + 49 * 2]
    and eax, 0x300
    VAL eax, 16
    call wait_ready
    VAL eax, 8
    DONE
    CASE "unit attention after reset, then ready"
    TRANSFER 0, 0x00
    SENSE
    TRANSFER 0, 0x00
    SENSE
    TRANSFER 0, 0x00
    SENSE
    TRANSFER 0, 0x00
    SENSE
    DONE
    CASE "the packet phase by its registers"
    OUT8 IDE_BASE + 1, 0
    OUT8 IDE_BASE + 4, 0xfe
    OUT8 IDE_BASE + 5, 0xff
    COMMAND 0xa0
    call wait_ready
    VAL eax, 8
    IN8 IDE_BASE + 2
    VAL eax, 8
    mov esi, test_unit
    call send_packet
    call wait_ready
    VAL eax, 8
    IN8 IDE_BASE + 2
    VAL eax, 8
    DONE
    CASE "inquiry of 36 bytes, of 6"
    TRANSFER 0xfffe, 0x12, 0, 0, 0, 36
    VAL [DATA]
    VAL [DATA + 4], 8
    TRANSFER 0xfffe, 0x12, 0, 0, 0, 6
    DONE
    CASE "read capacity"
    TRANSFER 0xfffe, 0x25
    VAL [DATA]
    VAL [DATA + 4]
    DONE
    CASE "read of one sector, limits of 2048, 512 and 65534"
    TRANSFER 2048, 0x28, 0, 0, 0, 0, 5, 0, 0, 1
    VAL [DATA]
    TRANSFER 512, 0x28, 0, 0, 0, 0, 6, 0, 0, 1
    VAL [DATA]
    TRANSFER 0xfffe, 0x28, 0, 0, 0, 0, 7, 0, 0, 2
    VAL [DATA + 2048]
    DONE
    CASE "read of no sectors"
    TRANSFER 2048, 0x28, 0, 0, 0, 0, 5, 0, 0, 0
    DONE
    CASE "read (12)"
    TRANSFER 2048, 0xa8, 0, 0, 0, 0, 8, 0, 0, 0, 2
    VAL [DATA]
    DONE
    CASE "read past the end, sense"
    TRANSFER 2048, 0x28, 0, 0, 0, 1, 0, 0, 0, 1
    SENSE
    DONE
    CASE "sense is cleared by the next command that works"
    TRANSFER 2048, 0x28, 0, 0, 0, 1, 0, 0, 0, 1
    TRANSFER 0, 0x00
    SENSE
    DONE
    CASE "unknown operation, sense"
    TRANSFER 2048, 0xff
    SENSE
    DONE
    CASE "read toc, all of it, by session"
    TRANSFER 0xfffe, 0x43, 0, 0, 0, 0, 0, 0, 0, 64
    VAL [DATA]
    VAL [DATA + 4]
    VAL [DATA + 12]
    TRANSFER 0xfffe, 0x43, 0, 1, 0, 0, 0, 0, 0, 64
    VAL [DATA]
    DONE
    CASE "mode sense of page 1"
    TRANSFER 0xfffe, 0x5a, 0, 0x01, 0, 0, 0, 0, 0, 64
    VAL [DATA + 8]
    DONE
    CASE "prevent removal, allow it"
    TRANSFER 0, 0x1e, 0, 0, 0, 1
    TRANSFER 0, 0x1e
    DONE
    CASE "start, stop, seek"
    TRANSFER 0, 0x1b, 0, 0, 0, 1
    TRANSFER 0, 0x2b, 0, 0, 0, 0, 5
    DONE
    CASE "get configuration, current profile"
    TRANSFER 0xfffe, 0x46, 0, 0, 0, 0, 0, 0, 0, 8
    movzx eax, word [DATA + 6]
    VAL eax, 16
    DONE
    CASE "commands of disks"
    COMMAND 0x20
    call errors
    COMMAND 0xe7
    call errors
    COMMAND 0x91
    call errors
    DONE
    CASE "device reset leaves the signature"
    COMMAND 0x08
    call registers
    DONE
    CASE "idle, standby, check power mode, set features"
    COMMAND 0xe1
    call errors
    COMMAND 0xe0
    call errors
    COMMAND 0xe5
    call errors
    OUT8 IDE_BASE + 1, 3
    OUT8 IDE_BASE + 2, 0x42
    COMMAND 0xef
    call errors
    DONE
    call enable_bus_master
    CASE "read by dma"
    TABLE 1, DATA, 0x80001000
    PACKET 0, 1, 0x28, 0, 0, 0, 0, 9, 0, 0, 2
    mov al, 8
    call run_bus_master
    VAL eax, 8
    VAL [DATA]
    VAL [DATA + 0xffc]
    call wait_ready
    VAL eax, 8
    IN8 IDE_BASE + 2
    VAL eax, 8
    DONE
    CASE "read by dma past the end"
    TABLE 1, DATA, 0x80001000
    PACKET 0, 1, 0x28, 0, 0, 0, 1, 0, 0, 0, 1
    call wait_ready
    VAL eax, 8
    IN8 IDE_BASE + 1
    VAL eax, 8
    OUT8 BUS_MASTER, 0
    SENSE
    DONE
    CASE "interrupts, none for the packet, one for data, one for the end"
    OUT8 IDE_CONTROL, 0
    IN8 IDE_BASE + 7
    PACKET 2048, 0, 0x28, 0, 0, 0, 0, 10, 0, 0, 1
    call await
    VAL eax, 8
    IN8 IDE_BASE + 7
    VAL eax, 8
    call interrupt_line
    VAL eax, 8
    mov ecx, 1024
    call read_words
    call await
    VAL eax, 8
    IN8 IDE_BASE + 7
    VAL eax, 8
    call interrupt_line
    VAL eax, 8
    DONE
    CASE "no slave"
    OUT8 IDE_BASE + 6, 0xb0
    IN8 IDE_BASE + 7
    VAL eax, 8
    OUT8 IDE_BASE + 6, 0xa0
    DONE
    ret

registers:                       ; status, count, the three of the address
    call wait_ready
    VAL eax, 8
    mov dx, IDE_BASE + 2
    mov ecx, 4
.next:
    in al, dx
    VAL eax, 8
    inc dx
    loop .next
    ret
send_packet:
    push esi
    mov dx, IDE_CONTROL
.wait:
    in al, dx
    test al, 0x80
    jnz .wait
    test al, 9
    jz .wait
    mov dx, IDE_BASE
    mov ecx, 6
    rep outsw
    pop esi
    ret
; Reads all blocks to DATA: the byte count of each, then status, error and reason.
blocks:
    mov edi, DATA
    xor eax, eax
    mov ecx, 64
    rep stosd
    mov edi, DATA
.next:
    call wait_ready
    test al, 8
    jz .end
    IN8 IDE_BASE + 5
    mov ah, al
    mov dx, IDE_BASE + 4
    in al, dx
    and eax, 0xffff
    VAL eax, 16
    mov ecx, eax
    inc ecx
    shr ecx, 1
    mov dx, IDE_BASE
    rep insw
    jmp .next
.end:
    push eax
    say " /"
    pop eax
    VAL eax, 8
    IN8 IDE_BASE + 1
    VAL eax, 8
    IN8 IDE_BASE + 2
    and al, 7
    VAL eax, 8
    ret
errors:
    call wait_ready
    VAL eax, 8
    IN8 IDE_BASE + 1
    VAL eax, 8
    ret
; Sense key and the two bytes of the code.
request_sense:
    PACKET 18, 0, 0x03, 0, 0, 0, 18
    call wait_ready
    mov ecx, 9
    call read_words
    say " ("
    mov al, [DATA + 2]
    call put8
    mov al, [DATA + 12]
    call put8
    mov al, [DATA + 13]
    call put8
    say ")"
    call wait_ready
    ret
await:
    mov ecx, 3000000
.wait:
    call interrupt_line
    test al, al
    jnz .end
    loop .wait
.end:
    ret

section .data
test_unit: times 12 db 0
image_end:
