/** ELF executables of both widths, as far as loaders need them [TIS ELF 1.2, ELF-64 1.5]: segments and notes. */
import { EmulatorError } from '../../errors.ts';
import type { Placement } from './boot-plan.ts';
import { ByteReader } from './bytes.ts';

const ELF_MAGIC = 0x464c457f, ELFCLASS32 = 1, ELFCLASS64 = 2, ET_EXEC = 2, ET_DYN = 3;
const EM_386 = 3, EM_X86_64 = 62, PT_LOAD = 1, PT_NOTE = 4;

export interface ElfSegment {
  readonly type: number;
  readonly offset: number;
  readonly fileBytes: number;
  /** Physical address, and the one that the code is linked for. */
  readonly address: number;
  readonly virtual: number;
  readonly memoryBytes: number;
}

export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly data: ByteReader;
}

/** Width of the addresses in an ELF executable of a PC's processor; undefined for anything else. */
export function elfWidth(image: ByteReader): 32 | 64 | undefined {
  if (image.u32(0) !== ELF_MAGIC || ![ET_EXEC, ET_DYN].includes(image.u16(16))) return undefined;
  if (image.u8(4) === ELFCLASS32 && image.u16(18) === EM_386) return 32;
  return image.u8(4) === ELFCLASS64 && image.u16(18) === EM_X86_64 ? 64 : undefined;
}

/** @throws EmulatorError `bad-image` when the file ends before what its table names */
export function elfSegments(image: ByteReader): ElfSegment[] {
  const wide = image.u8(4) === ELFCLASS64;
  const table = wide ? image.u64(32) : image.u32(28);
  const entrySize = image.u16(wide ? 54 : 42), count = image.u16(wide ? 56 : 44);
  return Array.from({ length: count }, (_, i) => {
    const at = table + i * entrySize;
    if (at + (wide ? 56 : 32) > image.length) throw truncated(image, at + 56);
    const segment: ElfSegment = wide
      ? { type: image.u32(at), offset: image.u64(at + 8), virtual: image.u64(at + 16), address: image.u64(at + 24), fileBytes: image.u64(at + 32), memoryBytes: image.u64(at + 40) }
      : { type: image.u32(at), offset: image.u32(at + 4), virtual: image.u32(at + 8), address: image.u32(at + 12), fileBytes: image.u32(at + 16), memoryBytes: image.u32(at + 20) };
    if (segment.offset + segment.fileBytes > image.length) throw truncated(image, segment.offset + segment.fileBytes);
    return segment;
  });
}

/** Those that are loaded. */
export const loadedSegments = (segments: readonly ElfSegment[]): ElfSegment[] => segments.filter(({ type }) => type === PT_LOAD);

/** What is loaded. */
export function elfPlacements(image: ByteReader, segments: readonly ElfSegment[]): Placement[] {
  return loadedSegments(segments).flatMap(({ address, offset, fileBytes, memoryBytes }) =>
    placeSegment(image.bytes.subarray(offset, offset + fileBytes), address, memoryBytes));
}

/** File contents, then zeros up to `memoryBytes`, which matter when the guest is started a second time. */
export function placeSegment(file: Uint8Array, address: number, memoryBytes: number): Placement[] {
  const zeros = memoryBytes - file.length;
  if (zeros > 0x80000000) throw new EmulatorError('image-too-large', 'the kernel asks for more than 2 GiB of zeroed memory');
  return [
    ...(file.length > 0 ? [{ address, bytes: file }] : []),
    ...(zeros > 0 ? [{ address: address + file.length, bytes: new Uint8Array(zeros) }] : []),
  ];
}

/** The physical address of the entry, which is a virtual one where the two differ. */
export function elfEntry(image: ByteReader, segments: readonly ElfSegment[]): number {
  const entry = image.u8(4) === ELFCLASS64 ? image.u64(24) : image.u32(24);
  const holder = segments.find(({ type, virtual, memoryBytes }) => type === PT_LOAD && entry >= virtual && entry < virtual + memoryBytes);
  return holder ? entry - holder.virtual + holder.address : entry;
}

/** Notes of all note segments; what is damaged ends the list. */
export function elfNotes(image: ByteReader, segments: readonly ElfSegment[]): ElfNote[] {
  const notes: ElfNote[] = [];
  for (const segment of segments.filter(({ type }) => type === PT_NOTE)) {
    const end = segment.offset + segment.fileBytes;
    for (let at = segment.offset; at + 12 <= end; ) {
      const nameBytes = image.u32(at), dataBytes = image.u32(at + 4), type = image.u32(at + 8);
      const dataAt = at + 12 + align4(nameBytes);
      if (dataAt + dataBytes > end) break;
      const name = String.fromCharCode(...image.bytes.subarray(at + 12, at + 12 + Math.min(nameBytes, 32))).replace(/\0.*$/s, '');
      notes.push({ name, type, data: new ByteReader(image.bytes.subarray(dataAt, dataAt + dataBytes)) });
      at = dataAt + align4(dataBytes);
    }
  }
  return notes;
}

const align4 = (value: number): number => Math.ceil(value / 4) * 4;

function truncated(image: ByteReader, needed: number): EmulatorError {
  return new EmulatorError('bad-image', `the kernel image is truncated: ${image.length} bytes of ${needed}; fetch or build it again`);
}
