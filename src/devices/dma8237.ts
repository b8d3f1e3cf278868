/**
 * Two cascaded 8237A DMA controllers with the PC/AT page registers: channels 0 to 3 move bytes, 5 to 7 words. A device
 * takes a channel from here and moves blocks through it; the controller does the counting [8237A; PIIX3 2.5.1].
 *
 * Deviations: memory-to-memory transfers, compressed timing and priorities do nothing; channel 4 need not be unmasked
 * for channels 0 to 3 to work (kernels that start without firmware leave it alone); single, block and demand mode
 * are all one, the device decides how much it moves at a time.
 */
import { physAddr } from '../memory/address.ts';
import type { BusRegistrar, Device, Dma, IoHandler, ResetKind } from './device.ts';

// Register numbers after the eight channel registers.
const STATUS_COMMAND = 8;
const REQUEST = 9;
const SINGLE_MASK = 10;
const MODE = 11;
const CLEAR_FLIP_FLOP = 12;
const MASTER_CLEAR = 13;
const CLEAR_MASK = 14;
const ALL_MASK = 15;

const COMMAND_DISABLE = 0x04;
const MODE_AUTOINIT = 0x10;
const MODE_DECREMENT = 0x20;
const MODE_TYPE = 0x0c;
const TYPE_VERIFY = 0x00;
const TYPE_WRITE = 0x04; // device to memory
const TYPE_READ = 0x08; // memory to device

/** Page register offsets from 80h, by channel; 4 is the refresh page. */
const PAGE_REGISTERS = [7, 3, 1, 2, 15, 11, 9, 10];

/** What a device sees of its channel. */
export interface DmaChannel {
  /** The channel would answer DREQ: it is unmasked and its controller enabled. */
  readonly ready: boolean;
  /** The last transfer ended at the terminal count. */
  readonly terminalCount: boolean;
  /** DREQ. While it is asserted, `onReady` runs whenever the channel becomes ready. */
  setRequest(level: boolean): void;
  onReady: (() => void) | undefined;
  /** Moves up to `length` bytes of `data` from `offset` into memory, up to the terminal count; returns how many. */
  toMemory(data: Uint8Array, offset: number, length: number): number;
  /** Fills `data` from memory, as `toMemory`. */
  fromMemory(data: Uint8Array, offset: number, length: number): number;
}

interface ChannelState {
  baseAddress: number;
  baseCount: number;
  address: number;
  count: number;
  mode: number;
  page: number;
  masked: boolean;
  request: boolean;
  terminalCount: boolean;
}

class Channel implements DmaChannel {
  onReady: (() => void) | undefined = undefined;
  baseAddress = 0;
  baseCount = 0;
  address = 0;
  count = 0;
  mode = 0;
  page = 0;
  masked = true;
  request = false;
  terminalCount = false;
  private readonly controller: Controller;
  /** log2 of the unit: 0 bytes, 1 words. */
  private readonly shift: number;

  constructor(controller: Controller, shift: number) {
    this.controller = controller;
    this.shift = shift;
  }

  get ready(): boolean {
    return !this.masked && (this.controller.command & COMMAND_DISABLE) === 0;
  }

  setRequest(level: boolean): void {
    this.request = level;
  }

  wake(): void {
    if (this.request && this.ready) this.onReady?.();
  }

  toMemory(data: Uint8Array, offset: number, length: number): number {
    const { memory } = this.controller;
    return this.transfer(TYPE_WRITE, length, (at, done, bytes) => {
      memory.write(physAddr(at), data.subarray(offset + done, offset + done + bytes));
    });
  }

  fromMemory(data: Uint8Array, offset: number, length: number): number {
    const { memory } = this.controller;
    return this.transfer(TYPE_READ, length, (at, done, bytes) => {
      memory.read(physAddr(at), data.subarray(offset + done, offset + done + bytes));
    });
  }

  /** Counts in runs that the 16-bit address does not wrap in; `move` gets address, bytes done so far, and bytes. */
  private transfer(type: number, length: number, move: (at: number, done: number, bytes: number) => void): number {
    this.terminalCount = false;
    let units = length >> this.shift;
    let done = 0;
    const actual = this.mode & MODE_TYPE;
    const down = (this.mode & MODE_DECREMENT) !== 0;
    while (units > 0 && this.ready && !this.terminalCount) {
      const run = down ? 1 : Math.min(units, this.count + 1, 0x10000 - this.address);
      // Verify counts without moving; so does a direction that is not the device's.
      if (actual === type && actual !== TYPE_VERIFY) move(this.physical(), done, run << this.shift);
      this.address = (this.address + (down ? -run : run)) & 0xffff;
      done += run << this.shift;
      units -= run;
      this.terminalCount = run > this.count;
      this.count = (this.count - run) & 0xffff;
      if (this.terminalCount) this.reachTerminalCount();
    }
    return done;
  }

  private physical(): number {
    return this.shift === 0 ? (this.page << 16) | this.address : ((this.page & 0xfe) << 16) | (this.address << 1);
  }

  private reachTerminalCount(): void {
    this.controller.reached(this);
    if ((this.mode & MODE_AUTOINIT) !== 0) {
      this.address = this.baseAddress;
      this.count = this.baseCount;
    } else this.masked = true;
  }

  reset(): void {
    this.masked = true;
    this.mode = 0;
  }

  save(): ChannelState {
    const { baseAddress, baseCount, address, count, mode, page, masked, request, terminalCount } = this;
    return { baseAddress, baseCount, address, count, mode, page, masked, request, terminalCount };
  }
}

