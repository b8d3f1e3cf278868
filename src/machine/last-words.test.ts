import { expect, test } from 'vitest';
import { LastWords, lastRows } from './last-words.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

test('the last lines are kept, without control sequences', () => {
  const words = new LastWords();
  words.add(bytes('one\r\ntwo\r\n\r\n\x1b[1mthree\x1b[0m\r\nfour\r\nfi'));
  words.add(bytes('ve'));
  expect(words.lines).toEqual(['two', 'three', 'four', 'five']);
  words.clear();
  expect(words.lines).toEqual([]);
});

test.each([
  '[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
  'panic: page fault',
  'panic[cpu0]/thread=ffffff: vfs_mountroot: cannot mount root',
])('a panic is told once, when its line is whole: %s', (line) => {
  const words = new LastWords();
  expect(words.add(bytes(`fine\n${line.slice(0, 30)}`))).toBeUndefined();
  expect(words.add(bytes(`${line.slice(30)}\nmore\n`))).toBe(line);
  expect(words.add(bytes(`${line}\n`))).toBeUndefined();
});

test('talk of a panic is none', () => {
  expect(new LastWords().add(bytes('Kernel command line: panic=1\ndo not panic\n'))).toBeUndefined();
});

test('a text screen has last rows too', () => {
  expect(lastRows(['a', '', '  b ', ''])).toEqual(['a', 'b']);
  expect(lastRows(undefined)).toEqual([]);
});
