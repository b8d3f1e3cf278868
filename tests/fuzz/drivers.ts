/**
 * What drivers do, in small: sequences of port accesses that bring devices into states that single accesses at random
 * hardly reach. Parameters are random; whether they make sense is up to the numbers.
 */
import type { Width } from '../../src/devices/device.ts';
import type { FuzzMachine } from './machine.ts';

type Sequence = (m: FuzzMachine) => void;

const WIDTHS: readonly Width[] = [1, 2, 4];
const IDE = [0x1f0, 0x170] as const;
export const BUS_MASTER = 0xc000;
const ATA_COMMANDS = [
  0x00, 0x08, 0x10, 0x20, 0x24, 0x25, 0x27, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0x70, 0x90, 0x91, 0xa0, 0xa1, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xe0, 0xe1,
  0xe5, 0xe6, 0xe7, 0xea, 0xec, 0xef, 0xf8, 0xf9,
];
const PACKETS = [0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0xa8, 0x2b, 0x42, 0x43, 0x46, 0x4a, 0x51, 0x52, 0x5a, 0x55, 0xbd, 0xbe, 0xb9, 0xa4];
const FDC_COMMANDS = [0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x12, 0x13, 0x14, 0x16, 0x18, 0x94, 0x8f, 0xcf, 0x45, 0x46, 0x4d, 0xe6, 0xc5];

const byte = (m: FuzzMachine): number => m.fuzz.random.below(256);
const edge = (m: FuzzMachine): number => m.fuzz.random.value();

/** Index and data ports: [index, data, largest index, widths of the data]. */
const PAIRS: readonly (readonly [number, number, number, readonly Width[]])[] = [
  [0x70, 0x71, 0x7f, [1]], [0x3c4, 0x3c5, 8, [1]], [0x3ce, 0x3cf, 10, [1]], [0x3d4, 0x3d5, 0x20, [1]], [0x3b4, 0x3b5, 0x20, [1]],
  [0x3c0, 0x3c0, 0x3f, [1]], [0x3c8, 0x3c9, 0xff, [1]], [0x1ce, 0x1d0, 12, [2]], [0x1ce, 0x1cf, 12, [2]], [0x510, 0x511, 0x30, [1]],
];

const pair: Sequence = (m) => {
  const { random } = m.fuzz;
  const [index, data, most, widths] = random.pick(PAIRS);
  for (let n = 1 + random.below(6); n > 0; n--) {
    const i = random.below(most + 1);
    if (index === 0x3c0) m.in(0x3da, 1);
    if (random.chance(20)) m.out(index, 2, i | (byte(m) << 8));
    else m.out(index, index === 0x1ce || index === 0x510 ? 2 : 1, i);
    if (random.chance(30)) m.in(data, random.pick(widths));
    else m.out(data, random.pick(widths), edge(m));
  }
};

/** Bochs VBE: a mode with a geometry at the edges. */
const vbe: Sequence = (m) => {
  const { random } = m.fuzz;
  const write = (index: number, value: number): void => {
    m.out(0x1ce, 2, index);
    m.out(0x1d0, 2, value);
  };
  const values = [0, 1, 7, 8, 320, 640, 1024, 2560, 0x1000, 0x3fff, 0x7fff, 0x8000, 0xfff8, 0xffff];
  write(1, random.pick(values));
  write(2, random.pick(values));
  write(3, random.pick([0, 1, 4, 8, 15, 16, 24, 32, 64, 0xffff]));
  write(4, random.pick([0, 1, 0x41, 0xc1, 0x61, 0x83, 0xffff]));
  for (let n = random.below(4); n > 0; n--) write(random.pick([5, 6, 7, 8, 9]), random.pick(values));
  if (random.chance(40)) m.machine.screenshot();
};

const PCI_FUNCTIONS = [[0, 0], [1, 0], [1, 1], [1, 3], [2, 0], [3, 0], [31, 7]] as const;

/** PCI configuration: registers that matter, and addresses where something else lies. */
export const configurePci: Sequence = (m) => {
  const { random } = m.fuzz;
  const [slot, fn] = random.pick(PCI_FUNCTIONS);
  const register = random.chance(70) ? random.pick([4, 5, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30, 0x3c, 0x40, 0x59, 0x5a, 0x5b, 0x5f, 0x60, 0x61, 0x72, 0x80, 0x90, 0xd2]) : byte(m);
  const value = random.chance(60) ? randomBar(m) : edge(m);
  m.configure(slot, fn, register, random.pick([1, 2, 4, 4]), value);
  if (random.chance(60)) m.configure(slot, fn, 4, 2, random.pick([7, 7, 3, 1, 2, 0, 0x407]));
  if (random.chance(30)) m.in(0xcfc + random.below(4), random.pick(WIDTHS));
};

