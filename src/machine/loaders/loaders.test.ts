import { describe, expect, test } from 'vitest';
import { mapBios, optionRom } from './bios.ts';
import { Arena } from '../../memory/arena.ts';
import { entryRom, lend } from './boot-plan.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { linuxPayload, loadLinux } from './linux.ts';
import { E820_RAM, memoryMap } from './memory-map.ts';
import { isMultiboot, loadMultiboot } from './multiboot.ts';
import { isPvh, loadPvh } from './pvh.ts';
import { checkDisk, checkFloppy, sniffImage } from './sniff.ts';

const MIB = 1 << 20;

/** Runs and gives the code of the EmulatorError, or 'ok'. */
function codeOf(action: () => unknown): string {
  try {
    action();
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

interface KernelFields {
  version?: number;
  loadflags?: number;
  initSize?: number;
  xloadflags?: number;
  codeBytes?: number;
  cmdlineSize?: number;
}

function bzImage(fields: KernelFields = {}): Uint8Array {
  const codeBytes = fields.codeBytes ?? 4096;
  const image = new Uint8Array(5 * 512 + codeBytes).fill(0xcc, 5 * 512);
  const view = new DataView(image.buffer);
  image[0x1f1] = 4;
  view.setUint32(0x1f4, 4096 / 16, true);
  view.setUint16(0x1fe, 0xaa55, true);
  image[0x201] = 0x66;
  image.set(new TextEncoder().encode('HdrS'), 0x202);
  view.setUint16(0x206, fields.version ?? 0x20f, true);
  image[0x211] = fields.loadflags ?? 1;
  view.setUint32(0x22c, 0x7fffffff, true);
  view.setUint16(0x236, fields.xloadflags ?? 0, true);
  view.setUint32(0x238, fields.cmdlineSize ?? 2047, true);
  view.setUint32(0x258, MIB, true);
  view.setUint32(0x260, fields.initSize ?? 8 * MIB, true);
  return image;
}

describe('Linux', () => {
  const plan = loadLinux({ kernel: bzImage(), initrd: new Uint8Array(5000).fill(7), commandLine: 'console=ttyS0', ramBytes: 32 * MIB });
  const at = (address: number): DataView => {
    const placement = plan.placements.find((p) => p.address <= address && address < p.address + p.bytes.length);
    if (!placement) throw new Error(`nothing at ${address.toString(16)}`);
    return new DataView(placement.bytes.buffer, placement.bytes.byteOffset + address - placement.address);
  };

  test('the protected-mode code lies at 1 MiB and is entered there with the zero page in ESI', () => {
    expect(plan.entry).toMatchObject({ eip: MIB, esi: 0x90000 });
    expect(at(MIB).getUint8(0)).toBe(0xcc);
    expect(plan.placements[0].bytes).toHaveLength(4096);
  });

  test('the zero page has header, loader fields, memory map and screen', () => {
    const params = at(0x90000);
    expect(params.getUint32(0x202, true)).toBe(0x53726448);
    expect(params.getUint8(0x210)).toBe(0xff);
    expect(params.getUint8(0x211) & 0x81).toBe(0x81);
    expect(params.getUint32(0x228, true)).toBe(0x99000);
    expect(params.getUint8(0x1e8)).toBe(5);
    expect(params.getUint32(0x2d0 + 3 * 20 + 8, true)).toBe(31 * MIB);
    expect([params.getUint8(6), params.getUint8(7), params.getUint8(0xe), params.getUint8(0xf)]).toEqual([3, 80, 25, 1]);
  });

  test('command line and initrd are where the header says', () => {
    const line = at(0x99000);
    expect(String.fromCharCode(...new Uint8Array(line.buffer, line.byteOffset, 14))).toBe('console=ttyS0\0');
    const address = at(0x90000).getUint32(0x218, true);
    expect(address % 4096).toBe(0);
    expect(address + 5000).toBeLessThanOrEqual(32 * MIB);
    expect(at(0x90000).getUint32(0x21c, true)).toBe(5000);
    expect(at(address).getUint8(4999)).toBe(7);
  });

  test('of an unpacked initrd a quarter of the memory above the kernel may be taken', () => {
    const initrd = new Uint8Array(1000);
    const placed = (bytes: number): unknown => {
      const unpackedInitrd = new Uint8Array(bytes);
      const { placements, unpacked } = loadLinux({ kernel: bzImage({ initSize: 8 * MIB }), initrd, unpackedInitrd, ramBytes: 32 * MIB });
      return [placements.some((p) => p.bytes === unpackedInitrd), placements.some((p) => p.bytes === initrd), unpacked];
    };
    expect(placed(5 * MIB)).toEqual([true, false, true]);
    expect(placed(6 * MIB)).toEqual([false, true, false]);
  });

  test('kernels without a header or with a low one go to 1000h', () => {
    const old = bzImage({ version: 0x1ff, loadflags: 0 });
    old.set([0, 0, 0, 0], 0x202);
    const plan0 = loadLinux({ kernel: old, ramBytes: 8 * MIB, commandLine: 'root=/dev/fd0' });
    expect(plan0.entry.eip).toBe(0x1000);
    const params = plan0.placements.find((p) => p.address === 0x90000)!.bytes;
    expect([params[0x20], params[0x21], params[0x22], params[0x23]]).toEqual([0x3f, 0xa3, 0x00, 0x90]);
    expect(loadLinux({ kernel: bzImage({ version: 0x200, loadflags: 0 }), ramBytes: 8 * MIB }).entry.eip).toBe(0x1000);
  });

  test('a kernel that is unpacked already is entered itself, where it is linked to run', () => {
    const loaded = (unpacked: Uint8Array, kernel = bzImage()) => loadLinux({ kernel, unpacked, ramBytes: 32 * MIB, longMode: true });
    const { placements, entry } = loaded(elf());
    expect(entry).toMatchObject({ eip: MIB + 0x10, esi: 0x90000 });
    expect(placements[0]).toMatchObject({ address: MIB, bytes: new Uint8Array(0x100).fill(0xab) });
    const elsewhere = elf((view) => view.setUint32(0x10c, 2 * MIB, true)), tooLarge = elf((view) => view.setUint32(0x114, 9 * MIB, true));
    for (const unpacked of [elsewhere, tooLarge, new Uint8Array(100)]) expect(loaded(unpacked).placements[0].bytes).toHaveLength(4096);
    expect(loaded(elf(), bzImage({ xloadflags: 1 })).entry.eip).toBe(MIB + 0x200);
  });

  test('what lies in the machine’s arena is found there when that has grown', () => {
    const arena = new Arena();
    const start = arena.reserve(1, 1) + 1;
    const file = elf();
    const at = arena.reserve(file.length);
    arena.u8.set(file, at);
    const unpacked = arena.u8.subarray(at, at + file.length);
    const { placements, lent } = lend(loadLinux({ kernel: bzImage(), unpacked, ramBytes: 32 * MIB }), arena, start);
    arena.reserve(32 * MIB);
    const inside = placements.filter((placement) => placement.at !== undefined);
    expect(inside.map(({ address, bytes }) => [address, bytes])).toEqual([[MIB, new Uint8Array(0x100).fill(0xab)]]);
    expect(placements.find(({ address }) => address === 0x90000)?.bytes).toHaveLength(4096);
    expect([lent?.start, lent?.end].map((end) => (end ?? 1) % 4096)).toEqual([0, 0]);
    expect(lent?.start).toBeGreaterThanOrEqual(start);
    expect(lent?.end).toBeLessThanOrEqual(at + file.length);
  });

  test('the compressed kernel is where the header says', () => {
    const image = bzImage();
    const view = new DataView(image.buffer);
    expect(linuxPayload(image)).toBeUndefined();
    view.setUint32(0x248, 100, true);
    view.setUint32(0x24c, 50, true);
    expect(linuxPayload(image)?.byteOffset).toBe(5 * 512 + 100);
    expect(linuxPayload(image)).toHaveLength(50);
    view.setUint32(0x24c, 4096, true);
    expect(linuxPayload(image)).toBeUndefined();
    expect(linuxPayload(new Uint8Array(10))).toBeUndefined();
  });

  test('the last paragraph of 16 bytes need not be whole', () => {
    const whole = bzImage();
    expect(loadLinux({ kernel: whole.subarray(0, -15), ramBytes: 32 * MIB }).entry.eip).toBe(MIB);
    expect(codeOf(() => loadLinux({ kernel: whole.subarray(0, -16), ramBytes: 32 * MIB }))).toBe('bad-image');
  });

  test.each([
    ['no kernel', 'bad-image', { kernel: new Uint8Array(4096) }],
    ['a truncated one', 'bad-image', { kernel: bzImage().subarray(0, 5000) }],
    ['an empty one', 'bad-image', { kernel: new Uint8Array(0) }],
    ['a 64-bit one', 'bad-image', { kernel: bzImage({ xloadflags: 1 }) }],
    ['too little memory', 'image-too-large', { kernel: bzImage({ initSize: 64 * MIB }) }],
    ['a large initrd', 'image-too-large', { kernel: bzImage(), initrd: new Uint8Array(24 * MIB) }],
    ['an empty initrd', 'bad-image', { kernel: bzImage(), initrd: new Uint8Array(0) }],
    ['a long command line', 'bad-option', { kernel: bzImage({ cmdlineSize: 10 }), commandLine: 'x'.repeat(11) }],
  ])('%s is refused: %s', (_, code, options) => {
    expect(codeOf(() => loadLinux({ ramBytes: 32 * MIB, ...options }))).toBe(code);
  });
});

function setWords(bytes: Uint8Array, at: number, values: readonly number[]): void {
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(at + i * 4, value, true);
}

/** A header at offset 64 of an image of zeros. */
function multibootHeader(flags: number, fields: number[] = [], size = 256): Uint8Array {
  const image = new Uint8Array(size);
  setWords(image, 64, [0x1badb002, flags, -(0x1badb002 + flags), ...fields]);
  return image;
}

/** An executable of one segment of 100h bytes in the file and 300h in memory, at C0100000h virtual and 1 MiB physical. */
function elf(patch: (view: DataView) => void = () => {}): Uint8Array {
  const image = multibootHeader(3, [], 0x1100).fill(0xab, 0x1000);
  const view = new DataView(image.buffer);
  setWords(image, 0, [0x464c457f, 0x01]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 3, true);
  setWords(image, 24, [0xc0100010, 0x100]);
  view.setUint16(42, 32, true);
  view.setUint16(44, 1, true);
  setWords(image, 0x100, [1, 0x1000, 0xc0100000, 0x100000, 0x100, 0x300]);
  patch(view);
  return image;
}

describe('multiboot', () => {
  test('an ELF kernel is entered at its physical address, bss zeroed', () => {
    const plan = loadMultiboot({ kernel: elf(), ramBytes: 16 * MIB });
    expect(plan.entry).toMatchObject({ eip: 0x100010, eax: 0x2badb002, ebx: 0x9000 });
    expect(plan.placements.slice(0, 2).map((p) => [p.address, p.bytes.length])).toEqual([[0x100000, 0x100], [0x100100, 0x200]]);
  });

  test('the information names memory, command line and modules', () => {
    const modules = [{ bytes: new Uint8Array(10), commandLine: 'one a' }, { bytes: new Uint8Array(20), commandLine: 'two' }];
    const plan = loadMultiboot({ kernel: elf(), modules, commandLine: 'hello', ramBytes: 16 * MIB });
    const info = plan.placements.find((p) => p.address === 0x9000)!.bytes;
    const view = new DataView(info.buffer);
    const text = (address: number): string => {
      const start = address - 0x9000;
      return String.fromCharCode(...info.subarray(start, info.indexOf(0, start)));
    };
    expect(view.getUint32(0, true)).toBe(0x24d);
    expect([view.getUint32(4, true), view.getUint32(8, true)]).toEqual([639, 15 * 1024]);
    expect(text(view.getUint32(16, true))).toBe('hello');
    const list = view.getUint32(24, true) - 0x9000;
    expect(view.getUint32(20, true)).toBe(2);
    const [start, end] = [view.getUint32(list + 16, true), view.getUint32(list + 20, true)];
    expect([start % 4096, end - start, text(view.getUint32(list + 24, true))]).toEqual([0, 20, 'two']);
    const map = view.getUint32(48, true) - 0x9000;
    expect([view.getUint32(map, true), view.getUint32(map + 12, true), view.getUint32(map + 20, true)]).toEqual([20, 0x9fc00, 1]);
  });

  test('address fields in the header replace ELF', () => {
    const kernel = multibootHeader(0x10000, [0x100040, 0x100000, 0x100080, 0x100100, 0x100050]);
    const plan = loadMultiboot({ kernel, ramBytes: 16 * MIB });
    expect(plan.entry.eip).toBe(0x100050);
    expect(plan.placements[0]).toMatchObject({ address: 0x100000 });
    expect(plan.placements[0].bytes).toHaveLength(0x80);
  });

  test('a kernel in conventional memory keeps what it has where the information would lie', () => {
    const low = (size: number) => elf((view) => setWords(new Uint8Array(view.buffer), 0x108, [0x8000, 0x8000, 0x100, size]));
    const plan = loadMultiboot({ kernel: low(0x9000), commandLine: 'hello', ramBytes: 16 * MIB });
    expect(plan.entry.ebx).toBe(0x17000);
    const info = plan.placements.find((p) => p.address === 0x17000)!.bytes;
    expect(new DataView(info.buffer).getUint32(48, true)).toBe(0x17000 + 120);
    expect(codeOf(() => loadMultiboot({ kernel: low(0x97000), ramBytes: 16 * MIB }))).toBe('bad-image');
  });

  test('what cannot be loaded is refused', () => {
    const load = (kernel: Uint8Array, ramBytes = 16 * MIB): string => codeOf(() => loadMultiboot({ kernel, ramBytes }));
    expect(load(new Uint8Array(100))).toBe('bad-image');
    expect(load(multibootHeader(0x8))).toBe('bad-image');
    expect(load(multibootHeader(0))).toBe('bad-image');
    expect(load(elf().subarray(0, 0x1080))).toBe('bad-image');
    expect(load(elf((view) => view.setUint32(0x100 + 20, 0x90000000, true)))).toBe('image-too-large');
    expect(load(elf((view) => view.setUint32(0x10c, 0xa0000, true)))).toBe('bad-image');
    expect(load(elf(), MIB)).toBe('image-too-large');
    expect(isMultiboot(multibootHeader(0))).toBe(true);
  });
});

test('the entry ROM jumps from the reset vector to its code, and ends in a jump to the guest', () => {
  const { base, bytes } = entryRom({ eip: 0x100000, esi: 0x90000 });
  expect(base + bytes.length).toBe(2 ** 32);
  expect([...bytes.subarray(0xff0, 0xff3)]).toEqual([0xe9, 0x0d, 0xf0]);
  const jump = bytes.lastIndexOf(0xe9, 0xff);
  const target = new DataView(bytes.buffer).getInt32(jump + 1, true) + base + jump + 5;
  expect(target >>> 0).toBe(0x100000);
});

test('a 64-bit kernel is entered in 64-bit mode, with page tables that map 4 GiB one to one', () => {
  const { placements, entry } = loadLinux({ kernel: bzImage({ xloadflags: 1 }), ramBytes: 64 * MIB, longMode: true });
  expect(entry).toEqual({ eip: 0x100200, esi: 0x90000, esp: 0x98000, pageTables: 0x70000 });
  const tables = new ByteReader(placements.find(({ address }) => address === 0x70000)!.bytes);
  expect([tables.u64(0), tables.u64(0x1000 + 24), tables.u64(0x1000 + 32)]).toEqual([0x71003, 0x75003, 0]);
  expect([tables.u64(0x2000), tables.u64(0x5ff8)]).toEqual([0x83, 0xffe00083]);
  const { bytes } = entryRom(entry);
  // EFER.LME, then CR0.PG, then the far jump to the 64-bit segment.
  const code = Buffer.from(bytes);
  const longMode = code.indexOf(Buffer.from([0x80, 0xcc, 0x01, 0x0f, 0x30]));
  const paging = code.indexOf(Buffer.from([0x0d, 0, 0, 0, 0x80]), longMode);
  expect([longMode > 0, paging > 0]).toEqual([true, true]);
  expect(code.readUInt16LE(code.indexOf(0xea, paging) + 5)).toBe(0x10);
  expect(code.readBigUInt64LE(0x110)).toBe(0x00af9b000000ffffn);
});

test('firmware has sizes that firmware has', () => {
  const { high, low } = mapBios(new Uint8Array(0x40000));
  expect([high.base, low.base, low.bytes.length]).toEqual([0xfffc0000, 0xe0000, 0x20000]);
  expect(mapBios(new Uint8Array(0x10000)).low.base).toBe(0xf0000);
  expect(codeOf(() => mapBios(new Uint8Array(1000)))).toBe('bad-image');
  expect(codeOf(() => mapBios(new Uint8Array(0)))).toBe('bad-image');
  expect(codeOf(() => optionRom(new Uint8Array(1024)))).toBe('bad-image');
  expect(optionRom(Uint8Array.from([0x55, 0xaa, ...new Uint8Array(5000)]))).toHaveLength(8192);
});

describe('images', () => {
  const sector = (): Uint8Array => {
    const bytes = new Uint8Array(40 * 1024);
    bytes.set([0x55, 0xaa], 510);
    return bytes;
  };
  const iso = (): Uint8Array => {
    const bytes = new Uint8Array(40 * 1024);
    bytes.set([1, 0x43, 0x44, 0x30, 0x30, 0x31, 1], 0x8000);
    bytes.set([20, 0, 0, 0], 0x8000 + 80);
    return bytes;
  };

  test('are told apart', () => {
    expect(sniffImage(bzImage(), 6656)).toBe('linux');
    expect(sniffImage(multibootHeader(0), 256)).toBe('multiboot');
    expect(sniffImage(iso(), 40 * 1024)).toBe('iso9660');
    expect(sniffImage(sector(), 1474560)).toBe('floppy');
    expect(sniffImage(sector(), 10 * MIB)).toBe('disk');
  });

  test('that are none say what they are', () => {
    const message = (start: number[], size = 1000): string => {
      try {
        sniffImage(Uint8Array.from([...start, ...new Uint8Array(1000)]), size);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(message([0x51, 0x46, 0x49, 0xfb])).toContain('qcow2');
    expect(message([0x1f, 0x8b])).toContain('gzip');
    expect(message([1, 2, 3])).toContain('no image that Coracle knows');
    expect(message([], 0)).toContain('empty');
  });

  test('that are truncated are refused as disks and CDs', () => {
    const disk = sector();
    disk.set([0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0x10, 0, 0], 446);
    expect(codeOf(() => checkDisk(disk, 0x1800 * 512, 'disk', 'hda'))).toBe('ok');
    expect(codeOf(() => checkDisk(disk, 0x1800 * 512 - 1, 'disk', 'hda'))).toBe('bad-image');
    disk.set([0, 0, 0, 0], 454);
    expect(codeOf(() => checkDisk(disk, 0xfff * 512, 'disk', 'hda'))).toBe('ok');
    disk.set([0, 2], 11);
    disk.set([0xff, 0x0f], 19);
    expect(codeOf(() => checkDisk(disk, 0xfff * 512, 'disk', 'hda'))).toBe('ok');
    expect(codeOf(() => checkDisk(disk, 0xffe * 512, 'disk', 'hda'))).toBe('bad-image');
    expect(codeOf(() => checkDisk(iso(), 20 * 2048, 'cd', 'cdrom'))).toBe('ok');
    expect(codeOf(() => checkDisk(iso(), 19 * 2048, 'cd', 'cdrom'))).toBe('bad-image');
    expect(codeOf(() => checkDisk(new Uint8Array(512), 1 * MIB, 'disk', 'hdb'))).toBe('ok');
    expect(codeOf(() => checkDisk(new Uint8Array(512), 2 ** 53, 'disk', 'hdb'))).toBe('ok');
    expect(codeOf(() => checkDisk(new Uint8Array(512), 2 ** 54, 'disk', 'hdb'))).toBe('image-too-large');
    expect(codeOf(() => checkDisk(iso(), 2 ** 44, 'cd', 'cdrom'))).toBe('image-too-large');
    const floppy = new Uint8Array(512);
    expect(codeOf(() => checkFloppy(floppy, 1474560, 'fda'))).toBe('ok');
    expect(codeOf(() => checkFloppy(floppy, 1296384, 'fda'))).toBe('bad-image');
    expect(codeOf(() => checkFloppy(floppy, 10 * MIB, 'fda'))).toBe('image-too-large');
    floppy.set([0x55, 0xaa], 510);
    expect(codeOf(() => checkFloppy(floppy, 1296384, 'fda'))).toBe('ok');
    expect(codeOf(() => checkFloppy(floppy, 1296385, 'fda'))).toBe('bad-image');
    // A FAT volume of 1.44 MB.
    floppy.set([0, 2], 11);
    floppy.set([0x40, 0x0b], 19);
    expect(codeOf(() => checkFloppy(floppy, 1296384, 'fda'))).toBe('bad-image');
  });
});

test('the memory map has what does not fit below the hole for devices from 4 GiB on', () => {
  const GIB = 2 ** 30;
  const ram = (bytes: number) => memoryMap(bytes).filter(({ type }) => type === E820_RAM).map(({ base, size }) => [base, base + size]);
  expect(ram(3 * GIB).at(-1)).toEqual([0x100000, 3 * GIB]);
  expect(ram(3.5 * GIB).slice(1)).toEqual([[0x100000, 3 * GIB], [4 * GIB, 4.5 * GIB]]);
});

describe('PVH kernels', () => {
  /** An ELF executable of either width with one segment at `address` and the note. */
  function elf(width: 32 | 64, address: number, entry: number): Uint8Array {
    const image = new ByteWriter(0x400);
    const wide = width === 64;
    image.u32(0, 0x464c457f);
    image.u8(4, wide ? 2 : 1);
    image.u16(16, 2);
    image.u16(18, wide ? 62 : 3);
    const table = 0x40, size = wide ? 56 : 32;
    if (wide) image.u64(32, table);
    else image.u32(28, table);
    image.u16(wide ? 54 : 42, size);
    image.u16(wide ? 56 : 44, 2);
    const segment = (at: number, type: number, offset: number, bytes: number, memory: number): void => {
      image.u32(at, type);
      for (const [field, value] of (wide ? [[8, offset], [16, address], [24, address], [32, bytes], [40, memory]] : [[4, offset], [8, address], [12, address], [16, bytes], [20, memory]])) {
        image.u32(at + field, value);
      }
    };
    segment(table, 1, 0x200, 0x100, 0x180);
    segment(table + size, 4, 0x300, 20, 20);
    for (const [at, value] of [[0, 4], [4, 4], [8, 18], [12, 0x006e6558], [16, entry]]) image.u32(0x300 + at, value);
    image.u8(0x200, 0xf4);
    return image.bytes;
  }
  const options = { ramBytes: 64 << 20, rsdp: 0xe0000, longMode: true };

  test.each([32, 64] as const)('are entered where their note says, %i bits', (width) => {
    const kernel = elf(width, 0x100000, 0x100010);
    expect(isPvh(kernel)).toBe(true);
    const { entry, placements } = loadPvh({ ...options, kernel, initrd: new Uint8Array(100), commandLine: 'quiet' });
    expect(entry).toEqual({ eip: 0x100010, ebx: 0x6000 });
    expect(placements.slice(0, 3).map(({ address, bytes }) => [address, bytes.length])).toEqual([
      [0x100000, 0x100], [0x100100, 0x80], [(64 << 20) - 0x1000, 100],
    ]);
    const info = new ByteReader(placements[3].bytes);
    expect([info.u32(0), info.u32(12), info.u64(32), info.u32(48)]).toEqual([0x336ec578, 1, 0xe0000, 5]);
    const module = info.u64(16) - 0x6000, commandLine = info.u64(24) - 0x6000, map = info.u64(40) - 0x6000;
    expect([info.u64(module), info.u64(module + 8), info.hasText(commandLine, 'quiet\0')]).toEqual([(64 << 20) - 0x1000, 100, true]);
    expect([info.u64(map), info.u64(map + 8), info.u32(map + 16)]).toEqual([0, 0x9fc00, 1]);
  });

  test('that do not fit, or are damaged, are refused', () => {
    expect(() => loadPvh({ ...options, kernel: elf(64, 64 << 20, 0) })).toThrow('needs memory up to');
    expect(() => loadPvh({ ...options, longMode: false, kernel: elf(64, MIB, 0) })).toThrow('this kernel is 64-bit');
    expect(() => loadPvh({ ...options, kernel: elf(32, 0x6000, 0) })).toThrow('link it at 1 MiB');
    expect(() => isPvh(elf(32, 0x100000, 0).subarray(0, 0x280))).toThrow('truncated');
    expect(isPvh(elf(32, 0x100000, 0).fill(0, 0x308, 0x30c))).toBe(false);
  });
});
