/*
 * Executes single instructions at privilege level 3 on QEMU's processor (or any other that boots multiboot), and tells
 * the state after each. The environment (page tables, descriptors, TSS; see tests/oracle/environment.ts) and the cases
 * are put into physical memory from outside; a word at DOORBELL gives their number. 'R' on the debug port: the kernel
 * is ready for the environment; 'D': a batch is done.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

#define GDT 0x203000
#define TSS 0x205000
#define STACK_TOP 0x208000
#define PAGE_DIRECTORY 0x200000
#define DATA_FRAMES 0x210000
#define BASELINE 0x220000
#define CODE_FRAMES 0x230000
#define DOORBELL 0x3ff000
#define RECORDS 0x400000
#define CODE_BASE 0x20000000
#define CODE_SIZE 0x3000
#define MAX_DIFFERENCES 24
#define MODE_V86 2
#define V86_DATA 0x8a00
#define V86_CODE 0x9b00
#define VM 0x20000

struct record {
  u8 code[16];
  u32 length, mode, eip, eflags, reg[8];
  u32 vector, error, eip_after, eflags_after, reg_after[8], cr2, differences, hash, reserved;
  u32 difference[MAX_DIFFERENCES];
  u16 selector[6];
  u32 reserved2[2], steps;
  u8 selector_before[8];
};
struct fx_record {
  struct record r;
  u8 before[512], after[512], code[];
};

/* What the stubs push, and what `resume` pops. */
struct frame {
  u32 gs, fs, es, ds;
  u32 edi, esi, ebp, ignored, ebx, edx, ecx, eax;
  u32 vector, error, eip, cs, eflags, esp, ss;
  u32 v86_es, v86_ds, v86_fs, v86_gs; /* only from and to virtual-8086 mode */
};

__attribute__((section(".multiboot"), used)) static const u32 header[3] = {0x1badb002, 0, (u32)-0x1badb002};

__asm__(
    ".text\n.globl _start\n_start:\n  cli\n  mov $0x208000, %esp\n  call main\n"
    ".altmacro\n"
    ".macro stub n\n"
    "stub_\\n:\n"
    "  .if (\\n == 8) || (\\n >= 10 && \\n <= 14) || (\\n == 17)\n  .else\n  pushl $0\n  .endif\n"
    "  pushl $\\n\n  jmp common\n"
    ".endm\n"
    ".set i,0\n.rept 32\n  stub %i\n.set i,i+1\n.endr\n"
    "common:\n  pushal\n  pushl %ds\n  pushl %es\n  pushl %fs\n  pushl %gs\n"
    "  mov $0x10, %eax\n  mov %eax, %ds\n  mov %eax, %es\n  cld\n"
    "  push %esp\n  call trapped\n"
    ".globl resume\nresume:\n  mov 4(%esp), %esp\n"
    "  popl %gs\n  popl %fs\n  popl %es\n  popl %ds\n  popal\n  add $8, %esp\n  iretl\n"
    ".macro entry n\n  .long stub_\\n\n.endm\n"
    ".data\n.globl stubs\nstubs:\n"
    ".set i,0\n.rept 32\n  entry %i\n.set i,i+1\n.endr\n.text\n");
extern const u32 stubs[32];
void resume(struct frame *f) __attribute__((noreturn));

/* Where the emulator's lies too, so that SIDT gives the same. */
#define IDT 0x204000
#define IDT_LIMIT 0x7ff
static struct record *current;
static u32 remaining, stride, last_step;
#define HAS_FX (stride >= sizeof(struct fx_record))
#define TF 0x100
static const u32 offsets[3] = {0, 0x1000, 0xf000};

static void out(u8 value) { __asm__ volatile("outb %0, $0xe9" ::"a"(value)); }
static u8 *code_at(const struct record *r) {
  return (u8 *)(CODE_FRAMES + (r->mode != 0 ? r->eip : r->eip - CODE_BASE));
}

static void memory_after(struct record *r) {
  u32 hash = 0x811c9dc5u, n = 0;
  for (u32 p = 0; p < 3; p++) {
    u32 *now = (u32 *)(DATA_FRAMES + offsets[p]);
    const u32 *before = (const u32 *)(BASELINE + p * 0x1000);
    for (u32 w = 0; w < 0x400; w++) {
      if (now[w] == before[w]) continue;
      for (u32 b = 0; b < 4; b++) {
        u8 value = (u8)(now[w] >> (8 * b));
        if (value == (u8)(before[w] >> (8 * b))) continue;
        u32 d = (offsets[p] + w * 4 + b) << 8 | value;
        if (n < MAX_DIFFERENCES) r->difference[n] = d;
        n++;
        hash = (hash ^ d) * 0x01000193u;
      }
      now[w] = before[w];
    }
  }
  r->differences = n;
  r->hash = hash;
}

