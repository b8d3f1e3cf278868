/**
 * Engines compile a function when it first runs, and what they make belongs to the module, whichever of its instances it was that ran. So the
 * compiler thread runs regions before the machine gets them: with a state and a memory of zeros, in which it means nothing.
 */
import { stubImports } from '../wasm/stubs.ts';

const WASM_PAGE = 65536;
const PAGES = 4;
/** Where a record and the state might be, and enough fuel to come into a region. */
const RECORD = WASM_PAGE, CPU = 2 * WASM_PAGE, FUEL = 1000;

export class FirstRun {
  private readonly memory: WebAssembly.Memory;

  constructor(memory = new WebAssembly.Memory({ initial: PAGES })) {
    this.memory = memory;
  }

  /** @param module of regions, as `generateModule` makes them */
  of(module: WebAssembly.Module): void {
    const { exports } = new WebAssembly.Instance(module, stubImports(module, { memory: this.memory }));
    for (const entry of Object.values(exports)) {
      if (typeof entry !== 'function') continue;
      try {
        entry(RECORD, CPU, FUEL);
      } catch {
        // It has reached past the memory, or wanted another kind of 0.
      }
    }
  }
}
