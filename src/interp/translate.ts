/**
 * What compiled regions call where their own look at the TLB fails: functions of the interpreter's module that find the host
 * address of an access, filling the TLB where that helps.
 */
import * as L from '../cpu/layout.ts';
import type { I32, Int } from '../isa/ops.ts';
import type { FunctionImport, ModuleBuilder } from '../wasm/module.ts';
import type { Variable } from '../wasm/function.ts';
import type { IntType } from '../wasm/opcodes.ts';
import { type HandlerFrame, handlerFunction, HandlerOps } from './driver.ts';
import type { Variant } from './variant.ts';

/** Beside the size of an access in bytes: it is a write. */
export const FILL_WRITE = 0x10000;
export const FILL_SIZE = 0xffff;

/**
 * Pages that regions keep in the state (L.LOOP_PAGES, jit/loop-pages.ts), and the fields of one: linear address, i64; distance from linear
 * addresses in it to those in the arena, i32; instructions that are due until another one is kept, i32.
 */
export const MOST_PAGES = 8, PAGE_SIZE = 16, PAGE_LINEAR = 0, PAGE_ADDEND = 8, PAGE_DUE = 12;
/** In the place of a page's linear address: further from any than a page. */
export const NO_PAGE = -(2n ** 62n);

const imported = (name: string, params: readonly (IntType)[]): FunctionImport => ({
  module: 'interpreter', name, signature: { params: [...params], results: ['i32'] },
});
const accessParameters = (type: IntType): IntType[] => [type, 'i32', 'i32', 'i32', 'i32'];
/**
 * Linear address, vCPU, size and FILL_WRITE, record, fuel: gives the host address of the bytes; 0 when only the interpreter can
 * carry out the access, or code may have changed. By the type of linear addresses.
 */
export const TRANSLATE = {
  i32: imported('translate', accessParameters('i32')),
  i64: imported('translate_long', accessParameters('i64')),
} as const;
/** Besides: first byte of a span that the access is in, its size and FILL_WRITE; gives its host address, or 0 when no page serves it all. */
export const OPEN_SPAN = {
  i32: imported('open_span', [...accessParameters('i32'), 'i32', 'i32']),
  i64: imported('open_span_long', [...accessParameters('i64'), 'i64', 'i32']),
} as const;

class TranslationOps extends HandlerOps {
  private readonly write: I32;
  private readonly what: I32;

  constructor(frame: HandlerFrame, variant: Variant) {
    super(frame, variant);
    this.what = this.e.param(2, 'i32');
    this.write = this.and(this.what, this.i32(FILL_WRITE));
  }

  /** Host address of the access; 0 without one. */
  translate(linear: Int): Variable<'i32'> {
    const { e } = this;
    const host = e.variable('i32');
    const bytes = this.and(this.what, this.i32(FILL_SIZE));
    const entry = this.tlbEntry(linear);
    const fill = (): void => {
      const [record, fuel] = [e.param(3, 'i32'), e.param(4, 'i32')];
      const filled = this.call('fill', [this.cpu, this.address(linear), this.what, record, fuel], 'i32') as I32;
      // Where the arena has what an address leads to, may have changed.
      for (let n = 0; n < MOST_PAGES; n++) e.store('i64', this.cpu, e.i64(NO_PAGE), L.LOOP_PAGES + n * PAGE_SIZE + PAGE_LINEAR);
      e.if(filled, () => e.set(host, this.hostOf(linear, entry)));
    };
    e.if(
      this.serves(entry, this.write, this.byteAfter(linear, bytes)),
      () => e.set(host, this.hostOf(linear, entry)),
      () => {
        // What is beside code says nothing of other bytes of the page.
        e.if(this.write, () => e.set(host, this.besideCode(linear, entry, bytes)));
        e.if(this.eqz(e.get(host)), fill);
      },
    );
    return host;
  }
  /** Host address of a span's first byte, once its access has been translated. */
  openSpan(linear: Int, first: Int, span: I32): I32 {
    const { e } = this;
    const host = this.translate(linear);
    const entry = this.tlbEntry(first);
    const last = this.byteAfter(first, this.and(span, this.i32(FILL_SIZE)));
    const served = this.serves(entry, this.and(span, this.i32(FILL_WRITE)), last);
    return this.and(this.hostOf(first, entry), this.sub(this.i32(0), this.and(served, this.ne(e.get(host), this.i32(0)))));
  }
  /** True when a TLB entry serves the page of an address. */
  private serves(entry: I32, write: I32, linear: Int): I32 {
    return this.isPage(this.add(entry, this.select(write, this.i32(L.TLB_WRITE), this.i32(L.TLB_READ))), 0, linear);
  }
  private byteAfter(linear: Int, bytes: I32): Int {
    const last = this.sub(bytes, this.i32(1));
    return this.add(linear, this.long ? this.toI64(last) : last);
  }
}

/** Defines and exports these functions for linear addresses of a type. */
export function defineTranslation(module: ModuleBuilder, variant: Variant, type: IntType): void {
  const define = ({ name, signature }: FunctionImport, emit: (o: TranslationOps) => I32): void => {
    const o = new TranslationOps(handlerFunction(module, undefined, signature), variant);
    o.e.return(emit(o));
    o.e.unreachable();
    module.export(name, module.define(o.e.finish()));
  };
  define(TRANSLATE[type], (o) => o.e.get(o.translate(o.e.param(0, type))));
  define(OPEN_SPAN[type], (o) => o.openSpan(o.e.param(0, type), o.e.param(5, type), o.e.param(6, 'i32')));
}
