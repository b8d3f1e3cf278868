/** Compiles the guest programs, static, for i386 or amd64, with the host's gcc, and says what there is to run. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuestName } from '../machines/machine.ts';

const SOURCES = dirname(fileURLToPath(import.meta.url));

interface Binary {
  readonly name: string;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
}

/** No SSE where it is not what is measured: a processor without it runs these as well. */
const PENTIUM_PRO = ['-march=i686', '-mfpmath=387', '-mno-sse'];
const PENTIUM_4 = ['-march=pentium4', '-mfpmath=sse', '-msse2'];
const COMMON = ['-static', '-O2', '-Wall', '-Wextra', '-Werror', '-std=gnu11', '-fno-strict-aliasing', '-s'];

/** Done once, the work would take no longer than starting the program. */
const SSE2_REPEATS = '-DREPEATS=8';

const I386: readonly Binary[] = [
  { name: 'bench-integer', sources: ['integer.c', 'mixed.c'], flags: PENTIUM_PRO },
  { name: 'bench-x87', sources: ['float.c'], flags: PENTIUM_PRO },
  { name: 'bench-sse2', sources: ['float.c'], flags: [...PENTIUM_4, '-ftree-vectorize', SSE2_REPEATS] },
  { name: 'bench-memory', sources: ['memory.c'], flags: PENTIUM_PRO },
  { name: 'bench-system', sources: ['system.c'], flags: PENTIUM_PRO },
  { name: 'bench-cold', sources: ['cold.c'], flags: PENTIUM_PRO },
].map((binary) => ({ ...binary, flags: ['-m32', ...binary.flags] }));
/** The same, as a compiler makes them that asks for nothing: SSE2 is always there. */
const AMD64: readonly Binary[] = I386.map(({ name, sources }) => {
  const float = name === 'bench-x87' ? ['-mfpmath=387'] : name === 'bench-sse2' ? ['-ftree-vectorize', SSE2_REPEATS] : [];
  return { name, sources, flags: ['-m64', ...float] };
});

/**
 * Compiles into `directory` and gives it back.
 * @throws Error that names the packages to install when gcc cannot build for the guest.
 */
export function buildPrograms(directory: string, guest: GuestName): string {
  mkdirSync(directory, { recursive: true });
  for (const { name, sources, flags } of guest === 'i386' ? I386 : AMD64) {
    const inputs = [...sources, 'main.c'].map((file) => join(SOURCES, file));
    try {
      execFileSync('gcc', [...COMMON, ...flags, ...inputs, '-o', join(directory, name), '-lm'], { stdio: ['ignore', 'inherit', 'inherit'] });
    } catch (cause) {
      throw new Error('the guest programs need gcc and a static C library for i386 and amd64 (Debian: apt-get install gcc gcc-multilib)', { cause });
    }
  }
  return directory;
}
