/*
 * Executes single instructions on the host's own processor, in 64-bit mode, and tells the state after each.
 *
 * Reads from standard input: a 32-bit word 'B' and three pages of memory contents, then batches: a word with the number
 * of cases, one with the distance of their records, and the records (see tests/oracle/record.ts); writes the records
 * back with their results filled in. All of a case's memory lies below 4 GiB, where this position-independent program has nothing of its own.
 *
 * A program comes with a translation of its instructions to 64-bit mode (tests/oracle/host-form.ts), which runs at
 * HOST_CODE while the guest's bytes lie at CODE to be read. R10 + 8 * address holds where the translation of the guest's
 * instruction at an address lies, for indirect branches; R11 is the translation's scratch register.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define DATA 0x10000000ul
#define CODE 0x20000000ul
#define CODE_SIZE 0x3000ul
/* Out of reach of 32-bit addresses. */
#define HOST_CODE 0x500030000000ul
#define HOST_CODE_SIZE 0x10000ul
#define TARGETS 0x500038000000ul
#define PAGE 0x1000ul
#define MAX_DIFFERENCES 24
#define TIMED_OUT 255
/* A program has left for an address that there is no translation for. */
#define LEFT 254
#define SECONDS 2

struct record {
  uint8_t code[16];
  uint32_t length, mode, eip, eflags, reg[8];
  uint32_t vector, error, eip_after, eflags_after, reg_after[8], cr2, differences, hash, reserved;
  uint32_t difference[MAX_DIFFERENCES];
  uint16_t selector[6];
  uint32_t host_length, host_pairs, steps, reserved2[2];
};
struct fx_record {
  struct record r;
  uint8_t before[512], after[512], code[];
};
_Static_assert(sizeof(struct record) == 256, "record size");
_Static_assert(sizeof(struct fx_record) == 1280, "record size with FXSAVE images");

/* Used by the assembly below. */
uint64_t saved_rsp;
uint64_t jump_target;
uint64_t targets_base;
struct record *volatile current;

void enter(struct record *r);
void came_back(void);
__asm__(
    ".text\n.globl enter\nenter:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; pushfq\n"
    "mov %rsp, saved_rsp(%rip)\n"
    "mov targets_base(%rip), %r10\n"
    "mov 28(%rdi), %eax; cmpl $0, 244(%rdi); je 1f; or $0x100, %eax\n1: push %rax\n"
    "mov 32(%rdi), %eax; mov 36(%rdi), %ecx; mov 40(%rdi), %edx; mov 44(%rdi), %ebx\n"
    "mov 52(%rdi), %ebp; mov 56(%rdi), %esi; mov 48(%rdi), %r11d; mov 60(%rdi), %edi\n"
    "popfq; mov %r11d, %esp; jmp *jump_target(%rip)\n"
    ".globl came_back\ncame_back:\n"
    "popfq; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static const int GREGS[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};

static int has_fx;
/* Offsets of HOST_CODE where the translation of an instruction begins. */
static uint8_t is_start[HOST_CODE_SIZE];
static uint64_t last_step;

/* Single-stepping: 1 while the case goes on. */
static int goes_on(struct record *r, uint64_t rip) {
  if (r->vector != 1 || r->steps == 0) return 0;
  int start = r->host_length == 0 ? rip - CODE < CODE_SIZE : rip - HOST_CODE < HOST_CODE_SIZE && is_start[rip - HOST_CODE];
  if (start && rip != last_step) {
    last_step = rip;
    if (--r->steps == 0) return 0;
  }
  return 1;
}

static void trapped(int signal, siginfo_t *info, void *context) {
  ucontext_t *u = context;
  greg_t *g = u->uc_mcontext.gregs;
  struct record *r = current;
  (void)info;
  if (!r && signal == SIGALRM) return;
  if (!r) abort();
  r->vector = (uint32_t)g[REG_TRAPNO];
  if (signal == SIGALRM) r->vector = TIMED_OUT;
  else if (goes_on(r, (uint64_t)g[REG_RIP])) return;
  if (r->host_length > 0 && r->vector == 14 && (uint64_t)g[REG_CR2] >> 32) r->vector = LEFT;
  r->error = (uint32_t)g[REG_ERR];
  r->cr2 = r->vector == 14 ? (uint32_t)g[REG_CR2] : 0;
  r->eip_after = (uint32_t)g[REG_RIP];
  r->eflags_after = (uint32_t)g[REG_EFL];
  for (int i = 0; i < 8; i++) r->reg_after[i] = (uint32_t)g[GREGS[i]];
  if (has_fx) memcpy(((struct fx_record *)r)->after, u->uc_mcontext.fpregs, 512);
  g[REG_RIP] = (greg_t)(uintptr_t)came_back;
  g[REG_RSP] = (greg_t)saved_rsp;
  g[REG_EFL] = 0x202;
}

static uint8_t baseline[3][PAGE];
static uint8_t *const pages[3] = {(uint8_t *)DATA, (uint8_t *)(DATA + PAGE), (uint8_t *)(DATA + 0xf000)};
static const uint32_t offsets[3] = {0, PAGE, 0xf000};

/* Lists what the case changed in memory, and restores it. */
static void memory_after(struct record *r) {
  uint32_t hash = 0x811c9dc5u, n = 0;
  for (int p = 0; p < 3; p++) {
    if (memcmp(pages[p], baseline[p], PAGE) == 0) continue;
    for (uint32_t i = 0; i < PAGE; i++) {
      if (pages[p][i] == baseline[p][i]) continue;
      uint32_t d = (offsets[p] + i) << 8 | pages[p][i];
      if (n < MAX_DIFFERENCES) r->difference[n] = d;
      n++;
      hash = (hash ^ d) * 0x01000193u;
      pages[p][i] = baseline[p][i];
    }
  }
  r->differences = n;
  r->hash = hash;
}

/* The code pages, writable here and read-only at CODE. */
static uint8_t *code;

static void map_code(void) {
  int file = memfd_create("code", 0);
  if (file < 0 || ftruncate(file, CODE_SIZE) < 0) exit(2);
  code = mmap(0, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  void *p = mmap((void *)CODE, CODE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
  if (code == MAP_FAILED || p != (void *)CODE) exit(2);
  memset(code, 0xcc, CODE_SIZE);
}

/* FNINIT first: FXRSTOR leaves the pointers of the last x87 instruction alone on some processors. */
static void load_fx(const struct record *r) {
  if (has_fx) __asm__ volatile("fninit\n\tfxrstor64 %0" ::"m"(((const struct fx_record *)r)->before));
}

static void watch(long seconds) {
  struct itimerval timer = {.it_value = {.tv_sec = seconds}};
  setitimer(ITIMER_REAL, &timer, 0);
}

static void run_program(struct record *r) {
  uint64_t *targets = (uint64_t *)TARGETS;
  uint8_t *host = (uint8_t *)HOST_CODE;
  const uint8_t *translation = ((struct fx_record *)r)->code + ((r->length + 3) & ~3u);
  const uint16_t *pairs = (const uint16_t *)(translation + ((r->host_length + 3) & ~3u));
  uint32_t start = r->eip - CODE;
  memset(host, 0xcc, HOST_CODE_SIZE);
  memset(is_start, 0, sizeof is_start);
  for (uint32_t i = 0; i < CODE_SIZE; i++) targets[i] = HOST_CODE + HOST_CODE_SIZE - 1;
  memcpy(host, translation, r->host_length);
  for (uint32_t i = 0; i < r->host_pairs; i++) {
    targets[start + pairs[2 * i]] = HOST_CODE + pairs[2 * i + 1];
    is_start[pairs[2 * i + 1]] = 1;
  }
  jump_target = HOST_CODE;
  last_step = HOST_CODE;
  watch(SECONDS);
  load_fx(r);
  current = r;
  enter(r);
  current = 0;
  watch(0);
}

static void run(struct record *r) {
  uint8_t *at = code + (r->eip - CODE);
  memcpy(at, r->length > sizeof r->code ? ((struct fx_record *)r)->code : r->code, r->length);
  if (r->host_length > 0) run_program(r);
  else {
    jump_target = r->eip;
    last_step = r->eip;
    load_fx(r);
    current = r;
    enter(r);
    current = 0;
  }
  memset(at, 0xcc, r->length);
  memory_after(r);
}

static int take(void *to, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = read(0, (char *)to + done, size - done);
    if (n <= 0) return 0;
    done += (size_t)n;
  }
  return 1;
}
static void give(const void *from, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = write(1, (const char *)from + done, size - done);
    if (n <= 0) exit(1);
    done += (size_t)n;
  }
}
static void map(uintptr_t at, size_t size) {
  void *p = mmap((void *)at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (p != (void *)at) {
    perror("mmap");
    exit(2);
  }
}

int main(void) {
  map(DATA, 2 * PAGE);
  map(DATA + 0xf000, PAGE);
  map_code();
  map(TARGETS, CODE_SIZE * 8);
  map(HOST_CODE, HOST_CODE_SIZE);
  if (mprotect((void *)HOST_CODE, HOST_CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC) < 0) return 2;
  targets_base = TARGETS - CODE * 8;
  stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  static const int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGALRM};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);
  uint8_t *records = 0;
  uint32_t count, stride;
  while (take(&count, 4)) {
    if (count == 'B') {
      if (!take(baseline, sizeof baseline)) return 1;
      for (int p = 0; p < 3; p++) memcpy(pages[p], baseline[p], PAGE);
      continue;
    }
    if (!take(&stride, 4)) return 1;
    size_t size = (size_t)count * stride;
    has_fx = stride >= sizeof(struct fx_record);
    free(records);
    records = aligned_alloc(64, (size + 63) & ~(size_t)63);
    if (!records || !take(records, size)) return 1;
    for (uint32_t i = 0; i < count; i++) run((struct record *)(records + (size_t)i * stride));
    give(records, size);
  }
  return 0;
}
