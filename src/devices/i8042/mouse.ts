/**
 * The mouse behind the controller: a PS/2 mouse that the IntelliMouse knocks turn into one with a wheel (identifier 3)
 * or with a wheel and five buttons (identifier 4).
 *
 * Movement adds up until the guest has taken the last packet, so that a slow guest sees few large steps.
 * References: [IBM PS/2 HITR, "Mouse"]; the knocks: sample rates 200, 100, 80 and 200, 200, 80.
 */
import {
  MOUSE_READ_DATA, MOUSE_REMOTE, MOUSE_RESET_WRAP, MOUSE_SCALE_1_1, MOUSE_SCALE_2_1, MOUSE_SET_RESOLUTION,
  MOUSE_STATUS, MOUSE_STREAM, MOUSE_WRAP, PACKET_ALWAYS, PACKET_X_SIGN, PACKET_Y_SIGN, PS2_ACK, PS2_BAT_OK,
  PS2_BUFFER, PS2_DEFAULTS, PS2_DISABLE, PS2_ENABLE, PS2_IDENTIFY, PS2_RESEND, PS2_RESET, PS2_SET_RATE,
} from './registers.ts';

const ID_STANDARD = 0, ID_WHEEL = 3, ID_EXPLORER = 4;
const KNOCK_WHEEL = '200,100,80', KNOCK_EXPLORER = '200,200,80';
const STATUS_REMOTE = 0x40, STATUS_ENABLED = 0x20, STATUS_SCALE_2_1 = 0x10;
/** Small steps in 2:1 scaling; larger ones double. */
const SCALE_2_1 = [0, 1, 1, 3, 6, 9];
const STEP_MAX = 255, WHEEL_MAX = 7;

/** What happened since the last report. */
export interface MouseMove {
  /** To the right and downwards, in counts. */
  readonly dx: number;
  readonly dy: number;
  /** Wheel notches towards the user. */
  readonly dz?: number;
  /** Bit 0 left, 1 right, 2 middle, 3 back, 4 forward. */
  readonly buttons: number;
}

export interface MouseState {
  readonly replies: readonly number[];
  readonly packet: readonly number[];
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly buttons: number;
  readonly reported: number;
  readonly identifier: number;
  readonly enabled: boolean;
  readonly remote: boolean;
  readonly wrap: boolean;
  readonly scale2: boolean;
  readonly resolution: number;
  readonly rate: number;
  readonly knock: readonly number[];
  readonly expecting: number | undefined;
  readonly last: number;
}

export class Ps2Mouse {
  private readonly dataReady: () => void;
  private replies: number[] = [];
  private packet: number[] = [];
  /** Movement that was not reported yet; y grows upwards, z towards the user. */
  private x = 0;
  private y = 0;
  private z = 0;
  private buttons = 0;
  private reported = 0;
  private identifier = ID_STANDARD;
  private enabled = false;
  private remote = false;
  private wrap = false;
  private scale2 = false;
  private resolution = 2;
  private rate = 100;
  /** The last sample rates set, to recognise a knock. */
  private knock: number[] = [];
  private expecting: number | undefined = undefined;
  private last = 0;

  /** `dataReady` is called when there is something to take. */
  constructor(dataReady: () => void) {
    this.dataReady = dataReady;
  }

  reset(): void {
    this.replies = [];
    this.expecting = undefined;
    this.last = 0;
    this.buttons = 0;
    this.setDefaults();
    this.identifier = ID_STANDARD;
  }

  move(report: MouseMove): void {
    this.x += report.dx;
    this.y -= report.dy;
    this.z += report.dz ?? 0;
    this.buttons = report.buttons & 0x1f;
    if (!this.streaming) {
      // Only remote mode keeps movement until it is asked for.
      if (!this.remote) this.forget();
      return;
    }
    this.dataReady();
  }

  get hasData(): boolean {
    return this.replies.length + this.packet.length > 0 || (this.streaming && this.changed);
  }

  take(): number | undefined {
    const reply = this.replies.shift();
    if (reply === undefined && this.packet.length === 0 && this.streaming && this.changed) this.packet = this.report();
    const byte = reply ?? this.packet.shift();
    if (byte !== undefined) this.last = byte;
    return byte;
  }

  /** A byte from the guest. */
  write(value: number): void {
    const command = this.expecting;
    this.expecting = undefined;
    if (this.wrap && value !== PS2_RESET && value !== MOUSE_RESET_WRAP) this.echo(value);
    else if (command === undefined) this.command(value);
    else this.parameter(command, value);
    this.dataReady();
  }

  save(): MouseState {
    const { x, y, z, buttons, reported, identifier, enabled, remote, wrap, scale2, resolution, rate, expecting, last } = this;
    return {
      x, y, z, buttons, reported, identifier, enabled, remote, wrap, scale2, resolution, rate, expecting, last,
      replies: this.replies.slice(),
      packet: this.packet.slice(),
      knock: this.knock.slice(),
    };
  }

