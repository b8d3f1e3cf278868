/** npm's v86 in Node, its compiler on, its serial port on standard input and output. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { V86 } from 'v86';
import { serialBatch } from '../pages/protocol.ts';
import { guestFromArguments, serve } from './protocol.ts';

const guest = guestFromArguments();
const image = (path: string): { buffer: ArrayBuffer } => ({ buffer: Uint8Array.from(readFileSync(path)).buffer });
const emulator = new V86({
  wasm_path: join(guest.built, 'v86.wasm'),
  memory_size: guest.memoryMiB << 20,
  bios: image(guest.bios),
  vga_bios: image(guest.vgaBios),
  bzimage: image(guest.kernel),
  initrd: image(guest.initrd),
  cmdline: guest.append,
  fastboot: true,
  disable_keyboard: true,
  disable_mouse: true,
  disable_speaker: true,
  autostart: false,
});
emulator.add_listener('serial0-output-byte', serialBatch((data) => void process.stdout.write(data)));
emulator.add_listener('emulator-ready', () => {
  serve({ run: () => void emulator.run(), send: (data) => emulator.serial0_send(String.fromCharCode(...data)) });
});
