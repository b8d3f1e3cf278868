import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { main } from './main.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coracle-'));
  writeFileSync(join(folder, 'junk'), new Uint8Array(70_000).fill(7));
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'blank'), new Uint8Array(0x10000));
  writeFileSync(join(folder, 'qcow2'), Buffer.from('QFI\xfb'.padEnd(1024, '\0'), 'latin1'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...words: string[]): Promise<{ status: number; output: string; errors: string }> {
  const collect = (): { stream: NodeJS.WriteStream; text: () => string } => {
    const stream = new PassThrough();
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    return { stream: stream as unknown as NodeJS.WriteStream, text: () => Buffer.concat(chunks).toString() };
  };
  const output = collect();
  const errors = collect();
  const input = new PassThrough() as unknown as NodeJS.ReadStream;
  const status = await main(words, { input, output: output.stream, errors: errors.stream });
  return { status, output: output.text(), errors: errors.text() };
}

const file = (name: string): string => join(folder, name);

test('help is shown', async () => {
  const { status, output } = await run('boot', '--help');
  expect(status).toBe(0);
  expect(output).toContain('usage: coracle boot');
  expect((await run()).status).toBe(2);
});

test('a host without a part of WebAssembly is told what is missing and what has it', async () => {
  const validate = vi.spyOn(WebAssembly, 'validate').mockImplementation(() => false);
  const { status, errors } = await run('boot', '-bios', file('blank'), '-hda', file('junk'));
  validate.mockRestore();
  expect(status).toBe(2);
  expect(errors).toMatch(/tail calls, SIMD.*Node 20/);
});

test.each([
  [['start'], 'the command is boot'],
  [['boot', '-kernel', 'nowhere'], 'there is no file nowhere'],
  [['boot', '-kernel', '.'], 'is a folder'],
  [['boot', '-kernel', 'JUNK'], 'no image that Coracle knows'],
  [['boot', '-kernel', 'EMPTY'], 'the image is empty'],
  [['boot', '-bios', 'JUNK'], 'multiple of 64 KiB'],
  [['boot', '-bios', 'BLANK', '-hda', 'JUNK'], 'nothing to start in hda'],
  [['boot', '-bios', 'BLANK', '-hda', 'JUNK', '-cdrom', 'JUNK'], 'nothing to start in hda, cdrom'],
  [['boot', '-bios', 'nowhere.bin'], 'there is no file nowhere.bin'],
  [['boot', '-m', 'much'], 'give MiB'],
  [['boot', '-m', '0'], '1 to 3840 MiB'],
  [['boot', '-m', '9G'], '1 to 3840 MiB'],
  [['boot', '-boot', 'z'], 'boot order'],
  [['boot', '-initrd', 'JUNK', '-bios', 'JUNK'], 'multiple of 64 KiB'],
  [['boot', '-device', 'e1000'], 'Coracle adds'],
  [['boot', '-device', 'virtconsole'], 'virtio-serial-pci before it'],
  [['boot', '-device', 'virtio-blk-pci,drive=d'], 'no -drive if=none,id=d'],
  [['boot', '-drive', 'file=a,if=none,id=d'], 'virtio-blk-pci,drive=d uses it'],
  [['boot', '-drive', 'file=a,if=virtio,cache=none'], 'there is no cache'],
  [['boot', '-drive', 'file=a'], 'IDE disks are -hda'],
  [['boot', '-device', 'isa-debug-exit,iobase=x'], 'iobase=PORT'],
  [['boot', '-M', 'q35'], 'pc or microvm'],
  [['boot', '-M', 'microvm', '-hda', 'JUNK', '-kernel', 'JUNK'], 'virtio disks only'],
  [['boot', '-pace', 'fast'], 'wall or none'],
  [['boot', '-tier', 'jit'], 'interp, compiled or auto'],
  [['boot', '-compile-threshold', '0'], 'from 1 to'],
  [['boot', '-trace', 'in_asm,op'], 'trace op: it is made of in_asm, ir'],
  [['boot', '-rtc', 'base=never'], 'base=utc'],
])('bad input ends with status 2 and one message: %j', async (words, message) => {
  const given = words.map((word) => (['JUNK', 'EMPTY', 'BLANK'].includes(word) ? file(word.toLowerCase()) : word));
  const { status, errors } = await run(...given);
  expect(errors).toContain(message);
  expect(errors.trim().split('\n')).toHaveLength(1);
  expect(status).toBe(2);
});

test('a kernel comes from a server, or the server’s answer is told', async () => {
  const image = kernel('bye\n', [0xfa, 0xf4]); // cli; hlt
  const server = createServer(({ url }, response) => void (url === '/kernel' ? response.end(image) : response.writeHead(404).end()));
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const found = await run('boot', '-kernel', `${base}/kernel`, '-m', '4', '-pace', 'none', '-until', 'bye');
    expect([found.status, found.errors]).toEqual([0, '']);
    const missing = await run('boot', '-kernel', `${base}/nothing`);
    expect([missing.status, missing.errors]).toEqual([2, expect.stringContaining(`the kernel cannot be fetched: the server answered 404 for ${base}/nothing`)]);
  } finally {
    server.close();
  }
});

