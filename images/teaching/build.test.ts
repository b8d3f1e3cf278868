import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { checkBootable, TEACHING_IMAGE } from './build.ts';

const image = readFileSync(TEACHING_IMAGE);

it('the committed image boots from a disk and by multiboot', () => {
  expect(() => checkBootable(image)).not.toThrow();
});

it('notices an image without boot mark or multiboot header', () => {
  const marked = Buffer.from(image);
  marked.writeUInt16LE(0, 510);
  expect(() => checkBootable(marked)).toThrow(/mark/);
  const bare = Buffer.alloc(1024);
  bare.writeUInt16LE(0xaa55, 510);
  expect(() => checkBootable(bare)).toThrow(/multiboot/);
});
