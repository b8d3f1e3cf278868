/** Debian's 64-bit kernels booted headless by the built command line, on both boards and from both kinds of disk. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { boot, FIRMWARE, guestFile, kernelFlags, TEACHING_IMAGE, withDisk } from './boot.ts';

const READY = 'shell ready on /dev/ttyS0';
/** Guest time that waits for nobody: a busy host makes the boot longer, not another one. */
const BOUNDED = ['-pace', 'none', '--timeout', '800'];

describe("Debian's amd64 kernel for clouds", () => {
  it('comes up to shells on the serial port and on the screen of a PC, is typed into, and powers off', async () => {
    const { status, output } = await boot(
      '-m', '128', ...kernelFlags('debian-amd64'), ...BOUNDED,
      '--send', `${READY}=>expr 6 \\* 7; uname -m`,
      '--send', 'shell ready on /dev/tty1=>echo screen-$((70 + 7)) > /dev/ttyS0; echo typed-$((5 * 5))-here',
      '--send', 'typed-25-here=>poweroff',
    );
    expect(output).toMatch(/\n42\r?\nx86_64/);
    expect(output).toMatch(/screen-77\r?\n/);
    expect(status).toBe(0);
  });

  it('comes up on a microvm, sees RAM above 4 GiB, reads a virtio disk, and powers off', async () => {
    const { status, output } = await boot(
      '-M', 'microvm', '-m', '3584', ...kernelFlags('debian-amd64-microvm'), '-drive', `file=${TEACHING_IMAGE},if=virtio,snapshot=on`, ...BOUNDED,
      '--send', `${READY}=>grep RAM /proc/iomem; sha256sum /dev/vda; poweroff`,
    );
    // 3 GiB lie below the hole for devices, and 512 MiB from 4 GiB on.
    expect(output).toMatch(/\n100000000-11fffffff : System RAM\r?\n/);
    expect(output).toContain(createHash('sha256').update(readFileSync(TEACHING_IMAGE)).digest('hex'));
    expect(status).toBe(0);
  });

  it('does not start on a processor of 32 bits, and the message says what to do', async () => {
    const { status, output } = await boot('-cpu', 'pentium3', ...kernelFlags('debian-amd64'), ...BOUNDED);
    expect(output).toContain('this kernel is 64-bit');
    expect(output).toContain('take x86-64-v3, or an i386 kernel');
    expect(status).toBe(2);
  });
});

describe("Debian's full amd64 kernel", () => {
  it('boots from an IDE disk by firmware and boot loader, is typed into, and powers off', async () => {
    const { status, output } = await boot(
      '-m', '256', ...FIRMWARE, '-hda', guestFile('debian-amd64-disk', 'hda'), '-snapshot', ...BOUNDED,
      '--send', `${READY}=>grep ext4 /proc/mounts; uname -m; poweroff`,
    );
    expect(output).toMatch(/\n\/dev\/sda2 \/ ext4.*\r?\nx86_64\r?\n/);
    expect(status).toBe(0);
  });

  it('boots from the same disk over virtio, and what it wrote is there when it is off', async () => {
    await withDisk('debian-amd64-disk', async (disk) => {
      const { status, output } = await boot(
        '-m', '256', ...FIRMWARE, '-drive', `file=${disk},if=virtio`, ...BOUNDED,
        '--send', `${READY}=>grep ext4 /proc/mounts; echo kept-$((6 * 7)) > /kept; poweroff`,
      );
      expect(output).toContain('/dev/vda2 / ext4');
      expect(status).toBe(0);
      expect(readFileSync(disk).includes('kept-42\n')).toBe(true);
    });
  });
});
