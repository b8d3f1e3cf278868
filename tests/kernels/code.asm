; Code that changes under the processor, in every way that memory changes: by aliases of its page, by string instructions
; over themselves, by stack pushes, x87 and SSE stores, DMA of the disk, descriptor and task writes, A and D bits, A20;
; code at page ends, one copy run in two modes, at two addresses, with two bases. [SDM3 8.1.3, 11.6]
%include "kernel.inc"
IDE_BASE    equ 0x1f0
IDE_CONTROL equ 0x3f6
IDE_IRQ     equ 14
BUS_MASTER  equ 0xc040
%include "ide.inc"

PD          equ TABLES
LOW_TABLE   equ TABLES + 0x1000
WINDOW      equ TABLES + 0x2000
V           equ 0x400000
SPOT        equ 0x70000          ; code that is made
CODE16      equ SLOT(0)
SHIFTED     equ SLOT(1)
TASK        equ SLOT(2)

; At SPOT: MOV EAX, value; RET.
%macro MAKE 1
    mov byte [SPOT], 0xb8
    mov dword [SPOT + 1], %1
    mov byte [SPOT + 5], 0xc3
%endmacro
%macro RUN 0
    call SPOT
    VAL eax
%endmacro

main:
    MAKE 0x11111111
    CASE "stores of every size"
    RUN
    mov byte [SPOT + 1], 0x22
    RUN
    mov word [SPOT + 2], 0x3333
    RUN
    mov dword [SPOT + 1], 0x44444444
    RUN
    DONE
    CASE "read-modify-write, xchg, cmpxchg, cmpxchg8b, bts, setc"
    inc dword [SPOT + 1]
    RUN
    mov ebx, 0x55555555
    xchg [SPOT + 1], ebx
    RUN
    mov eax, 0x55555555
    mov ecx, 0x66666666
    lock cmpxchg [SPOT + 1], ecx
    RUN
    mov eax, 0x666666b8
    mov edx, [SPOT + 4]
    mov ebx, 0x777777b8
    mov ecx, edx
    cmpxchg8b [SPOT]
    RUN
    bts dword [SPOT + 1], 31
    RUN
    stc
    setc [SPOT + 4]
    RUN
    DONE
    CASE "rep movsb, rep stosd, over code that has run"
    mov esi, new_code
    mov edi, SPOT
    mov ecx, 6
    rep movsb
    RUN
    mov eax, 0x90909090
    mov edi, SPOT
    mov ecx, 4
    rep stosd
    mov byte [SPOT + 12], 0xc3
    mov eax, 0x600d
    RUN
    DONE
    CASE "x87 and sse stores"
    MAKE 0
    RUN
    fninit
    fld1
    fstp dword [SPOT + 1]
    RUN
    fild dword [DATA]
    fistp dword [SPOT + 1]
    RUN
    mov eax, 0x200
    mov cr4, eax
    mov eax, 0x12345678
    db 0x66, 0x0f, 0x6e, 0xc0    ; movd xmm0, eax
    db 0x66, 0x0f, 0x7e, 0x05    ; movd [SPOT + 1], xmm0
    dd SPOT + 1
    RUN
    xor eax, eax
    mov cr4, eax
    DONE
    CASE "pushes, calls and an interrupt's frame over code that has run"
    MAKE 0x11111111
    RUN
    mov ebp, esp
    mov esp, SPOT + 5
    push dword 0x22222222
    mov esp, ebp
    RUN
    mov esp, SPOT + 13           ; INT pushes flags, CS, EIP
    GATE IDT_GATE(0x2f), KCS, returns, 0x8e, 0
    mov [kept], ebp
    int 0x2f
after_int:
    mov esp, [kept]
    mov eax, [SPOT + 1]
    sub eax, after_int
    VAL eax
    DONE
    CASE "a rep movsb that overwrites itself goes on, then the new code runs"
    mov esi, overwriting
    mov edi, SPOT
    mov ecx, overwriting_end - overwriting
    rep movsb
    mov esi, nops
    mov edi, SPOT + (overwriting.rep - overwriting)
    mov ecx, 3
    xor eax, eax
    RUN
    DONE
    CASE "a store to the next instruction, and to the one behind it, in a loop"
    mov ecx, 4
    xor eax, eax
.loop:
    mov [.next + 1], cl
