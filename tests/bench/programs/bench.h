/* What every program of the bench has in common. */
#ifndef BENCH_H
#define BENCH_H
#include <stdint.h>

struct program {
  const char *name;
  /* Does the work and gives a number that depends on all of it. */
  uint32_t (*run)(void);
};

extern const struct program programs[];

/* How much work, in percent of the full amount. */
extern int scale;

static inline int scaled(int count) {
  int64_t rounds = (int64_t)count * scale / 100;
  return rounds < 1 ? 1 : (int)rounds;
}

/* Numerical Recipes' generator: the same sequence everywhere. */
static inline uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state;
}

static inline uint32_t mix(uint32_t sum, uint32_t value) {
  return (sum << 5 | sum >> 27) ^ value;
}
#endif
