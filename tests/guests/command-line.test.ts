/** Real guests booted headless by the built command line. Debian's 64-bit guests: `debian-amd64.test.ts`. */
import { describe, expect, it } from 'vitest';
import { boot, FIRMWARE, guestFile, kernelFlags, TEACHING_IMAGE, withDisk } from './boot.ts';

/** Seconds on a host that has much else to do. */
const SLEPT_AT_MOST = 14;

describe('firmware', () => {
  it('shows its boot messages on the text screen', async () => {
    expect(await boot('-m', '32', ...FIRMWARE, '--until', 'No bootable device', '--timeout', '120')).toMatchObject({ status: 0 });
  });
});

describe('the teaching image', () => {
  it('starts without firmware, answers on the serial port and powers off', async () => {
    const { status, output } = await boot('-m', '16', '-kernel', TEACHING_IMAGE, '--timeout', '120', '--send', 'shell ready=>regs', '--send', 'CR4=>poweroff');
    expect(output).toContain('good night');
    expect(status).toBe(0);
  });
  it('starts from a disk by the firmware', async () => {
    const outcome = await boot('-m', '16', ...FIRMWARE, '-hda', TEACHING_IMAGE, '-snapshot', '--until', 'shell ready', '--timeout', '120');
    expect(outcome).toMatchObject({ status: 0 });
  });
});

/** Everything is compiled that is reached twice: for what is compiled seldom, and thrown away in large numbers. */
describe('compiled at once', () => {
  const AT_ONCE = ['-compile-threshold', '1', '-pace', 'none'];

  it('the firmware shows its boot messages', async () => {
    const outcome = await boot('-m', '32', ...FIRMWARE, ...AT_ONCE, '--until', 'No bootable device', '--timeout', '120');
    expect(outcome).toMatchObject({ status: 0 });
  });
  it('the teaching image starts from a disk', async () => {
    const outcome = await boot('-m', '16', ...FIRMWARE, '-hda', TEACHING_IMAGE, '-snapshot', ...AT_ONCE, '--until', 'shell ready', '--timeout', '120');
    expect(outcome).toMatchObject({ status: 0 });
  });
  it.each(['debian-i386', 'debian-amd64'])('%s comes up on a microvm, is typed into, and powers off', async (guest) => {
    const kernel = ['-kernel', guestFile(guest, 'kernel'), '-initrd', guestFile(guest, 'initrd'), '-append', 'console=ttyS0'];
    const shell = ['--send', 'shell ready on /dev/ttyS0=>echo $((6 * 7))-up; poweroff'];
    const { status, output } = await boot('-M', 'microvm', '-m', '128', ...kernel, ...AT_ONCE, ...shell, '--timeout', '800');
    expect(output).toMatch(/\n42-up\r?\n/);
    expect(status).toBe(0);
  });
});

describe("Debian's i386 kernel", () => {
  it('comes up to shells on the serial port and on the screen, is typed into, and powers off', async () => {
    const { status, output } = await boot(
      '-m', '128', ...kernelFlags('debian-i386'), '--timeout', '600',
      '--send', 'shell ready on /dev/ttyS0=>expr 6 \\* 7; uname -m',
      '--send', 'shell ready on /dev/tty1=>echo screen-$((70 + 7)) > /dev/ttyS0; echo typed-$((5 * 5))-here',
      '--send', 'typed-25-here=>poweroff',
    );
    expect(output).toMatch(/\n42\r?\ni686/);
    expect(output).toMatch(/screen-77\r?\n/);
    expect(status).toBe(0);
  });

  it('sleeps ten seconds of the wall’s when it is told to', async () => {
    const { status, arrivalMs } = await boot(
      '-m', '128', ...kernelFlags('debian-i386'), '--timeout', '600',
      '--send', 'shell ready on /dev/ttyS0=>echo lay-$((1 + 1)); sleep 10; echo rose-$((1 + 1)); poweroff',
    );
    expect(status).toBe(0);
    const seconds = (arrivalMs('rose-2') - arrivalMs('lay-2')) / 1000;
    expect(seconds).toBeGreaterThan(9.9);
    expect(seconds).toBeLessThan(SLEPT_AT_MOST);
  });

  it('stops on a processor that lacks what it needs, and the message says what to change', async () => {
    const { status, output } = await boot('-m', '128', '-cpu', '486', ...kernelFlags('debian-i386'), '-pace', 'none', '--timeout', '600');
    expect(output).toMatch(/the guest stopped: .*-cpu/);
    expect(status).toBe(1);
  });

  it('boots from a hard disk by firmware and boot loader, and keeps what it wrote to its root over a reboot', async () => {
    const { status, output } = await withDisk('debian-i386-disk', (disk) => boot(
      '-m', '128', ...FIRMWARE, '-hda', disk, '--timeout', '600',
      '--send', 'shell ready on /dev/ttyS0=>grep sda /proc/mounts; echo kept-$((6 * 7)) > /kept; sync; reboot',
      '--send', 'shell ready on /dev/ttyS0=>cat /kept; poweroff',
    ));
    expect(output).toContain('/dev/sda2 / ext4');
    expect(output).toMatch(/\nkept-42\r?\n/);
    expect(status).toBe(0);
  });
});