/** An address where RAM, ROM, VGA memory, other BARs or the ends of the address space are. */
function randomBar(m: FuzzMachine): number {
  const { random } = m.fuzz;
  const places = [
    0, 0x1000, 0x7000, 0x80000, 0xa0000, 0xb8000, 0xc0000, 0xe0000, 0xf0000, 0x100000, m.ramBytes - 0x1000, m.ramBytes, 0xc0000000, 0xe0000000, 0xe1000000,
    0xfebf0000, 0xfec00000, 0xfee00000, 0xff000000, 0xfffc0000, 0xfffff000, 0xc000, 0x1f0, 0x3c0, 0xcf8, 0xffc0, 0xfff0, 0xffffffff, 0x20, 0x60, 0x510, 0x3f0,
  ];
  return (random.pick(places) + random.pick([0, 0, 0, 1, 4, 8, 0x1000])) >>> 0;
}

function taskFile(m: FuzzMachine, base: number): void {
  const { random } = m.fuzz;
  m.out(base + 6, 1, random.pick([0xa0, 0xb0, 0xe0, 0xf0, 0x40, 0x50, byte(m)]));
  const twice = random.chance(30) ? 2 : 1;
  for (let i = 0; i < twice; i++) {
    m.out(base + 1, 1, random.pick([0, 0, 1, 2, 3, 0x82, byte(m)]));
    m.out(base + 2, 1, random.pick([0, 1, 1, 2, 8, 0xff, byte(m)]));
    m.out(base + 3, 1, random.pick([0, 1, 0xff, byte(m)]));
    m.out(base + 4, 1, random.pick([0, 0, 8, 0xff, byte(m)]));
    m.out(base + 5, 1, random.pick([0, 0, 0xfe, 0xff, byte(m)]));
  }
}

function moveData(m: FuzzMachine, base: number): void {
  const { random } = m.fuzz;
  const width = random.pick(WIDTHS);
  for (let n = random.pick([0, 1, 12, 256, 300]); n > 0; n--) {
    if (random.chance(50)) m.in(base, width);
    else m.out(base, width, edge(m));
  }
  m.in(base + 7, 1);
}

export const ataCommand: Sequence = (m) => {
  const { random } = m.fuzz;
  const base = random.pick(IDE);
  taskFile(m, base);
  m.out(base + 7, 1, random.chance(90) ? random.pick(ATA_COMMANDS) : byte(m));
  moveData(m, base);
};

export const packetCommand: Sequence = (m) => {
  const { random } = m.fuzz;
  const base = 0x170;
  m.out(base + 6, 1, random.pick([0xa0, 0xa0, 0xa0, 0xb0]));
  m.out(base + 1, 1, random.below(4));
  m.out(base + 4, 1, random.pick([0, 1, 2, 0xff, 0xfe, byte(m)]));
  m.out(base + 5, 1, random.pick([0, 0, 8, 0xff, byte(m)]));
  m.out(base + 7, 1, 0xa0);
  for (let i = 0; i < 6; i++) {
    const first = i === 0 ? random.pick(PACKETS) : random.pick([0, 0, 0xff, byte(m)]);
    m.out(base, 2, first | (random.pick([0, 0, 1, 0xff, byte(m)]) << 8));
  }
  moveData(m, base);
};

export const floppyCommand: Sequence = (m) => {
  const { random } = m.fuzz;
  if (random.chance(40)) m.out(0x3f2, 1, random.pick([0x1c, 0x1c, 0x2d, 0x0c, 0x04, 0, byte(m)]));
  if (random.chance(30)) m.out(0x3f7, 1, random.below(4));
  m.out(0x3f5, 1, random.chance(90) ? random.pick(FDC_COMMANDS) : byte(m));
  const parameters = [random.below(8), random.pick([0, 1, 79, 80, 255]), random.below(3), random.pick([0, 1, 18, 19, 255]), random.pick([2, 2, 0, 3, 7, 255]), random.pick([18, 1, 0, 255]), 0x1b, 0xff];
  for (let n = random.below(9), i = 0; i < n; i++) m.out(0x3f5, 1, random.chance(85) ? parameters[i] : byte(m));
  for (let n = random.below(10); n > 0; n--) m.in(random.pick([0x3f4, 0x3f5, 0x3f5]), 1);
};

/** A channel of the 8237s, as the floppy's driver does it. */
export const programDma: Sequence = (m) => {
  const { random } = m.fuzz;
  const channel = random.pick([2, 2, 2, 0, 1, 3]);
  m.out(0x0a, 1, 4 | channel);
  m.out(0x0c, 1, 0);
  m.out(0x0b, 1, random.pick([0x44, 0x48, 0x40, 0x54, 0x58, 0x64, 0x68, 0x74, byte(m)]) | channel);
  for (let i = 0; i < 2; i++) m.out(channel * 2, 1, random.pick([0, 0xff, byte(m)]));
  m.out([0x87, 0x83, 0x81, 0x82][channel], 1, random.pick([0, 9, 0x0a, 0x0b, 0x0f, 0x10, 0x3f, 0xe0, 0xff, byte(m)]));
  for (let i = 0; i < 2; i++) m.out(channel * 2 + 1, 1, random.pick([0, 1, 0xff, byte(m)]));
  m.out(0x0a, 1, channel);
};

