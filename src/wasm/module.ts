/** Assembles a WebAssembly module from function bodies [WebAssembly Core 5.5]. */
import { Bytes } from './bytes.ts';
import { TYPE_CODE, type Type } from './opcodes.ts';

export interface Signature {
  readonly params: readonly Type[];
  readonly results: readonly Type[];
}

export interface FunctionImport {
  readonly module: string;
  readonly name: string;
  readonly signature: Signature;
}

/** Whether the condition of the branch at an offset in the code most likely holds. */
export interface BranchHint {
  readonly offset: number;
  readonly likely: 0 | 1;
}

/** Where in its code a function names another one of its module, by what `define` gave for that: three bytes, which `finish` fills in. */
export interface DefinedCall {
  readonly offset: number;
  readonly body: number;
}
const INDEX_BYTES = 3;

/** A finished function: its locals behind the parameters, and its code without the final `end`. */
export interface FunctionBody {
  readonly signature: Signature;
  readonly locals: readonly Type[];
  readonly code: Uint8Array;
  readonly hints: readonly BranchHint[];
  readonly calls: readonly DefinedCall[];
}

const SECTION = { custom: 0, type: 1, import: 2, function: 3, global: 6, export: 7, element: 9, code: 10 };
const FUNCREF = 0x70;

/**
 * A module that imports the arena as `env.memory` and, when it asks for one, `env.table`. Imported functions come first
 * in the index space, in the order of their first mention; then the defined ones.
 */
export class ModuleBuilder {
  private readonly types = new Map<string, number>();
  private readonly signatures: Signature[] = [];
  private readonly imports: FunctionImport[] = [];
  private readonly importIndex = new Map<string, number>();
  private readonly bodies: FunctionBody[] = [];
  private readonly exports: { name: string; body: number }[] = [];
  private readonly globals: { name: string; value: number }[] = [];
  private readonly elements: { offset: number; bodies: number[] }[] = [];
  private usesTable = false;

  typeIndex(signature: Signature): number {
    const key = `${signature.params.join()}>${signature.results.join()}`;
    let index = this.types.get(key);
    if (index === undefined) {
      index = this.signatures.length;
      this.types.set(key, index);
      this.signatures.push(signature);
    }
    return index;
  }

  /** Function index of an import, made at its first mention. */
  importFunction(entry: FunctionImport): number {
    const key = `${entry.module}.${entry.name}`;
    let index = this.importIndex.get(key);
    if (index === undefined) {
      index = this.imports.length;
      this.importIndex.set(key, index);
      this.imports.push(entry);
      this.typeIndex(entry.signature);
    }
    return index;
  }

  /** Name of an imported function by its index. */
  importName(index: number): string {
    return this.imports[index]?.name ?? String(index);
  }

  /** Index of the body among the defined functions. */
  define(body: FunctionBody): number {
    this.typeIndex(body.signature);
    return this.bodies.push(body) - 1;
  }

  /** How many functions are defined. */
  get defined(): number {
    return this.bodies.length;
  }

  export(name: string, body: number): void {
    this.exports.push({ name, body });
  }

  /** Index of a variable of the module, an i32 that begins with a value; who has the export can set it. */
  exportGlobal(name: string, value: number): number {
    return this.globals.push({ name, value }) - 1;
  }

  /** Puts defined functions into the imported table from slot `offset` on. */
  fillTable(offset: number, bodies: number[]): void {
    this.elements.push({ offset, bodies });
    this.useTable();
  }
  /** Imports the table, for functions that call through it. */
  useTable(): void {
    this.usesTable = true;
  }

