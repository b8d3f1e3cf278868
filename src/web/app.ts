/**
 * The page's one machine and how it changes: a new guest is loaded in a worker of its own while the old machine runs on,
 * and takes its place only when it has everything; a start that fails leaves the old one alone.
 */
import { type Guest, HARD_DISKS } from '../../images/manifest.ts';
import { EmulatorError } from '../errors.ts';
import { loadModules } from '../load-modules.ts';
import type { MachineExit } from '../machine/machine.ts';
import { type BootRequest, keptName, type Report, SHARE_TAG, type Totals } from '../worker/protocol.ts';
import { errorOf } from '../worker/transfer-errors.ts';
import { checkWebAssembly } from '../wasm-features.ts';
import { guestInAddress, processorInAddress, setGuestInAddress } from './address.ts';
import { byId } from './dom.ts';
import { GuestList } from './guest-list.ts';
import { type Catalog, defaultGuest, EMBEDDED, firmwareFiles, guestRequest, loadCatalog } from './guests.ts';
import { KeptDisks } from './kept-disks.ts';
import { connectKeyboard } from './keyboard.ts';
import { connectMouse } from './mouse.ts';
import { type Action, Notices } from './notices.ts';
import { OwnImage } from './own-image.ts';
import { Progress } from './progress.ts';
import { type ScreenState, ScreenView } from './screen.ts';
import { Session } from './session.ts';
import { SharedFolder } from './shared-folder.ts';
import { SerialTerminal } from './terminal.ts';
import { Toolbar } from './toolbar.ts';

const PROCESSOR_STEP = 'Processor', MACHINE_STEP = 'Machine';
const EXIT_TEXTS: Readonly<Record<MachineExit['reason'], string>> = {
  poweroff: 'The guest switched the machine off',
  reset: 'The guest ended with a reset',
  'triple-fault': 'The guest crashed (triple fault)',
  'debug-exit': 'The guest ended the machine',
};

/** Something to start, by the page or by a user. */
export interface Start {
  readonly title: string;
  /** Name of the guest, if it is one of the list. */
  readonly guest?: string;
  readonly request: BootRequest;
  /** Nobody asked for it: the page's address stays as it is. */
  readonly automatic?: boolean;
}

export class App {
  readonly terminal: SerialTerminal;
  private readonly toolbar: Toolbar;
  private readonly screen = new ScreenView();
  private readonly notices = new Notices(byId('notices', HTMLDivElement));
  private readonly progress = new Progress(byId('progress', HTMLElement));
  private readonly guestList = new GuestList((guest) => this.quietly(this.startGuest(guest)));
  private readonly keptDisks: KeptDisks;
  private readonly copy = byId('copy-screen', HTMLButtonElement);
  private readonly catalog: Promise<Catalog>;
  private readonly sharedFolder: SharedFolder;
  private current: { readonly session: Session; readonly start: Start } | undefined;
  private loading: { readonly session: Session; readonly start: Start } | undefined;
  private latest: Totals | undefined;
  /** How the machine was last switched off. */
  private exit: MachineExit | undefined;

  constructor() {
    this.toolbar = new Toolbar({
      onRun: () => this.run(), onPause: () => this.pause(), onReset: () => this.reset(), onPower: () => this.pressPowerButton(),
    });
    this.terminal = new SerialTerminal({
      place: byId('terminal', HTMLDivElement),
      onInput: (text) => this.session?.sendSerial(text),
      onLeave: () => this.toolbar.focus(),
    });
    connectKeyboard({
      field: byId('screen-keys', HTMLTextAreaElement),
      hint: byId('screen-hint', HTMLParagraphElement),
      onKey: (code, down) => this.session?.sendKey(code, down),
      onText: (text) => this.session?.sendText(text),
      onRelease: () => this.session?.releaseKeys(),
      onLeave: () => this.toolbar.focus(),
    });
    connectMouse({
      place: byId('screen-keys', HTMLTextAreaElement),
      button: byId('capture-mouse', HTMLButtonElement),
      onMove: (move) => this.session?.sendMouse(move),
      onError: () => this.notices.showRemark('The mouse was not captured', 'The browser refused; wait a second after Escape, then try again.'),
    });
    const onError = (title: string, error: unknown): void => {
      this.notices.clear();
      this.notices.showError(title, error);
    };
    new OwnImage({ onStart: (title, request) => this.quietly(this.startOwn(title, request)), onError });
    this.keptDisks = new KeptDisks(onError);
    this.sharedFolder = new SharedFolder({
      onChange: (folder) => this.showShared(folder),
      onError: (error) => this.notices.showError('The folder is not shared', error),
    });
    this.copy.addEventListener('click', () => void this.copyScreen());
    this.catalog = loadCatalog();
  }

  get session(): Session | undefined {
    return this.current?.session;
  }

  get guest(): string | undefined {
    return this.current?.start.guest;
  }

  get totals(): Totals | undefined {
    return this.latest;
  }

  get state(): ScreenState {
    return this.session?.state ?? (this.loading ? 'loading' : 'empty');
  }

