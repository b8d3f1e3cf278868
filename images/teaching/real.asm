; Real mode: where every x86 processor starts. Runs from the copy at 1000:0000 with DS = CS; the text screen and the
; serial port are driven directly, so that it works with firmware or without.

        bits    16

; From the boot sector, DL = drive. The firmware is asked for what only it knows.
real_from_firmware:
        mov     ax, cs
        mov     ds, ax
        mov     [R(boot_drive)], dl
        mov     byte [R(by_firmware)], 1
        mov     ax, 3                   ; text mode, 80 columns, 25 rows
        int     0x10
        int     0x12                    ; memory below 1 MiB
        mov     [R(low_kib)], ax
        xor     cx, cx
        xor     dx, dx
        mov     ax, 0xE801              ; memory above: CX KiB to 16 MiB, then DX blocks of 64 KiB
        int     0x15
        jc      real_story
        test    cx, cx
        jnz     .counted
        mov     cx, ax
        mov     dx, bx
.counted:
        movzx   ecx, cx
        movzx   edx, dx
        shl     edx, 6
        add     ecx, edx
        mov     [R(high_kib)], ecx

; Also from multiboot_entry, back from protected mode. Interrupts stay off until the guest has handlers of its own.
real_story:
        cli
        cld
        mov     ax, cs
        mov     ds, ax
        xor     ax, ax
        mov     ss, ax
        mov     sp, 0x7C00
        call    serial_init16
        call    clear_screen16
        say16   WHITE, " Coracle teaching guest", GREY, "  how a PC comes up, step by step", NEWLINE
        cmp     byte [R(by_firmware)], 0
        je      .by_loader
        say16   DIM, " Started by firmware, from the boot sector of drive "
        mov     al, [R(boot_drive)]
        call    hex8_16
        say16   "h.", NEWLINE, NEWLINE
        jmp     .real_mode
.by_loader:
        say16   DIM, " Started by a multiboot loader without firmware, so back to real mode first.", NEWLINE, NEWLINE

.real_mode:
        say16   WHITE, " 1  ", CYAN, "Real mode     ", GREY, "CS="
        mov     ax, cs
        call    hex16_16
        say16   ". An address is segment * 16 + offset: 20 bits, 1 MiB.", NEWLINE
        ; An interrupt in real mode goes through a table of far pointers at address 0.
        xor     ax, ax
        mov     es, ax
        mov     word [es:0x60 * 4], R(real_interrupt)
        mov     word [es:0x60 * 4 + 2], cs
        mov     byte [R(interrupts_seen)], 0
        int     0x60
        cmp     byte [R(interrupts_seen)], 1
        jne     .no_interrupt
        say16   "                  int 60h went through the vector at 0000:0180 to "
        mov     ax, cs
        call    hex16_16
        say16   ":"
        mov     ax, R(real_interrupt)
        call    hex16_16
        say16   GREEN, "  ok", GREY, NEWLINE
        jmp     .a20
.no_interrupt:
        say16   RED, "                  int 60h did not reach its handler", GREY, NEWLINE

.a20:
        say16   WHITE, " 2  ", CYAN, "A20           ", GREY
        in      al, 0x92                ; switch the line off, to see what it does
        and     al, 0xFC                ; bit 0 would reset the machine
        out     0x92, al
        call    probe_a20
        jnz     .never_off
        say16   "Off: FFFF:0510 and 0000:0500 are one byte. "
        jmp     .switch_on
.never_off:
        say16   "Address line 20 cannot be switched off here. "
.switch_on:
        in      al, 0x92
        and     al, 0xFC
        or      al, 2
        out     0x92, al
        call    probe_a20
        jz      .still_off
        say16   "On: two.", GREEN, "  ok", GREY, NEWLINE
        jmp     .go_up
.still_off:
        say16   RED, "It stays off!", GREY, NEWLINE

; Up to protected mode: a descriptor table, one bit in CR0, and a far jump that loads CS from the table.
.go_up:
        o32 lgdt [R(gdt_low_pointer)]
        mov     eax, cr0
        or      al, 1                   ; CR0.PE
        mov     cr0, eax
        jmp     dword SELECTOR_CODE:(COPY + R(protected_entry))

; ZF: writing to 0000:0500 shows at FFFF:0510.
probe_a20:
        push    es
        push    fs
        xor     ax, ax
        mov     es, ax
        dec     ax
        mov     fs, ax
        mov     dl, [es:0x500]
        mov     dh, [fs:0x510]
        mov     byte [fs:0x510], 0x5A
        mov     byte [es:0x500], 0xA5
        cmp     byte [fs:0x510], 0xA5
        mov     [fs:0x510], dh
        mov     [es:0x500], dl
        pop     fs
        pop     es
        ret

real_interrupt:
        inc     byte [cs:R(interrupts_seen)]
        iret

; The serial port: 115200 baud, 8 data bits, no parity, FIFOs on. [16550D 8.0]
serial_init16:
        mov     si, R(serial_setup)
.next:
        lodsw
        test    ax, ax
        jz      .done
        movzx   dx, al
        add     dx, COM1
        mov     al, ah
        out     dx, al
        jmp     .next
.done:
        ret

clear_screen16:
        push    es
        mov     ax, 0xB800
        mov     es, ax
        xor     di, di
        mov     ax, 0x0720
        mov     cx, 80 * 25
        rep stosw
        pop     es
        mov     dword [R(cursor)], 0
        mov     byte [R(attribute)], 7
        ret

print_inline16:
        pop     si
.next:
        lodsb
        test    al, al
        jz      .done
        call    putc16
        jmp     .next
.done:
        jmp     si

hex16_16:
        xchg    al, ah
        call    hex8_16
        mov     al, ah
hex8_16:
        push    ax
        shr     al, 4
        call    .digit
        pop     ax
        push    ax
        call    .digit
        pop     ax
        ret
.digit:
        and     al, 15
        cmp     al, 10
        sbb     al, 0x69                ; '0' to '9' and 'A' to 'F' without a table
        das
        jmp     putc16

; AL: a character, NEWLINE, or a colour. To the screen and to the serial port. Changes AL only.
putc16:
        pusha
        push    es
        cmp     al, NEWLINE
        je      .newline
        cmp     al, 0x20
        jb      .colour
        call    serial16
        mov     dx, 0xB800
        mov     es, dx
        mov     di, [R(cursor)]
        shl     di, 1
        mov     ah, [R(attribute)]
        stosw
        inc     word [R(cursor)]
        jmp     .done
.newline:
        mov     al, 13
        call    serial16
        mov     al, 10
        call    serial16
        mov     ax, [R(cursor)]
        mov     bl, 80
        div     bl
        inc     al
        mul     bl
        mov     [R(cursor)], ax
        jmp     .done
.colour:
        and     al, 15
        mov     [R(attribute)], al
        movzx   bx, al
        add     bx, bx
        push    word [bx + R(ansi_colours)]
        mov     al, 27
        call    serial16
        mov     al, '['
        call    serial16
        pop     ax
        call    serial16
        mov     al, ah
        call    serial16
        mov     al, 'm'
        call    serial16
.done:
        pop     es
        popa
        ret

serial16:
        push    ax
        mov     cx, 0xFFFF              ; a port that never gets ready must not stop the story
        mov     dx, COM1 + 5
.wait:
        in      al, dx
        test    al, 0x20                ; LSR: transmitter holding register empty
        loopz   .wait
        pop     ax
        mov     dx, COM1
        out     dx, al
        ret
