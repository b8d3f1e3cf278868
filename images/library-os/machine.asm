; What the machine is: the memory map from the start information, and its power switch from ACPI.

; struct hvm_start_info [PVH, include/public/arch-x86/hvm/start_info.h]
INFO_RSDP       equ 32
INFO_MAP        equ 40
INFO_MAP_COUNT  equ 48
MAP_ENTRY_SIZE  equ 24
MAP_SIZE        equ 8
MAP_TYPE        equ 16
MAP_RAM         equ 1

; Bytes of memory, in RAX.
memory_bytes:
    mov rdi, [start_info]
    mov ecx, [rdi + INFO_MAP_COUNT]
    mov rsi, [rdi + INFO_MAP]
    xor eax, eax
    jecxz .done
.entry:
    cmp dword [rsi + MAP_TYPE], MAP_RAM
    jne .next
    add rax, [rsi + MAP_SIZE]
.next:
    add rsi, MAP_ENTRY_SIZE
    loop .entry
.done:
    ret

; ACPI tables [ACPI 6.0, 5.2]
RSDP_RSDT       equ 16                      ; addresses of 32 bits
RSDP_XSDT       equ 24                      ; of 64 bits, where there is no other
TABLE_LENGTH    equ 4
TABLE_HEADER    equ 36
FADT_DSDT       equ 40
FADT_X_DSDT     equ 140
FADT_PM1A_CONTROL equ 64
FADT_FLAGS      equ 112
HW_REDUCED      equ 1 << 20
PM1_SLEEP_ENABLE equ 1 << 13
FADT_SLEEP      equ 244 + 4                 ; address in the sleep control register's generic address
SLEEP_ENABLE    equ 0x20

; Sleep type 5 by the sleep control register, or by the PM1 control register where there is fixed hardware; a machine that
; stays on is halted.
power_off:
    mov rdi, [start_info]
    mov rdi, [rdi + INFO_RSDP]
    test rdi, rdi
    jz halt
    mov r8d, 4
    mov eax, [rdi + RSDP_RSDT]
    test eax, eax
    jnz .list
    mov r8d, 8
    mov rax, [rdi + RSDP_XSDT]
.list:
    mov rdi, rax
    mov ecx, [rdi + TABLE_LENGTH]
    lea rdx, [rdi + rcx]                    ; end of the list
    add rdi, TABLE_HEADER
.table:
    cmp rdi, rdx
    jae halt
    mov esi, [rdi]                          ; tables lie below 4 GiB
    add rdi, r8
    cmp dword [rsi], 'FACP'
    jne .table
    mov r9, rsi
    mov eax, [rsi + FADT_DSDT]
    test eax, eax
    jnz .dsdt
    mov eax, [rsi + FADT_X_DSDT]
.dsdt:
    mov esi, eax
    call sleep_type
    cmp dword [r9 + TABLE_LENGTH], FADT_SLEEP + 8
    jb .fixed
    test dword [r9 + FADT_FLAGS], HW_REDUCED
    jz .fixed
    mov rdx, [r9 + FADT_SLEEP]
    shl al, 2
    or al, SLEEP_ENABLE
    mov [rdx], al
    jmp halt
.fixed:
    mov edx, [r9 + FADT_PM1A_CONTROL]
    movzx eax, al
    shl eax, 10
    or eax, PM1_SLEEP_ENABLE
    out dx, ax

halt:
    cli
    hlt
    jmp halt

; ESI: DSDT. The first element of the package \_S5, in AL.
sleep_type:
    mov ecx, [rsi + TABLE_LENGTH]
.search:
    cmp dword [rsi], '_S5_'
    je .found
    inc rsi
    loop .search
    mov al, 5
    ret
.found:
    ; After the name: package operator, length, number of elements, then a constant, which may have a prefix.
    mov al, [rsi + 7]
    cmp al, 0x0a
    jne .done
    mov al, [rsi + 8]
.done:
    ret