  /** Shows the guests and boots the one that the address names, or the first. */
  async open(): Promise<void> {
    this.showState();
    const catalog = await this.catalog;
    this.guestList.show(catalog);
    addEventListener('hashchange', () => {
      const name = guestInAddress();
      if (name !== undefined && name !== this.guest) this.quietly(this.boot(name));
    });
    const named = guestInAddress();
    if (named === undefined) this.quietly(this.startGuest(defaultGuest(catalog), true));
    else this.quietly(this.boot(named));
  }

  async guests(): Promise<readonly Guest[]> {
    return (await this.catalog).guests;
  }

  /** Boots a guest of the list. @throws EmulatorError after it has been shown */
  async boot(name: string): Promise<void> {
    const { guests } = await this.catalog;
    const guest = guests.find((candidate) => candidate.name === name);
    if (guest) return this.startGuest(guest);
    const error = new EmulatorError('missing-file', `there is no guest “${name}” here; choose one from the list`);
    this.notices.clear();
    this.notices.showError('This address names no guest', error);
    throw error;
  }

  /** @throws EmulatorError after it has been shown */
  async startOwn(title: string, request: BootRequest): Promise<void> {
    const has = (role: string): boolean => request.files.some((file) => file.role === role);
    const direct = has('kernel') || has('multiboot');
    const firmware = direct ? [] : firmwareFiles(await this.catalog).filter(({ role }) => !has(role));
    if (!direct && !has('bios') && !firmware.some(({ role }) => role === 'bios')) {
      const advice = 'drop SeaBIOS’s bios-256k.bin and vgabios-stdvga.bin (package seabios) together with the image';
      const error = new EmulatorError('missing-file', `a disk needs firmware to start from, and there is none here; ${advice}`);
      this.notices.clear();
      this.notices.showError(`${title} cannot be started`, error);
      throw error;
    }
    await this.start({ title, request: { ...request, files: [...request.files, ...firmware] } });
  }

  /** Goes on, or switches on what is off. */
  run(): void {
    this.session?.run();
  }

  pause(): void {
    this.session?.pause();
  }

  /** The reset button; a machine that is off starts anew as well. */
  reset(): void {
    const { session } = this;
    if (session === undefined) return;
    const off = session.state === 'off';
    session.reset();
    if (off) session.run();
  }

  pressPowerButton(): void {
    this.session?.pressPowerButton();
  }

  /** Guests that start from now on have the folder; undefined: none. */
  shareFolder(folder: FileSystemDirectoryHandle | undefined): void {
    this.sharedFolder.share(folder);
  }

  /** @param fallBack boot the embedded guest when this one cannot be had and there is no machine */
  private async startGuest(guest: Guest, fallBack = false): Promise<void> {
    const catalog = await this.catalog;
    const startOf = (which: Guest): Start => ({ title: which.title, guest: which.name, request: guestRequest(which, catalog), automatic: fallBack });
    try {
      await this.start(startOf(guest));
    } catch (error) {
      const elsewhere = error instanceof EmulatorError && (error.code === 'fetch-failed' || error.code === 'bad-image');
      if (!fallBack || !elsewhere || guest.name === EMBEDDED.name) throw error;
      this.notices.showRemark('The guest that is part of the page boots instead', 'It needs nothing from a server.');
      await this.start(startOf(EMBEDDED), true);
    }
  }

  /** @throws after the error has been shown; a newer start ends this one in silence. */
  private async start(start: Start, keepNotices = false): Promise<void> {
    this.loading?.session.end();
    if (!keepNotices) this.notices.clear();
    let session: Session | undefined;
    try {
      checkWebAssembly();
      session = new Session();
      this.loading = { session, start };
      await this.load(session, start);
    } catch (error) {
      const superseded = session !== undefined && this.loading?.session !== session;
      session?.end();
      if (superseded) return;
      this.endLoading();
      if (error instanceof DOMException && error.name === 'AbortError') return;
      this.showStartError(start, error);
      throw error;
    }
  }

  private async load(session: Session, start: Start): Promise<void> {
    this.showState();
    this.progress.begin(`Starting ${start.title}`, () => session.end());
    this.progress.wait(PROCESSOR_STEP, 'fetching and compiling');
    const modules = await Promise.race([loadModules(), session.broken]);
    this.progress.done(PROCESSOR_STEP, 'ready');
    for (const file of start.request.files) this.progress.update(file.name, 0, file.sizeBytes);
    await this.giveUpDisk(start);
    const canvas = document.createElement('canvas');
    const waiting: Report[] = [];
    const { folder } = this.sharedFolder;
    await session.load({ ...start.request, processor: processorInAddress(), ...(folder === undefined ? {} : { folder }) }, {
      modules, canvas,
      onReport: (report) => {
        if (report.kind === 'progress') this.progress.update(report.step, report.loadedBytes, report.totalBytes);
        else if (this.session === session) this.receive(report);
        else waiting.push(report);
      },
    });
    this.progress.done(MACHINE_STEP, 'ready');
    this.endLoading();
    this.current?.session.end();
    this.current = { session, start };
    this.latest = undefined;
    this.exit = undefined;
    if (!start.automatic) setGuestInAddress(start.guest);
    this.screen.attach(canvas);
    this.terminal.clear();
    this.toolbar.clear();
    for (const report of waiting) this.receive(report);
    this.showState();
    session.run();
    void this.keptDisks.refresh();
  }

