/* Code that a translator sees for the first time, or that changes under it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "bench.h"

typedef uint32_t (*function)(uint32_t);

/* Into EAX the argument, and one less in ECX. */
#ifdef __x86_64__
#define TAKE_ARGUMENT 0x89, 0xf8 /* mov eax, edi */
#define COUNT_DOWN 0xff, 0xc9
#else
#define TAKE_ARGUMENT 0x8b, 0x44, 0x24, 0x04 /* mov eax, [esp+4] */
#define COUNT_DOWN 0x49
#endif

static uint8_t *executable(size_t bytes) {
  uint8_t *code = mmap(0, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) {
    perror("mmap");
    exit(1);
  }
  return code;
}

static uint8_t *put32(uint8_t *at, uint32_t value) {
  memcpy(at, &value, 4);
  return at + 4;
}

/* add eax, IMMEDIATE; ret: the immediate changes before every call. */
static uint32_t self_modifying(void) {
  static const uint8_t head[] = { TAKE_ARGUMENT, 0x05 };
  uint8_t *code = executable(4096);
  memcpy(code, head, sizeof head);
  code[sizeof head + 4] = 0xc3;
  uint32_t sum = 0;
  for (int round = scaled(40000); round > 0; round--) {
    put32(code + sizeof head, (uint32_t)round);
    sum = mix(sum, ((function)(void *)code)(sum));
  }
  munmap(code, 4096);
  return sum;
}

/* A tiny compiler: a random expression over the argument in EAX, as a function with a loop. */
static uint8_t *compile(uint8_t *at, uint32_t *seed, int operations) {
  static const uint8_t entry[] = { TAKE_ARGUMENT, 0xb9, 3, 0, 0, 0 }; /* mov ecx, 3 */
  static const uint8_t down[] = { COUNT_DOWN };
  memcpy(at, entry, sizeof entry);
  at += sizeof entry;
  uint8_t *loop = at;
  for (int i = 0; i < operations; i++) {
    uint32_t choice = next_random(seed);
    switch (choice >> 30) {
      case 0: *at++ = 0x05; break; /* add eax, imm32 */
      case 1: *at++ = 0x35; break; /* xor eax, imm32 */
      case 2: *at++ = 0x2d; break; /* sub eax, imm32 */
      default: /* imul eax, eax, imm32 */
        *at++ = 0x69;
        *at++ = 0xc0;
    }
    at = put32(at, choice | 1);
    *at++ = 0xc1; /* rol eax, imm8 */
    *at++ = 0xc0;
    *at++ = choice >> 8 & 31;
  }
  memcpy(at, down, sizeof down);
  at += sizeof down;
  *at++ = 0x0f; /* jnz loop */
  *at++ = 0x85;
  at = put32(at, (uint32_t)(loop - (at + 4)));
  *at++ = 0xc3;
  return at;
}

/* Every function is new, and is called a few times only. */
static uint32_t fresh_code(void) {
  enum { BUFFER = 1 << 20, OPERATIONS = 24, CALLS = 4 };
  uint8_t *buffer = executable(BUFFER), *at = buffer;
  uint32_t seed = 23, sum = 0;
  for (int round = scaled(6000); round > 0; round--) {
    if (at > buffer + BUFFER - 1024) at = buffer;
    function f = (function)(void *)at;
    at = compile(at, &seed, OPERATIONS);
    at += -(uintptr_t)at & 15;
    for (int call = 0; call < CALLS; call++) sum = mix(sum, f(sum));
  }
  munmap(buffer, BUFFER);
  return sum;
}

const struct program programs[] = { { "self-modifying", self_modifying }, { "fresh-code", fresh_code }, { 0, 0 } };
