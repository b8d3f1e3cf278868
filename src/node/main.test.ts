import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from './main.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coracle-'));
  writeFileSync(join(folder, 'junk'), new Uint8Array(70_000).fill(7));
  writeFileSync(join(folder, 'empty'), '');
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

test.each([
  [['start'], 'the command is boot'],
  [['boot', '-kernel', 'nowhere'], 'there is no file nowhere'],
  [['boot', '-kernel', '.'], 'is a folder'],
  [['boot', '-kernel', 'JUNK'], 'no image that Coracle knows'],
  [['boot', '-kernel', 'EMPTY'], 'the image is empty'],
  [['boot', '-bios', 'JUNK'], 'multiple of 64 KiB'],
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
  [['boot', '-rtc', 'base=never'], 'base=utc'],
])('bad input ends with status 2 and one message: %j', async (words, message) => {
  const given = words.map((word) => (word === 'JUNK' ? file('junk') : word === 'EMPTY' ? file('empty') : word));
  const { status, errors } = await run(...given);
  expect(errors).toContain(message);
  expect(errors.trim().split('\n')).toHaveLength(1);
  expect(status).toBe(2);
});