.next:
    add al, 0
    mov [.third + 2], al
    nop
.third:
    add ah, 0
    loop .loop
    VAL eax, 16
    DONE
    CASE "code at the end of a page, and across it"
    mov edi, SPOT + 0xffb
    mov byte [edi], 0xb8
    mov dword [edi + 1], 0x11111111
    mov byte [edi + 5], 0xc3
    call edi
    VAL eax
    mov byte [SPOT + 0x1000], 0x40      ; INC EAX where the RET was
    mov byte [SPOT + 0x1001], 0xc3
    call edi
    VAL eax
    mov word [SPOT + 0xffe], 0x2222
    call edi
    VAL eax
    mov dword [SPOT + 0xffe], 0xc3404040 ; across
    call edi
    VAL eax
    DONE
    CASE "an instruction across pages that changes its own second half"
    mov edi, SPOT + 0xff9
    mov word [edi], 0x05c7              ; MOV [SPOT + 1003h], imm: the immediate lies in the second page
    mov dword [edi + 2], SPOT + 0xfff
    mov dword [edi + 6], 0x33333333
    mov byte [edi + 10], 0xc3
    call edi
    VAL [SPOT + 0xfff]
    call edi
    VAL [SPOT + 0xfff]
    DONE
    CASE "the same bytes as 16- and 32-bit code"
    DESCRIPTOR CODE16, SPOT, 0xffff, 0x009a
    MAKE 0xcb662211                     ; 16 bits: MOV AX, 2211h; 32-bit far return
    xor eax, eax
    call CODE16:0
    VAL eax
    MAKE 0xcb667711
    xor eax, eax
    call CODE16:0
    VAL eax
    call SPOT
    VAL eax
    DONE
    CASE "one place by two bases"
    DESCRIPTOR SHIFTED, SPOT - 0x100, 0xfffff, 0xc09a
    mov byte [SPOT], 0xe8               ; CALL $+5; POP EAX; RETF
    mov dword [SPOT + 1], 0
    mov word [SPOT + 5], 0xcb58
    call KCS:SPOT
    VAL eax
    call SHIFTED:0x100
    VAL eax
    DONE
    CASE "disk's dma over code that has run"
    call init_pics
    call enable_bus_master
    OUT8 IDE_CONTROL, 2
    MAKE 0x11111111
    RUN
    mov edi, DATA
    mov ecx, 128
    mov eax, 0x90909090
    rep stosd
    mov dword [DATA], 0x77777740        ; INC EAX; JA; then RET
    mov byte [DATA + 1], 0xc3
    SECTORS 1, 0x300
    COMMAND 0x30
    call wait_ready
    mov ecx, 256
    call write_words
    call wait_ready
    TABLE 1, SPOT, 0x80000200
    SECTORS 1, 0x300
    COMMAND 0xc8
    mov al, 8
    call run_bus_master
    mov eax, 0x41
    RUN
    DONE
    CASE "pio's rep insw over code that has run"
    MAKE 0x11111111
    RUN
    SECTORS 1, 0x300
    COMMAND 0x20
    call wait_ready
    mov edi, SPOT
    mov ecx, 256
    mov dx, IDE_BASE
    rep insw
    mov eax, 0x51
    RUN
    DONE
    CASE "a busy bit and an accessed bit in code that has run"
    mov dword [SPOT], 0x000000b8        ; a descriptor that is code too: MOV EAX, imm32; NOP; NOP; RET
    mov dword [SPOT + 4], 0x00909000
    mov byte [SPOT + 8], 0xc3
    RUN
    sgdt [DATA]
    mov word [DATA], 0xffff
    mov dword [DATA + 2], SPOT - 0x48
    mov esi, gdt
    mov edi, SPOT - 0x48
    mov ecx, 0x48
    rep movsb
    mov byte [SPOT + 5], 0x92           ; data, present, not accessed: also XCHG EAX, EDX
    mov edx, 5
    mov eax, 7
    call SPOT
    VAL eax
    lgdt [DATA]
    mov eax, 0x48
    mov fs, ax                          ; 93h now: XCHG EAX, EBX
    lgdt [gdt_pointer]
    mov ebx, 0x99
    RUN
    DONE
    call tables
    CASE "written through another linear address"
    MAKE 0x11111111
    RUN
    mov dword [V + 1], 0x22222222
    RUN
    call V
    VAL eax
    mov dword [SPOT + 1], 0x33333333
    call V
    VAL eax
    DONE
    CASE "the page is mapped to other code"
    mov dword [0x71000], 0x0044b866     ; MOV AX, 44h; RET
    mov byte [0x71004], 0xc3
    xor eax, eax
    call V
    VAL eax
    mov dword [WINDOW], 0x71007
    invlpg [V]
    xor eax, eax
    call V
    VAL eax
    mov dword [WINDOW], SPOT + 7
    mov eax, cr3
    mov cr3, eax
    call V
    VAL eax
    DONE
    CASE "an accessed bit that the walk writes into code"
    mov edi, 0x72000                    ; a page table that is code
    mov byte [edi], 0xb8
    mov dword [edi + 1], 0
    mov byte [edi + 5], 0xc3
    call edi
    mov dword [edi], 0x700b8 & ~0x20 | 7 ; page 70000h, its low byte is an opcode
    mov byte [edi + 4], 0xc3
    mov byte [edi], 0x07                ; POP ES as code: not run; the entry is present
    mov dword [PD + 8], 0x72007
    mov eax, [0x800000]
    mov al, [edi]
    VAL eax, 8
    mov dword [PD + 8], 0
    DONE
    mov eax, 0x31
    mov cr0, eax
    CASE "code seen through a20"
    mov byte [SPOT], 0xb8
    mov dword [SPOT + 1], 0x11111111
    mov byte [SPOT + 5], 0xc3
    mov byte [SPOT + 0x100000], 0xb8
    mov dword [SPOT + 0x100001], 0x22222222
    mov byte [SPOT + 0x100005], 0xc3
    call SPOT + 0x100000
    VAL eax
    in al, 0x92
    and al, 0xfd
    out 0x92, al
    call SPOT + 0x100000
    mov [kept], eax
    mov dword [SPOT + 0x100001], 0x33333333
    call SPOT
    push eax
    in al, 0x92
    or al, 2
    out 0x92, al
    VAL [kept]
    pop eax
    VAL eax
    call SPOT + 0x100000
    VAL eax
    DONE
    CASE "a task switch saves its state over code"
    DESCRIPTOR TASK, SPOT, 0x67, 0x0089
    mov edi, SPOT
    mov ecx, 0x68 / 4
    xor eax, eax
    rep stosd
    mov byte [SPOT + 0x27], 0xb8        ; before EAX's field: MOV EAX, field; then RET in ECX's
    mov dword [SPOT + 0x28], 0x11111111
    mov byte [SPOT + 0x2c], 0xc3
    call SPOT + 0x27
    VAL eax
    mov word [gdt + TASK + 4], 0x8900 | (SPOT >> 16)
    mov ax, TASK
    ltr ax
    mov byte [gdt + TSS_SEL + 5], 0x89
    mov eax, cr3
    mov [TSS + 0x1c], eax
    mov dword [TSS + 0x20], switched
    mov dword [TSS + 0x24], 2
    mov [TSS + 0x38], esp
    mov dword [TSS + 0x48], KDS
    mov dword [TSS + 0x4c], KCS
    mov dword [TSS + 0x50], KDS
    mov dword [TSS + 0x54], KDS
    mov eax, 0x55667788
    mov ecx, 0xc3
    jmp TSS_SEL:0
switched:
    clts
    mov byte [SPOT + 0x27], 0xb8
    call SPOT + 0x27
    VAL eax
    DONE
    ret

returns:
    iretd
overwriting:
    nop
.rep:
    rep movsb
    inc eax
    inc eax
    inc eax
    ret
overwriting_end:

tables:
    mov edi, LOW_TABLE
    mov eax, 7
    mov ecx, 1024
.fill:
    stosd
    add eax, 0x1000
    loop .fill
    mov dword [PD], LOW_TABLE + 7
    mov dword [PD + 4], WINDOW + 7
    mov dword [WINDOW], SPOT + 7
    mov eax, PD
    mov cr3, eax
    mov eax, 0x80000031
    mov cr0, eax
    ret

section .data
new_code: db 0xb8, 0x88, 0x77, 0x66, 0x55, 0xc3
nops: db 0x90, 0x90, 0x90
    align 4
kept: dd 0
image_end:
