/**
 * A start of a machine whose guest has to be loaded first, for a reset or after power-off: nothing keeps kernel and initrd
 * while the guest runs.
 */
import type { BootPlan } from './loaders/boot-plan.ts';

export interface LateStartEvents {
  loaded(plan: BootPlan): void;
  /** `proceed` tries again. */
  failed(error: unknown): void;
}

export class LateStart {
  /** The machine runs when it has started. */
  goesOn: boolean;
  private readonly load: () => Promise<BootPlan>;
  private readonly events: LateStartEvents;
  private loading = false;

  constructor(load: () => Promise<BootPlan>, goesOn: boolean, events: LateStartEvents) {
    this.load = load;
    this.events = events;
    this.goesOn = goesOn;
    this.proceed(goesOn);
  }

  /** Loads, unless that is under way. */
  proceed(goesOn: boolean): void {
    this.goesOn = goesOn;
    if (this.loading) return;
    this.loading = true;
    this.load().then((plan) => this.events.loaded(plan)).catch((error: unknown) => {
      this.loading = this.goesOn = false;
      this.events.failed(error);
    });
  }
}
