/** What four of the VGA's blocks have in common: an index register and a data register behind it. */

export interface RegisterFileState {
  readonly index: number;
  readonly registers: Uint8Array;
}

export class RegisterFile {
  index = 0;
  readonly registers: Uint8Array;
  private readonly writable: readonly number[];
  private readonly indexMask: number;

  /** @param writable per register: the bits that exist; the others read as zero. */
  constructor(writable: readonly number[], indexMask: number) {
    this.writable = writable;
    this.indexMask = indexMask;
    this.registers = new Uint8Array(writable.length);
  }

  selectIndex(value: number): void {
    this.index = value & this.indexMask;
  }

  /** The selected register; an index without a register reads as zero. */
  readData(): number {
    return this.index < this.registers.length ? this.registers[this.index] : 0;
  }

  /** Returns whether anything changed. */
  writeData(value: number): boolean {
    return this.set(this.index, value);
  }

  /** Writes a register by number, whatever the index register says. */
  set(index: number, value: number): boolean {
    if (index >= this.registers.length) return false;
    const before = this.registers[index];
    this.registers[index] = value & this.writable[index];
    return this.registers[index] !== before;
  }

  reset(): void {
    this.index = 0;
    this.registers.fill(0);
  }

  saveFile(): RegisterFileState {
    return { index: this.index, registers: this.registers.slice() };
  }

  restoreFile(state: RegisterFileState): void {
    this.index = state.index & 0xff;
    this.registers.set(state.registers.subarray(0, this.registers.length));
  }
}
