/** Between the page of a machine and its worker; the same for Coracle and for v86. */

/** What to boot: addresses of the images, the same for every machine. */
export interface GuestSpec {
  readonly kernelUrl: string;
  readonly initrdUrl: string | undefined;
  readonly append: string;
  readonly memoryMiB: number;
  /** Coracle's board; the others are a PC always. */
  readonly machine: 'pc' | 'microvm';
  /** For machines that enter a kernel through firmware. */
  readonly biosUrl: string;
  readonly vgaBiosUrl: string;
  /** v86's module, and where what Coracle's processor runs on lies, with a slash at its end. */
  readonly v86WasmUrl: string;
  readonly codeUrl: string;
}

export type WorkerRequest =
  | { readonly kind: 'load'; readonly spec: GuestSpec }
  /** Starts it, or goes on after a pause. */
  | { readonly kind: 'run' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'send'; readonly data: Uint8Array }
  | { readonly kind: 'usage' };

/** Memory that the machine itself knows of; v86 knows none. */
export interface MachineUsage {
  /** Handed out in the arena, frames and everything else. */
  readonly arenaBytes: number;
  /** Size of the WebAssembly.Memory, which grows in steps. */
  readonly memoryBytes: number;
  readonly frameBytes: number;
  readonly instructions: number;
  /** The longest that the compiler kept the machine waiting; undefined when the machine has none. */
  readonly longestCompilePauseMs: number | undefined;
}

export type WorkerReport =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'serial'; readonly data: Uint8Array }
  | { readonly kind: 'usage'; readonly usage: MachineUsage }
  | { readonly kind: 'error'; readonly message: string };

/** Collects bytes that a machine writes one by one and posts them when it lets the worker's other tasks run. */
export function serialBatch(post: (data: Uint8Array) => void): (byte: number) => void {
  let bytes: number[] = [];
  return (byte) => {
    if (bytes.push(byte) > 1) return;
    queueMicrotask(() => {
      post(Uint8Array.from(bytes));
      bytes = [];
    });
  };
}

export async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
