; Texts, tables and variables.

        align   4
idt_pointer:
        dw      VECTORS * 8 - 1
        dd      IDT_BASE
no_idt: dw      0
        dd      0
table_pointer:
        dw      0
        dd      0

; Register of the serial port and value.
serial_setup:
        db      1, 0x00                 ; no interrupts yet
        db      3, 0x80                 ; DLAB: the divisor
        db      0, 0x01                 ; 115200 baud
        db      1, 0x00
        db      3, 0x03                 ; 8 data bits, no parity, 1 stop bit
        db      2, 0x07                 ; FIFOs on and empty
        db      4, 0x0B                 ; DTR, RTS, and OUT2, which lets interrupts through
        db      0, 0

%macro port 2
        dw      %1
        db      %2
%endmacro

pic_setup:
        port    0x20, 0x11              ; ICW1: edges, cascade, ICW4 follows
        port    0xA0, 0x11
        port    0x21, IRQ_BASE          ; ICW2: vectors
        port    0xA1, IRQ_BASE + 8
        port    0x21, 0x04              ; ICW3: the second hangs at request 2
        port    0xA1, 0x02
        port    0x21, 0x01              ; ICW4: 8086 mode
        port    0xA1, 0x01
        port    0x21, 0xE8              ; all masked but 0, 1, 2 and 4
        port    0xA1, 0xFF
        dw      0
timer_setup:
        port    0x43, 0x34              ; counter 0, low byte then high, mode 2
        port    0x40, PIT_DIVISOR & 0xFF
        port    0x40, PIT_DIVISOR >> 8
        dw      0

ansi_colours:
        db      "30", "34", "32", "36", "31", "35", "33", "00", "90", "94", "92", "96", "91", "95", "93", "97"
ansi_clear:
        db      27, "[2J", 27, "[H", 0
hex_digits:
        db      "0123456789ABCDEF"

keys:
        db      0, 27, "1234567890-=", 8, 9, "qwertyuiop[]", 13, 0, "asdfghjkl;'`", 0, "\zxcvbnm,./", 0, "*", 0, " "
        times   0x3A - ($ - keys) db 0
shifted_keys:
        db      0, 27, "!@#$%^&*()_+", 8, 9, "QWERTYUIOP{}", 13, 0, 'ASDFGHJKL:"~', 0, "|ZXCVBNM<>?", 0, "*", 0, " "
        times   0x3A - ($ - shifted_keys) db 0

exception_names:
        db      "#DE", 0, "#DB", 0, "NMI", 0, "#BP", 0, "#OF", 0, "#BR", 0, "#UD", 0, "#NM", 0, "#DF", 0, "009", 0
        db      "#TS", 0, "#NP", 0, "#SS", 0, "#GP", 0, "#PF", 0, "00F", 0, "#MF", 0, "#AC", 0, "#MC", 0, "#XM", 0
exception_unnamed:
        db      "reserved", 0
vectors_with_error_code:
        dd      0x60227D00

frame_registers:
        db      28, "EAX=", 0, 16, " EBX=", 0, 24, " ECX=", 0, 20, " EDX=", 0
        db      4, " ESI=", 0, 0, " EDI=", 0, 0xFF
page_fault_clear:
        db      0, "not present,", 0, 1, "a read", 0, 0xFF
page_fault_set:
        db      0, "protection,", 0, 1, "a write", 0, 2, "by user code", 0, 0xFF
page_names:
        db      0, "present", 0, 1, "writable", 0, 2, "user", 0, 5, "accessed", 0, 6, "dirty", 0, 7, "large", 0
        db      8, "global", 0, 0xFF
cr0_names:
        db      31, "PG", 0, 30, "CD", 0, 29, "NW", 0, 18, "AM", 0, 16, "WP", 0, 5, "NE", 0, 4, "ET", 0, 3, "TS", 0
        db      2, "EM", 0, 1, "MP", 0, 0, "PE", 0, 0xFF
cr4_names:
        db      0, "VME", 0, 1, "PVI", 0, 2, "TSD", 0, 3, "DE", 0, 4, "PSE", 0, 5, "PAE", 0, 6, "MCE", 0, 7, "PGE", 0
        db      9, "OSFXSR", 0, 10, "OSXMMEXCPT", 0, 0xFF
eflags_names:
        db      21, "ID", 0, 17, "VM", 0, 16, "RF", 0, 14, "NT", 0, 11, "OF", 0, 10, "DF", 0, 9, "IF", 0, 8, "TF", 0
        db      7, "SF", 0, 6, "ZF", 0, 4, "AF", 0, 2, "PF", 0, 0, "CF", 0, 0xFF
descriptor_bits:
        db      15, "present", 0, 11, "code", 0, 9, "writable/readable", 0, 8, "accessed", 0, 22, "32-bit", 0
        db      23, "pages", 0, 0xFF
features_edx:
        db      0, "fpu", 0, 1, "vme", 0, 2, "de", 0, 3, "pse", 0, 4, "tsc", 0, 5, "msr", 0, 6, "pae", 0, 7, "mce", 0
        db      8, "cx8", 0, 9, "apic", 0, 11, "sep", 0, 12, "mtrr", 0, 13, "pge", 0, 15, "cmov", 0, 16, "pat", 0
        db      17, "pse36", 0, 23, "mmx", 0, 24, "fxsr", 0, 25, "sse", 0, 26, "sse2", 0, 0xFF
