/** Where the recipes find their sources and leave their results. Results live under `.cache/`, which git ignores. */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const CACHE = join(ROOT, '.cache');
/** What the page, the command line and the tests read: `guests.json` and the files that it names. */
export const GUESTS = join(CACHE, 'guests');
export const FIRMWARE = join(GUESTS, 'firmware');
/** What only the guest tests boot; not among the guests, which are copied into the built page. */
export const SYSTEMS = join(CACHE, 'systems');
