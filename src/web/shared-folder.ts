/** A folder of the user's that guests mount: chosen by a button, let go of by the same. */
import { byId } from './dom.ts';

/** Not in all browsers [File System Access]. */
interface DirectoryPicker {
  showDirectoryPicker?(options: { mode: 'readwrite' }): Promise<FileSystemDirectoryHandle>;
}

export interface SharedFolderOptions {
  /** Another folder, or none, is to be shared. */
  readonly onChange: (folder: FileSystemDirectoryHandle | undefined) => void;
  readonly onError: (error: unknown) => void;
}

export class SharedFolder {
  private readonly button = byId('share-folder', HTMLButtonElement);
  private readonly options: SharedFolderOptions;
  private current: FileSystemDirectoryHandle | undefined;

  constructor(options: SharedFolderOptions) {
    this.options = options;
    this.button.hidden = !('showDirectoryPicker' in window);
    this.button.addEventListener('click', () => void this.choose());
  }

  get folder(): FileSystemDirectoryHandle | undefined {
    return this.current;
  }

  share(folder: FileSystemDirectoryHandle | undefined): void {
    this.current = folder;
    this.button.textContent = folder === undefined ? 'Share a folder' : `Stop sharing ${folder.name}`;
    this.options.onChange(folder);
  }

  private async choose(): Promise<void> {
    if (this.current !== undefined) {
      this.share(undefined);
      return;
    }
    try {
      const folder = await (window as DirectoryPicker).showDirectoryPicker?.({ mode: 'readwrite' });
      if (folder !== undefined) this.share(folder);
    } catch (error) {
      // The user has closed the dialog.
      if ((error as DOMException).name !== 'AbortError') this.options.onError(error);
    }
  }
}
