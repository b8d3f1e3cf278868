/** The card that shows every step of a start: what is fetched or built, with bytes. */
import { make } from './dom.ts';
import { formatBytes } from './format.ts';

/** Starts shorter than this show no card: it would only flicker. */
const PATIENCE_MS = 250;

interface Row {
  readonly bar: HTMLProgressElement;
  readonly amount: HTMLElement;
}

export class Progress {
  private readonly card: HTMLElement;
  private rows = new Map<string, Row>();
  private list: HTMLElement = make('div');
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(card: HTMLElement) {
    this.card = card;
  }

  begin(title: string, onCancel: () => void): void {
    this.rows = new Map();
    this.list = make('div', { class: 'steps' });
    const cancel = make('button', { type: 'button', class: 'button quiet', onclick: onCancel }, 'Cancel');
    this.card.replaceChildren(make('header', {}, make('h2', {}, title), cancel), this.list);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.card.hidden = false), PATIENCE_MS);
  }

  /** A step without bytes, or before its first: the bar only moves. */
  wait(step: string, remark = ''): void {
    const { bar, amount } = this.row(step);
    bar.removeAttribute('value');
    amount.textContent = remark;
  }

  update(step: string, loadedBytes: number, totalBytes: number | undefined): void {
    const { bar, amount } = this.row(step);
    if (totalBytes === undefined) {
      bar.removeAttribute('value');
      amount.textContent = formatBytes(loadedBytes);
      return;
    }
    bar.max = Math.max(totalBytes, 1);
    bar.value = loadedBytes;
    amount.textContent = loadedBytes >= totalBytes ? formatBytes(totalBytes) : `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`;
  }

  done(step: string, remark: string): void {
    const { bar, amount } = this.row(step);
    bar.max = 1;
    bar.value = 1;
    amount.textContent = remark;
  }

  end(): void {
    clearTimeout(this.timer);
    this.card.hidden = true;
    this.card.replaceChildren();
  }

  private row(step: string): Row {
    let row = this.rows.get(step);
    if (row === undefined) {
      row = { bar: make('progress', { 'aria-label': step }), amount: make('span', { class: 'amount' }) };
      this.list.append(make('div', { class: 'step' }, make('span', {}, step), row.amount, row.bar));
      this.rows.set(step, row);
    }
    return row;
  }
}
