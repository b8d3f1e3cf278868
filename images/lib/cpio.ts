/**
 * A cpio archive in the "newc" format, as the kernel unpacks an initramfs: owner 0:0, names sorted, times zero, so
 * that equal contents give equal bytes. [Linux Documentation/driver-api/early-userspace/buffer-format.rst]
 */

export type CpioEntry =
  | { kind: 'directory'; mode?: number }
  | { kind: 'file'; data: Uint8Array; mode?: number }
  | { kind: 'link'; target: string }
  | { kind: 'character-device'; major: number; minor: number; mode?: number };

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const TRAILER = 'TRAILER!!!';

function hex(value: number): string {
  return (value >>> 0).toString(16).toUpperCase().padStart(8, '0');
}

function pad4(length: number): Uint8Array {
  return new Uint8Array((4 - (length & 3)) & 3);
}

function modeOf(entry: CpioEntry): number {
  switch (entry.kind) {
    case 'directory':
      return S_IFDIR | (entry.mode ?? 0o755);
    case 'file':
      return S_IFREG | (entry.mode ?? 0o644);
    case 'link':
      return S_IFLNK | 0o777;
    case 'character-device':
      return S_IFCHR | (entry.mode ?? 0o600);
  }
}

/** Parent folders that are not listed are added. Names have no leading slash. */
export function writeCpio(tree: ReadonlyMap<string, CpioEntry>): Uint8Array {
  const entries = new Map(tree);
  for (const name of tree.keys()) {
    const parts = name.split('/');
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join('/');
      if (!entries.has(parent)) entries.set(parent, { kind: 'directory' });
    }
  }
  const chunks: Uint8Array[] = [];
  let inode = 0;
  const record = (name: string, mode: number, links: number, data: Uint8Array, major = 0, minor = 0): void => {
    const nameBytes = Buffer.from(`${name}\0`);
    // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    const fields = [inode++, mode, 0, 0, links, 0, data.length, 0, 0, major, minor, nameBytes.length, 0];
    const header = Buffer.from(`070701${fields.map(hex).join('')}`);
    chunks.push(header, nameBytes, pad4(header.length + nameBytes.length), data, pad4(data.length));
  };
  for (const name of [...entries.keys()].sort()) {
    const entry = entries.get(name) as CpioEntry;
    const data = entry.kind === 'file' ? entry.data : entry.kind === 'link' ? Buffer.from(entry.target) : new Uint8Array();
    const device = entry.kind === 'character-device' ? entry : { major: 0, minor: 0 };
    record(name, modeOf(entry), entry.kind === 'directory' ? 2 : 1, data, device.major, device.minor);
  }
  inode = 0;
  record(TRAILER, 0, 1, new Uint8Array());
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return Buffer.concat([...chunks, new Uint8Array((512 - (total % 512)) % 512)]);
}
