import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import type { BootPlan } from '../loaders/boot-plan.ts';
import { loadMultiboot } from '../loaders/multiboot.ts';
import { Machine, type MachineExit } from '../machine.ts';
import { FakeCpu, FakeHost } from '../test-rig.ts';
import { RSDP_ADDRESS } from '../../devices/acpi/tables.ts';
import { createPcBoard, type PcBoardOptions } from './pc.ts';

const MIB = 1 << 20;
let host: FakeHost;
let cpu: FakeCpu;

function kernel(): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  const header = [0x1badb002, 0x10000, -(0x1badb002 + 0x10000), MIB, MIB, MIB + 64, MIB + 128, MIB + 32];
  for (const [i, value] of header.entries()) view.setUint32(i * 4, value, true);
  return bytes;
}

function makeMachine(options: Partial<PcBoardOptions> = {}, direct = false, loadPlan?: () => Promise<BootPlan>): Machine {
  host = new FakeHost();
  const boardOptions: PcBoardOptions = {
    drives: {}, floppies: [undefined, undefined], bios: direct ? undefined : bios(), vgaBios: undefined, bootOrder: 'cad',
    serialPorts: 1, startDate: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)), debugExit: {}, virtio: [], ...options,
  };
  return new Machine({
    ramBytes: 16 * MIB,
    host,
    pace: 'none',
    noReboot: false,
    ...(loadPlan ? { loadPlan } : {}),
    plan: direct ? loadMultiboot({ kernel: kernel(), ramBytes: 16 * MIB }) : undefined,
    createProcessor: () => (cpu = new FakeCpu(host)),
    createBoard: (parts) => createPcBoard(parts, boardOptions),
  });
}

function bios(): Uint8Array {
  const image = new Uint8Array(0x40000).fill(0x90);
  image.set([0xea, 0x5b, 0xe0, 0x00, 0xf0], 0x3fff0);
  return image;
}

describe('with firmware', () => {
  let machine: Machine;
  beforeEach(() => {
    machine = makeMachine();
  });

  test('the reset vector is the ROM, below 1 MiB too', () => {
    expect(machine.memory.readPhys(0xfffffff0, 4)).toBe(0x00e05bea);
    expect(machine.memory.readPhys(0xffff0, 4)).toBe(0x00e05bea);
    machine.memory.writePhys(0xffff0, 4, 0);
    expect(machine.memory.readPhys(0xffff0, 1)).toBe(0xea);
  });

  test('the PCI slots are those of the pc', () => {
    const id = (slot: number, fn: number): number => {
      machine.ports.writePort(0xcf8, 4, (0x80000000 | (slot << 11) | (fn << 8)) >>> 0);
      return machine.ports.readPort(0xcfc, 4);
    };
    expect([id(0, 0), id(1, 0), id(1, 1), id(1, 3), id(2, 0), id(3, 0)]).toEqual([
      0x12378086, 0x70008086, 0x70108086, 0x71138086, 0x11111234, 0xffffffff,
    ]);
  });

  test('CMOS tells memory and date', () => {
    const cmos = (index: number): number => {
      machine.ports.writePort(0x70, 1, index);
      return machine.ports.readPort(0x71, 1);
    };
    expect(cmos(0x17) | (cmos(0x18) << 8)).toBe(15 * 1024);
    expect([cmos(4), cmos(2), cmos(9)]).toEqual([0x03, 0x04, 0x26]);
  });

  test('PAM uncovers RAM under the ROM', () => {
    machine.ports.writePort(0xcf8, 4, 0x80000058);
    machine.ports.writePort(0xcfd, 1, 0x30);
    machine.memory.writePhys(0xf0000, 1, 0x12);
    expect(machine.memory.readPhys(0xf0000, 1)).toBe(0x12);
  });
});

