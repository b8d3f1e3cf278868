/**
 * Images of the user's own: files dropped anywhere on the page, chosen, or given by an address are judged by their contents and shown in a form
 * with the options of the machine; only its button starts one.
 */
import { type GuestFileRole, HARD_DISKS } from '../../images/manifest.ts';
import type { BootRequest, ImageFile } from '../worker/protocol.ts';
import { addressCandidate, type Candidate, classify, fileCandidate } from './classify.ts';
import { byId, make } from './dom.ts';
import { formatBytes } from './format.ts';

export interface OwnImageOptions {
  readonly onStart: (title: string, request: BootRequest) => void;
  readonly onError: (title: string, error: unknown) => void;
}

const ROLES: Readonly<Record<GuestFileRole, string>> = {
  hda: 'Hard disk', virtioDisk: 'Virtio disk', cdrom: 'CD', fda: 'Floppy', kernel: 'Linux kernel', initrd: 'Initial RAM disk', multiboot: 'Multiboot kernel',
  bios: 'Firmware (BIOS)', vgaBios: 'Video BIOS',
};
const KERNELS: ReadonlySet<GuestFileRole> = new Set(['kernel', 'multiboot']);
const DEFAULT_MEMORY_MIB = 128;
/** Boards that enter a kernel without firmware. */
const MACHINES = { pc: 'a PC', microvm: 'a microvm: serial console, nothing to look for' };
const LINUX_COMMAND_LINE = 'console=tty0 console=ttyS0,115200';
const BOOT_ORDERS: readonly (readonly [string, string])[] = [
  ['cad', 'Hard disk, floppy, CD'], ['acd', 'Floppy first'], ['dca', 'CD first'],
];

export class OwnImage {
  private readonly form = byId('own-form', HTMLFormElement);
  private readonly options: OwnImageOptions;
  private files: ImageFile[] = [];
  /** What `files` was made from. */
  private candidates: readonly Candidate[] = [];

  constructor(options: OwnImageOptions) {
    this.options = options;
    const picker = byId('file-picker', HTMLInputElement);
    picker.addEventListener('change', () => {
      void this.take([...(picker.files ?? [])]);
      picker.value = '';
    });
    const addressForm = byId('address-form', HTMLFormElement);
    addressForm.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.takeAddress(String(new FormData(addressForm).get('address')));
    });
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.start();
    });
    this.acceptDrops();
  }

  /** Files to start from; what is shown already stays, so that a kernel and its initrd may come one by one. */
  async take(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    await this.add(files.length === 1 ? files[0].name : 'These files', () => Promise.resolve(files.map(fileCandidate)));
  }

  /** An image on a server, which is read as the guest needs it. */
  async takeAddress(address: string): Promise<void> {
    await this.add(address, async () => [await addressCandidate(address)]);
  }

  private async add(what: string, more: () => Promise<readonly Candidate[]>): Promise<void> {
    try {
      const candidates = [...this.candidates, ...(await more())];
      this.files = await classify(candidates);
      this.candidates = candidates;
    } catch (error) {
      this.options.onError(`${what} cannot be started`, error);
      return;
    }
    this.show();
  }

  private acceptDrops(): void {
    const veil = byId('drop-veil', HTMLDivElement);
    let depth = 0;
    const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const follow = (change: number) => (event: DragEvent): void => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = Math.max(depth + change, 0);
      veil.hidden = depth === 0;
    };
    window.addEventListener('dragenter', follow(1));
    window.addEventListener('dragleave', follow(-1));
    window.addEventListener('dragover', follow(0));
    window.addEventListener('drop', (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      veil.hidden = true;
      void this.take([...(event.dataTransfer?.files ?? [])]);
    });
  }

  private show(): void {
    const hasKernel = this.files.some(({ role }) => KERNELS.has(role));
    const linux = this.files.some(({ role }) => role === 'kernel');
    const start = make('button', { type: 'submit', class: 'button primary' }, 'Start');
    this.form.replaceChildren(
      ...this.files.map((file, index) => this.fileRow(file, index)),
      make('label', {}, 'Memory in MiB', make('input', { name: 'memory', type: 'number', min: 1, max: 3840, step: 1, required: true, value: DEFAULT_MEMORY_MIB })),
      hasKernel
        ? make('label', {}, 'Command line of the kernel', make('input', { name: 'append', spellcheck: 'false', value: linux ? LINUX_COMMAND_LINE : '' }))
        : make('label', {}, 'Start from', make('select', { name: 'boot' }, ...BOOT_ORDERS.map(([value, text]) => make('option', { value, selected: value === this.likelyOrder() }, text)))),
      ...(hasKernel ? [this.machineChoice()] : []),
      ...(this.files.some(({ role }) => HARD_DISKS.has(role)) ? [this.keepChoice()] : []),
      make('div', { class: 'actions' }, start, make('button', { type: 'button', class: 'button', onclick: () => this.close() }, 'Cancel')),
    );
    this.form.hidden = false;
    this.form.scrollIntoView({ block: 'nearest' });
    start.focus();
  }

  private machineChoice(): HTMLElement {
    const choices = Object.entries(MACHINES).map(([value, text]) => make('option', { value }, text));
    return make('label', {}, 'Machine', make('select', { name: 'machine' }, ...choices));
  }

  private keepChoice(): HTMLElement {
    const keep = make('input', { name: 'keep', type: 'checkbox' });
    return make('label', { class: 'check' }, keep, 'Keep what the guest writes to the disk in this browser');
  }

  private likelyOrder(): string {
    const has = (role: GuestFileRole): boolean => this.files.some((file) => file.role === role);
    return has('hda') ? 'cad' : has('fda') ? 'acd' : 'dca';
  }

  private fileRow(file: ImageFile, index: number): HTMLElement {
    const size = file.source instanceof Blob ? ` · ${formatBytes(file.source.size)}` : '';
    const choose = (event: Event): void => {
      this.files[index] = { ...file, role: (event.target as HTMLSelectElement).value as GuestFileRole };
    };
    const roles = Object.entries(ROLES).map(([value, text]) => make('option', { value, selected: value === file.role }, text));
    return make(
      'div', { class: 'file' },
      make('span', {}, make('span', { class: 'file-name' }, file.name), size),
      make('select', { 'aria-label': `${file.name} is`, onchange: choose }, ...roles),
    );
  }

  private start(): void {
    const data = new FormData(this.form);
    const append = data.get('append');
    const boot = data.get('boot');
    const request: BootRequest = {
      files: this.files,
      keepWrites: data.has('keep'),
      memoryMiB: Number(data.get('memory')),
      ...(typeof append === 'string' && append !== '' ? { append } : {}),
      ...(typeof boot === 'string' ? { boot } : {}),
      ...(data.get('machine') === 'microvm' ? { machine: 'microvm' } : {}),
    };
    const title = this.files[0].name;
    this.close();
    this.options.onStart(title, request);
  }

  private close(): void {
    this.files = [];
    this.candidates = [];
    this.form.hidden = true;
    this.form.replaceChildren();
  }
}
