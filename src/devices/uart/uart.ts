/**
 * A 16550A serial port, with the modem control lines of a plugged-in peer that is always ready.
 *
 * What comes from outside waits in a queue of the host's and arrives at the speed that the divisor sets, so that the
 * guest sees the FIFO fill, its trigger level and the character timeout as on the wire; it never overruns the guest.
 * References: [PC16550D] datasheet.
 * Deviation: a transmitted character leaves at once (the transmitter is always empty), whatever the speed: a guest that
 * waits for each character of its boot log would otherwise burn virtual time. Break is sent as nothing.
 */
import { type Ticks, ticks } from '../../memory/address.ts';
import type { BusRegistrar, Clock, Device, IrqLine, Timer, Width } from '../device.ts';
import {
  DLL, DLM, FCR, FCR_ENABLE, FCR_RCVR_RESET, FCR_TRIGGER_SHIFT, FIFO_SIZE, IER, IER_EDSSI, IER_ELSI, IER_ERBFI,
  IER_ETBEI, IER_WRITABLE, IIR, IIR_CHARACTER_TIMEOUT, IIR_FIFOS_ENABLED, IIR_MODEM_STATUS, IIR_NONE,
  IIR_RECEIVED_DATA, IIR_RECEIVER_STATUS, IIR_THR_EMPTY, LCR, LCR_DLAB, LCR_PARITY, LCR_STOP, LCR_WORD_LENGTH, LSR,
  LSR_DR, LSR_ERRORS, LSR_OE, LSR_TEMT, LSR_THRE, MCR, MCR_DTR, MCR_LOOP, MCR_OUT1, MCR_OUT2, MCR_RTS, MCR_WRITABLE,
  MSR, MSR_CTS, MSR_DCD, MSR_DCTS, MSR_DDCD, MSR_DDSR, MSR_DSR, MSR_RI, MSR_TERI, RBR, SCR, THR, TRIGGER_LEVELS,
  UART_BIT_HZ,
} from './registers.ts';

/** A FIFO that is not read asks for attention after this many character times. */
const TIMEOUT_CHARACTERS = 4;
const NS_PER_SECOND = 1e9;
/** Divisor after power-on: 9600 baud. */
const DEFAULT_DIVISOR = 12;

export interface UartOptions {
  /** 'serial0' and so on. */
  readonly id: string;
  /** 0x3f8, 0x2f8, 0x3e8, 0x2e8. */
  readonly base: number;
  readonly clock: Clock;
  readonly irq: IrqLine;
  /** Called for every byte that the guest sends. */
  readonly output: (byte: number) => void;
}

export interface UartState {
  readonly version: 1;
  readonly ier: number;
  readonly fcr: number;
  readonly lcr: number;
  readonly mcr: number;
  readonly errors: number;
  readonly msr: number;
  readonly scr: number;
  readonly divisor: number;
  readonly fifo: readonly number[];
  readonly waiting: readonly number[];
  readonly thrEmptyPending: boolean;
  readonly timeoutPending: boolean;
  readonly arrival: number | undefined;
  readonly timeout: number | undefined;
}

export class Uart implements Device<UartState> {
  readonly id: string;
  private readonly base: number;
  private readonly clock: Clock;
  private readonly irq: IrqLine;
  private readonly output: (byte: number) => void;
  /** When the next waiting character has arrived. */
  private readonly arrival: Timer;
  private readonly timeout: Timer;
  private ier = 0;
  private fcr = 0;
  private lcr = 0;
  private mcr = 0;
  private errors = 0;
  private msr = 0;
  private scr = 0;
  private divisor = DEFAULT_DIVISOR;
  private fifo: number[] = [];
  /** Characters from outside that have not arrived yet. */
  private waiting: number[] = [];
  private thrEmptyPending = false;
  private timeoutPending = false;

  constructor(options: UartOptions) {
    this.id = options.id;
    this.base = options.base;
    this.clock = options.clock;
    this.irq = options.irq;
    this.output = options.output;
    this.arrival = options.clock.timer(`${options.id}.arrival`, (now) => this.onArrival(now));
    this.timeout = options.clock.timer(`${options.id}.timeout`, () => this.onTimeout());
  }

  attach(bus: BusRegistrar): void {
    const handler = {
      read: (offset: number) => this.readPort(offset),
      write: (offset: number, _width: Width, value: number) => this.writePort(offset, value),
    };
    bus.ports(this.id, 8, handler).mapAt(this.base);
  }

