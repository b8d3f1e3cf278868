/**
 * Fuzzer `dma`: bus masters whose descriptors lie. IDE with descriptor tables in RAM, in device memory, past its end,
 * without an end, over themselves; the floppy through the 8237; fw_cfg's descriptors, in chains through themselves.
 */
import { ataCommand, BUS_MASTER, floppyCommand, packetCommand, programDma } from './drivers.ts';
import type { Fuzzer } from './fuzzer.ts';
import { FuzzMachine } from './machine.ts';
import { address } from './memory.ts';
import { access } from './ports.ts';

const STEPS = 5000;
const DMA_COMMANDS = [0xc8, 0xc9, 0xca, 0x25, 0x35, 0xee];
const FW_CFG_DMA = 0x514;
const FW_CFG_KEYS = [0, 1, 2, 3, 5, 0x0e, 0x19, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x3fff, 0x8000, 0xffff];

function tableAddress(m: FuzzMachine): number {
  const { random } = m.fuzz;
  return random.pick([0x2000, 0x2000, 0x2ff8, 0xa0000, 0xb8000, 0xf0000, m.ramBytes - 8, m.ramBytes, 0xe0000000, 0xfffffff8, address(m)]) >>> 0;
}

/** Physical region descriptors, valid and not. */
function writeTable(m: FuzzMachine, at: number): void {
  const { random } = m.fuzz;
  const count = random.pick([1, 1, 2, 5, 20]);
  for (let i = 0; i < count; i++) {
    const to = random.pick([0x3000, 0x10000, at, at + 8 * i, address(m), random.u32()]);
    const bytes = random.pick([512, 2048, 0, 1, 2, 0xfffe, 0xffff, random.below(0x10000)]);
    const end = i === count - 1 && random.chance(70) ? 0x80000000 : 0;
    m.write((at + 8 * i) >>> 0, 4, to);
    m.write((at + 8 * i + 4) >>> 0, 4, bytes | end);
  }
}

function ideDma(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const channel = random.below(2);
  const base = BUS_MASTER + 8 * channel;
  const ports = channel === 0 ? 0x1f0 : 0x170;
  m.configure(1, 1, 0x20, 4, BUS_MASTER | 1);
  m.configure(1, 1, 4, 2, random.pick([5, 5, 5, 1]));
  const table = tableAddress(m);
  writeTable(m, table);
  m.out(base, 1, 0);
  m.out(base + 4, 4, table);
  m.out(base + 2, 1, 6);
  const startFirst = random.chance(30);
  if (startFirst) m.out(base, 1, random.pick([1, 9]));
  m.out(ports + 6, 1, random.pick([0xe0, 0xe0, 0xf0]));
  m.out(ports + 1, 1, random.pick([0, 1]));
  m.out(ports + 2, 1, random.pick([1, 8, 0, 0xff]));
  for (let i = 3; i < 6; i++) m.out(ports + i, 1, random.pick([0, 0, 1, 0xff]));
  if (channel === 1 && random.chance(60)) packet(m, ports);
  else m.out(ports + 7, 1, random.pick(DMA_COMMANDS));
  if (!startFirst) m.out(base, 1, random.pick([1, 9, 0]));
  if (random.chance(20)) m.out(base, 1, random.pick([0, 1]));
  if (random.chance(10)) m.out(ports + 0x206, 1, random.pick([4, 0, 2]));
}

function packet(m: FuzzMachine, ports: number): void {
  const { random } = m.fuzz;
  m.out(ports + 1, 1, 1);
  m.out(ports + 7, 1, 0xa0);
  const bytes = [random.pick([0x28, 0xa8, 0xbe, 0x12, 0x43, 0x5a]), 0, 0, 0, 0, random.pick([0, 0, 16, 0xff]), 0, 0, random.pick([0, 1, 31, 0xff]), random.below(40), 0, 0];
  for (let i = 0; i < 6; i++) m.out(ports, 2, bytes[2 * i] | (bytes[2 * i + 1] << 8));
}

function floppyDma(m: FuzzMachine): void {
  const { random } = m.fuzz;
  programDma(m);
  if (random.chance(60)) m.out(0x3f2, 1, 0x1c);
  if (random.chance(30)) for (const value of [3, 0xdf, random.pick([2, 3])]) m.out(0x3f5, 1, value);
  const [command, head] = [random.pick([0xe6, 0xc5, 0x46, 0x4d, 0x42, 0xd6, 0xcc]), random.pick([0, 4, 1])];
  for (const value of [command, head, random.pick([0, 0, 79]), head >> 2, random.pick([1, 18, 19, 0]), 2, random.pick([18, 1, 255]), 0x1b, 0xff]) m.out(0x3f5, 1, value);
}

const bigEndian = (value: number): number => (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

function firmwareConfiguration(m: FuzzMachine): void {
  const { random } = m.fuzz;
  const at = random.pick([0x2000, 0x2ff8, 0xa0000, m.ramBytes - 8, 0xe0000000, 0xfffffff8, address(m)]) >>> 0;
  const control = random.pick([2, 2, 2, 8, 10, 4, 16, 1, 0, 0x1a, random.u32()]) | (random.pick(FW_CFG_KEYS) << 16);
  const length = random.pick([0, 1, 4, 0x40, 0x1000, 0x10000, 0x7fffffff, 0xffffffff, random.u32()]);
  const to = random.pick([0x3000, at, at + 4, 0xa0000, m.ramBytes - 1, 0xffffffff, 0, address(m)]);
  [control, length, random.pick([0, 0, 0, 1, 0xffffffff]), to].forEach((word, i) => m.write((at + 4 * i) >>> 0, 4, bigEndian(word >>> 0)));
  if (random.chance(50)) m.out(FW_CFG_DMA, 4, random.pick([0, 0, bigEndian(1), 0xffffffff]));
  m.out(FW_CFG_DMA + 4, random.pick([4, 4, 4, 2, 1]), bigEndian(at));
}

export const dma: Fuzzer = {
  name: 'dma',
  share: 10,
  async run(fuzz) {
    const { random } = fuzz;
    const m = new FuzzMachine(fuzz, { ramMiB: random.pick([1, 4, 16]) });
    await m.run(3);
    const last = fuzz.steps + STEPS;
    while (fuzz.steps < last) {
      const dice = random.below(100);
      if (dice < 40) ideDma(m);
      else if (dice < 60) floppyDma(m);
      else if (dice < 75) firmwareConfiguration(m);
      else if (dice < 80) random.pick([ataCommand, packetCommand, floppyCommand])(m);
      else if (dice < 85) access(m);
      else await m.run(1 + random.below(2));
    }
    m.check();
    await m.answers();
    await m.dispose();
  },
};
