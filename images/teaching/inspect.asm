; The shell's commands that look: tables, registers, page walk, devices.

command_ticks:
        mov     eax, [ticks]
        call    decimal
        say     " ticks since the timer was started, "
        xor     edx, edx
        mov     ecx, TICKS_PER_SECOND
        div     ecx
        call    decimal
        say     " s", NEWLINE
        ret

command_irqs:
        xor     ebx, ebx
.next:
        cmp     dword [irq_counts + ebx * 4], 0
        je      .skip
        say     CYAN, " IRQ "
        mov     eax, ebx
        call    decimal
        say     GREY, " "
        mov     eax, [irq_counts + ebx * 4]
        call    decimal
        say     NEWLINE
.skip:
        inc     ebx
        cmp     ebx, 16
        jb      .next
        say     DIM, " masks: "
        in      al, 0x21
        call    hex8
        say     " "
        in      al, 0xA1
        call    hex8
        say     GREY, NEWLINE
        ret

; The entries of the descriptor table in force.
command_gdt:
        sgdt    [table_pointer]
        say     DIM, " GDTR "
        call    print_table_pointer
        say     " selector base     limit    type", GREY, NEWLINE
        mov     edi, [table_pointer + 2]
        movzx   ebp, word [table_pointer]
        xor     ebx, ebx
.next:
        say     CYAN, "     "
        mov     eax, ebx
        call    hex16
        say     GREY, " "
        mov     eax, [edi + ebx + 2]    ; base 0 to 23, then 24 to 31
        and     eax, 0xFFFFFF
        mov     ecx, [edi + ebx + 4]
        and     ecx, 0xFF000000
        or      eax, ecx
        call    hex32
        say     " "
        mov     ecx, [edi + ebx + 4]
        mov     eax, ecx
        and     eax, 0x000F0000
        mov     ax, [edi + ebx]
        bt      ecx, 23                 ; G: the limit counts pages
        jnc     .limit
        shl     eax, 12
        or      eax, 0xFFF
.limit:
        call    hex32
        mov     eax, ecx
        mov     esi, descriptor_bits
        call    print_bits
        say     NEWLINE
        add     ebx, 8
        cmp     ebx, ebp
        jb      .next
        ret

print_table_pointer:
        push    eax
        say     "base "
        mov     eax, [table_pointer + 2]
        call    hex32
        say     " limit "
        mov     ax, [table_pointer]
        call    hex16
        say     GREY, NEWLINE
        pop     eax
        ret

; The gates, three a line: vector, selector and offset of the handler.
command_idt:
        sidt    [table_pointer]
        say     DIM, " IDTR "
        call    print_table_pointer
        mov     edi, [table_pointer + 2]
        xor     ebx, ebx
.next:
        say     CYAN, " "
        mov     eax, ebx
        call    hex8
        say     GREY, " "
        mov     ax, [edi + ebx * 8 + 2]
        call    hex16
        say     ":"
        mov     eax, [edi + ebx * 8 + 4]
        mov     ax, [edi + ebx * 8]
        call    hex32
        say     DIM, " "
        cmp     ebx, 20
        jae     .hardware
        mov     eax, ebx
        call    exception_name
        jmp     .named
.hardware:
        cmp     ebx, IRQ_BASE
        jb      .named
        say     "IRQ "
        lea     eax, [ebx - IRQ_BASE]
        call    decimal
.named:
        inc     ebx
        mov     eax, ebx
        xor     edx, edx
        mov     ecx, 3
        div     ecx
        test    edx, edx
        jz      .line
        mov     al, 26
        imul    edx, edx, 26
        mov     al, dl
        call    column
        jmp     .more
.line:
        say     GREY, NEWLINE
.more:
        cmp     ebx, VECTORS
        jb      .next
        ret

; regs: control and segment registers and flags, with the bits that are set.
command_regs:
        say     CYAN, " CR0 ", GREY
        mov     eax, cr0
        call    hex32
        mov     esi, cr0_names
        call    print_bits
        say     NEWLINE, CYAN, " CR2 ", GREY
        mov     eax, cr2
        call    hex32
        say     CYAN, "  CR3 ", GREY
        mov     eax, cr3
        call    hex32
        say     NEWLINE, CYAN, " CR4 ", GREY
        mov     eax, cr4
        call    hex32
        mov     esi, cr4_names
        call    print_bits
        say     NEWLINE, CYAN, " EFLAGS ", GREY
        pushfd
        pop     eax
        call    hex32
        mov     esi, eflags_names
        call    print_bits
        say     NEWLINE, CYAN, " CS ", GREY
        mov     eax, cs
        call    hex16
        say     CYAN, " DS ", GREY
        mov     eax, ds
        call    hex16
        say     CYAN, " ES ", GREY
        mov     eax, es
        call    hex16
        say     CYAN, " SS ", GREY
        mov     eax, ss
        call    hex16
        say     CYAN, " FS ", GREY
        mov     eax, fs
        call    hex16
        say     CYAN, " GS ", GREY
        mov     eax, gs
        call    hex16
        say     CYAN, "  ESP ", GREY
        mov     eax, esp
        call    hex32
        say     NEWLINE
        ret

