/*
 * Executes instructions and programs of 32-bit code and of 16-bit protected code on the host's own processor, in
 * compatibility mode, and tells the state after each.
 *
 * Reads from standard input: a 32-bit word 'B' and three pages of memory contents; 'L' and the local descriptor table,
 * four words a descriptor: base, limit, access byte, flags; or a batch: the number of cases, the distance of their records,
 * and the records (see tests/oracle/record.ts). Writes the records back with their results filled in. All of a case's memory
 * lies below 4 GiB, where this position-independent program has nothing of its own. With the argument `writable` programs
 * may change their code; with `probe` it only tells by its exit status whether this host has such segments.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define DATA 0x10000000ul
#define CODE 0x20000000ul
#define MODE_CODE16 1
#define USER_CODE32 0x23
#define LOCAL_MOST 64

struct record {
  uint8_t code[16];
  uint32_t length, mode, eip, eflags, reg[8];
  uint32_t vector, error, eip_after, eflags_after, reg_after[8], cr2, differences, hash, reserved;
  uint32_t difference[24];
  uint16_t selector[6];
  uint32_t reserved2[2], steps;
  uint8_t selector_before[8];
};
struct fx_record {
  struct record r;
  uint8_t before[512], after[512], code[];
};
_Static_assert(sizeof(struct record) == 256, "record size");
_Static_assert(sizeof(struct fx_record) == 1280, "record size with FXSAVE images");
#include "common.h"

/* Used by the assembly below. */
uint64_t saved_rsp, own_fs;
uint16_t case_segment[4]; /* ES, DS, FS, GS when a case was trapped */
struct { uint32_t eip; uint16_t cs; } __attribute__((packed)) target;

void enter(struct record *r);
void came_back(void);
void trap_entry(int signal, siginfo_t *info, void *context);
__asm__(
    ".text\n.globl enter\nenter:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; pushfq\n"
    "mov %rsp, saved_rsp(%rip)\n"
    "movzbl 248(%rdi), %eax; mov %eax, %es; movzbl 251(%rdi), %eax; mov %eax, %ds\n"
    "movzbl 252(%rdi), %eax; mov %eax, %fs; movzbl 253(%rdi), %eax; mov %eax, %gs\n"
    "movzbl 250(%rdi), %r10d\n"
    "mov 28(%rdi), %eax; cmpl $0, 244(%rdi); je 1f; or $0x100, %eax\n1: push %rax\n"
    "mov 32(%rdi), %eax; mov 36(%rdi), %ecx; mov 40(%rdi), %edx; mov 44(%rdi), %ebx\n"
    "mov 52(%rdi), %ebp; mov 56(%rdi), %esi; mov 48(%rdi), %r11d; mov 60(%rdi), %edi\n"
    "popfq; mov %r10d, %ss; mov %r11d, %esp; ljmp *target(%rip)\n"
    ".globl came_back\ncame_back:\n"
    "popfq; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
    ".globl trap_entry\ntrap_entry:\n"
    "mov %es, case_segment(%rip); mov %ds, 2+case_segment(%rip); mov %fs, 4+case_segment(%rip); mov %gs, 6+case_segment(%rip)\n"
    "mov own_fs(%rip), %rax; wrfsbase %rax\n"
    "cld; jmp trapped\n");

static const int GREGS[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};

static uint32_t stride;
#define HAS_FX (stride >= sizeof(struct fx_record))
static int is_writable;
static uint64_t last_step;

/* Single-stepping: 1 while the case goes on. Where a step of this program's own ends is above the case's code. */
static int goes_on(struct record *r, uint64_t cs, uint64_t rip) {
  if (r->vector != 1 || r->steps == 0) return 0;
  if ((cs & 0xffff) != USER_CS && rip != last_step) {
    last_step = rip;
    if (--r->steps == 0) return 0;
  }
  return 1;
}

static void resume(void) { __asm__ volatile("mov %0, %%fs" ::"r"((uint32_t)case_segment[2])); }

