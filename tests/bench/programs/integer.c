/* Integer loops: sieve, quicksort, SHA-256, CRC-32, matrix product, string search. */
#include <stdlib.h>
#include <string.h>
#include "bench.h"
#include "mixed.h"

static uint32_t sieve(void) {
  enum { LIMIT = 1 << 19 };
  static uint8_t composite[LIMIT];
  uint32_t primes = 0;
  for (int round = scaled(30); round > 0; round--) {
    memset(composite, 0, sizeof composite);
    for (uint32_t n = 2; n < LIMIT; n++) {
      if (composite[n]) continue;
      primes++;
      for (uint32_t multiple = n * 2; multiple < LIMIT; multiple += n) composite[multiple] = 1;
    }
  }
  return primes;
}

static void sort_range(int32_t *a, int low, int high) {
  while (low < high) {
    int32_t pivot = a[(low + high) / 2];
    int i = low, j = high;
    while (i <= j) {
      while (a[i] < pivot) i++;
      while (a[j] > pivot) j--;
      if (i > j) break;
      int32_t t = a[i];
      a[i++] = a[j];
      a[j--] = t;
    }
    if (j - low < high - i) {
      sort_range(a, low, j);
      low = i;
    } else {
      sort_range(a, i, high);
      high = j;
    }
  }
}

static uint32_t quicksort(void) {
  enum { COUNT = 200000 };
  static int32_t values[COUNT];
  uint32_t seed = 1, sum = 0;
  for (int round = scaled(14); round > 0; round--) {
    for (int i = 0; i < COUNT; i++) values[i] = (int32_t)next_random(&seed);
    sort_range(values, 0, COUNT - 1);
    for (int i = 0; i < COUNT; i += 997) sum = mix(sum, (uint32_t)values[i]);
  }
  return sum;
}

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

static uint32_t round_constants[64];

/* Fractional parts of the cube roots of the first 64 primes, by bisection in integers. */
static void make_round_constants(void) {
  int count = 0;
  for (uint32_t n = 2; count < 64; n++) {
    int prime = 1;
    for (uint32_t d = 2; d * d <= n; d++) prime &= n % d != 0;
    if (!prime) continue;
    /* x < 2^35 with x^3 <= n * 2^96. */
    uint64_t x = 0;
    for (int bit = 34; bit >= 0; bit--) {
      uint64_t y = x | (uint64_t)1 << bit;
      long double cube = (long double)y * y * y;
      if (cube <= (long double)n * 79228162514264337593543950336.0L) x = y;
    }
    round_constants[count++] = (uint32_t)x;
  }
}

static void sha256_block(uint32_t state[8], const uint8_t *block) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++) w[i] = (uint32_t)block[i * 4] << 24 | block[i * 4 + 1] << 16 | block[i * 4 + 2] << 8 | block[i * 4 + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = ROTATE(w[i - 15], 7) ^ ROTATE(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t s1 = ROTATE(w[i - 2], 17) ^ ROTATE(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t s1 = ROTATE(v[4], 6) ^ ROTATE(v[4], 11) ^ ROTATE(v[4], 25);
    uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_constants[i] + w[i];
    uint32_t s0 = ROTATE(v[0], 2) ^ ROTATE(v[0], 13) ^ ROTATE(v[0], 22);
    uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

static uint32_t sha256(void) {
  uint8_t block[64];
  uint32_t state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
  make_round_constants();
  for (int i = 0; i < 64; i++) block[i] = (uint8_t)(i * 7);
  for (int round = scaled(120000); round > 0; round--) {
    sha256_block(state, block);
    block[round & 63] ^= (uint8_t)state[0];
  }
  return state[0];
}

static uint32_t crc32(void) {
  enum { BYTES = 1 << 16 };
  static uint32_t table[256];
  static uint8_t data[BYTES];
  uint32_t seed = 7, crc = ~0u;
  for (uint32_t n = 0; n < 256; n++) {
    uint32_t c = n;
    for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
    table[n] = c;
  }
  for (int i = 0; i < BYTES; i++) data[i] = (uint8_t)(next_random(&seed) >> 24);
  for (int round = scaled(500); round > 0; round--) {
    for (int i = 0; i < BYTES; i++) crc = crc >> 8 ^ table[(crc ^ data[i]) & 255];
  }
  return ~crc;
}

static uint32_t matrix(void) {
  enum { N = 160 };
  static int32_t a[N][N], b[N][N], c[N][N];
  uint32_t seed = 3, sum = 0;
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      a[i][j] = (int32_t)(next_random(&seed) >> 20);
      b[i][j] = (int32_t)(next_random(&seed) >> 20);
    }
  }
  for (int round = scaled(24); round > 0; round--) {
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) {
        int32_t dot = 0;
        for (int k = 0; k < N; k++) dot += a[i][k] * b[k][j];
        c[i][j] = dot;
      }
    }
    sum = mix(sum, (uint32_t)c[round % N][(round * 7) % N]);
    a[round % N][0] ^= round;
  }
  return sum;
}

/* Horspool's search for a word that comes up now and then. */
static uint32_t search(void) {
  enum { BYTES = 1 << 20, LENGTH = 6 };
  static char text[BYTES];
  static const char words[8][LENGTH + 1] = { "coral ", "oracle", "miracl", "barnac", "corona", "oraclc", "corate", "pinacl" };
  int skip[256];
  uint32_t seed = 11, found = 0;
  for (int i = 0; i + LENGTH <= BYTES; i += LENGTH) memcpy(text + i, words[next_random(&seed) >> 29], LENGTH);
  for (int round = scaled(120); round > 0; round--) {
    const char *word = words[round & 7];
    for (int i = 0; i < 256; i++) skip[i] = LENGTH;
    for (int i = 0; i < LENGTH - 1; i++) skip[(uint8_t)word[i]] = LENGTH - 1 - i;
    for (int at = 0; at + LENGTH <= BYTES; at += skip[(uint8_t)text[at + LENGTH - 1]]) {
      int i = LENGTH - 1;
      while (i >= 0 && text[at + i] == word[i]) i--;
      if (i < 0) found = mix(found, (uint32_t)at);
    }
  }
  return found;
}

const struct program programs[] = {
  { "sieve", sieve }, { "quicksort", quicksort }, { "sha256", sha256 }, { "crc32", crc32 }, { "matrix", matrix },
  { "search", search }, { "bytecode", bytecode }, { "math64", math64 }, { "records", records }, { 0, 0 },
};