/** A multiboot kernel that prints `text` on the first serial port, then executes `code`. */
function kernel(text: string, code: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const base = 0x100000, entry = 0x40;
  const header = [0x1badb002, 0x10000, -(0x1badb002 + 0x10000), base, base, base + 256, base + 256, base + entry];
  for (const [i, value] of header.entries()) view.setUint32(i * 4, value, true);
  const print = [...text].flatMap((char) => [0xb0, char.charCodeAt(0), 0xee]); // mov al, …; out dx, al
  bytes.set([0x66, 0xba, 0xf8, 0x03, ...print, ...code], entry); // mov dx, 3F8h
  return bytes;
}

test('a triple fault is said plainly, with the guest’s last words', async () => {
  // lidt [zeros]; ud2
  const lidt = [0x0f, 0x01, 0x1d, 0xf0, 0x00, 0x10, 0x00, 0x0f, 0x0b];
  writeFileSync(file('crash'), kernel('bye\n', lidt));
  const { status, errors } = await run('boot', '-kernel', file('crash'), '-m', '4', '-no-reboot', '-pace', 'none');
  expect([status, errors]).toEqual([1, expect.stringMatching(/the guest crashed: .*triple fault.*last words:\n {2}bye\n/)]);
  const again = await run('boot', '-kernel', file('crash'), '-m', '4', '-pace', 'none', '-timeout', '2');
  expect([again.status, again.errors.match(/crashed/g)]).toEqual([3, ['crashed']]);
});

test('a kernel’s panic is said when it happens', async () => {
  writeFileSync(file('panic'), kernel('Kernel panic - not syncing: why\n', [0xeb, 0xfe])); // jmp $
  const { status, errors } = await run('boot', '-kernel', file('panic'), '-m', '4', '-pace', 'none', '-timeout', '0.3', '-until', 'shell');
  expect([status, errors.split('\n')[0]]).toEqual([3, 'coracle: the guest’s kernel panicked: Kernel panic - not syncing: why']);
  expect(errors).toContain('0.3 seconds are over without “shell”; its last words:');
});

test('a processor that halts with interrupts off ends the run, which says so', async () => {
  writeFileSync(file('halt'), kernel('bye\n', [0xfa, 0xf4])); // cli; hlt
  for (const pace of ['wall', 'none']) {
    const { status, errors } = await run('boot', '-kernel', file('halt'), '-m', '4', '-pace', pace, '-timeout', '20', '-until', 'shell');
    expect([status, errors]).toEqual([1, expect.stringMatching(/the guest stopped: its processor halts with interrupts off.*-cpu.*; its last words:\n {2}bye\n$/)]);
  }
  const { status, errors } = await run('boot', '-kernel', file('halt'), '-m', '4', '-timeout', '20', '-until', 'bye');
  expect([status, errors]).toEqual([0, '']);
});

test('what the processor does is traced into a file, regions side by side with their guest code', async () => {
  // mov ecx, 5000; again: inc eax; loop again; cli; hlt
  writeFileSync(file('loop'), kernel('on\n', [0xb9, 0x88, 0x13, 0, 0, 0x40, 0xe2, 0xfd, 0xfa, 0xf4]));
  const words = ['-m', '4', '-pace', 'none', '-timeout', '2', '-until', 'never', '-compile-threshold', '10', '-trace', 'in_asm,exec,ir,wasm', '-D', file('trace')];
  expect((await run('boot', '-kernel', file('loop'), ...words)).status).toBe(1);
  const text = readFileSync(file('trace'), 'utf8');
  expect(text).toMatch(/^in_asm \d+: 32 bits\n(.*\n)*? {2}0010004d b988130000 +mov ecx,1388h\n/m);
  expect(text).toMatch(/^exec \d+: 00100052 interpreted\n/m);
  expect(text).toMatch(/^region \d+: 00100052, 32 bits, .*\n(.*\n)*? {2}00100052 40 +inc eax +%\d+ = get \$eax +\S/m);
  expect(text).toMatch(/ {4}return_call dispatch\n/);
});
