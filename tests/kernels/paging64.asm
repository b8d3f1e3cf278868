; 4-level paging: faults of every kind with their error codes, rights swept over the levels, pages of three sizes, reserved
; bits, A and D, what drops translations, NX, WP, SMEP and SMAP, addresses that are not canonical.
; [SDM3 4.5-4.7, 4.10], [SDM1 3.3.7.1]
%include "kernel64.inc"

FRAME       equ 0x100000         ; a page that the window shows
OTHER       equ 0x101000
PDPT_HIGH   equ 0x46000          ; the test's own, for the upper levels
PD_HIGH     equ 0x47000
V           equ WINDOW + 0x5000
PTE         equ PT + 5 * 8

main:
    mov dword [FRAME], 0x30cd                ; INT 30h
    mov dword [OTHER], 0x11223344
    GATE IDT_GATE(12), KCS, stub_12, 0x8e, 1 ; their stack may be what is wrong
    GATE IDT_GATE(13), KCS, stub_13, 0x8e, 1
    CASE "both halves of the address space"
    mov rax, HIGH
    mov eax, [rax + OTHER]
    VAL rax, 32
    DONE
    CASE "not present, read, write, fetch, at level 0"
    TRY mov al, [V]
    TRY mov [V], al
    EXPECT .fetched
    mov rax, V
    jmp rax
.fetched:
    DONE
    CASE "not present at level 3"
    USER user_read
    USER user_write
    USER user_fetch
    DONE
    CASE "cr2 has 64 bits, also across pages"
    mov rbx, HIGH + 0x12345678
    TRY mov al, [rbx]
    mov rbx, HIGH + 0x1fffffe
    TRY mov eax, [rbx]
    DONE

    CASE "not canonical, read, write, stack, fetch"
    mov rbx, 0x0000800000000000
    TRY mov al, [rbx]
    TRY mov [rbx], al
    TRY mov al, [rbx - 1]
    mov rbp, rbx
    TRY mov al, [rbp]
    EXPECT .bad_push
    lea rsp, [rbx + 16]
    push rax
.bad_push:
    EXPECT .bad_pop
    mov rsp, 0xffff7ffffffffff8
    pop rax
.bad_pop:
    TRY jmp rbx
    TRY call rbx
    EXPECT .bad_ret
    push rbx
    ret
.bad_ret:
    DONE
    CASE "not canonical at level 3"
    USER user_not_canonical
    USER user_not_canonical_stack
    DONE
    CASE "running off the end of the lower half"
    mov rax, [PML4]
    mov [PML4 + 255 * 8], rax
    mov rax, [PDPT]
    mov [PDPT + 511 * 8], rax
    mov rax, [PD]
    mov [PD + 511 * 8], rax
    mov rax, 0x00007fffffffffff
    mov byte [0x1fffff], 0x90
    EXPECT .off
    jmp rax
.off:
    mov qword [PD + 511 * 8], 0
    mov qword [PDPT + 511 * 8], 0
    mov qword [PML4 + 255 * 8], 0
    DONE

    CASE "rights of the levels together, user read and write, PML4 to PT without RW, without US"
    mov dword [terse], 1
    say " "
    call upper_tables
    FOR round, 8
    mov ecx, [round]
    mov eax, 0x02                            ; RW of the four levels, then US
    cmp ecx, 4
    jb .which
    mov eax, 0x04