static void start(void) __attribute__((noreturn));
static void start(void) {
  volatile u32 *doorbell = (volatile u32 *)DOORBELL;
  if (remaining == 0) {
    *doorbell = 0;
    out('D');
    while (*doorbell == 0) __asm__ volatile("pause");
    remaining = *doorbell;
    stride = doorbell[1];
    current = (struct record *)RECORDS;
  }
  struct record *r = current;
  u8 *at = code_at(r);
  const u8 *code = r->length > sizeof r->code ? ((struct fx_record *)r)->code : r->code;
  for (u32 i = 0; i < r->length; i++) at[i] = code[i];
  const u8 *s = r->selector_before;
  static struct frame f;
  f = (struct frame){.gs = s[5], .fs = s[4], .es = s[0], .ds = s[3], .edi = r->reg[7], .esi = r->reg[6], .ebp = r->reg[5],
    .ebx = r->reg[3], .edx = r->reg[2], .ecx = r->reg[1], .eax = r->reg[0], .eip = r->eip, .cs = s[1],
    .eflags = r->eflags, .esp = r->reg[4], .ss = s[2]};
  if (r->mode == MODE_V86) {
    f.cs = V86_CODE;
    f.ss = f.v86_es = f.v86_ds = f.v86_fs = f.v86_gs = V86_DATA;
  }
  last_step = r->eip;
  if (r->steps != 0) f.eflags |= TF;
  if (HAS_FX) __asm__ volatile("fninit\n fxrstor %0" ::"m"(((struct fx_record *)r)->before));
  resume(&f);
}

/* Single-stepping: counts instructions, those that repeat once. */
static void step(struct record *r, struct frame *f) {
  if (f->vector != 1 || r->steps == 0) return;
  if (f->eip != last_step) {
    last_step = f->eip;
    if (--r->steps == 0) return;
  }
  resume(f);
}

__attribute__((used)) void trapped(struct frame *f) {
  struct record *r = current;
  step(r, f);
  if (HAS_FX) __asm__ volatile("fxsave %0" : "=m"(((struct fx_record *)r)->after));
  u32 cr2;
  __asm__("mov %%cr2, %0" : "=r"(cr2));
  r->vector = f->vector;
  r->error = f->error;
  r->eip_after = f->eip;
  r->eflags_after = f->eflags;
  const u32 regs[8] = {f->eax, f->ecx, f->edx, f->ebx, f->esp, f->ebp, f->esi, f->edi};
  for (u32 i = 0; i < 8; i++) r->reg_after[i] = regs[i];
  r->cr2 = f->vector == 14 ? cr2 : 0;
  const int vm = (f->eflags & VM) != 0;
  const u32 selectors[6] = {vm ? f->v86_es : f->es, f->cs, f->ss, vm ? f->v86_ds : f->ds, vm ? f->v86_fs : f->fs, vm ? f->v86_gs : f->gs};
  for (u32 i = 0; i < 6; i++) r->selector[i] = (u16)selectors[i];
  u8 *at = code_at(r);
  /* A program may have changed any of the code. */
  if (r->length > sizeof r->code) for (u32 i = 0; i < CODE_SIZE / 4; i++) ((u32 *)CODE_FRAMES)[i] = 0xcccccccc;
  else for (u32 i = 0; i < r->length; i++) at[i] = 0xcc;
  memory_after(r);
  current = (struct record *)((u8 *)current + stride);
  remaining--;
  start();
}

__attribute__((used)) void main(void) {
  volatile u32 *doorbell = (volatile u32 *)DOORBELL;
  /* No interrupts: cases run with IF set. */
  __asm__ volatile("outb %0, $0x21\n outb %0, $0xa1" ::"a"((u8)0xff));
  *doorbell = 0;
  out('R');
  while (*doorbell == 0) __asm__ volatile("pause");
  for (u32 v = 0; v < 32; v++) {
    ((u32 *)IDT)[2 * v] = 0x80000 | (stubs[v] & 0xffff);
    ((u32 *)IDT)[2 * v + 1] = (stubs[v] & 0xffff0000) | 0x8e00 | (v == 3 || v == 4 ? 0x6000 : 0);
  }
  struct { u16 limit; u32 base; } __attribute__((packed)) gdtr = {0x7f, GDT}, idtr = {IDT_LIMIT, IDT};
  __asm__ volatile(
      "lgdt %0\n lidt %1\n ljmp $0x08, $1f\n1: mov $0x10, %%eax\n mov %%eax, %%ds\n mov %%eax, %%es\n mov %%eax, %%ss\n"
      "mov $0x50, %%eax\n lldt %%ax\n mov $0x48, %%eax\n ltr %%ax\n mov %2, %%eax\n mov %%eax, %%cr3\n mov $0x610, %%eax\n mov %%eax, %%cr4\n"
      "mov $0x80010033, %%eax\n mov %%eax, %%cr0\n"
      ::"m"(gdtr), "m"(idtr), "i"(PAGE_DIRECTORY) : "eax", "memory");
  start();
}
