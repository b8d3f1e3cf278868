; Between the modes: the descriptor table, the way from a multiboot loader down to real mode, and the arrival from
; real mode at the flat 32-bit code that the rest of the guest is. [SDM3 3.4.5, 10.9]

        align   8
gdt:
        dq      0
SELECTOR_CODE   equ $ - gdt
        dq      0x00CF9A000000FFFF      ; code, base 0, limit 4 GiB, 32 bits
SELECTOR_DATA   equ $ - gdt
        dq      0x00CF92000000FFFF      ; data, likewise
SELECTOR_CODE16 equ $ - gdt
        dq      0x00009A010000FFFF      ; 16-bit code at the low copy, for the way back to real mode
SELECTOR_DATA16 equ $ - gdt
        dq      0x000092010000FFFF
SELECTOR_ABSENT equ $ - gdt
        dq      0x00CF12000000FFFF      ; data that is marked as not present, for `fault np`
GDT_LIMIT       equ $ - gdt - 1

gdt_pointer:
        dw      GDT_LIMIT
        dd      gdt
gdt_low_pointer:
        dw      GDT_LIMIT
        dd      COPY + R(gdt)
real_idt_pointer:
        dw      0x3FF
        dd      0

        bits    32
; [MB 3.2] EAX = 2BADB002h, EBX = what the loader tells, 32-bit flat segments, interrupts off.
multiboot_entry:
        cli
        cld
        mov     esp, STACK_TOP
        test    byte [ebx], 1           ; mem_lower and mem_upper are there
        jz      .no_memory_size
        mov     eax, [ebx + 4]
        mov     [low_kib], eax
        mov     eax, [ebx + 8]
        mov     [high_kib], eax
.no_memory_size:
        mov     byte [by_firmware], 0
        mov     esi, BASE
        mov     edi, COPY
        mov     ecx, IMAGE_SIZE / 4
        rep movsd
        lgdt    [gdt_low_pointer]
        jmp     SELECTOR_CODE16:R(leave_protected)

        bits    16
; Segment limits of 64 KiB first: they stay in the hidden part of the segment registers.
leave_protected:
        mov     ax, SELECTOR_DATA16
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        o32 lidt [R(real_idt_pointer)]
        mov     eax, cr0
        and     al, 0xFE                ; CR0.PE
        mov     cr0, eax
        jmp     COPY_SEGMENT:R(real_story)

        bits    32
; Still in the low copy, now with flat segments: move the image to 1 MiB, where A20 has made room, and go there.
protected_entry:
        mov     ax, SELECTOR_DATA
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     esp, STACK_TOP
        mov     esi, COPY
        mov     edi, BASE
        mov     ecx, IMAGE_SIZE / 4
        rep movsd
        lgdt    [gdt_pointer]
        mov     eax, story
        jmp     eax
