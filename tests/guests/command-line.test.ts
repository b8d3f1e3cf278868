/** Real guests booted headless by the built command line, as a user would: `node bin/coracle.js boot …`. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { GuestFileRole, GuestManifest } from '../../images/manifest.ts';

const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const GUESTS = here('.cache/guests');
const manifest: GuestManifest = JSON.parse(readFileSync(join(GUESTS, 'guests.json'), 'utf8'));

function guestFile(guest: string, role: GuestFileRole): string {
  const file = manifest.guests.find((g) => g.name === guest)?.files.find((f) => f.role === role);
  if (!file) throw new Error(`guest ${guest} has no ${role}; run npm run guests`);
  return join(GUESTS, file.path);
}
const FIRMWARE = ['-bios', guestFile('seabios', 'bios'), '-vga-bios', guestFile('seabios', 'vgaBios')];

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

function boot(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [here('bin/coracle.js'), 'boot', '-nographic', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString('latin1');
    });
  }
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output })));
}

describe('firmware', () => {
  it('shows its boot messages on the text screen', async () => {
    expect(await boot('-m', '32', ...FIRMWARE, '--until', 'No bootable device', '--timeout', '120')).toMatchObject({ status: 0 });
  });
});

describe('the teaching image', () => {
  const image = here('images/teaching/teaching.img');
  it('starts without firmware, answers on the serial port and powers off', async () => {
    const { status, output } = await boot('-m', '16', '-kernel', image, '--timeout', '120', '--send', 'shell ready=>regs', '--send', 'CR4=>poweroff');
    expect(output).toContain('good night');
    expect(status).toBe(0);
  });
  it('starts from a disk by the firmware', async () => {
    const outcome = await boot('-m', '16', ...FIRMWARE, '-hda', image, '-snapshot', '--until', 'shell ready', '--timeout', '120');
    expect(outcome).toMatchObject({ status: 0 });
  });
});

describe("Debian's i386 kernel", () => {
  it('comes up to shells on the serial port and on the screen, is typed into, and powers off', async () => {
    const { status, output } = await boot(
      '-m', '128', '-kernel', guestFile('debian-i386', 'kernel'), '-initrd', guestFile('debian-i386', 'initrd'),
      '-append', 'console=tty0 console=ttyS0,115200', '--timeout', '600',
      '--send', 'shell ready on /dev/ttyS0=>expr 6 \\* 7; uname -m',
      '--send', 'shell ready on /dev/tty1=>echo screen-$((70 + 7)) > /dev/ttyS0; echo typed-$((5 * 5))-here',
      '--send', 'typed-25-here=>poweroff',
    );
    expect(output).toMatch(/\n42\r?\ni686/);
    expect(output).toMatch(/screen-77\r?\n/);
    expect(status).toBe(0);
  });

  it('boots from a hard disk by firmware and boot loader, and keeps what it wrote to its root over a reboot', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coracle-disk-'));
    const disk = join(folder, 'disk.img');
    copyFileSync(guestFile('debian-i386-disk', 'hda'), disk);
    try {
      const start = ['-m', '128', ...FIRMWARE, '-hda', disk, '--timeout', '600'];
      const { status, output } = await boot(
        ...start,
        '--send', 'shell ready on /dev/ttyS0=>grep sda /proc/mounts; echo kept-$((6 * 7)) > /kept; sync; reboot',
        '--send', 'shell ready on /dev/ttyS0=>cat /kept; poweroff',
      );
      expect(output).toContain('/dev/sda2 / ext4');
      expect(output).toMatch(/\nkept-42\r?\n/);
      expect(status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