  reset(): void {
    this.ier = 0;
    this.fcr = 0;
    this.lcr = 0;
    this.mcr = 0;
    this.errors = 0;
    this.msr = MSR_DCD | MSR_DSR | MSR_CTS;
    this.divisor = DEFAULT_DIVISOR;
    this.thrEmptyPending = false;
    this.clearReceiver();
  }

  /** Bytes from outside; they reach the guest at the speed of the line. Call at an instruction boundary. */
  receive(bytes: Uint8Array): void {
    for (const byte of bytes) this.waiting.push(byte);
    this.expectArrival();
  }

  save(): UartState {
    const { ier, fcr, lcr, mcr, errors, msr, scr, divisor, thrEmptyPending, timeoutPending } = this;
    return {
      version: 1, ier, fcr, lcr, mcr, errors, msr, scr, divisor, thrEmptyPending, timeoutPending,
      fifo: this.fifo.slice(),
      waiting: this.waiting.slice(),
      arrival: this.arrival.deadline,
      timeout: this.timeout.deadline,
    };
  }

  restore(state: UartState): void {
    this.ier = state.ier;
    this.fcr = state.fcr;
    this.lcr = state.lcr;
    this.mcr = state.mcr;
    this.errors = state.errors;
    this.msr = state.msr;
    this.scr = state.scr;
    this.divisor = state.divisor;
    this.fifo = state.fifo.slice();
    this.waiting = state.waiting.slice();
    this.thrEmptyPending = state.thrEmptyPending;
    this.timeoutPending = state.timeoutPending;
    rearm(this.arrival, state.arrival);
    rearm(this.timeout, state.timeout);
    this.update();
  }

  private readPort(offset: number): number {
    const dlab = (this.lcr & LCR_DLAB) !== 0;
    switch (offset) {
      case RBR:
        return dlab ? this.divisor & 0xff : this.readReceiver();
      case IER:
        return dlab ? this.divisor >> 8 : this.ier;
      case IIR:
        return this.readIir();
      case LCR:
        return this.lcr;
      case MCR:
        return this.mcr;
      case LSR:
        return this.readLsr();
      case MSR:
        return this.readMsr();
      default:
        return this.scr;
    }
  }

  private writePort(offset: number, value: number): void {
    const dlab = (this.lcr & LCR_DLAB) !== 0;
    if (dlab && offset === DLL) this.divisor = (this.divisor & 0xff00) | value;
    else if (dlab && offset === DLM) this.divisor = (this.divisor & 0x00ff) | (value << 8);
    else if (offset === THR) this.transmit(value);
    else if (offset === IER) this.writeIer(value);
    else if (offset === FCR) this.writeFcr(value);
    else if (offset === LCR) this.lcr = value;
    else if (offset === MCR) this.writeMcr(value);
    else if (offset === SCR) this.scr = value;
    this.update();
  }

  private get fifosEnabled(): boolean {
    return (this.fcr & FCR_ENABLE) !== 0;
  }

  private get capacity(): number {
    return this.fifosEnabled ? FIFO_SIZE : 1;
  }

  private get loopback(): boolean {
    return (this.mcr & MCR_LOOP) !== 0;
  }

  private get characterNs(): number {
    const bits = 1 + 5 + (this.lcr & LCR_WORD_LENGTH) + (this.lcr & LCR_PARITY ? 1 : 0) + (this.lcr & LCR_STOP ? 2 : 1);
    return Math.round((bits * Math.max(this.divisor, 1) * NS_PER_SECOND) / UART_BIT_HZ);
  }

  private transmit(byte: number): void {
    // The write acknowledges the interrupt; that the character leaves at once raises it anew.
    this.thrEmptyPending = false;
    this.update();
    this.thrEmptyPending = true;
    if (this.loopback) this.pushReceived(byte);
    else this.output(byte);
  }

  private writeIer(value: number): void {
    const before = this.ier;
    this.ier = value & IER_WRITABLE;
    // Enabling the transmitter's interrupt while it is empty interrupts; drivers rely on it to start sending.
    if ((this.ier & ~before & IER_ETBEI) !== 0) this.thrEmptyPending = true;
  }

  private writeFcr(value: number): void {
    const toggled = ((value ^ this.fcr) & FCR_ENABLE) !== 0;
    if (toggled || (value & FCR_RCVR_RESET) !== 0) this.clearReceiver();
    // The other bits are only written together with the enable bit.
    this.fcr = (value & FCR_ENABLE) !== 0 ? value : 0;
    this.expectArrival();
  }

