/*
 * What the programs of this folder share. Included behind the definition of `struct record`: the pages that cases read
 * and write, the code pages, the timer's tick, and the pipes to the test. Nothing here may use FS or GS while a case runs.
 */
/* Of this program, by Linux. */
#define USER_CS 0x33
#define USER_DS 0x2b
#define CODE_SIZE 0x3000ul
#define PAGE 0x1000ul
/* Of a case that two ticks of the timer find running. */
#define ENDLESS 255
#define TICK_SECONDS 1

struct record *volatile current;
/* The case that was running at the last tick. */
static struct record *ticked;
static uint8_t baseline[3][PAGE];
static uint8_t *pages[3];
static const uint32_t offsets[3] = {0, PAGE, 0xf000};
/* The code pages, writable here. */
static uint8_t *code;

/* Lists what the case changed in memory, and restores it. */
static void memory_after(struct record *r) {
  uint32_t hash = 0x811c9dc5u, n = 0;
  for (int p = 0; p < 3; p++) {
    if (memcmp(pages[p], baseline[p], PAGE) == 0) continue;
    for (uint32_t i = 0; i < PAGE; i++) {
      if (pages[p][i] == baseline[p][i]) continue;
      uint32_t d = (offsets[p] + i) << 8 | pages[p][i];
      if (n < sizeof r->difference / sizeof *r->difference) r->difference[n] = d;
      n++;
      hash = (hash ^ d) * 0x01000193u;
      pages[p][i] = baseline[p][i];
    }
  }
  r->differences = n;
  r->hash = hash;
}

static void map(int file, uintptr_t at, size_t size, off_t offset, int protection) {
  void *p = mmap((void *)at, size, protection, MAP_SHARED | MAP_FIXED_NOREPLACE, file, offset);
  if (p != (void *)at) exit(2);
}

/* Maps the data pages at an address, those of one file wherever it is called. */
static void map_data(uintptr_t at) {
  static int file = -1;
  if (file < 0 && ((file = memfd_create("data", 0)) < 0 || ftruncate(file, 3 * PAGE) < 0)) exit(2);
  for (int p = 0; p < 3; p++) {
    map(file, at + offsets[p], PAGE, p * PAGE, PROT_READ | PROT_WRITE);
    pages[p] = (uint8_t *)at + offsets[p];
  }
}

static void map_code(uintptr_t at, int protection) {
  int file = memfd_create("code", 0);
  if (file < 0 || ftruncate(file, CODE_SIZE) < 0) exit(2);
  code = mmap(0, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (code == MAP_FAILED) exit(2);
  map(file, at, CODE_SIZE, 0, protection);
  memset(code, 0xcc, CODE_SIZE);
}

static int take(void *to, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = read(0, (char *)to + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 0;
    done += (size_t)n;
  }
  return 1;
}
static void give(const void *from, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = write(1, (const char *)from + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) exit(1);
    done += (size_t)n;
  }
}

/* Signals and the timer, whose tick waits for the end of the others' handlers. */
static void catch_all(void (*entry)(int, siginfo_t *, void *)) {
  stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_sigaction = entry, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigaddset(&action.sa_mask, SIGALRM);
  static const int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGALRM};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);
  struct itimerval timer = {{TICK_SECONDS, 0}, {TICK_SECONDS, 0}};
  setitimer(ITIMER_REAL, &timer, 0);
}

/* A batch: the number of cases, which the caller has read, then the distance of their records, and the records. */
static int run_batch(uint32_t count, uint32_t *stride, void (*run)(struct record *)) {
  static uint8_t *records;
  if (!take(stride, 4)) return 0;
  size_t size = (size_t)count * *stride;
  free(records);
  records = aligned_alloc(64, (size + 63) & ~(size_t)63);
  if (!records || !take(records, size)) return 0;
  for (uint32_t i = 0; i < count; i++) {
    struct record *r = (struct record *)(records + (size_t)i * *stride);
    run(r);
    current = 0;
    ticked = 0;
    memory_after(r);
  }
  give(records, size);
  return 1;
}

static int take_baseline(void) {
  if (!take(baseline, sizeof baseline)) return 0;
  for (int p = 0; p < 3; p++) memcpy(pages[p], baseline[p], PAGE);
  return 1;
}
