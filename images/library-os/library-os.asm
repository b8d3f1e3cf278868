; A library OS: one application in ring 0, with as much of an operating system under it as it asks for. The application
; (application.asm) answers HTTP requests on the serial console; everything else is a library that it calls.
;
; The image is an ELF executable with a PVH entry, so a microvm starts it without firmware: `coracle boot -M microvm
; -kernel library-os.elf -nographic`, QEMU alike. Assembled in one go: nasm -f bin, this file includes the rest.
;
;   boot.asm         the PVH entry: page tables, 64-bit mode
;   interrupts.asm   interrupt table, exceptions, local and I/O APIC
;   console.asm      16550: output, input by interrupt
;   machine.asm      memory map of the start information, power off by ACPI
;   text.asm         lines, numbers, comparing
;   application.asm  the server
;
; Calling convention: arguments in RDI, RSI, result in RAX; RAX, RCX, RDX, RSI, RDI, R8 and R9 are the callee's.

bits 64
org 0x100000

elf_header:
    db 0x7f, 'ELF', 2, 1, 1, 0              ; 64 bits, little-endian, version 1, System V
    times 8 db 0
    dw 2, 62                                ; ET_EXEC, EM_X86_64
    dd 1
    dq start32, program_headers - elf_header, 0
    dd 0
    dw 64, 56, 2, 0, 0, 0
program_headers:
    dd 1, 7                                 ; PT_LOAD, readable, writable, executable
    dq 0, elf_header, elf_header, file_end - elf_header, memory_end - elf_header, 0x1000
    dd 4, 4                                 ; PT_NOTE
    dq note - elf_header, note, note, note_end - note, note_end - note, 4
note:
    dd 4, 4, 18                             ; XEN_ELFNOTE_PHYS32_ENTRY
    db 'Xen', 0
    dd start32
note_end:

%include "boot.asm"
%include "interrupts.asm"
%include "console.asm"
%include "machine.asm"
%include "text.asm"
%include "application.asm"

align 8
file_end:

; What follows is not in the file; the loader clears it.
absolute file_end
alignb 4096
page_map:       resb 4096
page_pointers:  resb 4096
page_folders:   resb 4 * 4096
interrupt_table: resb 256 * 16
start_info:     resq 1
start_counter:  resq 1
input_head:     resd 1
input_tail:     resd 1
input_ring:     resb INPUT_SIZE
line:           resb LINE_SIZE
answer:         resb ANSWER_SIZE
digits:         resb 32
requests:       resq 1
alignb 16
                resb 16384
stack_top:
memory_end:
