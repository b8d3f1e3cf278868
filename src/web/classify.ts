/** What the files are that somebody dropped onto the page or gave the address of, judged by their contents, together. */
import type { GuestFileRole } from '../../images/manifest.ts';
import { EmulatorError } from '../errors.ts';
import { type ImageKind, SNIFF_BYTES, sniffImage } from '../machine/loaders/sniff.ts';
import { openHttp } from '../storage/http-range.ts';
import type { ImageFile } from '../worker/protocol.ts';

const ROLE_OF_KIND: Readonly<Record<ImageKind, GuestFileRole>> = {
  linux: 'kernel', elf: 'kernel', multiboot: 'multiboot', iso9660: 'cdrom', disk: 'hda', floppy: 'fda',
};

/** Initial RAM disks: cpio archives, plain or compressed. */
const INITRD_MAGICS: readonly (readonly number[])[] = [
  [0x30, 0x37, 0x30, 0x37, 0x30, 0x31], // cpio, newc
  [0x1f, 0x8b], // gzip
  [0xfd, 0x37, 0x7a, 0x58, 0x5a], // xz
  [0x28, 0xb5, 0x2f, 0xfd], // zstd
  [0x02, 0x21, 0x4c, 0x18], // lz4, as the kernel's build writes it
  [0x5d, 0, 0], // lzma
  [0x42, 0x5a, 0x68], // bzip2
];

/** Firmware of PCs is a power of two in size and begins, at its reset vector, with a jump. */
const BIOS_SIZES: readonly number[] = [64, 128, 256, 512, 1024, 2048].map((kibibytes) => kibibytes * 1024);
const RESET_VECTOR_FROM_END = 16;
const JMP_FAR = 0xea, JMP_NEAR = 0xe9;

/** Something to judge; its bytes are read as they are needed. */
export interface Candidate {
  readonly name: string;
  readonly source: Blob | string;
  readonly sizeBytes: number;
  read(from: number, length: number): Promise<Uint8Array>;
}

export function fileCandidate(file: File): Candidate {
  return {
    name: file.name, source: file, sizeBytes: file.size,
    async read(from, length) {
      try {
        return new Uint8Array(await file.slice(from, from + length).arrayBuffer());
      } catch (cause) {
        throw new EmulatorError('storage-failed', `${file.name} cannot be read; is it a folder? Choose one or more image files`, { cause });
      }
    },
  };
}

/** @throws EmulatorError `bad-option` for what is no web address, `fetch-failed`, `bad-image` for a page in place of an image */
export async function addressCandidate(address: string): Promise<Candidate> {
  let url: URL | undefined;
  try {
    url = new URL(address);
  } catch {
    // Said below.
  }
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new EmulatorError('bad-option', `“${address}” is no web address; it begins with https:// or http://`);
  }
  const backend = await openHttp(url);
  return {
    name: decodeURIComponent(url.pathname.split('/').at(-1) ?? '') || url.host, source: url.href, sizeBytes: backend.sizeBytes,
    read: async (from, length) => backend.read(from, Math.max(0, Math.min(length, backend.sizeBytes - from))),
  };
}

/** @throws EmulatorError `bad-image` that says what would be accepted; `storage-failed`, `fetch-failed` */
export async function classify(files: readonly Candidate[]): Promise<ImageFile[]> {
  const looked = await Promise.all(files.map(async (file) => ({ file, ...(await look(file)) })));
  const hasKernel = looked.some(({ role }) => role === 'kernel' || role === 'multiboot');
  return looked.map(({ file, role, initrd, error }) => {
    const found = hasKernel && initrd && role === undefined ? 'initrd' : role;
    if (found === undefined) {
      const advice = initrd ? '. If it is an initial RAM disk, give it together with its kernel' : '';
      throw new EmulatorError('bad-image', `${file.name}: ${error.message}${advice}`);
    }
    return { role: found, name: file.name, source: file.source };
  });
}

interface Look {
  readonly role: GuestFileRole | undefined;
  readonly initrd: boolean;
  /** Why there is no role. */
  readonly error: Error;
}

async function look(file: Candidate): Promise<Look> {
  const start = await file.read(0, SNIFF_BYTES);
  const initrd = INITRD_MAGICS.some((magic) => magic.every((byte, i) => start[i] === byte));
  const firmware = await firmwareRole(file, start);
  if (firmware) return { role: firmware, initrd, error: new Error() };
  try {
    return { role: ROLE_OF_KIND[sniffImage(start, file.sizeBytes)], initrd, error: new Error() };
  } catch (error) {
    return { role: undefined, initrd, error: error as Error };
  }
}

async function firmwareRole(file: Candidate, start: Uint8Array): Promise<GuestFileRole | undefined> {
  if (start[0] === 0x55 && start[1] === 0xaa && start[2] * 512 <= file.sizeBytes && file.sizeBytes <= 0x20000) return 'vgaBios';
  if (!BIOS_SIZES.includes(file.sizeBytes)) return undefined;
  const [opcode] = await file.read(file.sizeBytes - RESET_VECTOR_FROM_END, RESET_VECTOR_FROM_END);
  return opcode === JMP_FAR || opcode === JMP_NEAR ? 'bios' : undefined;
}
