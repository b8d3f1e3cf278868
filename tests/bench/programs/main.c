/* bench NAME [PERCENT]: runs one program and prints its check sum. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

int scale = 100;

int main(int argc, char **argv) {
  if (argc < 2) {
    for (const struct program *p = programs; p->name; p++) puts(p->name);
    return 0;
  }
  if (argc > 2) scale = atoi(argv[2]);
  for (const struct program *p = programs; p->name; p++) {
    if (strcmp(p->name, argv[1])) continue;
    printf("%s %08x\n", p->name, p->run());
    return 0;
  }
  fprintf(stderr, "bench: no program %s\n", argv[1]);
  return 1;
}
