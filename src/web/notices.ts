/** Errors and remarks as readable messages with something to do about them; never a dialog that stops everything. */
import { EmulatorError } from '../errors.ts';
import { make } from './dom.ts';

export interface Action {
  readonly label: string;
  run(): void;
}

export class Notices {
  private readonly place: HTMLElement;

  constructor(place: HTMLElement) {
    this.place = place;
  }

  /** @param title what did not work, in the words of the page: 'Debian could not be started' */
  showError(title: string, error: unknown, actions: readonly Action[] = []): void {
    const known = error instanceof EmulatorError;
    const message = error instanceof Error ? error.message : String(error);
    const text = known ? sentence(message) : `Coracle itself has a fault: ${sentence(message)} Reload the page to go on; please report it.`;
    if (!known) console.error(error);
    this.show({ tone: 'error', title, text, actions, code: known ? error.code : 'fault' });
  }

  showRemark(title: string, text: string, actions: readonly Action[] = []): void {
    this.show({ tone: 'remark', title, text, actions, code: '' });
  }

  /** Takes everything down, for a new attempt. */
  clear(): void {
    this.place.replaceChildren();
  }

  private show(notice: { tone: string; title: string; text: string; code: string; actions: readonly Action[] }): void {
    const buttons = notice.actions.map(({ label, run }) =>
      make('button', { type: 'button', class: 'button', onclick: () => { element.remove(); run(); } }, label),
    );
    const close = make('button', { type: 'button', class: 'button quiet', 'aria-label': 'Close this message', onclick: () => element.remove() });
    close.innerHTML = '<svg aria-hidden="true"><use href="#icon-close" /></svg>';
    const element = make(
      'div', { class: 'notice', 'data-tone': notice.tone, 'data-code': notice.code },
      make('div', { class: 'text' }, make('h3', {}, notice.title), make('p', {}, notice.text), make('div', { class: 'actions' }, ...buttons)),
      close,
    );
    this.place.append(element);
  }
}

/** Messages of errors are clauses, as a command line prints them after its name; a file's name in front keeps its case. */
function sentence(message: string): string {
  const capital = /^[a-z]+ /.test(message) ? message.charAt(0).toUpperCase() + message.slice(1) : message;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
