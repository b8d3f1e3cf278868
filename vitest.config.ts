/** Test projects: unit tests beside the code, and under tests/ what crosses rooms. */
import { defineConfig } from 'vitest/config';
import { Summary } from './scripts/test-summary.ts';

const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, pool: 'forks' as const },
});

export default defineConfig({
  test: {
    reporters: ['default', new Summary()],
    maxWorkers: 2,
    projects: [
      project('unit', ['src/**/*.test.ts', 'images/**/*.test.ts', 'bios/**/*.test.ts', 'scripts/**/*.test.ts', 'tests/bench/**/*.test.ts'], 30_000),
      project('oracle', ['tests/oracle/**/*.test.ts'], 300_000),
      project('fuzz', ['tests/fuzz/**/*.test.ts'], 900_000),
      project('kernels', ['tests/kernels/**/*.test.ts'], 120_000),
      project('browser', ['tests/browser/**/*.test.ts'], 180_000),
      project('guests', ['tests/guests/**/*.test.ts'], 900_000),
    ],
  },
});
