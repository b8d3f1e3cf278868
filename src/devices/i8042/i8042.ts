/**
 * The 8042 keyboard controller with its auxiliary port: moves bytes between the ports 60h and 64h and a keyboard and a
 * mouse, translates scan codes, and drives the A20 gate and the processor's reset.
 *
 * A byte from a device takes a while on its wire, so that a handler that reads the data port twice gets the same byte.
 * References: [IBM PS/2 HITR, "Keyboard and Auxiliary Device Controller"].
 * Deviations: translation is on after a reset, as firmware leaves it, so that a guest booted without firmware reads scan
 * code set 1; the interrupt of a keyboard byte needs the keyboard's clock on as well (as in QEMU).
 */
import { ticks } from '../../memory/address.ts';
import type { BusRegistrar, Clock, Device, IrqLine, Timer, Width } from '../device.ts';
import { type KeyboardState, Ps2Keyboard } from './keyboard.ts';
import { type MouseState, Ps2Mouse } from './mouse.ts';
import {
  CCB_AUX_DISABLE, CCB_AUX_INT, CCB_KBD_DISABLE, CCB_KBD_INT, CCB_SYS, CCB_TRANSLATE, CMD_A20_OFF, CMD_A20_ON,
  CMD_AUX_DISABLE, CMD_AUX_ENABLE, CMD_AUX_TEST, CMD_KBD_DISABLE, CMD_KBD_ENABLE, CMD_KBD_TEST, CMD_PULSE_OUTPUT,
  CMD_READ_INPUT_PORT, CMD_READ_OUTPUT_PORT, CMD_READ_RAM, CMD_READ_TEST_INPUTS, CMD_SELF_TEST, CMD_WRITE_AUX,
  CMD_WRITE_AUX_BUFFER, CMD_WRITE_KBD_BUFFER, CMD_WRITE_OUTPUT_PORT, CMD_WRITE_RAM, OUT_A20, OUT_AUX_OBF, OUT_DEFAULT,
  OUT_KBD_OBF, OUT_RESET_N, PORT_DATA, PORT_STATUS, PS2_BUFFER, SELF_TEST_PASSED, STATUS_A2, STATUS_AUX_OBF, STATUS_INH,
  STATUS_OBF, STATUS_SYS,
} from './registers.ts';
import { translate } from './scancodes.ts';

/** What a byte needs on the wire, shortened: eleven bits at 10 to 16.7 kHz take 0.7 to 1.1 milliseconds. */
const BYTE_NS = 200_000;
const BREAK_PREFIX = 0xf0;
const INPUT_PORT = 0x80;
const RAM_SIZE = 32;

type Source = 'controller' | 'keyboard' | 'mouse';

export interface I8042Options {
  readonly clock: Clock;
  /** Interrupt requests 1 and 12. */
  readonly keyboardIrq: IrqLine;
  readonly mouseIrq: IrqLine;
  /** The A20 gate opens or closes. */
  readonly a20: (enabled: boolean) => void;
  /** The processor's reset line is pulsed. */
  readonly resetCpu: () => void;
  /** The guest sets the LEDs: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  readonly leds?: (leds: number) => void;
}

export interface I8042State {
  readonly version: 1;
  readonly data: number;
  readonly full: Source | undefined;
  readonly replies: readonly { readonly byte: number; readonly source: Source }[];
  readonly ram: readonly number[];
  readonly outputPort: number;
  readonly lastWasCommand: boolean;
  readonly expecting: number | undefined;
  readonly released: boolean;
  readonly arrival: number | undefined;
  readonly keyboard: KeyboardState;
  readonly mouse: MouseState;
}

export class I8042 implements Device<I8042State> {
  readonly id = 'i8042';
  readonly keyboard: Ps2Keyboard;
  readonly mouse: Ps2Mouse;
  private readonly options: I8042Options;
  private readonly arrival: Timer;
  /** The output buffer and whose byte it holds; undefined: it is empty. */
  private data = 0;
  private full: Source | undefined = undefined;
  /** What the controller itself has to say, while the buffer is full. */
  private replies: { byte: number; source: Source }[] = [];
  /** Byte 0 is the command byte. */
  private ram = new Array<number>(RAM_SIZE).fill(0);
  private outputPort = OUT_DEFAULT;
  private lastWasCommand = false;
  /** The command whose parameter comes next through the data port. */
  private expecting: number | undefined = undefined;
  /** Translation: an F0 prefix came, so the next code is a release. */
  private released = false;

