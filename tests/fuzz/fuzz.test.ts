/** The share of the fuzzers that belongs to `npm test`, from a fixed seed; `npm run test:fuzz` runs on. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SEED = process.env.FUZZ_SEED ?? '1';
const START = fileURLToPath(new URL('start.mjs', import.meta.url));

it(`hostile guests, images and servers from seed ${SEED} break nothing`, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [START, '--seed', SEED, '--share'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  console.log(stdout);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
