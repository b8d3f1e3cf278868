import { expect, test } from 'vitest';
import { Console } from './console.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A guest that echoes what is typed and answers it. */
function guest(answer: (line: string) => string): Console {
  const terminal: Console = new Console((data) => {
    const line = new TextDecoder().decode(data).trim();
    queueMicrotask(() => terminal.log.push(bytes(`${line}\r\n${answer(line)}`)));
  }, '# ');
  return terminal;
}

test('a command’s output is what comes between the markers', async () => {
  const terminal = guest((line) => `@start ${line}\r\nsieve 1234\r\n@end 0\r\n# `);
  const { ms, output } = await terminal.run('b bench-integer sieve', 1000);
  expect(output).toBe('sieve 1234');
  expect(ms).toBeGreaterThanOrEqual(0);
});

test('a command that fails in the guest fails here', async () => {
  const terminal = guest(() => '@start\r\nno such thing\r\n@end 127\r\n# ');
  await expect(terminal.run('b nothing', 1000)).rejects.toThrow(/no such thing/);
});

test('a guest that does not answer is named with its last words', async () => {
  const terminal = guest(() => 'Kernel panic');
  await expect(terminal.run('b bench', 20)).rejects.toThrow(/Kernel panic/);
});

test('a boot ends at its marker', async () => {
  const terminal = guest(() => '');
  const booted = terminal.boot(() => terminal.log.push(bytes('shell ready\r\n# ')), 'shell ready', 1000);
  expect(await booted).toBeGreaterThanOrEqual(0);
});
