/**
 * A small operating system for the rehearsal, in 64-bit mode: it loads random programs page by page when they fault, runs them as
 * user programs that end with SYSCALL, takes timer interrupts, prints a character for each, and starts the next.
 */
import { type BootPlan, identityTables, type Placement } from '../machine/loaders/boot-plan.ts';
import { ByteWriter, le16 } from '../machine/loaders/bytes.ts';
import { Assembler } from './assembler.ts';
import { randomProgram } from './program.ts';

/** The guest has so much memory. */
export const RAM_BYTES = 8 << 20;

const PAGE = 0x1000;
/** Page tables, and those of the programs' addresses behind them. */
const TABLES = 0x10000, USER_DIRECTORY = 0x18000, USER_TABLE = 0x19000;
const GDT = 0x20000, IDT = 0x21000, TSS = 0x22000, STACK = 0x30000, KERNEL = 0x40000;
/** Programs lie one after the other; frames for their pages are taken in turn. */
const PROGRAMS = 0x100000, PROGRAM_BYTES = 0x8000, FRAMES = 0x200000;
const PROGRAM_COUNT = 8;
/** Where a program runs: its pages, then what it reads and writes, then its stack. */
const USER = 0x40000000, USER_DATA = USER + 0x10000, USER_STACK = USER + 0x80000;

const KERNEL_CS = 0x10, KERNEL_SS = 0x18, USER_BASE = 0x20, TASK = 0x38;
const VECTOR_PF = 14, VECTOR_TIMER = 0x20;
const IA32_EFER = 0xc0000080, IA32_STAR = 0xc0000081, IA32_LSTAR = 0xc0000082, IA32_FMASK = 0xc0000084;
const EFER_LME_LMA_SCE = 0x501, EFLAGS_IF = 0x200;
/** PAE, OSFXSR, PCIDE. */
const CR4 = 0x20220;
const LOCAL_APIC = 0xfee00000, IO_APIC = 0xfec00000, HPET = 0xfed00000, VGA_TEXT = 0xb8000;
/** The timer's: a millisecond, of 1193182 ticks a second. */
const TIMER_TICKS = 1193;

/** @param seed of the programs */
export function rehearsalGuest(seed: number): BootPlan {
  const kernel = assembleKernel();
  const programs = Array.from({ length: PROGRAM_COUNT }, (_, i) => ({ address: PROGRAMS + i * PROGRAM_BYTES, bytes: randomProgram(seed + i, PROGRAM_BYTES) }));
  return {
    placements: [
      pageTables(),
      { address: GDT, bytes: descriptors() },
      { address: IDT, bytes: gates(kernel) },
      { address: TSS, bytes: taskState() },
      { address: KERNEL, bytes: kernel.finish() },
      ...programs,
    ],
    entry: { eip: kernel.addressOf('start'), pageTables: TABLES },
  };
}

/** The first 4 GiB one to one, but for the programs' addresses, which have no pages yet [SDM3 4.5]. */
function pageTables(): Placement {
  const { address, bytes } = identityTables(TABLES);
  const tables = new ByteWriter(USER_TABLE + PAGE - TABLES);
  tables.set(0, bytes);
  const link = 7; // present, writable, user
  tables.u64(0, (TABLES + PAGE) | link);
  tables.u64(PAGE + 8 * (USER / 2 ** 30), USER_DIRECTORY | link);
  tables.u64(USER_DIRECTORY - TABLES, USER_TABLE | link);
  return { address, bytes: tables.bytes };
}

/** Segments in the order that SYSCALL and SYSRET want [SDM3 5.8.8], and the TSS. */
function descriptors(): Uint8Array {
  const gdt = new ByteWriter(TASK + 16);
  const put = (at: number, ...bytes: number[]): void => gdt.set(at, Uint8Array.from(bytes));
  put(KERNEL_CS, 0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0);
  put(KERNEL_SS, 0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0);
  put(USER_BASE + 8, 0xff, 0xff, 0, 0, 0, 0xf3, 0xcf, 0);
  put(USER_BASE + 16, 0xff, 0xff, 0, 0, 0, 0xfb, 0xaf, 0);
  put(TASK, 0x67, 0, TSS & 0xff, (TSS >> 8) & 0xff, TSS >> 16, 0x89, 0, 0);
  return gdt.bytes;
}

function gates(kernel: Assembler): Uint8Array {
  const idt = new ByteWriter(16 * (VECTOR_TIMER + 1));
  for (const [vector, name] of [[VECTOR_PF, 'page-fault'], [VECTOR_TIMER, 'timer']] as const) {
    const handler = kernel.addressOf(name);
    idt.u16(16 * vector, handler & 0xffff);
    idt.u16(16 * vector + 2, KERNEL_CS);
    idt.u16(16 * vector + 4, 0x8e00);
    idt.u16(16 * vector + 6, handler >> 16);
  }
  return idt.bytes;
}

