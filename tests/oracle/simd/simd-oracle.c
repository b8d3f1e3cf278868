/*
 * Runs MMX and SSE instructions on the host's processor on random and edge operands and writes what happened.
 *
 *   simd-oracle SEED CASES ENCODING [ENCODING...]     ENCODING: hex bytes; a final `ib` stands for a random immediate
 *
 * Operands are registers 0, 1 and 2 of each file, or memory at [rsi] (and [rdi]). A record is a `Record`, little-endian.
 * FXRSTOR and FXSAVE around the instruction carry all state but the upper halves of YMM registers; a signal handler steps
 * over instructions that fault. Needs AVX.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "../host/random.h"

#define MEMORY 32
typedef struct __attribute__((packed)) {
  uint32_t mxcsr, eflags, ecx, edx;
  uint16_t fsw, se[2];
  uint8_t ftw, unused;
  uint8_t xmm[2][16];
  uint8_t mm[2][8];
  uint8_t mem[MEMORY];
  uint32_t eax;
  uint8_t xmm0[16];
  uint8_t high[3][16];
} State;
typedef struct __attribute__((packed)) {
  uint8_t immediate, vector, offset, unused;
  State in, out;
} Record;
typedef struct __attribute__((packed, aligned(16))) {
  uint16_t fcw, fsw;
  uint8_t ftw, r0;
  uint16_t fop;
  uint64_t fip, fdp;
  uint32_t mxcsr, mask;
  struct __attribute__((packed)) { uint64_t sig; uint16_t se; uint8_t r[6]; } st[8];
  uint8_t xmm[16][16];
  uint8_t rest[96];
} Fx;

static uint64_t fraction(int bits) {
  uint64_t r = rnd() >> (64 - bits);
  switch (below(6)) {
    case 0: return 0;
    case 1: return (1ull << bits) - 1;
    case 2: return 1ull << below((unsigned)bits);
    case 3: return (r << below((unsigned)bits)) & ((1ull << bits) - 1);
    case 4: return below(4);
    default: return r;
  }
}
static int whole(int bits, int bias, uint64_t *f, int width) {   /* an integer, perhaps with a half, near the limits of int32 */
  int e = (int)below(34);
  *f = fraction(bits);
  if (below(2) && e < bits) *f &= ~0ull << (bits - e - (below(3) == 0)) , *f &= (1ull << bits) - 1;
  (void)width;
  return bias + e - 1;
}
static uint64_t number(int wide) {
  int bits = wide ? 52 : 23, bias = wide ? 1023 : 127, top = 2 * bias + 1;
  uint64_t f = fraction(bits), sign = rnd() & 1;
  int e;
  switch (below(16)) {
    case 0: e = 0, f = 0; break;
    case 1: e = 0; break;
    case 2: e = top, f = 0; break;
    case 3: e = top; break;
    case 4: e = 1 + (int)below(3); break;
    case 5: e = top - 1 - (int)below(3); break;
    case 6: e = 1 + (int)below((unsigned)top - 1); break;
    case 7: e = whole(bits, bias, &f, 32); break;
    case 8: e = bias / 2 + (int)below(8) - 4; break;
    case 9: e = bias + bias / 2 + (int)below(8) - 4; break;
    case 10: e = wide ? 1023 - 127 + (int)below(5) - 24 * (int)below(2) : 1 + (int)below(60); break;
    case 11: e = wide ? 1023 + 126 + (int)below(4) : bias + (int)below(60) - 30; break;
    default: e = bias - 3 + (int)below(7); break;
  }
  return sign << (wide ? 63 : 31) | (uint64_t)e << bits | f;
}

static void fill(uint8_t *p, int bytes, int kind) {
  for (int i = 0; i < bytes; i += 8) {
    uint64_t v = rnd();
    switch (kind) {
      case 0: break;
      case 1: v = number(0) | number(0) << 32; break;
      case 2: v = number(1); break;
      case 3: for (int b = 0; b < 8; b++) { static const uint8_t e[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe}; ((uint8_t *)&v)[b] = e[below(6)]; } break;
      default: v >>= below(64); break;
    }
    memcpy(p + i, &v, 8);
  }
}
static void operands(State *s, int kind) {
  fill(s->xmm[0], 32, kind);
  fill(s->mm[0], 16, kind);
  fill(s->mem, MEMORY, kind);
  int wide = kind == 2, size = wide ? 8 : 4;
  for (int i = 0; i < 16; i += size) {      /* sometimes operands that are near each other */
    uint64_t v = 0;
    memcpy(&v, s->xmm[0] + i, (size_t)size);
    switch (below(8)) {
      case 0: break;
      case 1: v ^= 1ull << (size * 8 - 1); break;
      case 2: v += below(3) - 1; break;
      case 3: v ^= 1ull << below((unsigned)size * 8); break;
      default: continue;
    }
    memcpy(s->xmm[1] + i, &v, (size_t)size);
    memcpy(s->mem + i, &v, (size_t)size);
  }
}

static uint8_t *code;
static int length;
static volatile int vector;
static void caught(int number, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *u = context;
  vector = number == SIGFPE ? 19 : number == SIGSEGV ? 13 : 6;
  u->uc_mcontext.gregs[REG_RIP] = (greg_t)(code + length);
}