  constructor(options: I8042Options) {
    this.options = options;
    this.arrival = options.clock.timer('i8042', () => this.onArrival());
    const dataReady = (): void => this.fill();
    this.keyboard = new Ps2Keyboard({ clock: options.clock, dataReady, leds: options.leds });
    this.mouse = new Ps2Mouse(dataReady);
  }

  attach(bus: BusRegistrar): void {
    const data = {
      read: () => this.readData(),
      write: (_offset: number, _width: Width, value: number) => this.writeData(value),
    };
    const command = {
      read: () => this.readStatus(),
      write: (_offset: number, _width: Width, value: number) => this.writeCommand(value),
    };
    bus.ports('i8042-data', 1, data).mapAt(PORT_DATA);
    bus.ports('i8042-command', 1, command).mapAt(PORT_STATUS);
  }

  /** The A20 gate is open afterwards; the board opens it. */
  reset(): void {
    this.data = 0;
    this.full = undefined;
    this.replies = [];
    this.ram.fill(0);
    this.ccb = CCB_KBD_INT | CCB_AUX_INT | CCB_TRANSLATE;
    this.outputPort = OUT_DEFAULT;
    this.lastWasCommand = false;
    this.expecting = undefined;
    this.released = false;
    this.arrival.cancel();
    this.keyboard.reset();
    this.mouse.reset();
  }

  save(): I8042State {
    const { data, full, outputPort, lastWasCommand, expecting, released } = this;
    return {
      version: 1, data, full, outputPort, lastWasCommand, expecting, released,
      replies: this.replies.slice(),
      ram: this.ram.slice(),
      arrival: this.arrival.deadline,
      keyboard: this.keyboard.save(),
      mouse: this.mouse.save(),
    };
  }

  restore(state: I8042State): void {
    this.data = state.data;
    this.full = state.full;
    this.replies = state.replies.slice();
    this.ram = state.ram.slice();
    this.outputPort = state.outputPort;
    this.lastWasCommand = state.lastWasCommand;
    this.expecting = state.expecting;
    this.released = state.released;
    this.keyboard.restore(state.keyboard);
    this.mouse.restore(state.mouse);
    if (state.arrival === undefined) this.arrival.cancel();
    else this.arrival.armAt(ticks(state.arrival));
    this.options.a20((this.outputPort & OUT_A20) !== 0);
    this.updateLines();
  }

  private get ccb(): number {
    return this.ram[0];
  }

  private set ccb(value: number) {
    this.ram[0] = value;
  }

  private readData(): number {
    const { data } = this;
    this.full = undefined;
    this.updateLines();
    this.fill();
    return data;
  }

  private readStatus(): number {
    let status = STATUS_INH;
    if (this.full !== undefined) status |= STATUS_OBF;
    if (this.full === 'mouse') status |= STATUS_AUX_OBF;
    if ((this.ccb & CCB_SYS) !== 0) status |= STATUS_SYS;
    if (this.lastWasCommand) status |= STATUS_A2;
    return status;
  }

