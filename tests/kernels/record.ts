/**
 * By hand: `npx tsx tests/kernels/record.ts [--qemu] [--record] [--compiled] [NAME…]` runs kernels and prints how their logs differ
 * from the recorded ones; --qemu runs QEMU in place of Coracle, --record makes Coracle's logs the recorded ones,
 * --compiled compiles all code before it runs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { differences, logPath, notForQemu, recordedLog, unexplained } from './logs.ts';
import { assemble, findNasm, findQemu, kernelNames, runCoracle, runQemu, testCd, testDisk } from './run.ts';

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('--'));
const onQemu = args.includes('--qemu');
const nasm = await findNasm();
const folder = mkdtempSync(join(tmpdir(), 'coracle-kernels-'));
const disk = join(folder, 'disk.img');
writeFileSync(disk, testDisk());
const cd = join(folder, 'cd.img');
writeFileSync(cd, testCd());
for (const name of names.length > 0 ? names : kernelNames()) {
  if (onQemu && notForQemu(name) !== undefined) continue;
  const kernel = assemble(nasm, name);
  let log: string;
  if (onQemu) {
    const qemu = findQemu(name);
    if (qemu === undefined) throw new Error('there is no QEMU on PATH; apt install qemu-system-x86');
    const file = join(folder, `${name}.bin`);
    writeFileSync(file, kernel);
    log = runQemu(qemu, name, file, disk, cd);
  } else {
    log = await runCoracle(name, kernel, args.includes('--compiled') ? 'compiled' : 'auto');
    if (args.includes('--record')) writeFileSync(logPath(name), log);
  }
  if (args.includes('--print')) process.stdout.write(log);
  console.log(`${name}: ${log.split('\n').length - 1} lines`);
  if (onQemu) for (const line of unexplained(name, log)) console.log(`  ${line}`);
  else for (const { recorded, found } of differences(recordedLog(name), log)) console.log(`  - ${recorded ?? ''}\n  + ${found ?? ''}`);
}
rmSync(folder, { recursive: true });
