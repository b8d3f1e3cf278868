/* See mixed.h. */
#include "mixed.h"
#include <string.h>
#include "bench.h"

enum { PUSH, ADD, MULTIPLY, XOR, LOAD, STORE, LESS, JUMP_IF, SHIFT, HALT };

/* A stack machine runs a loop of 19 instructions: every one is an indirect jump for the processor. */
uint32_t bytecode(void) {
  static const int32_t code[] = {
    LOAD, 0, PUSH, 31, MULTIPLY, LOAD, 1, ADD, STORE, 0, /* a = a * 31 + i */
    LOAD, 0, PUSH, 7, SHIFT, LOAD, 0, XOR, STORE, 0,     /* a ^= a >> 7 */
    LOAD, 1, PUSH, 1, ADD, STORE, 1,                     /* i++ */
    LOAD, 1, LOAD, 2, LESS, JUMP_IF, 0,                  /* while (i < n) */
    HALT,
  };
  int32_t variables[3] = { 1, 0, scaled(4000000) }, stack[16], *top = stack;
  for (const int32_t *at = code;;) {
    switch (*at++) {
      case PUSH: *top++ = *at++; break;
      case ADD: top--; top[-1] = (int32_t)((uint32_t)top[-1] + (uint32_t)top[0]); break;
      case MULTIPLY: top--; top[-1] = (int32_t)((uint32_t)top[-1] * (uint32_t)top[0]); break;
      case XOR: top--; top[-1] ^= top[0]; break;
      case LOAD: *top++ = variables[*at++]; break;
      case STORE: variables[*at++] = *--top; break;
      case LESS: top--; top[-1] = top[-1] < top[0]; break;
      case JUMP_IF:
        if (*--top) at = code + *at;
        else at++;
        break;
      case SHIFT: top--; top[-1] = (int32_t)((uint32_t)top[-1] >> top[0]); break;
      default: return (uint32_t)variables[0];
    }
  }
}

/* Products, quotients, shifts and comparisons of twice a register's width. */
uint32_t math64(void) {
  uint64_t x = 88172645463325252u, sum = 0;
  for (int round = scaled(8000000); round > 0; round--) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    sum += x * (uint32_t)round;
    if ((round & 3) == 0) sum ^= x / ((sum & 0xffff) + 3);
    if (sum > x) sum -= x >> 1;
  }
  return (uint32_t)(sum >> 32) ^ (uint32_t)sum;
}

struct record {
  struct record *next;
  int (*rank)(const struct record *);
  int kind;
  int value;
  char name[24];
};

static int by_value(const struct record *r) { return r->value; }
static int by_name(const struct record *r) { return r->name[0] * 3 + r->name[7]; }

/* Records in lists: copied, compared by name, ranked through a pointer. */
uint32_t records(void) {
  enum { COUNT = 64 };
  static struct record pool[COUNT];
  static const char *const names[4] = { "some string, the first", "some string, the other", "a string of its own kind", "some string, the firs!" };
  uint32_t seed = 29, sum = 0;
  for (int i = 0; i < COUNT; i++) {
    pool[i] = (struct record){ pool + (i + 1) % COUNT, i & 1 ? by_value : by_name, i % 3, i, "" };
    strncpy(pool[i].name, names[next_random(&seed) >> 30], sizeof pool[i].name - 1);
  }
  struct record *at = pool, kept = pool[0];
  for (int round = scaled(10000000); round > 0; round--) {
    struct record *next = at->next;
    int order = strcmp(next->name, kept.name);
    if (order > 0) next->value += order & 7;
    else if (order < 0) kept = *next;
    else next->kind = (next->kind + 1) % 3;
    sum = mix(sum, (uint32_t)next->rank(next) + (uint32_t)next->kind);
    if ((round & 1023) == 0) kept = pool[round >> 10 & (COUNT - 1)];
    at = next;
  }
  return sum;
}
