; Paging rights and A and D bits, swept: each combination of P, R/W and U/S in directory and table, of NX, of WP, for
; reads, writes and fetches at levels 0 and 3; 4 KiB, 4 MiB and 2 MiB pages. [SDM3 4.6, 4.7, 4.8]
; A digit for a combination: the error code to base 32, or a point. Bits of a digit of "marks": A of the directory, A and
; D of the table; entries have P, R/W and U/S counting up, the table's fastest.
%include "kernel.inc"

PD          equ TABLES
LOW_TABLE   equ TABLES + 0x1000
WINDOW      equ TABLES + 0x2000
PDPT        equ TABLES + 0x3000
PAE_PD      equ TABLES + 0x4000
PAE_LOW     equ TABLES + 0x5000
PAE_WINDOW  equ TABLES + 0x6000
V           equ 0x400000

%macro SWEEP 5                   ; name, what sets the entries up, rounds of directory and of table, more of the name
    CASE %1, %5, ", errors"
    mov dword [set_up], %2
    mov dword [entries_end], %3
    mov dword [table_end], %4
    mov dword [marks], 0
    call sweep
    DONE
    CASE %1, %5, ", marks"
    mov dword [marks], 1
    call sweep
    DONE
%endmacro
%macro SWEEPS 4
    mov dword [cr0_value], 0x80000031
    SWEEP %1, %2, %3, %4, ", wp 0"
    mov dword [cr0_value], 0x80010031
    SWEEP %1, %2, %3, %4, ", wp 1"
%endmacro

main:
    call tables
    GATE IDT_GATE(14), KCS, probe, 0x8e, 0
    mov dword [DATA], 0x30cd     ; INT 30h, for fetches
    mov eax, PD
    mov cr3, eax
    mov eax, 0x80000031
    mov cr0, eax
    SWEEPS "two levels", two_levels, 8, 8
    mov eax, 0x10
    mov cr4, eax
    SWEEPS "4 MiB pages", large_page, 8, 1
    CASE "4 MiB pages above 4 GiB, bits 13 to 20 of the entry"
    say " "
    mov ecx, 13
.pse36:
    mov eax, 1
    shl eax, cl
    or eax, 0x83
    mov [PD + 4], eax
    push ecx
    call flush
    call quiet_read
    call put_result
    pop ecx
    inc ecx
    cmp ecx, 22
    jb .pse36
    mov dword [line_items], 1
    DONE
    mov dword [PD + 4], WINDOW + 7

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
    SWEEPS "pae with nx", pae, 16, 16
    SWEEPS "2 MiB pages with nx", pae_large, 16, 1
    CASE "pae, bits 52 to 62 of a table entry and of a directory entry"
    say " "
    mov ecx, 20
.high:
    mov eax, 1
    shl eax, cl
    mov dword [PAE_WINDOW], DATA + 7
    mov [PAE_WINDOW + 4], eax
    mov dword [PAE_PD + 16], PAE_WINDOW + 7
    mov dword [PAE_PD + 20], 0
    push ecx
    push eax
    call flush
    call quiet_read
    call put_result
    pop eax
    mov dword [PAE_WINDOW + 4], 0
    mov [PAE_PD + 20], eax
    call flush
    call quiet_read
    call put_result
    pop ecx
    inc ecx
    cmp ecx, 31
    jb .high
    mov dword [line_items], 1
    DONE
    mov eax, 0x31
    mov cr0, eax
    mov ecx, 0xc0000080
    xor eax, eax
    xor edx, edx
    wrmsr
    mov dword [PAE_PD + 20], 0
    mov dword [cr0_value], 0x80010031
    SWEEP "pae without nxe", pae, 16, 16, ", wp 1"
    mov eax, 0x31
    mov cr0, eax
    xor eax, eax
    mov cr4, eax
    ret

; Every access for every combination.
sweep:
    mov dword [line_items], 1
    FOR access, 6
    say " "
    mov eax, [cr0_value]
    mov cr0, eax
    mov dword [entry], 0
.entry:
    mov dword [table], 0
.table:
    call [set_up]
    call flush
    call try_access
    cmp dword [marks], 0
    jne .marks
    call put_result
    jmp .next
.marks:
    call [set_up + 4]
    add al, '0'
    out DEBUG_PORT, al
.next:
    inc dword [table]
    mov eax, [table]
    cmp eax, [table_end]
    jb .table
    inc dword [entry]
    mov eax, [entry]
    cmp eax, [entries_end]
    jb .entry
    NEXT
    ret

