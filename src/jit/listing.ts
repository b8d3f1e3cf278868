/**
 * A region as people read it: its guest code, the operations that the bodies emit for each instruction (the region's IR), and
 * the WebAssembly that becomes of them. It is generated once more, with somebody looking on; the code is the same, but for what
 * leads to entries of its module directly (neighbours.ts).
 */
import { MODE_CODE32, MODE_CODE64 } from '../cpu/mode.ts';
import { disassemble } from '../wasm/disassemble.ts';
import type { Val, Variable } from '../wasm/function.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { type GenerationObserver, RegionGenerator } from './generate.ts';
import type { CodeRecord, Region } from './region.ts';
import type { RegionFunction } from './region-code.ts';

/** What was made of one instruction; an instruction has several parts where the code of others stands within its own. */
export interface ListedPart {
  /** Linear address; undefined where control comes in and leaves. */
  readonly linear: number | undefined;
  /** The instruction's bytes; none in its further parts. */
  readonly bytes: Uint8Array;
  /** The operations in the order in which they are emitted, values as `%1`; those that nothing uses become no code. */
  readonly ir: readonly string[];
  /** A value that is used once is computed where it is used, which may be in a later part. */
  readonly wasm: readonly string[];
}

export interface RegionListing {
  /** Linear address of the first instruction. */
  readonly linear: number;
  readonly bits: 16 | 32 | 64;
  /** Instructions, and bytes of WebAssembly in the region's function. */
  readonly instructions: number;
  readonly codeBytes: number;
  /** In the order of the WebAssembly. */
  readonly parts: readonly ListedPart[];
}

export const modeBits = (mode: number): 16 | 32 | 64 => (mode & MODE_CODE64 ? 64 : mode & MODE_CODE32 ? 32 : 16);

/** @param linearPage linear address of the region's first page; @param memory the arena, whose frames hold the guest code */
export function listRegion(region: Region, linearPage: number, memory: Uint8Array): RegionListing {
  const module = new ModuleBuilder();
  const recorder = new Recorder();
  const { code } = new RegionGenerator(module, region, { observer: recorder }).generate();
  const lines = disassemble(code, (index) => module.importName(index)).map(({ offset, depth, text }) => ({ offset, text: '  '.repeat(depth) + text }));
  const seen = new Set<CodeRecord>();
  const parts = recorder.parts.map(({ record, ir, from }, n): ListedPart => {
    const to = recorder.parts[n + 1]?.from ?? Infinity;
    const wasm = lines.filter(({ offset }) => offset >= from && offset < to).map(({ text }) => text);
    const bytes = record === undefined || seen.has(record) ? new Uint8Array(0) : guestBytes(region, record, memory);
    if (record) seen.add(record);
    return { linear: record && linearPage + record.offset, bytes, ir, wasm };
  });
  return {
    linear: linearPage + region.blocks[region.entries[0].block].records[0].offset, bits: modeBits(region.mode),
    instructions: region.blocks.reduce((sum, { records }) => sum + records.length, 0), codeBytes: code.length,
    parts: parts.filter(({ bytes, ir, wasm }) => bytes.length + ir.length + wasm.length > 0),
  };
}

function guestBytes(region: Region, { offset, length }: CodeRecord, memory: Uint8Array): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => {
    const at = offset + i;
    const page = region.pages.find(({ delta }) => delta === (at & ~0xfff));
    return page === undefined ? 0 : memory[(page.frame >>> 0) + (at & 0xfff)];
  });
}

interface Part {
  readonly record: CodeRecord | undefined;
  readonly ir: string[];
  from: number;
}

/** Operations that are listed: what instruction bodies may use (Emitter), and what a region's frame uses besides. */
const LISTED: ReadonlySet<string> = new Set([
  'binary', 'compare', 'unary', 'eqz', 'convert', 'select', 'simd', 'extractLane', 'replaceLane', 'shuffle', 'get', 'set', 'global', 'load', 'store',
  'call', 'if', 'ifRarely', 'ifMostly', 'block', 'loop', 'branch', 'branchTable', 'returnCall', 'returnCallDefined', 'unreachable',
]);
/** Of a handler's signature. */
const PARAMETERS = ['%record', '%cpu', '%fuel'];
const STRUCTURES: ReadonlySet<string> = new Set(['if', 'ifRarely', 'ifMostly', 'block', 'loop']);

class Recorder implements GenerationObserver {
  readonly parts: Part[] = [{ record: undefined, ir: [], from: 0 }];
  private readonly names = new WeakMap<object, string>();
  private values = 0;
  private labels = 0;
  private depth = 0;
  /** Within an operation: what it is made of is not listed. */
  private inside = false;
  private e: RegionFunction | undefined;

  watch(e: RegionFunction): RegionFunction {
    this.e = new Proxy(e, {
      get: (target, key, proxy) => {
        const member: unknown = Reflect.get(target, key, proxy);
        if (typeof member !== 'function' || typeof key !== 'string' || !LISTED.has(key)) return member;
        return (...args: unknown[]) => this.listed(key, args, (given) => member.apply(proxy, given));
      },
    });
    return this.e;
  }

  instruction(record: CodeRecord | undefined): void {
    const part: Part = { record, ir: [], from: 0 };
    this.parts.push(part);
    this.e?.place((offset) => (part.from = offset));
  }

  private listed(operation: string, args: readonly unknown[], run: (args: unknown[]) => unknown): unknown {
    if (this.inside) return run([...args]);
    if (STRUCTURES.has(operation)) return this.structure(operation, args, run);
    this.inside = true;
    const result = run([...args]);
    this.inside = false;
    const text = [operation, ...args.map((arg) => this.text(arg))].join(' ');
    // A known value, or one that there was before, is no operation.
    if (!isValue(result)) this.say(text);
    else if (!this.isNamed(result)) this.say(`${this.nameOf(result)} = ${text}`);
    return result;
  }

  private structure(operation: string, args: readonly unknown[], run: (args: unknown[]) => unknown): unknown {
    const bodies = args.filter((arg) => typeof arg === 'function').length;
    const operands = args.filter((arg) => arg !== undefined && typeof arg !== 'function').map((arg) => this.text(arg));
    let body = 0;
    const given = args.map((arg) => {
      if (typeof arg !== 'function') return arg;
      return (label?: object) => {
        if (body++ > 0) this.say('else');
        else {
          if (label) this.names.set(label, `@${++this.labels}`);
          this.say([operation, ...(label ? [this.text(label)] : []), ...operands].join(' '));
        }
        this.depth++;
        this.inside = false;
        arg(label);
        this.inside = true;
        this.depth--;
        if (body === bodies) this.say('end');
      };
    });
    this.inside = true;
    const result = run(given);
    this.inside = false;
    return result;
  }

  private say(text: string): void {
    this.parts[this.parts.length - 1].ir.push('  '.repeat(this.depth) + text);
  }
  private isNamed(value: Val): boolean {
    return this.names.has(value) || this.e?.constantOf(value) !== undefined;
  }
  private nameOf(value: Val): string {
    const name = `%${++this.values}`;
    this.names.set(value, name);
    return name;
  }

  private text(arg: unknown): string {
    if (typeof arg !== 'object' || arg === null) return String(arg);
    const known = this.names.get(arg);
    if (known !== undefined) return known;
    if (Array.isArray(arg)) return `(${arg.map((each) => this.text(each)).join(' ')})`;
    if (isVariable(arg)) return `$${arg.name ?? arg.local}`;
    if (isValue(arg)) {
      const constant = this.e?.constantOf(arg);
      return constant === undefined ? (this.parameter(arg) ?? `${arg.type}.const`) : String(constant);
    }
    return 'name' in arg ? String(arg.name) : '';
  }
  /** Parameters are made anew at each use, and lie in locals. */
  private parameter(value: Val): string | undefined {
    return PARAMETERS[(value as unknown as { readonly local: number }).local];
  }
}

const isValue = (value: unknown): value is Val => typeof value === 'object' && value !== null && 'type' in value && 'args' in value;
const isVariable = (value: object): value is Variable => 'type' in value && 'local' in value && !('args' in value);
