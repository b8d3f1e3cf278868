/**
 * A folder that somebody opened in the page, or one of the origin's own, as a file tree [File System, File System Access].
 *
 * The API knows names and bytes only. What else there is to a file stands in a file beside them (`attributes.ts`); a symbolic
 * link is a file that holds its target, and each name of a file with several holds all of it. A file that is open is read
 * as it was on the host, and written when it is closed or synchronised, as the API replaces files as a whole.
 *
 * One thing happens at a time, so that nothing sees another half done. Known deviations: a folder that is renamed is copied
 * where the browser cannot move it, and a file that is removed while it is open goes into memory.
 */
import { EmulatorError } from '../../errors.ts';
import {
  type FileChanges, FileError, type FileErrorCode, type FileStat, type FileSystemSpace, type FileTree, type OpenFile, type OpenMode,
} from '../file-tree.ts';
import { ATTRIBUTES_FILE, decodeAttributes, encodeAttributes } from './attributes.ts';
import { Content } from './content.ts';
import { Entry, Inode, S_IFDIR, S_IFLNK, S_IFREG } from './entry.ts';
import { guestName, hostName } from './names.ts';
import { moveEntry } from './move.ts';

export interface HandleTreeOptions {
  /** The guest changes nothing. Default: false. */
  readonly readOnly?: boolean;
  /** Hears when attributes could not be written. */
  readonly onError?: (error: Error) => void;
}

/** Attributes are written when nothing has changed for so long. */
const SAVE_DELAY_MS = 300;
const BLOCK = 4096, SECTOR = 512n;

/** @throws EmulatorError `storage-failed` when the browser does not let the page in */
export async function openHandleTree(folder: FileSystemDirectoryHandle, options: HandleTreeOptions = {}): Promise<FileTree> {
  const root = new Entry(undefined, '', new Inode(S_IFDIR | 0o755));
  root.handle = folder;
  try {
    const attributes = await folder.getFileHandle(ATTRIBUTES_FILE);
    decodeAttributes(await (await attributes.getFile()).text(), root);
  } catch (cause) {
    if ((cause as DOMException).name !== 'NotFoundError') {
      throw new EmulatorError('storage-failed', `the folder ${folder.name} cannot be read; open it once more, and let the page read it`, { cause });
    }
  }
  return new HandleTree(root, options);
}

const ERRORS: Readonly<Record<string, FileErrorCode>> = {
  NotFoundError: 'ENOENT', TypeMismatchError: 'ENOTDIR', NotAllowedError: 'EACCES', SecurityError: 'EACCES', NoModificationAllowedError: 'EBUSY',
  InvalidModificationError: 'ENOTEMPTY', QuotaExceededError: 'ENOSPC', TypeError: 'EINVAL',
};

function fileError(error: unknown): FileError {
  return error instanceof FileError ? error : new FileError(ERRORS[(error as Error).name] ?? 'EIO');
}

const nowNs = (): bigint => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n;
const splitPath = (path: string): [folder: string, name: string] => {
  const at = path.lastIndexOf('/');
  return [path.slice(0, Math.max(at, 0)), path.slice(at + 1)];
};

class HandleTree implements FileTree {
  private readonly root: Entry;
  private readonly readOnly: boolean;
  private readonly onError: (error: Error) => void;
  private last: Promise<unknown> = Promise.resolve();
  private lastIdentity = 0n;
  private saving: ReturnType<typeof setTimeout> | undefined;

  constructor(root: Entry, { readOnly = false, onError = () => {} }: HandleTreeOptions) {
    this.root = root;
    this.readOnly = readOnly;
    this.onError = onError;
  }

  stat(path: string): Promise<FileStat> {
    return this.alone(async () => this.describe(await this.find(path)));
  }

  list(path: string): Promise<readonly string[]> {
    return this.alone(async () => {
      const folder = await this.find(path);
      const names: string[] = [];
      for await (const name of folder.folder().keys()) {
        if (folder !== this.root || name !== ATTRIBUTES_FILE) names.push(guestName(name));
      }
      const there = new Set(names);
      for (const child of [...folder.children.values()]) if (!there.has(child.name)) child.forget();
      return names;
    });
  }

