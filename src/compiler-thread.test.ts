import { expect, it } from 'vitest';
import { generatedModules } from './cpu/modules-fixture.ts';
import { startCompilerThread } from './compiler-thread.ts';
import type { CompileReply } from './jit/thread-protocol.ts';

const IDLE_MS = 100;
/** Answers with how many requests this thread has had, instead of the bytes of a module. */
const COUNTS = 'let n = 0; self.onmessage = ({ data }) => self.postMessage({ id: data.id, module: undefined, bytes: ++n });';

it('ends when it has nothing to do, and another one serves the next request', async () => {
  const thread = await startCompilerThread(COUNTS, IDLE_MS);
  if (!thread) throw new Error('no thread');
  let answer: (reply: CompileReply) => void = () => {};
  thread.listen((reply) => answer(reply), () => {});
  const ask = (id: number): Promise<number> => new Promise((resolve) => {
    answer = ({ bytes }) => resolve(bytes);
    thread.post({ id, regions: new Int32Array(0) });
  });
  expect(thread.isUp).toBe(false);
  expect([await ask(1), await ask(2)]).toEqual([1, 2]);
  expect(thread.isUp).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 3 * IDLE_MS));
  expect(thread.isUp).toBe(false);
  expect([await ask(3), await ask(4)]).toEqual([1, 2]);
  thread.terminate();
});

it('an answer goes to whoever asked, not to whoever listens by then', async () => {
  const thread = await startCompilerThread(COUNTS, IDLE_MS);
  if (!thread) throw new Error('no thread');
  const first: number[] = [], second: number[] = [];
  thread.listen(({ id }) => first.push(id), () => {});
  thread.post({ id: 1, regions: new Int32Array(0) });
  await new Promise<void>((resolve) => {
    thread.listen(({ id }) => {
      second.push(id);
      resolve();
    }, () => {});
    thread.post({ id: 1, regions: new Int32Array(0) });
  });
  expect([first, second]).toEqual([[1], [1]]);
  thread.terminate();
});

it('unpacks initrds, and fails when it ends meanwhile', async () => {
  const leaf = generatedModules().kernel, packed = new Uint8Array([1, 2, 3]);
  const echo = await startCompilerThread('self.onmessage = ({ data }) => self.postMessage({ id: data.id, unpacked: data.packed });', IDLE_MS);
  expect(await echo?.unpackInitrd(packed, leaf, 100)).toEqual(packed);
  echo?.terminate();
  const silent = await startCompilerThread('self.onmessage = () => {};', IDLE_MS);
  const answer = expect(silent?.unpackInitrd(packed, leaf, 100)).rejects.toThrow('ended');
  silent?.terminate();
  await answer;
});

it('tells whoever listens that it has failed, however late', async () => {
  const thread = await startCompilerThread('throw new Error("not here");', IDLE_MS);
  await new Promise<void>((resolve) => thread?.listen(() => {}, resolve));
  await new Promise<void>((resolve) => thread?.listen(() => {}, resolve));
  await expect(thread?.unpackInitrd(new Uint8Array(3), generatedModules().kernel, 100)).rejects.toThrow('ended');
});
