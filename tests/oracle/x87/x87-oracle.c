/*
 * Runs x87 instructions on the host's processor on random and edge operands and writes what happened, one record a case.
 *
 *   x87-oracle SEED CASES OPCODE [OPCODE...]      OPCODE: four hex digits, opcode byte and ModRM byte (memory: [rsi])
 *
 * A record (196 bytes, little-endian): 0 opcode, 1 ModRM, 2 FCW, 4 FSW, 6 non-empty registers (bit n: Rn), 7 EFLAGS out
 * (low byte), 8 ST0..ST7 in, 88 memory in (10 bytes), 98 FCW out, 100 FSW out, 102 tag word out, 104 ST0..ST7 out,
 * 184 memory out, 194 unused. Only no-wait forms run between FRSTOR and FNSAVE, so no exception is ever delivered.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../host/random.h"

typedef struct __attribute__((packed)) { uint64_t sig; uint16_t se; } Real;
typedef struct __attribute__((packed)) {
  uint32_t fcw, fsw, ftw, fip, fcs, fdp, fds;
  Real st[8];
} State;
typedef struct __attribute__((packed)) {
  uint8_t opcode, modrm;
  uint16_t fcw, fsw;
  uint8_t valid, eflags;
  Real in[8];
  uint8_t memIn[10];
  uint16_t fcwOut, fswOut, ftwOut;
  Real out[8];
  uint8_t memOut[10];
  uint16_t unused;
} Record;

static uint64_t fraction(void) {
  uint64_t r = rnd();
  switch (below(8)) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return r << below(64);
    case 3: return ~(r << below(64));
    case 4: return ((1ull << below(64)) + below(3)) - 1;
    case 5: return (r & ~0xffffffffffull) | 0x8000000000ull >> below(2) | (below(2) ? 0 : below(3));
    case 6: return (r & ~0x7ffull) | 0x400 >> below(2) | (below(2) ? 0 : below(3));
    default: return r;
  }
}

static const uint16_t edges[] = {0, 1, 2, 63, 64, 65, 0x3f80, 0x3f6a, 0x3f69, 0x3f68, 0x3f81, 0x407e, 0x407f, 0x3c01, 0x3c00,
  0x3bcd, 0x3bcc, 0x43fe, 0x43ff, 0x3ffd, 0x3ffe, 0x3fff, 0x4000, 0x400d, 0x400e, 0x401d, 0x401e, 0x403d, 0x403e, 0x403f,
  0x7ffe, 0x7ffd, 0x6000, 0x5fff, 0x2000, 0x1fff, 0x3fff - 64, 0x3fff - 32, 0x3fff - 69};

static Real real(int kind) {
  Real v = {fraction() | 1ull << 63, (uint16_t)(rnd() & 0x8000)};
  int k = (int)below(32);
  if (kind == 1) k = 8 + (int)below(24);          /* mostly ordinary values */
  if (kind == 2) k = 12;                          /* only ordinary values around one */
  switch (k) {
    case 0: v.sig = 0; break;                                          /* zero */
    case 1: v.sig = fraction() >> (1 + below(63)); break;              /* denormal */
    case 2: break;                                                     /* pseudo-denormal */
    case 3: v.se |= 0x7fff; v.sig = 1ull << 63; break;                 /* infinity */
    case 4: v.se |= 0x7fff; v.sig |= 1ull << 62; break;                /* QNaN */
    case 5: v.se |= 0x7fff; v.sig &= ~(1ull << 62); break;             /* SNaN */
    case 6: v.se |= below(3) ? 0x7fff : 1 + below(0x7ffe); v.sig = below(4) ? rnd() >> 1 : 0; break; /* unsupported */
    case 7: v.se = (uint16_t)rnd(); v.sig = rnd(); break;
    case 8: v.se |= edges[below(sizeof edges / 2)]; break;
    case 9: v.se |= 1 + below(0x7ffe); break;
    case 10: {                                                         /* an integer, perhaps with a half */
      uint64_t n = rnd() >> below(64);
      if (!n) { v.sig = 0; break; }
      int lz = __builtin_clzll(n);
      v.sig = n << lz;
      v.se |= 0x403e - lz - below(3);
      break;
    }
    case 11: v.se |= 0x3fff - 70 + below(140); break;
    default: v.se |= 0x3ffb + below(8); break;
  }
  return v;
}

static int transcendental(uint8_t opcode, uint8_t modrm) {
  if (opcode != 0xd9) return 0;
  return (modrm >= 0xf0 && modrm <= 0xf3) || modrm == 0xf9 || modrm == 0xfb || modrm >= 0xfe;
}

static void operands(Record *r, int plain) {
  for (int i = 0; i < 8; i++) r->in[i] = real(plain ? 2 : below(3) == 0 ? 0 : 1);
  if (plain) {
    r->in[0].se = (r->in[0].se & 0x8000) | (0x3fff - 12 + below(14));
    r->in[0].sig = rnd() | 1ull << 63;
    r->in[1].sig = rnd() | 1ull << 63;
    return;
  }
  for (int i = 1; i < 3; i++) {
    switch (below(8)) {
      case 0: r->in[i].se = r->in[0].se ^ (below(2) << 15); break;
      case 1: r->in[i].se = r->in[0].se ^ (below(2) << 15); r->in[i].sig = r->in[0].sig + below(3) - 1; break;
      case 2: r->in[i].se = (uint16_t)(r->in[0].se - 66 + below(132)); break;
      case 3: r->in[i] = r->in[0]; break;
      default: break;
    }
  }
}