  restore(state: MouseState): void {
    this.replies = state.replies.slice();
    this.packet = state.packet.slice();
    this.knock = state.knock.slice();
    this.x = state.x;
    this.y = state.y;
    this.z = state.z;
    this.buttons = state.buttons;
    this.reported = state.reported;
    this.identifier = state.identifier;
    this.enabled = state.enabled;
    this.remote = state.remote;
    this.wrap = state.wrap;
    this.scale2 = state.scale2;
    this.resolution = state.resolution;
    this.rate = state.rate;
    this.expecting = state.expecting;
    this.last = state.last;
  }

  private get streaming(): boolean {
    return this.enabled && !this.remote && !this.wrap;
  }

  private get changed(): boolean {
    const wheel = this.identifier !== ID_STANDARD && this.z !== 0;
    return this.x !== 0 || this.y !== 0 || wheel || this.buttons !== this.reported;
  }

  private command(value: number): void {
    // A command ends the packet that is under way.
    this.packet = [];
    if (value !== PS2_RESEND) this.replies = [PS2_ACK];
    switch (value) {
      case MOUSE_SCALE_1_1:
      case MOUSE_SCALE_2_1:
        this.scale2 = value === MOUSE_SCALE_2_1;
        break;
      case MOUSE_SET_RESOLUTION:
      case PS2_SET_RATE:
        this.expecting = value;
        break;
      case MOUSE_STATUS:
        this.replies.push(this.statusByte(), this.resolution, this.rate);
        break;
      case MOUSE_STREAM:
      case MOUSE_REMOTE:
        this.remote = value === MOUSE_REMOTE;
        break;
      case MOUSE_READ_DATA:
        this.replies.push(...this.report());
        break;
      case MOUSE_WRAP:
      case MOUSE_RESET_WRAP:
        this.wrap = value === MOUSE_WRAP;
        break;
      case PS2_IDENTIFY:
        this.replies.push(this.identifier);
        break;
      case PS2_ENABLE:
      case PS2_DISABLE:
        this.enabled = value === PS2_ENABLE;
        this.forget();
        break;
      case PS2_DEFAULTS:
        this.setDefaults();
        break;
      case PS2_RESET:
        this.setDefaults();
        this.identifier = ID_STANDARD;
        this.replies.push(PS2_BAT_OK, ID_STANDARD);
        break;
      default:
        this.replies = [value === PS2_RESEND ? this.last : PS2_RESEND];
    }
  }

  /** What does not fit is lost. */
  private echo(value: number): void {
    if (this.replies.length < PS2_BUFFER) this.replies.push(value);
  }

  private parameter(command: number, value: number): void {
    this.replies = [PS2_ACK];
    if (command === MOUSE_SET_RESOLUTION) {
      this.resolution = value & 3;
      return;
    }
    this.rate = value;
    this.knock = [...this.knock, value].slice(-3);
    const sequence = this.knock.join();
    if (sequence === KNOCK_WHEEL && this.identifier === ID_STANDARD) this.identifier = ID_WHEEL;
    else if (sequence === KNOCK_EXPLORER) this.identifier = ID_EXPLORER;
  }

  private setDefaults(): void {
    this.enabled = false;
    this.remote = false;
    this.wrap = false;
    this.scale2 = false;
    this.resolution = 2;
    this.rate = 100;
    this.knock = [];
    this.packet = [];
    this.forget();
  }

  private forget(): void {
    this.x = 0;
    this.y = 0;
    this.z = 0;
    this.reported = this.buttons;
  }

  private statusByte(): number {
    const { buttons } = this;
    const flags = (this.remote ? STATUS_REMOTE : 0) | (this.enabled ? STATUS_ENABLED : 0) | (this.scale2 ? STATUS_SCALE_2_1 : 0);
    return flags | ((buttons & 1) << 2) | ((buttons & 2) >> 1) | ((buttons & 4) >> 1);
  }

  /** A packet with as much of the movement as fits; the rest stays for the next one. */
  private report(): number[] {
    const stepX = clamp(this.x, STEP_MAX);
    const stepY = clamp(this.y, STEP_MAX);
    this.x -= stepX;
    this.y -= stepY;
    this.reported = this.buttons;
    const x = this.scaled(stepX);
    const y = this.scaled(stepY);
    const signs = (x < 0 ? PACKET_X_SIGN : 0) | (y < 0 ? PACKET_Y_SIGN : 0);
    const packet = [PACKET_ALWAYS | (this.buttons & 7) | signs, x & 0xff, y & 0xff];
    if (this.identifier === ID_STANDARD) {
      this.z = 0;
      return packet;
    }
    const z = clamp(this.z, WHEEL_MAX);
    this.z -= z;
    if (this.identifier === ID_WHEEL) packet.push(z & 0xff);
    else packet.push((z & 0x0f) | ((this.buttons & 0x18) << 1));
    return packet;
  }

  private scaled(step: number): number {
    if (!this.scale2 || this.remote) return step;
    const size = Math.abs(step);
    return clamp(Math.sign(step) * (SCALE_2_1[size] ?? 2 * size), STEP_MAX);
  }
}

function clamp(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}
