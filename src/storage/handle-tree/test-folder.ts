/** A folder as the File System API has it, in memory: as strict with stale snapshots of files as browsers are. */

type Handle = FakeFile | FakeFolder;

const failure = (name: string): DOMException => new DOMException(name, name);

export class FakeFile {
  readonly kind = 'file';
  name: string;
  bytes = new Uint8Array();
  lastModified = 1;
  folder: FakeFolder;

  constructor(folder: FakeFolder, name: string) {
    this.folder = folder;
    this.name = name;
  }

  async getFile() {
    if (this.folder.entries.get(this.name) !== this) throw failure('NotFoundError');
    const { bytes, lastModified } = this;
    const read = (from: number, to: number): Uint8Array<ArrayBuffer> => {
      if (this.bytes !== bytes || this.folder.entries.get(this.name) !== this) throw failure('NotReadableError');
      return bytes.slice(from, to);
    };
    const part = (from: number, to: number) => ({
      size: to - from,
      slice: (start: number, end: number) => part(from + start, Math.min(from + end, to)),
      arrayBuffer: async () => read(from, to).buffer,
      text: async () => new TextDecoder().decode(read(from, to)),
    });
    return { ...part(0, bytes.length), lastModified };
  }

  async createWritable({ keepExistingData = false } = {}) {
    let bytes = keepExistingData ? this.bytes.slice() : new Uint8Array();
    const resize = (size: number): void => {
      const before = bytes;
      bytes = new Uint8Array(size);
      bytes.set(before.subarray(0, size));
    };
    return {
      truncate: async (size: number) => resize(size),
      write: async (what: string | Blob | { position: number; data: Blob }) => {
        const { position, data } = typeof what === 'object' && 'position' in what ? what : { position: 0, data: what };
        const added = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(await data.arrayBuffer());
        if (position + added.length > bytes.length) resize(position + added.length);
        bytes.set(added, position);
      },
      close: async () => {
        this.bytes = bytes;
        this.lastModified++;
      },
      abort: async () => {},
    };
  }
}

/** Whose files can be moved, as in the origin's own file system, too. */
class MovableFile extends FakeFile {
  async move(folder: FakeFolder, name: string): Promise<void> {
    this.folder.entries.delete(this.name);
    this.folder = folder;
    this.name = name;
    folder.entries.set(name, this);
  }
}

export class FakeFolder {
  readonly kind = 'directory';
  readonly name: string;
  readonly entries = new Map<string, Handle>();
  private readonly movable: boolean;

  constructor(movable: boolean, name = 'folder') {
    this.movable = movable;
    this.name = name;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<FakeFile> {
    if (/["*:<>?|\\/]|[. ]$/.test(name)) throw new TypeError(`Name is not allowed: ${name}`);
    let entry = this.entries.get(name);
    if (entry === undefined && create) this.entries.set(name, (entry = new (this.movable ? MovableFile : FakeFile)(this, name)));
    if (entry === undefined) throw failure('NotFoundError');
    if (entry.kind !== 'file') throw failure('TypeMismatchError');
    return entry;
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<FakeFolder> {
    let entry = this.entries.get(name);
    if (entry === undefined && create) this.entries.set(name, (entry = new FakeFolder(this.movable, name)));
    if (entry === undefined) throw failure('NotFoundError');
    if (entry.kind !== 'directory') throw failure('TypeMismatchError');
    return entry;
  }

  async removeEntry(name: string): Promise<void> {
    const entry = this.entries.get(name);
    if (entry === undefined) throw failure('NotFoundError');
    if (entry.kind === 'directory' && entry.entries.size > 0) throw failure('InvalidModificationError');
    this.entries.delete(name);
  }

  async *keys(): AsyncGenerator<string> {
    yield* [...this.entries.keys()];
  }
}
