; Output to the text screen at B8000h and to the serial port alike. No routine here changes a register.

print_inline:
        xchg    esi, [esp]
        push    eax
.next:
        lodsb
        test    al, al
        jz      .done
        call    putc
        jmp     .next
.done:
        pop     eax
        xchg    esi, [esp]
        ret

; ESI: a text that ends with 0.
print:
        push    esi
        push    eax
.next:
        lodsb
        test    al, al
        jz      .done
        call    putc
        jmp     .next
.done:
        pop     eax
        pop     esi
        ret

; AL: a character, NEWLINE, 8 (back one place), or a colour.
putc:
        pushad
        cmp     al, NEWLINE
        je      .newline
        cmp     al, 8
        je      .back
        cmp     al, 0x20
        jb      .colour
        call    serial
        mov     edi, [cursor]
        mov     ah, [attribute]
        mov     [0xB8000 + edi * 2], ax
        inc     dword [cursor]
        jmp     .place
.newline:
        mov     al, 13
        call    serial
        mov     al, 10
        call    serial
        mov     eax, [cursor]
        xor     edx, edx
        mov     ecx, 80
        div     ecx
        inc     eax
        mul     ecx
        mov     [cursor], eax
        jmp     .place
.back:
        call    serial
        cmp     dword [cursor], 0
        je      .done
        dec     dword [cursor]
        jmp     .place
.colour:
        and     eax, 15
        mov     [attribute], al
        mov     ebx, eax
        mov     al, 27
        call    serial
        mov     al, '['
        call    serial
        mov     al, [ansi_colours + ebx * 2]
        call    serial
        mov     al, [ansi_colours + ebx * 2 + 1]
        call    serial
        mov     al, 'm'
        call    serial
        jmp     .done
.place:
        cmp     dword [cursor], 80 * 25
        jb      .show_cursor
        mov     esi, 0xB8000 + 160      ; up one line
        mov     edi, 0xB8000
        mov     ecx, 80 * 24 / 2
        rep movsd
        mov     eax, 0x07200720
        mov     ecx, 80 / 2
        rep stosd
        sub     dword [cursor], 80
.show_cursor:
        mov     ebx, [cursor]
        mov     edx, 0x3D4
        mov     al, 14                  ; the CRT controller's cursor location, high and low
        mov     ah, bh
        out     dx, ax
        mov     al, 15
        mov     ah, bl
        out     dx, ax
.done:
        popad
        ret

; AL to the serial port alone.
serial:
        push    ecx
        push    edx
        push    eax
        mov     ecx, 0xFFFF
        mov     edx, COM1 + 5
.wait:
        in      al, dx
        test    al, 0x20                ; LSR: transmitter holding register empty
        loopz   .wait
        pop     eax
        push    eax
        mov     edx, COM1
        out     dx, al
        pop     eax
        pop     edx
        pop     ecx
        ret

clear_screen:
        pushad
        mov     edi, 0xB8000
        mov     eax, 0x07200720
        mov     ecx, 80 * 25 / 2
        rep stosd
        mov     dword [cursor], 0
        mov     esi, ansi_clear
.next:
        lodsb
        test    al, al
        jz      .done
        call    serial
        jmp     .next
.done:
        say     GREY
        popad
        ret

; EAX, AX or AL in hexadecimal.
hex32:
        rol     eax, 16
        call    hex16
        rol     eax, 16
hex16:
        xchg    al, ah
        call    hex8
        xchg    al, ah
hex8:
        ror     al, 4
        call    hex4
        ror     al, 4
hex4:
        push    eax
        and     eax, 15
        mov     al, [hex_digits + eax]
        call    putc
        pop     eax
        ret

; EAX in decimal.
decimal:
        pushad
        mov     ebx, 10
        xor     ecx, ecx
.divide:
        xor     edx, edx
        div     ebx
        push    edx
        inc     ecx
        test    eax, eax
        jnz     .divide
.digit:
        pop     eax
        add     al, '0'
        call    putc
        loop    .digit
        popad
        ret

; EAX: bits; ESI: a list of bit number and name, ended by FFh. Names of bits that are set, with a space before each.
print_bits:
        pushad
        mov     edx, eax
.next:
        movzx   ecx, byte [esi]
        inc     esi
        cmp     cl, 0xFF
        je      .done
        bt      edx, ecx
        jnc     .skip
        mov     al, ' '
        call    putc
        call    print
.skip:
        lodsb
        test    al, al
        jnz     .skip
        jmp     .next
.done:
        popad
        ret

; Spaces up to column AL of the screen.
column:
        pushad
        movzx   ebx, al
.next:
        mov     eax, [cursor]
        xor     edx, edx
        mov     ecx, 80
        div     ecx
        cmp     edx, ebx
        jae     .done
        mov     al, ' '
        call    putc
        jmp     .next
.done:
        popad
        ret
