; The PVH entry [PVH, Xen docs/misc/pvh.pandoc]: flat 32-bit protected mode, paging off, EBX points to the start information.

CR4_PAE         equ 1 << 5
CR0_PG          equ 1 << 31
IA32_EFER       equ 0xc0000080
EFER_LME        equ 1 << 8
PAGE_LARGE      equ 0x83                    ; present, writable, 2 MiB
PAGE_LINK       equ 3
CODE            equ 8
DATA            equ 16

bits 32
start32:
    cld
    cli
    mov esp, stack_top
    mov [start_info], ebx
    rdtsc
    mov [start_counter], eax
    mov [start_counter + 4], edx

    ; The first 4 GiB, one to one.
    mov edi, page_folders
    mov eax, PAGE_LARGE
    mov ecx, 4 * 512
.map:
    mov [edi], eax
    add eax, 0x200000
    add edi, 8
    loop .map
    mov dword [page_map], page_pointers + PAGE_LINK
%assign i 0
%rep 4
    mov dword [page_pointers + 8 * i], page_folders + 4096 * i + PAGE_LINK
%assign i i + 1
%endrep

    ; 64-bit mode [SDM3 9.8.5].
    mov eax, cr4
    or eax, CR4_PAE
    mov cr4, eax
    mov eax, page_map
    mov cr3, eax
    mov ecx, IA32_EFER
    rdmsr
    or eax, EFER_LME
    wrmsr
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    lgdt [segments.register]
    jmp CODE:start64

bits 64
start64:
    mov eax, DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov esp, stack_top
    call interrupts_start
    call console_start
    jmp application

align 8
segments:
    dq 0
    dq 0x00af9b000000ffff                   ; CODE: 64 bits
    dq 0x00cf93000000ffff                   ; DATA
.register:
    dw $ - segments - 1
    dd segments
