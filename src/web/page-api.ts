/**
 * `window.coracle`: the page's machine for scripts, tests and pages that embed this one from the same origin.
 *
 * ```js
 * await coracle.boot('debian-i386');
 * coracle.sendSerial('uname -a\r');
 * console.log(coracle.serialText, await coracle.screenText());
 * ```
 */
import type { Guest } from '../../images/manifest.ts';
import type { Totals } from '../worker/protocol.ts';
import type { App } from './app.ts';
import type { ScreenState } from './screen.ts';

export interface CoraclePage {
  /** 'empty' before the first machine, 'loading' while it is on its way. */
  readonly state: ScreenState;
  /** Name of the guest whose machine is there; undefined for an image of the user's own. */
  readonly guest: string | undefined;
  /** What came over the first serial port since the machine was made; the last 256 KiB of it at least. */
  readonly serialText: string;
  /** Sums since power-on, a few times a second while the machine runs. */
  readonly totals: Totals | undefined;
  guests(): Promise<readonly Guest[]>;
  /** Boots a guest of the list in place of the machine that is there. Rejects with an EmulatorError, and shows it. */
  boot(name: string): Promise<void>;
  /** Shares a folder with the guests that start from now on; undefined: none. They mount it by 9p, with the tag `share`. */
  shareFolder(folder: FileSystemDirectoryHandle | undefined): void;
  run(): void;
  pause(): void;
  reset(): void;
  /** A guest with ACPI powers off in answer. */
  pressPowerButton(): void;
  /** Text for the guest's serial port; Enter is `\r`. */
  sendSerial(text: string): void;
  /** Types text on the guest's keyboard, by the US layout; Enter is `\n`. */
  sendText(text: string): void;
  /** A key goes down or up; `code` as in `KeyboardEvent.code`. */
  sendKey(code: string, down: boolean): void;
  /** The characters on the screen, a string a row; undefined without a machine and in graphics modes. */
  screenText(): Promise<string[] | undefined>;
}

export function pageApi(app: App): CoraclePage {
  return {
    get state() {
      return app.state;
    },
    get guest() {
      return app.guest;
    },
    get serialText() {
      return app.terminal.text;
    },
    get totals() {
      return app.totals;
    },
    guests: () => app.guests(),
    boot: (name) => app.boot(name),
    shareFolder: (folder) => app.shareFolder(folder),
    run: () => app.run(),
    pause: () => app.pause(),
    reset: () => app.reset(),
    pressPowerButton: () => app.pressPowerButton(),
    sendSerial: (text) => app.session?.sendSerial(text),
    sendText: (text) => app.session?.sendText(text),
    sendKey: (code, down) => app.session?.sendKey(code, down),
    screenText: async () => app.session?.readTextScreen(),
  };
}

declare global {
  interface Window {
    coracle?: CoraclePage;
  }
}
