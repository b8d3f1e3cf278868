/** npm's v86 in a worker, its compiler on, with the images that Coracle gets and the firmware that it needs besides. */
import { V86 } from 'v86';
import { fetchBytes, type GuestSpec, serialBatch, type WorkerReport, type WorkerRequest } from './protocol.ts';

const post = (report: WorkerReport): void => postMessage(report);
let emulator: V86 | undefined;

async function load(spec: GuestSpec): Promise<void> {
  const image = async (url: string): Promise<{ buffer: ArrayBuffer }> => ({ buffer: (await fetchBytes(url)).buffer as ArrayBuffer });
  emulator = new V86({
    wasm_path: spec.v86WasmUrl,
    memory_size: spec.memoryMiB << 20,
    bios: await image(spec.biosUrl),
    vga_bios: await image(spec.vgaBiosUrl),
    bzimage: await image(spec.kernelUrl),
    ...(spec.initrdUrl !== undefined && { initrd: await image(spec.initrdUrl) }),
    cmdline: spec.append,
    // Without its boot menu's pause of some seconds.
    fastboot: true,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    autostart: false,
  });
  emulator.add_listener('serial0-output-byte', serialBatch((data) => post({ kind: 'serial', data })));
  emulator.add_listener('emulator-ready', () => post({ kind: 'loaded' }));
}

addEventListener('message', ({ data }: MessageEvent<WorkerRequest>): void => {
  switch (data.kind) {
    case 'load':
      load(data.spec).catch((error) => post({ kind: 'error', message: String(error) }));
      return;
    case 'run':
      void emulator?.run();
      return;
    case 'pause':
      void emulator?.stop();
      return;
    case 'send':
      emulator?.serial0_send(String.fromCharCode(...data.data));
      return;
    case 'usage':
      post({ kind: 'error', message: 'v86 does not tell its memory' });
  }
});
