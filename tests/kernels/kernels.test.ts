/**
 * The test kernels: Coracle's logs against the recorded ones and, where QEMU is installed, QEMU's against them too, but
 * for what the tables beside the logs explain.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tool } from '../../images/lib/tools.ts';
import { differences, notForQemu, recordedLog, unexplained } from './logs.ts';
import { assemble, findNasm, findQemu, kernelNames, runCoracle, runQemu, testCd, testDisk } from './run.ts';

let nasm: Tool;
let folder: string;
let disk: string;
let cd: string;

beforeAll(async () => {
  nasm = await findNasm();
  folder = mkdtempSync(join(tmpdir(), 'coracle-kernels-'));
  disk = join(folder, 'disk.img');
  writeFileSync(disk, testDisk());
  cd = join(folder, 'cd.img');
  writeFileSync(cd, testCd());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(kernelNames())('kernel %s', (name) => {
  const qemu = findQemu(name);
  it.each(['interp', 'compiled'] as const)('Coracle writes the recorded log, tier %s', async (tier) => {
    const log = await runCoracle(name, assemble(nasm, name), tier);
    expect(differences(recordedLog(name), log)).toEqual([]);
  });

  // QEMU's own faults keep two kernels from running there; their tables say why.
  if (notForQemu(name) !== undefined) return;
  it.skipIf(qemu === undefined)('QEMU writes it too, but for what the table explains', () => {
    const file = join(folder, `${name}.bin`);
    writeFileSync(file, assemble(nasm, name));
    const run = (): string[] => unexplained(name, runQemu(qemu as string, name, file, disk, cd));
    // QEMU's timers keep the host's time, and on a busy host an interrupt comes too late: what differs is what differs each time.
    let found = run();
    for (let again = 0; again < 2 && found.length > 0; again++) found = run().filter((difference) => found.includes(difference));
    expect(found).toEqual([]);
  });
});
