/**
 * What the File System API keeps of no file, in a file of its own beside them: owners, permissions, exact times, which files
 * are symbolic links (their targets are what these files hold), and which names are one file. Files without such are left out.
 */
import { Entry, Inode, S_IFDIR, S_IFREG } from './entry.ts';

export const ATTRIBUTES_FILE = '.coracle-attributes.json';

interface Row {
  readonly names: readonly string[];
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Nanoseconds since 1970, in decimal. */
  readonly accessed?: string;
  readonly modified?: string;
  readonly hostModified?: number;
}

interface Attributes {
  readonly version: 1;
  readonly files: readonly Row[];
}

const DEFAULT_MODES: ReadonlySet<number> = new Set([S_IFREG | 0o644, S_IFDIR | 0o755]);
const isPlain = ({ mode, uid, gid, accessed, modified, names }: Inode): boolean =>
  DEFAULT_MODES.has(mode) && uid === 0 && gid === 0 && accessed === undefined && modified === undefined && names.size === 1;

export function encodeAttributes(root: Entry): string {
  const inodes = new Set<Inode>();
  const collect = (entry: Entry): void => {
    inodes.add(entry.inode);
    for (const child of entry.children.values()) collect(child);
  };
  collect(root);
  const files = [...inodes].filter((inode) => !isPlain(inode)).map(rowOf);
  return JSON.stringify({ version: 1, files } satisfies Attributes);
}

function rowOf({ names, mode, uid, gid, accessed, modified, hostModified }: Inode): Row {
  return {
    names: [...names].map((entry) => entry.path), mode,
    ...(uid === 0 ? {} : { uid }), ...(gid === 0 ? {} : { gid }),
    ...(accessed === undefined ? {} : { accessed: String(accessed) }),
    ...(modified === undefined ? {} : { modified: String(modified) }),
    ...(hostModified === undefined ? {} : { hostModified }),
  };
}

/** Makes the entries that the attributes tell of; a file that somebody has damaged tells of those before the damage. */
export function decodeAttributes(text: string, root: Entry): void {
  try {
    const { version, files } = JSON.parse(text) as Attributes;
    if (version === 1) for (const row of files) decodeRow(row, root);
  } catch {
    // Without attributes files have the defaults.
  }
}

function decodeRow(row: Row, root: Entry): void {
  const inode = new Inode(row.mode);
  inode.uid = row.uid ?? 0;
  inode.gid = row.gid ?? 0;
  if (row.accessed !== undefined) inode.accessed = BigInt(row.accessed);
  if (row.modified !== undefined) inode.modified = BigInt(row.modified);
  inode.hostModified = row.hostModified;
  for (const path of row.names) place(root, path, inode);
}

/** Folders on the way get attributes of their own, if they have any, when their row comes. */
function place(root: Entry, path: string, inode: Inode): void {
  if (path === '') {
    root.inode = inode;
    inode.names.add(root);
    return;
  }
  const names = path.split('/');
  let folder = root;
  for (const name of names.slice(0, -1)) folder = folder.children.get(name) ?? new Entry(folder, name, new Inode(S_IFDIR | 0o755));
  const name = names.at(-1)!, known = folder.children.get(name);
  if (known === undefined) {
    new Entry(folder, name, inode);
    return;
  }
  known.inode = inode;
  inode.names.add(known);
}
