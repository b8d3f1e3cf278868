; SYSENTER and SYSEXIT, alignment checks, model-specific registers, CMPXCHG8B, self-modifying code, and x87 and
; SSE exceptions. [SDM2 SYSENTER, SYSEXIT, CMPXCHG8B], [SDM3 2.5, 6.15, 8.1.3], [SDM1 8.7]
%include "kernel.inc"

FAST        equ SLOT(0)          ; four descriptors in SYSENTER's order

%macro WRITE_MSR 3               ; number, low, high
    mov ecx, %1
    mov eax, %2
    mov edx, %3
    wrmsr
%endmacro

main:
    CASE "sysenter before ia32_sysenter_cs is set"
    WRITE_MSR 0x174, 0, 0
    TRY sysenter
    TRY sysexit
    DONE
    DESCRIPTOR FAST, 0, 0xfffff, 0xc09a
    DESCRIPTOR FAST + 8, 0, 0xfffff, 0xc092
    DESCRIPTOR FAST + 16, 0, 0xfffff, 0xc0fa
    DESCRIPTOR FAST + 24, 0, 0xfffff, 0xc0f2
    WRITE_MSR 0x174, FAST, 0
    WRITE_MSR 0x175, ISTACK - 0x100, 0
    WRITE_MSR 0x176, entered, 0
    CASE "sysenter from level 3 and sysexit"
    USER user_sysenter, 0x3202
    DONE
    CASE "sysexit at level 3"
    USER user_sysexit
    DONE
    CASE "msrs of sysenter read back"
    mov ecx, 0x174
    rdmsr
    VAL eax
    mov ecx, 0x175
    rdmsr
    VAL eax
    DONE
    CASE "msr that does not exist"
    mov ecx, 0x12345678
    TRY rdmsr
    TRY wrmsr
    DONE
    CASE "efer with a reserved bit, pat with a reserved type"
    mov ecx, 0xc0000080
    mov eax, 2
    xor edx, edx
    TRY wrmsr
    mov ecx, 0x277
    mov eax, 2
    TRY wrmsr
    DONE
    CASE "tsc can be written"
    WRITE_MSR 0x10, 0, 0x1000
    rdtsc
    VAL edx
    DONE

    mov eax, 0x40031             ; AM
    mov cr0, eax
    CASE "alignment check at level 3"
    USER user_unaligned, 0x40002
    DONE
    CASE "alignment check of words, and of x87 operands"
    USER user_unaligned_word, 0x40002
    USER user_unaligned_double, 0x40002
    DONE
    CASE "no alignment check without ac"
    USER user_unaligned, 2
    DONE
    CASE "no alignment check at level 0"
    push dword 0x40002
    popfd
    TRY mov eax, [DATA + 1]
    push dword 2
    popfd
    DONE
    CASE "alignment check of a stack"
    USER user_unaligned_stack, 0x40002
    DONE
    CASE "a byte is always aligned, aligned accesses pass"
    USER user_aligned, 0x40002
    DONE
    mov eax, 0x31
    mov cr0, eax

    CASE "cmpxchg8b, equal and not"
    mov dword [DATA], 1
    mov dword [DATA + 4], 2
    mov eax, 1
    mov edx, 2
    mov ebx, 0x33
    mov ecx, 0x44
    lock cmpxchg8b [DATA]
    setz bl
    VAL ebx, 8
    cmpxchg8b [DATA]
    setz bl
    VAL ebx, 8
    VAL eax
    VAL edx
    DONE
    CASE "cmpxchg8b of a register, with lock"
    TRY db 0x0f, 0xc7, 0xc8
    TRY db 0xf0, 0x0f, 0xc7, 0xc8
    DONE

    CASE "code that changes the next instruction"
    mov byte [.patched + 1], 0x11
.patched:
    mov al, 0
    movzx eax, al
    VAL eax
    DONE
    CASE "code that changes itself in a loop"
    mov ecx, 5
    xor ebx, ebx
.loop:
    mov eax, 1
.constant equ $ - 4
    add ebx, eax
    inc dword [.constant]
    dec ecx
    jnz .loop
    VAL ebx
    mov dword [.constant], 1
    DONE
    CASE "code in another page, changed between calls"
    mov edi, 0x70000
    mov byte [edi], 0xb8
    mov dword [edi + 1], 0x11111111
    mov byte [edi + 5], 0xc3
    call edi
    VAL eax
    mov dword [edi + 1], 0x22222222
    call edi
    VAL eax
    mov byte [edi], 0xbb
    xor ebx, ebx
    call edi
    VAL ebx
    DONE
    CASE "code across a page, either half changed"
    mov edi, 0x70ffd
    mov byte [edi], 0xb8
    mov dword [edi + 1], 0x11111111
    mov byte [edi + 5], 0xc3
    call edi
    VAL eax
    mov byte [0x71000], 0x77
    call edi
    VAL eax
    mov byte [0x70ffe], 0x55
    call edi
    VAL eax
    DONE
    CASE "code changed by rep movsb ahead of itself"
    mov esi, new_bytes
    mov edi, .ahead
    mov ecx, 5
    xor eax, eax
    rep movsb
