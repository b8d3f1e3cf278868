; Sector 0. Firmware puts it at 0000:7C00 in real mode with the boot drive in DL; it loads the whole image to
; 1000:0000 and goes on there. int 13h with block addresses where the firmware has it (function 42h), otherwise with
; cylinders, heads and sectors (function 2), which any BIOS has for floppies too.

        bits    16
boot_sector:
        jmp     0x07C0:R(.segment)      ; some firmware starts it at 07C0:0000, some at 0000:7C00
.segment:
        mov     ax, cs
        mov     ds, ax
        xor     ax, ax
        mov     ss, ax
        mov     sp, 0x7C00
        cld
        sti
        mov     [R(boot_drive)], dl
        mov     ah, 0x41                ; are there block addresses?
        mov     bx, 0x55AA
        int     0x13
        jc      .by_geometry
        cmp     bx, 0xAA55
        jne     .by_geometry
        test    cl, 1
        jz      .by_geometry
        mov     si, R(disk_packet)
        mov     dl, [R(boot_drive)]
        mov     ah, 0x42
        int     0x13
        jnc     .loaded

.by_geometry:
        mov     dl, [R(boot_drive)]
        mov     ah, 8                   ; the drive's geometry: CL = sectors, DH = last head
        xor     di, di
        mov     es, di
        int     0x13
        jc      .read                   ; keep the figures of a 1.44 MB floppy
        and     cx, 0x3F
        jz      .read
        mov     [R(track_sectors)], cx
        mov     dl, dh
        xor     dh, dh
        inc     dx
        mov     [R(heads)], dx
.read:
        mov     ax, COPY_SEGMENT
        mov     es, ax
        xor     bx, bx
.next_sector:
        mov     byte [R(tries)], 4
.try:
        mov     ax, [R(sector)]
        xor     dx, dx
        div     word [R(track_sectors)] ; AX = track, DX = sector - 1
        mov     cx, dx
        inc     cx
        xor     dx, dx
        div     word [R(heads)]         ; AX = cylinder, DX = head
        mov     ch, al
        shl     ah, 6
        or      cl, ah
        mov     dh, dl
        mov     dl, [R(boot_drive)]
        mov     ax, 0x0201
        int     0x13
        jnc     .read_one
        xor     ah, ah                  ; reset the drive and try again
        mov     dl, [R(boot_drive)]
        int     0x13
        dec     byte [R(tries)]
        jnz     .try
        mov     si, R(disk_error)
.error:
        lodsb
        test    al, al
        jz      .stop
        mov     ah, 0x0E
        mov     bx, 7
        int     0x10
        jmp     .error
.stop:
        hlt
        jmp     .stop
.read_one:
        add     bx, 512
        inc     word [R(sector)]
        cmp     word [R(sector)], IMAGE_SECTORS
        jb      .next_sector

.loaded:
        mov     dl, [R(boot_drive)]
        jmp     COPY_SEGMENT:R(real_from_firmware)

disk_packet:
        db      16, 0
        dw      IMAGE_SECTORS
        dw      0, COPY_SEGMENT         ; to 1000:0000
        dq      0                       ; from the first block
track_sectors:  dw 18
heads:          dw 2
sector:         dw 0
tries:          db 0
boot_drive:     db 0
disk_error:     db "Coracle teaching guest: the disk cannot be read", 13, 10, 0

        times   440 - ($ - $$) db 0
        dd      0x7EAC4000              ; the disk's signature
        dw      0
        ; One active partition that covers the image, for firmware that wants to see one.
        db      0x80, 0, 1, 0, 0xDA, 1, 2, 0
        dd      0, IMAGE_SECTORS
        times   510 - ($ - $$) db 0
        dw      0xAA55

; [MB 3.1] The header lies in the first 8 KiB, aligned to 4 bytes. Bit 16: the addresses are given here, since the
; file is a plain binary. Bit 1: the loader tells how much memory there is.
MULTIBOOT_MAGIC equ 0x1BADB002
MULTIBOOT_FLAGS equ (1 << 16) | (1 << 1)

        align   4
multiboot_header:
        dd      MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
        dd      multiboot_header, BASE, BASE + IMAGE_SIZE, MEMORY_END, multiboot_entry
