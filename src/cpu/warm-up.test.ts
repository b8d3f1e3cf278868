import { expect, test } from 'vitest';
import { HOT_HANDLERS } from '../interp/hot-handlers.ts';
import { generatedModules } from './modules-fixture.ts';
import { JUMP, warmUp } from './warm-up.ts';

test('the loop of the hot handlers goes round, without a guest', () => {
  expect(HOT_HANDLERS).toContain(JUMP);
  expect(warmUp(generatedModules().interpreter)).toBe(2000);
});
