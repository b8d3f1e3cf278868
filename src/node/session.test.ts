import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Machine } from '../index.ts';
import { runSession, type SessionStreams, STATUS_OK } from './session.ts';
import type { SessionOptions } from './boot-options.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

interface Guest {
  readonly rows: string[] | undefined;
  readonly idleShare: number;
  readonly options: Partial<SessionOptions>;
}

/** A session with a machine that shows what the test says, on its screen and its serial port. */
function session({ rows, idleShare, options }: Guest) {
  const listeners = new Map<string, (event: unknown) => void>();
  const typed: string[] = [];
  const machine = {
    on: (name: string, listener: (event: unknown) => void) => {
      listeners.set(name, listener);
      return () => {};
    },
    run: () => {}, pause: () => {}, readTextScreen: () => rows, statistics: () => ({ idleShare }), lastWords: ['Unable to boot'],
    sendSerial: (text: string) => void typed.push(`serial: ${text}`),
    sendText: (text: string) => void typed.push(`keyboard: ${text}`),
  };
  const errors = new PassThrough();
  const all = { serial: [{ kind: 'none' }], debugcon: { kind: 'none' }, trace: [], replies: [], ...options };
  const streams = { input: new PassThrough(), output: new PassThrough(), errors } as unknown as SessionStreams;
  const status = runSession(machine as unknown as Machine, all as unknown as SessionOptions, streams);
  const serial = (text: string) => listeners.get('serial-output')?.({ port: 0, data: new TextEncoder().encode(text) });
  const end = (): Promise<number> => {
    listeners.get('exit')?.({ reason: 'poweroff' });
    return status;
  };
  return { errors, typed, serial, end };
}

test.each([
  ['idles while a text is waited for', { until: 'login:', idleShare: 1, rows: undefined, told: true }],
  ['works while a text is waited for', { until: 'login:', idleShare: 0.5, rows: undefined, told: false }],
  ['idles on its serial port with nobody waiting', { until: undefined, idleShare: 1, rows: undefined, told: false }],
  ['idles with its words on the screen', { until: undefined, idleShare: 1, rows: ['Unable to boot'], told: true }],
])('a guest that %s, in silence', async (_what, { until, idleShare, rows, told }) => {
  const { errors, serial, end } = session({ rows, idleShare, options: { until } });
  vi.advanceTimersByTime(19_000);
  expect(errors.read()).toBeNull();
  vi.advanceTimersByTime(30_000);
  const text = 'coracle: the guest idles, and has shown nothing for 20 seconds; its last words:\n  Unable to boot\n';
  expect(errors.read()?.toString() ?? '').toBe(told ? text : '');
  serial('login:');
  expect(await end()).toBe(STATUS_OK);
});

test('replies go where their texts show, whichever of two screens shows its text first', async () => {
  const replies = [{ text: 'ready on ttyS0', reply: 'ls\n' }, { text: 'ready on tty1', reply: 'ps\n' }];
  const { serial, typed, end } = session({ rows: ['ready on tty1'], idleShare: 0, options: { replies } });
  vi.advanceTimersByTime(1000);
  serial('ready on ttyS0');
  expect(typed).toEqual(['serial: ls\r', 'keyboard: ps\n']);
  await end();
});

test('a text that stands on two screens is answered once', async () => {
  const replies = [{ text: 'boot:', reply: '\n' }, { text: 'login:', reply: 'root\n' }, { text: 'login:', reply: 'guest\n' }];
  const { serial, typed, end } = session({ rows: ['login:'], idleShare: 0, options: { replies } });
  vi.advanceTimersByTime(1000);
  serial('boot: login:');
  expect(typed).toEqual(['serial: \r', 'serial: root\r']);
  serial('login:');
  expect(typed).toEqual(['serial: \r', 'serial: root\r', 'serial: guest\r']);
  await end();
});
