/**
 * A disk over a file, for Node. Reads and writes are synchronous: a page-cache hit costs less than a turn of the event
 * loop, and a run stays reproducible. Only the flush waits outside. No locks: do not give one file to two machines.
 */
import { closeSync, fdatasync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EmulatorError } from '../errors.ts';
import type { BlockBackend } from './block.ts';

export interface NodeFileOptions {
  /** Open for reading only. Default: false; a file without write permission is opened read-only anyway. */
  readonly readOnly?: boolean;
}

class NodeFileBackend implements BlockBackend {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  private readonly path: string;
  private fd: number;

  constructor(path: string, fd: number, sizeBytes: number, readOnly: boolean) {
    this.path = path;
    this.fd = fd;
    this.sizeBytes = sizeBytes;
    this.readOnly = readOnly;
  }

  read(offset: number, length: number): Uint8Array {
    const target = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const n = this.attempt('read', () => readSync(this.fd, target, done, length - done, offset + done));
      if (n === 0) throw new EmulatorError('storage-failed', `${this.path} has become shorter while it was in use`);
      done += n;
    }
    return target;
  }

  write(offset: number, data: Uint8Array): void {
    for (let done = 0; done < data.length; ) {
      done += this.attempt('write to', () => writeSync(this.fd, data, done, data.length - done, offset + done));
    }
  }

  flush(): void | Promise<void> {
    if (this.readOnly) return;
    return new Promise((resolve, reject) => {
      fdatasync(this.fd, (cause) => (cause === null ? resolve() : reject(this.failure('flush', cause))));
    });
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }

  private attempt<T>(verb: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw this.failure(verb, cause);
    }
  }

  private failure(verb: string, cause: unknown): EmulatorError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new EmulatorError('storage-failed', `cannot ${verb} ${this.path}: ${reason}`, { cause });
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

function openFd(path: string, readOnly: boolean): { fd: number; readOnly: boolean } {
  if (!readOnly) {
    try {
      return { fd: openSync(path, 'r+'), readOnly: false };
    } catch (error) {
      if (codeOf(error) !== 'EACCES' && codeOf(error) !== 'EROFS' && codeOf(error) !== 'EPERM') throw error;
    }
  }
  return { fd: openSync(path, 'r'), readOnly: true };
}

/**
 * Opens a file as a disk.
 * @throws EmulatorError `missing-file` when it is not there, `bad-image` when it is empty or no file, `storage-failed`
 *   when the system refuses.
 */
export function openNodeFile(path: string | URL, options: NodeFileOptions = {}): BlockBackend {
  const name = path instanceof URL ? fileURLToPath(path) : path;
  let opened: { fd: number; readOnly: boolean };
  try {
    opened = openFd(name, options.readOnly ?? false);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new EmulatorError('missing-file', `there is no file ${name}`, { cause });
    if (code === 'EISDIR') throw new EmulatorError('bad-image', `${name} is a directory, not a disk image`, { cause });
    throw new EmulatorError('storage-failed', `cannot open ${name}: ${String(code ?? cause)}`, { cause });
  }
  const stat = fstatSync(opened.fd);
  if (stat.isFile() && stat.size > 0) return new NodeFileBackend(name, opened.fd, stat.size, opened.readOnly);
  closeSync(opened.fd);
  const what = stat.isDirectory() ? 'a directory' : stat.isFile() ? 'empty' : 'not a regular file';
  throw new EmulatorError('bad-image', `${name} is ${what}, not a disk image`);
}
