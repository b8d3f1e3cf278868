/** The operations of 9P2000.L by type of message: each reads its fields and writes those of the answer. */
import { FileError, type FileStat, type FileTree, type OpenFile, type OpenMode } from '../../../storage/file-tree.ts';
import { type Fid, type Fids, PathNode } from './fids.ts';
import * as M from './messages.ts';
import { wait, type Waiting } from './wait.ts';

export interface Session {
  readonly tree: FileTree;
  readonly fids: Fids;
  /** Most bytes of an answer. */
  readonly room: number;
}

export type Operation = (session: Session, request: M.MessageReader, answer: M.MessageWriter) => Waiting<void> | undefined;

// Linux's numbers [open(2), fcntl(2)]
const O_ACCMODE = 3, O_RDONLY = 0, O_WRONLY = 1, O_EXCL = 0o200, O_TRUNC = 0o1000, O_APPEND = 0o2000;
const AT_REMOVEDIR = 0x200;
const LOCK_SUCCESS = 0, F_UNLCK = 2;
const DT_DIR = 4;
const V9FS_MAGIC = 0x01021997, NAME_MAX = 255;
const SET_MODE = 0x1, SET_UID = 0x2, SET_GID = 0x4, SET_SIZE = 0x8, SET_ATIME = 0x10, SET_MTIME = 0x20;
const SET_ATIME_TO = 0x80, SET_MTIME_TO = 0x100;
/** All but birth time, generation and data version. */
const GETATTR_BASIC = 0x7ff;

const isFolder = (stat: FileStat): boolean => (stat.mode & M.S_IFMT) === M.S_IFDIR;

/** The open file that a fid stands for; of a place that is gone, whoever has it open. */
const openFileOf = ({ file, node }: Fid): OpenFile | undefined => file ?? (node.isGone ? node.open.values().next().value : undefined);

function* statOf({ tree }: Session, fid: Fid): Waiting<FileStat> {
  const file = openFileOf(fid);
  return yield* wait(file ? file.stat() : tree.stat(fid.node.path));
}

function* attach({ tree, fids }: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const number = request.u32();
  const stat = yield* wait(tree.stat(''));
  fids.set(number, fids.root);
  answer.qid(stat);
}

/** Steps that lead nowhere are an error only when the first one does. */
function* walk({ tree, fids }: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const from = request.u32(), to = request.u32(), count = request.u16();
  if (count > M.MAX_WALK) throw new FileError('EINVAL');
  const names = Array.from({ length: count }, () => request.text());
  if (to !== from && fids.has(to)) throw new FileError('EBADF');
  let { node } = fids.get(from);
  if (fids.get(from).isOpen && to === from) throw new FileError('EBADF');
  const found: FileStat[] = [];
  try {
    let stat = yield* wait(tree.stat(node.path));
    for (const name of names) {
      if (!isFolder(stat)) throw new FileError('ENOTDIR');
      const next = step(node, name);
      stat = yield* wait(tree.stat(next.path));
      node = next;
      found.push(stat);
    }
  } catch (error) {
    if (found.length === 0) throw error;
  }
  if (found.length === names.length) {
    const place = node.adopt();
    if (to === from) fids.place(to, place);
    else fids.set(to, place);
  }
  answer.u16(found.length);
  for (const stat of found) answer.qid(stat);
}

/** The folder above the root is the root. */
function step(node: PathNode, name: string): PathNode {
  if (name === '..') return node.parent ?? node;
  if (name === '' || name === '.' || /[/\0]/.test(name)) throw new FileError('ENOENT');
  // A place of its own until the walk has come through, so that names that there are not leave nothing behind.
  return node.children.get(name) ?? new PathNode(node, name);
}

function openMode(flags: number, create?: OpenMode['create']): OpenMode {
  const access = flags & O_ACCMODE;
  return {
    read: access !== O_WRONLY, write: access !== O_RDONLY, append: (flags & O_APPEND) !== 0, truncate: (flags & O_TRUNC) !== 0,
    ...(create ? { create } : {}),
  };
}

function* lopen(session: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const { tree, fids } = session;
  const fid = fids.get(request.u32()), flags = request.u32();
  if (fid.isOpen) throw new FileError('EBADF');
  const stat = yield* statOf(session, fid);
  fids.open(fid, isFolder(stat) ? undefined : yield* wait(tree.open(fid.node.path, openMode(flags))));
  answer.qid(stat);
  answer.u32(0);
}

/** The folder's fid stands for the new file afterwards. */
function* lcreate({ tree, fids }: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const number = request.u32(), name = request.name(), flags = request.u32(), mode = request.u32();
  const { node, isOpen } = fids.get(number);
  if (isOpen) throw new FileError('EBADF');
  const file = yield* wait(tree.open(node.childPath(name), openMode(flags, { mode, exclusive: (flags & O_EXCL) !== 0 })));
  fids.open(fids.place(number, node.child(name)), file);
  answer.qid(yield* wait(file.stat()));
  answer.u32(0);
}

