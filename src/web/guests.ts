/**
 * Which guests there are: those of `guests/guests.json` beside the page, and always the embedded one, whose image is part
 * of the page itself.
 */
import { EMBEDDED_GUEST, type Guest, type GuestManifest, MANIFEST_FILE } from '../../images/manifest.ts';
import { EmulatorError } from '../errors.ts';
import { request } from '../worker/downloads.ts';
import type { BootRequest, ImageFile } from '../worker/protocol.ts';

export interface Catalog {
  readonly guests: readonly Guest[];
  /** Name of the guest that boots on open. */
  readonly default?: string;
  /** Why guests are missing, a sentence for people. */
  readonly note?: string;
  /** The manifest's address, which its paths are relative to. */
  readonly baseUrl: string;
}

const EMBEDDED_IMAGE = new URL('../../images/teaching/teaching.img', import.meta.url).href;

export const EMBEDDED: Guest = {
  name: EMBEDDED_GUEST,
  title: 'How a PC comes up',
  description: 'A small guest that is part of this page: from real mode to paging and interrupts, with a shell to look around.',
  memoryMiB: 16,
  files: [],
  contents: 'Coracle teaching image',
};

/** Never fails: without a manifest there is the embedded guest, and the reason. */
export async function loadCatalog(): Promise<Catalog> {
  const baseUrl = new URL(`guests/${MANIFEST_FILE}`, document.baseURI).href;
  try {
    const response = await request('the list of guests', baseUrl);
    const manifest = checkManifest(await response.json());
    const guests = manifest.guests.map((guest) => (guest.name === EMBEDDED_GUEST ? withMarkers(guest) : guest));
    if (!guests.some((guest) => guest.name === EMBEDDED_GUEST)) guests.push(EMBEDDED);
    const named = manifest.default === undefined ? {} : { default: manifest.default };
    return { guests, baseUrl, ...named, ...(manifest.missing === undefined ? {} : { note: missingNote(manifest.missing) }) };
  } catch (error) {
    const reason = error instanceof EmulatorError ? error.message : 'the list of guests cannot be read';
    return { guests: [EMBEDDED], baseUrl, note: `Only the guest that is part of the page is there: ${reason}.` };
  }
}

function withMarkers(guest: Guest): Guest {
  return { ...EMBEDDED, ...(guest.markers === undefined ? {} : { markers: guest.markers }) };
}

function missingNote(reason: string): string {
  return `Some guests could not be made here: ${reason.replace(/\.$/, '')}.`;
}

function checkManifest(json: unknown): GuestManifest {
  const manifest = json as Partial<GuestManifest> | null;
  if (manifest?.version !== 1 || !Array.isArray(manifest.guests)) {
    throw new EmulatorError('bad-image', 'the list of guests is of another version than this page; build both anew');
  }
  return manifest as GuestManifest;
}

/** The guest that boots on open: the one that the list names, else an operating system if there is one. */
export function defaultGuest(catalog: Catalog): Guest {
  const named = catalog.guests.find(({ name }) => name === catalog.default);
  return named ?? catalog.guests.find((guest) => guest.files.some((file) => file.role === 'kernel')) ?? catalog.guests[0];
}

export function guestRequest(guest: Guest, catalog: Catalog): BootRequest {
  const files: ImageFile[] =
    guest.name === EMBEDDED_GUEST
      ? [{ role: 'multiboot', name: 'teaching.img', source: EMBEDDED_IMAGE }]
      : guest.files.map(({ role, path, sizeBytes, sha256 }) => ({
          role, sizeBytes, sha256, name: path.split('/').at(-1) ?? path, source: new URL(path, catalog.baseUrl).href,
        }));
  const boot = { hda: 'c', fda: 'a', cdrom: 'd' }[guest.bootDevice ?? 'hda'];
  const machine = guest.machine === undefined ? {} : { machine: guest.machine };
  return { files, memoryMiB: guest.memoryMiB, ...machine, boot, ...(guest.append === undefined ? {} : { append: guest.append }) };
}

/** Firmware for images that need it, from any guest that comes with it. */
export function firmwareFiles(catalog: Catalog): ImageFile[] {
  const guest = catalog.guests.find(({ files }) => files.some((file) => file.role === 'bios'));
  if (guest === undefined) return [];
  return guestRequest(guest, catalog).files.filter((file) => file.role === 'bios' || file.role === 'vgaBios');
}

/** Bytes to fetch for a guest. */
export function guestBytes(guest: Guest): number {
  return guest.files.reduce((total, file) => total + file.sizeBytes, 0);
}