interface ControllerState {
  command: number;
  reachedMask: number;
  highByte: boolean;
  channels: ChannelState[];
}

class Controller {
  readonly memory: Dma;
  readonly channels: readonly Channel[];
  command = 0;
  /** Channels that reached their terminal count since the last read of the status. */
  private reachedMask = 0;
  /** The byte pointer flip-flop. */
  private highByte = false;

  constructor(memory: Dma, shift: number) {
    this.memory = memory;
    this.channels = [0, 1, 2, 3].map(() => new Channel(this, shift));
  }

  reached(channel: Channel): void {
    this.reachedMask |= 1 << this.channels.indexOf(channel);
  }

  masterClear(): void {
    this.command = 0;
    this.reachedMask = 0;
    this.highByte = false;
    for (const channel of this.channels) channel.reset();
  }

  read(register: number): number {
    if (register < 8) {
      const channel = this.channels[register >> 1];
      const value = (register & 1) === 0 ? channel.address : channel.count;
      return this.takeHighByte() ? value >> 8 : value & 0xff;
    }
    if (register === STATUS_COMMAND) {
      let status = this.reachedMask;
      this.channels.forEach((channel, i) => {
        if (channel.request) status |= 0x10 << i;
      });
      this.reachedMask = 0;
      return status;
    }
    if (register === ALL_MASK)
      return this.channels.reduce((mask, channel, i) => mask | (channel.masked ? 1 << i : 0), 0xf0);
    return 0;
  }

  write(register: number, value: number): void {
    if (register < 8) return this.writeChannel(this.channels[register >> 1], (register & 1) !== 0, value);
    const channel = this.channels[value & 3];
    switch (register) {
      case STATUS_COMMAND:
        this.command = value;
        break;
      case REQUEST:
        return; // software requests are for memory-to-memory transfers
      case SINGLE_MASK:
        channel.masked = (value & 4) !== 0;
        break;
      case MODE:
        channel.mode = value & 0xfc;
        return;
      case CLEAR_FLIP_FLOP:
        this.highByte = false;
        return;
      case MASTER_CLEAR:
        return this.masterClear();
      case CLEAR_MASK:
        for (const each of this.channels) each.masked = false;
        break;
      case ALL_MASK:
        this.channels.forEach((each, i) => {
          each.masked = ((value >> i) & 1) !== 0;
        });
        break;
    }
    for (const each of this.channels) each.wake();
  }

  save(): ControllerState {
    const { command, reachedMask, highByte } = this;
    return { command, reachedMask, highByte, channels: this.channels.map((channel) => channel.save()) };
  }

  restore(state: ControllerState): void {
    this.command = state.command;
    this.reachedMask = state.reachedMask;
    this.highByte = state.highByte;
    this.channels.forEach((channel, i) => Object.assign(channel, state.channels[i]));
  }

  private writeChannel(channel: Channel, isCount: boolean, value: number): void {
    const high = this.takeHighByte();
    const merge = (old: number): number => (high ? (old & 0x00ff) | (value << 8) : (old & 0xff00) | value);
    // A write sets base and current register at once.
    if (isCount) channel.count = channel.baseCount = merge(channel.baseCount);
    else channel.address = channel.baseAddress = merge(channel.baseAddress);
  }

  private takeHighByte(): boolean {
    const high = this.highByte;
    this.highByte = !high;
    return high;
  }
}

export interface Dma8237State {
  version: 1;
  controllers: ControllerState[];
  pages: Uint8Array;
}

export class Dma8237 implements Device<Dma8237State> {
  readonly id = 'dma';
  private readonly first: Controller;
  private readonly second: Controller;
  /** 80h to 8Fh; those that belong to no channel just keep what is written (80h: POST codes). */
  private readonly pages = new Uint8Array(16);

  constructor(memory: Dma) {
    this.first = new Controller(memory, 0);
    this.second = new Controller(memory, 1);
  }

  /** Channel 0 to 7 for a device; 4 is the cascade. */
  channel(index: number): DmaChannel {
    return this.at(index);
  }

  attach(bus: BusRegistrar): void {
    const controller = (which: Controller, shift: number): IoHandler => ({
      read: (offset) => which.read(offset >> shift),
      write: (offset, _width, value) => which.write(offset >> shift, value),
    });
    bus.ports('dma1', 16, controller(this.first, 0)).mapAt(0x00);
    bus.ports('dma2', 32, controller(this.second, 1)).mapAt(0xc0);
    bus
      .ports('dma-page', 16, {
        read: (offset) => this.pages[offset],
        write: (offset, _width, value) => this.writePage(offset, value),
      })
      .mapAt(0x80);
  }

  reset(_kind: ResetKind): void {
    this.first.masterClear();
    this.second.masterClear();
    for (let i = 0; i < 16; i++) this.writePage(i, 0);
  }

  save(): Dma8237State {
    return { version: 1, controllers: [this.first.save(), this.second.save()], pages: this.pages.slice() };
  }

  restore(state: Dma8237State): void {
    this.first.restore(state.controllers[0]);
    this.second.restore(state.controllers[1]);
    this.pages.set(state.pages);
  }

  private at(index: number): Channel {
    return (index < 4 ? this.first : this.second).channels[index & 3];
  }

  private writePage(offset: number, value: number): void {
    this.pages[offset] = value;
    const channel = PAGE_REGISTERS.indexOf(offset);
    if (channel >= 0) this.at(channel).page = value;
  }
}
