; The shell: reads a line from keyboard or serial port, finds the command, runs it. An exception inside a command shows
; its frame and comes back here (interrupts.asm).

LINE_LENGTH     equ 72

shell:
        mov     dword [resume], 0
        say     YELLOW, "teach> ", GREY
        call    read_line
        mov     esi, line
        call    skip_spaces
        cmp     byte [esi], 0
        je      shell
        mov     edi, commands
.next:
        cmp     dword [edi], 0
        je      .unknown
        mov     ebx, [edi + 4]          ; its name
        mov     ecx, esi
.compare:
        mov     al, [ebx]
        mov     ah, [ecx]
        test    al, al
        jz      .ended
        inc     ebx
        inc     ecx
        cmp     al, ah
        je      .compare
.differs:
        add     edi, 8
        jmp     .next
.ended:
        cmp     ah, ' '
        ja      .differs
        mov     esi, ecx                ; the arguments
        call    [edi]
        jmp     shell
.unknown:
        say     RED, "no such command; ", GREY, "help lists them", NEWLINE
        jmp     shell

; A command that cannot make sense of its arguments ends here; ESI: how it is used.
usage:
        say     "use: "
        call    print
        say     NEWLINE
        mov     esp, STACK_TOP
        jmp     shell

; A line into `line`, ended by 0.
read_line:
        xor     ebx, ebx
.next:
        call    getc
        cmp     al, 13
        je      .done
        cmp     al, 10
        je      .done
        cmp     al, 8
        je      .back
        cmp     al, 127
        je      .back
        cmp     al, 3                   ; Ctrl-C: start afresh
        je      .afresh
        cmp     al, 0x20
        jb      .next
        cmp     al, 0x7E
        ja      .next
        cmp     ebx, LINE_LENGTH
        jae     .next
        mov     [line + ebx], al
        inc     ebx
        call    putc
        jmp     .next
.back:
        test    ebx, ebx
        jz      .next
        dec     ebx
        say     8, " ", 8
        jmp     .next
.afresh:
        xor     ebx, ebx
.done:
        mov     byte [line + ebx], 0
        say     NEWLINE
        ret

; The next character typed, in AL. The processor is halted while there is none.
getc:
        cli
        movzx   ecx, byte [input_tail]
        cmp     cl, [input_head]
        jne     .take
        sti                             ; takes effect after the next instruction, so no interrupt slips between
        hlt
        jmp     getc
.take:
        mov     al, [input_ring + ecx]
        inc     byte [input_tail]
        sti
        ret

skip_spaces:
        cmp     byte [esi], ' '
        jne     .done
        inc     esi
        jmp     skip_spaces
.done:
        ret

; A hexadecimal number at ESI into EAX; CF when there is none.
parse_hex:
        call    skip_spaces
        push    edx
        push    ecx
        cmp     word [esi], '0x'
        jne     .start
        add     esi, 2
.start:
        xor     edx, edx
        xor     ecx, ecx
.next:
        movzx   eax, byte [esi]
        sub     al, '0'
        cmp     al, 10
        jb      .digit
        mov     al, [esi]
        or      al, 0x20                ; to lower case
        sub     al, 'a' - 10
        cmp     al, 10
        jb      .end
        cmp     al, 16
        jae     .end
.digit:
        shl     edx, 4
        or      dl, al
        inc     esi
        inc     ecx
        jmp     .next
.end:
        cmp     byte [esi], ' '
        ja      .none
        cmp     ecx, 1                  ; CF when there was no digit
        mov     eax, edx
        jmp     .return
.none:
        stc
.return:
        pop     ecx
        pop     edx
        ret
