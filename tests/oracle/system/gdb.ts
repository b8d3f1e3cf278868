/** QEMU's processor by its gdb stub [QEMU docs, "GDB usage"]: it is stopped, gets a state, steps, and tells all of its state. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { RAM_BYTES } from '../environment.ts';

/** Numbers of the stub's registers. */
export const EIP = 8, EFLAGS = 9, CR0 = 19, CR3 = 21, CR4 = 22;
/** Segment registers, in encoding order. */
export const SEGMENT = [13, 10, 11, 12, 14, 15];
/** Registers before those of the x87, four bytes each. */
export const REGISTERS = 25;

const PATIENCE_MS = 30_000;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export class GdbQemu {
  private readonly path: string;
  private readonly file: number;
  private readonly child: ChildProcess;
  private socket!: Socket;
  private received = '';
  private wake: () => void = () => {};
  /** What follows the general registers in the answer to `g`. */
  private rest = '';

  private constructor() {
    this.path = `/dev/shm/coracle-system-${process.pid}-${Math.random().toString(36).slice(2)}`;
    this.file = openSync(this.path, 'w+');
    const size = `${RAM_BYTES >>> 20}M`;
    this.child = spawn('qemu-system-i386', [
      '-S', '-accel', 'tcg', '-machine', 'pc,memory-backend=ram', '-cpu', 'max', '-m', size, '-display', 'none', '-nodefaults',
      '-object', `memory-backend-file,id=ram,size=${size},mem-path=${this.path},share=on`, '-gdb', `unix:${this.path}.gdb,server=on,wait=off`,
    ], { stdio: 'ignore' });
  }

  static async create(): Promise<GdbQemu> {
    const it = new GdbQemu();
    await it.open();
    // What the stub calls the target; then addresses of memory are physical.
    await it.command('qXfer:features:read:target.xml:0,ff0');
    await it.command('Qqemu.PhyMemMode:1');
    it.rest = (await it.command('g')).slice(REGISTERS * 8);
    return it;
  }

  private async open(): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const socket = connect(`${this.path}.gdb`);
      const opened = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      if (opened) {
        this.socket = socket;
        socket.on('data', (chunk: Buffer) => {
          this.received += chunk.toString('latin1');
          this.wake();
        });
        return;
      }
      if (performance.now() > end) throw new Error('qemu has no gdb stub');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private send(text: string): void {
    let sum = 0;
    for (const c of text) sum = (sum + c.charCodeAt(0)) & 255;
    this.socket.write(`$${text}#${sum.toString(16).padStart(2, '0')}`);
  }
  /** The next packet, without its frame. */
  private async packet(): Promise<string> {
    for (;;) {
      const found = /\$([^#]*)#../.exec(this.received);
      if (found) {
        this.received = this.received.slice(found.index + found[0].length);
        this.socket.write('+');
        return found[1] as string;
      }
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('qemu does not answer')), PATIENCE_MS);
        this.wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  }
  private async command(text: string): Promise<string> {
    this.send(text);
    return this.packet();
  }
  private async confirmed(text: string): Promise<void> {
    const answer = await this.command(text);
    if (answer !== 'OK') throw new Error(`qemu answers ${text.slice(0, 20)} with ${answer}`);
  }

  setRegister(n: number, value: number): Promise<void> {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    return this.confirmed(`P${n.toString(16)}=${hex(bytes)}`);
  }
  /** All registers up to EFER. */
  setRegisters(values: readonly number[]): Promise<void> {
    const bytes = Buffer.alloc(4 * REGISTERS);
    for (const [n, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, 4 * n);
    return this.confirmed(`G${hex(bytes)}${this.rest}`);
  }
  /** Code has to be written this way: what was made from it is dropped. */
  writeCode(address: number, bytes: Uint8Array): Promise<void> {
    return this.confirmed(`M${address.toString(16)},${bytes.length.toString(16)}:${hex(bytes)}`);
  }
  async step(): Promise<void> {
    const answer = await this.command('s');
    if (!/^[ST]05/.test(answer)) throw new Error(`qemu stops with ${answer}`);
  }
  /** What the monitor's `info registers` says. */
  async describe(): Promise<string> {
    this.send(`qRcmd,${hex(Buffer.from('info registers'))}`);
    let text = '';
    for (;;) {
      const answer = await this.packet();
      if (!/^O[0-9a-f]/.test(answer)) return text;
      text += Buffer.from(answer.slice(1), 'hex').toString('latin1');
    }
  }

  write(address: number, bytes: Uint8Array): void {
    writeSync(this.file, bytes, 0, bytes.length, address);
  }
  read(address: number, bytes: Uint8Array): void {
    readSync(this.file, bytes, 0, bytes.length, address);
  }

  close(): void {
    this.socket.destroy();
    this.child.kill();
    closeSync(this.file);
    for (const path of [this.path, `${this.path}.gdb`]) rmSync(path, { force: true });
  }
}
