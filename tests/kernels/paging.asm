; Page faults of every kind with error code and CR2, accessed and dirty bits, WP, PSE, PGE, PAE with NX and reserved
; bits, accesses and instructions across pages, and what drops cached translations. [SDM3 4]
%include "kernel.inc"

; Linear 400000h on is the window for tests: its table is WINDOW.
PD          equ TABLES
LOW_TABLE   equ TABLES + 0x1000
WINDOW      equ TABLES + 0x2000
PDPT        equ TABLES + 0x3000
PAE_PD      equ TABLES + 0x4000
PAE_LOW     equ TABLES + 0x5000
PAE_WINDOW  equ TABLES + 0x6000
PD2         equ TABLES + 0x7000
V           equ 0x400000
CR0_PG      equ 0x80000031
CR0_WP      equ 0x80010031

%macro MAP 2                     ; page of the window, entry
    mov dword [WINDOW + (%1) * 4], %2
    invlpg [V + (%1) * 0x1000]
%endmacro
%macro ENTRY 1                   ; the low bits of a window entry
    mov eax, [WINDOW + (%1) * 4]
    and eax, 0xfff
    VAL eax, 16
%endmacro

main:
    call tables
    mov eax, PD
    mov cr3, eax
    mov eax, CR0_PG
    mov cr0, eax

    CASE "read of a page that is not present"
    MAP 0, 0
    TRY mov eax, [V + 0x123]
    DONE
    CASE "write to a page that is not present"
    TRY mov [V + 0x123], eax
    DONE
    CASE "fetch from a page that is not present"
    EXPECT .fetched
    jmp V + 0x10
.fetched:
    DONE
    CASE "read of a directory entry that is not present"
    TRY mov eax, [0x800000]
    DONE
    CASE "read sets the accessed bit"
    MAP 1, DATA + 1
    TRY mov eax, [V + 0x1000]
    ENTRY 1
    DONE
    CASE "write to a read-only page at level 0 without wp"
    TRY mov [V + 0x1000], eax
    ENTRY 1
    DONE
    CASE "write to a read-only page at level 0 with wp"
    MAP 1, DATA + 1
    mov eax, CR0_WP
    mov cr0, eax
    TRY mov [V + 0x1000], eax
    ENTRY 1
    mov eax, CR0_PG
    mov cr0, eax
    DONE
    CASE "write sets the dirty bit"
    MAP 1, DATA + 3
    TRY mov [V + 0x1000], eax
    ENTRY 1
    DONE
    CASE "read, then write sets the dirty bit"
    MAP 1, DATA + 3
    mov eax, [V + 0x1000]
    TRY mov [V + 0x1000], eax
    ENTRY 1
    DONE
    CASE "accessed bit of the directory"
    and dword [PD + 4], ~0x20
    mov eax, cr3
    mov cr3, eax
    TRY mov eax, [V + 0x1000]
    mov eax, [PD + 4]
    and eax, 0xfff
    VAL eax, 16
    DONE
    CASE "level 3 reads a supervisor page"
    MAP 1, DATA + 3
    USER user_read
    ENTRY 1
    DONE
    CASE "level 3 writes a supervisor page"
    USER user_write
    DONE
    CASE "level 3 fetches from a supervisor page"
    USER user_fetch
    DONE
    CASE "level 3 reads a page that is not present"
    MAP 1, 6
    USER user_read
    DONE
    CASE "level 3 writes a page that is not present"
    USER user_write
    DONE
    CASE "level 3 writes a read-only page"
    MAP 1, DATA + 5
    USER user_write
    ENTRY 1
    DONE
    CASE "level 3 writes under a read-only directory entry"
    MAP 1, DATA + 7
    and dword [PD + 4], ~2
    mov eax, cr3
    mov cr3, eax
    USER user_write
    ENTRY 1
    or dword [PD + 4], 2
    mov eax, cr3
    mov cr3, eax
    DONE
    CASE "level 3 reads and writes its own page"
    MAP 1, DATA + 7
    USER user_write
    ENTRY 1
    DONE
    CASE "read across into a page that is not present"
    MAP 1, DATA + 3
    MAP 2, 0
    TRY mov eax, [V + 0x1ffe]
    ENTRY 1
    DONE
    CASE "read across from a page that is not present"
    MAP 1, 0
    MAP 2, DATA + 0x1003
    TRY mov eax, [V + 0x1ffe]
    DONE
    CASE "write across into a page that is not present leaves the first"
    MAP 1, DATA + 3
    MAP 2, 0
    mov dword [DATA + 0xffc], 0x11223344
    mov eax, -1
    TRY mov [V + 0x1ffe], eax
    mov eax, [DATA + 0xffc]
    VAL eax
    DONE
    CASE "write across into a read-only page with wp"
    MAP 2, DATA + 0x1001
    mov eax, CR0_WP
    mov cr0, eax
    TRY mov [V + 0x1fff], ax
    mov eax, CR0_PG
    mov cr0, eax
    mov eax, [DATA + 0xffc]
    VAL eax
    DONE
    CASE "access across pages that lie apart"
    MAP 1, DATA + 3
    MAP 2, DATA + 0x5003
    mov dword [DATA + 0xffc], 0x11223344
    mov dword [DATA + 0x5000], 0x55667788
    mov eax, [V + 0x1ffe]
    VAL eax
    mov dword [V + 0x1ffd], 0xaabbccdd
    mov eax, [DATA + 0xffc]
    VAL eax
    mov eax, [DATA + 0x5000]
    VAL eax
    add dword [V + 0x1ffe], 0x01010101
    mov eax, [DATA + 0xffc]
    VAL eax
    mov eax, [DATA + 0x5000]
    VAL eax
    DONE
    CASE "instruction across into a page that is not present"
    MAP 1, DATA + 3
    MAP 2, 0
    mov dword [DATA + 0xffd], 0x000000b8
    EXPECT .crossed
    jmp V + 0x1ffd
