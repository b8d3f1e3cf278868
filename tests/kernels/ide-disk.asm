; An IDE disk as drivers see it: IDENTIFY, CHS, 28- and 48-bit transfers by PIO, MULTIPLE and DMA, errors, features, power
; commands, resets, interrupts and nIEN, the bus master's registers and tables. [ATA6], [BMIDE], [82371SB]
%include "kernel.inc"
IDE_BASE    equ 0x1f0
IDE_CONTROL equ 0x3f6
IDE_IRQ     equ 14
BUS_MASTER  equ 0xc040
%include "ide.inc"

%macro WORDS 1+                  ; numbers of words of IDENTIFY
    mov esi, %%words
    mov ecx, (%%end - %%words) / 2
    call show_words
    [section .data]
%%words: dw %1
%%end:
    [section .text]
%endmacro

main:
    call init_pics
    xor eax, eax
    OUT8 IDE_CONTROL, 2
    CASE "identify, capacity and geometry"
    SECTORS 0, 0
    COMMAND 0xec
    call wait_ready
    VAL eax, 8
    mov ecx, 256
    call read_words
    WORDS 1, 3, 6, 54, 55, 56, 57, 58, 60, 61, 100, 101, 102, 103
    DONE
    CASE "identify, what it can"
    WORDS 0, 47, 49, 53, 59, 63, 64, 65, 67, 80
    DONE
    CASE "identify, command sets"
    WORDS 82, 83, 84, 85, 86, 87, 88
    DONE
    CASE "identify, sum of all bytes"
    mov esi, DATA
    mov ecx, 512
    xor edx, edx
.sum:
    lodsb
    add dl, al
    loop .sum
    VAL edx, 8
    DONE
    CASE "registers after identify"
    call show_registers
    DONE

    CASE "chs of the default geometry"
    OUT8 IDE_BASE + 6, 0xa1
    OUT8 IDE_BASE + 2, 1
    OUT8 IDE_BASE + 3, 5
    OUT8 IDE_BASE + 4, 1
    OUT8 IDE_BASE + 5, 0
    COMMAND 0x20
    call pio_in                  ; (1 * 16 + 1) * 63 + 4
    call show_registers
    DONE
    CASE "chs after initialize device parameters"
    OUT8 IDE_BASE + 6, 0xa3      ; 4 heads, 8 sectors
    OUT8 IDE_BASE + 2, 8
    COMMAND 0x91
    call show_registers
    OUT8 IDE_BASE + 6, 0xa2
    OUT8 IDE_BASE + 2, 3
    OUT8 IDE_BASE + 3, 8
    OUT8 IDE_BASE + 4, 2
    OUT8 IDE_BASE + 5, 0
    COMMAND 0x20
    call pio_in
    call pio_in
    call pio_in
    call show_registers
    DONE
    CASE "chs, sector 0 and a head that is too high"
    OUT8 IDE_BASE + 6, 0xa0
    OUT8 IDE_BASE + 2, 1
    OUT8 IDE_BASE + 3, 0
    COMMAND 0x20
    call show_errors
    OUT8 IDE_BASE + 6, 0xaf
    OUT8 IDE_BASE + 3, 1
    COMMAND 0x20
    call show_errors
    call soft_reset
    DONE

    CASE "48 bits, read of two sectors, registers with and without hob"
    SECTORS48 2, 0x345
    COMMAND 0x24
    call pio_in
    call pio_in
    call show_registers
    OUT8 IDE_CONTROL, 0x82
    mov dx, IDE_BASE + 2
    mov ecx, 4
.hob:
    in al, dx
    VAL eax, 8
    inc dx
    loop .hob
    OUT8 IDE_CONTROL, 2
    DONE
    CASE "48 bits, what hob shows of what was written"
    SECTORS48 0x1234, 0x56789abc
    OUT8 IDE_CONTROL, 0x82
    mov dx, IDE_BASE + 2
    mov ecx, 4