/* Memory operands: any bits, and the bits of numbers near the edges of the formats. */
static void memory(uint8_t *m) {
  uint64_t r = rnd();
  Real v = real(0);
  switch (below(10)) {
    case 0: case 1: memcpy(m, &v, 10); return;
    default: break;
  }
  static const uint32_t e32[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff, 0x7e, 0x81};
  static const uint32_t e64[] = {0, 1, 0x3ff, 0x400, 0x7fe, 0x7ff, 0x3fe, 0x401};
  uint64_t f = fraction();
  switch (below(6)) {
    case 0: { uint32_t x = (uint32_t)(f >> 41) | e32[below(8)] << 23 | (uint32_t)(r & 1) << 31; memcpy(m, &x, 4); memcpy(m + 4, &r, 6); break; }
    case 1: { uint64_t x = f >> 12 | (uint64_t)e64[below(8)] << 52 | r << 63; memcpy(m, &x, 8); memcpy(m + 8, &r, 2); break; }
    case 2: { int64_t x = (int64_t)r >> below(64); memcpy(m, &x, 8); memcpy(m + 8, &f, 2); break; }
    case 3: { for (int i = 0; i < 9; i++) m[i] = below(10) << 4 | below(10); m[9] = below(2) << 7; break; }
    case 4: { uint32_t x = (uint32_t)(f >> 41) | (0x78 + below(16)) << 23 | (uint32_t)(r & 1) << 31; memcpy(m, &x, 4); memcpy(m + 4, &f, 6);
      uint64_t y = f >> 12 | (uint64_t)(0x3f8 + below(16)) << 52 | r << 63; if (below(2)) memcpy(m, &y, 8); break; }
    default: memcpy(m, &r, 8); memcpy(m + 8, &f, 2); break;
  }
}

typedef uint64_t (*Code)(const void *state, void *mem, void *out);
static Code assemble(uint8_t opcode, uint8_t modrm) {
  uint8_t *p = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q = p;
  static const uint8_t head[] = {0xdd, 0x27, 0x31, 0xc0};                        /* frstor [rdi]; xor eax, eax */
  static const uint8_t tail[] = {0x9c, 0x58, 0xdd, 0x32, 0xc3};                  /* pushfq; pop rax; fnsave [rdx]; ret */
  memcpy(q, head, sizeof head), q += sizeof head;
  *q++ = opcode, *q++ = modrm;
  memcpy(q, tail, sizeof tail);
  return (Code)p;
}

static void run(Code code, Record *r) {
  State in = {r->fcw | 0xffff0000, r->fsw | 0xffff0000, 0xffff0000, 0, 0, 0, 0xffff0000, {{0, 0}}}, out;
  for (int i = 0; i < 8; i++) if (!(r->valid >> i & 1)) in.ftw |= 3u << 2 * i;
  memcpy(in.st, r->in, sizeof in.st);
  uint8_t mem[16];
  memcpy(mem, r->memIn, 10);
  r->eflags = (uint8_t)code(&in, mem, &out);
  r->fcwOut = (uint16_t)out.fcw, r->fswOut = (uint16_t)out.fsw, r->ftwOut = (uint16_t)out.ftw;
  memcpy(r->out, out.st, sizeof out.st);
  memcpy(r->memOut, mem, 10);
}

int main(int argc, char **argv) {
  seed = strtoull(argv[1], 0, 10);
  long cases = atol(argv[2]);
  for (int a = 3; a < argc; a++) {
    unsigned op = (unsigned)strtoul(argv[a], 0, 16);
    Code code = assemble((uint8_t)(op >> 8), (uint8_t)op);
    for (long i = 0; i < cases; i++) {
      Record r = {.opcode = (uint8_t)(op >> 8), .modrm = (uint8_t)op};
      int plain = transcendental(r.opcode, r.modrm) && below(2);
      r.fcw = (uint16_t)(0x40 | below(4) << 10 | (below(2) ? 3 : below(4)) << 8 | (below(2) ? 0x3f : below(64)));
      if (plain) r.fcw = 0x37f;
      r.fsw = (uint16_t)(below(8) << 11 | (rnd() & 0x4700));
      if (!below(4)) r.fsw |= (uint16_t)(below(64) & r.fcw & 0x3f);
      if (!below(16)) r.fsw |= 0x40;
      int top = r.fsw >> 11 & 7;
      r.valid = (uint8_t)(below(4) ? (below(4) ? 0x7f : 0x3f) : rnd());
      if (plain) r.valid = 0x3f;
      r.valid = (uint8_t)(r.valid << top | r.valid >> (8 - top));
      operands(&r, plain);
      memory(r.memIn);
      run(code, &r);
      fwrite(&r, sizeof r, 1, stdout);
    }
  }
  return 0;
}
