/** Messages of 9P2000.L [diod protocol.md]: little-endian fields, strings with a length of 16 bits. */
import { FileError, type FileStat } from '../../../storage/file-tree.ts';

export const RLERROR = 7;
export const TSTATFS = 8, TLOPEN = 12, TLCREATE = 14, TSYMLINK = 16, TMKNOD = 18, TRENAME = 20, TREADLINK = 22, TGETATTR = 24;
export const TSETATTR = 26, TXATTRWALK = 30, TXATTRCREATE = 32, TREADDIR = 40, TFSYNC = 50, TLOCK = 52, TGETLOCK = 54;
export const TLINK = 70, TMKDIR = 72, TRENAMEAT = 74, TUNLINKAT = 76;
export const TVERSION = 100, TAUTH = 102, TATTACH = 104, TFLUSH = 108, TWALK = 110, TREAD = 116, TWRITE = 118, TCLUNK = 120, TREMOVE = 122;

/** size[4] type[1] tag[2] */
export const HEADER_SIZE = 7;
export const VERSION = '9P2000.L', VERSION_UNKNOWN = 'unknown';
export const MAX_WALK = 16;

export const S_IFMT = 0o170000, S_IFDIR = 0o040000, S_IFLNK = 0o120000;
const QT_DIR = 0x80, QT_SYMLINK = 0x02;

/** A name may begin with what would be a byte order mark elsewhere. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads fields in order. @throws FileError EINVAL past the end */
export class MessageReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at: number;

  constructor(bytes: Uint8Array, at = HEADER_SIZE) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** Exact up to 2^53. */
  u64(): number {
    return Number(this.big());
  }

  big(): bigint {
    return this.view.getBigUint64(this.advance(8), true);
  }

  /** @throws FileError EINVAL where it is no UTF-8: not every tree could keep it, and another name in its place would be no help */
  text(): string {
    const bytes = this.data(this.u16());
    try {
      return UTF8.decode(bytes);
    } catch {
      throw new FileError('EINVAL');
    }
  }

  /** A name in a folder: no path, and none of those that lead elsewhere. */
  name(): string {
    const name = this.text();
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) throw new FileError('EINVAL');
    return name;
  }

  data(length: number): Uint8Array {
    const at = this.advance(length);
    return this.bytes.subarray(at, at + length);
  }

  private advance(length: number): number {
    const { at } = this;
    if (at + length > this.bytes.length) throw new FileError('EINVAL');
    this.at = at + length;
    return at;
  }
}

export class MessageWriter {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private at = HEADER_SIZE;

  get length(): number {
    return this.at;
  }

  u8(value: number): void {
    this.view.setUint8(this.grow(1), value);
  }

  u16(value: number): void {
    this.view.setUint16(this.grow(2), value, true);
  }

  u32(value: number): void {
    this.view.setUint32(this.grow(4), value, true);
  }

  u64(value: number | bigint): void {
    this.view.setBigUint64(this.grow(8), BigInt.asUintN(64, BigInt(value)), true);
  }

  text(text: string): void {
    const encoded = new TextEncoder().encode(text);
    this.u16(encoded.length);
    this.data(encoded);
  }

  data(data: Uint8Array): void {
    const at = this.grow(data.length);
    this.bytes.set(data, at);
  }

  /** What identifies a file: type, version, number. */
  qid(stat: FileStat): void {
    const type = stat.mode & S_IFMT;
    this.u8(type === S_IFDIR ? QT_DIR : type === S_IFLNK ? QT_SYMLINK : 0);
    this.u32(Number(BigInt.asUintN(32, (stat.modified / 1_000_000n) ^ (stat.size << 8n))));
    this.u64(stat.identity);
  }

  time(nanoseconds: bigint): void {
    this.u64(nanoseconds / 1_000_000_000n);
    this.u64(nanoseconds % 1_000_000_000n);
  }

  /** The message, with its header. */
  finish(type: number, tag: number): Uint8Array {
    this.view.setUint32(0, this.at, true);
    this.view.setUint8(4, type);
    this.view.setUint16(5, tag, true);
    return this.bytes.subarray(0, this.at);
  }

  private grow(length: number): number {
    const { at } = this;
    this.at = at + length;
    if (this.at > this.bytes.length) {
      const bytes = new Uint8Array(Math.max(this.at, 2 * this.bytes.length));
      bytes.set(this.bytes);
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer);
    }
    return at;
  }
}