.hob2:
    in al, dx
    VAL eax, 8
    inc dx
    loop .hob2
    OUT8 IDE_BASE + 2, 0x77      ; a write clears hob
    IN8 IDE_BASE + 2
    VAL eax, 8
    OUT8 IDE_CONTROL, 2
    DONE
    CASE "48 bits, write, read back by 28 bits"
    SECTORS48 1, 0x210
    COMMAND 0x34
    call wait_ready
    VAL eax, 8
    mov eax, 0x48484848
    call pio_out
    call wait_ready
    VAL eax, 8
    SECTORS 1, 0x210
    COMMAND 0x20
    call pio_in
    DONE
    CASE "48 bits, multiple read and write"
    SECTORS 4, 0
    COMMAND 0xc6
    SECTORS48 6, 0x20
    COMMAND 0x29
    call wait_ready
    mov ecx, 1024
    call read_words
    VAL [DATA + 0x600]
    call wait_ready
    VAL eax, 8
    mov ecx, 512
    call read_words
    VAL [DATA + 0x200]
    call wait_ready
    VAL eax, 8
    SECTORS48 2, 0x220
    COMMAND 0x39
    call wait_ready
    mov edi, DATA
    mov eax, 0x39393939
    mov ecx, 256
    rep stosd
    mov ecx, 512
    call write_words
    call wait_ready
    VAL eax, 8
    SECTORS 1, 0x221
    COMMAND 0x20
    call pio_in
    DONE
    CASE "native max address, 28 and 48 bits"
    OUT8 IDE_BASE + 6, 0xe0
    COMMAND 0xf8
    call show_registers
    OUT8 IDE_BASE + 6, 0xe0
    COMMAND 0x27
    call show_registers
    OUT8 IDE_CONTROL, 0x82
    IN8 IDE_BASE + 3
    VAL eax, 8
    OUT8 IDE_CONTROL, 2
    DONE
    CASE "count 0 is 256 sectors"
    SECTORS 0, 0x100
    COMMAND 0xc4
    mov ebx, 64
.blocks:
    call wait_ready
    mov ecx, 1024
    call read_words
    dec ebx
    jnz .blocks
    VAL [DATA + 0x600]
    call show_registers
    DONE
    CASE "verify, within the disk and past its end"
    SECTORS 4, 0x10
    COMMAND 0x40
    call show_registers
    SECTORS48 1, 0x10
    COMMAND 0x42
    call show_errors
    SECTORS 1, 0x800
    COMMAND 0x40
    call show_errors
    DONE
    CASE "flush, flush ext, seek, recalibrate, nop"
    COMMAND 0xe7
    call show_errors
    COMMAND 0xea
    call show_errors
    SECTORS 1, 0x20
    COMMAND 0x70
    call show_errors
    COMMAND 0x10
    call show_errors
    COMMAND 0x00
    call show_errors
    DONE
    CASE "power, idle, standby, check power mode, sleep"
    COMMAND 0xe1
    call show_errors
    COMMAND 0xe0
    call show_errors
    COMMAND 0xe5
    call show_errors
    IN8 IDE_BASE + 2
    VAL eax, 8
    COMMAND 0xe3
    call show_errors
    COMMAND 0xe2
    call show_errors
    DONE
    CASE "set features, transfer mode, cache, look-ahead, unknown"
%macro FEATURE 2
    OUT8 IDE_BASE + 1, %1
    OUT8 IDE_BASE + 2, %2
    COMMAND 0xef
    call show_errors
%endmacro
    FEATURE 3, 0x0c
    FEATURE 3, 0x22
    FEATURE 3, 0x42
    FEATURE 2, 0
    FEATURE 0x82, 0
    FEATURE 0xaa, 0
    FEATURE 0x55, 0
    FEATURE 0x99, 0
    COMMAND 0xec
    call wait_ready
    mov ecx, 256
    call read_words
    WORDS 63, 88, 85
    DONE
    CASE "set multiple, 3, 32, 0, 16, then what identify says"
%macro MULTIPLE 1
    OUT8 IDE_BASE + 2, %1
    COMMAND 0xc6
    call show_errors
