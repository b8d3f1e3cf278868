import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileTree } from '../../../storage/file-tree.ts';
import { openNodeTree } from '../../../storage/node-tree.ts';
import * as M from './messages.ts';
import { P9Server } from './server.ts';

const ENOENT = 2, EBADF = 9, ENXIO = 6, EBUSY = 16, ENOTDIR = 20, EINVAL = 22, EFBIG = 27, EROFS = 30, ELOOP = 40, EOPNOTSUPP = 95;
const O_RDWR = 2, O_CREAT = 0o100, AT_REMOVEDIR = 0x200;
let folder: string;
let server: P9Server;
let errors: Error[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coracle-9p-'));
  mkdirSync(join(folder, 'share/sub/deep'), { recursive: true });
  writeFileSync(join(folder, 'share/hello'), 'hello, world');
  writeFileSync(join(folder, 'secret'), 'secret');
  open(openNodeTree(join(folder, 'share')));
});
afterEach(() => {
  server.reset();
  rmSync(folder, { recursive: true });
});

function open(tree: FileTree): void {
  errors = [];
  server = new P9Server(tree, (error) => errors.push(error));
  expect(call(M.TVERSION, (w) => { w.u32(8192); w.text('9P2000.L'); }).u32()).toBe(8192);
  call(M.TATTACH, (w) => { w.u32(0); w.u32(0xffffffff); w.text('user'); w.text(''); w.u32(0); });
}

/** Sends a request; gives the answer, or throws the error's number. */
function call(type: number, fill: (w: M.MessageWriter) => void, room = 8192): M.MessageReader {
  const request = new M.MessageWriter();
  fill(request);
  const answer = server.handle(request.finish(type, 7), room) as Uint8Array;
  const reader = new M.MessageReader(answer, 0);
  expect(reader.u32()).toBe(answer.length);
  const answerType = reader.u8();
  expect(reader.u16()).toBe(7);
  if (answerType === M.RLERROR) throw reader.u32();
  expect(answerType).toBe(type + 1);
  return reader;
}

function errorOf(action: () => unknown): number {
  try {
    action();
    return 0;
  } catch (error) {
    if (typeof error !== 'number') throw error;
    return error;
  }
}

/** Number of steps that were made. */
const walk = (from: number, to: number, ...names: string[]): number =>
  call(M.TWALK, (w) => { w.u32(from); w.u32(to); w.u16(names.length); for (const name of names) w.text(name); }).u16();
const lopen = (fid: number, flags = O_RDWR) => call(M.TLOPEN, (w) => { w.u32(fid); w.u32(flags); });
const read = (fid: number, offset: number, count: number): string => {
  const answer = call(M.TREAD, (w) => { w.u32(fid); w.u64(offset); w.u32(count); });
  return new TextDecoder().decode(answer.data(answer.u32()));
};
const write = (fid: number, offset: number, text: string): number =>
  call(M.TWRITE, (w) => { w.u32(fid); w.u64(offset); w.u32(text.length); w.data(new TextEncoder().encode(text)); }).u32();
const clunk = (fid: number) => call(M.TCLUNK, (w) => w.u32(fid));
const create = (fid: number, name: string) =>
  call(M.TLCREATE, (w) => { w.u32(fid); w.text(name); w.u32(O_RDWR | O_CREAT); w.u32(0o100640); w.u32(0); });
const unlink = (fid: number, name: string, flags = 0) => call(M.TUNLINKAT, (w) => { w.u32(fid); w.text(name); w.u32(flags); });
const symlink = (fid: number, name: string, target: string) =>
  call(M.TSYMLINK, (w) => { w.u32(fid); w.text(name); w.text(target); w.u32(0); });
const renameAt = (from: number, name: string, to: number, newName: string) =>
  call(M.TRENAMEAT, (w) => { w.u32(from); w.text(name); w.u32(to); w.text(newName); });
