/**
 * Video DAC (ports 3C6 to 3C9): 256 colors of three components, six bits each, or eight while the Bochs extension asks
 * for it [IBM VGA 2, Video Digital-to-Analog Converter].
 */

const DAC_STATE_WRITE = 0,
  DAC_STATE_READ = 3;

export interface DacState {
  readonly components: Uint8Array;
  readonly mask: number;
  readonly readIndex: number;
  readonly writeIndex: number;
  readonly component: number;
  readonly pending: Uint8Array;
  readonly reading: boolean;
}

export class Dac {
  /** 256 times red, green, blue, as written. */
  private readonly components = new Uint8Array(768);
  /** Components written so far of a color; the color changes as a whole with the third. */
  private readonly pending = new Uint8Array(3);
  private mask = 0xff;
  private readIndex = 0;
  private writeIndex = 0;
  private component = 0;
  private reading = false;
  eightBit = false;

  get pelMask(): number {
    return this.mask;
  }

  set pelMask(value: number) {
    this.mask = value;
  }

  /** 3C7 reads as 3 after a read index was written, 0 after a write index. */
  get state(): number {
    return this.reading ? DAC_STATE_READ : DAC_STATE_WRITE;
  }

  get index(): number {
    return this.writeIndex;
  }

  startRead(index: number): void {
    this.readIndex = index;
    this.writeIndex = (index + 1) & 0xff;
    this.component = 0;
    this.reading = true;
  }

  startWrite(index: number): void {
    this.writeIndex = index;
    this.component = 0;
    this.reading = false;
  }

  readData(): number {
    const value = this.components[this.readIndex * 3 + this.component];
    this.component++;
    if (this.component === 3) {
      this.component = 0;
      this.readIndex = (this.readIndex + 1) & 0xff;
      this.writeIndex = (this.readIndex + 1) & 0xff;
    }
    return value;
  }

  /** Returns whether a color changed. */
  writeData(value: number): boolean {
    this.pending[this.component] = this.eightBit ? value : value & 0x3f;
    this.component++;
    if (this.component < 3) return false;
    this.component = 0;
    const at = this.writeIndex * 3;
    const changed = this.pending.some((component, i) => component !== this.components[at + i]);
    this.components.set(this.pending, at);
    this.writeIndex = (this.writeIndex + 1) & 0xff;
    return changed;
  }

  /** A color behind the pel mask as an RGBA pixel (red in the low byte). */
  color(index: number): number {
    const at = (index & this.mask) * 3;
    const red = this.scale(this.components[at]);
    const green = this.scale(this.components[at + 1]);
    const blue = this.scale(this.components[at + 2]);
    return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
  }

  reset(): void {
    this.components.fill(0);
    this.pending.fill(0);
    this.mask = 0xff;
    this.readIndex = this.writeIndex = this.component = 0;
    this.reading = this.eightBit = false;
  }

  save(): DacState {
    const { mask, readIndex, writeIndex, component, reading } = this;
    return {
      components: this.components.slice(),
      pending: this.pending.slice(),
      mask,
      readIndex,
      writeIndex,
      component,
      reading,
    };
  }

  restore(state: DacState): void {
    this.components.set(state.components);
    this.pending.set(state.pending);
    this.mask = state.mask;
    this.readIndex = state.readIndex;
    this.writeIndex = state.writeIndex;
    this.component = state.component;
    this.reading = state.reading;
  }

  private scale(component: number): number {
    if (this.eightBit) return component;
    const six = component & 0x3f;
    return (six << 2) | (six >> 4);
  }
}
