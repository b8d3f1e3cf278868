; Lines, numbers and comparing.

LINE_SIZE       equ 1024

new_line: db 13, 10, 0

; Reads a line without its end into `line`, ended by a zero; what does not fit is left out. Length in EAX.
read_line:
    xor r9d, r9d
.next:
    call read_byte
    cmp al, 13
    je .end
    cmp al, 10
    je .line_feed
    mov [last_byte], al
    cmp r9d, LINE_SIZE - 1
    jae .next
    mov [line + r9], al
    inc r9d
    jmp .next
.line_feed:
    ; The second half of CR LF is no line of its own.
    cmp byte [last_byte], 13
    mov [last_byte], al
    je .next
    jmp .finish
.end:
    mov [last_byte], al
.finish:
    mov byte [line + r9], 0
    mov eax, r9d
    ret
last_byte: db 0

; Does the text at RDI begin with the one at RSI? ZF set: yes, and RDI points behind it.
begins_with:
    mov al, [rsi]
    test al, al
    jz .yes
    cmp al, [rdi]
    jne .no
    inc rsi
    inc rdi
    jmp begins_with
.yes:
    cmp al, al
.no:
    ret

; Numbers go to where RDI of `put` points: an answer under construction.
; RSI: text; RDI: place, moved on.
put:
    lodsb
    test al, al
    jz .done
    stosb
    jmp put
.done:
    ret

; RAX: number, in decimal; RDI: place, moved on.
put_number:
    mov ecx, 10
    xor r8d, r8d
.divide:
    xor edx, edx
    div rcx
    push rdx
    inc r8d
    test rax, rax
    jnz .divide
.digit:
    pop rax
    add al, '0'
    stosb
    dec r8d
    jnz .digit
    ret

; RDI: number.
print_number:
    mov rax, rdi
    mov edi, digits
    call put_number
    mov byte [rdi], 0
    mov edi, digits
    jmp print

print_hexadecimal:
    mov r9, rdi
    mov r8d, 16
.digit:
    rol r9, 4
    mov eax, r9d
    and eax, 15
    mov al, [.digits + rax]
    call write_byte
    dec r8d
    jnz .digit
    ret
.digits: db '0123456789abcdef'
