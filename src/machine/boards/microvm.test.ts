import { beforeEach, expect, test } from 'vitest';
import { RSDP_ADDRESS } from '../../devices/acpi/tables.ts';
import { loadMultiboot } from '../loaders/multiboot.ts';
import { Machine } from '../machine.ts';
import { FakeCpu, FakeHost } from '../test-rig.ts';
import { createMicrovmBoard, virtioParameters } from './microvm.ts';

const MIB = 1 << 20;
const EVENTS = 0xfea00000, SLEEP = 0xfea00200, RESET = 0xfea00202, IO_APIC = 0xfec00000;
let host: FakeHost;
let cpu: FakeCpu;
let machine: Machine;
const events: string[] = [];

beforeEach(() => {
  host = new FakeHost();
  const kernel = new Uint8Array(64);
  const view = new DataView(kernel.buffer);
  for (const [i, value] of [0x1badb002, 0x10000, -(0x1badb002 + 0x10000), MIB, MIB, MIB + 64, MIB + 128, MIB + 32].entries()) view.setUint32(i * 4, value, true);
  machine = new Machine({
    ramBytes: 16 * MIB, host, pace: 'none', noReboot: false, plan: loadMultiboot({ kernel, ramBytes: 16 * MIB }),
    createProcessor: () => (cpu = new FakeCpu(host)),
    createBoard: (parts) => createMicrovmBoard(parts, {
      serialPorts: 1, startDate: new Date(Date.UTC(2026, 0, 2)), debugExit: undefined,
      virtio: [{ kind: 'rng', random: (length) => host.random(length) }, { kind: 'console' }],
    }),
  });
  events.length = 0;
  machine.on('exit', ({ reason }) => events.push(reason));
  machine.on('reset', ({ cause }) => events.push(`reset by ${cause}`));
});

/** One write by the guest, then some time. */
function poke(address: number, width: 1 | 4, value: number): void {
  let done = false;
  cpu.script = () => {
    if (!done) machine.memory.writePhys(address, width, value);
    done = true;
    return undefined;
  };
  machine.run();
  host.runUntil(host.ms + 20);
  machine.pause();
}

test('the guest and its tables are in memory, and the way in is the reset vector', () => {
  expect([machine.memory.readPhys(MIB, 4), machine.memory.readPhys(RSDP_ADDRESS, 4)]).toEqual([0x1badb002, 0x20445352]);
  expect(machine.memory.readPhys(0xfffffff0, 1)).toBe(0xe9);
});

test('virtio devices lie where the tables and the command line say', () => {
  expect(virtioParameters(2)).toBe('virtio_mmio.device=512@0xfeb00000:5 virtio_mmio.device=512@0xfeb00200:6');
  const id = (i: number) => machine.memory.readPhys(0xfeb00008 + 0x200 * i, 4);
  expect([id(0), id(1), id(2)]).toEqual([4, 3, 0xffffffff]);
});

test('sleep control powers off, the reset register resets', () => {
  poke(SLEEP, 1, 0x14);
  expect(events).toEqual([]);
  poke(RESET, 1, 0x42);
  poke(SLEEP, 1, 0x34);
  expect(events).toEqual(['reset by guest', 'poweroff']);
});

test('the power button is an event at input 9 of the I/O APIC', () => {
  machine.memory.writePhys(0xfee000f0, 4, 0x1ff);
  machine.memory.writePhys(IO_APIC, 4, 0x10 + 18);
  machine.memory.writePhys(IO_APIC + 0x10, 4, 0x8045);
  machine.pressPowerButton();
  machine.run();
  host.runUntil(host.ms + 20);
  machine.pause();
  expect([machine.board.interrupts.pending, machine.board.interrupts.acknowledge()]).toEqual([true, 0x45]);
  expect([machine.memory.readPhys(EVENTS, 4), machine.memory.readPhys(EVENTS, 4)]).toEqual([2, 0]);
});

test('there is no screen, and input for it goes nowhere', () => {
  machine.sendText('a');
  expect([machine.readTextScreen(), machine.screenshot().width]).toEqual([undefined, 1]);
});
