; What the processor says it is and takes: CPUID, LOCK with every instruction that takes it and with others, MSRs and
; their reserved bits, LMSW and SMSW, BOUND, INTO and INT1 by the DPL of their gates. [SDM2 CPUID, LOCK, LMSW, BOUND],
; [SDM4]
%include "kernel.inc"

main:
    CASE "id flag, cpuid leaves the flags alone"
    push dword 0x00200ad7        ; ID, DF, arithmetic flags
    popfd
    pushfd
    pop ebx
    and ebx, 0x200000
    VAL ebx
    push dword 0x00000cd7
    popfd
    xor eax, eax
    push dword 0x000008d7
    popfd
    cpuid
    pushfd
    pop eax
    push dword 2
    popfd
    VAL eax
    DONE
    CASE "cpuid, a leaf past the highest is the highest basic one"
    xor eax, eax
    cpuid
    push eax
    cpuid
    mov [DATA], eax
    mov [DATA + 4], edx
    pop eax
    mov eax, 0x12345678
    cpuid
    sub eax, [DATA]
    VAL eax
    sub edx, [DATA + 4]
    VAL edx
    DONE
    CASE "cpuid, features that the tests use"
    mov eax, 1
    cpuid
    and edx, 0x0780a959          ; FPU, TSC, MSR, PAE, CX8, SEP, PGE, CMOV, MMX, FXSR, SSE, SSE2, PSE
    VAL edx
    mov eax, 0x80000001
    cpuid
    and edx, 0x100000
    VAL edx
    DONE
    CASE "lock with all that take it"
    mov dword [terse], 1
    mov edx, DATA
    xor eax, eax
    mov ecx, 1
%macro LOCKED 1+
    TRY lock %1
    mov al, '.'
    out DEBUG_PORT, al
    mov edx, DATA
    mov dword [line_items], 1
%endmacro
%macro UNLOCKABLE 1+
    TRY db 0xf0, %1
    mov al, '.'
    out DEBUG_PORT, al
    mov edx, DATA
    mov dword [line_items], 1
%endmacro
    say " "
    LOCKED add [edx], ecx
    LOCKED or [edx], cl
    LOCKED adc dword [edx], 1
    LOCKED sbb byte [edx], 1
    LOCKED and [edx], cx
    LOCKED sub [edx], ecx
    LOCKED xor [edx], ecx
    LOCKED inc dword [edx]
    LOCKED dec byte [edx]
    LOCKED not dword [edx]
    LOCKED neg word [edx]
    LOCKED bts [edx], ecx
    LOCKED btr dword [edx], 3
    LOCKED btc [edx], cx
    LOCKED xchg [edx], ecx
    LOCKED xadd [edx], ecx
    LOCKED cmpxchg [edx], ecx
    LOCKED cmpxchg8b [edx]
    DONE
    CASE "lock with registers"
    say " "
    UNLOCKABLE 0x01, 0xc8
    UNLOCKABLE 0xff, 0xc0
    UNLOCKABLE 0x87, 0xc8
    UNLOCKABLE 0x0f, 0xc1, 0xc8
    UNLOCKABLE 0x0f, 0xb1, 0xc8
    UNLOCKABLE 0x0f, 0xab, 0xc8
    UNLOCKABLE 0xf7, 0xd0
    UNLOCKABLE 0x40
    DONE
    CASE "lock with instructions that do not take it"
    say " "
    UNLOCKABLE 0x03, 0x02         ; add eax, [edx]
    UNLOCKABLE 0x39, 0x02         ; cmp
    UNLOCKABLE 0x85, 0x02         ; test
    UNLOCKABLE 0x89, 0x02         ; mov
    UNLOCKABLE 0x0f, 0xa3, 0x02   ; bt
    UNLOCKABLE 0xd1, 0x02         ; rol
    UNLOCKABLE 0x8d, 0x02         ; lea
    UNLOCKABLE 0x90               ; nop
    UNLOCKABLE 0x0f, 0x90, 0x02   ; seto
    UNLOCKABLE 0xf7, 0x22         ; mul
    UNLOCKABLE 0x80, 0x3a, 0      ; cmp m8, imm
    UNLOCKABLE 0x98               ; cwde
    DONE
    mov dword [terse], 0
    CASE "msrs with reserved bits"
    mov dword [terse], 1
    say " "
