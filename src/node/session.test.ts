import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Machine } from '../index.ts';
import { runSession, type SessionStreams, STATUS_OK } from './session.ts';
import type { SessionOptions } from './boot-options.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

test.each([
  ['idles while a text is waited for', { until: 'login:', idleShare: 1, rows: undefined, told: true }],
  ['works while a text is waited for', { until: 'login:', idleShare: 0.5, rows: undefined, told: false }],
  ['idles on its serial port with nobody waiting', { until: undefined, idleShare: 1, rows: undefined, told: false }],
  ['idles with its words on the screen', { until: undefined, idleShare: 1, rows: ['Unable to boot'], told: true }],
])('a guest that %s, in silence', async (_what, { until, idleShare, rows, told }) => {
  const listeners = new Map<string, (event: unknown) => void>();
  const machine = {
    on: (name: string, listener: (event: unknown) => void) => {
      listeners.set(name, listener);
      return () => {};
    },
    run: () => {}, pause: () => {}, readTextScreen: () => rows, statistics: () => ({ idleShare }), lastWords: ['Unable to boot'],
  };
  const errors = new PassThrough();
  const options = { serial: [{ kind: 'none' }], debugcon: { kind: 'none' }, trace: [], replies: [], until };
  const streams = { input: new PassThrough(), output: new PassThrough(), errors } as unknown as SessionStreams;
  const status = runSession(machine as unknown as Machine, options as unknown as SessionOptions, streams);
  vi.advanceTimersByTime(19_000);
  expect(errors.read()).toBeNull();
  vi.advanceTimersByTime(30_000);
  const text = 'coracle: the guest idles, and has shown nothing for 20 seconds; its last words:\n  Unable to boot\n';
  expect(errors.read()?.toString() ?? '').toBe(told ? text : '');
  listeners.get('serial-output')?.({ port: 0, data: new TextEncoder().encode('login:') });
  listeners.get('exit')?.({ reason: 'poweroff' });
  expect(await status).toBe(STATUS_OK);
});
