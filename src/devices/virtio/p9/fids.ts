/**
 * What a client's numbers (fids) stand for. Places in the tree are nodes with a parent and a name, shared by all fids that
 * mean the same place, so that a rename moves everything below it, and what was removed is known to be gone.
 */
import { FileError, type OpenFile, type Soon } from '../../../storage/file-tree.ts';

/** A client that never lets go of a fid shall not fill the host's memory. */
const MOST_FIDS = 1 << 20;

export class PathNode {
  parent: PathNode | undefined;
  name: string;
  readonly children = new Map<string, PathNode>();
  /** Files that are open here, which work on after the place is gone. */
  readonly open = new Set<OpenFile>();
  users = 0;
  private gone = false;

  constructor(parent: PathNode | undefined, name: string) {
    this.parent = parent;
    this.name = name;
  }

  get isGone(): boolean {
    return this.gone || (this.parent?.isGone ?? false);
  }

  /** @throws FileError ENOENT when this place, or a folder above it, was removed */
  get path(): string {
    if (this.gone) throw new FileError('ENOENT');
    if (this.parent === undefined) return '';
    return this.parent.childPath(this.name);
  }

  childPath(name: string): string {
    const { path } = this;
    return path === '' ? name : `${path}/${name}`;
  }

  child(name: string): PathNode {
    let node = this.children.get(name);
    if (node === undefined) {
      node = new PathNode(this, name);
      this.children.set(name, node);
    }
    return node;
  }

  /** The node that stands for this place: this one, unless another came to be meanwhile. */
  adopt(): PathNode {
    if (this.parent === undefined) return this;
    const parent = this.parent.adopt();
    const known = parent.children.get(this.name);
    if (known !== undefined || this.gone) return known ?? this;
    this.parent = parent;
    parent.children.set(this.name, this);
    return this;
  }

  /** Whatever had this name is removed. */
  drop(name: string): void {
    const node = this.children.get(name);
    if (node === undefined) return;
    this.children.delete(name);
    node.gone = true;
  }

  /** What has this name is now called `newName` in `folder`, in the place of what was there. */
  move(name: string, folder: PathNode, newName: string): void {
    const node = this.children.get(name);
    if (folder.children.get(newName) !== node || node === undefined) folder.drop(newName);
    if (node === undefined) return;
    this.children.delete(name);
    node.parent = folder;
    node.name = newName;
    folder.children.set(newName, node);
  }

  /** Forgets nodes that nobody uses. */
  release(): void {
    if (this.users > 0 || this.children.size > 0 || this.parent === undefined) return;
    if (this.parent.children.get(this.name) === this) this.parent.children.delete(this.name);
    this.parent.release();
  }
}

export interface Fid {
  readonly node: PathNode;
  file?: OpenFile | undefined;
  /** Names of a folder that is being read. */
  names?: readonly string[] | undefined;
  /** Opened, be it a file or a folder. */
  isOpen: boolean;
}

export class Fids {
  private readonly fids = new Map<number, Fid>();
  private rootNode = new PathNode(undefined, '');

  get root(): PathNode {
    return this.rootNode;
  }

  /** @throws FileError EBADF */
  get(number: number): Fid {
    const fid = this.fids.get(number);
    if (fid === undefined) throw new FileError('EBADF');
    return fid;
  }

  has(number: number): boolean {
    return this.fids.has(number);
  }

  /** @throws FileError EBADF when the number is taken */
  set(number: number, node: PathNode): Fid {
    if (this.fids.has(number)) throw new FileError('EBADF');
    if (this.fids.size >= MOST_FIDS) throw new FileError('EMFILE');
    const fid: Fid = { node, isOpen: false };
    node.users++;
    this.fids.set(number, fid);
    return fid;
  }

  /** The fid, which is not open, stands for another place now. */
  place(number: number, node: PathNode): Fid {
    void this.delete(number);
    return this.set(number, node);
  }

  open(fid: Fid, file: OpenFile | undefined): void {
    fid.isOpen = true;
    fid.file = file;
    if (file) fid.node.open.add(file);
  }

  /** @returns when what was written is in the tree */
  delete(number: number): Soon<void> {
    const fid = this.get(number);
    this.fids.delete(number);
    const closed = close(fid);
    fid.node.users--;
    fid.node.release();
    return closed;
  }

  /** @param onError hears of what could not be written any more */
  clear(onError: (error: Error) => void): void {
    for (const fid of this.fids.values()) void Promise.resolve(close(fid)).catch(onError);
    this.fids.clear();
    this.rootNode = new PathNode(undefined, '');
  }
}

function close(fid: Fid): Soon<void> {
  if (fid.file === undefined) return;
  fid.node.open.delete(fid.file);
  return fid.file.close();
}
