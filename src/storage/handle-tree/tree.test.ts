import { describe, expect, it } from 'vitest';
import type { FileTree, OpenMode } from '../file-tree.ts';
import { ATTRIBUTES_FILE } from './attributes.ts';
import { FakeFolder } from './test-folder.ts';
import { openHandleTree } from './tree.ts';

const READ: OpenMode = { read: true, write: false, append: false, truncate: false };
const WRITE: OpenMode = { ...READ, write: true };
const CREATE: OpenMode = { ...WRITE, create: { mode: 0o640, exclusive: false } };

const open = (folder: FakeFolder, readOnly = false): Promise<FileTree> => openHandleTree(folder as unknown as FileSystemDirectoryHandle, { readOnly });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function put(tree: FileTree, path: string, text: string): Promise<void> {
  const file = await tree.open(path, { ...CREATE, truncate: true });
  await file.write(0, bytes(text));
  await file.close();
}

async function get(tree: FileTree, path: string): Promise<string> {
  const file = await tree.open(path, READ);
  const text = new TextDecoder().decode(await file.read(0, 1 << 20));
  await file.close();
  return text;
}

async function onHost(folder: FakeFolder, name: string): Promise<string> {
  return new TextDecoder().decode((await folder.getFileHandle(name)).bytes);
}

/** With files that can be moved and with those that are copied for it. */
describe.each([['movable', true], ['copied', false]])('files that are %s', (_kind, movable) => {
  it('are written when they are closed, and have the attributes that they got, in the next session too', async () => {
    const folder = new FakeFolder(movable);
    const tree = await open(folder);
    await tree.makeFolder('sub', 0o750);
    await put(tree, 'sub/file', 'hello');
    await tree.change('sub/file', { mode: 0o4711, uid: 1000, gid: 7, modified: 1_234_567_890_123_456_789n });
    await tree.makeSymbolicLink('link', 'sub/file');
    const file = await tree.open('sub/file', WRITE);
    await file.sync();
    await file.close();
    for (const each of [tree, await open(folder)]) {
      expect(await each.stat('sub/file')).toMatchObject({ mode: 0o104711, uid: 1000, gid: 7, size: 5n, links: 1, modified: 1_234_567_890_123_456_789n });
      expect((await each.stat('sub')).mode).toBe(0o040750);
      expect((await each.stat('link')).mode).toBe(0o120777);
      expect(await each.readLink('link')).toBe('sub/file');
      expect([...(await each.list(''))].sort()).toEqual(['link', 'sub']);
    }
    expect(await onHost(folder.entries.get('sub') as FakeFolder, 'file')).toBe('hello');
  });

  it('have several names, which are one file', async () => {
    const folder = new FakeFolder(movable);
    const tree = await open(folder);
    await put(tree, 'one', 'first');
    await tree.makeLink('one', 'two');
    await put(tree, 'two', 'second!');
    expect([await get(tree, 'one'), await onHost(folder, 'one'), await onHost(folder, 'two')]).toEqual(['second!', 'second!', 'second!']);
    const [one, two] = [await tree.stat('one'), await tree.stat('two')];
    expect([one.links, two.links, one.identity === two.identity]).toEqual([2, 2, true]);
    await tree.remove('one', 'file');
    expect([await get(tree, 'two'), (await tree.stat('two')).links]).toEqual(['second!', 1]);
  });

  it('are renamed with all that is below, and while they are open', async () => {
    const folder = new FakeFolder(movable);
    const tree = await open(folder);
    await tree.makeFolder('a', 0o755);
    await tree.makeFolder('a/b', 0o700);
    await put(tree, 'a/b/file', 'kept');
    const file = await tree.open('a/b/file', WRITE);
    await file.write(4, bytes(' on'));
    await tree.rename('a', 'c');
    await file.write(7, bytes(' writing'));
    expect(new TextDecoder().decode(await file.read(0, 100))).toBe('kept on writing');
    await file.close();
    expect([await get(tree, 'c/b/file'), (await tree.stat('c/b')).mode]).toEqual(['kept on writing', 0o040700]);
    await expect(tree.stat('a')).rejects.toThrow('ENOENT');
    await put(tree, 'other', 'new');
    await tree.rename('other', 'c/b/file');
    expect([await get(tree, 'c/b/file'), await tree.list('')]).toEqual(['new', ['c']]);
  });

  it('are there for whoever has them open after they were removed', async () => {
    const tree = await open(new FakeFolder(movable));
    await put(tree, 'file', 'hello, world');
    const file = await tree.open('file', WRITE);
    await file.write(0, bytes('H'));
    await tree.remove('file', 'file');
    await put(tree, 'file', 'another');
    await file.write(7, bytes('W'));
    expect(new TextDecoder().decode(await file.read(0, 100))).toBe('Hello, World');
    expect(await file.stat()).toMatchObject({ links: 0, size: 12n });
    await file.close();
    expect(await get(tree, 'file')).toBe('another');
  });
});

