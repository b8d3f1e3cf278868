/**
 * What the core rooms may use of their host beyond ECMAScript: the same in browsers and in Node. tsconfig.core.json checks
 * the core with these and without the types of either.
 */
type BufferSource = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

declare namespace WebAssembly {
  type ModuleImports = Record<string, unknown>;
  type Imports = Record<string, ModuleImports>;
  // Functions, memories, tables and globals; who takes one says which.
  type Exports = Record<string, unknown>;
  type ExportValue = unknown;

  class Module {
    constructor(bytes: BufferSource);
    static imports(module: Module): { readonly module: string; readonly name: string; readonly kind: string }[];
  }

  function compile(bytes: BufferSource): Promise<Module>;

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value: unknown): void;
    grow(entries: number): number;
  }
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
