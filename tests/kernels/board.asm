; What drivers find on the board: clock and CMOS, keyboard controller, PCI configuration space, and an IDE disk by
; IDENTIFY, PIO and bus-master DMA. The disk is the test's: each sector holds its number in every doubleword.
; [MC146818A], [8042], [PCI 2.1], [82371SB], [ATA-4]
%include "kernel.inc"

%macro OUT8 2
    mov al, %2
    out %1, al
%endmacro
%macro CMOS 1
    mov al, %1
    out 0x70, al
    in al, 0x71
%endmacro
%macro CMOS_WRITE 2
    mov al, %1
    out 0x70, al
    mov al, %2
    out 0x71, al
%endmacro
%macro PCI 1                     ; reads a doubleword at bus 0: device << 11 | function << 8 | register
    mov eax, 0x80000000 | (%1)
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
%endmacro
%macro PCI_WRITE 2
    mov eax, 0x80000000 | (%1)
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    mov eax, %2
    out dx, eax
%endmacro
HOST        equ 0
ISA         equ 1 << 11
IDE         equ (1 << 11) | (1 << 8)
PM          equ (1 << 11) | (3 << 8)
VGA         equ 2 << 11
%macro COMMAND 1
    mov dx, 0x1f7
    mov al, %1
    out dx, al
%endmacro
; Task file: sector count, LBA.
%macro SECTORS 2
    mov dx, 0x1f2
    mov al, %1
    out dx, al
    inc dx
    mov al, (%2) & 0xff
    out dx, al
    inc dx
    mov al, ((%2) >> 8) & 0xff
    out dx, al
    inc dx
    mov al, ((%2) >> 16) & 0xff
    out dx, al
    inc dx
    mov al, 0xe0 | (((%2) >> 24) & 15)
    out dx, al
%endmacro
DMA_BASE    equ 0xc040

