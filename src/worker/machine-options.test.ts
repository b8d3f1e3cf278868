import { expect, it } from 'vitest';
import { machineOptions } from './machine-options.ts';

it('makes of an image an IDE disk or a virtio disk, as its role says', async () => {
  const disk = (role: 'hda' | 'virtioDisk') => ({ role, name: 'disk.img', source: new Blob([new Uint8Array(1024)]) });
  const ide = await machineOptions({ files: [disk('hda')], memoryMiB: 16 }, () => {});
  expect(ide).toMatchObject({ memoryMiB: 16, hda: { sizeBytes: 1024 } });
  expect(ide.virtio).toBeUndefined();
  const virtio = await machineOptions({ files: [disk('virtioDisk')], memoryMiB: 16 }, () => {});
  expect(virtio).toMatchObject({ memoryMiB: 16, virtio: [{ kind: 'blk', drive: { sizeBytes: 1024 } }] });
  expect(virtio.hda).toBeUndefined();
});
