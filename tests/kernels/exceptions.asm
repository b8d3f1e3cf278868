; Every exception that an instruction raises: vector, error code, saved EIP and flags, from level 0 and level 3.
; [SDM3 6.15]
%include "kernel.inc"

main:
    CASE "#DE div by zero"
    xor edx, edx
    xor ecx, ecx
    mov eax, 1
    TRY div ecx
    DONE
    CASE "#DE quotient overflow"
    mov edx, 1
    mov ecx, 1
    TRY div ecx
    DONE
    CASE "#DE idiv most negative by -1"
    mov eax, 0x80000000
    cdq
    mov ecx, -1
    TRY idiv ecx
    VAL eax
    VAL edx
    DONE
    CASE "#DE aam 0"
    TRY aam 0
    DONE
    CASE "#BP int3"
    mov dword [trap_count], 1
    TRY int3
    DONE
    CASE "#BP int 3 with two bytes"
    mov dword [trap_count], 1
    TRY db 0xcd, 3
    DONE
    CASE "#OF into"
    mov dword [trap_count], 1
    mov al, 0x7f
    add al, 1
    TRY into
    DONE
    CASE "into without overflow"
    xor eax, eax
    TRY into
    DONE
    CASE "#BR bound"
    mov dword [DATA], 5
    mov dword [DATA + 4], 10
    mov eax, 11
    TRY bound eax, [DATA]
    mov eax, 4
    TRY bound eax, [DATA]
    mov eax, 10
    TRY bound eax, [DATA]
    DONE
    CASE "#UD ud2"
    TRY ud2
    DONE
    CASE "#UD lock on a register"
    TRY db 0xf0, 0x01, 0xc0
    DONE
    CASE "#UD lock on mov"
    TRY db 0xf0, 0x89, 0x05, 0, 0, 6, 0
    DONE
    CASE "#UD lea of a register"
    TRY db 0x8d, 0xc0
    DONE
    CASE "#UD mov to cs"
    TRY db 0x8e, 0xc8
    DONE
    CASE "#UD mov from segment 6"
    TRY db 0x8c, 0xf0
    DONE
    CASE "#UD mov from cr1"
    TRY db 0x0f, 0x20, 0xc8
    DONE
    CASE "#UD lds of a register"
    TRY db 0xc5, 0xc0
    DONE
    CASE "#UD ff /7"
    TRY db 0xff, 0xf8
    DONE
    CASE "#UD far call of a register"
    TRY db 0xff, 0xd8
    DONE
    CASE "#GP instruction of 16 bytes"
    EXPECT .long
    times 15 db 0x66
    nop
.long:
    DONE
    CASE "instruction of 15 bytes"
    EXPECT .shorter
    times 14 db 0x66
    nop
