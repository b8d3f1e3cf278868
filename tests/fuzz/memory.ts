/**
 * Fuzzer `memory`: accesses of every width and alignment to memory-mapped devices, RAM and ROM, while base address
 * registers move over each other and over RAM, PAM and SMRAM steer windows to and fro, and A20 comes and goes.
 */
import type { Width } from '../../src/devices/device.ts';
import { physAddr } from '../../src/memory/address.ts';
import { configurePci } from './drivers.ts';
import type { Fuzzer } from './fuzzer.ts';
import { FuzzMachine } from './machine.ts';
import { access } from './ports.ts';

const STEPS = 6000;
const WIDTHS: readonly Width[] = [1, 2, 4];

interface Placed {
  readonly base: number | undefined;
  readonly size: number;
}

/** An address in a region that is mapped now, at its edges more often than inside; or somewhere else of interest. */
export function address(m: FuzzMachine): number {
  const { random } = m.fuzz;
  const { mapped } = m.machine.memory as unknown as { mapped: readonly Placed[] };
  const dice = random.below(10);
  let at: number;
  if (dice < 6 && mapped.length > 0) {
    const { base, size } = random.pick(mapped);
    at = base! + random.pick([0, size, size - 1, random.below(size), random.below(size), Math.min(size, 0x400 + random.below(0x210))]);
  } else if (dice < 8) at = random.pick([0xa0000, 0xb0000, 0xb8000, 0xbffff, 0xc0000, 0xe0000, 0xf0000, 0x100000, m.ramBytes, 0xffff0000, 0xfee00000, 2 ** 32]) + random.below(0x40) - 0x20;
  else at = dice < 9 ? random.below(m.ramBytes) : random.u32();
  return Math.min(Math.max(at + random.pick([0, 0, 0, -1, -2, -3, 1, 4096, -4096]), 0), 2 ** 32 - 1);
}

function touch(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const { memory } = m.machine;
  const at = address(m);
  switch (random.below(8)) {
    case 0: case 1: case 2:
      m.read(at, random.pick(WIDTHS));
      return;
    case 3: case 4: case 5:
      m.write(at, random.pick(WIDTHS), random.value());
      return;
    case 6: {
      const bytes = new Uint8Array(random.pick([1, 3, 512, 4096, 5000, 70_000]));
      m.fuzz.note(`dma read ${at.toString(16)} ${bytes.length}`);
      memory.read(physAddr(at), bytes);
      return;
    }
    default: {
      const bytes = new Uint8Array(random.pick([1, 3, 512, 4096, 5000, 70_000])).fill(random.u32());
      m.fuzz.note(`dma write ${at.toString(16)} ${bytes.length}`);
      memory.write(physAddr(at), bytes);
    }
  }
}

/** What decides who answers. */
function steer(m: FuzzMachine): void {
  const { random } = m.fuzz;
  switch (random.below(6)) {
    case 0: case 1: case 2: return configurePci(m);
    case 3: return m.configure(0, 0, random.pick([0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5f, 0x72, 0x72]), random.pick(WIDTHS), random.value());
    case 4: return m.out(0x92, 1, random.below(2) << 1);
    default:
      m.out(0x64, 1, 0xd1);
      m.out(0x60, 1, 0xdd | (random.below(2) << 1));
  }
}

/** VGA registers that change what the window at A0000h does. */
function vgaWindow(m: FuzzMachine): void {
  const { random } = m.fuzz;
  for (const [port, index] of [[0x3ce, 3], [0x3ce, 5], [0x3ce, 6], [0x3ce, 8], [0x3c4, 2], [0x3c4, 4], [0x1ce, 5]] as const) {
    if (random.chance(50)) continue;
    if (port === 0x1ce) {
      m.out(port, 2, index);
      m.out(0x1d0, 2, random.value());
    } else m.out(port, 2, index | (random.below(256) << 8));
  }
}

export const memory: Fuzzer = {
  name: 'memory',
  share: 10,
  async run(fuzz) {
    const { random } = fuzz;
    const m = new FuzzMachine(fuzz, { ramMiB: random.pick([1, 2, 4, 16, 64]) });
    await m.run(3);
    const last = fuzz.steps + STEPS;
    while (fuzz.steps < last) {
      const dice = random.below(1000);
      if (dice < 800) for (let n = random.below(20); n > 0; n--) touch(m);
      else if (dice < 900) steer(m);
      else if (dice < 950) vgaWindow(m);
      else if (dice < 985) access(m);
      else if (dice < 998) await m.run(1);
      else m.machine.reset();
    }
    m.check();
    await m.answers();
    await m.dispose();
  },
};