%endmacro
    MULTIPLE 3
    MULTIPLE 32
    MULTIPLE 16
    COMMAND 0xec
    call wait_ready
    mov ecx, 256
    call read_words
    WORDS 59
    DONE
    CASE "read that runs past the end, write that does"
    SECTORS 4, 0x7fe
    COMMAND 0x20
    call show_errors
    call soft_reset
    SECTORS 1, 0xfffffff
    COMMAND 0x30
    call show_errors
    call soft_reset
    SECTORS48 1, 0x1000000
    COMMAND 0x24
    call show_errors
    call soft_reset
    DONE
    CASE "commands of packet devices, and unknown ones"
    COMMAND 0xa1
    call show_errors
    COMMAND 0xa0
    call show_errors
    COMMAND 0x08
    call show_errors
    COMMAND 0xff
    call show_errors
    COMMAND 0xe7
    call show_errors
    DONE
    CASE "diagnostics leave code and signature"
    SECTORS 9, 0x123456
    COMMAND 0x90
    call show_registers
    DONE
    CASE "software reset in the middle of a read"
    SECTORS 2, 0x123
    COMMAND 0x20
    call wait_ready
    VAL eax, 8
    mov ecx, 10
    call read_words
    OUT8 IDE_CONTROL, 6
    IN8 IDE_CONTROL
    VAL eax, 8
    OUT8 IDE_CONTROL, 2
    call show_registers
    DONE
    CASE "data port by doublewords"
    SECTORS 1, 0x77
    COMMAND 0x20
    call wait_ready
    mov edi, DATA
    mov ecx, 128
    mov dx, IDE_BASE
    rep insd
    VAL [DATA + 508]
    call wait_ready
    VAL eax, 8
    DONE
    CASE "data port without a transfer"
    mov dx, IDE_BASE
    in ax, dx
    call wait_ready
    VAL eax, 8
    DONE
    CASE "the slave that is not there"
    OUT8 IDE_BASE + 6, 0xf0
    IN8 IDE_BASE + 7
    VAL eax, 8
    IN8 IDE_CONTROL
    VAL eax, 8
    COMMAND 0xec
    IN8 IDE_BASE + 7
    VAL eax, 8
    OUT8 IDE_BASE + 6, 0xe0
    IN8 IDE_BASE + 7
    VAL eax, 8
    DONE

    ; Interrupts.
    CASE "interrupt of each sector, cleared by the status, not by the alternate one"
    OUT8 IDE_CONTROL, 0
    IN8 IDE_BASE + 7
    SECTORS 2, 0x30
    COMMAND 0x20
    call await_interrupt
    VAL eax, 8
    IN8 IDE_CONTROL
    call interrupt_line
    VAL eax, 8
    IN8 IDE_BASE + 7
    call interrupt_line
    VAL eax, 8
    mov ecx, 256
    call read_words
    call await_interrupt
    VAL eax, 8
    IN8 IDE_BASE + 7
    mov ecx, 256
    call read_words
    call interrupt_line
    VAL eax, 8
    DONE
    CASE "interrupts of a write, none before the first sector"
    SECTORS 2, 0x230
    COMMAND 0x30
    call spin_ready
    call interrupt_line
    VAL eax, 8
    mov ecx, 256
    call write_words
    call await_interrupt
    VAL eax, 8
    IN8 IDE_BASE + 7
    mov ecx, 256
    call write_words
    call await_interrupt
    VAL eax, 8
    IN8 IDE_BASE + 7
    VAL eax, 8
    DONE
    CASE "interrupts of multiple mode come with its blocks"
    SECTORS 4, 0
    COMMAND 0xc6
    call await_interrupt
    IN8 IDE_BASE + 7
    SECTORS 6, 0x40
    COMMAND 0xc4
    call await_interrupt
    VAL eax, 8
    IN8 IDE_BASE + 7
    mov ecx, 1024
    call read_words
    call await_interrupt
    VAL eax, 8
    IN8 IDE_BASE + 7
    mov ecx, 512
    call read_words
    call interrupt_line
    VAL eax, 8
    DONE
    CASE "interrupt of an error, of no data"
    SECTORS 1, 0x800
    COMMAND 0x20
    call await_interrupt
    VAL eax, 8
    IN8 IDE_BASE + 7
    VAL eax, 8
    COMMAND 0xe7
    call await_interrupt
    VAL eax, 8
    IN8 IDE_BASE + 7
    DONE
    CASE "nien holds the line, a new command clears what waits"
    OUT8 IDE_CONTROL, 2
    COMMAND 0xe7
    call spin_ready
    call interrupt_line
    VAL eax, 8
    IN8 IDE_BASE + 7
    OUT8 IDE_CONTROL, 0
    call interrupt_line
    VAL eax, 8
    COMMAND 0xe7
    call await_interrupt
    VAL eax, 8
    OUT8 IDE_BASE + 6, 0xf0      ; the slave's turn
    call interrupt_line
    VAL eax, 8
    OUT8 IDE_BASE + 6, 0xe0
    call interrupt_line
    VAL eax, 8
    IN8 IDE_BASE + 7
    DONE

    ; The bus master.
    call enable_bus_master
    CASE "bus master, registers at rest"
    IN8 BUS_MASTER
    VAL eax, 8
    OUT8 BUS_MASTER + 2, 0x66
    IN8 BUS_MASTER + 2
    VAL eax, 8
    mov dx, BUS_MASTER + 4
    mov eax, 0x12345677
    out dx, eax
    in eax, dx
    VAL eax
    OUT8 BUS_MASTER, 8
    IN8 BUS_MASTER
    VAL eax, 8
    OUT8 BUS_MASTER, 0
    DONE
    CASE "dma of 48 bits, interrupt, status, registers"
    TABLE 1, DATA, 0x80000400
    SECTORS48 2, 0x350
    COMMAND 0x25
    mov al, 8
    call run_bus_master
    VAL eax, 8
    VAL [DATA]
    VAL [DATA + 0x3fc]
    call interrupt_line
    VAL eax, 8
    call show_registers
    IN8 BUS_MASTER + 2
    VAL eax, 8
    OUT8 BUS_MASTER + 2, 4
    IN8 BUS_MASTER + 2
    VAL eax, 8
    DONE
    CASE "dma write and read back"
    mov edi, DATA
    mov eax, 0xd0d0d0d0
    mov ecx, 128
    rep stosd
    TABLE 1, DATA, 0x80000200
    SECTORS 1, 0x240
    COMMAND 0xca
    mov al, 0
    call run_bus_master
    VAL eax, 8
    IN8 IDE_BASE + 7
    VAL eax, 8
    SECTORS 1, 0x240
    COMMAND 0x20
    call pio_in
    IN8 IDE_BASE + 7
    DONE
    CASE "dma through odd pieces"
    TABLE 4, DATA, 0x00000002, DATA + 0x100, 0x000001fe, DATA + 0x402, 0x00000100, DATA + 0x602, 0x80000100
    SECTORS 2, 0x360
    COMMAND 0xc8
    mov al, 8
    call run_bus_master
    VAL eax, 8
    mov ax, [DATA]
    VAL eax, 16
    VAL [DATA + 0x2fa]
    VAL [DATA + 0x402]
    VAL [DATA + 0x6fe]
    IN8 IDE_BASE + 7
    VAL eax, 8
    DONE
    CASE "dma, 64 KiB by a count of 0"
    TABLE 1, 0x100000, 0x80000000
    SECTORS 128, 0x100
    COMMAND 0xc8
    mov al, 8
    call run_bus_master
    VAL eax, 8
    VAL [0x100000]
    VAL [0x10fffc]
    IN8 IDE_BASE + 7
    VAL eax, 8
    DONE
    CASE "dma with a table that is too long stays active"
    TABLE 2, DATA, 0x00000200, DATA + 0x400, 0x80000200
    SECTORS 1, 0x370
    COMMAND 0xc8
    mov al, 8
    call run_bus_master
    VAL eax, 8
    IN8 IDE_BASE + 7
    VAL eax, 8
    OUT8 BUS_MASTER + 2, 6
    DONE
    CASE "dma started before the command"
    TABLE 1, DATA, 0x80000200
    OUT8 BUS_MASTER, 8
    OUT8 BUS_MASTER, 9
    SECTORS 1, 0x380
    COMMAND 0xc8
    mov ecx, 2000000
