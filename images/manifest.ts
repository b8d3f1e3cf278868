/**
 * `guests.json`: what guests there are, which files they need and how to boot them. Written by `scripts/guests.ts`
 * into `.cache/guests/`, read by the page, the command line and the tests. Every path in it is relative to the
 * manifest, so the folder can be served as it is from any place.
 */

/** What a file is to the machine that boots it. */
export type GuestFileRole = 'bios' | 'vgaBios' | 'kernel' | 'initrd' | 'hda' | 'virtioDisk' | 'cdrom' | 'fda' | 'multiboot';

/** Disks on which a system is installed, whose writes people may want to keep. */
export const HARD_DISKS: ReadonlySet<GuestFileRole> = new Set(['hda', 'virtioDisk']);

export interface GuestFile {
  readonly role: GuestFileRole;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Texts that a guest shows on the serial port and on its screen, for tests and for the page's progress. */
export interface GuestMarkers {
  /** The guest accepts typed commands. */
  readonly ready: string;
  /** The prompt that a shell ends its answers with. */
  readonly prompt: string;
  /** What to type to switch the machine off. */
  readonly powerOff: string;
}

export interface Guest {
  /** Short, for command lines and addresses. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly memoryMiB: number;
  /** Default: 'pc'. */
  readonly machine?: 'pc' | 'microvm';
  /** Kernel command line, where the guest has a kernel of its own. */
  readonly append?: string;
  readonly bootDevice?: 'hda' | 'fda' | 'cdrom';
  readonly files: readonly GuestFile[];
  readonly markers?: GuestMarkers;
  /** Name and version of what is inside, for people. */
  readonly contents: string;
}

export interface GuestManifest {
  readonly version: 1;
  /** Changes when a recipe does; the files are built anew then. */
  readonly recipeSha256: string;
  /** Why guests are missing, in a sentence for people; absent when all are there. */
  readonly missing?: string;
  /** Name of the guest that the page boots when its address names none. Default: the first with a kernel. */
  readonly default?: string;
  readonly guests: readonly Guest[];
}

export const MANIFEST_FILE = 'guests.json';
export const EMBEDDED_GUEST = 'teaching';