/** A new name in a folder: `make` gets its path, the answer is what it identifies. */
function* create(session: Session, node: PathNode, name: string, answer: M.MessageWriter, make: (path: string) => void | Promise<void>): Waiting<void> {
  const path = node.childPath(name);
  yield* wait(make(path));
  answer.qid(yield* wait(session.tree.stat(path)));
}

function* symlink(session: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const { node } = session.fids.get(request.u32());
  const name = request.name(), target = request.text();
  yield* create(session, node, name, answer, (path) => session.tree.makeSymbolicLink(path, target));
}

function* mkdir(session: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const { node } = session.fids.get(request.u32());
  const name = request.name(), mode = request.u32();
  yield* create(session, node, name, answer, (path) => session.tree.makeFolder(path, mode));
}

function* link({ tree, fids }: Session, request: M.MessageReader): Waiting<void> {
  const folder = fids.get(request.u32()).node, existing = fids.get(request.u32()).node;
  yield* wait(tree.makeLink(existing.path, folder.childPath(request.name())));
}

function* renameAt({ tree, fids }: Session, request: M.MessageReader): Waiting<void> {
  const from = fids.get(request.u32()).node, name = request.name();
  const to = fids.get(request.u32()).node, newName = request.name();
  yield* wait(tree.rename(from.childPath(name), to.childPath(newName)));
  from.move(name, to, newName);
}

function* rename({ tree, fids }: Session, request: M.MessageReader): Waiting<void> {
  const { node } = fids.get(request.u32()), to = fids.get(request.u32()).node, newName = request.name();
  const { parent } = node;
  if (parent === undefined) throw new FileError('EBUSY');
  yield* wait(tree.rename(node.path, to.childPath(newName)));
  parent.move(node.name, to, newName);
}

function* unlinkAt({ tree, fids }: Session, request: M.MessageReader): Waiting<void> {
  const { node } = fids.get(request.u32()), name = request.name(), flags = request.u32();
  yield* wait(tree.remove(node.childPath(name), flags & AT_REMOVEDIR ? 'folder' : 'file'));
  node.drop(name);
}

/** The fid goes in any case. */
function* remove(session: Session, request: M.MessageReader): Waiting<void> {
  const { tree, fids } = session;
  const number = request.u32();
  const { node } = fids.get(number);
  try {
    const stat = yield* wait(tree.stat(node.path));
    yield* wait(tree.remove(node.path, isFolder(stat) ? 'folder' : 'file'));
    node.parent?.drop(node.name);
  } finally {
    yield* wait(fids.delete(number));
  }
}

function* readLink({ tree, fids }: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  answer.text(yield* wait(tree.readLink(fids.get(request.u32()).node.path)));
}

function* getAttributes(session: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const stat = yield* statOf(session, session.fids.get(request.u32()));
  answer.u64(GETATTR_BASIC);
  answer.qid(stat);
  answer.u32(stat.mode);
  answer.u32(stat.uid);
  answer.u32(stat.gid);
  for (const value of [stat.links, stat.device, stat.size, stat.blockSize, stat.blocks]) answer.u64(value);
  for (const time of [stat.accessed, stat.modified, stat.changed, 0n]) answer.time(time);
  answer.u64(0);
  answer.u64(0);
}

function* setAttributes({ tree, fids }: Session, request: M.MessageReader): Waiting<void> {
  const fid = fids.get(request.u32());
  const valid = request.u32(), mode = request.u32(), uid = request.u32(), gid = request.u32(), size = request.u64();
  const accessed = request.big() * 1_000_000_000n + request.big(), modified = request.big() * 1_000_000_000n + request.big();
  const changes = {
    ...(valid & SET_MODE ? { mode } : {}), ...(valid & SET_UID ? { uid } : {}), ...(valid & SET_GID ? { gid } : {}),
    ...(valid & SET_SIZE ? { size: storable(size) } : {}),
    ...(valid & SET_ATIME ? { accessed: valid & SET_ATIME_TO ? accessed : ('now' as const) } : {}),
    ...(valid & SET_MTIME ? { modified: valid & SET_MTIME_TO ? modified : ('now' as const) } : {}),
  };
  if (Object.keys(changes).length === 0) return;
  const file = openFileOf(fid);
  yield* wait(file ? file.change(changes) : tree.change(fid.node.path, changes));
}

function* statFs({ tree, fids }: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  fids.get(request.u32());
  const space = yield* wait(tree.space());
  answer.u32(V9FS_MAGIC);
  answer.u32(space.blockSize);
  for (const value of [space.blocks, space.free, space.available, space.files, space.freeFiles, 0]) answer.u64(value);
  answer.u32(NAME_MAX);
}

