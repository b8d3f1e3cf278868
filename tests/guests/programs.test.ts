/** Programs that bring their own world, as Debian packages them: memtest86+, UEFI firmware and what it boots, the installer. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SYSTEMS } from '../../images/lib/paths.ts';
import { boot } from './boot.ts';

const system = (name: string) => join(SYSTEMS, name);
const BOUNDED = ['-pace', 'none', '--timeout', '800'];

it('memtest86+ for 64 bits tests the whole memory, and finds no error', async () => {
  const { status, output } = await boot('-m', '16', '-kernel', system('memtest86+x64.bin'), '-append', 'console=ttyS0', ...BOUNDED, '--until', 'Status: Pass');
  expect(output).toMatch(/Errors: 0/);
  expect(output).not.toMatch(/Errors: [1-9]/);
  expect(status).toBe(0);
});

describe('OVMF', () => {
  it('comes to its shell, which is typed into', async () => {
    const { status, output } = await boot(
      '-m', '256', '-bios', system('OVMF.fd'), ...BOUNDED, '--until', 'Coracle says 42',
      '--send', 'Press =>\\e\\c', '--send', 'Shell> =>set answer 42', '--send', 'Shell> =>echo Coracle says %answer%',
    );
    expect(output).toContain('UEFI Interactive Shell v2.2');
    expect(status).toBe(0);
  });

  it('boots GRUB and Debian’s kernel from an EFI system partition, and the kernel switches off by what OVMF tells it', async () => {
    const { status, output } = await boot(
      '-m', '256', '-bios', system('OVMF.fd'), '-hda', system('uefi.img'), '-snapshot', ...BOUNDED,
      '--send', 'shell ready on /dev/ttyS0=>cat /sys/firmware/efi/fw_platform_size; dmesg | grep PM-Timer; poweroff',
    );
    expect(output).toMatch(/\n64\r?\n/);
    // Not where SeaBIOS has it.
    expect(output).toContain('PM-Timer IO Port: 0xb008');
    expect(status).toBe(0);
  });
});

it.runIf(process.env.CORACLE_LONG === '1')('Debian’s netboot installer for amd64 comes to its first question', async () => {
  const { status } = await boot(
    '-m', '1024', '-kernel', system('installer-vmlinuz'), '-initrd', system('installer-initrd.gz'), '-append', 'console=ttyS0', ...BOUNDED,
    '--until', 'Select a language',
  );
  expect(status).toBe(0);
});