main:
    xor eax, eax
    CASE "clock, valid ram bit, date in bcd"
    CMOS_WRITE 0x0b, 0x02
    CMOS 0x0d
    and al, 0x80
    VAL eax, 8
    CMOS 7
    VAL eax, 8
    CMOS 8
    VAL eax, 8
    CMOS 9
    VAL eax, 8
    CMOS 6
    VAL eax, 8
    CMOS 0x32
    VAL eax, 8
    DONE
    CASE "clock, set in binary"
    CMOS_WRITE 0x0b, 0x86
    CMOS_WRITE 0, 30
    CMOS_WRITE 2, 59
    CMOS_WRITE 4, 13
    CMOS_WRITE 0x0b, 0x06
    CMOS 4
    VAL eax, 8
    CMOS 2
    VAL eax, 8
    DONE
    CASE "clock, set in bcd and 12 hours"
    CMOS_WRITE 0x0b, 0x80
    CMOS_WRITE 0, 0x30
    CMOS_WRITE 2, 0x58
    CMOS_WRITE 4, 0x81
    CMOS_WRITE 0x0b, 0
    CMOS 4
    VAL eax, 8
    CMOS 2
    VAL eax, 8
    CMOS_WRITE 0x0b, 0x02
    DONE
    CASE "clock, registers c and d cannot be written, c clears by reading"
    CMOS_WRITE 0x0d, 0
    CMOS 0x0d
    and al, 0x80
    VAL eax, 8
    CMOS 0x0c
    CMOS 0x0c
    and al, 0xef
    VAL eax, 8
    DONE
    CASE "cmos memory"
    CMOS_WRITE 0x40, 0x5a
    CMOS 0x40
    VAL eax, 8
    DONE

    CASE "keyboard controller, self test and interface test"
    OUT8 0x64, 0xad
    OUT8 0x64, 0xa7
    call flush_keyboard
    OUT8 0x64, 0xaa
    call keyboard_data
    VAL eax, 8
    OUT8 0x64, 0xab
    call keyboard_data
    VAL eax, 8
    OUT8 0x64, 0xa9
    call keyboard_data
    VAL eax, 8
    DONE
    CASE "keyboard controller, command byte"
    OUT8 0x64, 0x60
    OUT8 0x60, 0x30
    OUT8 0x64, 0x20
    call keyboard_data
    VAL eax, 8
    DONE
    CASE "keyboard, reset"
    OUT8 0x64, 0xae
    OUT8 0x60, 0xff
    call keyboard_data
    VAL eax, 8
    call keyboard_data
    VAL eax, 8
    DONE
    CASE "keyboard, identify, echo, unknown command"
    OUT8 0x60, 0xf2
    call keyboard_data
    VAL eax, 8
    call keyboard_data
    VAL eax, 8
    call keyboard_data
    VAL eax, 8
    OUT8 0x60, 0xee
    call keyboard_data
    VAL eax, 8
    OUT8 0x60, 0xf5
    call keyboard_data
    VAL eax, 8
    DONE
    CASE "mouse, reset and identity"
    OUT8 0x64, 0xa8
    OUT8 0x64, 0xd4
    OUT8 0x60, 0xff
    call keyboard_data
    VAL eax, 8
    VAL ecx, 8
    call keyboard_data
    VAL eax, 8
    call keyboard_data
    VAL eax, 8
    DONE
    CASE "keyboard controller, echo to the output buffer"
    OUT8 0x64, 0xd2
    OUT8 0x60, 0x77
    call keyboard_data
    VAL eax, 8
    VAL ecx, 8
    OUT8 0x64, 0xd3
    OUT8 0x60, 0x66
    call keyboard_data
    VAL eax, 8
    VAL ecx, 8
    DONE
    CASE "a20 by the output port"
    OUT8 0x64, 0xd1
    OUT8 0x60, 0xdd
    mov dword [DATA + 0x100000], 0x1111
    mov dword [DATA], 0x2222
    mov eax, [DATA + 0x100000]
    VAL eax, 16
    OUT8 0x64, 0xd1
    OUT8 0x60, 0xdf
    mov dword [DATA + 0x100000], 0x3333
    mov eax, [DATA]
    VAL eax, 16
    DONE

    CASE "pci, vendors and devices"
    PCI HOST
    VAL eax
    PCI ISA
    VAL eax
    PCI IDE
    VAL eax
    PCI PM
    VAL eax
    PCI VGA
    VAL eax
    DONE
    CASE "pci, nobody there"
    PCI 31 << 11
    VAL eax
    PCI 0x00ff0000
    VAL eax
    DONE
    CASE "pci, classes and header types"
    PCI HOST + 8
    VAL eax
    PCI ISA + 8
    VAL eax
    PCI ISA + 0x0c
    VAL eax
    PCI IDE + 8
    VAL eax
    PCI VGA + 8
    VAL eax
    DONE
    CASE "pci, size of bars"
    PCI_WRITE IDE + 0x20, 0xffffffff
    PCI IDE + 0x20
    VAL eax
    PCI_WRITE IDE + 0x20, DMA_BASE | 1
    PCI IDE + 0x20
    VAL eax
    PCI_WRITE VGA + 0x10, 0xffffffff
    PCI VGA + 0x10
    VAL eax
    PCI_WRITE VGA + 0x10, 0xfd000000
    PCI_WRITE VGA + 0x14, 0xffffffff
    PCI VGA + 0x14
    VAL eax
    DONE
    CASE "pci, bytes and words of the data port"
    PCI HOST
    mov dx, 0xcfc
    xor eax, eax
    in al, dx
    VAL eax, 8
    inc dx
    in al, dx
    VAL eax, 8
    inc dx
    in ax, dx
    VAL eax, 16
    DONE
    CASE "pci, address register reads back, without its enable bit there is nothing"
    mov dx, 0xcf8
    mov eax, 0x80001234
    out dx, eax
    in eax, dx
    VAL eax
    mov eax, 0
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
    VAL eax
    DONE

    CASE "ide, identify"
    mov dx, 0x3f6
    mov al, 2                    ; no interrupts
    out dx, al
    SECTORS 0, 0
    COMMAND 0xec
    call wait_data
    VAL eax, 8
    mov edi, DATA
    mov ecx, 256
    mov dx, 0x1f0
    rep insw
    mov eax, [DATA + 49 * 2]
    and eax, 0x300               ; LBA and DMA
    VAL eax, 16
    mov eax, [DATA + 60 * 2]
    VAL eax
    mov ax, [DATA + 53 * 2]
    and eax, 7
    VAL eax, 8
    mov dx, 0x1f7
    in al, dx
    VAL eax, 8
    DONE
    CASE "ide, read of two sectors by pio"
    SECTORS 2, 0x123
    COMMAND 0x20
    call read_sector
    call read_sector
    mov dx, 0x1f7
    in al, dx
    VAL eax, 8
    DONE
    CASE "ide, task file after the read"
    mov dx, 0x1f2
    in al, dx
    VAL eax, 8
    inc dx
    in al, dx
    VAL eax, 8
    inc dx
    in al, dx
    VAL eax, 8
    DONE
    CASE "ide, write by pio and read back"
    SECTORS 1, 0x200
    COMMAND 0x30
    call wait_data
    VAL eax, 8
    mov edi, DATA
    mov eax, 0x600df00d
    mov ecx, 128
    rep stosd
    mov esi, DATA
    mov ecx, 256
    mov dx, 0x1f0
    rep outsw
    call wait_ready
    VAL eax, 8
    SECTORS 1, 0x200
    COMMAND 0x20
    call read_sector
    DONE
    CASE "ide, read past the end"
    SECTORS 1, 0x800
    COMMAND 0x20
    call wait_ready
    and al, 0x89
    VAL eax, 8
    mov dx, 0x1f1
    in al, dx
    VAL eax, 8
    DONE
    CASE "ide, unknown command"
    SECTORS 1, 0
    COMMAND 0xff
    call wait_ready
    and al, 0x89
    VAL eax, 8
    mov dx, 0x1f1
    in al, dx
    VAL eax, 8
    DONE
    CASE "ide, multiple mode"
    SECTORS 4, 0
    COMMAND 0xc6
    call wait_ready
    and al, 0x89
    VAL eax, 8
    SECTORS 4, 0x10
    COMMAND 0xc4
    call wait_data
    mov edi, DATA
    mov ecx, 1024
    mov dx, 0x1f0
    rep insw
    mov eax, [DATA + 0x600]
    VAL eax
    mov dx, 0x1f7
    in al, dx
    VAL eax, 8
    DONE
    CASE "ide, software reset leaves the signature"
    mov dx, 0x3f6
    mov al, 6
    out dx, al
    mov al, 2
    out dx, al
    call wait_ready
    mov dx, 0x1f1
    in al, dx
    VAL eax, 8
    inc dx
    in al, dx
    VAL eax, 8
    inc dx
    in al, dx
    VAL eax, 8
    inc dx
    in al, dx
    VAL eax, 8
    inc dx
    in al, dx
    VAL eax, 8
    DONE
    CASE "ide, no slave"
    mov dx, 0x1f6
    mov al, 0xf0
    out dx, al
    mov dx, 0x1f7
    in al, dx
    VAL eax, 8
    mov dx, 0x1f6
    mov al, 0xe0
    out dx, al
    DONE
    CASE "ide, bus-master dma"
    PCI IDE + 4
    mov ecx, eax
    or ecx, 5
    PCI_WRITE IDE + 4, ecx
    call dma
    VAL eax, 8
    mov eax, [DATA + 0x1000]
    VAL eax
    mov eax, [DATA + 0x13fc]
    VAL eax
    mov dx, 0x1f7
    in al, dx
    VAL eax, 8
    DONE
    CASE "ide, dma through two descriptors"
    mov dword [DATA], DATA + 0x2000
    mov dword [DATA + 4], 0x00000200
    mov dword [DATA + 8], DATA + 0x3000
    mov dword [DATA + 12], 0x80000200
    call dma_table
    VAL eax, 8
    mov eax, [DATA + 0x21fc]
    VAL eax
    mov eax, [DATA + 0x3000]
    VAL eax
    mov eax, [DATA + 0x2200]
    VAL eax
    DONE
    CASE "ide, dma with too small a table"
    mov dword [DATA], DATA + 0x4000
    mov dword [DATA + 4], 0x80000200
    call dma_table
    and al, 3
    VAL eax, 8
    mov eax, [DATA + 0x41fc]
    VAL eax
    DONE
    ret

