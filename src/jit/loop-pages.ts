/**
 * In loops, the pages that accesses looked up last are kept: as long as an access by the same registers stays in its page, a subtraction
 * and a comparison stand for the look at the TLB, and its address waits for no load. What a page's address leads to changes only where
 * the TLB is filled, which forgets them (interp/translate.ts), or outside the region. They are kept in the state, not in locals: engines
 * would move those about wherever paths meet.
 */
import * as L from '../cpu/layout.ts';
import * as R from '../interp/record.ts';
import { fixedSlot, slotField } from '../interp/record-ops.ts';
import { MOST_PAGES, NO_PAGE, PAGE_ADDEND, PAGE_DUE, PAGE_LINEAR, PAGE_SIZE } from '../interp/translate.ts';
import type { I32, I64, Int } from '../isa/ops.ts';
import { type CodeRecord, variantOf } from './region.ts';
import type { RegionCode } from './region-code.ts';

const PAGE_BYTES = 4096;
/**
 * To go to another page costs a mispredicted branch: accesses that do so more often than once in so many instructions, in the
 * long run, are better served by the TLB.
 */
const INSTRUCTIONS_IN_PAGE = 256, ADVANCE = 1024;

/** Bytes by which a register goes on that comes to other pages too soon. */
const LONG_STRIDE = 256;

/** Slot of a register that an instruction moves by a long stride; undefined for all other instructions. */
function striding(record: CodeRecord): number | undefined {
  const variant = variantOf(record);
  const mnemonic = variant?.row.mnemonic;
  if (!variant || (mnemonic !== 'ADD' && mnemonic !== 'SUB' && mnemonic !== 'LEA')) return undefined;
  const fields = new DataView(record.bytes.buffer, record.bytes.byteOffset, R.RECORD_SIZE);
  const [to, by] = variant.row.operands;
  const slot = to.kind === 'fixed' ? fixedSlot(to) : fields.getUint16(slotField(to), true);
  const isLong = (field: number): boolean => Math.abs(fields.getInt32(field, true)) >= LONG_STRIDE;
  if (mnemonic !== 'LEA') {
    const inRegister = variant.rm === 'register' || variant.rm === 'none';
    return inRegister && by.kind === 'I' && isLong(R.REC_IMMEDIATE) ? slot : undefined;
  }
  const [base, index] = [R.REC_RM, R.REC_INDEX].map((field) => fields.getUint16(field, true));
  return base === slot && index === L.ZERO && isLong(R.REC_DISPLACEMENT) ? slot : undefined;
}

/** Byte distance of a page's fields in the vCPU's state. */
export type LoopPage = number;

/** Those of a region. */
export class LoopPages {
  private readonly code: RegionCode;
  private readonly pages = new Map<string, LoopPage>();
  /** Slots in the vCPU's state of registers that loops move by long strides. */
  private readonly fast = new Set<number>();

  constructor(code: RegionCode) {
    this.code = code;
  }

  /** Instructions that are in a loop. */
  note(records: readonly CodeRecord[]): void {
    for (const record of records) {
      const slot = striding(record);
      if (slot !== undefined) this.fast.add(slot);
    }
  }
  /** Whether addresses by the register of a slot come to other pages too soon. */
  isFast(slot: number): boolean {
    return this.fast.has(slot);
  }

  /** That of accesses with the same key and rights; undefined when there are too many. */
  of(key: string, write: boolean): LoopPage | undefined {
    const name = `${write ? 'write' : 'read'} ${key}`;
    const known = this.pages.get(name);
    if (known !== undefined || this.pages.size === MOST_PAGES) return known;
    const page = L.LOOP_PAGES + this.pages.size * PAGE_SIZE;
    this.pages.set(name, page);
    return page;
  }

  /** Whether bytes at a linear address lie in the page. */
  serves(page: LoopPage, first: Int, bytes: number): I32 {
    const { e, cpu } = this.code;
    const distance = e.binary('sub', linear64(this.code, first), e.load('i64', cpu, page + PAGE_LINEAR));
    return e.compare('leU', distance, e.i64(PAGE_BYTES - bytes));
  }
  /** The distance from a linear address in the page to one in the arena. */
  addend(page: LoopPage): I32 {
    return this.code.e.load('i32', this.code.cpu, page + PAGE_ADDEND);
  }
  /** Keeps the page of a linear address, at which the TLB serves. */
  keep(page: LoopPage, first: Int, addend: I32): void {
    const { e, cpu, fuel } = this.code;
    const done = e.binary('sub', e.param(2, 'i32'), e.get(fuel));
    const due = e.load('i32', cpu, page + PAGE_DUE);
    e.if(e.compare('leS', due, done), () => {
      e.store('i64', cpu, e.binary('and', linear64(this.code, first), e.i64(-PAGE_BYTES)), page + PAGE_LINEAR);
      e.store('i32', cpu, addend, page + PAGE_ADDEND);
      e.store('i32', cpu, e.binary('add', due, e.i32(INSTRUCTIONS_IN_PAGE)), page + PAGE_DUE);
    });
  }
  /** Statements where the region is entered, once all pages are known. */
  begin(): void {
    const { e, cpu } = this.code;
    const nothing = new DataView(new ArrayBuffer(PAGE_SIZE));
    nothing.setBigInt64(PAGE_LINEAR, NO_PAGE, true);
    nothing.setInt32(PAGE_DUE, -ADVANCE, true);
    for (const page of this.pages.values()) e.store('v128', cpu, e.v128(new Uint8Array(nothing.buffer)), page);
  }
}

const linear64 = ({ e }: RegionCode, linear: Int): I64 => (linear.type === 'i64' ? (linear as I64) : e.convert('extendU', linear as I32));
