/** From the files of a boot request to the options of a machine: what is needed whole is loaded, disks stay where they are. */
import { type GuestFileRole, HARD_DISKS } from '../../images/manifest.ts';
import type { MachineOptions } from '../create-machine.ts';
import type { BlockBackend } from '../storage/block.ts';
import { openHandleTree } from '../storage/handle-tree/tree.ts';
import { openImage } from '../storage/open.ts';
import type { VirtioOption } from '../virtio-options.ts';
import { loadBytes, type ProgressListener } from './downloads.ts';
import { type BootRequest, type ImageFile, keptName, SHARE_TAG } from './protocol.ts';

export type FileProgress = (step: string, ...progress: Parameters<ProgressListener>) => void;

/** Images that a drive reads block by block. */
const DRIVES: ReadonlySet<GuestFileRole> = new Set([...HARD_DISKS, 'cdrom', 'fda']);

/** What a guest is started with, and has a copy of then. */
const KERNELS: ReadonlySet<GuestFileRole> = new Set(['kernel', 'initrd', 'multiboot']);

/** @throws EmulatorError for a file that does not arrive; those opened before are closed then. */
export async function machineOptions(request: BootRequest, onProgress: FileProgress): Promise<MachineOptions> {
  const { memoryMiB, machine, append, boot, processor, folder } = request;
  const opened: BlockBackend[] = [];
  const shares: VirtioOption[] = folder === undefined ? [] : [{ kind: '9p', source: await openHandleTree(folder), mountTag: SHARE_TAG }];
  const load = async (file: ImageFile): Promise<MachineOptions> => {
    const progress: ProgressListener = (...of) => onProgress(file.name, ...of);
    if (KERNELS.has(file.role)) return { [file.role === 'multiboot' ? 'kernel' : file.role]: await loadedOnce(file, progress) };
    if (!DRIVES.has(file.role)) return optionFor(file.role, await loadBytes(file, progress));
    const backend = await openDrive(file, request.keepWrites === true && HARD_DISKS.has(file.role), progress);
    opened.push(backend);
    return optionFor(file.role, backend);
  };
  const results = await Promise.allSettled(request.files.map(load));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    for (const backend of opened) void backend.close();
    throw failed.reason;
  }
  const files = results.map((result) => (result.status === 'fulfilled' ? result.value : {}));
  const board = machine === undefined ? {} : { machine };
  const virtio = [...files.flatMap((options) => options.virtio ?? []), ...shares];
  const kernel = { ...(append === undefined ? {} : { append }), ...(boot === undefined ? {} : { boot }) };
  return Object.assign({ memoryMiB, ...board, ...processor, ...kernel }, ...files, virtio.length > 0 ? { virtio } : {});
}

/** The bytes, for the guest's first start; they are loaded again for others, so that nothing keeps them while it runs. */
async function loadedOnce(file: ImageFile, onProgress: ProgressListener): Promise<() => Promise<Uint8Array>> {
  let bytes: Uint8Array | undefined = await loadBytes(file, onProgress);
  return async () => {
    const loaded = bytes ?? (await loadBytes(file, () => {}, 'force-cache'));
    bytes = undefined;
    return loaded;
  };
}

function optionFor(role: GuestFileRole, content: Uint8Array | BlockBackend): MachineOptions {
  if (role === 'virtioDisk') return { virtio: [{ kind: 'blk', drive: content }] };
  return { [role]: content };
}

/** The guest's writes go into memory or into the browser's store: neither a server nor a file of the user's is to change. */
async function openDrive(file: ImageFile, keep: boolean, onProgress: ProgressListener): Promise<BlockBackend> {
  onProgress(0, file.sizeBytes);
  const backend = await openImage(file.source, { writes: keep ? { persist: keptName(file) } : 'memory', onProgress });
  onProgress(backend.sizeBytes, backend.sizeBytes);
  return backend;
}
