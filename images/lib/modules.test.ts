import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { moduleClosure, modulesDep } from './modules.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coracle-modules-'));
  const files = {
    'modules.builtin': 'kernel/fs/ext4/ext4.ko\nkernel/fs/crypto-a.ko\n',
    'kernel/drivers/disk.ko': '\x7fELF\0depends=scsi-core\0',
    'kernel/drivers/scsi-core.ko': '\x7fELF\0depends=\0',
    'kernel/drivers/other.ko': '\x7fELF\0depends=\0',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('moduleClosure', () => {
  it('puts what a module needs before it, and leaves out what the kernel has in itself', () => {
    const modules = moduleClosure(folder, ['ext4', 'crypto-a', 'disk']);
    expect(modules.map(({ path }) => path)).toEqual(['kernel/drivers/scsi-core.ko', 'kernel/drivers/disk.ko']);
    expect(modulesDep(modules)).toBe('kernel/drivers/scsi-core.ko:\nkernel/drivers/disk.ko: kernel/drivers/scsi-core.ko\n');
  });

  it('refuses what is neither', () => {
    expect(() => moduleClosure(folder, ['floppy'])).toThrow('no module floppy');
  });
});
