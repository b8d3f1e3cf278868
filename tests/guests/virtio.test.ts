/** Debian's kernel on what is new on the boards: APICs and without them, virtio devices, a shared folder, the microvm. */
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boot, guestFile } from './boot.ts';

const DEBIAN = ['-m', '128', '-kernel', guestFile('debian-i386', 'kernel'), '-initrd', guestFile('debian-i386', 'initrd')];
const SHELL = 'shell ready on /dev/ttyS0';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coracle-virtio-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs commands in the shell, then powers off; gives what they printed. */
async function shell(words: readonly string[], append: string, ...commands: string[]): Promise<string> {
  const script = ['stty -echo', ...commands, 'poweroff'].join('; ');
  const { status, output } = await boot(
    ...DEBIAN, ...words, '-append', `console=ttyS0 ${append}`, '-pace', 'none', '--timeout', '600', '--send', `${SHELL}=>${script}`,
  );
  expect(status).toBe(0);
  return output.slice(output.indexOf(SHELL));
}

describe('interrupts', () => {
  it('come by the I/O APIC, the timer by the local APIC', async () => {
    const output = await shell([], '', 'cat /proc/interrupts');
    expect(output).toMatch(/\b4: +\d+ +IO-APIC +4-edge +ttyS0/);
    expect(output).toMatch(/LOC: +\d\d\d/);
  });

  it('come by the 8259 pair where the kernel is told to leave the APICs alone', async () => {
    const output = await shell([], 'noapic nolapic', 'cat /proc/interrupts');
    expect(output).toMatch(/\b4: +\d+ +XT-PIC +ttyS0/);
  });
});

describe('virtio devices', () => {
  const LOAD = 'for m in virtio_blk virtio_console virtio_rng; do modprobe $m; done; sleep 1';

  it.each([['by messages', ''], ['by pins and the legacy interface', 'pci=nomsi virtio_pci.force_legacy=1']])('work %s', async (_how, append) => {
    const disk = join(folder, 'disk.img'), console = join(folder, 'console.txt');
    writeFileSync(disk, new Uint8Array(8 << 20).fill(0x41));
    const output = await shell(
      [
        '-drive', `file=${disk},if=virtio`, '-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci',
        '-chardev', `file,id=c,path=${console}`, '-device', 'virtconsole,chardev=c',
      ],
      append, LOAD, 'head -c 4 /dev/vda', 'echo', 'echo BBBB | dd of=/dev/vda bs=1 seek=4096 conv=notrunc', 'sync',
      'echo printed > /dev/hvc0', 'head -c 64 /dev/hwrng | wc -c', 'grep virtio /proc/interrupts',
    );
    expect(output).toMatch(/AAAA\r?\n/);
    expect(output).toMatch(/\n64\r?\n/);
    expect(output).toMatch(append === '' ? /PCI-MSI.*virtio\d-req/ : /IO-APIC.*virtio/);
    expect(readFileSync(disk).subarray(4094, 4102).toString()).toBe('AABBBB\nA');
    expect(readFileSync(console, 'utf8')).toContain('printed');
  });

  it('share a folder', async () => {
    const share = join(folder, 'share');
    mkdirSync(join(share, 'sub'), { recursive: true });
    writeFileSync(join(share, 'from-host'), 'hello');
    const output = await shell(
      ['-virtfs', `local,path=${share},mount_tag=share,security_model=none`], '',
      'modprobe 9pnet_virtio', 'modprobe 9p', 'mkdir /m', 'mount -t 9p -o trans=virtio,version=9p2000.L share /m', 'cat /m/from-host', 'echo',
      'echo one > /m/sub/file', 'ln /m/sub/file /m/sub/hard', 'ln -s file /m/sub/soft', 'mv /m/sub /m/moved', 'chmod 600 /m/moved/file',
      'tar -C / -cf /m/etc.tar etc', 'mkdir /m/x', 'tar -C /m/x -xf /m/etc.tar', 'diff -r /etc /m/x/etc && echo SAME-TREE',
      'rm -r /m/x', 'dd if=/dev/zero of=/m/large bs=1M count=1 seek=4500', 'truncate -s 10 /m/etc.tar', 'umount /m',
    );
    expect(output).toMatch(/hello\r?\n/);
    expect(output).toContain('SAME-TREE');
    const moved = statSync(join(share, 'moved/file'));
    expect([moved.nlink, moved.mode & 0o777, readlinkSync(join(share, 'moved/soft'))]).toEqual([2, 0o600, 'file']);
    expect([statSync(join(share, 'large')).size, statSync(join(share, 'etc.tar')).size]).toEqual([4501 * 2 ** 20, 10]);
    expect(() => lstatSync(join(share, 'x'))).toThrow('ENOENT');
  });
});

it('a microvm starts the same kernel, and powers off without fixed ACPI hardware', async () => {
  const output = await shell(['-M', 'microvm'], '', 'cat /proc/interrupts', 'echo pci-$(ls /sys/bus/pci/devices | wc -l)');
  expect(output).toContain('ACPI:Ged');
  expect(output).toContain('pci-0');
});
