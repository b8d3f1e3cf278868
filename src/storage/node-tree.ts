/**
 * A folder of this computer as a file tree, for Node. As with disks, calls are synchronous: what the page cache has costs
 * less than a turn of the event loop, and a run stays reproducible.
 *
 * A guest makes any symbolic link it likes, so none is ever followed: the folder that an operation works in must be its
 * own real path, and the last name is opened without following. Owners change where the user may change them, silently
 * not where not, as with QEMU's security_model=none. Known deviation: times are set to about a microsecond.
 */
import {
  chmodSync, closeSync, constants, fchmodSync, fchownSync, fstatSync, fsyncSync, ftruncateSync, futimesSync, lchownSync, linkSync, lstatSync, lutimesSync,
  mkdirSync, openSync, readdirSync, readlinkSync, readSync, realpathSync, renameSync, rmdirSync, statfsSync, symlinkSync, unlinkSync,
  type BigIntStats, writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EmulatorError } from '../errors.ts';
import {
  ERRNO, type FileChanges, FileError, type FileErrorCode, type FileStat, type FileSystemSpace, type FileTree, type OpenFile, type OpenMode,
} from './file-tree.ts';

export interface NodeTreeOptions {
  /** The guest changes nothing. Default: false. */
  readonly readOnly?: boolean;
}

/** @throws EmulatorError `missing-file` when there is no such folder */
export function openNodeTree(folder: string, options: NodeTreeOptions = {}): FileTree {
  let root: string;
  try {
    root = realpathSync.native(folder);
    if (!lstatSync(root).isDirectory()) throw new Error('it is no folder');
  } catch (cause) {
    throw new EmulatorError('missing-file', `the shared folder ${folder} cannot be opened: ${(cause as Error).message}`, { cause });
  }
  return new NodeTree(root, options.readOnly ?? false);
}

const NO_FOLLOW = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Runs what may fail, and gives the guest the reason. */
function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FileError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new FileError(code in ERRNO ? (code as FileErrorCode) : code === 'ENOTSUP' ? 'EOPNOTSUPP' : 'EIO');
  }
}

class NodeTree implements FileTree {
  private readonly root: string;
  private readonly readOnly: boolean;
  private readonly devices: bigint[];

  constructor(root: string, readOnly: boolean) {
    this.root = root;
    this.readOnly = readOnly;
    this.devices = [lstatSync(root, { bigint: true }).dev];
  }

  stat(path: string): FileStat {
    return attempt(() => this.describe(lstatSync(this.at(path), { bigint: true })));
  }

  list(path: string): readonly string[] {
    return attempt(() => readdirSync(this.folderAt(path)));
  }

  readLink(path: string): string {
    return attempt(() => readlinkSync(this.at(path)));
  }