.early:
    IN8 BUS_MASTER + 2
    test al, 4
    jnz .early_end
    loop .early
.early_end:
    VAL eax, 8
    VAL [DATA]
    OUT8 BUS_MASTER, 0
    IN8 IDE_BASE + 7
    VAL eax, 8
    DONE
    CASE "dma past the end of the disk"
    TABLE 1, DATA, 0x80000200
    SECTORS 1, 0x800
    COMMAND 0xc8
    call wait_ready
    VAL eax, 8
    IN8 IDE_BASE + 1
    VAL eax, 8
    OUT8 BUS_MASTER + 2, 6
    DONE
    CASE "word-wide and doubleword-wide reads of the bus master"
    mov dx, BUS_MASTER
    in eax, dx
    and eax, 0x00ff00ff
    VAL eax
    DONE
    ret

soft_reset:
    OUT8 IDE_CONTROL, 6
    OUT8 IDE_CONTROL, 2
    jmp wait_ready
; A sector of data: its first doubleword.
pio_in:
    call wait_ready
    test al, 8
    jz .none
    mov ecx, 256
    call read_words
    VAL [DATA]
    ret
.none:
    NOTE "no data"
    ret
pio_out:                         ; a sector of EAX
    mov edi, DATA
    mov ecx, 128
    rep stosd
    mov ecx, 256
    jmp write_words
show_errors:                     ; status and error register
    call wait_ready
    VAL eax, 8
    IN8 IDE_BASE + 1
    VAL eax, 8
    ret
spin_ready:                      ; by the alternate status
    mov dx, IDE_CONTROL
.wait:
    in al, dx
    test al, 0x80
    jnz .wait
    ret
await_interrupt:
    mov ecx, 3000000
.wait:
    call interrupt_line
    test al, al
    jnz .end
    loop .wait
.end:
    ret
show_words:
    movzx eax, word [esi]
    movzx eax, word [DATA + eax * 2]
    VAL eax, 16
    add esi, 2
    loop show_words
    ret

section .data
image_end:
