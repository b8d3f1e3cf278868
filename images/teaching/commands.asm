; The shell's commands that act: memory, ports, faults, and ways out. ESI points at the arguments.

command_help:
        mov     esi, help_text
        jmp     print

command_clear:
        jmp     clear_screen

; mem ADDR [LEN]: 16 bytes a line, as numbers and as characters.
command_mem:
        call    parse_hex
        jc      .usage
        mov     edi, eax
        mov     ebx, 0x40
        call    parse_hex
        jc      .lines
        mov     ebx, eax
.lines:
        cmp     ebx, 0x1000
        jbe     .line
        mov     ebx, 0x1000
.line:
        test    ebx, ebx
        jz      .done
        mov     ecx, 16
        cmp     ebx, ecx
        jae     .full
        mov     ecx, ebx
.full:
        say     CYAN
        mov     eax, edi
        call    hex32
        say     GREY, " "
        xor     edx, edx
.byte:
        say     " "
        mov     al, [edi + edx]
        call    hex8
        inc     edx
        cmp     edx, ecx
        jb      .byte
        mov     al, 60
        call    column
        say     DIM
        xor     edx, edx
.character:
        mov     al, [edi + edx]
        cmp     al, 0x20
        jb      .dot
        cmp     al, 0x7E
        jbe     .shown
.dot:
        mov     al, '.'
.shown:
        call    putc
        inc     edx
        cmp     edx, ecx
        jb      .character
        say     GREY, NEWLINE
        add     edi, ecx
        sub     ebx, ecx
        jmp     .line
.done:
        ret
.usage:
        mov     esi, use_mem
        jmp     usage

; poke ADDR BYTE...
command_poke:
        call    parse_hex
        jc      .usage
        mov     edi, eax
        call    parse_hex
        jc      .usage
.next:
        mov     [edi], al
        inc     edi
        call    parse_hex
        jnc     .next
        ret
.usage:
        mov     esi, use_poke
        jmp     usage

; in PORT [1|2|4]
command_in:
        call    parse_hex
        jc      .usage
        mov     edx, eax
        call    parse_hex
        jc      .byte
        cmp     eax, 1
        je      .byte
        cmp     eax, 2
        je      .word
        cmp     eax, 4
        jne     .usage
        in      eax, dx
        call    hex32
        jmp     .done
.word:
        in      ax, dx
        call    hex16
        jmp     .done
.byte:
        in      al, dx
        call    hex8
.done:
        say     NEWLINE
        ret
.usage:
        mov     esi, use_in
        jmp     usage

; out PORT VALUE [1|2|4]
command_out:
        call    parse_hex
        jc      .usage
        mov     edx, eax
        call    parse_hex
        jc      .usage
        mov     ebx, eax
        call    parse_hex
        jc      .byte
        xchg    eax, ebx
        cmp     ebx, 1
        je      .byte_in_eax
        cmp     ebx, 2
        je      .word
        cmp     ebx, 4
        jne     .usage
        out     dx, eax
        ret
.word:
        out     dx, ax
        ret
.byte:
        mov     eax, ebx
.byte_in_eax:
        out     dx, al
        ret
.usage:
        mov     esi, use_out
        jmp     usage

; fault NAME: does on purpose what the processor does not allow.
command_fault:
        call    skip_spaces
        mov     edi, faults
.next:
        mov     ax, [edi]
        test    ax, ax
        jz      .usage
        cmp     ax, [esi]
        je      .found
        add     edi, 6
        jmp     .next
.found:
        jmp     [edi + 2]
.usage:
        mov     esi, use_fault
        jmp     usage

fault_de:
        xor     edx, edx
        xor     ecx, ecx
        div     ecx
        ret
fault_db:
        pushfd
        or      dword [esp], 0x100      ; EFLAGS.TF: trap after the next instruction
        popfd
        nop
        ret
fault_bp:
        int3
        ret
fault_of:
        mov     al, 0x7F
        inc     al
        into
        ret
fault_br:
        mov     eax, 5
        bound   eax, [bounds]
        ret
fault_ud:
        ud2
        ret
fault_np:
        mov     eax, SELECTOR_ABSENT
        mov     fs, eax
        ret
fault_gp:
        mov     eax, 0x78
        mov     fs, eax
        ret
