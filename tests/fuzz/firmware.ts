/**
 * Firmware of 64 KiB for machines under the fuzzers. It gives every vector a handler that acknowledges the interrupt, lets
 * the 8259 pair through the local APIC, programs the interrupt controllers and the timer, tests a word of RAM, writes 'A' to the debug port, and then halts
 * and counts what wakes it: enough to see whether a machine still is one.
 */
const SIZE = 0x10000;
const START = 0xe000, HANDLER = 0xf000, GDT = 0xf100, GDTR = 0xf120;
const APIC = 0xfee00000;

/** Where it counts, how far it comes in a machine that works, and what it writes before that. */
export const COUNTER = 0x5002;
export const ALIVE = 0x41;
export const ALIVE_PORT = 0xe9;

const out = (port: number, value: number): number[] => [0xb0, value, 0xe6, port];
const word = (value: number): number[] => [value & 255, (value >>> 8) & 255];
const long = (value: number): number[] => [...word(value), ...word(value >>> 16)];
const apic = (register: number, value: number): number[] => [0x26, 0x67, 0x66, 0xc7, 0x05, ...long(APIC + register), ...long(value)]; // mov dword [es:APIC + register], value

export function fuzzFirmware(): Uint8Array {
  const rom = new Uint8Array(SIZE).fill(0xf4);
  rom.set([
    0xfa, 0xfc, // cli; cld
    0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x70, // xor ax, ax; mov ds, es, ss, ax; mov sp, 7000h
    0x31, 0xff, 0xb9, 0x00, 0x01, // xor di, di; mov cx, 256
    0xb8, HANDLER & 0xff, HANDLER >> 8, 0xab, 0xb8, 0x00, 0xf0, 0xab, 0xe2, 0xf6, // mov ax, HANDLER; stosw; mov ax, f000h; stosw; loop
    0x66, 0x2e, 0x0f, 0x01, 0x16, ...word(GDTR), // lgdt [cs:GDTR]
    0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xeb, 0x00, // mov eax, cr0; or al, 1; mov cr0, eax; jmp $+2
    0xbb, 0x08, 0x00, 0x8e, 0xc3, // mov bx, 8; mov es, bx
    ...apic(0xf0, 0x1ff), ...apic(0x350, 0x700), // enabled; LINT0 is ExtINT
    0x24, 0xfe, 0x0f, 0x22, 0xc0, 0xeb, 0x00, 0x1e, 0x07, // and al, feh; mov cr0, eax; jmp $+2; push ds; pop es
    ...out(0x20, 0x11), ...out(0x21, 0x08), ...out(0x21, 0x04), ...out(0x21, 0x01),
    ...out(0xa0, 0x11), ...out(0xa1, 0x70), ...out(0xa1, 0x02), ...out(0xa1, 0x01),
    ...out(0x21, 0x00), ...out(0xa1, 0x00),
    ...out(0x43, 0x34), ...out(0x40, 0x00), ...out(0x40, 0x10), // timer 0, rate generator, 4096 clocks
    0xc7, 0x06, 0x02, 0x50, 0x00, 0x00, // mov word [COUNTER], 0
    0xc7, 0x06, 0x00, 0x50, 0xaa, 0x55, // mov word [5000h], 55aah
    0x81, 0x3e, 0x00, 0x50, 0xaa, 0x55, // cmp word [5000h], 55aah
    0x75, 0xfe, // jne $
    ...out(ALIVE_PORT, ALIVE),
    0xfb, 0xf4, 0xff, 0x06, 0x02, 0x50, 0xeb, 0xf8, // sti; hlt; inc word [COUNTER]; jmp sti
  ], START);
  rom.set([0x50, ...out(0xa0, 0x20), ...out(0x20, 0x20), 0x58, 0xcf], HANDLER); // push ax; EOI twice; pop ax; iret
  rom.set([0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0], GDT + 8);
  rom.set([...word(15), ...long(0xf0000 + GDT)], GDTR);
  rom.set([0xea, START & 0xff, START >> 8, 0x00, 0xf0], 0xfff0); // jmp f000:START
  return rom;
}