; pages ADDR: how the processor finds the frame behind a linear address. [SDM3 4.3]
command_pages:
        call    parse_hex
        jc      .usage
        mov     ebx, eax
        say     " CR3 "
        mov     eax, cr3
        call    hex32
        say     NEWLINE, " PDE["
        mov     edi, eax
        mov     eax, ebx
        shr     eax, 22
        call    hex16
        say     "] at "
        lea     edi, [edi + eax * 4]
        call    .entry
        jnc     .absent
        say     " PTE["
        mov     eax, ebx
        shr     eax, 12
        and     eax, 0x3FF
        call    hex16
        say     "] at "
        and     edi, 0xFFFFF000
        lea     edi, [edi + eax * 4]
        call    .entry
        jnc     .absent
        say     GREEN, " linear "
        mov     eax, ebx
        call    hex32
        say     " is physical "
        and     edi, 0xFFFFF000
        and     eax, 0xFFF
        or      eax, edi
        call    hex32
        say     GREY, NEWLINE
        ret
.absent:
        say     YELLOW, " not present: an access gives a page fault", GREY, NEWLINE
        ret
.usage:
        mov     esi, use_pages
        jmp     usage
; EDI: where the entry is. Shows it and gives it in EDI; CF: present.
.entry:
        mov     eax, edi
        call    hex32
        say     " = ", WHITE
        mov     edi, [edi]
        mov     eax, edi
        call    hex32
        say     GREY
        mov     esi, page_names
        call    print_bits
        say     NEWLINE
        bt      edi, 0
        ret

; cpuid: vendor, signature and features, as the processor tells them.
command_cpuid:
        pushfd
        pop     eax
        mov     ebx, eax
        xor     eax, 1 << 21            ; EFLAGS.ID can be changed when there is CPUID
        push    eax
        popfd
        pushfd
        pop     eax
        cmp     eax, ebx
        je      .none
        xor     eax, eax
        cpuid
        mov     [vendor], ebx
        mov     [vendor + 4], edx
        mov     [vendor + 8], ecx
        say     " vendor ", WHITE
        mov     esi, vendor
        call    print
        say     GREY, ", leaves to "
        call    hex32
        mov     eax, 1
        cpuid
        say     NEWLINE, " signature "
        call    hex32
        mov     ebx, eax
        say     ": family "
        shr     eax, 8
        and     eax, 15
        call    decimal
        say     " model "
        mov     eax, ebx
        shr     eax, 4
        and     eax, 15
        call    decimal
        say     " stepping "
        mov     eax, ebx
        and     eax, 15
        call    decimal
        say     NEWLINE, DIM
        mov     eax, edx
        mov     esi, features_edx
        call    print_bits
        mov     eax, ecx
        mov     esi, features_ecx
        call    print_bits
        say     GREY, NEWLINE
        ret
.none:
        say     "this processor has no CPUID", NEWLINE
        ret

; pci: every function on bus 0, by configuration mechanism 1. [PCI 2.1 3.7.4.1]
command_pci:
        xor     ebx, ebx                ; device * 8 + function
.next:
        xor     ecx, ecx
        call    pci_read
        cmp     ax, 0xFFFF
        je      .skip
        mov     edi, eax
        say     CYAN, " 00:"
        mov     eax, ebx
        shr     eax, 3
        call    hex8
        say     "."
        mov     eax, ebx
        and     eax, 7
        call    hex4
        say     GREY, "  "
        mov     eax, edi
        call    hex16
        say     ":"
        shr     eax, 16
        call    hex16
        say     "  class "
        mov     ecx, 8
        call    pci_read
        shr     eax, 16
        call    hex16
        say     "  ", DIM
        call    print_class
        say     GREY, NEWLINE
.skip:
        test    bl, 7
        jnz     .further
        mov     ecx, 0x0C               ; header type: bit 7 says that there are more functions
        call    pci_read
        bt      eax, 23
        jc      .further
        add     ebx, 7
.further:
        inc     ebx
        cmp     ebx, 256
        jb      .next
        ret

; EBX: device * 8 + function, ECX: register. The value in EAX.
pci_read:
        push    edx
        mov     eax, ebx
        shl     eax, 8
        lea     eax, [eax + ecx + 0x80000000]
        mov     edx, 0xCF8
        out     dx, eax
        mov     edx, 0xCFC
        in      eax, dx
        pop     edx
        ret

print_class:
        mov     esi, class_names
.next:
        cmp     word [esi], 0xFFFF
        je      .found
        cmp     ax, [esi]
        je      .found
        add     esi, 2
.skip:
        cmp     byte [esi], 0
        lea     esi, [esi + 1]
        jne     .skip
        jmp     .next
.found:
        add     esi, 2
        jmp     print
