import { expect, test } from 'vitest';
import { sessionOptions } from './boot-options.ts';
import { FLAGS, helpText, parseFlags } from './flags.ts';

test('flags have one dash or two, values follow', () => {
  const flags = parseFlags(['-m', '64', '--append', '-quiet', '-nographic', '-serial', 'none', '-serial', 'stdio']);
  expect(flags.get('m')).toBe('64');
  expect(flags.get('append')).toBe('-quiet');
  expect(flags.has('nographic')).toBe(true);
  expect(flags.all('serial')).toEqual(['none', 'stdio']);
  expect(flags.get('hda')).toBeUndefined();
});

test.each([
  [['-bogus'], /no such flag/],
  [['disk.img'], /flag before it/],
  [['-m'], /needs a value/],
  [['-m', '1', '-m', '2'], /given twice/],
])('%j is refused', (words, message) => {
  expect(() => parseFlags(words)).toThrow(message);
});

test('the help has every flag', () => {
  for (const { name } of FLAGS) expect(helpText()).toContain(`-${name}`);
});

test('a session takes its options from the flags', () => {
  const options = sessionOptions(parseFlags(['-nographic', '-until', 'a\\nb', '-timeout', '1.5', '-send', 'x=>y=>z']));
  expect(options).toMatchObject({
    serial: [{ kind: 'stdio' }], until: 'a\nb', timeoutMs: 1500, replies: [{ text: 'x', reply: 'y=>z\n' }],
  });
  expect(sessionOptions(parseFlags([])).serial).toEqual([{ kind: 'none' }]);
});

test.each([
  [['-serial', 'stdio', '-serial', 'stdio'], /only one/],
  [['-serial', 'tcp:1'], /stdio, none or file/],
  [['-send', 'nothing'], /TEXT=>REPLY/],
  [['-timeout', 'soon'], /seconds/],
  [['-until', ''], /not empty/],
])('%j makes no session', (words, message) => {
  expect(() => sessionOptions(parseFlags(words))).toThrow(message);
});