  readLink(path: string): Promise<string> {
    return this.alone(async () => {
      const entry = await this.find(path);
      if (entry.inode.type !== S_IFLNK) throw new FileError('EINVAL');
      return (await entry.file().getFile()).text();
    });
  }

  open(path: string, mode: OpenMode): Promise<OpenFile> {
    return this.alone(async () => {
      if (mode.write || mode.truncate || mode.create) this.checkWritable();
      let entry = await this.findIfThere(path);
      if (entry === undefined) {
        if (mode.create === undefined) throw new FileError('ENOENT');
        entry = await this.make(path, S_IFREG | (mode.create.mode & 0o7777));
      } else if (mode.create?.exclusive) throw new FileError('EEXIST');
      const { inode } = entry;
      if (inode.type === S_IFLNK) throw new FileError('ELOOP');
      const content = await this.contentOf(entry);
      inode.users++;
      if (mode.truncate && content.size > 0) {
        content.truncate(0);
        inode.modified = inode.changed = nowNs();
      }
      return new HandleOpenFile(this, entry, content, mode.append);
    });
  }

  makeFolder(path: string, mode: number): Promise<void> {
    return this.changing(async () => {
      const { folder, name } = await this.freeName(path);
      const entry = new Entry(folder, name, new Inode(S_IFDIR | (mode & 0o7777)));
      entry.handle = await folder.folder().getDirectoryHandle(hostName(name), { create: true });
      this.touch(folder);
    });
  }

  makeSymbolicLink(path: string, target: string): Promise<void> {
    return this.changing(async () => {
      const entry = await this.make(path, S_IFLNK | 0o777);
      await replaceContent(entry.file(), target);
      await this.nowAsOnHost(entry);
    });
  }

  makeLink(existing: string, path: string): Promise<void> {
    return this.changing(async () => {
      const from = await this.find(existing);
      if (from.inode.type === S_IFDIR) throw new FileError('EPERM');
      await this.flush(from.inode);
      const { folder, name } = await this.freeName(path);
      const handle = await folder.folder().getFileHandle(hostName(name), { create: true });
      await replaceContent(handle, await from.file().getFile());
      const entry = new Entry(folder, name, from.inode);
      entry.handle = handle;
      from.inode.changed = nowNs();
      this.touch(folder);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.changing(async () => {
      const entry = await this.find(from), target = await this.findIfThere(to);
      const [folderPath, name] = splitPath(to);
      const folder = await this.find(folderPath);
      folder.folder();
      if (target === entry || target?.inode === entry.inode) return;
      if (folder.isWithin(entry)) throw new FileError('EINVAL');
      const isFolder = entry.inode.type === S_IFDIR;
      if (target !== undefined) {
        if (isFolder) await this.checkEmpty(target);
        else if (target.inode.type === S_IFDIR) throw new FileError('EISDIR');
        else await this.letGo(target);
      }
      const { parent } = entry;
      await moveEntry(entry, folder.folder(), hostName(name), (inode) => this.flush(inode));
      target?.forget();
      entry.move(folder, name);
      entry.inode.changed = nowNs();
      for (const each of [parent!, folder]) this.touch(each);
    });
  }

  remove(path: string, what: 'file' | 'folder'): Promise<void> {
    return this.changing(async () => {
      const entry = await this.find(path);
      if (what === 'folder') await this.checkEmpty(entry);
      else {
        entry.file();
        await this.letGo(entry);
      }
      await entry.parent!.folder().removeEntry(hostName(entry.name));
      entry.forget();
      entry.inode.changed = nowNs();
      this.touch(entry.parent!);
    });
  }

  change(path: string, changes: FileChanges): Promise<void> {
    return this.changing(async () => {
      const entry = await this.find(path);
      await this.apply(entry, changes);
      if (changes.size !== undefined) await this.settle(entry);
    });
  }

  space(): Promise<FileSystemSpace> {
    return this.alone(async () => {
      const { quota = 0, usage = 0 } = await navigator.storage.estimate();
      const blocks = BigInt(Math.floor(quota / BLOCK)), free = BigInt(Math.floor((quota - usage) / BLOCK));
      return { blockSize: BLOCK, blocks, free, available: free, files: 0n, freeFiles: 0n };
    });
  }

  /** Work on an open file. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(async () => {
      try {
        return await work();
      } catch (error) {
        throw fileError(error);
      }
    });
    this.last = result.catch(() => {});
    return result;
  }

  async describe(entry: Entry): Promise<FileStat> {
    const { inode } = entry;
    const file = inode.type === S_IFDIR || inode.content !== undefined ? undefined : await entry.file().getFile().catch((error: unknown) => {
      entry.forget();
      throw error;
    });
    // Somebody else has changed it since.
    if (file && inode.hostModified !== file.lastModified) {
      inode.hostModified = file.lastModified;
      inode.modified = BigInt(file.lastModified) * 1_000_000n;
    }
    const modified = (inode.modified ??= nowNs());
    const size = BigInt(inode.content?.size ?? file?.size ?? 0);
    return {
      identity: (inode.identity ??= ++this.lastIdentity), mode: inode.mode, links: Math.max(inode.names.size, inode.type === S_IFDIR ? 1 : 0),
      uid: inode.uid, gid: inode.gid, device: 0n, size, blockSize: BLOCK, blocks: (size + SECTOR - 1n) / SECTOR,
      accessed: inode.accessed ?? modified, modified, changed: inode.changed ?? modified,
    };
  }

  /** Everything is in the folder afterwards, under all names. */
  async flush(inode: Inode): Promise<void> {
    const { content, names } = inode;
    if (content === undefined || names.size === 0) return;
    const handles: FileSystemFileHandle[] = [];
    for (const entry of names) handles.push((await this.resolved(entry)).file());
    if (content.changed) for (const handle of handles) await content.flush(handle);
    const file = await handles[0].getFile();
    content.rebase(file);
    inode.modified ??= nowNs();
    inode.hostModified = file.lastModified;
    this.saveSoon();
  }

  async apply(entry: Entry, { mode, uid, gid, size, accessed, modified }: FileChanges): Promise<void> {
    const { inode } = entry, now = nowNs();
    this.checkWritable();
    if (mode !== undefined && inode.type === S_IFLNK) throw new FileError('EOPNOTSUPP');
    if (size !== undefined) {
      (await this.contentOf(entry)).truncate(size);
      inode.modified = now;
    }
    inode.uid = uid ?? inode.uid;
    inode.gid = gid ?? inode.gid;
    if (mode !== undefined) inode.mode = inode.type | (mode & 0o7777);
    if (accessed !== undefined) inode.accessed = accessed === 'now' ? now : accessed;
    if (modified !== undefined) {
      inode.modified = modified === 'now' ? now : modified;
      // What is still to be written gets the time of its flush on the host.
      if (inode.content === undefined) await this.nowAsOnHost(entry);
    }
    inode.changed = now;
    this.saveSoon();
  }

  /** A file that nobody has open any more. */
  async settle(entry: Entry): Promise<void> {
    const { inode } = entry;
    if (inode.users > 0) return;
    await this.flush(inode);
    inode.content = undefined;
  }

  async saveAttributes(): Promise<void> {
    clearTimeout(this.saving);
    this.saving = undefined;
    if (this.readOnly) return;
    const handle = await this.root.folder().getFileHandle(ATTRIBUTES_FILE, { create: true });
    await replaceContent(handle, encodeAttributes(this.root));
  }

  private saveSoon(): void {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      this.alone(() => this.saveAttributes()).catch(this.onError);
    }, SAVE_DELAY_MS);
  }

  private changing(work: () => Promise<void>): Promise<void> {
    return this.alone(async () => {
      this.checkWritable();
      await work();
      this.saveSoon();
    });
  }

  private checkWritable(): void {
    if (this.readOnly) throw new FileError('EROFS');
  }

  private async resolved(entry: Entry): Promise<Entry> {
    if (entry.parent !== undefined) await this.resolved(entry.parent);
    return entry.resolve();
  }

  private async find(path: string): Promise<Entry> {
    let entry = this.root;
    for (const name of path === '' ? [] : path.split('/')) {
      entry.folder();
      if (entry === this.root && name === ATTRIBUTES_FILE) throw new FileError('ENOENT');
      const known = entry.children.get(name) ?? new Entry(entry, name, new Inode(S_IFREG | 0o644));
      entry = await known.resolve();
    }
    return entry;
  }

  private async findIfThere(path: string): Promise<Entry | undefined> {
    try {
      return await this.find(path);
    } catch (error) {
      if (fileError(error).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** @throws FileError EEXIST, or what is wrong with the way there */
  private async freeName(path: string): Promise<{ folder: Entry; name: string }> {
    if ((await this.findIfThere(path)) !== undefined) throw new FileError('EEXIST');
    const [folderPath, name] = splitPath(path);
    const folder = await this.find(folderPath);
    folder.folder();
    if (folder === this.root && name === ATTRIBUTES_FILE) throw new FileError('EPERM');
    return { folder, name };
  }

  /** A new, empty file. */
  private async make(path: string, mode: number): Promise<Entry> {
    const { folder, name } = await this.freeName(path);
    const handle = await folder.folder().getFileHandle(hostName(name), { create: true });
    const entry = new Entry(folder, name, new Inode(mode));
    entry.handle = handle;
    await this.nowAsOnHost(entry);
    this.touch(folder);
    this.saveSoon();
    return entry;
  }

  private async contentOf(entry: Entry): Promise<Content> {
    const { inode } = entry;
    if (inode.content === undefined) {
      await this.describe(entry);
      inode.content = new Content(await entry.file().getFile());
    }
    return inode.content;
  }

  /** A name of a file is about to go. */
  private async letGo(entry: Entry): Promise<void> {
    const { inode } = entry, { content } = inode;
    if (content === undefined) return;
    const other = [...inode.names].find((name) => name !== entry);
    if (other === undefined) {
      await content.detach();
      return;
    }
    await this.flush(inode);
    content.rebase(await (await this.resolved(other)).file().getFile());
  }

  private async checkEmpty(entry: Entry): Promise<void> {
    for await (const _name of entry.folder().keys()) throw new FileError('ENOTEMPTY');
  }

  private touch(folder: Entry): void {
    folder.inode.modified = folder.inode.changed = nowNs();
  }

  /** The time of change that the inode has, now if none, is that of what is in the folder. */
  private async nowAsOnHost({ inode, handle }: Entry): Promise<void> {
    inode.modified ??= nowNs();
    if (inode.type !== S_IFDIR) inode.hostModified = (await (handle as FileSystemFileHandle).getFile()).lastModified;
  }
}

async function replaceContent(handle: FileSystemFileHandle, content: string | Blob): Promise<void> {
  const stream = await handle.createWritable();
  await stream.write(content);
  await stream.close();
}

class HandleOpenFile implements OpenFile {
  private readonly tree: HandleTree;
  private readonly entry: Entry;
  private readonly content: Content;
  private readonly append: boolean;

  constructor(tree: HandleTree, entry: Entry, content: Content, append: boolean) {
    this.tree = tree;
    this.entry = entry;
    this.content = content;
    this.append = append;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.tree.alone(() => this.content.read(offset, length));
  }

  write(offset: number, data: Uint8Array): Promise<number> {
    return this.tree.alone(async () => {
      await this.content.write(this.append ? this.content.size : offset, data);
      this.changed();
      if (this.content.wantsFlush) await this.tree.flush(this.entry.inode);
      return data.length;
    });
  }

  stat(): Promise<FileStat> {
    return this.tree.alone(() => this.tree.describe(this.entry));
  }

  change(changes: FileChanges): Promise<void> {
    return this.tree.alone(() => this.tree.apply(this.entry, changes));
  }

  sync(): Promise<void> {
    return this.tree.alone(async () => {
      await this.tree.flush(this.entry.inode);
      await this.tree.saveAttributes();
    });
  }

  close(): Promise<void> {
    return this.tree.alone(async () => {
      this.entry.inode.users--;
      await this.tree.settle(this.entry);
    });
  }

  private changed(): void {
    const { inode } = this.entry;
    inode.modified = inode.changed = nowNs();
  }
}
