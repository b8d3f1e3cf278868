; The interrupt descriptor table, exceptions, and the hardware interrupts of timer, keyboard and serial port.
; [SDM3 6; 8259A "Programming"; 8254 "Mode 2"; 8042; 16550D 8.6]

IRQ_BASE        equ 0x20                ; the controllers' vectors, clear of the exceptions' 0 to 1Fh
VECTORS         equ 48
TICKS_PER_SECOND equ 100
PIT_DIVISOR     equ 1193182 / TICKS_PER_SECOND

; One entry point per vector. The processor pushes an error code for some exceptions; the others push 0 here, so that
; all frames look alike.
%assign vector 0
%rep VECTORS
        align   16
%if vector = 0
vector_entries:
%endif
%if vector < 32 && ((0x60227D00 >> vector) & 1) = 1
        nop
        nop
%else
        push    byte 0
%endif
        push    byte vector
        jmp     near interrupt_common
%assign vector vector + 1
%endrep

interrupt_common:
        pushad
        cld
        mov     eax, [esp + 32]
        cmp     eax, IRQ_BASE
        jae     hardware_interrupt

; An exception: note what happened. If the code that caused it has said where to go on, go on there; otherwise show
; the frame and return to the shell.
exception:
        mov     [seen_vector], eax
        mov     eax, [esp + 36]
        mov     [seen_error], eax
        mov     eax, [esp + 40]
        mov     [seen_eip], eax
        mov     eax, [esp + 44]
        mov     [seen_cs], eax
        mov     eax, [esp + 48]
        mov     [seen_eflags], eax
        mov     eax, cr2
        mov     [seen_cr2], eax
        mov     eax, [resume]
        test    eax, eax
        jz      .show
        mov     [esp + 40], eax
        mov     dword [resume], 0
        popad
        add     esp, 8
        iretd
.show:
        mov     ebp, esp
        call    show_frame
        mov     esp, STACK_TOP
        sti
        jmp     shell

hardware_interrupt:
        sub     eax, IRQ_BASE
        inc     dword [irq_counts + eax * 4]
        jmp     [irq_handlers + eax * 4]

irq_handlers:
        dd      irq_timer, irq_keyboard, irq_done, irq_done, irq_serial, irq_done, irq_done, irq_done
        times   8 dd irq_done

irq_timer:
        inc     dword [ticks]
        jmp     irq_done

irq_serial:
        mov     dx, COM1 + 5
        in      al, dx
        cmp     al, 0xFF                ; no such port
        je      irq_done
        test    al, 1                   ; LSR: data ready
        jz      irq_done
        mov     dx, COM1
        in      al, dx
        call    input_put
        jmp     irq_serial

irq_keyboard:
        in      al, 0x60
        mov     [last_scan_code], al
        call    keyboard_code
        jmp     irq_done

; End of interrupt: to the second controller too when the request came through it.
irq_done:
        mov     al, 0x20
        cmp     dword [esp + 32], IRQ_BASE + 8
        jb      .first
        out     0xA0, al
.first:
        out     0x20, al
        popad
        add     esp, 8
        iretd

; Scan codes of set 1 to characters. Key up has bit 7 set.
keyboard_code:
        cmp     al, 0xE0                ; a prefix: only Enter and / of the number pad matter here
        je      .ignore
        mov     ah, al
        and     ah, 0x7F
        cmp     ah, 0x2A
        je      .shift
        cmp     ah, 0x36
        je      .shift
        test    al, 0x80
        jnz     .ignore
        cmp     al, 0x3A
        jae     .ignore
        movzx   eax, al
        cmp     byte [shift_held], 0
        jne     .shifted
        mov     al, [keys + eax]
        jmp     .character
.shifted:
        mov     al, [shifted_keys + eax]
.character:
        test    al, al
        jnz     input_put
.ignore:
        ret
.shift:
        not     al
        shr     al, 7
        mov     [shift_held], al
        ret

; AL into the ring that the shell reads from; dropped when the ring is full.
input_put:
        movzx   ecx, byte [input_head]
        mov     [input_ring + ecx], al
        inc     cl
        cmp     cl, [input_tail]
        je      .full
        mov     [input_head], cl
.full:
        ret

build_idt:
        mov     edi, IDT_BASE
        mov     eax, vector_entries
        mov     ecx, VECTORS
.next:
        mov     [edi], ax
        mov     word [edi + 2], SELECTOR_CODE
        mov     word [edi + 4], 0x8E00  ; present, ring 0, 32-bit interrupt gate
        mov     edx, eax
        shr     edx, 16
        mov     [edi + 6], dx
        add     edi, 8
        add     eax, 16
        loop    .next
        lidt    [idt_pointer]
        ret

; Both controllers: edge-triggered, cascaded through request 2, vectors from IRQ_BASE, all masked but timer, keyboard,
; cascade and serial port.
setup_pic:
        mov     esi, pic_setup
        jmp     write_ports

setup_timer:
        mov     esi, timer_setup
        jmp     write_ports

; ESI: pairs of port and value, ended by port 0.
write_ports:
        movzx   edx, word [esi]
        test    edx, edx
        jz      .done
        mov     al, [esi + 2]
        out     dx, al
        add     esi, 3
        jmp     write_ports
.done:
        ret

; The keyboard controller: interrupt and translation to set 1 on, keyboard sending.
setup_keyboard:
        call    keyboard_drain
        mov     al, 0x60                ; write the command byte
        out     0x64, al
        call    keyboard_ready
        mov     al, 0x45                ; translate, system flag, interrupt 1
        out     0x60, al
        call    keyboard_ready
        mov     al, 0xAE                ; enable the keyboard's port
        out     0x64, al
        call    keyboard_ready
        mov     al, 0xF4                ; keyboard: start scanning
        out     0x60, al
        call    keyboard_ready
        mov     ecx, 100000
.acknowledge:
        in      al, 0x64
        test    al, 1
        jnz     keyboard_drain
        loop    .acknowledge
keyboard_drain:
        in      al, 0x64
        test    al, 1
        jz      .empty
        cmp     al, 0xFF
        je      .empty
        in      al, 0x60
        jmp     keyboard_drain
.empty:
        ret

keyboard_ready:
        mov     ecx, 100000
.wait:
        in      al, 0x64
        test    al, 2                   ; the controller has not taken the last byte
        loopnz  .wait
        ret

; Waits EAX ticks, halted between interrupts.
wait_ticks:
        add     eax, [ticks]
.wait:
        hlt
        cmp     [ticks], eax
        js      .wait
        ret
