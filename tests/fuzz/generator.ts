/** Bytes that are code more often than noise is: rows of the instruction table, and system instructions with operands that mean something. */
import { INSTRUCTION_SET } from '../../src/isa/instruction-set.ts';
import type { Row } from '../../src/isa/row.ts';
import { Generator } from '../oracle/generate.ts';
import type { Random } from '../oracle/random.ts';
import * as R from '../oracle/record.ts';
import { CODE, CODE_BYTES, DATA, GATES, interesting, SELECTORS, STACK, USER_CODE16, USER_CODE32, USER_DATA32 } from './world.ts';

const MSRS = [
  0x0, 0x10, 0x17, 0x1b, 0x2a, 0x79, 0x8b, 0xcd, 0xfe, 0x11e, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x1a0, 0x1d9, 0x1db, 0x200, 0x201, 0x20f, 0x250, 0x258,
  0x268, 0x26f, 0x277, 0x2ff, 0xc0000080, 0xc0000081, 0xc0000100,
];
const PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];
const STRING_OPCODES = [0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x6c, 0x6d, 0x6e, 0x6f];
const PORTS = [0x20, 0x21, 0x40, 0x43, 0x60, 0x64, 0x70, 0x71, 0x92, 0xcf8, 0xcf9, 0xcfc, 0x1f0, 0x1f7, 0x3c0, 0x3c4, 0x3d4, 0x3f5, 0x3f8, 0x510, 0x511, 0xc000];

/** A generator whose memory operands point at what the fuzzer has laid out. */
class WorldGenerator extends Generator {
  override target(mode: number): number {
    const at = interesting(this.random);
    return mode === R.MODE_FLAT32 ? at : at & 0xffff;
  }
}

export class CodeGenerator {
  private readonly random: Random;
  private readonly encoder: WorldGenerator;
  private readonly size: 16 | 32;

  /** @param size the default size of operands and addresses of the code */
  constructor(random: Random, size: 16 | 32) {
    this.random = random;
    this.encoder = new WorldGenerator(random);
    this.size = size;
  }

  /** About `length` bytes. */
  code(length: number): number[] {
    const { random } = this;
    const bytes: number[] = [];
    while (bytes.length < length) {
      const dice = random.below(100);
      if (dice < 40) bytes.push(...this.row(random.pick(INSTRUCTION_SET)));
      else if (dice < 62) bytes.push(...this.system());
      else if (dice < 70) bytes.push(...this.transfer());
      else if (dice < 80) bytes.push(...this.constant(random.below(8), random.chance(50) ? interesting(random) : random.value()));
      else if (dice < 86) bytes.push(...this.repeated());
      else if (dice < 90) bytes.push(random.pick(PREFIXES));
      else if (dice < 94) bytes.push(random.pick([0x70, 0x74, 0x75, 0xe2, 0xeb, 0xe3, 0xe8]), random.below(256));
      else for (let n = random.below(6); n > 0; n--) bytes.push(random.below(256));
    }
    return bytes;
  }

  private row(row: Row): Iterable<number> {
    const { random, size } = this;
    const other = size === 16 ? 32 : 16;
    const osize = random.chance(75) ? size : other;
    const asize = random.chance(85) ? size : other;
    return this.encoder.encode(row, size === 16 ? R.MODE_CODE16 : R.MODE_FLAT32, osize, asize, random.chance(60)).bytes;
  }

  /** MOV to a register, at full width. */
  private constant(register: number, value: number): number[] {
    return [...(this.size === 16 ? [0x66] : []), 0xb8 + register, ...little(value, 4)];
  }

  private repeated(): number[] {
    const { random } = this;
    return [
      ...this.constant(1, random.pick([0, 1, 5, 300, 5000, 0xffff, 0xffffffff])), ...this.constant(6, interesting(random)), ...this.constant(7, interesting(random)),
      ...this.constant(2, random.pick(PORTS)), random.pick([0xfc, 0xfd, 0x90]), random.pick([0xf2, 0xf3]), ...(random.chance(30) ? [random.pick(PREFIXES)] : []),
      random.pick(STRING_OPCODES),
    ];
  }

  private selector(): number {
    const { random } = this;
    return random.chance(85) ? random.pick(SELECTORS) | random.below(4) : random.below(0x10000);
  }

  private far(opcode: number, selector: number): number[] {
    const offset = this.random.chance(70) ? this.random.below(0x800) : interesting(this.random);
    return [opcode, ...little(offset, this.size / 8), ...little(selector, 2)];
  }

