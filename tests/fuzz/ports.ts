/** Fuzzer `ports`: accesses of every width to every port, as drivers make them and at random, while the machine runs. */
import type { Width } from '../../src/devices/device.ts';
import { SEQUENCES } from './drivers.ts';
import type { Fuzzer } from './fuzzer.ts';
import { FuzzMachine, getResources } from './machine.ts';

const STEPS = 4000;
const HAMMER_TIMES = 1500;
const WIDTHS: readonly Width[] = [1, 2, 4];
const KEYS = ['KeyA', 'Enter', 'ShiftLeft', 'ArrowUp', 'Pause', 'PrintScreen', 'NumLock', 'F12', 'NoSuchKey'];

/** A port that something answers, or is next to one. */
function claimedPort(m: FuzzMachine): number {
  const { mapped } = m.machine.ports as unknown as { mapped: readonly { region: { size: number }; base: number }[] };
  const { random } = m.fuzz;
  const { region, base } = random.pick(mapped);
  return (base + random.below(region.size) + random.pick([0, 0, 0, 0, 0, -1, 1, 2, 3])) & 0xffff;
}

export function access(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const port = random.chance(85) ? claimedPort(m) : random.pick([0, 0xffff, 0xfffe, 0xfffd, random.below(0x10000)]);
  const width = random.pick(WIDTHS);
  if (random.chance(40)) m.in(port, width);
  else m.out(port, width, random.value());
}

/** What comes from the other side: keys, the mouse, serial data, buttons. */
export function input(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const { machine } = m;
  m.fuzz.note('input');
  switch (random.below(7)) {
    case 0: return machine.sendKey(random.pick(KEYS), random.chance(60));
    case 1: return machine.sendMouse({ dx: random.value() | 0, dy: random.value() | 0, wheel: random.below(9) - 4, buttons: random.below(8) } as never);
    case 2: return machine.sendSerial(new Uint8Array(random.below(300)), random.below(5));
    case 3: return machine.sendText('Text \u00e4\n');
    case 4: return machine.releaseKeys();
    case 5: return machine.pressPowerButton();
    default: machine.screenshot();
  }
}

export async function mixed(m: FuzzMachine, steps: number): Promise<void> {
  const { fuzz } = m;
  const { random } = fuzz;
  const last = fuzz.steps + steps;
  while (fuzz.steps < last) {
    const dice = random.below(1000);
    if (dice < 550) random.pick(SEQUENCES)(m);
    else if (dice < 960) access(m);
    else if (dice < 980) input(m);
    else if (dice < 998) await m.run(1 + random.below(3));
    else m.machine.reset();
  }
}

/** The same accesses over and over: what they leave behind must not pile up. */
function hammer(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const accesses = Array.from({ length: 1 + random.below(6) }, () => {
    return { port: claimedPort(m), width: random.pick(WIDTHS), value: random.value(), reads: random.chance(20) };
  });
  for (let n = 0; n < HAMMER_TIMES; n++) {
    for (const { port, width, value, reads } of accesses) {
      if (reads) m.in(port, width);
      else m.out(port, width, value);
    }
  }
}

export const ports: Fuzzer = {
  name: 'ports',
  share: 8,
  async run(fuzz) {
    const seaBios = fuzz.random.chance(8) && getResources().bios !== undefined;
    const m = new FuzzMachine(fuzz, { seaBios, ramMiB: fuzz.random.pick([1, 4, 16]) });
    await m.run(4);
    await mixed(m, STEPS);
    if (fuzz.random.chance(40)) {
      hammer(m);
      await m.run(1);
      hammer(m);
    }
    m.check();
    if (seaBios) await m.startsSeaBios();
    else await m.answers();
    await m.dispose();
  },
};
