/* Memory: chains of dependent loads over sizes that fit the first cache, the second and none; copies. */
#include <stdlib.h>
#include <string.h>
#include "bench.h"

/* One chain through all cache lines of a buffer, in an order that no prefetcher guesses. */
static uint32_t chase(uint32_t bytes, int steps) {
  enum { LINE = 64 };
  uint32_t lines = bytes / LINE, seed = 13;
  uint32_t *order = malloc(lines * sizeof *order);
  char *buffer = malloc(bytes);
  for (uint32_t i = 0; i < lines; i++) order[i] = i;
  for (uint32_t i = lines - 1; i > 0; i--) {
    uint32_t j = (uint32_t)((uint64_t)next_random(&seed) * i >> 32), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  for (uint32_t i = 0; i < lines; i++) *(char **)(buffer + order[i] * LINE) = buffer + order[(i + 1) % lines] * LINE;
  char *at = buffer;
  for (int i = 0; i < steps; i++) at = *(char **)at;
  uint32_t result = (uint32_t)(at - buffer);
  free(buffer);
  free(order);
  return result;
}

static uint32_t chase_l1(void) { return chase(16 << 10, scaled(120000000)); }
static uint32_t chase_l2(void) { return chase(512 << 10, scaled(60000000)); }
static uint32_t chase_ram(void) { return chase(32 << 20, scaled(2200000)); }

/* Four bytes at a time; volatile keeps the compiler from calling memcpy. */
static uint32_t copy_words(void) {
  enum { WORDS = 1 << 16 };
  static volatile uint32_t from[WORDS], to[WORDS];
  for (int i = 0; i < WORDS; i++) from[i] = (uint32_t)i * 2654435761u;
  for (int round = scaled(700); round > 0; round--) {
    for (int i = 0; i < WORDS; i++) to[i] = from[i];
    from[round & (WORDS - 1)] ^= (uint32_t)round;
  }
  return to[1234] ^ to[5];
}

static uint32_t copy_string(void) {
  enum { BYTES = 1 << 20 };
  static uint8_t from[BYTES], to[BYTES];
  for (int i = 0; i < BYTES; i++) from[i] = (uint8_t)(i * 31);
  for (int round = scaled(600); round > 0; round--) {
    void *source = from, *target = to;
    uint32_t count = BYTES / 4;
    __asm__ volatile("rep movsl" : "+S"(source), "+D"(target), "+c"(count) : : "memory");
    from[round] ^= 1;
  }
  return to[1] ^ to[BYTES - 1] << 8;
}

const struct program programs[] = {
  { "chase-l1", chase_l1 }, { "chase-l2", chase_l2 }, { "chase-ram", chase_ram }, { "copy-words", copy_words },
  { "copy-string", copy_string }, { 0, 0 },
};
