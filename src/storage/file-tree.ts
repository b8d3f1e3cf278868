/** What a folder shared with a guest is to a device: files by their path below its root, with Unix attributes. */

export type Soon<T> = T | Promise<T>;

/** An operation failed as the guest is to hear it: a Linux error name. */
export class FileError extends Error {
  readonly code: FileErrorCode;
  constructor(code: FileErrorCode) {
    super(code);
    this.name = 'FileError';
    this.code = code;
  }
}

/** Linux's numbers, whatever the host's are [errno(3)]. */
export const ERRNO = {
  EPERM: 1, ENOENT: 2, EIO: 5, ENXIO: 6, EBADF: 9, EAGAIN: 11, ENOMEM: 12, EACCES: 13, EBUSY: 16, EEXIST: 17, EXDEV: 18,
  ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, ENFILE: 23, EMFILE: 24, ETXTBSY: 26, EFBIG: 27, ENOSPC: 28, EROFS: 30,
  EMLINK: 31, ENAMETOOLONG: 36, ENOTEMPTY: 39, ELOOP: 40, EPROTO: 71, EOPNOTSUPP: 95, ENOBUFS: 105, EDQUOT: 122,
} as const;
export type FileErrorCode = keyof typeof ERRNO;

export interface FileStat {
  /** Identifies the file in its tree, whatever it is called. */
  readonly identity: bigint;
  /** Type and permissions, as st_mode. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  readonly device: bigint;
  readonly size: bigint;
  readonly blockSize: number;
  readonly blocks: bigint;
  /** Nanoseconds since 1970. */
  readonly accessed: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
}

/** What is to change; what is absent stays. */
export interface FileChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  /** Nanoseconds since 1970, or the host's time of day. */
  readonly accessed?: bigint | 'now';
  readonly modified?: bigint | 'now';
}

export interface OpenMode {
  readonly read: boolean;
  readonly write: boolean;
  readonly append: boolean;
  readonly truncate: boolean;
  /** Makes the file, with these permissions. */
  readonly create?: { readonly mode: number; readonly exclusive: boolean };
}

export interface OpenFile {
  /** Fewer bytes at the end of the file. */
  read(offset: number, length: number): Soon<Uint8Array>;
  /** Gives how many bytes were written. */
  write(offset: number, data: Uint8Array): Soon<number>;
  stat(): Soon<FileStat>;
  /** Also when the file has no name any more. */
  change(changes: FileChanges): Soon<void>;
  /** Resolves when what was written is durable. */
  sync(): Soon<void>;
  /** What was written is in the tree when it resolves. */
  close(): Soon<void>;
}

export interface FileSystemSpace {
  readonly blockSize: number;
  readonly blocks: bigint;
  readonly free: bigint;
  readonly available: bigint;
  readonly files: bigint;
  readonly freeFiles: bigint;
}

/**
 * Paths are names separated by slashes, '' is the root; no name is '.' or '..'. Nothing follows a symbolic link, neither
 * at the end of a path nor inside it. Every method fails with a FileError, thrown or rejected.
 */
export interface FileTree {
  stat(path: string): Soon<FileStat>;
  list(path: string): Soon<readonly string[]>;
  readLink(path: string): Soon<string>;
  open(path: string, mode: OpenMode): Soon<OpenFile>;
  makeFolder(path: string, mode: number): Soon<void>;
  makeSymbolicLink(path: string, target: string): Soon<void>;
  makeLink(existing: string, path: string): Soon<void>;
  rename(from: string, to: string): Soon<void>;
  remove(path: string, what: 'file' | 'folder'): Soon<void>;
  change(path: string, changes: FileChanges): Soon<void>;
  space(): Soon<FileSystemSpace>;
}