  private clearReceiver(): void {
    this.fifo = [];
    this.timeoutPending = false;
    this.timeout.cancel();
  }

  private writeMcr(value: number): void {
    this.mcr = value & MCR_WRITABLE;
    let lines = MSR_DCD | MSR_DSR | MSR_CTS;
    if (this.loopback) {
      const { mcr } = this;
      lines = (mcr & MCR_DTR ? MSR_DSR : 0) | (mcr & MCR_RTS ? MSR_CTS : 0);
      lines |= (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0);
    }
    const changed = lines ^ this.msr;
    let deltas = this.msr & 0x0f;
    if (changed & MSR_CTS) deltas |= MSR_DCTS;
    if (changed & MSR_DSR) deltas |= MSR_DDSR;
    if (changed & MSR_DCD) deltas |= MSR_DDCD;
    // The ring indicator reports its trailing edge only.
    if (changed & this.msr & MSR_RI) deltas |= MSR_TERI;
    this.msr = lines | deltas;
    this.expectArrival();
  }

  private readReceiver(): number {
    const byte = this.fifo.shift() ?? 0;
    this.timeoutPending = false;
    this.restartTimeout();
    this.expectArrival();
    this.update();
    return byte;
  }

  private readIir(): number {
    const source = this.interruptSource();
    // Reading the identification acknowledges the transmitter's interrupt, when it is the one reported.
    if (source === IIR_THR_EMPTY) {
      this.thrEmptyPending = false;
      this.update();
    }
    return source | (this.fifosEnabled ? IIR_FIFOS_ENABLED : 0);
  }

  private readLsr(): number {
    const value = this.errors | (this.fifo.length > 0 ? LSR_DR : 0) | LSR_THRE | LSR_TEMT;
    this.errors = 0;
    this.update();
    return value;
  }

  private readMsr(): number {
    const value = this.msr;
    this.msr &= 0xf0;
    this.update();
    return value;
  }

  private pushReceived(byte: number): void {
    if (this.fifo.length < this.capacity) {
      this.fifo.push(byte);
    } else {
      this.errors |= LSR_OE;
      if (!this.fifosEnabled) this.fifo[0] = byte;
    }
    this.timeoutPending = false;
    this.restartTimeout();
  }

  private restartTimeout(): void {
    if (!this.fifosEnabled || this.fifo.length === 0) this.timeout.cancel();
    else this.timeout.armAt(ticks(this.clock.now + TIMEOUT_CHARACTERS * this.characterNs));
  }

  private onTimeout(): void {
    this.timeoutPending = true;
    this.update();
  }

  /** Lets the next waiting character arrive one character time from now, if there is room for it. */
  private expectArrival(): void {
    if (this.waiting.length === 0 || this.loopback || this.fifo.length >= this.capacity) return;
    if (this.arrival.deadline === undefined) this.arrival.armAt(ticks(this.clock.now + this.characterNs));
  }

  private onArrival(_now: Ticks): void {
    // The guest may have shrunk the FIFO or looped the line back meanwhile; the character goes on waiting then.
    if (this.loopback || this.fifo.length >= this.capacity) return;
    const byte = this.waiting.shift();
    if (byte !== undefined) this.pushReceived(byte);
    this.expectArrival();
    this.update();
  }

  private interruptSource(): number {
    const { ier } = this;
    if (ier & IER_ELSI && this.errors & LSR_ERRORS) return IIR_RECEIVER_STATUS;
    if (ier & IER_ERBFI) {
      const trigger = this.fifosEnabled ? TRIGGER_LEVELS[this.fcr >> FCR_TRIGGER_SHIFT] : 1;
      if (this.fifo.length >= trigger) return IIR_RECEIVED_DATA;
      if (this.timeoutPending) return IIR_CHARACTER_TIMEOUT;
    }
    if (ier & IER_ETBEI && this.thrEmptyPending) return IIR_THR_EMPTY;
    if (ier & IER_EDSSI && this.msr & 0x0f) return IIR_MODEM_STATUS;
    return IIR_NONE;
  }

  /** On the PC, OUT2 opens the way to the interrupt controller; loopback disconnects it. */
  private update(): void {
    const open = (this.mcr & (MCR_OUT2 | MCR_LOOP)) === MCR_OUT2;
    this.irq.set(open && this.interruptSource() !== IIR_NONE);
  }
}

function rearm(timer: Timer, deadline: number | undefined): void {
  if (deadline === undefined) timer.cancel();
  else timer.armAt(ticks(deadline));
}