const interruptController: Sequence = (m) => {
  const { random } = m.fuzz;
  const base = random.pick([0x20, 0xa0]);
  if (random.chance(50)) {
    m.out(base, 1, random.pick([0x11, 0x13, 0x19, 0x10, 0x1b]));
    for (let i = 0; i < 3; i++) m.out(base + 1, 1, random.pick([8, 0x70, 4, 2, 1, 3, byte(m)]));
  }
  m.out(base + random.below(2), 1, random.pick([0x20, 0x0a, 0x0b, 0x0c, 0x60, 0x68, 0x6c, 0xa0, 0x80, byte(m)]));
  m.in(base + random.below(2), 1);
};

const timer: Sequence = (m) => {
  const { random } = m.fuzz;
  m.out(0x43, 1, random.chance(70) ? (random.below(3) << 6) | (random.below(4) << 4) | (random.below(8) << 1) | random.below(2) : byte(m));
  for (let n = random.below(4); n > 0; n--) m.out(0x40 + random.below(3), 1, random.pick([0, 1, 2, 0xff, byte(m)]));
  for (let n = random.below(4); n > 0; n--) m.in(0x40 + random.below(3), 1);
  if (random.chance(30)) m.out(0x61, 1, byte(m));
};

const keyboard: Sequence = (m) => {
  const { random } = m.fuzz;
  if (random.chance(60)) m.out(0x64, 1, random.pick([0x20, 0x60, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xad, 0xae, 0xc0, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd4, 0xdd, 0xdf, byte(m)]));
  for (let n = random.below(3); n > 0; n--) m.out(0x60, 1, random.pick([0xff, 0xf4, 0xf3, 0xed, 0xf0, 0xf2, 0xe8, 0xe6, 0xf6, 0xf5, 0, 2, 0x47, byte(m)]));
  for (let n = random.below(5); n > 0; n--) m.in(random.pick([0x60, 0x64]), 1);
};

const serial: Sequence = (m) => {
  const { random } = m.fuzz;
  const base = random.pick([0x3f8, 0x2f8, 0x3e8, 0x2e8]);
  if (random.chance(50)) m.out(base + 3, 1, random.pick([0x80, 3, 0x43, 0x1b, byte(m)]));
  for (let n = random.below(8); n > 0; n--) m.out(base + random.below(8), 1, random.pick([0, 1, 0x0f, 0xc7, 0x1f, byte(m)]));
  for (let n = random.below(4); n > 0; n--) m.in(base + random.below(8), 1);
};

const clock: Sequence = (m) => {
  const { random } = m.fuzz;
  for (const [index, value] of [[0x0b, byte(m)], [0x0a, byte(m)], [random.below(14), random.pick([0, 0xff, 0x59, 0x23, 0xc0, byte(m)])]] as const) {
    m.out(0x70, 1, index | (byte(m) & 0x80));
    m.out(0x71, 1, value);
  }
  m.out(0x70, 1, random.pick([0x0c, 0, 9]));
  m.in(0x71, 1);
};

/** Power management: where its ports are, and everything behind them but power off. */
const power: Sequence = (m) => {
  const { random } = m.fuzz;
  const base = random.pick([0x600, 0xb000, 0x1f0, 0x20, 0xffc0, 0xcf8]);
  m.configure(1, 3, 0x40, 4, base | 1);
  m.configure(1, 3, 0x80, 1, random.pick([1, 1, 0, byte(m)]));
  for (let n = random.below(6); n > 0; n--) m.out(base + random.below(0x40), random.pick(WIDTHS), edge(m));
  for (let n = random.below(4); n > 0; n--) m.in(base + random.below(0x40), random.pick(WIDTHS));
};

const busMaster: Sequence = (m) => {
  const { random } = m.fuzz;
  m.configure(1, 1, 0x20, 4, BUS_MASTER | 1);
  m.configure(1, 1, 4, 2, 5);
  const base = BUS_MASTER + random.pick([0, 8]);
  m.out(base + 4, 4, random.pick([0x2000, 0xa0000, m.ramBytes - 4, 0xfffffffc, edge(m)]));
  m.out(base, 1, random.pick([0, 1, 8, 9, byte(m)]));
  m.out(base + 2, 1, byte(m));
  m.in(base + random.below(8), random.pick(WIDTHS));
};

const vgaRegisters: Sequence = (m) => {
  const { random } = m.fuzz;
  m.out(0x3c2, 1, byte(m));
  for (let n = random.below(12); n > 0; n--) {
    m.out(0x3d4, 1, random.below(0x19));
    m.out(0x3d5, 1, random.pick([0, 1, 0x1f, 0x4f, 0x80, 0xff, byte(m)]));
  }
  if (random.chance(40)) m.machine.screenshot();
};

export const SEQUENCES: readonly Sequence[] = [
  pair, pair, vbe, configurePci, ataCommand, packetCommand, floppyCommand, programDma, interruptController, timer, keyboard, serial, clock, power, busMaster,
  vgaRegisters,
];
