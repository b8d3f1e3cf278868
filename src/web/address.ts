/** What the page's address says: the guest, `#guest=NAME` or `?guest=NAME`, and switches of the processor, `?tier=interp`. */
import { type ProcessorOptions, processorOptions } from '../processor-options.ts';

export function guestInAddress(): string | undefined {
  const { hash, search } = location;
  const inHash = new URLSearchParams(hash.slice(1)).get('guest');
  return inHash ?? new URLSearchParams(search).get('guest') ?? undefined;
}

/** `?tier=`, `compile-threshold=` and `trace=`, as on the command line. @throws EmulatorError `bad-option` */
export function processorInAddress(): ProcessorOptions {
  const words = new URLSearchParams(location.search);
  return processorOptions((name) => words.get(name) ?? undefined);
}

/** Makes the address a link to the guest, or to none; the page is not loaded again. */
export function setGuestInAddress(name: string | undefined): void {
  const url = new URL(location.href);
  url.hash = name === undefined ? '' : `guest=${encodeURIComponent(name)}`;
  url.searchParams.delete('guest');
  history.replaceState(null, '', url);
}
