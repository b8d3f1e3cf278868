; The story from protected mode on: exceptions, paging, interrupts. Every step does the real thing and then says what
; it saw; where something does not work as told, it says so in red and goes on.

story:
        step    "3", "Protected     "
        say     "CS="
        mov     eax, cs
        call    hex16
        say     ", a selector: base 0, limit 4 GiB. CR0="
        mov     eax, cr0
        call    hex32
        say     GREEN, "  ok", GREY, NEWLINE

story_exceptions:
        call    build_idt
        step    "4", "Exceptions    "
        say     "1 / 0: "
        mov     dword [seen_vector], -1
        mov     dword [resume], .divided
        xor     edx, edx
        mov     eax, 1
        xor     ecx, ecx
        div     ecx
.divided:
        call    tell_exception
        say     ", UD2: "
        mov     dword [seen_vector], -1
        mov     dword [resume], .undefined
        ud2
.undefined:
        call    tell_exception
        say     ", MOV DS,78h: "
        mov     dword [seen_vector], -1
        mov     dword [resume], .protected
        mov     eax, 0x78               ; no such descriptor
        mov     ds, eax
.protected:
        call    tell_exception
        cmp     dword [seen_vector], 13
        jne     .wrong
        say     GREEN, "  ok", NEWLINE
        jmp     story_paging
.wrong:
        say     RED, "  unexpected", NEWLINE

story_paging:
        call    build_pages
        step    "5", "Paging        "
        say     "CR3="
        mov     eax, cr3
        call    hex32
        say     ". 16 MiB one to one; 40000000 maps to "
        mov     eax, DEMO_PAGE
        call    hex32
        say     ".", NEWLINE, "                  "
        mov     dword [DEMO_PAGE], 0x12345678
        mov     eax, [DEMO_LINEAR]
        cmp     eax, 0x12345678
        jne     .wrong
        say     "A write to one shows in the other; "
        mov     dword [seen_vector], -1
        mov     dword [resume], .read
        mov     eax, [0xDEADB000]       ; not mapped
.read:
        cmp     dword [seen_vector], 14
        jne     .wrong
        cmp     dword [seen_cr2], 0xDEADB000
        jne     .wrong
        say     "DEADB000: "
        call    tell_exception
        say     GREEN, "  ok", NEWLINE
        jmp     story_interrupts
.wrong:
        say     RED, "not as it should be", NEWLINE

story_interrupts:
        call    setup_pic
        call    setup_timer
        step    "6", "Interrupts    "
        say     "the two 8259 now give vectors 20h to 2Fh.", NEWLINE
        step    "7", "Timer         "
        say     "the 8254 divides 1193182 Hz by 11931: "
        sti
        mov     eax, 10
        call    wait_ticks
        mov     eax, [ticks]
        call    decimal
        say     " ticks at 100 Hz"
        say     GREEN, "  ok", NEWLINE

story_keyboard:
        step    "8", "Keyboard      "
        cli
        call    setup_keyboard
        mov     byte [last_scan_code], 0
        mov     dword [irq_counts + 4], 0
        mov     al, 0xEE                ; the keyboard answers an echo with the same byte
        out     0x60, al
        sti
        mov     ecx, 25
.wait:
        cmp     byte [last_scan_code], 0xEE
        je      .answered
        mov     eax, 1
        call    wait_ticks
        loop    .wait
        say     YELLOW, "no answer to an echo; the serial port works too.", NEWLINE
        jmp     story_end
.answered:
        say     "asked for an echo, it raised IRQ 1 and gave "
        movzx   eax, byte [last_scan_code]
        call    hex8
        say     "h", GREEN, "  ok", NEWLINE

story_end:
        mov     al, 1                   ; the serial port interrupts when a byte has come in
        mov     dx, COM1 + 1
        out     dx, al
        say     NEWLINE, WHITE, " Memory: ", GREY
        mov     eax, [low_kib]
        call    decimal
        say     " KiB below 1 MiB, "
        mov     eax, [high_kib]
        call    decimal
        say     " KiB above. Type ", WHITE, "help", GREY, ", here or on COM1.", NEWLINE
        say     GREEN, " coracle teaching: shell ready", GREY, NEWLINE, NEWLINE
        jmp     shell

; The name of the exception seen last, with its error code where it has one; "nothing" when there was none.
tell_exception:
        mov     eax, [seen_vector]
        cmp     eax, 32
        jae     .none
        call    exception_name
        bt      dword [vectors_with_error_code], eax
        jnc     .done
        say     "("
        mov     eax, [seen_error]
        call    hex16
        say     ")"
.done:
        ret
.none:
        mov     dword [resume], 0
        say     RED, "nothing", GREY
        ret

; Page tables: 16 MiB one to one, and one page more at DEMO_LINEAR. CR0.WP, so that read-only means read-only here.
; [SDM3 4.3]
PAGE_PRESENT    equ 1
PAGE_WRITABLE   equ 2

build_pages:
        mov     edi, PAGE_DIRECTORY
        xor     eax, eax
        mov     ecx, (DEMO_PAGE + 0x1000 - PAGE_DIRECTORY) / 4
        rep stosd
        mov     edi, PAGE_TABLES
        mov     eax, PAGE_PRESENT | PAGE_WRITABLE
.page:
        stosd
        add     eax, 0x1000
        cmp     eax, MAPPED_BYTES
        jb      .page
        mov     edi, PAGE_DIRECTORY
        mov     eax, PAGE_TABLES | PAGE_PRESENT | PAGE_WRITABLE
.table:
        stosd
        add     eax, 0x1000
        cmp     eax, PAGE_TABLES + MAPPED_BYTES / 1024
        jb      .table
        mov     dword [PAGE_DIRECTORY + (DEMO_LINEAR >> 22) * 4], PAGE_TABLE_DEMO | PAGE_PRESENT | PAGE_WRITABLE
        mov     dword [PAGE_TABLE_DEMO], DEMO_PAGE | PAGE_PRESENT
        mov     eax, PAGE_DIRECTORY
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80010000         ; CR0.PG, CR0.WP
        mov     cr0, eax
        jmp     short .on
.on:
        ret
