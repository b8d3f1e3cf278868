/** xterm on the serial port, sized so that the 80 columns that guests expect fit wherever they can be read. */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';

const COLUMNS = 80;
const SMALLEST_FONT = 9.5, LARGEST_FONT = 14;
/** Width of a character to the size of the font, in every monospaced font within a few hundredths. */
const CHARACTER_WIDTH = 0.61;
/** Padding of the box, and the scroll bar. */
const MARGIN = 30;
/** Of the serial output, what is kept as text for `SerialTerminal.text`. */
const KEPT_CHARACTERS = 1 << 18;

const THEME = {
  background: '#0b1113', foreground: '#d6e2df', cursor: '#d9a45b', cursorAccent: '#0b1113', selectionBackground: '#2b5a5a',
  black: '#18242a', red: '#e5786d', green: '#82c29a', yellow: '#dcb16a', blue: '#7fb0d8', magenta: '#c39ad0', cyan: '#6cc7bd', white: '#c9d6d3',
  brightBlack: '#5d7378', brightRed: '#f29b90', brightGreen: '#a5dcb7', brightYellow: '#efcd93', brightBlue: '#a6cbeb',
  brightMagenta: '#dab8e4', brightCyan: '#93ded5', brightWhite: '#f2f7f5',
};

export interface TerminalOptions {
  readonly place: HTMLElement;
  readonly onInput: (text: string) => void;
  /** The user leaves the terminal by its key chord. */
  readonly onLeave: () => void;
}

export class SerialTerminal {
  private readonly place: HTMLElement;
  private readonly terminal: Terminal;
  private readonly fit = new FitAddon();
  private decoder = new TextDecoder();
  private kept = '';

  constructor({ place, onInput, onLeave }: TerminalOptions) {
    this.place = place;
    this.terminal = new Terminal({
      theme: THEME,
      cursorBlink: true,
      scrollback: 5000,
      fontFamily: getComputedStyle(place).getPropertyValue('--mono'),
      fontSize: LARGEST_FONT,
      lineHeight: 1.15,
    });
    this.terminal.loadAddon(this.fit);
    this.terminal.open(place);
    this.terminal.textarea?.setAttribute('aria-label', 'Terminal on the serial port');
    this.terminal.onData(onInput);
    this.terminal.attachCustomKeyEventHandler((event) => {
      if (!isLeaveChord(event)) return true;
      if (event.type === 'keydown') onLeave();
      return false;
    });
    new ResizeObserver(() => this.resize()).observe(place);
    this.resize();
  }

  /** What came over the serial port since the machine was made, or its last quarter million characters. */
  get text(): string {
    return this.kept;
  }

  write(data: Uint8Array): void {
    this.terminal.write(data);
    this.kept += this.decoder.decode(data, { stream: true });
    if (this.kept.length > 2 * KEPT_CHARACTERS) this.kept = this.kept.slice(-KEPT_CHARACTERS);
  }

  /** Empty, for another machine. */
  clear(): void {
    this.terminal.reset();
    this.decoder = new TextDecoder();
    this.kept = '';
  }

  focus(): void {
    this.terminal.focus();
  }

  private resize(): void {
    const width = this.place.clientWidth - MARGIN;
    if (width <= 0) return;
    const fitting = Math.floor((width / COLUMNS / CHARACTER_WIDTH) * 4) / 4;
    this.terminal.options.fontSize = Math.min(Math.max(fitting, SMALLEST_FONT), LARGEST_FONT);
    this.fit.fit();
  }
}

/** Ctrl+Alt+G, as in QEMU: takes the keyboard back from the guest. */
export function isLeaveChord(event: KeyboardEvent): boolean {
  return event.ctrlKey && event.altKey && event.code === 'KeyG';
}
