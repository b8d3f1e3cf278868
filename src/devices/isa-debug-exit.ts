/** QEMU's isa-debug-exit: a write ends the machine with an exit status, so that a test in the guest can report. */
import type { BusRegistrar, Device, Width } from './device.ts';

export interface IsaDebugExitOptions {
  /** Default: 0x501, as QEMU's. */
  readonly base?: number;
  /** Number of ports. Default: 2. */
  readonly size?: number;
  /** Gets the exit status: twice the written value plus one. */
  readonly onExit: (status: number) => void;
}

export interface IsaDebugExitState {
  readonly version: 1;
}

export class IsaDebugExit implements Device<IsaDebugExitState> {
  readonly id = 'isa-debug-exit';
  private readonly base: number;
  private readonly size: number;
  private readonly onExit: (status: number) => void;

  constructor(options: IsaDebugExitOptions) {
    this.base = options.base ?? 0x501;
    this.size = options.size ?? 2;
    this.onExit = options.onExit;
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: () => 0,
      write: (_offset: number, _width: Width, value: number) => this.onExit(((value << 1) | 1) & 0xff),
    };
    bus.ports(this.id, this.size, handler, { widths: [1, 2, 4] }).mapAt(this.base);
  }

  reset(): void {}

  save(): IsaDebugExitState {
    return { version: 1 };
  }

  restore(): void {}
}