.which:
    and ecx, 3
    mov rdx, [places + rcx * 8]
    not eax
    and [rdx], eax
    mov rax, cr3
    mov cr3, rax
    USER user_read_high
    USER user_write_high
    call upper_tables
    NEXT
    mov dword [terse], 0
    DONE
    CASE "a fetch with XD at each level"
    mov dword [terse], 1
    say " "
    FOR round, 4
    mov ecx, [round]
    mov rdx, [places + rcx * 8]
    or dword [rdx + 4], 0x80000000
    mov rax, cr3
    mov cr3, rax
    USER user_fetch_high
    USER user_read_high
    call upper_tables
    NEXT
    mov dword [terse], 0
    DONE
    CASE "reserved bits, physical 40, 51, ignored 52 and 62, at each level"
    mov dword [terse], 1
    FOR round, 4
    say " "
    FOR bit, 4
    mov ecx, [round]
    mov rdx, [places + rcx * 8]
    mov ecx, [bit]
    mov cl, [bit_numbers + rcx]
    mov eax, 1
    shl eax, cl
    or [rdx + 4], eax
    mov rax, cr3
    mov cr3, rax
    USER user_read_high
    call upper_tables
    NEXT
    NEXT
    mov dword [terse], 0
    DONE
    CASE "page sizes, PS in PML4, low bits of 1 GiB and 2 MiB pages"
    mov dword [terse], 1
    say " "
    or dword [PML4 + 384 * 8], 0x80
    call reload
    USER user_read_high
    call upper_tables
    mov dword [PDPT_HIGH], 0x87
    call reload
    USER user_read_high
    mov dword [PDPT_HIGH], 0x2087
    call reload
    USER user_read_high
    call upper_tables
    mov dword [PD_HIGH], 0x87
    call reload
    USER user_read_high
    mov dword [PD_HIGH], 0x2087
    call reload
    USER user_read_high
    mov dword [terse], 0
    call upper_tables
    DONE
    CASE "accessed and dirty bits of all levels"
    mov rbx, HIGH + (128 << 39)
    mov al, [rbx]
    call marks
    mov [rbx], al
    call marks
    DONE
    CASE "1 GiB and 2 MiB pages, dirty"
    mov dword [PDPT_HIGH], 0x87
    call reload
    mov eax, [rbx + OTHER]
    VAL rax, 32
    VAL [PDPT_HIGH], 16
    mov [rbx + OTHER], eax
    VAL [PDPT_HIGH], 16
    call upper_tables
    mov dword [PD_HIGH], 0x87
    call reload
    mov eax, [rbx + OTHER]
    VAL rax, 32
    mov [rbx + OTHER], eax
    VAL [PD_HIGH], 16
    call upper_tables
    DONE
    CASE "invlpg of one address drops a large page; of one that is not canonical nothing"
    mov dword [PD_HIGH], 0x87
    call reload
    mov eax, [rbx + OTHER]
    mov dword [PD_HIGH], 0
    invlpg [rbx + 0x1000]
    TRY mov eax, [rbx + OTHER]
    mov rcx, 0x0000800000000000
    TRY invlpg [rcx]
    call upper_tables
    DONE
    CASE "global pages outlive cr3, and end with cr4.pge"
    mov rax, cr4
    or eax, 0x80
    mov cr4, rax
    ENTRY PTE, FRAME + 0x103, 0
    mov eax, [V]
    VAL rax, 32
    mov dword [PTE], 0
    call reload
    TRY mov eax, [V]
    mov rax, cr4
    and eax, ~0x80
    mov cr4, rax
    TRY mov eax, [V]
    DONE

    CASE "write protection at level 0, by cr0.wp"
    ENTRY PTE, FRAME + 1, 0
    TRY mov byte [V + 8], 1
    mov rax, cr0
    or eax, 0x10000
    mov cr0, rax
    TRY mov byte [V + 8], 1
    mov rax, cr0
    and eax, ~0x10000
    mov cr0, rax
    DONE
    CASE "no execution at level 0; without efer.nxe the bit is reserved"
    ENTRY PTE, FRAME + 7, 0x80000000
    mov rax, V
    TRY call rax
    WRITE_MSR 0xc0000080, 0x101, 0
    TRY mov al, [V]
    mov rax, V
    TRY call rax
    WRITE_MSR 0xc0000080, 0x901, 0
    DONE
    CASE "smep, user pages are not executed at level 0"
    ENTRY PTE, FRAME + 7, 0
    mov byte [FRAME], 0xc3                   ; RET
    mov rax, V
    call rax
    call kernel_pages
    mov rax, cr4
    or eax, 1 << 20
    mov cr4, rax
    mov rax, V
    TRY call rax
    ENTRY PTE, 0, 0
    mov rax, V
    TRY call rax
    mov rax, cr4
    and eax, ~(1 << 20)
    mov cr4, rax
    DONE
    CASE "smap, user pages are not read at level 0, but with AC"
    ENTRY PTE, FRAME + 7, 0
    TRY clac
    mov rax, cr4
    or eax, 1 << 21
    mov cr4, rax
    TRY mov al, [V]
    TRY mov [V], al
    stac
    TRY mov al, [V]
    clac
    TRY mov al, [V]
    pushfq
    or dword [rsp], 0x40000
    popfq
    mov al, [V]
    pushfq
    and dword [rsp], ~0x40000
    popfq
    TRY mov al, [V]
    mov rax, cr4
    and eax, ~(1 << 21)
    mov cr4, rax
    call user_pages
    DONE
    CASE "stac and clac at level 3"
    USER user_stac
    USER user_clac
    DONE

    CASE "all of cr2, four bits of cr8"
    mov eax, 5
    mov cr8, rax
    xor eax, eax
    mov rdx, cr8
    VAL rdx, 8
    mov cr8, rax
    mov rax, 0x123456789abcdef0
    mov cr2, rax
    mov rdx, cr2
    VAL rdx
    DONE
    ret

; Linear HIGH + 128 * 512 GiB by tables of its own, down to FRAME through the window's page table.
upper_tables:
    push rax
    mov qword [PML4 + 384 * 8], PDPT_HIGH + 7
    mov qword [PDPT_HIGH], PD_HIGH + 7
    mov qword [PD_HIGH], PT + 7
    mov qword [PT], FRAME + 7
    call reload
    pop rax
    ret
reload:
    push rax
    mov rax, cr3
    mov cr3, rax
    pop rax
    ret
; The low byte of the entry at each level.
marks:
    FOR round, 4
    mov ecx, [round]
    mov rdx, [places + rcx * 8]
    VAL [rdx], 8
    NEXT
    ret
; The pages of the kernel itself, without and with U/S.
kernel_pages:
    FOR round, 16
    mov ecx, [round]
    and dword [PD + rcx * 8], ~4
    NEXT
    jmp reload
user_pages:
    FOR round, 16
    mov ecx, [round]
    or dword [PD + rcx * 8], 4
    NEXT
    jmp reload

user_read:
    mov al, [V]
user_write:
    mov [V], al
user_fetch:
    mov rax, V
    jmp rax
user_not_canonical:
    mov rbx, 0xffff7fffffffffff
    mov al, [rbx]
user_not_canonical_stack:
    mov rsp, 0x0000800000000010
    push rax
user_read_high:
    mov rbx, HIGH + (128 << 39)
    mov al, [rbx]
    int 0x30
user_write_high:
    mov rbx, HIGH + (128 << 39)
    mov [rbx + 8], al
    int 0x30
user_fetch_high:
    mov rbx, HIGH + (128 << 39)
    jmp rbx
user_stac:
    stac
    int 0x30
user_clac:
    clac
    int 0x30

section .data
    align 8
places: dq PML4 + 384 * 8, PDPT_HIGH, PD_HIGH, PT
bit_numbers: db 8, 19, 20, 30
    align 4
round: dd 0
bit: dd 0
image_end:
