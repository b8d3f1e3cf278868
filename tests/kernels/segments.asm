; Segment limits and types: expand-down, read-only, execute-only, null, not present, privilege, and the selector
; instructions. [SDM3 5.3 to 5.6, 5.10]
; QEMU's compiler does not check limits and types of data accesses; see the table beside the log.
%include "kernel.inc"

S           equ SLOT(0)
L16         equ SLOT(1)
CODE        equ SLOT(2)

main:
    CASE "byte at the limit and past it"
    DESCRIPTOR S, DATA, 0xff, 0x4092
    mov eax, S
    mov fs, ax
    TRY mov al, [fs:0xff]
    TRY mov al, [fs:0x100]
    TRY mov [fs:0x100], al
    DONE
    CASE "word and doubleword across the limit"
    TRY mov ax, [fs:0xfe]
    TRY mov ax, [fs:0xff]
    TRY mov eax, [fs:0xfc]
    TRY mov eax, [fs:0xfd]
    TRY mov [fs:0xfd], eax
    DONE
    CASE "x87 operands across the limit"
    fninit
    TRY fld tword [fs:0xf6]
    TRY fld tword [fs:0xf7]
    TRY fld qword [fs:0xf9]
    DONE
    CASE "stack segment past its limit"
    DESCRIPTOR S, DATA, 0xff, 0x40f2
    USER user_ss
    DONE
    CASE "default segment of ebp is the stack"
    USER user_ebp
    DONE
    CASE "push past the end of the stack"
    USER user_push
    DONE
    CASE "pop past the end of the stack"
    USER user_pop
    DONE
    CASE "pusha that does not fit whole"
    mov dword [DATA + 4], 0
    USER user_pusha
    mov eax, [DATA + 4]
    VAL eax
    DONE
    CASE "call and ret past the end of the stack"
    USER user_call
    USER user_ret
    DONE
    CASE "enter and leave past the end of the stack"
    USER user_enter
    USER user_leave
    DONE
    CASE "read-only segment"
    DESCRIPTOR S, DATA, 0xff, 0x4090
    mov eax, S
    mov fs, ax
    TRY mov eax, [fs:0]
    TRY mov [fs:0], eax
    TRY xchg [fs:0], eax
    TRY cmp [fs:0], eax
    DONE
    CASE "expand-down segment of 32 bits"
    DESCRIPTOR S, DATA, 0xff, 0x4096
    mov eax, S
    mov fs, ax
    TRY mov al, [fs:0xff]
    TRY mov al, [fs:0x100]
    TRY mov eax, [fs:0xfe]
    TRY mov al, [fs:0x10000]
    TRY mov al, [fs:0xfff90000]
    DONE
    CASE "expand-down segment of 16 bits"
    DESCRIPTOR S, DATA, 0xff, 0x0096
    mov eax, S
    mov fs, ax
    TRY mov al, [fs:0xff]
    TRY mov al, [fs:0x100]
    TRY mov al, [fs:0xffff]
    TRY mov al, [fs:0x10000]
    TRY mov ax, [fs:0xffff]
    DONE
    CASE "expand-down segment with the limit at the top has no bytes"
    DESCRIPTOR S, DATA, 0xfffff, 0xc096
    mov eax, S
    mov fs, ax
    TRY mov al, [fs:0]
    TRY mov al, [fs:0xffffffff]
    DONE
    CASE "execute-only segment is no data segment"
    DESCRIPTOR S, DATA, 0xff, 0x4098
    mov eax, S
    TRY mov fs, ax
    DONE
    CASE "read from an execute-only code segment"
    DESCRIPTOR CODE, 0, 0xfffff, 0xc098
    EXPECT .execute_only
    jmp CODE:.in_execute_only
.in_execute_only:
    mov eax, [cs:main]
.execute_only:
    jmp KCS:.in_kcs
.in_kcs:
    DONE
    CASE "write through a code segment"
    TRY mov [cs:DATA], eax
    mov eax, KCS
    mov fs, ax
    TRY mov eax, [fs:main]
    TRY mov [fs:DATA], eax
    DONE
    CASE "access through a null selector"
    xor eax, eax
    mov fs, ax
    TRY mov eax, [fs:0]
    mov eax, 3
    TRY mov fs, ax
    mov eax, fs
    VAL eax
    TRY mov [fs:DATA], eax
    DONE
    CASE "null selector into ss"
    xor eax, eax
    TRY mov ss, ax
    DONE
    CASE "selectors past the limit of the gdt"
    mov eax, 0x1000
    TRY mov ds, ax
    TRY mov ss, ax
    DONE
    CASE "segment that is not present"
    DESCRIPTOR S, DATA, 0xff, 0x4012
    mov eax, S
    TRY mov fs, ax
    TRY mov ss, ax
    DONE
    CASE "system descriptor into a data segment"
    mov eax, TSS_SEL
    TRY mov fs, ax
    TRY mov ss, ax
    DONE
    CASE "ss of another level, with another rpl, read-only, code"
    mov eax, UDS
    TRY mov ss, ax
    mov eax, KDS | 3
    TRY mov ss, ax
    DESCRIPTOR S, DATA, 0xff, 0x4090
    mov eax, S
    TRY mov ss, ax
    mov eax, KCS
    TRY mov ss, ax
    DONE
    CASE "rpl above dpl of a data segment"
    mov eax, KDS | 3
    TRY mov fs, ax
    DONE
    CASE "level 3 loads a segment of level 0, and a conforming one"
    DESCRIPTOR CODE, 0, 0xfffff, 0xc09e
    USER user_load
    DONE
    CASE "the accessed bit of a data segment"
    DESCRIPTOR S, DATA, 0xff, 0x4092
    mov eax, S
    mov fs, ax
    mov eax, [gdt + S + 4]
    VAL eax
    DONE
    CASE "lds, lss and pop of bad selectors leave registers"
    mov dword [DATA], 0x12345678
    mov dword [DATA + 4], 0x1000
    mov esi, 0x1111
    TRY lfs esi, [DATA]
    VAL esi
    TRY lss esi, [DATA]
    VAL esi
    push dword 0x1000
    mov ebp, esp
    TRY pop fs
    add esp, 4
    DONE
    CASE "code runs past the limit of its segment"
    DESCRIPTOR CODE, DATA, 0x0f, 0x409a
    mov edi, DATA
    mov ecx, 32
    mov al, 0x40
    rep stosb
    xor eax, eax
    EXPECT .past
    jmp CODE:8
.past:
    VAL eax
    DONE
    CASE "instruction across the limit of its segment"
    mov byte [DATA + 14], 0xb8
    xor eax, eax
    EXPECT .across
    jmp CODE:10
.across:
    VAL eax
    DONE
    CASE "near jumps past the limit fault at the jump"
    mov word [DATA + 8], 0x20eb
    EXPECT .near
    jmp CODE:8
.near:
    mov word [DATA + 8], 0xe0ff
    mov eax, 0x100
    EXPECT .near2
    jmp CODE:8
.near2:
    mov byte [DATA + 8], 0xc3
    push dword 0x100
    EXPECT .near3
    jmp CODE:8
.near3:
    add esp, 4
    mov byte [DATA + 8], 0xe8
    mov dword [DATA + 9], 0x100
    EXPECT .near4
    jmp CODE:8
.near4:
    DONE
    CASE "jump of 16 bits cuts eip"
    DESCRIPTOR SLOT(3), DATA - 0x10000, 0x1ffff, 0x409a
    mov dword [DATA + 8], 0x9000eb66
    mov word [DATA - 0x10000 + 0x0b], 0x0b0f
    EXPECT .cut
    jmp SLOT(3):0x10008
.cut:
    DONE
    CASE "code loop near the limit"
    mov dword [DATA + 8], 0x90fde240       ; inc eax; loop $-1
    mov dword [DATA + 12], 0x90909090
    xor eax, eax
    mov ecx, 100
    EXPECT .loop
    jmp CODE:8
