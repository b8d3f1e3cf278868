import { expect, test } from 'vitest';
import { EscapeFilter } from './terminal.ts';
import { parseReply, ScreenText, SerialText, Transcript, unescapeText } from './transcript.ts';

test('a transcript finds each passage once, in order', () => {
  const transcript = new Transcript();
  transcript.append('login: ');
  expect(transcript.take('login:')).toBe(true);
  expect(transcript.take('login:')).toBe(false);
  transcript.append('root\n# ls\n#');
  expect(transcript.take('# ')).toBe(true);
  expect(transcript.take('#')).toBe(true);
  transcript.append(' ls\n# tail');
  transcript.skip('# ');
  expect(transcript.take('ls')).toBe(false);
  transcript.skip('#');
  expect(transcript.take('tail')).toBe(true);
  expect(transcript.includes('login')).toBe(true);
});

test('a long transcript forgets its beginning, not the text that is coming', () => {
  const transcript = new Transcript();
  for (let i = 0; i < 40; i++) transcript.append('x'.repeat(10_000));
  transcript.append('en');
  transcript.append('d');
  expect(transcript.take('end')).toBe(true);
});

test('terminal control is left out of serial text, also when it comes in pieces', () => {
  const serial = new SerialText();
  const push = (text: string): string => serial.push(new TextEncoder().encode(text));
  expect(push('a\x1b[1;31mb')).toBe('ab');
  expect(push('c\x1b[')).toBe('c');
  expect(push('0md\x1b')).toBe('d');
  expect(push('[Ke')).toBe('e');
  expect(push('\x1b]0;title\x07f')).toBe('f');
});

test('a screen becomes the text that is added to it', () => {
  const screen = new ScreenText();
  expect(screen.push(['boot', '', '']).trim()).toBe('boot');
  expect(screen.push(['boot', '$', ''])).toContain('$');
  expect(screen.push(['boot', '$ ls', ''])).toBe(' ls');
  expect(screen.push(['boot', '$ ls', 'file']).trim()).toBe('file');
  expect(screen.push(['$ ls', 'file', '$']).trim()).toBe('$');
  expect(screen.push(['$ ls', 'file', '$'])).toBe('');
});

test('replies end with Enter unless they say otherwise', () => {
  expect(parseReply('a=>b')).toEqual({ text: 'a', reply: 'b\n' });
  expect(parseReply('a=>b\\n')).toEqual({ text: 'a', reply: 'b\n' });
  expect(parseReply('a=>b\\r')).toEqual({ text: 'a', reply: 'b\r' });
  expect(parseReply('a=>y\\c')).toEqual({ text: 'a', reply: 'y' });
  expect(parseReply('a\\t=>')).toEqual({ text: 'a\t', reply: '\n' });
  expect(parseReply('=>b')).toBeUndefined();
  expect(unescapeText('\\x41\\e\\\\n')).toBe('A\x1b\\n');
});

test('Ctrl-A is the escape key', () => {
  const log: string[] = [];
  const filter = new EscapeFilter(() => log.push('quit'), () => log.push('help'));
  expect([...filter.push(Uint8Array.of(0x41, 1, 1, 0x42))]).toEqual([0x41, 1, 0x42]);
  filter.push(Uint8Array.of(1));
  expect([...filter.push(Uint8Array.of(0x78, 0x79))]).toEqual([0x79]);
  filter.push(Uint8Array.of(1, 0x68));
  expect(log).toEqual(['quit', 'help']);
});