%macro WRMSR_TRY 3
    mov ecx, %1
    mov edx, %2
    mov eax, %3
    TRY wrmsr
    mov al, '.'
    out DEBUG_PORT, al
    mov dword [line_items], 1
%endmacro
    WRMSR_TRY 0xc0000080, 1, 0
    WRMSR_TRY 0xc0000080, 0, 0x800
    WRMSR_TRY 0xc0000080, 0, 0x400
    WRMSR_TRY 0x277, 0x00070406, 0x00070406
    WRMSR_TRY 0x277, 0x08070406, 0x00070406
    WRMSR_TRY 0x2ff, 0, 0x2
    WRMSR_TRY 0x2ff, 0, 0x806
    WRMSR_TRY 0x250, 0x02000000, 0
    WRMSR_TRY 0x250, 0x06060606, 0x06060606
    WRMSR_TRY 0xfe, 0, 0
    WRMSR_TRY 0x1d9, 0, 0x40000000
    WRMSR_TRY 0xc0000080, 0, 0
    mov dword [terse], 0
    DONE
    CASE "mtrr and pat read back"
    mov ecx, 0x250
    rdmsr
    VAL edx
    VAL eax
    mov ecx, 0x277
    rdmsr
    VAL edx
    DONE
    CASE "debugctl takes btf, and lbr records nothing"
    mov ecx, 0x1d9
    mov eax, 3
    xor edx, edx
    TRY wrmsr
    rdmsr
    VAL eax
    mov ecx, 0x1db
    TRY rdmsr
    VAL eax
    mov ecx, 0x1d9
    xor eax, eax
    xor edx, edx
    TRY wrmsr
    DONE
    CASE "lmsw takes four bits, of which pe is not cleared"
    mov eax, 0xfffe
    lmsw ax
    mov eax, cr0
    VAL eax
    mov eax, 0x31
    mov cr0, eax
    mov word [DATA], 0x0008
    lmsw [DATA]
    mov eax, cr0
    VAL eax
    clts
    DONE
    CASE "smsw of a register of both sizes, of memory"
    mov eax, -1
    smsw ax
    VAL eax
    mov eax, -1
    smsw eax
    VAL eax
    mov dword [DATA], -1
    smsw [DATA]
    VAL [DATA]
    DONE
    CASE "bound with signs and of 16 bits"
    mov dword [DATA], -5
    mov dword [DATA + 4], 5
    mov eax, -6
    TRY bound eax, [DATA]
    mov eax, -5
    TRY bound eax, [DATA]
    mov eax, 5
    TRY bound eax, [DATA]
    mov dword [DATA], 0x0005fffb
    mov eax, 0x12340006
    TRY bound ax, [DATA]
    mov eax, 0x1234fffb
    TRY bound ax, [DATA]
    TRY db 0x62, 0xc0
    DONE
    CASE "into, int3, int1 at level 3 through gates of level 0"
    USER user_into
    USER user_int3
    USER user_int1
    DONE
    CASE "rdpmc, without and with pce"
    xor ecx, ecx
    TRY rdpmc
    USER user_rdpmc
    DONE
    CASE "opcodes that are undefined"
    mov dword [terse], 1
    mov dword [line_items], 1
    say " "
    mov [DATA], esp
%macro UNDEFINED 1+
    EXPECT %%next
    db %1
    nop
    nop
%%next:
%endmacro
    UNDEFINED 0x0f, 0x0b
    UNDEFINED 0x0f, 0xb9, 0xc0
    UNDEFINED 0x0f, 0xff, 0xc0
    UNDEFINED 0x0f, 0x04
    UNDEFINED 0x0f, 0x0a
    UNDEFINED 0x0f, 0x24, 0xc0
    UNDEFINED 0x0f, 0x36
    UNDEFINED 0xc6, 0xc8, 0
    UNDEFINED 0x8f, 0xc8
    UNDEFINED 0xfe, 0xd0
    UNDEFINED 0x0f, 0x00, 0xf0
    UNDEFINED 0x0f, 0x01, 0xe8
    UNDEFINED 0x0f, 0xba, 0xc0, 0
    UNDEFINED 0x0f, 0xc7, 0x00
    UNDEFINED 0xc4, 0xc0
    mov esp, [DATA]
    mov dword [terse], 0
    DONE
    ret

user_into:
    mov al, 0x7f
    add al, al
    into
user_int3:
    int3
user_int1:
    db 0xf1
user_rdpmc:
    xor ecx, ecx
    rdpmc

section .data
image_end:
