/**
 * The real-mode interrupt vectors of a guest that starts without firmware, for kernels that go back to real mode and call a BIOS:
 * its services say that they do not exist, and interrupts of devices come to an end.
 *
 * Reference: [RBIL] Ralf Brown's Interrupt List, INT 11, INT 12, INT 15 (the answer to an unsupported function).
 */
import { physAddr } from '../../memory/address.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import { ByteWriter, le16 } from '../loaders/bytes.ts';

const SEGMENT = 0xf000, HANDLERS = 0xff00;
/** Where the PC's BIOS has its IRET for vectors that nobody uses. */
const IGNORE = 0xff53;
const MASTER = HANDLERS, SLAVE = 0xff10, EQUIPMENT = 0xff20, MEMORY_SIZE = 0xff30, REFUSE = 0xff40;
/** Where the BIOS sets up the 8259 pair. */
export const MASTER_VECTORS = 0x08, SLAVE_VECTORS = 0x70;
const PIC_VECTORS = 8;
/** Offsets in the BIOS data area. */
export const BDA_EQUIPMENT = 0x10, BDA_MEMORY_SIZE = 0x13;
const IRET = 0xcf;

/** AX from the BIOS data area. */
const tell = (offset: number): number[] => [
  0x1e, 0x6a, 0x40, 0x1f, // push ds; push 40h; pop ds
  0xa1, ...le16(offset), // mov ax, [offset]
  0x1f, IRET, // pop ds; iret
];
const CODE: readonly (readonly [address: number, code: readonly number[]])[] = [
  [MASTER, [0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, IRET]], // push ax; mov al, EOI; out 20h, al; pop ax; iret
  [SLAVE, [0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, IRET]], // the same with out 0A0h, al before it
  [EQUIPMENT, tell(BDA_EQUIPMENT)],
  [MEMORY_SIZE, tell(BDA_MEMORY_SIZE)],
  // push bp; mov bp, sp; or byte [bp + 6], 1 (CF); pop bp; mov ah, 86h; iret
  [REFUSE, [0x55, 0x89, 0xe5, 0x80, 0x4e, 0x06, 0x01, 0x5d, 0xb4, 0x86, IRET]],
  [IGNORE, [IRET]],
];
const SERVICES = [0x10, 0x13, 0x14, 0x15, 0x16, 0x17, 0x1a];

function handlerOf(vector: number): number {
  if (vector >= MASTER_VECTORS && vector < MASTER_VECTORS + PIC_VECTORS) return MASTER;
  if (vector >= SLAVE_VECTORS && vector < SLAVE_VECTORS + PIC_VECTORS) return SLAVE;
  if (vector === 0x11) return EQUIPMENT;
  if (vector === 0x12) return MEMORY_SIZE;
  return SERVICES.includes(vector) ? REFUSE : IGNORE;
}

/** Writes the vectors of 8259 interrupts, of BIOS services, and of all else, and what they lead to. */
export function placeInterruptVectors(memory: GuestMemory): void {
  const table = new ByteWriter(256 * 4);
  for (let vector = 0; vector < 256; vector++) {
    table.u16(vector * 4, handlerOf(vector));
    table.u16(vector * 4 + 2, SEGMENT);
  }
  memory.write(physAddr(0), table.bytes);
  for (const [address, code] of CODE) memory.write(physAddr(SEGMENT * 16 + address), Uint8Array.from(code));
}