.crossed:
    DONE
    CASE "instruction across pages that lie apart, second page remapped"
    MAP 2, DATA + 0x5003
    mov byte [DATA + 0xffd], 0xb8
    mov word [DATA + 0xffd + 1], 0x2211
    mov byte [DATA + 0x5000], 0x33
    mov byte [DATA + 0x5001], 0x44
    mov byte [DATA + 0x5002], 0xc3
    call V + 0x1ffd
    VAL eax
    mov byte [DATA + 0x6000], 0x55
    mov byte [DATA + 0x6001], 0x66
    mov byte [DATA + 0x6002], 0xc3
    MAP 2, DATA + 0x6003
    call V + 0x1ffd
    VAL eax
    mov byte [DATA + 0x6000], 0x77
    call V + 0x1ffd
    VAL eax
    DONE
    CASE "block runs on into the next page, which is remapped"
    mov byte [DATA + 0xffe], 0x40      ; inc eax twice, then the next page
    mov byte [DATA + 0xfff], 0x40
    mov dword [DATA + 0x5000], 0xc34040
    mov dword [DATA + 0x6000], 0xc340
    MAP 2, DATA + 0x5003
    xor eax, eax
    call V + 0x1ffe
    VAL eax
    MAP 2, DATA + 0x6003
    xor eax, eax
    call V + 0x1ffe
    VAL eax
    MAP 2, 0
    EXPECT .next_absent
    call V + 0x1ffe
.next_absent:
    DONE
    CASE "push to a page that is not present"
    MAP 1, 0
    USER user_push
    DONE
    CASE "pusha across into a page that is not present"
    MAP 2, DATA + 0x1007
    USER user_pusha
    DONE
    CASE "call with a stack that is not present does not jump"
    USER user_call
    DONE
    CASE "enter into a page that is not present"
    USER user_enter
    DONE
    CASE "page fault while a page fault's frame is pushed is a double fault"
    GATE IDT_GATE(8), SLOT(9), 0, 0x85, 0
    DESCRIPTOR SLOT(9), 0x7f000, 0x67, 0x0089
    mov dword [0x7f000 + 0x1c], PD
    mov dword [0x7f000 + 0x20], double_task
    mov dword [0x7f000 + 0x24], 2
    mov dword [0x7f000 + 0x38], 0x7f000
    mov dword [0x7f000 + 0x48], KDS
    mov dword [0x7f000 + 0x4c], KCS
    mov dword [0x7f000 + 0x50], KDS
    mov dword [0x7f000 + 0x54], KDS
    EXPECT .double
    MAP 1, 0
    mov esp, V + 0x1800
    mov eax, [V + 0x1004]
