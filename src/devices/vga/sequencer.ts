/**
 * Sequencer (ports 3C4/3C5): which planes the processor writes, how addresses spread over them, and which fonts the
 * characters come from [IBM VGA 2, Sequencer Registers].
 *
 * Deviation: the reset register has no effect; memory keeps its contents and the screen stays on.
 */
import { RegisterFile } from './register-file.ts';
import * as R from './registers.ts';

/** Font number (0 to 7) to its byte address in plane 2: the even four come first, 16 KiB apart. */
const fontAddress = (n: number): number => (n & 3) * 0x4000 + (n >> 2) * 0x2000;

export class Sequencer extends RegisterFile {
  constructor() {
    super([0x03, 0x3d, 0x0f, 0x3f, 0x0e], 0x07);
  }

  get mapMask(): number {
    return this.registers[R.SEQ_MAP_MASK];
  }

  get chain4(): boolean {
    return (this.registers[R.SEQ_MEMORY_MODE] & R.SEQ_MM_CHAIN_4) !== 0;
  }

  /** Even addresses are written to planes 0 and 2, odd ones to 1 and 3. */
  get oddEven(): boolean {
    return (this.registers[R.SEQ_MEMORY_MODE] & R.SEQ_MM_ODD_EVEN_DISABLE) === 0;
  }

  get dotsPerCharacter(): 8 | 9 {
    return this.registers[R.SEQ_CLOCKING_MODE] & R.SEQ_CM_8_DOT ? 8 : 9;
  }

  get dotClockHalved(): boolean {
    return (this.registers[R.SEQ_CLOCKING_MODE] & R.SEQ_CM_DOT_CLOCK_HALF) !== 0;
  }

  get screenOff(): boolean {
    return (this.registers[R.SEQ_CLOCKING_MODE] & R.SEQ_CM_SCREEN_OFF) !== 0;
  }

  /** Address in plane 2 of font A, for characters whose attribute has bit 3 set. */
  get fontA(): number {
    const select = this.registers[R.SEQ_CHARACTER_MAP_SELECT];
    return fontAddress(((select >> 2) & 3) | ((select >> 3) & 4));
  }

  /** Address in plane 2 of font B, for characters whose attribute has bit 3 clear. */
  get fontB(): number {
    const select = this.registers[R.SEQ_CHARACTER_MAP_SELECT];
    return fontAddress((select & 3) | ((select >> 2) & 4));
  }
}
