/** What a guest has shown, as a growing text, and the watching for passages in it. */

/** Text kept for a passage that is not complete yet. */
const KEPT = 1 << 16;

export class Transcript {
  private text = '';
  /** What was dropped from the front. */
  private dropped = 0;
  /** Everything before was consumed by a match. */
  private consumed = 0;

  append(text: string): void {
    this.text += text;
    const excess = this.text.length - KEPT;
    if (excess <= KEPT) return;
    this.text = this.text.slice(excess);
    this.dropped += excess;
  }

  /** Has `text` shown at any time that is still kept? */
  includes(text: string): boolean {
    return this.text.includes(text);
  }

  /** Looks for `text` after the last match; a hit becomes the last match. */
  take(text: string): boolean {
    const from = Math.max(this.consumed - this.dropped, 0);
    const at = this.text.indexOf(text, from);
    if (at < 0) return false;
    this.consumed = this.dropped + at + text.length;
    return true;
  }

  /** Leaves `text`, as often as it has shown up to now, and what came before it, out of matches to come. */
  skip(text: string): void {
    const at = this.text.lastIndexOf(text);
    if (at >= 0) this.consumed = Math.max(this.consumed, this.dropped + at + text.length);
  }
}

/** Terminal control sequences, which may stand in the middle of a text: removed. By their parts after Escape. */
const ESCAPE = '\\u001b', BELL = '\\u0007';
const STRING_BODY = `\\][^${BELL}${ESCAPE}]*`;
const CONTROL_SEQUENCES = new RegExp(
  `${ESCAPE}(?:\\[[0-9;?]*[ -/]*[@-~]|${STRING_BODY}(?:${BELL}|${ESCAPE}\\\\)|[()][0-9A-B]|[=>78cDEHMNOZ])`,
  'g',
);
/** The start of one at the end of the text. */
const UNFINISHED_SEQUENCE = new RegExp(`${ESCAPE}(?:\\[[0-9;?]*|${STRING_BODY}|[()])?$`);

/** Serial bytes as text, without terminal control. */
export class SerialText {
  private readonly decoder = new TextDecoder();
  private rest = '';

  push(data: Uint8Array): string {
    const text = this.rest + this.decoder.decode(data, { stream: true });
    const unfinished = UNFINISHED_SEQUENCE.exec(text);
    this.rest = unfinished && unfinished[0].length < 256 ? unfinished[0] : '';
    return text.slice(0, text.length - this.rest.length).replace(CONTROL_SEQUENCES, '');
  }
}

/** A text screen that is looked at now and then, as the text that was added to it. */
export class ScreenText {
  private rows: readonly string[] = [];

  /** @param screen all rows; what differs from the last look, scrolling apart, is new. */
  push(screen: readonly string[]): string {
    const rows = screen.map((row) => row.trimEnd());
    const scrolled = this.bestScroll(rows);
    let added = '';
    rows.forEach((row, i) => {
      const old = this.rows[i + scrolled] ?? '';
      if (row === old) return;
      added += row.startsWith(old) ? row.slice(old.length) : `\n${row}`;
      added += '\n';
    });
    this.rows = rows;
    return added === '' ? '' : added.slice(0, -1);
  }

  /** By how many rows the screen has moved up, judged by how many rows stay. */
  private bestScroll(rows: readonly string[]): number {
    let best = 0;
    let bestCount = -1;
    for (let scroll = 0; scroll < Math.max(this.rows.length, 1); scroll++) {
      const count = rows.filter((row, i) => row !== '' && row === this.rows[i + scroll]).length;
      if (count > bestCount) {
        best = scroll;
        bestCount = count;
      }
    }
    return best;
  }
}

/** `\n`, `\r`, `\t`, `\e`, `\xNN`, `\\` in a text from the command line. */
export function unescapeText(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|[nrte\\])/g, (_, sequence: string) => {
    if (sequence[0] === 'x') return String.fromCharCode(Number.parseInt(sequence.slice(1), 16));
    return { n: '\n', r: '\r', t: '\t', e: '\x1b', '\\': '\\' }[sequence]!;
  });
}

export interface Reply {
  readonly text: string;
  readonly reply: string;
}

/** `TEXT=>REPLY`; Enter is added unless REPLY ends with an Enter or with `\c`. Undefined where there is no `=>`. */
export function parseReply(spec: string): Reply | undefined {
  const arrow = spec.indexOf('=>');
  if (arrow <= 0) return undefined;
  const text = unescapeText(spec.slice(0, arrow));
  const raw = spec.slice(arrow + 2);
  if (raw.endsWith('\\c')) return { text, reply: unescapeText(raw.slice(0, -2)) };
  const reply = unescapeText(raw);
  return { text, reply: /[\r\n]$/.test(reply) ? reply : `${reply}\n` };
}
