/** The guest that the page's address names: `#guest=NAME` or `?guest=NAME`. */

export function guestInAddress(): string | undefined {
  const { hash, search } = location;
  const inHash = new URLSearchParams(hash.slice(1)).get('guest');
  return inHash ?? new URLSearchParams(search).get('guest') ?? undefined;
}

/** Makes the address a link to the guest, or to none; the page is not loaded again. */
export function setGuestInAddress(name: string | undefined): void {
  const url = new URL(location.href);
  url.hash = name === undefined ? '' : `guest=${encodeURIComponent(name)}`;
  url.searchParams.delete('guest');
  history.replaceState(null, '', url);
}