it('reads and writes at random what a model of the file holds', async () => {
  const folder = new FakeFolder(true);
  const tree = await open(folder);
  let state = 1;
  const random = (below: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  const LARGEST = 400_000;
  let model = new Uint8Array(), size = 0, file = await tree.open('file', CREATE);
  const resize = (to: number): void => {
    const grown = new Uint8Array(to);
    grown.set(model.subarray(0, Math.min(size, to)));
    model = grown;
    size = to;
  };
  for (let step = 0; step < 600; step++) {
    const offset = random(LARGEST), length = random(90_000);
    switch (random(6)) {
      case 0: case 1: {
        const data = new Uint8Array(length).fill(random(256));
        if (offset + length > size) resize(offset + length);
        model.set(data, offset);
        await file.write(offset, data);
        break;
      }
      case 2:
        resize(offset);
        await file.change({ size: offset });
        break;
      case 3:
        await file.sync();
        break;
      case 4:
        await file.close();
        expect((await folder.getFileHandle('file')).bytes.length).toBe(size);
        file = await tree.open('file', WRITE);
        break;
      default: {
        const read = await file.read(offset, length);
        expect(Buffer.compare(read, model.subarray(Math.min(offset, size), offset + length))).toBe(0);
      }
    }
    expect((await file.stat()).size).toBe(BigInt(size));
  }
});

it('sees what somebody else does to the folder', async () => {
  const folder = new FakeFolder(true);
  const tree = await open(folder);
  await put(tree, 'file', 'ours');
  const theirs = await folder.getFileHandle('file');
  theirs.bytes = new Uint8Array(bytes('theirs'));
  theirs.lastModified = 1_700_000_000_000;
  expect(await tree.stat('file')).toMatchObject({ size: 6n, modified: 1_700_000_000_000_000_000n });
  expect(await get(tree, 'file')).toBe('theirs');
  await folder.removeEntry('file');
  await folder.getDirectoryHandle('file', { create: true });
  expect(await tree.list('')).toEqual(['file']);
});

it('says that there is no room, and makes some', async () => {
  const folder = new FakeFolder(true);
  const tree = await open(folder);
  await put(tree, 'file', 'x');
  (await folder.getFileHandle('file')).createWritable = () => Promise.reject(new DOMException('', 'QuotaExceededError'));
  await expect(put(tree, 'file', 'longer')).rejects.toMatchObject({ code: 'ENOSPC' });
  await tree.remove('file', 'file');
  expect(await tree.list('')).toEqual([]);
});

it('keeps names that the browser refuses', async () => {
  const tree = await open(new FakeFolder(true));
  const names = ['a:b', 'what?', 'dot.', ' space ', '50%3A', '100%', 'a\\b'];
  for (const name of names) await put(tree, name, name);
  expect([...(await tree.list(''))].sort()).toEqual([...names].sort());
  for (const name of names) expect(await get(tree, name)).toBe(name);
});

it('refuses as Linux does', async () => {
  const folder = new FakeFolder(true);
  const tree = await open(folder);
  await tree.makeFolder('folder', 0o755);
  await put(tree, 'folder/file', 'x');
  await put(tree, 'file', 'x');
  await tree.makeSymbolicLink('link', 'file');
  const failing: [string, unknown][] = [
    ['ENOENT', tree.stat('none')], ['ENOTDIR', tree.stat('file/below')], ['ENOENT', tree.stat(ATTRIBUTES_FILE)], ['EISDIR', tree.open('folder', READ)],
    ['ELOOP', tree.open('link', READ)], ['EEXIST', tree.open('file', { ...CREATE, create: { mode: 0o644, exclusive: true } })],
    ['EEXIST', tree.makeFolder('file', 0o755)], ['ENOTEMPTY', tree.remove('folder', 'folder')], ['ENOTDIR', tree.remove('file', 'folder')],
    ['EISDIR', tree.remove('folder', 'file')], ['EINVAL', tree.rename('folder', 'folder/below')], ['EISDIR', tree.rename('file', 'folder')],
    ['ENOTDIR', tree.rename('folder', 'file')], ['EPERM', tree.makeLink('folder', 'other')], ['EINVAL', tree.readLink('file')],
  ];
  for (const [code, work] of failing) await expect(work).rejects.toMatchObject({ name: 'FileError', code });
  const fixed = await open(folder, true);
  await expect(fixed.open('file', WRITE)).rejects.toMatchObject({ code: 'EROFS' });
  await expect(fixed.remove('file', 'file')).rejects.toMatchObject({ code: 'EROFS' });
});
