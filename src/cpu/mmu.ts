/**
 * Linear memory as the TypeScript slow paths see it: reads and writes of any width through the TLB (tlb.ts). They raise what
 * the walk finds; an access that crosses pages is translated as a whole before it changes anything.
 */
import { type ArenaAddr, arenaAddr } from '../memory/address.ts';
import { GuestFault } from './fault.ts';
import * as L from './layout.ts';
import { highHalf, linear64 } from './linear.ts';
import type { Access } from './paging.ts';
import { Tlb } from './tlb.ts';

const PAGE_MASK = ~0xfff;
const INDEX_MASK = L.TLB_ENTRIES - 1;
// Fields of an entry in 32-bit words.
const READ = L.TLB_READ / 4, WRITE = L.TLB_WRITE / 4, ADDEND = L.TLB_ADDEND / 4;

export class Mmu extends Tlb {
  read8(linear: number, user: boolean): number {
    const at = this.readableAt(linear, user);
    if (at !== 0) return this.state.arena.u8[at];
    return this.memory.readPhys(this.physical(linear, 'read', user), 1);
  }

  read16(linear: number, user: boolean): number {
    if ((linear & 0xfff) === 0xfff) return this.readBytes(linear, 2, user);
    const at = this.readableAt(linear, user);
    if (at !== 0) return this.state.arena.view.getUint16(at, true);
    return this.memory.readPhys(this.physical(linear, 'read', user), 2);
  }

  read32(linear: number, user: boolean): number {
    if ((linear & 0xfff) > 0xffc) return this.readBytes(linear, 4, user) >>> 0;
    const at = this.readableAt(linear, user);
    if (at !== 0) return this.state.arena.view.getUint32(at, true);
    return this.memory.readPhys(this.physical(linear, 'read', user), 4);
  }

  read64(linear: number, user: boolean): bigint {
    const low = this.read32(linear, user);
    const high = this.read32(linear + 4, user);
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** An address of 64 bits (linear.ts). */
  readLinear(linear: number, user: boolean): number {
    const low = this.read32(linear, user);
    return linear64(low, this.read32(linear + 4, user));
  }

  write8(linear: number, value: number, user: boolean): void {
    const at = this.writableAt(linear, user);
    if (at !== 0) this.state.arena.u8[at] = value;
    else this.writeSlow(linear, 1, value & 0xff, user);
  }

  write16(linear: number, value: number, user: boolean): void {
    if ((linear & 0xfff) === 0xfff) return this.writeBytes(linear, 2, value, user);
    const at = this.writableAt(linear, user);
    if (at !== 0) this.state.arena.view.setUint16(at, value, true);
    else this.writeSlow(linear, 2, value & 0xffff, user);
  }

  write32(linear: number, value: number, user: boolean): void {
    if ((linear & 0xfff) > 0xffc) return this.writeBytes(linear, 4, value, user);
    const at = this.writableAt(linear, user);
    if (at !== 0) this.state.arena.view.setUint32(at, value, true);
    else this.writeSlow(linear, 4, value >>> 0, user);
  }

  write64(linear: number, value: bigint, user: boolean): void {
    if ((linear & 0xfff) > 0xff8) this.probeWrite(linear, 8, user);
    this.write32(linear, Number(value & 0xffffffffn), user);
    this.write32(linear + 4, Number((value >> 32n) & 0xffffffffn), user);
  }

  writeLinear(linear: number, value: number, user: boolean): void {
    if ((linear & 0xfff) > 0xff8) this.probeWrite(linear, 8, user);
    this.write32(linear, value, user);
    this.write32(linear + 4, highHalf(value), user);
  }

  /** Faults as a write of `size` bytes (at most 4096) would; changes nothing but accessed and dirty bits. */
  probeWrite(linear: number, size: number, user: boolean): void {
    this.writableAt(linear, user);
    if ((linear & 0xfff) + size > 4096) this.writableAt(nextPage(linear), user);
  }

  /** Where `size` bytes at `linear` lie when one frame serves them, else 0: then byte by byte. May fault, as an access does. */
  readableRange(linear: number, size: number, user: boolean): ArenaAddr {
    return arenaAddr((linear & 0xfff) + size > 4096 ? 0 : this.readableAt(linear, user));
  }

  /** The same for writing. */
  writableRange(linear: number, size: number, user: boolean): ArenaAddr {
    return arenaAddr((linear & 0xfff) + size > 4096 ? 0 : this.writableAt(linear, user));
  }

  /** Throws what the last walk recorded. */
  private throwRecorded(): never {
    throw new GuestFault(this.state.getU32(L.FAULT_VECTOR), this.state.getU32(L.FAULT_ERROR));
  }

  private physical(linear: number, access: Access, user: boolean): number {
    const address = this.translate(linear, access, user);
    if (address === -1) this.throwRecorded();
    return address;
  }

  /** Arena address to read `linear` at, 0 where a frame cannot serve it. */
  private readableAt(linear: number, user: boolean): number {
    return this.served(linear, READ, 'read', user);
  }

  private writableAt(linear: number, user: boolean): number {
    return this.served(linear, WRITE, 'write', user);
  }

  private served(linear: number, word: number, access: Access, user: boolean): number {
    const at = this.slotWord(((linear >>> 12) & INDEX_MASK) + (user ? L.TLB_ENTRIES : 0));
    if (!this.isTagged(at + word, linear)) {
      if (!this.fill(linear, access, user)) this.throwRecorded();
      if (!this.isTagged(at + word, linear)) return 0;
    }
    return (this.state.arena.i32[at + ADDEND] + linear) >>> 0;
  }

  private isTagged(word: number, linear: number): boolean {
    const i32 = this.state.arena.i32;
    return i32[word] === (linear & PAGE_MASK) && i32[word + 1] === this.walker.highOf(linear);
  }

  private writeSlow(linear: number, width: 1 | 2 | 4, value: number, user: boolean): void {
    this.memory.writePhys(this.physical(linear, 'write', user), width, value);
  }

  /** A read that crosses pages; both are translated before a device sees an access. */
  private readBytes(linear: number, size: number, user: boolean): number {
    this.physical(linear, 'read', user);
    this.physical(nextPage(linear), 'read', user);
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.read8(linear + i, user) << (i * 8);
    return value;
  }

  private writeBytes(linear: number, size: number, value: number, user: boolean): void {
    this.probeWrite(linear, size, user);
    for (let i = 0; i < size; i++) this.write8(linear + i, (value >>> (i * 8)) & 0xff, user);
  }
}

function nextPage(linear: number): number {
  return linear - (linear & 0xfff) + 4096;
}