.double:
    DONE
    CASE "rep movsd stops at the faulting element"
    MAP 1, DATA + 3
    MAP 2, 0
    mov esi, DATA
    mov edi, V + 0x1ff8
    mov ecx, 8
    TRY rep movsd
    VAL ecx
    sub esi, DATA
    VAL esi
    VAL edi
    DONE
    CASE "rep stosb downwards stops at the faulting element"
    MAP 1, 0
    MAP 2, DATA + 0x1003
    mov edi, V + 0x2003
    mov ecx, 16
    std
    TRY rep stosb
    cld
    VAL ecx
    VAL edi
    DONE
    CASE "rep cmpsb stops at the faulting element"
    MAP 2, 0
    MAP 1, DATA + 3
    mov esi, DATA + 0xff0
    mov edi, V + 0x1ff0
    mov ecx, 32
    TRY repe cmpsb
    VAL ecx
    VAL edi
    DONE
    CASE "cmpxchg that does not store still wants to write"
    mov eax, CR0_WP
    mov cr0, eax
    MAP 1, DATA + 1
    mov dword [DATA], 5
    xor eax, eax
    TRY cmpxchg [V + 0x1000], ecx
    VAL eax
    TRY cmpxchg8b [V + 0x1000]
    mov eax, CR0_PG
    mov cr0, eax
    DONE
    CASE "a stale translation survives until invlpg"
    MAP 1, DATA + 3
    mov dword [DATA], 0x11111111
    mov dword [DATA + 0x1000], 0x22222222
    mov eax, [V + 0x1000]
    mov dword [WINDOW + 4], DATA + 0x1003
    invlpg [V + 0x1000]
    mov eax, [V + 0x1000]
    VAL eax
    DONE
    CASE "a global page survives a load of cr3 but not a toggle of pge"
    mov eax, 0x80
    mov cr4, eax
    MAP 1, DATA + 0x103
    mov eax, [V + 0x1000]
    mov dword [WINDOW + 4], DATA + 0x1103
    mov eax, cr3
    mov cr3, eax
    mov eax, [V + 0x1000]
    VAL eax
    mov eax, 0
    mov cr4, eax
    mov eax, [V + 0x1000]
    VAL eax
    DONE
    CASE "4 MiB page"
    mov eax, 0x10
    mov cr4, eax
    mov dword [PD + 8], 0x00000083
    mov dword [DATA + 0x2000], 0xfeedface
    mov eax, [0x800000 + DATA + 0x2000]
    VAL eax
    mov eax, [PD + 8]
    VAL eax
    mov [0x800000 + DATA + 0x2004], eax
    mov eax, [PD + 8]
    VAL eax
    DONE
    CASE "4 MiB page with a reserved bit"
    mov dword [PD + 8], 0x00200083
    invlpg [0x800000]
    TRY mov eax, [0x800000]
    DONE
    CASE "4 MiB page that level 3 may not read"
    mov dword [PD + 8], 0x00000083
    invlpg [0x800000]
    USER user_read_large
    DONE
    CASE "ps bit without pse is ignored"
    xor eax, eax
    mov cr4, eax
    mov dword [PD + 8], WINDOW + 0x83
    mov dword [WINDOW + 4], DATA + 3
    mov eax, cr3
    mov cr3, eax
    mov dword [DATA], 0x600d600d
    mov eax, [0x801000]
    VAL eax
    mov dword [PD + 8], 0
    DONE
    CASE "smsw and sgdt at level 3 write through user rights"
    MAP 1, DATA + 3
    USER user_sgdt
    DONE
    CASE "lgdt reads through the page tables"
    MAP 1, 0
    TRY lgdt [V + 0x1000]
    DONE
    CASE "fault in the descriptor of a segment load is a system access"
    DESCRIPTOR SLOT(0), V + 0x1000, 0xff, 0x0082
    mov eax, SLOT(0)
    lldt ax
    USER user_ldt
    xor eax, eax
    lldt ax
    DONE

    ; PAE
    mov eax, 0x31
    mov cr0, eax
    mov eax, 0x20
    mov cr4, eax
    mov eax, PDPT
    mov cr3, eax
    mov ecx, 0xc0000080
    mov eax, 0x800
    xor edx, edx
    wrmsr
    mov eax, CR0_PG
    mov cr0, eax
%macro MAP64 3                   ; page of the window, entry, its high half
    mov dword [PAE_WINDOW + (%1) * 8], %2
    mov dword [PAE_WINDOW + (%1) * 8 + 4], %3
    invlpg [V + (%1) * 0x1000]
%endmacro
    CASE "pae, page that is not present"
    MAP64 1, 0, 0
    TRY mov eax, [V + 0x1000]
    DONE
    CASE "pae, reserved bit of a page"
    MAP64 1, DATA + 3, 1 << 20
    TRY mov eax, [V + 0x1000]
    TRY mov [V + 0x1000], eax
    DONE
    CASE "pae, reserved bit of a directory entry"
    mov dword [PAE_PD + 4 * 8 + 4], 1 << 20
    mov eax, [PAE_PD + 2 * 8]
    mov [PAE_PD + 4 * 8], eax
    TRY mov eax, [0x801000]
    mov dword [PAE_PD + 4 * 8], 0
    mov dword [PAE_PD + 4 * 8 + 4], 0
    DONE
    CASE "pae, 2 MiB page with a reserved bit"
    mov dword [PAE_PD + 4 * 8], 0x2083
    TRY mov eax, [0x801000]
    mov dword [PAE_PD + 4 * 8], 0
    DONE
    CASE "pae, 2 MiB page"
    mov dword [PAE_PD + 5 * 8], 0x83
    TRY mov eax, [0xa00000 + DATA + 0x2000]
    VAL eax
    mov eax, [PAE_PD + 5 * 8]
    VAL eax
    DONE
    CASE "pae, accessed and dirty"
    MAP64 1, DATA + 3, 0
    mov eax, [V + 0x1000]
    mov eax, [PAE_WINDOW + 8]
    VAL eax
    mov [V + 0x1000], eax
    mov eax, [PAE_WINDOW + 8]
    VAL eax
    DONE
    CASE "pae, fetch from an nx page"
    MAP64 1, DATA + 3, 1 << 31
    EXPECT .nx
    jmp V + 0x1000
