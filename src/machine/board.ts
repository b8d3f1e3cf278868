/** What a machine asks of its board: the devices behind a few doors. */
import type { LocalApicPort } from '../cpu/context.ts';
import type { ResetKind } from '../devices/device.ts';
import type { MouseMove } from '../devices/i8042/mouse.ts';
import type { Frame } from '../devices/vga/renderer/renderer.ts';
import type { BootPlan } from './loaders/boot-plan.ts';

/** The processor's interrupt pin and the cycle that fetches the vector. */
export interface InterruptSource {
  readonly pending: boolean;
  acknowledge(): number;
}

/** A screen to look at. */
export interface Screen {
  /** The picture if it changed since the last call. */
  render(): Frame | undefined;
  /** The picture as of the last `render`. */
  readonly current: Frame;
  /** The characters, a string a row; undefined in graphics modes. */
  textScreen(): string[] | undefined;
}

export interface SerialPort {
  receive(bytes: Uint8Array): void;
}

export interface KeyboardInput {
  /** `code` as in `KeyboardEvent.code`. */
  key(code: string, down: boolean): void;
  releaseAll(): void;
}

export interface MouseInput {
  move(report: MouseMove): void;
}

export interface Board {
  readonly interrupts: InterruptSource;
  /** The processor's end of its local APIC. */
  readonly apic: LocalApicPort | undefined;
  readonly serialPorts: readonly SerialPort[];
  readonly screen: Screen;
  readonly keyboard: KeyboardInput;
  readonly mouse: MouseInput;
  /** FERR# has this level: an x87 exception that the guest wants as an interrupt. Returns whether IGNNE# is asserted. */
  coprocessorError(ferr: boolean): boolean;
  /** A guest with ACPI powers off in answer. */
  pressPowerButton(): void;
  /** All devices, then all lines. */
  reset(kind: ResetKind): void;
  /** After a reset, for a guest that starts without firmware: what firmware would have set up, then the guest itself. */
  prepareDirectBoot(plan: BootPlan): void;
}
