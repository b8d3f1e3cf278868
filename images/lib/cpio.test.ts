import { describe, expect, it } from 'vitest';
import { type CpioEntry, writeCpio } from './cpio.ts';

const text = (data: string): CpioEntry => ({ kind: 'file', data: Buffer.from(data) });

/** Names in an archive, in order. */
function names(archive: Uint8Array): string[] {
  const bytes = Buffer.from(archive);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const field = (index: number): number => Number.parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const nameSize = field(11);
    const name = bytes.toString('latin1', at + 110, at + 110 + nameSize - 1);
    if (name === 'TRAILER!!!') break;
    found.push(name);
    at = ((at + 110 + nameSize + 3) & ~3) + ((field(6) + 3) & ~3);
  }
  return found;
}

describe('writeCpio', () => {
  it('sorts names, adds parent folders and ends with a trailer', () => {
    const archive = writeCpio(new Map([['lib/modules/a.ko', text('module')], ['init', text('#!/bin/sh\n')]]));
    expect(names(archive)).toEqual(['init', 'lib', 'lib/modules', 'lib/modules/a.ko']);
    expect(archive.length % 512).toBe(0);
  });

  it('gives the same bytes whatever the order of insertion', () => {
    const one = writeCpio(new Map([['a', text('1')], ['b', text('2')]]));
    const other = writeCpio(new Map([['b', text('2')], ['a', text('1')]]));
    expect(Buffer.compare(Buffer.from(one), Buffer.from(other))).toBe(0);
  });
});
