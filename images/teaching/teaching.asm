; The Coracle teaching guest: how a PC comes up, step by step, and a small shell to look around in it.
;
; One file, started in two ways:
;   - as a disk: firmware loads sector 0 (boot.asm) to 7C00h, and that loads the rest to 1000:0000 by int 13h;
;   - as a multiboot kernel: a loader puts the file at 1 MiB and enters at multiboot_entry (protected.asm) in
;     protected mode, without any firmware. The guest then goes back to real mode to tell the story from its start.
; Both meet in real_story (real.asm), which goes up to protected mode for good and runs from 1 MiB.
;
; Addresses: the file has its origin at 1 MiB. Real-mode code runs from a copy whose segment starts with the file, so
; there an offset is the distance from the start of the file: R(label).
;
; Built by `npx tsx images/teaching/build.ts` with nasm; the same source gives the same bytes.
; References: [SDM3] Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3; [MB] Multiboot
; Specification 0.6.96; datasheets of 8259A, 8254, 8042, 16550D; [PIIX4] 82371AB.

BASE            equ 0x100000            ; where the image runs from in protected mode
COPY_SEGMENT    equ 0x1000              ; real-mode segment of the low copy
COPY            equ COPY_SEGMENT * 16
IMAGE_SECTORS   equ 32
IMAGE_SIZE      equ IMAGE_SECTORS * 512

; Memory that the guest uses behind its image.
PAGE_DIRECTORY  equ 0x110000
PAGE_TABLES     equ 0x111000            ; four of them: the first 16 MiB, mapped one to one
PAGE_TABLE_DEMO equ 0x115000            ; one more, for the page shown at 40000000h
DEMO_PAGE       equ 0x116000
STACK_TOP       equ 0x11C000
IDT_BASE        equ 0x11C000
MEMORY_END      equ 0x120000

MAPPED_BYTES    equ 16 * 1024 * 1024
DEMO_LINEAR     equ 0x40000000

; Colours inside texts: 10h + the colour's number in VGA text mode.
BLUE            equ 0x19
GREEN           equ 0x1A
CYAN            equ 0x1B
RED             equ 0x1C
MAGENTA         equ 0x1D
YELLOW          equ 0x1E
WHITE           equ 0x1F
GREY            equ 0x17
DIM             equ 0x18
NEWLINE         equ 0x0A

COM1            equ 0x3F8

%define R(label) ((label) - $$)

; say "text", ...: writes a text that stands in the code right here. Changes no register.
%macro say 1+
        call    print_inline
        db      %1, 0
%endmacro

%macro say16 1+
        call    print_inline16
        db      %1, 0
%endmacro

; The heading of a step: its number and title in a column of their own.
%macro step 2
        say     WHITE, " ", %1, "  ", CYAN, %2, GREY
%endmacro

        org     BASE

%include "boot.asm"
%include "real.asm"
%include "protected.asm"
%include "interrupts.asm"
%include "story.asm"
%include "console.asm"
%include "shell.asm"
%include "commands.asm"
%include "inspect.asm"
%include "data.asm"

%if ($ - $$) > IMAGE_SIZE
%error "the image has outgrown IMAGE_SECTORS"
%endif
        times   IMAGE_SIZE - ($ - $$) db 0