  private system(): number[] {
    const { random } = this;
    const ax = (value: number): number[] => [0x66, 0xb8, ...little(value, 2)].slice(this.size === 16 ? 1 : 0);
    switch (random.below(17)) {
      case 0: return [...this.constant(0, random.value()), 0x0f, 0x22, 0xc0 | (random.pick([0, 2, 3, 4]) << 3)];
      case 1: return [0x0f, 0x20, 0xc0 | (random.pick([0, 2, 3, 4]) << 3), 0x34, 1 << random.below(8), 0x0f, 0x22, 0xc0 | (random.pick([0, 0, 3, 4]) << 3)];
      case 2: return [...this.constant(0, random.chance(60) ? interesting(random) : random.value()), 0x0f, 0x23, 0xc0 | (random.below(8) << 3)];
      case 3: return [...this.constant(1, random.pick(MSRS)), ...this.constant(0, random.value()), ...this.constant(2, random.pick([0, 0, random.value()])), 0x0f, random.pick([0x30, 0x32])];
      case 4: return [...ax(this.selector()), 0x8e, 0xc0 | (random.below(6) << 3)];
      case 5: return [...ax(this.selector()), 0x0f, 0x00, 0xc0 | (random.below(6) << 3)];
      case 6: return this.far(random.pick([0xea, 0x9a]), this.selector());
      case 7: return [0xcd, random.chance(50) ? random.below(32) : random.below(256)];
      case 8: return [...this.pushes(random.pick([2, 3, 5, 9])), random.pick([0xcb, 0xcf, 0xca]), 0, 0];
      case 9: return [...this.constant(0, random.value()), 0x50, ...(random.chance(30) ? [0x66] : []), 0x9d];
      case 10: return [0x0f, 0x01, ...this.memory(random.pick([0, 1, 2, 3, 7]))];
      case 11: return [...this.constant(2, random.pick(PORTS)), ...this.constant(0, random.value()), random.pick([0xec, 0xed, 0xee, 0xef])];
      case 12: return [random.pick([0xe4, 0xe5, 0xe6, 0xe7]), random.below(256)];
      case 13: return random.pick([[0xfa], [0xfb], [0xf4], [0x0f, 0x06], [0x0f, 0x09], [0x0f, 0x34], [0x0f, 0x35], [0x0f, 0xa2], [0x0f, 0x31], [0x0f, 0x33], [0xf1], [0xcc], [0xce], [0x17], [0x9b]]);
      case 14: return [0x0f, 0xae, ...this.memory(random.below(8))];
      case 15: return [random.pick([0xd9, 0xdd, 0xdb]), ...this.memory(random.below(8))];
      default: return [0xc6, ...this.memory(0), random.below(256)];
    }
  }

  private push(value: number): number[] {
    return [0x68, ...little(value >>> 0, this.size / 8)];
  }

  private writeMsr(register: number, low: number): number[] {
    return [...this.constant(1, register), ...this.constant(0, low), ...this.constant(2, 0), 0x0f, 0x30];
  }

  /** What goes to another privilege level, another task or another mode, as kernels do it. */
  private transfer(): number[] {
    const { random } = this;
    const flat = this.size === 32;
    const target = (flat ? CODE : 0) + random.below(CODE_BYTES);
    const stack = STACK + 4 * random.below(0x1000);
    const flags = random.pick([2, 0x202, 0x3202, 0x102, 0x40202, 0x10002]);
    const user = flat ? USER_CODE32 | 3 : USER_CODE16 | 3;
    switch (random.below(9)) {
      case 0: return [...this.push(USER_DATA32 | 3), ...this.push(stack), ...this.push(flags), ...this.push(user), ...this.push(target), 0xcf];
      case 1: return [...this.push(USER_DATA32 | 3), ...this.push(stack), ...this.push(user), ...this.push(target), 0xcb];
      case 2: return [...Array.from({ length: 5 }, () => this.push(random.pick([DATA >> 4, CODE >> 4]))).flat(), ...this.push(stack & 0xffff), ...this.push(flags | 0x20000), ...this.push(CODE >> 4), ...this.push(random.below(CODE_BYTES)), 0xcf];
      case 3: return [0x9a, ...little(0, this.size / 8), ...little(random.pick(GATES), 2)];
      case 4: return [...(flat ? [] : [0x66]), 0x9c, ...(flat ? [] : [0x66]), 0x81, ...(flat ? [0x0c, 0x24] : [0x4e, 0]), ...little(0x4000, 4), 0x9d, 0xcf];
      case 5: return [...this.writeMsr(0x174, random.pick([0x08, 0x0b, 0, 0xfff8])), ...this.writeMsr(0x175, stack), ...this.writeMsr(0x176, CODE + random.below(CODE_BYTES)), 0x0f, 0x34];
      case 6: return [...this.constant(1, stack), ...this.constant(2, CODE + random.below(CODE_BYTES)), 0x0f, 0x35];
      case 7: return this.writeMsr(0xc0000080, random.pick([0, 0x800, 0x801, 0x100]));
      default: return [0x0f, 0x20, 0xc0, 0x34, 1, 0x0f, 0x22, 0xc0, 0xea, ...little(target, this.size / 8), ...little(random.pick([CODE >> 4, 0x08, 0x28]), 2)];
    }
  }

  private pushes(count: number): number[] {
    const { random } = this;
    return Array.from({ length: count }, () => [0x68, ...little(random.pick([this.selector(), interesting(random), random.value(), 0x20202, 0x3202]), this.size / 8)]).flat();
  }

  /** ModRM with a plain displacement. */
  private memory(digit: number): number[] {
    const rm = this.size === 16 ? 6 : 5;
    return [(digit << 3) | rm, ...little(interesting(this.random), this.size / 8)];
  }
}

export function little(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (value / 2 ** (8 * i)) & 0xff);
}
