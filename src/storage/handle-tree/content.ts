/**
 * What a file holds while it is open: the file as it is in the folder, and what was written since, in pages. The API replaces
 * files as a whole only, so that writes wait here until the file is closed or synchronised, or there are many of them.
 */

const PAGE = 1 << 16;
/** Bytes that wait at most, or a part of the file if that is more: each flush costs a copy of the whole file. */
const MOST_WAITING = 32 << 20, MOST_PART = 8;

export class Content {
  size: number;
  private base: Blob;
  /** What of the base still shows. */
  private baseSize: number;
  private readonly pages = new Map<number, Uint8Array<ArrayBuffer>>();

  constructor(base: Blob) {
    this.base = base;
    this.size = this.baseSize = base.size;
  }

  get changed(): boolean {
    return this.pages.size > 0 || this.size !== this.base.size || this.baseSize !== this.base.size;
  }

  get wantsFlush(): boolean {
    return this.pages.size * PAGE > Math.max(MOST_WAITING, this.size / MOST_PART);
  }

  /** Fewer bytes at the end of the file. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const target = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    const end = offset + target.length;
    if (offset < this.baseSize) {
      const part = this.base.slice(offset, Math.min(end, this.baseSize));
      target.set(new Uint8Array(await part.arrayBuffer()));
    }
    for (let index = Math.floor(offset / PAGE); index * PAGE < end; index++) {
      const page = this.pages.get(index), start = index * PAGE;
      if (page === undefined) continue;
      const from = Math.max(offset, start);
      target.set(page.subarray(from - start, Math.min(end, start + PAGE) - start), from - offset);
    }
    return target;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    const end = offset + data.length;
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / PAGE), start = index * PAGE;
      const part = data.subarray(at - offset, Math.min(end, start + PAGE) - offset);
      const page = this.pages.get(index) ?? (part.length === PAGE ? new Uint8Array(PAGE) : await this.basePage(start));
      page.set(part, at - start);
      this.pages.set(index, page);
      at += part.length;
    }
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    for (const [index, page] of this.pages) {
      if (index * PAGE >= size) this.pages.delete(index);
      else page.fill(0, Math.min(size - index * PAGE, PAGE));
    }
    this.baseSize = Math.min(this.baseSize, size);
    this.size = size;
  }

  /** Brings a file of the host, which holds the base, up to date. */
  async flush(handle: FileSystemFileHandle): Promise<void> {
    const stream = await handle.createWritable({ keepExistingData: this.baseSize > 0 });
    try {
      if (this.baseSize > 0 && this.baseSize < this.base.size) await stream.truncate(this.baseSize);
      await stream.truncate(this.size);
      for (const { position, data } of this.runs()) await stream.write({ type: 'write', position, data });
      await stream.close();
    } catch (error) {
      await stream.abort().catch(() => {});
      throw error;
    }
  }

  /** All that was written is in `base` now. */
  rebase(base: Blob): void {
    this.pages.clear();
    this.base = base;
    this.size = this.baseSize = base.size;
  }

  /** Takes what is in the folder into memory, before it goes there. */
  async detach(): Promise<void> {
    const bytes = await this.base.slice(0, this.baseSize).arrayBuffer();
    this.base = new Blob([bytes]);
  }

  private async basePage(start: number): Promise<Uint8Array<ArrayBuffer>> {
    const page = new Uint8Array(PAGE);
    if (start < this.baseSize) page.set(new Uint8Array(await this.base.slice(start, Math.min(start + PAGE, this.baseSize)).arrayBuffer()));
    return page;
  }

  /** Pages that follow each other, together, up to the end of the file. */
  private *runs(): Generator<{ position: number; data: Blob }> {
    const indices = [...this.pages.keys()].sort((a, b) => a - b);
    for (let i = 0; i < indices.length; ) {
      let end = i + 1;
      while (end < indices.length && indices[end] === indices[end - 1] + 1) end++;
      const position = indices[i] * PAGE;
      const data = new Blob(indices.slice(i, end).map((index) => this.pages.get(index)!));
      yield { position, data: data.slice(0, this.size - position) };
      i = end;
    }
  }
}