flush_keyboard:
    in al, 0x64
    test al, 1
    jz .end
    in al, 0x60
    jmp flush_keyboard
.end:
    xor eax, eax
    ret
; AL: the byte, FFh after a while; CL: 20h when it is the mouse's.
keyboard_data:
    mov ecx, 20000000
.wait:
    in al, 0x64
    test al, 1
    jnz .there
    loop .wait
    mov eax, 0xff
    ret
.there:
    mov cl, al
    and ecx, 0x20
    in al, 0x60
    movzx eax, al
    ret
wait_ready:                      ; until not busy; AL: status
    mov dx, 0x1f7
.wait:
    in al, dx
    test al, 0x80
    jnz .wait
    ret
wait_data:                       ; until DRQ or an error
    mov dx, 0x1f7
.wait:
    in al, dx
    test al, 0x80
    jnz .wait
    test al, 9
    jz .wait
    ret
read_sector:
    call wait_data
    mov edi, DATA
    mov ecx, 256
    mov dx, 0x1f0
    rep insw
    mov eax, [DATA]
    VAL eax
    mov eax, [DATA + 508]
    VAL eax
    xor eax, eax
    ret
dma:
    mov dword [DATA], DATA + 0x1000
    mov dword [DATA + 4], 0x80000400
; Reads two sectors from 300h by the table at DATA. AL: status of the bus master.
dma_table:
    mov dx, DMA_BASE
    mov al, 0
    out dx, al
    mov dx, DMA_BASE + 2
    mov al, 6
    out dx, al
    mov dx, DMA_BASE + 4
    mov eax, DATA
    out dx, eax
    mov dx, DMA_BASE
    mov al, 8
    out dx, al
    SECTORS 2, 0x300
    mov dx, 0x3f6
    mov al, 0
    out dx, al
    COMMAND 0xc8
    mov dx, DMA_BASE
    mov al, 9
    out dx, al
    mov ecx, 3000000
.wait:
    mov dx, DMA_BASE + 2
    in al, dx
    test al, 4
    jnz .end
    loop .wait
.end:
    push eax
    mov dx, DMA_BASE
    mov al, 0
    out dx, al
    pop eax
    ret

section .data
image_end:
