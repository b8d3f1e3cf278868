/* System calls, processes and paging. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

static uint32_t getpid_loop(void) {
  uint32_t positive = 0;
  for (int round = scaled(400000); round > 0; round--) positive += syscall(SYS_getpid) > 0;
  return positive;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* A byte goes to a child and comes back. */
static uint32_t pipe_ping_pong(void) {
  int to[2], from[2];
  char byte = 0;
  uint32_t sum = 0;
  if (pipe(to) || pipe(from)) fail("pipe");
  pid_t child = fork();
  if (child == 0) {
    close(to[1]);
    while (read(to[0], &byte, 1) == 1) {
      byte++;
      if (write(from[1], &byte, 1) != 1) break;
    }
    _exit(0);
  }
  close(to[0]);
  for (int round = scaled(12000); round > 0; round--) {
    if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1) fail("pipe");
    sum = mix(sum, (uint8_t)byte);
  }
  close(to[1]);
  waitpid(child, 0, 0);
  return sum;
}

static uint32_t fork_exec(void) {
  uint32_t ended = 0;
  for (int round = scaled(40); round > 0; round--) {
    pid_t child = fork();
    if (child == 0) {
      execl("/proc/self/exe", "bench-system", "nothing", (char *)0);
      _exit(1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    ended += status == 0;
  }
  return ended;
}

static uint32_t page_faults(void) {
  enum { BYTES = 16 << 20, PAGE = 4096 };
  uint32_t sum = 0;
  for (int round = scaled(8); round > 0; round--) {
    volatile char *memory = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    for (int at = 0; at < BYTES; at += PAGE) memory[at] = (char)round;
    sum += (uint8_t)memory[BYTES - PAGE];
    munmap((void *)memory, BYTES);
  }
  return sum;
}

/* Two processes that yield to each other. */
static uint32_t switches(void) {
  int rounds = scaled(40000);
  pid_t child = fork();
  for (int round = rounds; round > 0; round--) sched_yield();
  if (child == 0) _exit(0);
  waitpid(child, 0, 0);
  return (uint32_t)rounds;
}

static uint32_t nothing(void) { return 0; }

/* Not a program to measure: text for the tools, so many bytes on standard output. */
static uint32_t text(void) {
  static const char *const syllables[16] = { "ba", "co", "ra", "cle", "mo", "ni", "tor", "us", "pe", "li", "ka", "sen", "do", "ri", "a", "um" };
  uint32_t seed = 17;
  int column = 0;
  for (int written = 0; written < scale * 1024;) {
    char word[16] = "";
    uint32_t r = next_random(&seed) >> 8;
    for (uint32_t n = 0; n <= (r & 3); n++) strcat(word, syllables[r >> (4 + 4 * n) & 15]);
    column += (int)strlen(word) + 1;
    written += printf("%s%c", word, column > 60 ? '\n' : ' ');
    if (column > 60) column = 0;
  }
  return 0;
}

static uint32_t touch(void);

const struct program programs[] = {
  { "getpid", getpid_loop }, { "pipe", pipe_ping_pong }, { "fork-exec", fork_exec }, { "page-faults", page_faults },
  { "switches", switches }, { "nothing", nothing }, { "text", text }, { "touch", touch }, { 0, 0 },
};

/* Not to measure either: writes to so many megabytes, and keeps them while it waits for input to end. */
static uint32_t touch(void) {
  size_t bytes = (size_t)scale << 20;
  uint32_t seed = 19;
  uint32_t *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  for (size_t at = 0; at < bytes / 4; at += 1024) memory[at] = next_random(&seed);
  puts("touched");
  return memory[0];
}
