/** Makes running handlers return before the next instruction: the record that they would go on to stops them. */
import * as R from '../interp/record.ts';
import { HANDLER_STOP } from '../interp/variant.ts';
import type { Arena } from '../memory/arena.ts';

export class HandlerStop {
  /** How often handlers were made to stop. */
  count = 0;
  private readonly arena: Arena;
  /** Records that were changed, each with its handler. */
  private readonly patched: number[] = [];

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** They are going to stop. */
  get isDue(): boolean {
    return this.patched.length > 0;
  }

  /** After the instruction at a record. */
  after(record: number): void {
    this.count++;
    const next = record + R.RECORD_SIZE;
    const { u32 } = this.arena;
    if (u32[next >>> 2] === HANDLER_STOP) return;
    this.patched.push(next, u32[next >>> 2]);
    u32[next >>> 2] = HANDLER_STOP;
  }

  /** Once they have stopped: the records are as they were. */
  undo(): void {
    while (this.patched.length > 0) {
      const handler = this.patched.pop() as number;
      this.arena.u32[(this.patched.pop() as number) >>> 2] = handler;
    }
  }
}