const getSize = (fid: number): number => {
  const answer = call(M.TGETATTR, (w) => { w.u32(fid); w.u64(0x7ff); });
  answer.data(8 + 13 + 12 + 16);
  return answer.u64();
};
const list = (fid: number, offset: number, count: number): [name: string, next: number][] => {
  const answer = call(M.TREADDIR, (w) => { w.u32(fid); w.u64(offset); w.u32(count); });
  const data = answer.data(answer.u32());
  expect(data.length).toBeLessThanOrEqual(count);
  const found: [string, number][] = [];
  for (let at = 0; at < data.length; ) {
    const entry = new M.MessageReader(data, at + 13);
    const next = entry.u64();
    entry.u8();
    const name = entry.text();
    found.push([name, next]);
    at += 13 + 8 + 1 + 2 + name.length;
  }
  return found;
};

describe('files', () => {
  it('are walked to, read and written', () => {
    expect(walk(0, 1, 'hello')).toBe(1);
    lopen(1);
    expect([read(1, 7, 100), read(1, 100, 10)]).toEqual(['world', '']);
    expect([write(1, 5, '!!'), readFileSync(join(folder, 'share/hello'), 'utf8')]).toEqual([2, 'hello!!world']);
    clunk(1);
    expect(errorOf(() => read(1, 0, 1))).toBe(EBADF);
  });

  it('are made in the place of their folder’s fid, with the permissions that are asked for', () => {
    walk(0, 1, 'sub');
    create(1, 'new');
    write(1, 0, 'data');
    expect([getSize(1), statSync(join(folder, 'share/sub/new')).mode & 0o777]).toEqual([4, 0o640]);
  });

  it('end where no host’s do: nothing is read past that, and nothing written', () => {
    walk(0, 1, 'hello');
    lopen(1);
    const sizeTo = (size: number) => call(M.TSETATTR, (w) => { for (const field of [1, 8, 0, 0, 0]) w.u32(field); for (const field of [size, 0, 0, 0, 0]) w.u64(field); });
    for (const far of [2 ** 53, 2 ** 56, 2 ** 62]) {
      expect(read(1, far, 10)).toBe('');
      expect(errorOf(() => write(1, far, '!'))).toBe(EFBIG);
      expect(errorOf(() => sizeTo(far))).toBe(EFBIG);
    }
    expect(getSize(1)).toBe('hello, world'.length);
    sizeTo(5);
    expect(read(1, 0, 100)).toBe('hello');
  });

  it('are usable after they are removed, while they are open', () => {
    walk(0, 1);
    create(1, 'gone');
    write(1, 0, 'still here');
    walk(0, 2, 'gone');
    unlink(0, 'gone');
    expect([read(1, 0, 100), getSize(1), getSize(2)]).toEqual(['still here', 10, 10]);
    clunk(1);
    expect(errorOf(() => getSize(2))).toBe(ENOENT);
  });

  it('change size and times while they are open, whatever became of their names', () => {
    const SIZE_AND_TIME = 0x8 | 0x20;
    walk(0, 1, 'hello');
    lopen(1);
    unlink(0, 'hello');
    call(M.TSETATTR, (w) => { w.u32(1); w.u32(SIZE_AND_TIME); for (let i = 0; i < 3; i++) w.u32(0); w.u64(5); for (let i = 0; i < 4; i++) w.u64(0); });
    expect(getSize(1)).toBe(5);
    clunk(1);
  });

  it('change size and permissions', () => {
    walk(0, 1, 'hello');
    call(M.TSETATTR, (w) => { w.u32(1); w.u32(0x9); w.u32(0o600); w.u32(0); w.u32(0); w.u64(5); for (let i = 0; i < 4; i++) w.u64(0); });
    const { size, mode } = statSync(join(folder, 'share/hello'));
    expect([size, mode & 0o777]).toEqual([5, 0o600]);
  });

  it('are linked both ways', () => {
    walk(0, 1, 'hello');
    call(M.TLINK, (w) => { w.u32(0); w.u32(1); w.text('hard'); });
    symlink(0, 'soft', '/anywhere');
    expect([statSync(join(folder, 'share/hello')).nlink, readlinkSync(join(folder, 'share/soft'))]).toEqual([2, '/anywhere']);
    walk(0, 2, 'soft');
    expect(call(M.TREADLINK, (w) => w.u32(2)).text()).toBe('/anywhere');
    expect(errorOf(() => lopen(2))).toBe(ELOOP);
  });
});

