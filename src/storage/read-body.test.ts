import { describe, expect, it } from 'vitest';
import { announcedLength, BrokenBody, readBody } from './read-body.ts';

function bodyOf(...parts: readonly (number[] | Error)[]): Response {
  const left = [...parts];
  return new Response(new ReadableStream({
    pull(controller) {
      const part = left.shift();
      if (part === undefined) controller.close();
      else if (part instanceof Error) controller.error(part);
      else controller.enqueue(Uint8Array.from(part));
    },
  }));
}

describe('the body of a response', () => {
  it.each([undefined, 5, 2, 9])('comes whole when %s bytes are expected', async (expected) => {
    const seen: (number | undefined)[][] = [];
    const bytes = await readBody(bodyOf([1, 2, 3], [4, 5]), expected, (...progress) => seen.push(progress));
    expect([...bytes]).toEqual([1, 2, 3, 4, 5]);
    expect(bytes.buffer.byteLength).toBe(5);
    expect(seen).toEqual([[0, expected], [3, expected], [5, expected]]);
  });

  it('that breaks off says after how many bytes', async () => {
    const error = await readBody(bodyOf([1, 2, 3], new Error('reset')), 5).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BrokenBody);
    expect(error).toMatchObject({ loadedBytes: 3, message: 'the download broke off after 3 bytes' });
  });

  it('has an announced length unless it is encoded', () => {
    expect(announcedLength(new Response('', { headers: { 'Content-Length': '12' } }))).toBe(12);
    expect(announcedLength(new Response('', { headers: { 'Content-Length': '12', 'Content-Encoding': 'gzip' } }))).toBeUndefined();
    expect(announcedLength(new Response(''))).toBeUndefined();
  });
});
