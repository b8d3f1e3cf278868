import { describe, expect, it } from 'vitest';
import { type Candidate, classify, fileCandidate } from './classify.ts';

/** A file of `size` bytes with bytes set at offsets. */
function file(name: string, size: number, ...bytes: [at: number, bytes: readonly number[]][]): Candidate {
  const image = new Uint8Array(size);
  for (const [at, values] of bytes) image.set(values, at);
  return fileCandidate(new File([image], name));
}

const text = (characters: string): number[] => [...characters].map((character) => character.charCodeAt(0));
const bootSector: [number, number[]] = [510, [0x55, 0xaa]];
const bzImage = file('vmlinuz', 0x9000, [0x1f1, [4]], bootSector, [0x202, text('HdrS')], [0x206, [0x0f, 0x02]]);
const gzip = file('initrd.gz', 4096, [0, [0x1f, 0x8b]]);

async function roles(...files: Candidate[]): Promise<string[]> {
  return (await classify(files)).map(({ role }) => role);
}

describe('classify', () => {
  it('knows disks, CDs and floppies', async () => {
    expect(await roles(file('disk.img', 1 << 20, bootSector))).toEqual(['hda']);
    expect(await roles(file('cd.iso', 0xa000, [16 * 2048 + 1, text('CD001')]))).toEqual(['cdrom']);
    expect(await roles(file('floppy.img', 1440 * 1024, bootSector))).toEqual(['fda']);
  });

  it('takes a compressed file beside a kernel for its initrd, in any order', async () => {
    expect(await roles(bzImage, gzip)).toEqual(['kernel', 'initrd']);
    expect(await roles(gzip, bzImage)).toEqual(['initrd', 'kernel']);
  });

  it('knows firmware by its reset vector and its signature', async () => {
    const bios = file('bios.bin', 0x40000, [0x3fff0, [0xea]]);
    const vgaBios = file('vgabios.bin', 0x8000, [0, [0x55, 0xaa, 0x40]]);
    expect(await roles(file('disk.img', 1 << 20, bootSector), bios, vgaBios)).toEqual(['hda', 'bios', 'vgaBios']);
  });

  it('refuses what it does not know, by name', async () => {
    await expect(classify([file('holiday.jpg', 5000)])).rejects.toMatchObject({
      code: 'bad-image', message: expect.stringMatching(/^holiday\.jpg: .*no boot signature/),
    });
    await expect(classify([file('empty.img', 0)])).rejects.toMatchObject({ code: 'bad-image', message: expect.stringContaining('0 bytes') });
  });

  it('refuses an initrd without a kernel and says what to add', async () => {
    await expect(classify([gzip])).rejects.toMatchObject({ code: 'bad-image', message: expect.stringContaining('together with its kernel') });
  });
});