describe('names', () => {
  const makeFile = (fid: number, bytes: Uint8Array) => {
    walk(0, fid);
    return call(M.TLCREATE, (w) => { w.u32(fid); w.u16(bytes.length); w.data(bytes); w.u32(O_RDWR | O_CREAT); w.u32(0o640); w.u32(0); });
  };
  it('that are no UTF-8 are refused, however long', () => {
    for (const length of [1, 255]) expect(errorOf(() => makeFile(length, new Uint8Array(length).fill(0x80)))).toBe(EINVAL);
  });
  it('keep a byte order mark', () => {
    makeFile(1, new TextEncoder().encode('\ufeffmarked'));
    expect(readdirSync(join(folder, 'share'))).toContain('\ufeffmarked');
  });
});

describe('folders', () => {
  it('are listed in pieces', () => {
    walk(0, 1);
    lopen(1, 0);
    const all = list(1, 0, 4096);
    expect(all.map(([name]) => name).sort()).toEqual(['.', '..', 'hello', 'sub']);
    const pieces: string[] = [];
    for (let offset = 0, piece = list(1, 0, 40); piece.length > 0; piece = list(1, offset, 40)) {
      pieces.push(...piece.map(([name]) => name));
      offset = piece.at(-1)![1];
    }
    expect(pieces).toEqual(all.map(([name]) => name));
  });

  it('take what is in them along when they are renamed', () => {
    walk(0, 1, 'sub', 'deep');
    renameAt(0, 'sub', 0, 'moved');
    create(1, 'file');
    expect(existsSync(join(folder, 'share/moved/deep/file'))).toBe(true);
    expect(walk(1, 2)).toBe(0);
    expect(errorOf(() => unlink(0, 'moved', AT_REMOVEDIR))).toBeGreaterThan(0);
  });

  it('lead a walk as far as it goes', () => {
    expect([walk(0, 1, 'sub', 'nothing'), errorOf(() => clunk(1))]).toEqual([1, EBADF]);
    expect([errorOf(() => walk(0, 1, 'nothing')), errorOf(() => walk(9, 1))]).toEqual([ENOENT, EBADF]);
    expect([walk(0, 1, 'hello', 'x'), walk(0, 1, '..', '..', 'sub')]).toEqual([1, 3]);
  });
});

describe('the host', () => {
  it('is out of reach by names, links and places that are no more', () => {
    symlink(0, 'out', '..');
    expect(walk(0, 1, 'out', 'secret')).toBe(1);
    for (const name of ['../secret', '..', '.', '', 'a/b', 'a\0']) {
      expect(errorOf(() => symlink(0, name, 'x'))).toBe(EINVAL);
      expect(errorOf(() => renameAt(0, 'hello', 0, name))).toBe(EINVAL);
    }
    expect(errorOf(() => walk(0, 1, 'sub/../../secret'))).toBe(ENOENT);
    // A folder that is replaced by a link while a client still has a place in it.
    walk(0, 2, 'sub', 'deep');
    walk(0, 3, 'sub');
    unlink(3, 'deep', AT_REMOVEDIR);
    unlink(0, 'sub', AT_REMOVEDIR);
    symlink(0, 'sub', '..');
    expect([errorOf(() => create(2, 'x')), errorOf(() => create(3, 'x')), errorOf(() => walk(3, 4, 'secret'))]).toEqual([ENOENT, ENOENT, ENOENT]);
  });

  it('does not follow links that come to be behind the server’s back', () => {
    walk(0, 1, 'sub');
    rmSync(join(folder, 'share/sub'), { recursive: true });
    symlinkSync(folder, join(folder, 'share/sub'));
    expect(errorOf(() => create(1, 'x'))).toBe(ELOOP);
    expect(existsSync(join(folder, 'x'))).toBe(false);
    expect(errorOf(() => walk(1, 2, 'secret'))).toBe(ENOTDIR);
  });

  it('keeps its devices and its root to itself', () => {
    open(openNodeTree('/dev'));
    walk(0, 1, 'null');
    expect(errorOf(() => lopen(1))).toBe(ENXIO);
    expect(errorOf(() => call(M.TSETATTR, (w) => { w.u32(0); w.u32(1); for (let i = 0; i < 3; i++) w.u32(0); for (let i = 0; i < 5; i++) w.u64(0); }))).toBe(EBUSY);
  });

  it('changes nothing that is shared read-only', () => {
    open(openNodeTree(join(folder, 'share'), { readOnly: true }));
    walk(0, 1, 'hello');
    expect([errorOf(() => lopen(1)), errorOf(() => unlink(0, 'hello')), errorOf(() => symlink(0, 'x', 'y'))]).toEqual([EROFS, EROFS, EROFS]);
    lopen(1, 0);
    expect(read(1, 0, 5)).toBe('hello');
  });
});