  /** The machine that is there ends if the new one is to have its kept disk. */
  private async giveUpDisk({ request }: Start): Promise<void> {
    const { current } = this;
    if (!current || !sharesKeptDisk(current.start.request, request)) return;
    this.current = undefined;
    this.showState();
    await current.session.close();
  }

  /** For callers that have nobody to tell: what failed stands on the page already. */
  private quietly(work: Promise<void>): void {
    work.catch(() => {});
  }

  private endLoading(): void {
    this.loading = undefined;
    this.progress.end();
    this.showState();
  }

  private showStartError(start: Start, error: unknown): void {
    const again: Action = { label: 'Try again', run: () => this.quietly(this.start(start)) };
    const runsOn = this.session?.state === 'running' ? '; the running machine goes on' : '';
    this.notices.showError(`${start.title} could not be started${runsOn}`, error, [again]);
  }

  private receive(report: Report): void {
    switch (report.kind) {
      case 'serial':
        this.terminal.write(report.data);
        return;
      case 'screen':
        this.screen.setSize(report);
        return;
      case 'frame':
        this.screen.draw(report, report.pixels);
        return;
      case 'totals':
        this.latest = report.totals;
        this.toolbar.setTotals(report.totals);
        return;
      case 'state':
        this.showState();
        return;
      case 'exit':
        // The state follows, and shows it.
        this.exit = report.exit;
        return;
      case 'error':
        this.notices.showError('The machine was stopped', errorOf(report.error));
        return;
      case 'device-error':
        // A guest tries again and again.
        this.notices.clear();
        this.notices.showError('A disk could not be read or written; the guest runs on', errorOf(report.error));
        return;
      case 'panic':
        this.notices.showRemark('The guest’s kernel has given up', report.message);
        return;
      case 'stuck':
        this.notices.showRemark('The guest has stopped', `Its processor halts with interrupts off: only a reset goes on.${quoted(report.lastWords)}`);
        return;
      case 'reset':
        if (report.cause === 'triple-fault') this.showCrash(report.lastWords);
        return;
      case 'progress':
        return;
    }
  }

  /** A guest that crashes while it starts does so again and again. */
  private showCrash(lastWords: readonly string[]): void {
    this.notices.clear();
    this.notices.showRemark('The guest crashed and starts again', `Its processor could not deliver an exception (triple fault).${quoted(lastWords)}`);
  }

  private showState(): void {
    const { state, current } = this;
    this.toolbar.setTitle((current ?? this.loading)?.start.title ?? 'No machine yet');
    this.toolbar.setState(state);
    this.guestList.mark(this.guest);
    this.copy.disabled = current === undefined;
    if (state === 'loading') this.screen.setState(state, 'The machine is on its way');
    else if (state === 'off' && this.exit) this.screen.setState(state, EXIT_TEXTS[this.exit.reason]);
    else this.screen.setState(state);
  }

  private showShared(folder: FileSystemDirectoryHandle | undefined): void {
    this.notices.clear();
    const { current } = this;
    const again: Action[] = current === undefined ? [] : [{ label: `Start ${current.start.title} anew`, run: () => this.quietly(this.start(current.start)) }];
    if (folder === undefined) this.notices.showRemark('The folder is shared no more', 'Guests that start from now on are without it.', again);
    else {
      const mount = `mount -t 9p -o trans=virtio,version=9p2000.L ${SHARE_TAG} /mnt`;
      this.notices.showRemark(`${folder.name} is shared with guests that start from now on`, `A Linux guest whose kernel has 9p mounts it: ${mount}`, again);
    }
  }

  private async copyScreen(): Promise<void> {
    const rows = await this.session?.readTextScreen();
    try {
      if (rows === undefined) throw new EmulatorError('bad-option', 'the screen is in a graphics mode, which has no text');
      await navigator.clipboard.writeText(rows.map((row) => row.trimEnd()).join('\n'));
    } catch (cause) {
      const error = cause instanceof EmulatorError ? cause : new EmulatorError('unsupported-host', 'this browser keeps its clipboard from the page; it is there on secure (https) pages');
      this.notices.clear();
      this.notices.showError('The text was not copied', error);
    }
  }
}

/** Only one machine can have the kept writes of a disk. */
function sharesKeptDisk(a: BootRequest, b: BootRequest): boolean {
  if (!a.keepWrites || !b.keepWrites) return false;
  const disks = a.files.filter(({ role }) => HARD_DISKS.has(role)).map(keptName);
  return b.files.some((file) => HARD_DISKS.has(file.role) && disks.includes(keptName(file)));
}

function quoted(lastWords: readonly string[]): string {
  return lastWords.length === 0 ? '' : ` Its last words: ${lastWords.join(' / ')}`;
}
