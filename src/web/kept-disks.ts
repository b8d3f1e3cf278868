/** The disks whose writes this browser keeps, each with a button that discards them. */
import { discardIdbOverlay, type KeptChanges, listIdbOverlays } from '../storage/idb-overlay-store.ts';
import { byId, make } from './dom.ts';
import { formatBytes } from './format.ts';

export class KeptDisks {
  private readonly place = byId('kept', HTMLElement);
  private readonly list = byId('kept-list', HTMLUListElement);
  private readonly onError: (title: string, error: unknown) => void;

  constructor(onError: (title: string, error: unknown) => void) {
    this.onError = onError;
    void this.refresh();
  }

  /** Looks again at what the browser has. */
  async refresh(): Promise<void> {
    let kept: readonly KeptChanges[] = [];
    try {
      kept = await listIdbOverlays();
    } catch (error) {
      this.onError('The kept disks are not shown', error);
    }
    this.place.hidden = kept.length === 0;
    this.list.replaceChildren(...kept.map((changes) => this.row(changes)));
  }

  private row({ name, bytes }: KeptChanges): HTMLElement {
    const discard = make(
      'button', { type: 'button', class: 'button', title: 'The disk is again as its image says', 'aria-label': `Discard the writes to ${name}`, onclick: () => void this.discard(name) }, 'Discard',
    );
    return make('li', {}, make('span', { class: 'file-name' }, name), make('span', { class: 'facts' }, `${formatBytes(bytes)} written`), discard);
  }

  private async discard(name: string): Promise<void> {
    try {
      await discardIdbOverlay(name);
    } catch (error) {
      this.onError(`The writes to ${name} were not discarded`, error);
    }
    await this.refresh();
  }
}
