/*
 * Executes instructions and short programs of 64-bit code on the host's own processor, and tells the state after each.
 *
 * Reads from standard input: a 32-bit word 'B' and three pages of memory contents, then batches: a word with the number
 * of cases, the length of a record, and the records (see long/record.ts); writes the records back with their results filled in. The data pages are
 * mapped twice, at addresses of 32 bits and far above.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define DATA_LOW 0x10000000ul
#define DATA_HIGH 0x5a5010000000ul
#define CODE 0x5a5020000000ul

struct record {
  uint8_t reserved[16];
  uint32_t length, eflags;
  uint64_t rip, reg[16], base[2];
  uint64_t reg_after[16], base_after[2], rip_after, cr2;
  uint32_t vector, error, eflags_after, differences, hash, difference[24];
  uint8_t pad[60], before[512], after[512], code[512], ymm_before[256], ymm_after[256];
};
_Static_assert(sizeof(struct record) == 2560, "record size");
#include "common.h"

/* Used by the assembly below. The case has FS and GS to itself; nothing of this program may use them meanwhile. */
uint64_t saved_rsp, jump_target, own_base[2], case_base[2];
uint8_t has_avx;

void enter(struct record *r);
void came_back(void);
void trap_entry(int signal, siginfo_t *info, void *context);
__asm__(
    ".text\n.globl enter\nenter:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; pushfq\n"
    "mov %rsp, saved_rsp(%rip)\n"
    "rdfsbase %rax; mov %rax, own_base(%rip); rdgsbase %rax; mov %rax, 8+own_base(%rip)\n"
    "cmpb $0, has_avx(%rip); je 1f\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "vinsertf128 $1, 2048+16*\\n(%rdi), %ymm\\n, %ymm\\n\n"
    ".endr\n1:\n"
    "mov 160(%rdi), %rax; wrfsbase %rax; mov 168(%rdi), %rax; wrgsbase %rax\n"
    "mov 20(%rdi), %eax; push %rax\n"
    "mov 32(%rdi), %rax; mov 40(%rdi), %rcx; mov 48(%rdi), %rdx; mov 56(%rdi), %rbx\n"
    "mov 72(%rdi), %rbp; mov 80(%rdi), %rsi; mov 96(%rdi), %r8; mov 104(%rdi), %r9\n"
    "mov 112(%rdi), %r10; mov 120(%rdi), %r11; mov 128(%rdi), %r12; mov 136(%rdi), %r13\n"
    "mov 144(%rdi), %r14; mov 152(%rdi), %r15\n"
    "popfq; mov 64(%rdi), %rsp; mov 88(%rdi), %rdi; jmp *jump_target(%rip)\n"
    ".globl came_back\ncame_back:\n"
    "popfq; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
    ".globl trap_entry\ntrap_entry:\n"
    "rdfsbase %rax; mov %rax, case_base(%rip); rdgsbase %rax; mov %rax, 8+case_base(%rip)\n"
    "xor %eax, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %fs; mov %eax, %gs\n"
    "mov own_base(%rip), %rax; wrfsbase %rax; mov 8+own_base(%rip), %rax; wrgsbase %rax\n"
    "cld; jmp trapped\n");

static const int GREGS[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/* From the XSAVE area in the signal's frame, in standard form; a component in its initial state is not in it. */
static void upper_halves(struct record *r, const uint8_t *area) {
  uint64_t present;
  memcpy(&present, area + 512, sizeof present);
  if (has_avx && present & 4) memcpy(r->ymm_after, area + 576, sizeof r->ymm_after);
  else memset(r->ymm_after, 0, sizeof r->ymm_after);
}

__attribute__((used)) static void trapped(int signal, siginfo_t *info, void *context) {
  ucontext_t *u = context;
  greg_t *g = u->uc_mcontext.gregs;
  struct record *r = current;
  (void)info;
  if (signal == SIGALRM && (!r || r != ticked)) {
    ticked = r;
    __asm__ volatile("wrfsbase %0; wrgsbase %1" ::"r"(case_base[0]), "r"(case_base[1]));
    return;
  }
  if (!r) abort();
  r->vector = signal == SIGALRM ? ENDLESS : (uint32_t)g[REG_TRAPNO];
  r->error = (uint32_t)g[REG_ERR];
  r->cr2 = r->vector == 14 ? (uint64_t)g[REG_CR2] : 0;
  r->rip_after = (uint64_t)g[REG_RIP];
  r->eflags_after = (uint32_t)g[REG_EFL];
  for (int i = 0; i < 16; i++) r->reg_after[i] = (uint64_t)g[GREGS[i]];
  memcpy(r->base_after, case_base, sizeof case_base);
  memcpy(r->after, u->uc_mcontext.fpregs, 512);
  upper_halves(r, (const uint8_t *)u->uc_mcontext.fpregs);
  g[REG_RIP] = (greg_t)(uintptr_t)came_back;
  g[REG_RSP] = (greg_t)saved_rsp;
  g[REG_EFL] = 0x202;
  /* A far transfer may have left for another code segment, or no stack segment. */
  g[REG_CSGSFS] = (greg_t)(((uint64_t)g[REG_CSGSFS] & 0x0000ffffffff0000ull) | USER_CS | (uint64_t)USER_DS << 48);
}

static void run(struct record *r) {
  uint8_t *at = code + (r->rip - CODE);
  memcpy(at, r->code, r->length);
  jump_target = r->rip;
  /* FNINIT first: FXRSTOR leaves the pointers of the last x87 instruction alone on some processors. */
  __asm__ volatile("fninit\n\tfxrstor64 %0" ::"m"(r->before));
  current = r;
  enter(r);
  memset(at, 0xcc, r->length);
}

int main(void) {
  has_avx = !!__builtin_cpu_supports("avx");
  map_data(DATA_LOW);
  map_data(DATA_HIGH);
  map_code(CODE, PROT_READ | PROT_EXEC);
  catch_all(trap_entry);
  uint32_t count, stride;
  while (take(&count, 4)) if (count == 'B' ? !take_baseline() : !run_batch(count, &stride, run)) return 1;
  return 0;
}
