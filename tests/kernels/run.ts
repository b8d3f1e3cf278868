/**
 * Runs the test kernels: assembles them, lets Coracle or QEMU execute them, and gives what they wrote to port E9h.
 * A kernel ends by isa-debug-exit or by resetting the machine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Apt } from '../../images/lib/apt.ts';
import { findTool, run, type Tool } from '../../images/lib/tools.ts';
import { createMachine, type MachineOptions } from '../../src/create-machine.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const EXIT_PORT = 0xf4;
/** Guest memory in MiB; the kernels look at no more. */
const MEMORY_MIB = 32;
/** Of the host, which may be busy: kernels take a few seconds at most. */
const TIMEOUT_MS = 60_000;
/** A processor as Coracle and QEMU name it: one of 32 bits with SSE2, PAE and NX, and one with long mode, for the kernels named so. */
interface Processor {
  readonly coracle: string;
  readonly qemu: string;
  readonly program: string;
}
const PROCESSOR_32: Processor = {
  coracle: 'x86-64-v1,-lm,-syscall,-mca,-mce', qemu: 'n270,-apic,-ssse3,-movbe,-x2apic,-hypervisor,-mce,-mca', program: 'qemu-system-i386',
};
const LONG_FEATURES = 'pdpe1gb,+rdtscp,+fsgsbase,+smep,+smap,+umip,+xsave,+xsaveopt';
const PROCESSOR_64: Processor = {
  coracle: `x86-64-v1,+pcid,+invpcid,+${LONG_FEATURES}`, qemu: `qemu64,vendor=GenuineIntel,-svm,-hypervisor,-x2apic,+${LONG_FEATURES}`, program: 'qemu-system-x86_64',
};
const processorFor = (name: string): Processor => (name.endsWith('64') ? PROCESSOR_64 : PROCESSOR_32);

/** What a kernel writes to the debug port to be sent an NMI, as the watchdog of QEMU sends one. */
const NMI_PLEASE = '\x15';

/** Sectors of the disk that the kernels find as primary master: each holds its number in every doubleword. */
const DISK_SECTORS = 2048;
const CD_SECTORS = 64;

/** Names of the kernels: every `.asm` file of this folder. */
export function kernelNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.asm'))
    .map((file) => file.slice(0, -'.asm'.length))
    .sort();
}

export async function findNasm(): Promise<Tool> {
  return findTool('nasm', new Apt());
}

export function assemble(nasm: Tool, name: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-kernel-'));
  try {
    const output = join(folder, `${name}.bin`);
    run(nasm, ['-f', 'bin', '-Wno-label-orphan', '-i', `${FOLDER}lib/`, '-o', output, join(FOLDER, `${name}.asm`)]);
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function testDisk(): Uint8Array {
  const disk = new Uint32Array((DISK_SECTORS * 512) / 4);
  for (let sector = 0; sector < DISK_SECTORS; sector++) disk.fill(sector, sector * 128, sector * 128 + 128);
  return new Uint8Array(disk.buffer);
}

/** The CD in the secondary master: each sector of 2048 bytes holds its number in every doubleword. */
export function testCd(): Uint8Array {
  const cd = new Uint32Array(CD_SECTORS * 512);
  for (let sector = 0; sector < CD_SECTORS; sector++) cd.fill(sector, sector * 512, sector * 512 + 512);
  return new Uint8Array(cd.buffer);
}

/** What the kernel writes when a tier of Coracle runs it, and a last line when it ended otherwise than by isa-debug-exit. */
export async function runCoracle(name: string, kernel: Uint8Array, tier: NonNullable<MachineOptions['tier']> = 'auto'): Promise<string> {
  const machine = await createMachine({
    kernel, hda: testDisk(), cdrom: testCd(), memoryMiB: MEMORY_MIB, pace: 'none', noReboot: true, serialPorts: 1,
    debugExit: { iobase: EXIT_PORT }, cpu: processorFor(name).coracle, date: new Date('2026-01-02T03:04:05Z'), tier,
  });
  let text = '';
  const decoder = new TextDecoder('latin1');
  machine.on('debug-output', ({ data }) => {
    const written = decoder.decode(data);
    if (written.includes(NMI_PLEASE)) machine.sendNmi();
    text += written.replaceAll(NMI_PLEASE, '');
  });
  try {
    const end = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => resolve('timeout'), TIMEOUT_MS);
      machine.on('error', reject);
      machine.on('exit', ({ reason }) => {
        clearTimeout(timer);
        // QEMU's end after a triple fault is a reset like others.
        resolve(reason === 'debug-exit' ? '' : reason === 'triple-fault' ? 'reset' : reason);
      });
      machine.run();
    });
    return withEnd(text, end);
  } finally {
    machine.pause();
    await machine.dispose();
  }
}

/** The QEMU that runs a kernel, if it is installed. */
export function findQemu(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, processorFor(name).program)).find((path) => existsSync(path));
}

export function runQemu(qemu: string, name: string, kernelFile: string, diskFile: string, cdFile: string): string {
  const args = [
    '-accel', 'tcg', '-M', 'pc', '-cpu', processorFor(name).qemu, '-m', String(MEMORY_MIB), '-kernel', kernelFile, '-display', 'none', '-no-reboot',
    '-nodefaults', '-vga', 'std', '-debugcon', 'stdio', '-serial', 'null', '-device', `isa-debug-exit,iobase=${EXIT_PORT}`,
    '-drive', `file=${diskFile},format=raw,if=ide,index=0,snapshot=on`, '-drive', `file=${cdFile},format=raw,if=ide,index=2,media=cdrom`,
    '-device', 'ib700', '-action', 'watchdog=inject-nmi', '-rtc', 'base=2026-01-02T03:04:05',
  ];
  const result = spawnSync(qemu, args, { encoding: 'latin1', timeout: TIMEOUT_MS, maxBuffer: 64 << 20 });
  if (result.error !== undefined && (result.error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') throw result.error;
  const text = (result.stdout ?? '').replaceAll(NMI_PLEASE, '');
  if (result.status === null) return withEnd(text, 'timeout');
  if (result.status !== 0 && result.status !== 1) throw new Error(`QEMU failed (${result.status}): ${result.stderr}`);
  return withEnd(text, result.status === 0 ? 'reset' : '');
}

/** How the machine ended is a line of its own. */
function withEnd(text: string, end: string): string {
  const lines = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return end === '' ? lines : `${lines}${end}\n`;
}