.shorter:
    DONE
    CASE "#NM with em"
    mov eax, cr0
    or eax, 4
    mov cr0, eax
    TRY fninit
    TRY fwait
    mov eax, 0x31
    mov cr0, eax
    DONE
    CASE "#NM with ts, with and without mp"
    mov eax, 0x39
    mov cr0, eax
    TRY fninit
    TRY fwait
    mov eax, 0x3b
    mov cr0, eax
    TRY fwait
    clts
    TRY fwait
    mov eax, 0x31
    mov cr0, eax
    DONE
    CASE "#GP int through a gate of level 0 from level 3"
    USER user_int
    DONE
    CASE "#GP int past the limit of the idt"
    TRY int 0x31
    DONE
    CASE "#GP int through a gate of a wrong type"
    mov dword [IDT_GATE(0x2f) + 4], 0x00018c00
    TRY int 0x2f
    DONE
    CASE "#NP int through a gate that is not present"
    mov dword [IDT_GATE(0x2f) + 4], 0x00020e00
    TRY int 0x2f
    DONE
    CASE "#GP gate with a null selector"
    GATE IDT_GATE(0x2f), 0, stubs, 0x8e, 0
    TRY int 0x2f
    DONE
    CASE "#GP gate to a data segment"
    GATE IDT_GATE(0x2f), KDS, stubs, 0x8e, 0
    TRY int 0x2f
    DONE
    CASE "#GP gate past the limit of the gdt"
    GATE IDT_GATE(0x2f), 0x1000, stubs, 0x8e, 0
    TRY int 0x2f
    DONE
    CASE "#NP gate to a segment that is not present"
    DESCRIPTOR SLOT(0), 0, 0xfffff, 0xc01a
    GATE IDT_GATE(0x2f), SLOT(0), stubs, 0x8e, 0
    TRY int 0x2f
    DONE
    CASE "#GP gate to an outer level"
    GATE IDT_GATE(0x2f), UCS, stubs, 0x8e, 0
    TRY int 0x2f
    DONE
    CASE "#NP of a gate for #UD, EXT"
    push dword [IDT_GATE(6) + 4]
    mov dword [IDT_GATE(6) + 4], 0x00020e00
    TRY ud2
    pop dword [IDT_GATE(6) + 4]
    DONE
    CASE "#GP while #GP is delivered is a double fault"
    push dword [IDT_GATE(13) + 4]
    mov dword [IDT_GATE(13) + 4], 0x00020e00
    mov eax, 0x1000
    TRY mov fs, ax
    pop dword [IDT_GATE(13) + 4]
    DONE
    CASE "#DE then #NP is a double fault"
    push dword [IDT_GATE(0) + 4]
    mov dword [IDT_GATE(0) + 4], 0x00020e00
    xor ecx, ecx
    TRY div ecx
    pop dword [IDT_GATE(0) + 4]
    DONE
    CASE "#UD then #NP is #NP"
    push dword [IDT_GATE(6) + 4]
    mov dword [IDT_GATE(6) + 4], 0x00020e00
    TRY ud2
    pop dword [IDT_GATE(6) + 4]
    DONE
    CASE "int 3 through a gate that is not present, no EXT"
    push dword [IDT_GATE(3) + 4]
    mov dword [IDT_GATE(3) + 4], 0x0002ee00
    and word [IDT_GATE(3) + 4], 0x7fff
    TRY int3
    pop dword [IDT_GATE(3) + 4]
    DONE
    CASE "icebp"
    mov dword [trap_count], 1
    TRY db 0xf1
    DONE
    CASE "level 3 #UD"
    USER user_ud
    DONE
    CASE "level 3 cli"
    USER user_cli
    DONE
    CASE "level 3 cli with iopl 3"
    USER user_cli, 0x3002
    DONE
    CASE "level 3 hlt"
    USER user_hlt
    DONE
    CASE "level 3 mov cr0"
    USER user_cr0
    DONE
    CASE "level 3 lgdt"
    USER user_lgdt
    DONE
    CASE "level 3 in"
    USER user_in
    DONE
    CASE "in with iopl 3"
    USER user_in, 0x3002
    DONE
    CASE "in with a clear bit in the map"
    and byte [TSS + 0x68 + 0x80 / 8], 0xfe
    USER user_in
    DONE
    CASE "in of a word with one clear bit in the map"
    USER user_in16
    DONE
    CASE "in of the last port"
    mov byte [TSS + 0x68 + 0x1f90], 0
    USER user_in_far
    DONE
    CASE "level 3 popf does not change if and iopl"
    USER user_popf
    mov eax, [DATA]
    VAL eax
    DONE
    CASE "level 3 wrmsr, rdmsr, invlpg, ltr, clts, wbinvd"
    USER user_wrmsr
    USER user_rdmsr
    USER user_invlpg
    USER user_ltr
    USER user_clts
    USER user_wbinvd
    DONE
    CASE "rdtsc at level 3 with tsd"
    mov eax, 4
    mov cr4, eax
    USER user_rdtsc
    xor eax, eax
    mov cr4, eax
    USER user_rdtsc
    DONE
    CASE "lmsw does not clear pe"
    xor eax, eax
    TRY lmsw ax
    mov eax, cr0
    VAL eax
    mov eax, 0x31
    mov cr0, eax
    DONE
    CASE "cr0 with pg and without pe"
    mov eax, 0x80000030
    TRY mov cr0, eax
    DONE
    CASE "cr0 with nw and without cd"
    mov eax, 0x20000031
    TRY mov cr0, eax
    DONE
    CASE "write to reserved bits of cr4"
    mov eax, 0x80000000
    TRY mov cr4, eax
    DONE
    ret

user_int:
    int 0x2f
    int 0x30
user_ud:
    ud2
user_cli:
    cli
    sti
    int 0x30
user_hlt:
    hlt
user_cr0:
    mov eax, cr0
user_lgdt:
    lgdt [gdt_pointer]
user_in:
    in al, 0x80
    int 0x30
user_in16:
    in ax, 0x80
    int 0x30
user_in_far:
    mov edx, 0xfc80
    in al, dx
    int 0x30
user_popf:
    push dword 0x3202
    popfd
    pushfd
    pop dword [DATA]
    int 0x30
user_wrmsr:
    wrmsr
user_rdmsr:
    rdmsr
user_invlpg:
    invlpg [0]
user_ltr:
    ltr ax
user_clts:
    clts
user_wbinvd:
    wbinvd
user_rdtsc:
    rdtsc
    int 0x30

section .data
image_end:
