/**
 * What the vCPUs of one page pool share: decoded and compiled code, and the instances of the modules that run it. Code
 * belongs to frames, whoever maps them; a slow path that it calls goes to the vCPU that runs.
 */
import { CodeCache } from '../interp/code-cache.ts';
import { Decoders } from '../interp/decoders.ts';
import { HANDLERS } from '../interp/handlers.ts';
import { type Enter, type InterpreterImports, instantiateInterpreter, instantiateWideHandlers } from '../interp/interpreter.ts';
import type { RecordKernel } from '../interp/kernel-interface.ts';
import { Translator } from '../interp/translator.ts';
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import { RegionCompiler, type RegionCompilerOptions } from '../jit/compiler.ts';
import type { Arena } from '../memory/arena.ts';
import type { PagePool } from '../memory/pool.ts';
import * as L from './layout.ts';
import type { AreaKernel } from './x87/state-area.ts';

/** The compiled modules that every vCPU runs on; scripts/build-wasm.ts makes them. */
export interface CpuModules {
  readonly interpreter: WebAssembly.Module;
  /** The module of the handlers of 64-bit code and VEX instructions; compressed (gzip), if it is to be compiled when a guest first has some. */
  readonly wideHandlers: WebAssembly.Module | Uint8Array;
  /** Leaf kernels: x87 and exact SSE arithmetic. */
  readonly kernel: WebAssembly.Module;
  /** Script of the thread that compiles hot code; without it the machine's own does. */
  readonly compilerScript?: string;
}

/** A function that handlers and regions import; its first argument is the base of the vCPU's state. */
export type Import = (base: number, a: number, b: number, c: number, d: number, e: number) => number;
/** By name, in the same order for every vCPU. */
export type Imports = ReadonlyMap<string, Import>;

/** Functions of the leaf kernel that slow paths call, as SYSTEM_KERNEL_TYPES has them, and the translator. */
export interface Kernel extends AreaKernel, RecordKernel {
  deliver_event(cpu: number, vector: number, error: number, hasError: number, flags: number): number;
}

/** More misses of numbers in one slice make code careful; so do misses of PE in slices one after the other: programs set it when they first round. */
const MOST_NUMBERS_MISSED = 64, MOST_ROUNDING_MISSED = 20_000;

const engines = new WeakMap<PagePool, Engine>();

export class Engine {
  readonly decoders = new Decoders(INSTRUCTION_SET);
  readonly code: CodeCache;
  readonly compiler: RegionCompiler;
  readonly kernel: Kernel;
  private readonly arena: Arena;
  private readonly table: WebAssembly.Table;
  private readonly imports: InterpreterImports;
  private readonly run: Enter;
  /** Until they are instantiated. */
  private wideHandlers: CpuModules['wideHandlers'] | undefined;
  private current: readonly Import[] = [];
  /** In the last slices, as long as there were any. */
  private roundingMissed = 0;

  /** The pool's engine, made at the first call. */
  static of(pool: PagePool, modules: CpuModules, imports: Imports, options: RegionCompilerOptions): Engine {
    let engine = engines.get(pool);
    if (!engine) {
      engine = new Engine(pool, modules, imports, options);
      engines.set(pool, engine);
    }
    return engine;
  }

  private constructor(pool: PagePool, modules: CpuModules, imports: Imports, options: RegionCompilerOptions) {
    const { arena } = pool;
    this.arena = arena;
    this.wideHandlers = modules.wideHandlers;
    const firstRegion = HANDLERS.end;
    const kernel = new WebAssembly.Instance(modules.kernel, { env: { memory: arena.memory } }).exports as WebAssembly.ModuleImports;
    this.kernel = kernel as unknown as Kernel;
    this.code = new CodeCache(pool, this.translator(), firstRegion);
    const cpu: WebAssembly.ModuleImports = {};
    [...imports.keys()].forEach((name, i) => {
      const call: Import = (base, a, b, c, d, e) => this.current[i](base, a, b, c, d, e);
      cpu[name] = call;
    });
    this.imports = { cpu, kernel };
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: firstRegion });
    const { enter, ...interpreter } = instantiateInterpreter(modules.interpreter, arena, this.table, this.imports);
    this.run = enter;
    if (modules.wideHandlers instanceof WebAssembly.Module) this.loadWideHandlers();
    const shared = { env: { memory: arena.memory }, interpreter, cpu, kernel };
    this.compiler = new RegionCompiler(arena, this.code, this.table, shared, options);
  }

  /** A translator whose records this engine can run. */
  translator(): Translator {
    return new Translator(this.arena, this.decoders, HANDLERS, this.kernel, () => this.loadWideHandlers());
  }
  private loadWideHandlers(): void {
    if (this.wideHandlers === undefined) return;
    instantiateWideHandlers(this.wideHandlers, this.arena, this.table, this.imports);
    this.wideHandlers = undefined;
  }

  /** To call between two slices of a vCPU, while no code runs. */
  work(cpu: number): void {
    this.watchNumbers(cpu);
    this.compiler.work();
  }

  private watchNumbers(cpu: number): void {
    const { i32, u32 } = this.arena;
    const [numbers, rounding] = [(cpu + L.NUMBERS_MISSED) >>> 2, (cpu + L.ROUNDING_MISSED) >>> 2];
    this.roundingMissed = i32[rounding] === 0 ? 0 : this.roundingMissed + i32[rounding];
    if (i32[numbers] > MOST_NUMBERS_MISSED || this.roundingMissed > MOST_ROUNDING_MISSED) {
      this.code.takeCare(u32[(cpu + L.MISSED_AT) >>> 2]);
      this.roundingMissed = 0;
    }
    i32[numbers] = 0;
    i32[rounding] = 0;
  }

  /** Runs a vCPU from a record on; `imports` are the values of its map. */
  enter(imports: readonly Import[], record: number, cpu: number, fuel: number): number {
    this.current = imports;
    return this.run(record, cpu, fuel);
  }
}