function taskState(): Uint8Array {
  const tss = new ByteWriter(0x68);
  tss.u64(4, STACK);
  return tss.bytes;
}

/** Entered in 64-bit mode with interrupts off. */
function assembleKernel(): Assembler {
  const a = new Assembler(KERNEL);
  const out = (port: number, value: number): Assembler => a.put(0xb0, value, 0xe6, port); // mov al, value; out port, al
  const wrmsr = (msr: number, low: () => void, high = 0): void => {
    a.put(0xb9).u32(msr).put(0xb8); // mov ecx, msr; mov eax, low
    low();
    a.put(0xba).u32(high).put(0x0f, 0x30); // mov edx, high; wrmsr
  };

  a.name('start').put(0xbc).u32(STACK); // mov esp, STACK
  a.put(0x0f, 0x01, 0x14, 0x25).address('gdtr').put(0x0f, 0x01, 0x1c, 0x25).address('idtr'); // lgdt, lidt
  a.put(0xb8).u32(KERNEL_SS).put(0x8e, 0xd0, 0x8e, 0xd8, 0x8e, 0xc0); // mov eax, KERNEL_SS; mov ss, ds, es, ax
  a.put(0xb8).u32(TASK).put(0x0f, 0x00, 0xd8); // mov eax, TASK; ltr ax
  a.put(0xb8).u32(CR4).put(0x0f, 0x22, 0xe0); // mov eax, CR4; mov cr4, rax
  wrmsr(IA32_EFER, () => a.u32(EFER_LME_LMA_SCE));
  wrmsr(IA32_STAR, () => a.u32(0), KERNEL_CS | ((USER_BASE | 3) << 16));
  wrmsr(IA32_LSTAR, () => a.address('system-call'));
  wrmsr(IA32_FMASK, () => a.u32(EFLAGS_IF));
  // PICs: interrupts from VECTOR_TIMER on, the timer's alone. The timer: mode 2.
  for (const [port, values] of [[0x20, [0x11]], [0x21, [VECTOR_TIMER, 4, 1, 0xfe]], [0xa0, [0x11]], [0xa1, [VECTOR_TIMER + 8, 2, 1, 0xff]]] as const) {
    for (const value of values) out(port, value);
  }
  out(0x43, 0x34);
  out(0x40, TIMER_TICKS & 0xff);
  out(0x40, TIMER_TICKS >> 8);

  // Starts the program whose number is in [program].
  a.name('next').put(0xb8).u32(USER_STACK - 8).put(0x48, 0x89, 0xc4); // mov eax, USER_STACK - 8; mov rsp, rax
  a.put(0xbf).u32(USER_DATA).put(0xb9).u32(USER).put(0x41, 0xbb).u32(EFLAGS_IF | 2); // mov edi, USER_DATA; mov ecx, USER; mov r11d, IF
  a.put(0x48, 0x0f, 0x07); // sysretq

  // A program has ended: a character, what kernels ask of their hardware now and then, no pages any more, the next program.
  a.name('system-call').put(0xbc).u32(STACK); // mov esp, STACK
  a.put(0x0f, 0x01, 0xf8, 0x0f, 0x01, 0xf8); // swapgs; swapgs
  a.put(0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, -5); // mov dx, 3fd; wait: in al, dx; test al, 20; jz wait
  a.put(0x66, 0xba, 0xf8, 0x03, 0xb0, 0x2e, 0xee); // mov dx, 3f8; mov al, '.'; out dx, al
  a.put(0x31, 0xc0, 0x31, 0xc9, 0x0f, 0xa2, 0x0f, 0x31); // xor eax, eax; xor ecx, ecx; cpuid; rdtsc
  a.put(0xb9).u32(IA32_LSTAR).put(0x0f, 0x32, 0x0f, 0x30); // mov ecx, LSTAR; rdmsr; wrmsr
  a.put(0x0f, 0x20, 0xc0, 0x0f, 0x22, 0xc0); // mov rax, cr0; mov cr0, rax
  a.put(0x9c, 0x58, 0xfb, 0xf4, 0xfa); // pushf; pop rax; sti; hlt; cli
  a.put(0x8b, 0x1c, 0x25).address('program'); // mov ebx, [program]
  a.put(0x66, 0xba, 0xf8, 0x0c, 0x89, 0xd8, 0xc1, 0xe0, 11, 0x0d).u32(0x80000000).put(0xef); // mov dx, cf8; mov eax, ebx; shl eax, 11; or eax, 1 << 31; out dx, eax
  a.put(0x66, 0xba, 0xfc, 0x0c, 0xed, 0x88, 0xd8, 0xe6, 0x70, 0xe4, 0x71); // mov dx, cfc; in eax, dx; mov al, bl; out 70, al; in al, 71
  // The local APIC's version and current count, the I/O APIC's window, the HPET's main counter.
  for (const address of [LOCAL_APIC + 0x30, LOCAL_APIC + 0x390, IO_APIC + 0x10, HPET + 0xf0]) a.put(0x67, 0x8b, 0x04, 0x25).u32(address); // mov eax, [address]
  a.put(0x67, 0x89, 0x1c, 0x25).u32(IO_APIC).put(0x67, 0xc7, 0x04, 0x25).u32(LOCAL_APIC + 0x380).u32(1 << 20); // its index: mov [IO_APIC], ebx; the initial count: mov dword [LOCAL_APIC + 380], …
  a.put(0xbf).u32(VGA_TEXT).put(0xb9).u32(80).put(0x66, 0x89, 0x07, 0x66, 0x8b, 0x07, 0x83, 0xc7, 2, 0xe2, -11); // mov edi, VGA_TEXT; mov ecx, 80; line: mov [rdi], ax; mov ax, [rdi]; add edi, 2; loop line
  a.put(0x88, 0x1c, 0x25).address('patched').put(0xb8).name('patched').u32(0); // mov [patched], bl; mov eax, 0
  a.put(0xbf).u32(USER_TABLE).put(0x31, 0xc0, 0xb9).u32(512).put(0xf3, 0x48, 0xab); // mov edi, USER_TABLE; xor eax, eax; mov ecx, 512; rep stosq
  a.put(0xb8).u32(TABLES + 1).put(0x01, 0xd8, 0x0f, 0x22, 0xd8); // mov eax, TABLES + 1; add eax, ebx; mov cr3, rax
  a.put(0x8b, 0x04, 0x25).address('program').put(0xff, 0xc0, 0x83, 0xe0, PROGRAM_COUNT - 1); // mov eax, [program]; inc eax; and eax, 7
  a.put(0x89, 0x04, 0x25).address('program').put(0xe9).distance('next'); // mov [program], eax; jmp next

  // The next frame for the page at CR2: a copy of the program's page, or zeros.
  a.name('page-fault').put(0x50, 0x51, 0x52, 0x56, 0x57); // push rax, rcx, rdx, rsi, rdi
  a.put(0x0f, 0x20, 0xd0, 0x89, 0xc1, 0xc1, 0xe9, 12, 0x81, 0xe1).u32(511); // mov rax, cr2; mov ecx, eax; shr ecx, 12; and ecx, 511
  a.put(0x8b, 0x3c, 0x25).address('frame').put(0x8d, 0x97).u32(PAGE); // mov edi, [frame]; lea edx, [rdi + PAGE]
  a.put(0x81, 0xfa).u32(RAM_BYTES).put(0x75, 5, 0xba).u32(FRAMES); // cmp edx, RAM_BYTES; jne; mov edx, FRAMES
  a.put(0x89, 0x14, 0x25).address('frame'); // mov [frame], edx
  a.put(0x8d, 0x57, 0x07, 0x89, 0x14, 0xcd).u32(USER_TABLE); // lea edx, [rdi + 7]; mov [USER_TABLE + rcx * 8], edx
  a.put(0x0f, 0x01, 0x38); // invlpg [rax]
  a.put(0x83, 0xf9, PROGRAM_BYTES / PAGE, 0x0f, 0x83).distance('zeros'); // cmp ecx, pages; jae zeros
  a.put(0x6b, 0x34, 0x25).address('program').put(PROGRAM_BYTES / PAGE, 0x01, 0xce); // imul esi, [program], pages; add esi, ecx
  a.put(0xc1, 0xe6, 12, 0x81, 0xc6).u32(PROGRAMS); // shl esi, 12; add esi, PROGRAMS
  a.put(0xb9).u32(512).put(0xf3, 0x48, 0xa5, 0xe9).distance('filled'); // mov ecx, 512; rep movsq; jmp filled
  a.name('zeros').put(0x31, 0xc0, 0xb9).u32(512).put(0xf3, 0x48, 0xab); // xor eax, eax; mov ecx, 512; rep stosq
  a.name('filled').put(0x5f, 0x5e, 0x5a, 0x59, 0x58, 0x48, 0x83, 0xc4, 8, 0x48, 0xcf); // pop rdi, rsi, rdx, rcx, rax; add rsp, 8; iretq

  a.name('timer').put(0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0x48, 0xcf); // push rax; mov al, 20; out 20, al; pop rax; iretq

  a.align(8).name('gdtr').put(...le16(TASK + 15)).u32(GDT).u32(0);
  a.align(8).name('idtr').put(...le16(16 * (VECTOR_TIMER + 1) - 1)).u32(IDT).u32(0);
  a.align(8).name('program').u32(0).name('frame').u32(FRAMES);
  return a;
}
