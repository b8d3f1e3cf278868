/** A wire that several sources drive: high while at least one of them holds it high. */
import type { IrqLine } from './device.ts';

export class WiredOr {
  private readonly asserted = new Set<object>();
  private readonly changed: (level: boolean) => void;

  /** @param changed hears every drive, with the level that results */
  constructor(changed: (level: boolean) => void) {
    this.changed = changed;
  }

  get level(): boolean {
    return this.asserted.size > 0;
  }

  /** A new source. */
  source(): IrqLine {
    const key = {};
    return {
      set: (level) => {
        if (level) this.asserted.add(key);
        else this.asserted.delete(key);
        this.changed(this.level);
      },
    };
  }

  /** Forgets who drives the wire, and tells nobody; sources that still mean it drive it again. */
  release(): void {
    this.asserted.clear();
  }
}
