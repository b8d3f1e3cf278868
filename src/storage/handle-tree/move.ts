/** Moves what is in a folder of the host to another place there, with all below. */
import { Entry, Inode, S_IFREG } from './entry.ts';
import { guestName, hostName } from './names.ts';

/** Not in all browsers, and where it is there not for folders [File System, "move"]. */
interface MovableHandle {
  move?(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}

/**
 * The entry's handle is that of the new place afterwards; its own place in the tree is left to the caller.
 * @param name as the host is to have it
 * @param flush what open files wait with is to be in the folder
 */
export async function moveEntry(entry: Entry, folder: FileSystemDirectoryHandle, name: string, flush: (inode: Inode) => Promise<void>): Promise<void> {
  if (entry.handle?.kind === 'directory') {
    entry.handle = await moveFolder(entry, folder, name, flush);
    return;
  }
  const { inode } = entry;
  await flush(inode);
  entry.handle = await moveFile(entry, folder, name);
  if (inode.content !== undefined) inode.content.rebase(await entry.file().getFile());
}

async function moveFolder(entry: Entry, folder: FileSystemDirectoryHandle, name: string, flush: (inode: Inode) => Promise<void>): Promise<FileSystemDirectoryHandle> {
  const from = entry.folder(), to = await folder.getDirectoryHandle(name, { create: true });
  const names: string[] = [];
  for await (const each of from.keys()) names.push(each);
  for (const each of names) {
    const child = entry.children.get(guestName(each)) ?? new Entry(entry, guestName(each), new Inode(S_IFREG | 0o644));
    await moveEntry(await child.resolve(), to, each, flush);
  }
  await entry.parent!.folder().removeEntry(hostName(entry.name));
  return to;
}

async function moveFile(entry: Entry, folder: FileSystemDirectoryHandle, name: string): Promise<FileSystemFileHandle> {
  const handle = entry.file(), movable = handle as MovableHandle;
  try {
    await movable.move?.(folder, name);
    if (movable.move !== undefined) return await folder.getFileHandle(name);
  } catch {
    // The browser has it for its own files only.
  }
  const copy = await folder.getFileHandle(name, { create: true });
  const stream = await copy.createWritable();
  await stream.write(await handle.getFile());
  await stream.close();
  await entry.parent!.folder().removeEntry(hostName(entry.name));
  return copy;
}
