/** The user's terminal as a serial line: raw input, and QEMU's escape key Ctrl-A. */

const ESCAPE = 0x01;
const HELP = '\r\nCtrl-A X  quit\r\nCtrl-A Ctrl-A  send Ctrl-A\r\n';

export interface TerminalOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  onData(data: Uint8Array): void;
  onQuit(): void;
}

/** Finds Ctrl-A sequences in what is typed. */
export class EscapeFilter {
  private escaped = false;
  private readonly onQuit: () => void;
  private readonly onHelp: () => void;

  constructor(onQuit: () => void, onHelp: () => void) {
    this.onQuit = onQuit;
    this.onHelp = onHelp;
  }

  /** Returns what goes to the guest. */
  push(data: Uint8Array): Uint8Array {
    const out: number[] = [];
    for (const byte of data) {
      if (!this.escaped) {
        if (byte === ESCAPE) this.escaped = true;
        else out.push(byte);
        continue;
      }
      this.escaped = false;
      const key = String.fromCharCode(byte).toLowerCase();
      if (byte === ESCAPE) out.push(ESCAPE);
      else if (key === 'x') this.onQuit();
      else if (key === 'h' || key === '?') this.onHelp();
    }
    return Uint8Array.from(out);
  }
}

/** Connects the terminal; the result gives it back to the shell. */
export function openTerminal({ input, output, onData, onQuit }: TerminalOptions): () => void {
  const filter = new EscapeFilter(onQuit, () => output.write(HELP));
  const listen = (chunk: Buffer): void => {
    // Without a terminal there is no user to press an escape key, and a file may hold any byte.
    const data = input.isTTY ? filter.push(chunk) : new Uint8Array(chunk);
    if (data.length > 0) onData(data);
  };
  if (input.isTTY) input.setRawMode(true);
  input.on('data', listen);
  return () => {
    input.off('data', listen);
    if (input.isTTY) input.setRawMode(false);
    input.pause();
  };
}