__attribute__((used)) static void trapped(int signal, siginfo_t *info, void *context) {
  ucontext_t *u = context;
  greg_t *g = u->uc_mcontext.gregs;
  struct record *r = current;
  (void)info;
  if (signal == SIGALRM && (!r || r != ticked)) {
    ticked = r;
    if (r) resume();
    return;
  }
  if (!r) abort();
  uint64_t segments = (uint64_t)g[REG_CSGSFS];
  r->vector = signal == SIGALRM ? ENDLESS : (uint32_t)g[REG_TRAPNO];
  if (signal != SIGALRM && goes_on(r, segments, (uint64_t)g[REG_RIP])) return resume();
  r->error = (uint32_t)g[REG_ERR];
  r->cr2 = r->vector == 14 ? (uint32_t)g[REG_CR2] : 0;
  r->eip_after = (uint32_t)g[REG_RIP];
  r->eflags_after = (uint32_t)g[REG_EFL];
  for (int i = 0; i < 8; i++) r->reg_after[i] = (uint32_t)g[GREGS[i]];
  const uint16_t selectors[6] = {case_segment[0], (uint16_t)segments, (uint16_t)(segments >> 48), case_segment[1], case_segment[2], case_segment[3]};
  memcpy(r->selector, selectors, sizeof selectors);
  if (HAS_FX) memcpy(((struct fx_record *)r)->after, u->uc_mcontext.fpregs, 512);
  g[REG_RIP] = (greg_t)(uintptr_t)came_back;
  g[REG_RSP] = (greg_t)saved_rsp;
  g[REG_EFL] = 0x202;
  g[REG_CSGSFS] = (greg_t)((segments & 0x0000ffffffff0000ull) | USER_CS | (uint64_t)USER_DS << 48);
}

static void run(struct record *r) {
  uint8_t *at = code + (r->mode == MODE_CODE16 ? r->eip : r->eip - CODE);
  memcpy(at, r->length > sizeof r->code ? ((struct fx_record *)r)->code : r->code, r->length);
  target.eip = r->eip;
  target.cs = r->selector_before[1];
  last_step = r->eip;
  /* FNINIT first: FXRSTOR leaves the pointers of the last x87 instruction alone on some processors. */
  if (HAS_FX) __asm__ volatile("fninit\n\tfxrstor64 %0" ::"m"(((const struct fx_record *)r)->before));
  current = r;
  enter(r);
  if (is_writable) memset(code, 0xcc, CODE_SIZE);
  else memset(at, 0xcc, r->length);
}

/* As modify_ldt has it [modify_ldt(2)]: 0 when the kernel allows it. */
static int set_descriptor(unsigned entry, uint32_t base, uint32_t limit, uint32_t access, uint32_t flags) {
  struct user_desc d = {
      .entry_number = entry, .base_addr = base, .limit = limit, .seg_32bit = flags >> 2 & 1, .contents = access >> 2 & 3,
      .read_exec_only = !(access & 2), .limit_in_pages = flags >> 3 & 1, .seg_not_present = !(access & 0x80)};
  return (int)syscall(SYS_modify_ldt, 0x11, &d, sizeof d);
}
static int take_table(void) {
  uint32_t count, words[LOCAL_MOST * 4];
  if (!take(&count, 4) || count > LOCAL_MOST || !take(words, count * 16)) return 0;
  for (uint32_t i = 0; i < count; i++)
    if (set_descriptor(i, words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3])) return 0;
  return 1;
}
static int has_segments(void) {
  uint32_t rights;
  uint8_t found;
  __asm__("lar %2, %1; setz %0" : "=q"(found), "=r"(rights) : "r"(USER_CODE32));
  return found && set_descriptor(0, CODE, 0xffff, 0xfb, 0) == 0;
}

/* System calls of 32 bits, which a case might happen to make, are refused. */
static void refuse_calls(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) exit(2);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "probe") == 0) return !has_segments();
  is_writable = argc > 1 && strcmp(argv[1], "writable") == 0;
  __asm__("rdfsbase %0" : "=r"(own_fs));
  map_data(DATA);
  map_code(CODE, PROT_READ | PROT_EXEC | (is_writable ? PROT_WRITE : 0));
  catch_all(trap_entry);
  refuse_calls();
  uint32_t count;
  while (take(&count, 4)) {
    if (count == 'B' ? !take_baseline() : count == 'L' ? !take_table() : !run_batch(count, &stride, run)) return 1;
  }
  return 0;
}
