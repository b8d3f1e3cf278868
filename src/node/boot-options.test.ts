import { expect, test } from 'vitest';
import { isMultiboot } from '../machine/loaders/multiboot.ts';
import { machineOptions } from './boot-options.ts';
import { parseFlags } from './flags.ts';

async function without(words: readonly string[]): Promise<{ options: Awaited<ReturnType<typeof machineOptions>>; said: string[] }> {
  const said: string[] = [];
  const options = await machineOptions(parseFlags(words), 1, { firmwareFolders: ['/nowhere'], say: (text) => said.push(text) });
  return { options, said };
}

test('without firmware and without an image the embedded guest starts, and says why', async () => {
  const { options, said } = await without(['-m', '16', '-nographic']);
  expect(options.kernel instanceof Uint8Array && isMultiboot(options.kernel)).toBe(true);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('seabios');
  expect(said[0]).toContain('teaching image');
});

test('without firmware a disk cannot start, and the error says what to do', async () => {
  await expect(without(['-hda', 'disk.img'])).rejects.toMatchObject({ code: 'missing-file', message: expect.stringContaining('-bios FILE') });
});

test('a kernel needs no firmware', async () => {
  const { options, said } = await without(['-kernel', 'images/teaching/teaching.img']);
  expect(options.bios).toBeUndefined();
  expect(said).toEqual([]);
});