  finish(): Uint8Array {
    const out = new Bytes().raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const section = (id: number, write: (b: Bytes) => void) => {
      const content = new Bytes();
      write(content);
      out.byte(id).sized(content.finish());
    };
    section(SECTION.type, (b) => {
      b.u32(this.signatures.length);
      for (const s of this.signatures) {
        b.byte(0x60).u32(s.params.length).raw(s.params.map((t) => TYPE_CODE[t]));
        b.u32(s.results.length).raw(s.results.map((t) => TYPE_CODE[t]));
      }
    });
    section(SECTION.import, (b) => {
      b.u32(this.imports.length + 1 + (this.usesTable ? 1 : 0));
      for (const i of this.imports) b.name(i.module).name(i.name).byte(0x00).u32(this.typeIndex(i.signature));
      b.name('env').name('memory').byte(0x02).byte(0x00).u32(1);
      if (this.usesTable) b.name('env').name('table').byte(0x01).byte(FUNCREF).byte(0x00).u32(1);
    });
    section(SECTION.function, (b) => {
      b.u32(this.bodies.length);
      for (const body of this.bodies) b.u32(this.typeIndex(body.signature));
    });
    const shift = this.imports.length;
    if (this.globals.length > 0) {
      section(SECTION.global, (b) => {
        b.u32(this.globals.length);
        for (const { value } of this.globals) b.byte(TYPE_CODE.i32).byte(0x01).byte(0x41).s32(value).byte(0x0b);
      });
    }
    section(SECTION.export, (b) => {
      b.u32(this.exports.length + this.globals.length);
      for (const e of this.exports) b.name(e.name).byte(0x00).u32(shift + e.body);
      for (const [index, { name }] of this.globals.entries()) b.name(name).byte(0x03).u32(index);
    });
    if (this.elements.length > 0) {
      section(SECTION.element, (b) => {
        b.u32(this.elements.length);
        for (const e of this.elements) {
          b.u32(0).byte(0x41).s32(e.offset).byte(0x0b).u32(e.bodies.length);
          for (const body of e.bodies) b.u32(shift + body);
        }
      });
    }
    const locals = this.bodies.map(encodeLocals);
    this.branchHints(section, locals);
    section(SECTION.code, (b) => {
      b.u32(this.bodies.length);
      for (const [n, body] of this.bodies.entries()) b.sized(new Bytes().raw(locals[n]).raw(this.linked(body)).byte(0x0b).finish());
    });
    return out.finish();
  }

  /** A function's code with the indices of those that it calls. */
  private linked({ code, calls }: FunctionBody): Uint8Array {
    if (calls.length === 0) return code;
    const linked = code.slice();
    for (const { offset, body } of calls) linked.set(padded(this.imports.length + body), offset);
    return linked;
  }

  /** Places are offsets in a function's body, its locals included [Branch Hinting proposal, custom section]. */
  private branchHints(section: (id: number, write: (b: Bytes) => void) => void, locals: readonly Uint8Array[]): void {
    const hinted = [...this.bodies.entries()].filter(([, body]) => body.hints.length > 0);
    if (hinted.length === 0) return;
    section(SECTION.custom, (b) => {
      b.name('metadata.code.branch_hint').u32(hinted.length);
      for (const [n, { hints }] of hinted) {
        b.u32(this.imports.length + n).u32(hints.length);
        for (const { offset, likely } of hints) b.u32(locals[n].length + offset).u32(1).byte(likely);
      }
    });
  }
}

/** LEB128 with bytes that it would not need. */
function padded(index: number): Uint8Array {
  const bytes = Uint8Array.from({ length: INDEX_BYTES }, (_, n) => ((index >>> (7 * n)) & 0x7f) | 0x80);
  bytes[INDEX_BYTES - 1] &= 0x7f;
  return bytes;
}
/** Room for an index. */
export const UNKNOWN_INDEX = padded(0);

/** Locals as runs of one type, as the format has them. */
function encodeLocals(body: FunctionBody): Uint8Array {
  const runs: { type: Type; count: number }[] = [];
  for (const type of body.locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  const b = new Bytes().u32(runs.length);
  for (const run of runs) b.u32(run.count).byte(TYPE_CODE[run.type]);
  return b.finish();
}