.nx:
    mov eax, [PAE_WINDOW + 8]
    and eax, 0xfff
    VAL eax, 16
    DONE
    CASE "pae, fetch under an nx directory entry"
    MAP64 1, DATA + 3, 0
    or dword [PAE_PD + 2 * 8 + 4], 1 << 31
    mov eax, cr3
    mov cr3, eax
    EXPECT .nx2
    jmp V + 0x1000
.nx2:
    and dword [PAE_PD + 2 * 8 + 4], 0x7fffffff
    mov eax, cr3
    mov cr3, eax
    DONE
    CASE "pae, instruction across into an nx page"
    MAP64 1, DATA + 3, 0
    MAP64 2, DATA + 0x1003, 1 << 31
    mov dword [DATA + 0xffd], 0x000000b8
    EXPECT .nx3
    jmp V + 0x1ffd
.nx3:
    DONE
    CASE "pae, level 3 fetch from an nx page that is not present"
    MAP64 1, 0, 1 << 31
    USER user_fetch
    DONE
    CASE "pae, nx bit without nxe is reserved"
    mov ecx, 0xc0000080
    xor eax, eax
    xor edx, edx
    wrmsr
    MAP64 1, DATA + 3, 1 << 31
    TRY mov eax, [V + 0x1000]
    DONE
    CASE "pae, fetch fault without nxe has no i bit"
    MAP64 1, 0, 0
    EXPECT .noi
    jmp V + 0x1000
.noi:
    DONE
    CASE "pae, load of cr3 with a reserved bit in a pdpte"
    mov dword [PDPT + 8], 0x1e7
    mov eax, PDPT
    TRY mov cr3, eax
    mov dword [PDPT + 8], 0
    DONE
    CASE "pae, pdpte registers keep their value until cr3 is loaded"
    MAP64 1, DATA + 3, 0
    mov dword [PDPT], 0
    TRY mov eax, [V + 0x1000]
    VAL eax
    mov dword [PDPT], PAE_PD + 1
    DONE
    mov eax, 0x31
    mov cr0, eax
    xor eax, eax
    mov cr4, eax
    ret

ud: ud2
double_task:
    pop eax
    NOTE "double fault task"
    VAL eax
    mov eax, cr2
    VAL eax
    mov eax, [TSS + 0x38]
    VAL eax
    and byte [gdt + TSS_SEL + 5], 0xfd
    mov ax, TSS_SEL
    ltr ax
    clts
    push dword 2
    popfd
    mov esp, [probe_esp]
    jmp [probe_resume]

user_read:
    mov eax, [V + 0x1008]
    int 0x30
user_write:
    mov [V + 0x1008], eax
    int 0x30
user_fetch:
    jmp V + 0x1000
user_push:
    mov esp, V + 0x2000
    push eax
user_pusha:
    mov esp, V + 0x2010
    pushad
user_call:
    mov esp, V + 0x2000
    call ud
user_enter:
    mov esp, V + 0x2004
    mov ebp, 0x12345678
    enter 0x20, 0
user_read_large:
    mov eax, [0x800000]
user_sgdt:
    sgdt [V + 0x1000]
    int 0x30
user_ldt:
    mov ax, 0x0f
    mov fs, ax
    int 0x30

; Identity for 4 MiB where level 3 may do all but in the tables; pages of GDT and IDT are the system's own.
tables:
    mov edi, LOW_TABLE
    mov eax, 7
    mov ecx, 1024
.fill:
    stosd
    add eax, 0x1000
    loop .fill
    and dword [LOW_TABLE + (IDT >> 12) * 4], ~4
    mov dword [PD], LOW_TABLE + 7
    mov dword [PD + 4], WINDOW + 7
    mov edi, PAE_LOW
    mov eax, 7
    mov ecx, 512
.fill64:
    stosd
    mov dword [edi], 0
    add edi, 4
    add eax, 0x1000
    loop .fill64
    mov dword [PDPT], PAE_PD + 1
    mov dword [PAE_PD], PAE_LOW + 7
    mov dword [PAE_PD + 2 * 8], PAE_WINDOW + 7
    ret

section .data
image_end:
