/** Places in a folder of the host and the files there, with what the File System API does not keep: see `attributes.ts`. */
import { FileError } from '../file-tree.ts';
import type { Content } from './content.ts';
import { hostName } from './names.ts';

export const S_IFMT = 0o170000, S_IFDIR = 0o040000, S_IFREG = 0o100000, S_IFLNK = 0o120000;

/** What all names of a file share. */
export class Inode {
  /** Given by the tree to those that it tells of. */
  identity: bigint | undefined;
  mode: number;
  uid = 0;
  gid = 0;
  /** Nanoseconds since 1970. */
  accessed: bigint | undefined;
  modified: bigint | undefined;
  changed: bigint | undefined;
  /** What the host said of its last change when `modified` was right, in milliseconds: another change outranks that. */
  hostModified: number | undefined;
  readonly names = new Set<Entry>();
  /** While it is open, or has not been flushed. */
  content: Content | undefined;
  users = 0;

  constructor(mode: number) {
    this.mode = mode;
  }

  get type(): number {
    return this.mode & S_IFMT;
  }
}

export class Entry {
  parent: Entry | undefined;
  name: string;
  inode: Inode;
  /** Undefined until the host was asked for it. */
  handle: FileSystemFileHandle | FileSystemDirectoryHandle | undefined;
  readonly children = new Map<string, Entry>();

  constructor(parent: Entry | undefined, name: string, inode: Inode) {
    this.parent = parent;
    this.name = name;
    this.inode = inode;
    inode.names.add(this);
    parent?.children.set(name, this);
  }

  get path(): string {
    const above = this.parent?.path ?? '';
    return above === '' ? this.name : `${above}/${this.name}`;
  }

  /** The handle of a file. @throws FileError EISDIR */
  file(): FileSystemFileHandle {
    if (this.handle?.kind !== 'file') throw new FileError('EISDIR');
    return this.handle as FileSystemFileHandle;
  }

  /** The handle of a folder. @throws FileError ENOTDIR */
  folder(): FileSystemDirectoryHandle {
    if (this.handle?.kind !== 'directory') throw new FileError('ENOTDIR');
    return this.handle as FileSystemDirectoryHandle;
  }

  /** Asks the host for this place, whose folder it was asked for. @throws FileError ENOENT, after which the place is forgotten */
  async resolve(): Promise<this> {
    if (this.handle !== undefined) return this;
    const above = this.parent!.folder(), name = hostName(this.name);
    try {
      this.handle = await above.getFileHandle(name).catch((error: DOMException) => {
        if (error.name === 'TypeMismatchError') return above.getDirectoryHandle(name);
        throw error;
      });
    } catch (error) {
      this.forget();
      throw error;
    }
    const isFolder = this.handle.kind === 'directory';
    // Another kind of file is there than the attributes were for.
    if (isFolder !== (this.inode.type === S_IFDIR)) this.replaceInode(new Inode(isFolder ? S_IFDIR | 0o755 : S_IFREG | 0o644));
    return this;
  }

  forget(): void {
    if (this.parent?.children.get(this.name) === this) this.parent.children.delete(this.name);
    this.inode.names.delete(this);
    for (const child of [...this.children.values()]) child.forget();
  }

  move(parent: Entry, name: string): void {
    this.parent?.children.delete(this.name);
    this.parent = parent;
    this.name = name;
    parent.children.set(name, this);
  }

  isWithin(folder: Entry): boolean {
    return this === folder || (this.parent?.isWithin(folder) ?? false);
  }

  private replaceInode(inode: Inode): void {
    this.inode.names.delete(this);
    this.inode = inode;
    inode.names.add(this);
  }
}