  private writeData(value: number): void {
    this.lastWasCommand = false;
    const command = this.expecting;
    this.expecting = undefined;
    if (command === undefined) {
      // Sending turns the keyboard's clock back on.
      this.ccb &= ~CCB_KBD_DISABLE;
      this.keyboard.write(value);
    } else if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + RAM_SIZE) {
      this.ram[command - CMD_WRITE_RAM] = value;
    } else if (command === CMD_WRITE_OUTPUT_PORT) {
      this.writeOutputPort(value);
    } else if (command === CMD_WRITE_KBD_BUFFER) {
      this.reply(value, 'keyboard');
    } else if (command === CMD_WRITE_AUX_BUFFER) {
      this.reply(value, 'mouse');
    } else {
      this.ccb &= ~CCB_AUX_DISABLE;
      this.mouse.write(value);
    }
    this.updateLines();
    this.fill();
  }

  private writeCommand(value: number): void {
    this.lastWasCommand = true;
    this.expecting = undefined;
    if (value >= CMD_PULSE_OUTPUT) {
      if ((value & OUT_RESET_N) === 0) this.options.resetCpu();
    } else if (value >= CMD_READ_RAM && value < CMD_READ_RAM + RAM_SIZE) {
      this.reply(this.ram[value - CMD_READ_RAM]);
    } else if (value >= CMD_WRITE_RAM && value < CMD_WRITE_RAM + RAM_SIZE) {
      this.expecting = value;
    } else {
      this.command(value);
    }
    this.updateLines();
    this.fill();
  }

  private command(value: number): void {
    switch (value) {
      case CMD_AUX_DISABLE:
        this.ccb |= CCB_AUX_DISABLE;
        break;
      case CMD_AUX_ENABLE:
        this.ccb &= ~CCB_AUX_DISABLE;
        break;
      case CMD_KBD_DISABLE:
        this.ccb |= CCB_KBD_DISABLE;
        break;
      case CMD_KBD_ENABLE:
        this.ccb &= ~CCB_KBD_DISABLE;
        break;
      case CMD_AUX_TEST:
      case CMD_KBD_TEST:
        this.reply(0);
        break;
      case CMD_SELF_TEST:
        this.ccb |= CCB_SYS;
        this.reply(SELF_TEST_PASSED);
        break;
      case CMD_READ_INPUT_PORT:
        this.reply(INPUT_PORT);
        break;
      case CMD_READ_OUTPUT_PORT:
        this.reply(this.readOutputPort());
        break;
      case CMD_READ_TEST_INPUTS:
        this.reply(0);
        break;
      case CMD_A20_OFF:
      case CMD_A20_ON:
        this.writeOutputPort(value === CMD_A20_ON ? this.outputPort | OUT_A20 : this.outputPort & ~OUT_A20);
        break;
      case CMD_WRITE_OUTPUT_PORT:
      case CMD_WRITE_KBD_BUFFER:
      case CMD_WRITE_AUX_BUFFER:
      case CMD_WRITE_AUX:
        this.expecting = value;
        break;
      default:
        // Unknown commands pass without an answer.
        break;
    }
  }

  private readOutputPort(): number {
    const lines = this.full === 'mouse' ? OUT_AUX_OBF : this.full === undefined ? 0 : OUT_KBD_OBF;
    return (this.outputPort & ~(OUT_KBD_OBF | OUT_AUX_OBF)) | lines;
  }

  private writeOutputPort(value: number): void {
    this.outputPort = value;
    this.options.a20((value & OUT_A20) !== 0);
    if ((value & OUT_RESET_N) === 0) {
      this.outputPort |= OUT_RESET_N;
      this.options.resetCpu();
    }
  }

  private reply(byte: number, source: Source = 'controller'): void {
    if (this.replies.length < PS2_BUFFER) this.replies.push({ byte, source });
  }

  private load(byte: number, source: Source): void {
    this.data = byte;
    this.full = source;
    this.updateLines();
  }

  /** Something may be waiting for an empty output buffer. */
  private fill(): void {
    if (this.full !== undefined) return;
    const reply = this.replies.shift();
    if (reply !== undefined) this.load(reply.byte, reply.source);
    else if (this.nextDevice() !== undefined && this.arrival.deadline === undefined) {
      this.arrival.armAt(ticks(this.options.clock.now + BYTE_NS));
    }
  }

  private nextDevice(): 'keyboard' | 'mouse' | undefined {
    if ((this.ccb & CCB_KBD_DISABLE) === 0 && this.keyboard.hasData) return 'keyboard';
    if ((this.ccb & CCB_AUX_DISABLE) === 0 && this.mouse.hasData) return 'mouse';
    return undefined;
  }

  private onArrival(): void {
    // When the buffer is full again, or the device's clock was stopped, the byte stays with the device.
    if (this.full !== undefined) return;
    const device = this.nextDevice();
    if (device === 'mouse') {
      const byte = this.mouse.take();
      if (byte !== undefined) this.load(byte, 'mouse');
    } else if (device === 'keyboard') {
      const byte = this.takeKeyboard();
      if (byte !== undefined) this.load(byte, 'keyboard');
    }
    this.fill();
  }

  private takeKeyboard(): number | undefined {
    if ((this.ccb & CCB_TRANSLATE) === 0) return this.keyboard.take();
    let byte = this.keyboard.take();
    if (byte === BREAK_PREFIX) {
      this.released = true;
      byte = this.keyboard.take();
    }
    if (byte === undefined) return undefined;
    const translated = translate(byte) | (this.released ? 0x80 : 0);
    this.released = false;
    return translated;
  }

  private updateLines(): void {
    const keyboard = this.full === 'keyboard' || this.full === 'controller';
    const enabled = (this.ccb & (CCB_KBD_INT | CCB_KBD_DISABLE)) === CCB_KBD_INT;
    this.options.keyboardIrq.set(keyboard && enabled);
    this.options.mouseIrq.set(this.full === 'mouse' && (this.ccb & CCB_AUX_INT) !== 0);
  }
}
