/** System cases on QEMU's processor. */
import * as E from '../environment.ts';
import { CR0, CR3, CR4, EFLAGS, EIP, GdbQemu, REGISTERS, SEGMENT } from './gdb.ts';
import * as W from './world.ts';

const CR0_PE = 1;
const STUB_FLAGS = 2;
/** EAX and EBX as the stub has them. */
const EAX = 0, EBX = 3;
const CS = 1;

export class QemuSystem {
  private readonly qemu: GdbQemu;
  private constructor(qemu: GdbQemu) {
    this.qemu = qemu;
  }
  static async create(): Promise<QemuSystem> {
    return new QemuSystem(await GdbQemu.create());
  }
  close(): void {
    this.qemu.close();
  }

  async run(c: W.Case, image: Uint8Array): Promise<W.Outcome> {
    const { qemu } = this;
    for (const [at, length] of c.kind.regions) qemu.write(at, image.subarray(at, at + length));
    qemu.write(W.TASK_TYPE, Uint8Array.of(W.TASK_AVAILABLE));
    await qemu.writeCode(W.codeAt(c.kind) + (c.eip & 0xffff), c.code);
    await this.loadTables();
    await this.enter(c);
    await qemu.step();
    const memory = c.kind.regions.map(([at, length]) => {
      const bytes = new Uint8Array(length);
      qemu.read(at, bytes);
      return bytes;
    });
    return { state: parse(await qemu.describe()), memory };
  }

  private values(eip: number, eflags: number, selectors: readonly number[], cr0: number): number[] {
    const values = new Array<number>(REGISTERS).fill(0);
    values[EIP] = eip;
    values[EFLAGS] = eflags;
    values[CR0] = cr0;
    for (const [i, selector] of selectors.entries()) values[SEGMENT[i] as number] = selector;
    return values;
  }
  private same(selector: number): number[] {
    return new Array<number>(6).fill(selector);
  }

  /** Only instructions load the table registers. */
  private async loadTables(): Promise<void> {
    const { qemu } = this;
    const real = 0x10;
    await qemu.setRegister(CR0, real);
    await qemu.setRegisters(this.values(0, STUB_FLAGS, this.same(0), real));
    await qemu.setRegisters(this.values(0, STUB_FLAGS, this.same(W.STUB), real));
    for (let i = 0; i < 2; i++) await qemu.step();
    await qemu.setRegister(CR0, real | CR0_PE);
    const values = this.values((W.STUB << 4) + W.STUB_32, STUB_FLAGS, this.same(E.KERNEL_DATA), real | CR0_PE);
    values[SEGMENT[CS] as number] = E.KERNEL_CODE;
    values[EAX] = E.LOCAL_TABLE;
    values[EBX] = E.TASK;
    await qemu.setRegisters(values);
    for (let i = 0; i < 2; i++) await qemu.step();
  }

  private async enter({ kind, eip, eflags, registers }: W.Case): Promise<void> {
    const { qemu } = this;
    const selectors = kind.segments.map((s) => s.selector);
    await qemu.setRegister(CR0, kind.cr0 & ~0x80000000);
    const values = this.values(eip, eflags, selectors, kind.cr0);
    for (const [i, value] of registers.entries()) values[i] = value;
    values[CR3] = E.CR3;
    values[CR4] = kind.cr4;
    // The bases of FS and GS, which the stub writes after the selectors.
    for (const i of [4, 5]) values[12 + i] = kind.segments[i]?.base ?? 0;
    await qemu.setRegisters(values);
  }
}

/** Reads what the monitor says. */
function parse(text: string): W.State {
  const state: W.State = new Map();
  const number = (name: string, pattern: RegExp): void => {
    const found = pattern.exec(text);
    if (!found) throw new Error(`qemu does not tell ${name}`);
    state.set(name, Number.parseInt(found[1] as string, 16));
  };
  for (const name of [...W.GENERAL, 'EIP', 'CR0', 'CR2', 'CR3', 'CR4']) number(name, new RegExp(`\\b${name}=([0-9a-f]{8})`));
  number('EFLAGS', /\bEFL=([0-9a-f]{8})/);
  for (const name of W.SEGMENTS) {
    const found = new RegExp(`\\b${name} ?=([0-9a-f]{4}) ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8})`).exec(text);
    if (!found) throw new Error(`qemu does not tell ${name}`);
    const [selector, base, limit, flags] = found.slice(1).map((s) => Number.parseInt(s, 16)) as [number, number, number, number];
    state.set(name, selector).set(`base of ${name}`, base).set(`limit of ${name}`, limit).set(`attributes of ${name}`, (flags >>> 8) & 0xf0ff);
  }
  for (const name of ['GDT', 'IDT']) {
    const found = new RegExp(`\\b${name}= +([0-9a-f]{8}) ([0-9a-f]{8})`).exec(text);
    if (!found) throw new Error(`qemu does not tell ${name}`);
    state.set(`base of ${name}`, Number.parseInt(found[1] as string, 16)).set(`limit of ${name}`, Number.parseInt(found[2] as string, 16));
  }
  return state;
}
