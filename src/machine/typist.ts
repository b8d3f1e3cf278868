/**
 * Types on the guest's keyboard no faster than a guest takes it: a key event at a time, with a pause of virtual time,
 * since firmware and boot loaders buffer few keys and lose the rest.
 */
import type { Clock, Timer } from '../devices/device.ts';
import type { Keystroke } from '../devices/i8042/us-layout.ts';
import { ticks } from '../memory/address.ts';

/** Virtual time between two events: a quick typist's. */
const EVENT_NS = 10_000_000;

export class Typist {
  private readonly clock: Clock;
  private readonly timer: Timer;
  private readonly key: (code: string, down: boolean) => void;
  private strokes: Keystroke[] = [];

  /** @param key moves a key, at an instruction boundary */
  constructor(clock: Clock, key: (code: string, down: boolean) => void) {
    this.clock = clock;
    this.key = key;
    this.timer = clock.timer('typist', () => this.next());
  }

  /** Adds to what is being typed. At an instruction boundary. */
  type(strokes: readonly Keystroke[]): void {
    this.strokes.push(...strokes);
    if (this.timer.deadline === undefined) this.next();
  }

  reset(): void {
    this.strokes = [];
    this.timer.cancel();
  }

  private next(): void {
    const stroke = this.strokes.shift();
    if (stroke === undefined) return;
    this.key(stroke.code, stroke.down);
    this.timer.armAt(ticks(this.clock.now + EVENT_NS));
  }
}
