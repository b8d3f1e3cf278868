; The application: an HTTP server on the console. A request line with a version is followed by headers, which mean nothing
; here, and an empty line [RFC 1945, 5]; one without is answered at once, by the body alone, which is kind to people who type.

ANSWER_SIZE     equ 4096

application:
    mov edi, .greeting
    call print
.serve:
    call read_line
    test eax, eax
    jz .serve
    inc qword [requests]
    mov edi, line
    mov esi, .get
    call begins_with
    jne .not_get
    mov r12, rdi                            ; the path
    call has_version
    mov r13d, eax
    call choose_page
    mov r14, rax                            ; what makes the page
    test r13d, r13d
    jz .make
.header:
    call read_line
    test eax, eax
    jnz .header
.make:
    mov edi, answer
    call r14
    mov byte [rdi], 0
    test r13d, r13d
    jz .body
    lea rbx, [rdi - answer]
    mov edi, .ok
    mov eax, .missing
    cmp r14d, not_found
    cmove edi, eax
    call print
    mov edi, .length
    call print
    mov edi, ebx
    call print_number
    mov edi, .blank
    call print
.body:
    mov edi, answer
    call print
    cmp r14d, page_poweroff
    jne .serve
    jmp power_off
.not_get:
    mov edi, .bad
    call print
    jmp .serve

.greeting: db 'coracle library OS: ready', 13, 10, 0
.get: db 'GET ', 0
.ok: db 'HTTP/1.0 200 OK', 13, 10, 0
.missing: db 'HTTP/1.0 404 Not Found', 13, 10, 0
.length: db 'Content-Type: text/plain', 13, 10, 'Content-Length: ', 0
.blank: db 13, 10, 13, 10, 0
.bad: db 'HTTP/1.0 400 Bad Request', 13, 10, 13, 10, 0

; R12: path. Does a version follow it? EAX: 1 or 0. Ends the path with a zero.
has_version:
    mov rdi, r12
.next:
    mov al, [rdi]
    test al, al
    jz .no
    inc rdi
    cmp al, ' '
    jne .next
    mov byte [rdi - 1], 0
    mov esi, .version
    call begins_with
    jne .no
    mov eax, 1
    ret
.no:
    xor eax, eax
    ret
.version: db 'HTTP/', 0

; R12: path. RAX: what makes its page.
choose_page:
    mov r9d, pages
.next:
    mov r8, [r9 + 8]
    mov rsi, [r9]
    test rsi, rsi
    jz .done
    mov rdi, r12
    call begins_with
    jne .other
    cmp byte [rdi], 0
    je .done
.other:
    add r9d, 16
    jmp .next
.done:
    mov rax, r8
    ret

align 8
pages:
    dq .root, page_root
    dq .memory, page_memory
    dq .uptime, page_uptime
    dq .poweroff, page_poweroff
    dq 0, not_found
.root: db '/', 0
.memory: db '/memory', 0
.uptime: db '/uptime', 0
.poweroff: db '/poweroff', 0

; Each page puts its text at RDI and moves it on.

page_root:
    mov esi, .text
    call put
    mov rax, [requests]
    call put_number
    mov esi, new_line
    jmp put
.text: db 'One application, one address space, no kernel under it. Pages: /memory /uptime /poweroff', 13, 10, 'Requests so far: ', 0

page_memory:
    push rdi
    call memory_bytes
    pop rdi
    shr rax, 10
    call put_number
    mov esi, .unit
    jmp put
.unit: db ' KiB of memory', 13, 10, 0

page_uptime:
    rdtsc
    shl rdx, 32
    or rax, rdx
    sub rax, [start_counter]
    call put_number
    mov esi, .unit
    jmp put
.unit: db ' cycles since the entry', 13, 10, 0

page_poweroff:
    mov esi, .text
    jmp put
.text: db 'good night', 13, 10, 0

not_found:
    mov esi, .text
    jmp put
.text: db 'there is no such page', 13, 10, 0