fault_ss:
        mov     eax, SELECTOR_ABSENT    ; a stack that is not there has an exception of its own
        mov     ss, eax
        ret
fault_pf:
        mov     eax, [0xDEADBEEC]
        ret
fault_wp:
        mov     dword [DEMO_LINEAR], 0  ; mapped read-only
        ret

; ESP in EBP: the registers, then vector, error code, EIP, CS, EFLAGS. [SDM3 6.12.1]
show_frame:
        say     RED, NEWLINE, " Exception ", WHITE
        mov     eax, [seen_vector]
        call    hex8
        say     "h ", RED
        call    exception_name
        say     GREY, "  error code "
        mov     eax, [seen_error]
        call    hex32
        say     NEWLINE, " EIP="
        mov     eax, [seen_eip]
        call    hex32
        say     " CS="
        mov     eax, [seen_cs]
        call    hex16
        say     " EFLAGS="
        mov     eax, [seen_eflags]
        call    hex32
        say     DIM
        mov     esi, eflags_names
        call    print_bits
        say     GREY, NEWLINE, " "
        mov     esi, frame_registers    ; name and place in what PUSHAD stored
.register:
        movzx   ecx, byte [esi]
        inc     esi
        cmp     cl, 0xFF
        je      .last
        call    print
        mov     eax, [ebp + ecx]
        call    hex32
.skip:
        lodsb
        test    al, al
        jnz     .skip
        jmp     .register
.last:
        cmp     dword [seen_vector], 14
        jne     .code
        say     NEWLINE, " CR2="
        mov     eax, [seen_cr2]
        call    hex32
        say     "  the address; the error code says:"
        mov     eax, [seen_error]
        not     eax
        mov     esi, page_fault_clear
        call    print_bits
        not     eax
        mov     esi, page_fault_set
        call    print_bits
.code:
        say     NEWLINE
        ret

; EAX: a vector. Its short name.
exception_name:
        push    esi
        push    eax
        mov     esi, exception_names
        cmp     eax, 20
        jae     .unnamed
        lea     esi, [esi + eax * 4]
        jmp     .print
.unnamed:
        mov     esi, exception_unnamed
.print:
        call    print
        pop     eax
        pop     esi
        ret

command_halt:
        say     "halted: interrupts are off, and nothing wakes the processor", NEWLINE
        cli
        hlt
        jmp     command_halt

command_reboot:
        say     "resetting through the keyboard controller", NEWLINE
        cli
        call    keyboard_ready
        mov     al, 0xFE                ; pulse the reset line
        out     0x64, al
        mov     ecx, 1000000
.wait:
        loop    .wait
        mov     dx, 0xCF9               ; the south bridge's reset control
        mov     al, 6
        out     dx, al
        lidt    [no_idt]                ; an exception without a table: shutdown, which resets
        int3

; ACPI's soft off: SLP_EN with sleep type 0 in PM1a_CNT of the PIIX4 function. [PIIX4 7.2.1, 7.1]
command_poweroff:
        mov     eax, 0x80000000
.find:
        mov     dx, 0xCF8
        out     dx, eax
        mov     ebx, eax
        mov     dx, 0xCFC
        in      eax, dx
        cmp     eax, 0x71138086
        je      .found
        lea     eax, [ebx + 0x100]
        cmp     eax, 0x80010000
        jb      .find
        say     "no ACPI function on the PCI bus; try halt", NEWLINE
        ret
.found:
        lea     eax, [ebx + 0x40]       ; PMBA
        mov     dx, 0xCF8
        out     dx, eax
        mov     dx, 0xCFC
        in      eax, dx
        and     eax, 0xFFC0
        jnz     .based
        mov     eax, 0x601              ; nobody has placed it: do as firmware does
        out     dx, eax
        mov     eax, 0x600
.based:
        mov     ecx, eax
        lea     eax, [ebx + 0x80]       ; PMREGMISC: bit 0 opens the ports
        mov     dx, 0xCF8
        out     dx, eax
        mov     dx, 0xCFC
        in      al, dx
        or      al, 1
        out     dx, al
        say     "good night", NEWLINE
        lea     edx, [ecx + 4]
        mov     ax, 0x2000
        out     dx, ax
        mov     eax, 50                 ; the power may take a moment to go
        call    wait_ticks
        say     "the power stays on; try halt", NEWLINE
        ret