describe('without firmware', () => {
  test('memory, text mode, tables and entry are there, and again after a reset', () => {
    const machine = makeMachine({}, true);
    const check = (): void => {
      expect(machine.memory.readPhys(0xfffffff0, 1)).toBe(0xe9);
      expect(machine.memory.readPhys(MIB, 4)).toBe(0x1badb002);
      expect(machine.memory.readPhys(RSDP_ADDRESS, 4)).toBe(0x20445352);
      expect(machine.readTextScreen()).toHaveLength(25);
      expect(machine.readTextScreen()?.[0].trim()).toBe('');
    };
    check();
    machine.memory.writePhys(0xb8000, 4, 0x07690748);
    expect(machine.readTextScreen()?.[0].trimEnd()).toBe('Hi');
    machine.memory.writePhys(MIB, 4, 0);
    machine.reset();
    check();
  });

  describe('a kernel that is loaded again for each start', () => {
    const plan = loadMultiboot({ kernel: kernel(), ramBytes: 16 * MIB });
    let answer: { resolve(plan: BootPlan): void; reject(error: Error): void };
    let machine: Machine;
    const said: unknown[] = [];
    const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
    beforeEach(() => {
      machine = makeMachine({}, true, () => new Promise((resolve, reject) => (answer = { resolve, reject })));
      machine.memory.writePhys(MIB, 4, 0);
      said.length = 0;
      machine.on('reset', ({ cause }) => said.push(cause));
      machine.on('error', ({ message }) => said.push(message));
      machine.on('state', (state) => said.push(state));
    });

    test('is there after a reset, and the machine goes on if it ran', async () => {
      machine.run();
      host.runUntil(host.ms + 5);
      machine.reset();
      host.runUntil(host.ms + 5);
      expect([machine.state, machine.memory.readPhys(MIB, 4), cpu.resets]).toEqual(['running', 0, 1]);
      const { runs } = cpu;
      answer.resolve(plan);
      await settle();
      expect([machine.state, machine.memory.readPhys(MIB, 4), cpu.resets]).toEqual(['running', 0x1badb002, 2]);
      host.runUntil(host.ms + 5);
      expect(cpu.runs).toBeGreaterThan(runs);
      expect(said).toEqual(['running', 'host']);
    });

    test('a machine that is paused meanwhile stays so', async () => {
      machine.run();
      host.runUntil(host.ms + 5);
      machine.reset();
      host.runUntil(host.ms + 5);
      machine.pause();
      answer.resolve(plan);
      await settle();
      const { runs } = cpu;
      host.runUntil(host.ms + 5);
      expect([machine.state, cpu.runs, ...said]).toEqual(['paused', runs, 'running', 'paused', 'host']);
    });

    test('what fails is told, and tried again', async () => {
      machine.reset();
      answer.reject(new Error('no answer'));
      await settle();
      expect([machine.state, ...said]).toEqual(['paused', 'no answer', 'paused']);
      machine.run();
      answer.resolve(plan);
      await settle();
      expect([machine.state, machine.memory.readPhys(MIB, 4)]).toEqual(['running', 0x1badb002]);
    });
  });

  test('the screen has a font', () => {
    const machine = makeMachine({}, true);
    machine.memory.writePhys(0xb8000, 2, 0x0741);
    const { width, height, pixels } = machine.screenshot();
    expect([width, height]).toEqual([720, 400]);
    const lit = pixels.slice(0, 16 * width * 4).filter((value, i) => i % 4 === 0 && value > 0).length;
    expect(lit).toBeGreaterThan(20);
  });
});