static Fx in, out;
static uint8_t high_in[3][16], high_out[3][16];
static void run(Record *r) {
  static uint8_t memory[64] __attribute__((aligned(64)));
  State *s = &r->in, *d = &r->out;
  int top = s->fsw >> 11 & 7;
  memset(&in, 0, sizeof in);
  in.fcw = 0x37f, in.fsw = s->fsw, in.ftw = s->ftw, in.mxcsr = s->mxcsr;
  for (int i = 0; i < 2; i++) {
    in.st[(i + 1 - top) & 7].sig = *(uint64_t *)s->mm[i], in.st[(i + 1 - top) & 7].se = s->se[i];
    memcpy(in.xmm[i + 1], s->xmm[i], 16);
  }
  memcpy(in.xmm[0], s->xmm0, 16);
  memcpy(high_in, s->high, sizeof high_in);
  memset(memory, 0, sizeof memory);
  memcpy(memory, s->mem, MEMORY);
  uint64_t flags = s->eflags, eax = s->eax, ecx = s->ecx, edx = s->edx;
  register uint8_t *at __asm__("rsi") = memory + r->offset;
  register uint8_t *to __asm__("rdi") = memory + r->offset;
  register uint8_t *fn __asm__("r10") = code;
  vector = 0;
  __asm__ volatile(
      "fxrstor %[in]\n\tvinsertf128 $1, %[high0], %%ymm0, %%ymm0\n\tvinsertf128 $1, %[high1], %%ymm1, %%ymm1\n\t"
      "vinsertf128 $1, %[high2], %%ymm2, %%ymm2\n\tpush %[flags]\n\tpopfq\n\tcall *%[fn]\n\tpushfq\n\tpop %[flags]\n\tfxsave %[out]\n\t"
      "vextractf128 $1, %%ymm0, %[out0]\n\tvextractf128 $1, %%ymm1, %[out1]\n\tvextractf128 $1, %%ymm2, %[out2]\n\t"
      "vzeroupper\n\tldmxcsr %[plain]\n\tfninit"
      : [flags] "+r"(flags), "+a"(eax), [out0] "=m"(high_out[0]), [out1] "=m"(high_out[1]), [out2] "=m"(high_out[2]), "+c"(ecx), "+d"(edx), [out] "=m"(out), "+m"(memory)
      : [in] "m"(in), [high0] "m"(high_in[0]), [high1] "m"(high_in[1]), [high2] "m"(high_in[2]), [fn] "r"(fn), "r"(at), "r"(to), [plain] "m"((const uint32_t){0x1f80})
      : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
        "xmm13", "xmm14", "xmm15");
  r->vector = (uint8_t)vector;
  d->mxcsr = out.mxcsr, d->eflags = (uint32_t)flags & 0x8d5, d->ecx = (uint32_t)ecx, d->edx = (uint32_t)edx;
  d->fsw = out.fsw, d->ftw = out.ftw;
  top = out.fsw >> 11 & 7;
  for (int i = 0; i < 2; i++) {
    *(uint64_t *)d->mm[i] = out.st[(i + 1 - top) & 7].sig, d->se[i] = out.st[(i + 1 - top) & 7].se;
    memcpy(d->xmm[i], out.xmm[i + 1], 16);
  }
  memcpy(d->mem, memory, MEMORY);
  d->eax = (uint32_t)eax;
  memcpy(d->xmm0, out.xmm[0], 16);
  memcpy(d->high, high_out, sizeof high_out);
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGFPE, &action, 0), sigaction(SIGSEGV, &action, 0), sigaction(SIGILL, &action, 0);
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long cases = atol(argv[2]);
  for (int a = 3; a < argc; a++) {
    seed = strtoull(argv[1], 0, 10) * 1000003 + (uint64_t)a;
    int immediate = strstr(argv[a], "ib") != 0;
    length = 0;
    for (const char *p = argv[a]; p[0] && p[1] && p[0] != 'i'; p += 2) {
      char byte[3] = {p[0], p[1], 0};
      code[length++] = (uint8_t)strtoul(byte, 0, 16);
    }
    length += immediate;
    code[length] = 0xc3;
    for (long i = 0; i < cases; i++) {
      Record r;
      memset(&r, 0, sizeof r);
      r.immediate = (uint8_t)(below(2) ? below(16) : rnd());
      if (immediate) code[length - 1] = r.immediate;
      r.offset = below(16) ? 0 : (uint8_t)below(16);
      State *s = &r.in;
      s->mxcsr = below(2) ? 0x1fa0 : 0x1f80 | (below(2) ? below(64) : 0);
      if (below(2)) s->mxcsr |= below(4) << 13;
      if (!below(4)) s->mxcsr |= 0x40;
      if (!below(4)) s->mxcsr |= 0x8000;
      if (!below(4)) s->mxcsr ^= below(64) << 7;
      s->eflags = (uint32_t)rnd() & 0x8d5;
      s->ecx = (uint32_t)rnd() >> (below(2) ? below(32) : 0), s->edx = (uint32_t)rnd() >> (below(2) ? below(32) : 0);
      if (!below(4)) s->edx = ~s->edx;
      s->fsw = (uint16_t)(below(8) << 11), s->ftw = (uint8_t)rnd();
      s->se[0] = (uint16_t)rnd(), s->se[1] = (uint16_t)rnd();
      int kind = below(8) < 6 ? 1 + (int)below(2) : (int)below(5);
      operands(s, kind);
      s->eax = below(2) ? below(20) : (uint32_t)rnd();
      if (below(2)) s->edx = below(20);
      fill(s->xmm0, 16, kind);
      fill(s->high[0], sizeof s->high, kind);
      run(&r);
      fwrite(&r, sizeof r, 1, stdout);
    }
  }
  return 0;
}
