/** The list of guests, a button each. */
import type { Guest } from '../../images/manifest.ts';
import { byId, make } from './dom.ts';
import { formatBytes } from './format.ts';
import { type Catalog, guestBytes } from './guests.ts';

export class GuestList {
  private readonly list = byId('guests', HTMLUListElement);
  private readonly note = byId('guests-note', HTMLParagraphElement);
  private readonly onChoose: (guest: Guest) => void;

  constructor(onChoose: (guest: Guest) => void) {
    this.onChoose = onChoose;
  }

  show(catalog: Catalog): void {
    this.list.replaceChildren(...catalog.guests.map((guest) => make('li', {}, this.button(guest))));
    this.note.hidden = catalog.note === undefined;
    this.note.textContent = catalog.note ?? '';
  }

  /** Marks the guest whose machine is there. */
  mark(name: string | undefined): void {
    for (const button of this.list.querySelectorAll('button')) {
      const current = button.dataset.guest === name;
      // On narrow windows the list scrolls sideways.
      if (current && button.ariaCurrent !== 'true') this.reveal(button);
      button.setAttribute('aria-current', String(current));
    }
  }

  private reveal(button: HTMLElement): void {
    const { list } = this;
    if (list.scrollWidth <= list.clientWidth) return;
    list.scrollLeft = button.offsetLeft - list.offsetLeft - (list.clientWidth - button.offsetWidth) / 2;
  }

  private button(guest: Guest): HTMLButtonElement {
    const bytes = guestBytes(guest);
    const size = bytes > 0 ? formatBytes(bytes) : 'no download';
    return make(
      'button', { type: 'button', class: 'guest', 'data-guest': guest.name, 'aria-current': 'false', onclick: () => this.onChoose(guest) },
      make('strong', {}, guest.title),
      make('span', { class: 'about', title: guest.description }, guest.description),
      make('span', { class: 'facts', title: guest.contents }, `${guest.memoryMiB} MiB RAM · ${size}`),
    );
  }
}