it('knows no special files and no extended attributes, and grants every lock', () => {
  expect(errorOf(() => call(M.TXATTRWALK, (w) => { w.u32(0); w.u32(1); w.text('security.capability'); }))).toBe(EOPNOTSUPP);
  expect(errorOf(() => call(200, () => {}))).toBe(EOPNOTSUPP);
  const lock = (w: M.MessageWriter): void => { w.u32(0); w.u8(1); w.u64(0); w.u64(0); w.u32(1); w.text('client'); };
  expect(call(M.TGETLOCK, lock).u8()).toBe(2);
});

it('waits for a tree that answers later, and answers a flush after what it flushes', async () => {
  const tree = openNodeTree(join(folder, 'share'));
  let release = (): void => {};
  const slow: FileTree = Object.create(tree, { stat: { value: (path: string) => new Promise((resolve) => { release = () => resolve(tree.stat(path)); }) } });
  server = new P9Server(slow, () => {});
  const order: string[] = [];
  const attach = new M.MessageWriter();
  for (const value of [0, 0xffffffff]) attach.u32(value);
  attach.text('');
  attach.text('');
  attach.u32(0);
  const flush = new M.MessageWriter();
  flush.u16(1);
  const answers = [
    Promise.resolve(server.handle(attach.finish(M.TATTACH, 1), 8192)).then((answer) => order.push(`attach ${answer[4]}`)),
    Promise.resolve(server.handle(flush.finish(M.TFLUSH, 2), 8192)).then((answer) => order.push(`flush ${answer[4]}`)),
  ];
  await Promise.resolve();
  expect(order).toEqual([]);
  release();
  await Promise.all(answers);
  expect(order).toEqual([`attach ${M.TATTACH + 1}`, `flush ${M.TFLUSH + 1}`]);
});

it('throws nothing whatever is sent', () => {
  let seed = 7;
  const random = (n: number): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % n;
  const types = [8, 12, 14, 16, 18, 20, 22, 24, 26, 30, 40, 50, 52, 54, 70, 72, 74, 76, 100, 104, 108, 110, 116, 118, 120, 122, 0, 255];
  for (let i = 0; i < 20_000; i++) {
    const w = new M.MessageWriter();
    for (let fields = random(8); fields > 0; fields--) {
      const kind = random(4);
      if (kind === 0) w.u32(random(8));
      else if (kind === 1) w.u16(random(5));
      else if (kind === 2) w.text(['a', 'hello', 'sub', '..', '', 'x/y'][random(6)]);
      else w.u64(random(100) === 0 ? 2n ** 63n : BigInt(random(3)));
    }
    const answer = server.handle(w.finish(types[random(types.length)], i & 0xffff), [0, 11, 100, 8192][random(4)]);
    expect(answer).toBeInstanceOf(Uint8Array);
  }
  expect(errors).toEqual([]);
  expect([lstatSync(join(folder, 'share')).isDirectory(), readFileSync(join(folder, 'secret'), 'utf8')]).toEqual([true, 'secret']);
});