  open(path: string, mode: OpenMode): OpenFile {
    return attempt(() => {
      if (mode.write || mode.truncate || mode.create) this.checkWritable();
      const access = mode.read && mode.write ? constants.O_RDWR : mode.write ? constants.O_WRONLY : constants.O_RDONLY;
      let flags = access | NO_FOLLOW | (mode.append ? constants.O_APPEND : 0) | (mode.truncate ? constants.O_TRUNC : 0);
      if (mode.create) flags |= constants.O_CREAT | (mode.create.exclusive ? constants.O_EXCL : 0);
      const fd = openSync(this.at(path), flags, mode.create?.mode);
      try {
        // A device or a pipe of this computer is no business of the guest's.
        if (!fstatSync(fd).isFile()) throw new FileError('ENXIO');
        if (mode.create) fchmodSync(fd, mode.create.mode & 0o7777);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      return new NodeOpenFile(fd, (stats) => this.describe(stats), () => this.checkWritable());
    });
  }

  makeFolder(path: string, mode: number): void {
    this.modify(path, (at) => {
      mkdirSync(at);
      chmodSync(at, mode & 0o7777);
    });
  }

  makeSymbolicLink(path: string, target: string): void {
    this.modify(path, (at) => symlinkSync(target, at));
  }

  makeLink(existing: string, path: string): void {
    this.modify(path, (at) => linkSync(this.at(existing), at));
  }

  rename(from: string, to: string): void {
    this.modify(to, (at) => renameSync(this.at(from), at));
  }

  remove(path: string, what: 'file' | 'folder'): void {
    this.modify(path, (at) => (what === 'folder' ? rmdirSync(at) : unlinkSync(at)));
  }

  change(path: string, changes: FileChanges): void {
    this.modify(path, (at) => {
      const before = lstatSync(at, { bigint: true });
      if (changes.size !== undefined) this.truncate(at, changes.size);
      applyChanges(changes, before, {
        chown: (uid, gid) => lchownSync(at, uid, gid), chmod: (mode) => changeMode(at, mode, before), utimes: (...times) => lutimesSync(at, ...times),
      });
    });
  }

  space(): FileSystemSpace {
    return attempt(() => {
      const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(this.root, { bigint: true });
      return { blockSize: Number(bsize), blocks, free: bfree, available: bavail, files, freeFiles: ffree };
    });
  }

  private checkWritable(): void {
    if (this.readOnly) throw new FileError('EROFS');
  }

  private modify(path: string, work: (at: string) => void): void {
    attempt(() => {
      this.checkWritable();
      // The root itself is the user's.
      if (path === '') throw new FileError('EBUSY');
      work(this.at(path));
    });
  }

  /** Where a file lies, in a folder that is reached over no symbolic link. */
  private at(path: string): string {
    if (path === '') return this.root;
    const at = join(this.root, path);
    const folder = dirname(at);
    if (realpathSync.native(folder) !== folder) throw new FileError('ELOOP');
    return at;
  }

  private folderAt(path: string): string {
    const at = this.at(path);
    if (!lstatSync(at).isDirectory()) throw new FileError('ENOTDIR');
    return at;
  }

  private truncate(at: string, size: number): void {
    const fd = openSync(at, constants.O_WRONLY | NO_FOLLOW);
    try {
      ftruncateSync(fd, size);
    } finally {
      closeSync(fd);
    }
  }

  /** Numbers of files are unique on their device only; the tree may reach over several. */
  private describe(stats: BigIntStats): FileStat {
    let device = this.devices.indexOf(stats.dev);
    if (device < 0) device = this.devices.push(stats.dev) - 1;
    return {
      identity: BigInt.asUintN(64, stats.ino ^ (BigInt(device) << 56n)),
      mode: Number(stats.mode), links: Number(stats.nlink), uid: Number(stats.uid), gid: Number(stats.gid), device: stats.rdev,
      size: stats.size, blockSize: Number(stats.blksize), blocks: stats.blocks,
      accessed: stats.atimeNs, modified: stats.mtimeNs, changed: stats.ctimeNs,
    };
  }
}

class NodeOpenFile implements OpenFile {
  private readonly fd: number;
  private readonly describe: (stats: BigIntStats) => FileStat;
  private readonly checkWritable: () => void;

  constructor(fd: number, describe: (stats: BigIntStats) => FileStat, checkWritable: () => void) {
    this.fd = fd;
    this.describe = describe;
    this.checkWritable = checkWritable;
  }

  read(offset: number, length: number): Uint8Array {
    return attempt(() => {
      const target = new Uint8Array(length);
      return target.subarray(0, readSync(this.fd, target, 0, length, offset));
    });
  }

  write(offset: number, data: Uint8Array): number {
    return attempt(() => writeSync(this.fd, data, 0, data.length, offset));
  }

  stat(): FileStat {
    return attempt(() => this.describe(fstatSync(this.fd, { bigint: true })));
  }

  change(changes: FileChanges): void {
    attempt(() => {
      this.checkWritable();
      if (changes.size !== undefined) ftruncateSync(this.fd, changes.size);
      applyChanges(changes, fstatSync(this.fd, { bigint: true }), {
        chown: (uid, gid) => fchownSync(this.fd, uid, gid), chmod: (mode) => fchmodSync(this.fd, mode & 0o7777), utimes: (...times) => futimesSync(this.fd, ...times),
      });
    });
  }

  sync(): void {
    attempt(() => fsyncSync(this.fd));
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Of a place or of an open file. */
interface Changer {
  chown(uid: number, gid: number): void;
  chmod(mode: number): void;
  /** Seconds since 1970. */
  utimes(accessed: number, modified: number): void;
}

/** All but the size. The owner comes first: to change it clears bits of the mode. */
function applyChanges({ mode, uid, gid, accessed, modified }: FileChanges, before: BigIntStats, changer: Changer): void {
  if (uid !== undefined || gid !== undefined) changeOwner(changer, uid ?? Number(before.uid), gid ?? Number(before.gid));
  if (mode !== undefined) changer.chmod(mode);
  if (accessed !== undefined || modified !== undefined) changer.utimes(seconds(accessed ?? before.atimeNs), seconds(modified ?? before.mtimeNs));
}

function changeOwner(changer: Changer, uid: number, gid: number): void {
  try {
    changer.chown(uid, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/** There is no chmod that does not follow links; links have no permissions of their own. */
function changeMode(at: string, mode: number, before: BigIntStats): void {
  if (before.isSymbolicLink()) throw new FileError('EOPNOTSUPP');
  chmodSync(at, mode & 0o7777);
}

function seconds(time: bigint | 'now'): number {
  return time === 'now' ? Date.now() / 1e3 : Number(time) / 1e9;
}