.ahead:
    nop
    nop
    nop
    nop
    nop
    VAL eax
    DONE
    CASE "code changed by a push"
    mov edi, esp
    mov esp, .pushed + 5
    push dword 0x12345678
    mov esp, edi
.pushed:
    mov eax, 0
    VAL eax
    DONE

    CASE "#MF waits for the next x87 instruction"
    fninit
    push dword 0x033e            ; division by zero unmasked: clear bit 2
    and dword [esp], ~4
    fldcw [esp]
    pop eax
    fldz
    fld1
    TRY fdivrp
    TRY fnop
    fnstsw ax
    VAL eax, 16
    TRY fwait
    TRY fnclex
    TRY fwait
    fninit
    DONE
    CASE "non-waiting instructions do not report"
    fldcw [zero_divide]
    fldz
    fld1
    fdivrp
    TRY fnstsw ax
    TRY fnstcw [DATA]
    TRY fnsave [DATA]
    fninit
    DONE
    CASE "#XM"
    mov eax, 0x600
    mov cr4, eax
    mov dword [DATA], 0x1d80     ; division by zero unmasked
    ldmxcsr [DATA]
    mov eax, 0x3f800000
    db 0x66, 0x0f, 0x6e, 0xc0    ; movd xmm0, eax
    db 0x66, 0x0f, 0xef, 0xc9    ; pxor xmm1, xmm1
    TRY db 0xf3, 0x0f, 0x5e, 0xc1 ; divss xmm0, xmm1
    stmxcsr [DATA]
    mov eax, [DATA]
    VAL eax, 16
    mov eax, 0x200
    mov cr4, eax
    TRY db 0xf3, 0x0f, 0x5e, 0xc1
    mov dword [DATA], 0x1f80
    ldmxcsr [DATA]
    DONE
    CASE "sse without osfxsr, with em, with ts"
    xor eax, eax
    mov cr4, eax
    TRY db 0x0f, 0x58, 0xc0
    mov eax, 0x200
    mov cr4, eax
    mov eax, 0x35
    mov cr0, eax
    TRY db 0x0f, 0x58, 0xc0
    TRY db 0x0f, 0x77
    mov eax, 0x39
    mov cr0, eax
    TRY db 0x0f, 0x58, 0xc0
    TRY db 0x0f, 0x77
    mov eax, 0x31
    mov cr0, eax
    TRY db 0x0f, 0x58, 0xc0
    DONE
    CASE "ldmxcsr with a reserved bit"
    mov dword [DATA], 0x10000
    TRY ldmxcsr [DATA]
    DONE
    CASE "movaps that is not aligned, fxsave that is not aligned"
    TRY db 0x0f, 0x28, 0x05, 4, 0, 6, 0
    TRY fxsave [DATA + 8]
    DONE

    ret

entered:                         ; SYSENTER's target
    mov ebp, ebx
    mov ebx, cs
    VAL ebx, 16
    mov ebx, ss
    VAL ebx, 16
    VAL esp
    pushfd
    pop ebx
    and ebx, 0x3f7700
    VAL ebx
    sysexit
user_sysenter:
    mov edx, .back
    mov ecx, USTACK - 0x10
    sysenter
.back:
    mov ebx, cs
    mov ecx, ss
    pushfd
    pop esi
    int 0x2f
    int 0x30
user_sysexit:
    sysexit
user_unaligned:
    mov eax, [DATA + 1]
    mov [DATA + 2], eax
    int 0x30
user_unaligned_word:
    mov ax, [DATA + 3]
user_unaligned_double:
    fld qword [DATA + 4]
    int 0x30
user_unaligned_stack:
    mov esp, USTACK - 2
    push eax
user_aligned:
    mov al, [DATA + 1]
    mov ax, [DATA + 2]
    mov eax, [DATA + 4]
    push eax
    pop ecx
    int 0x30

section .data
new_bytes: db 0xb8, 0x44, 0x33, 0x22, 0x11
zero_divide: dw 0x033b
image_end:
