/*
 * Runs XSAVE, XRSTOR, XSAVEC and XSAVEOPT on the host's processor on random state and areas and writes what happened.
 *
 *   areas-oracle SEED CASES
 *
 * State is loaded and stored as an area of x87, SSE and AVX state in standard form [SDM1 13.4]. A record is a `Record`,
 * little-endian; a signal handler steps over instructions that fault. Needs AVX, XSAVEC and XSAVEOPT.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include "../host/random.h"

#define ALL 7
enum { XSAVE, XRSTOR, XSAVEC, XSAVEOPT, INSTRUCTIONS };
typedef struct __attribute__((packed, aligned(64))) {
  uint16_t fcw, fsw;
  uint8_t ftw, r0;
  uint16_t fop;
  uint64_t fip, fdp;
  uint32_t mxcsr, mask;
  uint8_t st[8][16], xmm[16][16], rest[96];
  uint64_t present, format, reserved[6];
  uint8_t high[16][16];
} Area;
typedef struct __attribute__((packed, aligned(64))) {
  uint8_t instruction, mask, vector, unused[61];
  Area before, area, after, result;
} Record;
_Static_assert(sizeof(Area) == 832 && sizeof(Record) == 64 + 4 * 832, "sizes of areas");

static void fill(Area *a) {
  for (unsigned i = 0; i < sizeof *a; i += 8) {
    uint64_t v = rnd();
    memcpy((uint8_t *)a + i, &v, 8);
  }
  a->mxcsr &= 0xffff;
  a->present = ALL;
  a->format = 0;
  memset(a->reserved, 0, sizeof a->reserved);
}
/* An area to restore, whose header most often fits. */
static void header(Area *a) {
  a->present = rnd() & ALL;
  if (below(8) == 0) a->mxcsr |= 1u << (18 + below(14));
  switch (below(12)) {
    case 0: a->present |= 1ull << (62 + below(2)); break;
    case 1: a->format = 1ull << below(3); break;
    case 2: a->reserved[below(6)] = 1ull << below(64); break;
    case 3: case 4: a->format = 1ull << 63 | a->present | (rnd() & ALL); break;
    case 5: a->format = 1ull << 63 | (rnd() & ALL); break;
  }
}

static volatile int vector;
extern char fault_end[];
static void step_over(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  vector = (int)registers[REG_TRAPNO];
  registers[REG_RIP] = (greg_t)fault_end;
}

/* One block of code: nothing may use vectors between these instructions. */
static void execute(Record *r) {
  vector = 0;
  __asm__ volatile(
      "mov $7, %%eax; xor %%edx, %%edx; xrstor %[before]\n"
      "movzbl %[mask], %%eax; cmpb $1, %[instruction]; je 1f; cmpb $2, %[instruction]; je 2f; cmpb $3, %[instruction]; je 3f\n"
      "xsave %[area]; jmp fault_end\n"
      "1: xrstor %[area]; jmp fault_end\n"
      "2: xsavec %[area]; jmp fault_end\n"
      "3: xsaveopt %[area]\n"
      "fault_end: mov $7, %%eax; xor %%edx, %%edx; xsave %[after]\n"
      "fninit; vzeroall; ldmxcsr %[usual]"
      : [area] "+m"(r->area), [after] "+m"(r->after)
      : [before] "m"(r->before), [mask] "m"(r->mask), [instruction] "m"(r->instruction), [usual] "m"((uint32_t){0x1f80})
      : "rax", "rdx", "cc", "memory");
  r->vector = (uint8_t)vector;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  seed = strtoull(argv[1], 0, 10);
  struct sigaction action = { .sa_sigaction = step_over, .sa_flags = SA_SIGINFO };
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  static Record r;
  for (long cases = atol(argv[2]); cases > 0; cases--) {
    memset(&r, 0, sizeof r);
    fill(&r.before);
    fill(&r.area);
    r.instruction = (uint8_t)below(INSTRUCTIONS);
    r.mask = (uint8_t)(rnd() & ALL);
    if (r.instruction == XRSTOR) header(&r.area);
    Area given = r.area;
    execute(&r);
    r.result = r.area;
    r.area = given;
    if (fwrite(&r, sizeof r, 1, stdout) != 1) return 1;
  }
  return 0;
}
