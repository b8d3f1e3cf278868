/**
 * What a guest printed last on its serial ports, for the moment when it says no more; and the line in which a kernel tells
 * that it gives up.
 */

/** Text that is kept, and lines of it that are told. */
const KEPT = 4096, LINES = 4;
/** Linux, the BSDs and illumos. */
const PANIC = /^.*(?:Kernel panic - |\bpanic(?:\[[^\]]*\]\S*)?: ).*$/m;
const ESCAPE = '\u001b';
const CONTROL_SEQUENCES = new RegExp(`${ESCAPE}\\[[0-9;?]*[ -/]*[@-~]`, 'g');

export class LastWords {
  private text = '';
  private panicked = false;

  /** Gives the line of a panic, once. */
  add(data: Uint8Array): string | undefined {
    const fresh = String.fromCharCode(...data.subarray(-KEPT)).replace(CONTROL_SEQUENCES, '').replaceAll('\r', '');
    const text = this.text + fresh;
    this.text = text.slice(-KEPT);
    const line = this.panicked ? undefined : PANIC.exec(text.slice(0, text.lastIndexOf('\n') + 1))?.[0].trim();
    if (line !== undefined) this.panicked = true;
    return line;
  }

  /** The last lines that are not empty. */
  get lines(): string[] {
    return this.text.split('\n').map((line) => line.trim()).filter((line) => line !== '').slice(-LINES);
  }

  /** A guest that starts anew has said nothing yet. */
  clear(): void {
    this.text = '';
    this.panicked = false;
  }
}

/** The last lines on a text screen. */
export function lastRows(screen: readonly string[] | undefined): string[] {
  return (screen ?? []).map((row) => row.trim()).filter((row) => row !== '').slice(-LINES);
}
