/* Integer programs that look like what people write: calls, records and strings, a switch in a loop, 64-bit numbers. */
#ifndef MIXED_H
#define MIXED_H
#include <stdint.h>

uint32_t bytecode(void);
uint32_t math64(void);
uint32_t records(void);
#endif