.loop:
    VAL eax
    DONE
    CASE "rep movsb past the limit of the source"
    DESCRIPTOR S, DATA, 0xff, 0x4092
    mov eax, S
    mov fs, ax
    mov esi, 0xfe
    mov edi, DATA + 0x200
    mov ecx, 4
    TRY fs rep movsb
    VAL ecx
    VAL esi
    DONE
    CASE "rep stosd past the limit of the destination"
    mov eax, S
    mov es, ax
    mov edi, 0xf4
    mov ecx, 8
    TRY rep stosd
    VAL ecx
    VAL edi
    mov eax, KDS
    mov es, ax
    DONE
    CASE "16-bit addresses wrap in the register"
    mov dword [DATA], 0xcafe0000
    DESCRIPTOR S, DATA, 0xffff, 0x0092
    mov eax, S
    mov fs, ax
    mov ebx, 0x1ffff
    mov esi, 0x10003
    TRY mov ax, [fs:bx + si]
    VAL eax, 16
    TRY mov eax, [fs:bx]
    DONE
    CASE "verr, verw"
    call show_rights
    DONE
    CASE "lar, lsl"
    mov esi, selectors
.each:
    lodsw
    movzx ebx, ax
    cmp ebx, 0xffff
    je .each_done
    mov eax, 0x11111111
    lar eax, ebx
    setz dl
    VAL eax
    VAL edx, 8
    mov eax, 0x22222222
    lsl eax, ebx
    setz dl
    VAL eax
    VAL edx, 8
    jmp .each
.each_done:
    DONE
    CASE "arpl"
    mov eax, 0x50
    mov ebx, 3
    arpl ax, bx
    setz dl
    VAL eax
    VAL edx, 8
    mov eax, 0x53
    mov ebx, 1
    arpl ax, bx
    setz dl
    VAL eax
    VAL edx, 8
    DONE
    CASE "arpl in a segment that cannot be written, nothing to raise and something"
    DESCRIPTOR S, DATA, 0xff, 0x4090
    mov eax, S
    mov fs, ax
    mov dword [DATA], 2
    mov ebx, 1
    TRY arpl [fs:0], bx
    setz dl
    VAL edx, 8
    mov ebx, 3
    TRY arpl [fs:0], bx
    VAL [DATA]
    DONE
    CASE "selectors in the ldt"
    DESCRIPTOR S, DATA + 0x100, 0x0f, 0x0082
    mov dword [DATA + 0x108], DESC_LOW(DATA, 0xfff)
    mov dword [DATA + 0x10c], DESC_HIGH(DATA, 0xfff, 0x4092)
    mov eax, S
    lldt ax
    mov dword [DATA], 0x600d1d7
    mov eax, 0x0c
    TRY mov fs, ax
    mov eax, [fs:0]
    VAL eax
    mov eax, 0x14
    TRY mov fs, ax
    mov eax, 0x04
    TRY mov fs, ax
    xor eax, eax
    lldt ax
    DONE
    ret

show_rights:
    mov esi, selectors
.each:
    lodsw
    movzx ebx, ax
    cmp ebx, 0xffff
    je .end
    xor ecx, ecx
    verr bx
    setz cl
    verw bx
    setz ch
    VAL ecx, 16
    jmp .each
.end:
    ret

%macro LOAD_STACK 1
    mov ax, S | 3
    mov ss, ax
    mov esp, %1
%endmacro
user_ss:
    LOAD_STACK 0x100
    mov al, [ss:0x100]
user_ebp:
    LOAD_STACK 0x100
    mov ebp, 0x200
    mov al, [ebp]
user_push:
    LOAD_STACK 2
    push eax
user_pop:
    LOAD_STACK 0xfe
    pop eax
user_pusha:
    LOAD_STACK 0x18
    pushad
user_call:
    LOAD_STACK 0x200
    call user_load
user_ret:
    LOAD_STACK 0x100
    ret
user_enter:
    LOAD_STACK 0x10
    enter 0x20, 0
user_leave:
    LOAD_STACK 0x10
    mov ebp, 0xfe
    leave
user_load:
    mov eax, KDS
    mov fs, ax
    nop
.next:
    int 0x30

section .data
    align 4
selectors: dw 0, KCS, KDS, UCS, UDS, TSS_SEL, SLOT(0), SLOT(1), 0x1000, KDS | 3, SLOT(2), 0xffff
image_end:
