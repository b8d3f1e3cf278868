/**
 * A debug console of one port: every byte written goes to the host. Bochs has it at E9h, SeaBIOS writes to 402h; both
 * recognise it by the value that a read gives.
 */
import type { BusRegistrar, Device, Width } from './device.ts';

/** What a read gives: proof that somebody listens. */
const READBACK = 0xe9;

export interface DebugPortOptions {
  readonly id: string;
  /** 0xe9 or 0x402. */
  readonly base: number;
  readonly output: (byte: number) => void;
}

export interface DebugPortState {
  readonly version: 1;
}

export class DebugPort implements Device<DebugPortState> {
  readonly id: string;
  private readonly base: number;
  private readonly output: (byte: number) => void;

  constructor(options: DebugPortOptions) {
    this.id = options.id;
    this.base = options.base;
    this.output = options.output;
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: () => READBACK,
      write: (_offset: number, _width: Width, value: number) => this.output(value),
    };
    bus.ports(this.id, 1, handler).mapAt(this.base);
  }

  reset(): void {}

  save(): DebugPortState {
    return { version: 1 };
  }

  restore(): void {}
}