function openFile(fids: Fids, number: number): NonNullable<Fid['file']> {
  const { file } = fids.get(number);
  if (file === undefined) throw new FileError('EBADF');
  return file;
}

function* read({ fids, room }: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const file = openFile(fids, request.u32()), offset = request.u64(), count = request.u32();
  // There is nothing where no file reaches.
  const data = offset > LARGEST_FILE ? new Uint8Array(0) : yield* wait(file.read(offset, Math.min(count, room - M.HEADER_SIZE - 4)));
  answer.u32(data.length);
  answer.data(data);
}

function* write({ fids }: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const file = openFile(fids, request.u32()), offset = request.u64(), count = request.u32();
  storable(offset + count);
  answer.u32(yield* wait(file.write(offset, request.data(count))));
}

/** Sizes that a number holds exactly; no host's files come near. */
const LARGEST_FILE = Number.MAX_SAFE_INTEGER;
function storable(size: number): number {
  if (size > LARGEST_FILE) throw new FileError('EFBIG');
  return size;
}

/** As many whole entries as fit; the list is made when the folder is read from its start. */
function* readDirectory({ tree, fids, room }: Session, request: M.MessageReader, answer: M.MessageWriter): Waiting<void> {
  const fid = fids.get(request.u32()), offset = request.u64(), count = request.u32();
  if (!fid.isOpen || fid.file) throw new FileError('EBADF');
  const { node } = fid;
  if (offset === 0 || fid.names === undefined) fid.names = ['.', '..', ...(yield* wait(tree.list(node.path)))];
  const most = Math.min(count, room - M.HEADER_SIZE - 4);
  const entries = new M.MessageWriter();
  for (let i = offset; i < fid.names.length; i++) {
    const name = fid.names[i];
    const entry = new M.MessageWriter();
    const place = name === '.' ? node.path : name === '..' ? (node.parent ?? node).path : node.childPath(name);
    const stat = yield* statIfThere(tree, place);
    if (stat === undefined) continue;
    entry.qid(stat);
    entry.u64(i + 1);
    entry.u8(isFolder(stat) ? DT_DIR : (stat.mode & M.S_IFMT) >> 12);
    entry.text(name);
    if (entries.length + entry.length > most + 2 * M.HEADER_SIZE) break;
    entries.data(entry.finish(0, 0).subarray(M.HEADER_SIZE));
  }
  const data = entries.finish(0, 0).subarray(M.HEADER_SIZE);
  answer.u32(data.length);
  answer.data(data);
}

/** A file may have gone since its folder was listed. */
function* statIfThere(tree: FileTree, path: string): Waiting<FileStat | undefined> {
  try {
    return yield* wait(tree.stat(path));
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function* sync({ fids }: Session, request: M.MessageReader): Waiting<void> {
  yield* wait(fids.get(request.u32()).file?.sync());
}

/** One client only, whose kernel keeps the locks of its processes: here every lock is free. */
function lock({ fids }: Session, request: M.MessageReader, answer: M.MessageWriter): undefined {
  fids.get(request.u32());
  answer.u8(LOCK_SUCCESS);
}

function getLock({ fids }: Session, request: M.MessageReader, answer: M.MessageWriter): undefined {
  fids.get(request.u32());
  request.u8();
  answer.u8(F_UNLCK);
  answer.u64(request.big());
  answer.u64(request.big());
  answer.u32(request.u32());
  answer.text(request.text());
}

function* clunk({ fids }: Session, request: M.MessageReader): Waiting<void> {
  yield* wait(fids.delete(request.u32()));
}

function unsupported(): undefined {
  throw new FileError('EOPNOTSUPP');
}

/** The file system does not support files of that kind [mknod(2)]. */
function makeNode(): undefined {
  throw new FileError('EPERM');
}

export const OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [M.TATTACH, attach], [M.TWALK, walk], [M.TLOPEN, lopen], [M.TLCREATE, lcreate], [M.TSYMLINK, symlink], [M.TMKDIR, mkdir],
  [M.TLINK, link], [M.TRENAMEAT, renameAt], [M.TRENAME, rename], [M.TUNLINKAT, unlinkAt], [M.TREMOVE, remove],
  [M.TREADLINK, readLink], [M.TGETATTR, getAttributes], [M.TSETATTR, setAttributes], [M.TSTATFS, statFs], [M.TREAD, read],
  [M.TWRITE, write], [M.TREADDIR, readDirectory], [M.TFSYNC, sync], [M.TLOCK, lock], [M.TGETLOCK, getLock], [M.TCLUNK, clunk],
  [M.TMKNOD, makeNode],
  // Extended attributes and authentication.
  [M.TXATTRWALK, unsupported], [M.TXATTRCREATE, unsupported], [M.TAUTH, unsupported],
]);
