/** Stores over a page boundary into pages that have no frame yet do what they do elsewhere: the arena may grow in the middle of one. */
import { expect, it } from 'vitest';
import { PAGE_SIZE, physAddr } from '../memory/address.ts';
import { CHUNK_FRAMES, type PagePool } from '../memory/pool.ts';
import { flatMachine } from './flat-machine-fixture.ts';
import { CR4_OSFXSR } from './registers.ts';

const CODE = 0x1000, DATA = 0x8000, BOUNDARY = DATA + PAGE_SIZE;
const ESP = 4, ESI = 6, EDI = 7;

/** Instructions that store at [EDI]; some push there, and some copy from the code. */
const STORES: Readonly<Record<string, readonly number[]>> = {
  'MOV m16, r16': [0x66, 0x89, 0x07],
  'MOV m32, r32': [0x89, 0x07],
  'ADD m32, r32': [0x01, 0x07],
  'XCHG m32, r32': [0x87, 0x07],
  'CMPXCHG8B': [0x31, 0xc0, 0x31, 0xd2, 0x0f, 0xc7, 0x0f],
  PUSH: [0x8d, 0x67, 0x04, 0x50],
  PUSHA: [0x8d, 0x67, 0x20, 0x60],
  MOVSD: [0xa5],
  'REP MOVSW': [0x66, 0xf3, 0xa5],
  'REP STOSD': [0xf3, 0xab],
  'FISTP m64': [0xdb, 0xe3, 0x50, 0x50, 0xdf, 0x2c, 0x24, 0xdf, 0x3f],
  'FSTP m80': [0xdb, 0xe3, 0xd9, 0xeb, 0xdb, 0x3f],
  FNSAVE: [0xdb, 0xe3, 0xd9, 0xeb, 0xdd, 0x37],
  'MOVUPS m128, xmm': [0x0f, 0x10, 0x06, 0x0f, 0x11, 0x07],
  SGDT: [0x0f, 0x01, 0x07],
};

/** The next frame that somebody needs makes the arena grow. */
function growNext(pool: PagePool): void {
  const { arena } = pool;
  const { buffer } = arena.memory;
  while (arena.memory.buffer === buffer) pool.allocate();
  const grown = arena.memory.buffer;
  arena.reserve(arena.memory.buffer.byteLength - arena.usedBytes, 1);
  // What is left of the frames that were reserved at once.
  for (let taken = 1; taken < CHUNK_FRAMES; taken++) pool.allocate();
  expect(arena.memory.buffer === grown).toBe(true);
}

function stored(code: readonly number[], at: number, framesThere: number): Uint8Array {
  const { cpu, memory } = flatMachine({}, CODE, [0x90, ...code, 0xf4]);
  const { state } = cpu;
  state.setCr(4, CR4_OSFXSR);
  cpu.updateMode();
  for (const [register, value] of [0x44332211, 3, 0x88776655, 0xccbbaa99].entries()) state.setReg(register, value);
  state.setReg(ESP, 0x4000);
  state.setReg(ESI, CODE);
  state.setReg(EDI, at);
  memory.write(physAddr(0x3000), new Uint8Array(PAGE_SIZE).fill(0xff));
  for (let page = 0; page < framesThere; page++) for (const byte of [1, 0]) memory.write(physAddr(DATA + page * PAGE_SIZE), Uint8Array.of(byte));
  // Decoded code has its place in the arena from now on.
  cpu.run(1, 1);
  if (framesThere < 2) growNext(memory.pool);
  const { buffer } = memory.pool.arena.memory;
  expect(cpu.run(1000, 1000)).toBe('halted');
  // Whatever is stored at its last byte goes on in the second page.
  if (framesThere === 0 || (framesThere === 1 && at === BOUNDARY - 1)) expect(memory.pool.arena.memory.buffer === buffer).toBe(false);
  const bytes = new Uint8Array(2 * PAGE_SIZE);
  memory.read(physAddr(DATA), bytes);
  return bytes;
}

it.each(Object.entries(STORES))('%s', (_name, code) => {
  for (let at = BOUNDARY - 5; at < BOUNDARY; at++) {
    const expected = stored(code, at, 2);
    expect(expected.some((byte) => byte !== 0)).toBe(true);
    for (const framesThere of [0, 1]) expect(stored(code, at, framesThere), `at ${at.toString(16)}, ${framesThere} pages there`).toEqual(expected);
  }
});
