/** For the tests of the IDE room: a controller on the test bus, a door opened by hand, and guest-side helpers. */
import type { EmulatorError } from '../../errors.ts';
import type { AsyncDoor } from '../device.ts';
import { TestBus, TestClock, TestDma, TestLine } from '../test-rig.ts';
import { Piix3Ide, type Piix3IdeOptions } from './piix3-ide.ts';
import * as R from './registers.ts';

/** Holds answers until `open`; promises have to be awaited before they can enter. */
export class TestDoor implements AsyncDoor {
  private readonly waiting: (() => void)[] = [];
  enter<T>(work: Promise<T> | T, done: (result: T) => void, failed: (error: Error) => void): void {
    if (work instanceof Promise)
      work.then(
        (r) => this.waiting.push(() => done(r)),
        (e) => this.waiting.push(() => failed(e)),
      );
    else this.waiting.push(() => done(work));
  }
  open(): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) next();
  }
  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) {
      await Promise.resolve();
      this.open();
    }
  }
}

export const COMMAND = 0x1f0;
export const CONTROL = 0x3f6;
export const BUS_MASTER = 0xc000;

export class IdeRig {
  readonly bus = new TestBus();
  readonly clock = new TestClock();
  readonly door = new TestDoor();
  readonly memory = new TestDma(1 << 20);
  readonly irq14 = new TestLine();
  readonly irq15 = new TestLine();
  readonly errors: EmulatorError[] = [];
  readonly ide: Piix3Ide;

  constructor(drives: Piix3IdeOptions['drives']) {
    const { clock, door, memory, irq14, irq15 } = this;
    this.ide = new Piix3Ide({ clock, door, memory, irq14, irq15, drives, onError: (error) => this.errors.push(error) });
    this.ide.attach(this.bus);
    this.ide.reset('power-on');
    this.ide.config.write(0x20, 4, BUS_MASTER);
    this.ide.config.write(4, 2, 5);
  }

  out(register: number, value: number): void {
    this.bus.out8(COMMAND + register, value);
  }
  in(register: number): number {
    return this.bus.in8(COMMAND + register);
  }
  get status(): number {
    return this.bus.in8(CONTROL);
  }

  /** 28-bit LBA command. */
  lba(command: number, lba: number, count: number, device = 0): void {
    this.out(R.REG_DEVICE, 0xe0 | (device << 4) | (lba >>> 24));
    this.out(R.REG_SECTOR_COUNT, count);
    this.out(R.REG_LBA_LOW, lba & 0xff);
    this.out(R.REG_LBA_MID, (lba >>> 8) & 0xff);
    this.out(R.REG_LBA_HIGH, (lba >>> 16) & 0xff);
    this.out(R.REG_COMMAND, command);
  }

  /** Lets pending answers and block gaps happen. */
  run(): void {
    this.door.open();
    this.clock.advance(2000);
    this.door.open();
  }

  readWords(words: number): number[] {
    return Array.from({ length: words }, () => this.bus.in16(COMMAND));
  }
  readBytes(bytes: number): Uint8Array {
    const data = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 2) {
      const word = this.bus.in16(COMMAND);
      data[i] = word;
      data[i + 1] = word >>> 8;
    }
    return data;
  }
  writeBytes(data: Uint8Array): void {
    for (let i = 0; i < data.length; i += 2) this.bus.out16(COMMAND, data[i] | (data[i + 1] << 8));
  }

  /** Writes a descriptor table at 0x100: [address, bytes] pairs, the last one marked. */
  prd(...regions: [number, number][]): void {
    const view = new DataView(this.memory.bytes.buffer);
    regions.forEach(([address, bytes], i) => {
      view.setUint32(0x100 + i * 8, address, true);
      view.setUint32(0x104 + i * 8, (bytes & 0xffff) | (i === regions.length - 1 ? R.PRD_EOT : 0), true);
    });
    this.bus.out32(BUS_MASTER + R.BMIDTP, 0x100);
  }

  /** Sends a packet by PIO. */
  packet(bytes: number[], options: { dma?: boolean; limit?: number; device?: number } = {}): void {
    const limit = options.limit ?? 0xfffe;
    this.out(R.REG_DEVICE, 0xa0 | ((options.device ?? 0) << 4));
    this.out(R.REG_FEATURES, options.dma === true ? 1 : 0);
    this.out(R.REG_LBA_MID, limit & 0xff);
    this.out(R.REG_LBA_HIGH, limit >>> 8);
    this.out(R.REG_COMMAND, R.ATA_PACKET);
    const packet = new Uint8Array(12);
    packet.set(bytes);
    this.writeBytes(packet);
    this.run();
  }
}

export function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 9) * 13) & 0xff);
}
