/**
 * The keyboard behind the controller: an MF-II keyboard with scan code sets 1 and 2, LEDs and typematic repeat.
 *
 * Keys pressed outside wait as events and become scan codes when the guest has taken what was sent before, so that fast
 * typing is not lost. References: [IBM PS/2 HITR, "Keyboards (101- and 102-Key)"].
 * Deviations: no scan code set 3; no overrun code, for the reason above.
 */
import { ticks } from '../../memory/address.ts';
import type { Clock, Timer } from '../device.ts';
import {
  KBD_ECHO, KBD_SCAN_SET, KBD_SET_LEDS, PS2_ACK, PS2_BAT_OK, PS2_BUFFER, PS2_DEFAULTS, PS2_DISABLE, PS2_ENABLE,
  PS2_IDENTIFY, PS2_RESEND, PS2_RESET, PS2_SET_RATE,
} from './registers.ts';
import { scancodes } from './scancodes.ts';

const IDENTIFIER = [0xab, 0x83];
/** 10.9 characters a second after half a second. */
const TYPEMATIC_DEFAULT = 0x2b;
const NS_PER_MS = 1e6;
const MODIFIERS = /^(Shift|Control|Alt|Meta)(Left|Right)$|^(Caps|Num|Scroll)Lock$|^Pause$/;

export interface KeyboardOptions {
  readonly clock: Clock;
  /** Called when there is something to take. */
  readonly dataReady: () => void;
  /** Called when the guest sets the LEDs: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  readonly leds?: ((leds: number) => void) | undefined;
}

interface KeyEvent {
  readonly code: string;
  readonly down: boolean;
}

export interface KeyboardState {
  readonly replies: readonly number[];
  readonly bytes: readonly number[];
  readonly events: readonly KeyEvent[];
  readonly pressed: readonly string[];
  readonly scanning: boolean;
  readonly scanSet: number;
  readonly leds: number;
  readonly typematic: number;
  readonly expecting: number | undefined;
  readonly last: number;
  readonly repeating: string | undefined;
  readonly repeatAt: number | undefined;
}

export class Ps2Keyboard {
  private readonly clock: Clock;
  private readonly dataReady: () => void;
  private readonly onLeds: ((leds: number) => void) | undefined;
  private readonly repeat: Timer;
  /** Answers to commands go before scan codes. */
  private replies: number[] = [];
  private bytes: number[] = [];
  private events: KeyEvent[] = [];
  private pressed = new Set<string>();
  private scanning = true;
  private scanSet = 2;
  private leds = 0;
  private typematic = TYPEMATIC_DEFAULT;
  /** The command whose parameter comes next. */
  private expecting: number | undefined = undefined;
  private last = 0;
  private repeating: string | undefined = undefined;

  constructor(options: KeyboardOptions) {
    this.clock = options.clock;
    this.dataReady = options.dataReady;
    this.onLeds = options.leds;
    this.repeat = options.clock.timer('keyboard.typematic', () => this.onRepeat());
  }

  reset(): void {
    this.replies = [];
    this.events = [];
    this.pressed.clear();
    this.expecting = undefined;
    this.last = 0;
    this.setDefaults();
    this.scanning = true;
    this.setLeds(0);
  }

  /** A key goes down or up; `code` as in `KeyboardEvent.code`. Repeats by the host are ignored: the keyboard has its own. */
  key(code: string, down: boolean): void {
    if (down === this.pressed.has(code)) return;
    if (down) this.pressed.add(code);
    else this.pressed.delete(code);
    if (down && !MODIFIERS.test(code)) {
      this.repeating = code;
      this.armRepeat((((this.typematic >> 5) & 3) + 1) * 250);
    } else if (this.repeating === code) {
      this.stopRepeat();
    }
    this.send({ code, down });
  }

  /** Every key goes up: the host lost the focus. */
  releaseAll(): void {
    for (const code of [...this.pressed]) this.key(code, false);
  }

  get hasData(): boolean {
    return this.replies.length + this.bytes.length + this.events.length > 0;
  }

  /** The next byte on the wire; undefined when there is none. */
  take(): number | undefined {
    const byte = this.replies.shift() ?? this.nextScancode();
    if (byte !== undefined) this.last = byte;
    return byte;
  }

  /** A byte from the guest. */
  write(value: number): void {
    const command = this.expecting;
    this.expecting = undefined;
    if (command !== undefined && value < 0x80) this.parameter(command, value);
    else this.command(value);
    this.dataReady();
  }