features_ecx:
        db      0, "sse3", 0, 9, "ssse3", 0, 13, "cx16", 0, 19, "sse4.1", 0, 20, "sse4.2", 0, 23, "popcnt", 0
        db      25, "aes", 0, 26, "xsave", 0, 28, "avx", 0, 31, "hypervisor", 0, 0xFF
class_names:
        dw      0x0100
        db      "SCSI controller", 0
        dw      0x0101
        db      "IDE controller", 0
        dw      0x0106
        db      "SATA controller", 0
        dw      0x0200
        db      "Ethernet controller", 0
        dw      0x0300
        db      "VGA display", 0
        dw      0x0401
        db      "sound", 0
        dw      0x0403
        db      "sound", 0
        dw      0x0600
        db      "host bridge", 0
        dw      0x0601
        db      "ISA bridge", 0
        dw      0x0604
        db      "PCI bridge", 0
        dw      0x0680
        db      "bridge (power management)", 0
        dw      0x0C03
        db      "USB controller", 0
        dw      0xFFFF
        db      "other", 0

; Handler and name of every command.
        align   4
commands:
        dd      command_help, name_help, command_mem, name_mem, command_poke, name_poke, command_in, name_in
        dd      command_out, name_out, command_gdt, name_gdt, command_idt, name_idt, command_regs, name_regs
        dd      command_pages, name_pages, command_ticks, name_ticks, command_irqs, name_irqs
        dd      command_cpuid, name_cpuid, command_pci, name_pci, command_fault, name_fault
        dd      command_clear, name_clear, command_reboot, name_reboot, command_halt, name_halt
        dd      command_poweroff, name_poweroff
        dd      0
name_help:      db "help", 0
name_mem:       db "mem", 0
name_poke:      db "poke", 0
name_in:        db "in", 0
name_out:       db "out", 0
name_gdt:       db "gdt", 0
name_idt:       db "idt", 0
name_regs:      db "regs", 0
name_pages:     db "pages", 0
name_ticks:     db "ticks", 0
name_irqs:      db "irqs", 0
name_cpuid:     db "cpuid", 0
name_pci:       db "pci", 0
name_fault:     db "fault", 0
name_clear:     db "clear", 0
name_reboot:    db "reboot", 0
name_halt:      db "halt", 0
name_poweroff:  db "poweroff", 0

; Name in two letters, and the code that provokes it.
%macro provoke 2
        db      %1
        dd      %2
%endmacro
faults:
        provoke "de", fault_de
        provoke "db", fault_db
        provoke "bp", fault_bp
        provoke "of", fault_of
        provoke "br", fault_br
        provoke "ud", fault_ud
        provoke "np", fault_np
        provoke "ss", fault_ss
        provoke "gp", fault_gp
        provoke "pf", fault_pf
        provoke "wp", fault_wp
        dw      0

use_mem:        db "mem ADDRESS [LENGTH]    (numbers are hexadecimal)", 0
use_poke:       db "poke ADDRESS BYTE ...", 0
use_in:         db "in PORT [1|2|4]", 0
use_out:        db "out PORT VALUE [1|2|4]", 0
use_pages:      db "pages ADDRESS", 0
use_fault:      db "fault de|db|bp|of|br|ud|np|ss|gp|pf|wp", 0

%macro help 2+
        db      CYAN, " ", %1, GREY, %2, NEWLINE
%endmacro
help_text:
        help    "mem ADDR [LEN]   ", "bytes in memory; try mem b8000, the text screen itself"
        help    "poke ADDR BYTE.. ", "write bytes; try poke b8f00 02 2f 03 2f"
        help    "in PORT [1|2|4]  ", "read a port; in 40 is the timer counting down"
        help    "out PORT VAL [N] ", "write a port; out 21 e9 silences the timer, e8 wakes it"
        help    "gdt  idt         ", "the descriptor tables: segments, and where interrupts go"
        help    "regs             ", "control registers, flags, segments"
        help    "pages ADDR       ", "walk the page tables; try pages b8000 and pages 40000000"
        help    "fault NAME       ", "provoke an exception: de db bp of br ud np ss gp pf wp"
        help    "ticks  irqs      ", "time by the timer's interrupts; interrupts taken so far"
        help    "cpuid  pci       ", "what the processor says it is; devices on the PCI bus"
        help    "clear            ", "an empty screen"
        help    "reboot halt poweroff", "  ways out"
        db      0

        align   4
bounds:         dd 0, 3
low_kib:        dd 0
high_kib:       dd 0
cursor:         dd 0
ticks:          dd 0
resume:         dd 0
seen_vector:    dd 0
seen_error:     dd 0
seen_eip:       dd 0
seen_cs:        dd 0
seen_eflags:    dd 0
seen_cr2:       dd 0
irq_counts:     times 16 dd 0
vendor:         times 12 db 0
                db 0
attribute:      db 7
by_firmware:    db 0
interrupts_seen: db 0
last_scan_code: db 0
shift_held:     db 0
input_head:     db 0
input_tail:     db 0
input_ring:     times 256 db 0
line:           times LINE_LENGTH + 1 db 0