describe('wires', () => {
  test('the timer interrupts through the PIC', () => {
    const machine = makeMachine({}, true);
    machine.ports.writePort(0x40, 1, 0);
    machine.ports.writePort(0x40, 1, 0);
    let vector = -1;
    cpu.script = () => {
      if (machine.board.interrupts.pending) {
        vector = machine.board.interrupts.acknowledge();
        machine.pause();
      }
      return undefined;
    };
    machine.run();
    host.runUntil(200);
    expect(vector).toBe(8);
  });

  test('serial and debug output leave, serial input and keys come in', () => {
    const machine = makeMachine({}, true);
    const seen: string[] = [];
    machine.on('serial-output', ({ port, data }) => seen.push(`serial${port}:${String.fromCharCode(...data)}`));
    machine.on('debug-output', ({ port, data }) => seen.push(`${port.toString(16)}:${String.fromCharCode(...data)}`));
    machine.ports.writePort(0x3fa, 1, 1);
    machine.sendSerial(Uint8Array.of(0x21));
    machine.sendSerial('é');
    machine.sendText('a');
    let step = 0;
    cpu.script = () => {
      if (step++ === 0) {
        for (const char of 'ok') machine.ports.writePort(0x3f8, 1, char.charCodeAt(0));
        machine.ports.writePort(0x402, 1, 0x42);
      }
      return undefined;
    };
    machine.run();
    host.runUntil(30);
    machine.pause();
    expect(seen).toEqual(['serial0:ok', '402:B']);
    expect(machine.ports.readPort(0x3fd, 1) & 1).toBe(1);
    expect([0, 1, 2].map(() => machine.ports.readPort(0x3f8, 1))).toEqual([0x21, 0xc3, 0xa9]);
    expect(machine.ports.readPort(0x60, 1)).toBe(0x1e);
  });

  test('a write to isa-debug-exit ends the machine; run starts it anew', () => {
    const machine = makeMachine();
    let exit: MachineExit | undefined;
    machine.on('exit', (e) => (exit = e));
    cpu.script = () => {
      machine.ports.writePort(0x501, 1, 0x10);
      return undefined;
    };
    machine.run();
    host.runUntil(20);
    expect(exit).toEqual({ reason: 'debug-exit', status: 0x21 });
    expect(machine.state).toBe('off');
    cpu.script = undefined;
    machine.run();
    expect(machine.state).toBe('running');
    expect(cpu.resets).toBe(2);
  });

  test('the reset control register and the keyboard controller reset the machine', () => {
    const machine = makeMachine();
    const causes: string[] = [];
    machine.on('reset', ({ cause }) => causes.push(cause));
    const writes: [number, number][] = [[0xcf9, 6], [0x64, 0xfe], [0x92, 1]];
    cpu.script = () => {
      const write = writes.shift();
      if (write) machine.ports.writePort(write[0], 1, write[1]);
      return write ? undefined : 'shutdown';
    };
    machine.run();
    host.runUntil(9, 1);
    expect(causes.slice(0, 4)).toEqual(['guest', 'guest', 'guest', 'triple-fault']);
  });

  test('ACPI powers off', () => {
    const machine = makeMachine({}, true);
    let exit: MachineExit | undefined;
    machine.on('exit', (e) => (exit = e));
    cpu.script = () => {
      machine.ports.writePort(0x604, 2, 0x2000);
      return undefined;
    };
    machine.run();
    host.runUntil(20);
    expect(exit?.reason).toBe('poweroff');
  });

  test('a disk answers at its ports', () => {
    const backend = new MemoryBackend(new Uint8Array(MIB).fill(0x5a));
    const machine = makeMachine({ drives: { 0: { kind: 'disk', backend } } });
    machine.ports.writePort(0x1f6, 1, 0xe0);
    machine.ports.writePort(0x1f2, 1, 1);
    for (const port of [0x1f3, 0x1f4, 0x1f5]) machine.ports.writePort(port, 1, 0);
    machine.ports.writePort(0x1f7, 1, 0x20);
    machine.run();
    host.runUntil(20);
    machine.pause();
    expect(machine.ports.readPort(0x1f7, 1) & 0x89).toBe(0x08);
    expect(machine.ports.readPort(0x1f0, 2)).toBe(0x5a5a);
  });
});

test('nonsense at every port and in the device window throws nothing', () => {
  const machine = makeMachine();
  let seed = 12345;
  const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
  for (let i = 0; i < 200_000; i++) {
    const width = ([1, 2, 4] as const)[random() % 3];
    const port = random() % 3 === 0 ? random() & 0xffff : random() & 0xfff;
    if (random() & 1) machine.ports.writePort(port, width, random());
    else machine.ports.readPort(port, width);
    if ((i & 15) === 0) machine.memory.writePhys(0xa0000 + (random() & 0x1ffff), width, random());
    if ((i & 4095) === 0) {
      machine.run();
      host.runUntil(host.ms + 1);
      machine.pause();
    }
  }
  expect(machine.state).not.toBe('running');
});