  save(): KeyboardState {
    const { scanning, scanSet, leds, typematic, expecting, last, repeating } = this;
    return {
      scanning, scanSet, leds, typematic, expecting, last, repeating,
      replies: this.replies.slice(),
      bytes: this.bytes.slice(),
      events: this.events.slice(),
      pressed: [...this.pressed],
      repeatAt: this.repeat.deadline,
    };
  }

  restore(state: KeyboardState): void {
    this.replies = state.replies.slice();
    this.bytes = state.bytes.slice();
    this.events = state.events.slice();
    this.pressed = new Set(state.pressed);
    this.scanning = state.scanning;
    this.scanSet = state.scanSet;
    this.setLeds(state.leds);
    this.typematic = state.typematic;
    this.expecting = state.expecting;
    this.last = state.last;
    this.repeating = state.repeating;
    if (state.repeatAt === undefined) this.repeat.cancel();
    else this.repeat.armAt(ticks(state.repeatAt));
  }

  private command(value: number): void {
    switch (value) {
      case KBD_SET_LEDS:
      case KBD_SCAN_SET:
      case PS2_SET_RATE:
        this.expecting = value;
        this.reply(PS2_ACK);
        break;
      case KBD_ECHO:
        this.reply(KBD_ECHO);
        break;
      case PS2_IDENTIFY:
        this.reply(PS2_ACK, ...IDENTIFIER);
        break;
      case PS2_ENABLE:
        this.bytes = [];
        this.scanning = true;
        this.reply(PS2_ACK);
        break;
      case PS2_DISABLE:
        this.setDefaults();
        this.scanning = false;
        this.reply(PS2_ACK);
        break;
      case PS2_DEFAULTS:
        this.setDefaults();
        this.reply(PS2_ACK);
        break;
      case PS2_RESEND:
        this.reply(this.last);
        break;
      case PS2_RESET:
        this.setDefaults();
        this.scanning = true;
        this.setLeds(0);
        this.events = [];
        this.replies = [PS2_ACK, PS2_BAT_OK];
        break;
      default:
        // F7h to FDh set key types of scan code set 3, which is not there: acknowledged and without effect.
        this.reply(value >= 0xf7 && value <= 0xfd ? PS2_ACK : PS2_RESEND);
    }
  }

  private parameter(command: number, value: number): void {
    if (command === KBD_SET_LEDS) this.setLeds(value & 7);
    else if (command === PS2_SET_RATE) this.typematic = value;
    else if (value > 2) {
      this.reply(PS2_RESEND);
      return;
    } else if (value !== 0) this.scanSet = value;
    this.reply(PS2_ACK);
    if (command === KBD_SCAN_SET && value === 0) this.reply(this.scanSet);
  }

  /** What does not fit is lost: the guest has sent command upon command without taking an answer. */
  private reply(...bytes: number[]): void {
    this.replies.push(...bytes.slice(0, PS2_BUFFER - this.replies.length));
  }

  private setDefaults(): void {
    this.bytes = [];
    this.scanSet = 2;
    this.typematic = TYPEMATIC_DEFAULT;
    this.stopRepeat();
  }

  private setLeds(leds: number): void {
    this.leds = leds;
    this.onLeds?.(leds);
  }

  private send(event: KeyEvent): void {
    if (!this.scanning) return;
    this.events.push(event);
    this.dataReady();
  }

  private nextScancode(): number | undefined {
    while (this.bytes.length === 0 && this.events.length > 0) {
      const { code, down } = this.events.shift()!;
      const either = (key: string): boolean => this.pressed.has(`${key}Left`) || this.pressed.has(`${key}Right`);
      const held = { control: either('Control'), alt: either('Alt'), shift: either('Shift') };
      this.bytes = scancodes(code, down, this.scanSet, held);
    }
    return this.bytes.shift();
  }

  private armRepeat(ms: number): void {
    this.repeat.armAt(ticks(this.clock.now + Math.round(ms * NS_PER_MS)));
  }

  private stopRepeat(): void {
    this.repeating = undefined;
    this.repeat.cancel();
  }

  private onRepeat(): void {
    if (this.repeating === undefined) return;
    // A guest that does not take the codes gets no pile of them.
    if (!this.hasData) this.send({ code: this.repeating, down: true });
    // Period: (8 + low three bits) * 2^(next two bits) * 4.17 ms.
    this.armRepeat((8 + (this.typematic & 7)) * (1 << ((this.typematic >> 3) & 3)) * 4.17);
  }
}
