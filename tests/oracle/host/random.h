/* SplitMix64, for the native sides of the oracles: the same numbers from a seed everywhere. */
#include <stdint.h>

static uint64_t seed;
static uint64_t rnd(void) {
  seed += 0x9e3779b97f4a7c15ull;
  uint64_t z = seed;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
static unsigned below(unsigned n) { return (unsigned)((rnd() >> 32) * n >> 32); }