; Bits 0-2 of the counters are P, R/W, U/S, bit 3 is NX. They leave in set_up + 4 how marks are read.
two_levels:
    mov dword [set_up + 4], .read
    mov eax, [entry]
    or eax, WINDOW
    mov [PD + 4], eax
    mov eax, [table]
    or eax, DATA
    mov [WINDOW], eax
    ret
.read:
    mov eax, [PD + 4]
    mov edx, [WINDOW]
gather:                          ; A of EAX, A and D of EDX
    shr eax, 5
    and eax, 1
    shr edx, 4
    and edx, 6
    or eax, edx
    ret
large_page:
    mov dword [set_up + 4], .read
    mov eax, [entry]
    or eax, 0x80
    mov [PD + 4], eax
    ret
.read:
    xor eax, eax
    mov edx, [PD + 4]
    jmp gather
pae:
    mov dword [set_up + 4], .read
    mov eax, [entry]
    mov edx, PAE_WINDOW
    mov ebx, PAE_PD + 16
    call store64
    mov eax, [table]
    mov edx, DATA
    mov ebx, PAE_WINDOW
    jmp store64
.read:
    mov eax, [PAE_PD + 16]
    mov edx, [PAE_WINDOW]
    jmp gather
pae_large:
    mov dword [set_up + 4], .read
    mov eax, [entry]
    mov edx, 0x80
    mov ebx, PAE_PD + 16
    jmp store64
.read:
    xor eax, eax
    mov edx, [PAE_PD + 16]
    jmp gather

store64:                         ; EAX: P, R/W, U/S, NX; EDX: the rest; EBX: where
    or edx, eax
    and edx, ~8
    mov [ebx], edx
    shl eax, 28
    and eax, 0x80000000
    mov [ebx + 4], eax
    ret
flush:
    mov eax, cr3
    mov cr3, eax
    ret

; Accesses 0 to 2: read, write, fetch at level 0; 3 to 5: at level 3. The window's first page is DATA's, or with a large
; page all of the first megabytes.
try_access:
    mov eax, [access]
    mov edx, V
    cmp dword [set_up], large_page
    je .large
    cmp dword [set_up], pae_large
    jne .small
.large:
    add edx, DATA
.small:
    mov dword [result], -1
    mov dword [probe_resume], .end
    mov [probe_esp], esp
    jmp [.accesses + eax * 4]
.end:
    ret
.read:
    mov eax, [edx + 0x100]
    jmp .end
.write:
    mov [edx + 0x104], eax
    jmp .end
.fetch:
    jmp edx
.user_read:
    mov ecx, user_read
    jmp .user
.user_write:
    mov ecx, user_write
    jmp .user
.user_fetch:
    mov ecx, edx
.user:
    mov eax, UDS
    mov ds, ax
    mov es, ax
    push dword UDS
    push dword USTACK
    push dword 2
    push dword UCS
    push ecx
    iretd
    [section .data]
.accesses: dd .read, .write, .fetch, .user_read, .user_write, .user_fetch
    [section .text]
user_read:
    mov eax, [edx + 0x100]
    int 0x30
user_write:
    mov [edx + 0x104], eax
    int 0x30
quiet_read:
    mov dword [result], -1
    mov dword [probe_resume], .end
    mov [probe_esp], esp
    mov eax, [V + 0x100]
.end:
    ret

put_result:
    mov eax, [result]
    cmp eax, -1
    je .none
    cmp eax, 10
    jb .digit
    add al, 'a' - 10 - '0'
.digit:
    add al, '0'
    out DEBUG_PORT, al
    ret
.none:
    mov al, '.'
    out DEBUG_PORT, al
    ret

probe:
    mov eax, [esp]
    mov [result], eax
    mov ax, KDS
    mov ds, ax
    mov es, ax
    mov esp, [probe_esp]
    push dword 2
    popfd
    jmp [probe_resume]

tables:
    mov edi, LOW_TABLE
    mov eax, 7
    mov ecx, 1024
.fill:
    stosd
    add eax, 0x1000
    loop .fill
    mov dword [PD], LOW_TABLE + 7
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
    ret

section .data
    align 4
set_up: dd 0, 0
access: dd 0
entry: dd 0
table: dd 0
entries_end: dd 0
table_end: dd 0
marks: dd 0
result: dd 0
cr0_value: dd 0
image_end:
