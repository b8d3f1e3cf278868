/**
 * What firmware leaves behind, for guests that start without it: memory in the place of ROM, PCI functions with addresses
 * and interrupts, the interrupt controllers, timer and keyboard as a BIOS sets them up, VGA text mode 3 with a font, the BIOS
 * data area, and interrupt vectors of real mode. All but the video mode goes through the ports, as firmware would do it.
 *
 * References: [PCI 2.1] 6.2.5 (sizing of base address registers); IBM PC AT Technical Reference (BIOS data area).
 */
import {
  APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_SVR, LOCAL_APIC_BASE, MODE_EXTINT, MODE_NMI, MODE_SHIFT, SVR_ENABLE,
} from '../../devices/apic/registers.ts';
import type { Width } from '../../devices/device.ts';
import { setTextMode } from '../../devices/vga/text-mode.ts';
import type { Vga } from '../../devices/vga/vga.ts';
import { physAddr } from '../../memory/address.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { PortBus } from '../port-bus.ts';
import { ByteWriter } from '../loaders/bytes.ts';
import { EBDA_BASE } from '../loaders/memory-map.ts';
import { BDA_EQUIPMENT, BDA_MEMORY_SIZE, MASTER_VECTORS, placeInterruptVectors, SLAVE_VECTORS } from './interrupt-vectors.ts';
import { vgaFont } from './vga-font.ts';

export interface FirmwareSetup {
  readonly memory: GuestMemory;
  readonly ports: PortBus;
  readonly vga: Vga;
  /** Interrupt request of PIRQA# to PIRQD#; all but those of ISA devices. */
  readonly pirqIrqs: readonly number[];
  readonly pciMemoryBase: number;
  readonly serialBases: readonly number[];
}

const CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc, CONFIG_ENABLE = 0x80000000;
const VENDOR_ID = 0x00, COMMAND = 0x04, HEADER_TYPE = 0x0e, BAR0 = 0x10, INTERRUPT_LINE = 0x3c, INTERRUPT_PIN = 0x3d;
const COMMAND_IO = 1, COMMAND_MEMORY = 2, BAR_IO = 1, MULTI_FUNCTION = 0x80;
const HOST_BRIDGE = 0, ISA_BRIDGE = 1;
const PAM0 = 0x59, PIRQRC = 0x60;
const PCI_IO_BASE = 0xc000;
const ELCR = 0x4d0;

export function setUpAsFirmware(setup: FirmwareSetup): void {
  shadowAllRam(setup.ports);
  setUpPci(setup);
  setUpInterrupts(setup.ports, setup.memory, setup.pirqIrqs);
  setUpKeyboard(setup.ports);
  setTextMode(setup.vga, vgaFont());
  writeBiosDataArea(setup);
  placeInterruptVectors(setup.memory);
}

function selectConfig(ports: PortBus, slot: number, fn: number, register: number): void {
  ports.writePort(CONFIG_ADDRESS, 4, (CONFIG_ENABLE | (slot << 11) | (fn << 8) | (register & 0xfc)) >>> 0);
}

function readConfig(ports: PortBus, slot: number, fn: number, register: number, width: Width): number {
  selectConfig(ports, slot, fn, register);
  return ports.readPort(CONFIG_DATA + (register & 3), width);
}

function writeConfig(ports: PortBus, slot: number, fn: number, register: number, width: Width, value: number): void {
  selectConfig(ports, slot, fn, register);
  ports.writePort(CONFIG_DATA + (register & 3), width, value);
}

function shadowAllRam(ports: PortBus): void {
  writeConfig(ports, HOST_BRIDGE, 0, PAM0, 1, 0x30);
  for (let i = 1; i < 7; i++) writeConfig(ports, HOST_BRIDGE, 0, PAM0 + i, 1, 0x33);
}

function setUpPci({ ports, pirqIrqs, pciMemoryBase }: FirmwareSetup): void {
  for (const [i, irq] of pirqIrqs.entries()) writeConfig(ports, ISA_BRIDGE, 0, PIRQRC + i, 1, irq);
  const next = { io: PCI_IO_BASE, memory: pciMemoryBase };
  for (let slot = 0; slot < 32; slot++) {
    const functions = readConfig(ports, slot, 0, HEADER_TYPE, 1) & MULTI_FUNCTION ? 8 : 1;
    for (let fn = 0; fn < functions; fn++) {
      if (readConfig(ports, slot, fn, VENDOR_ID, 2) === 0xffff) continue;
      const decoded = placeBars(ports, slot, fn, next);
      const command = readConfig(ports, slot, fn, COMMAND, 2);
      writeConfig(ports, slot, fn, COMMAND, 2, command | decoded);
      const pin = readConfig(ports, slot, fn, INTERRUPT_PIN, 1);
      const line = readConfig(ports, slot, fn, INTERRUPT_LINE, 1);
      // Functions of the chipset have theirs already, by other wires.
      if (pin !== 0 && line === 0) writeConfig(ports, slot, fn, INTERRUPT_LINE, 1, pirqIrqs[(pin - 1 + slot - 1) & 3]);
    }
  }
}

/** Gives every base address register an address; returns what the command register has to enable. */
function placeBars(ports: PortBus, slot: number, fn: number, next: { io: number; memory: number }): number {
  let enable = 0;
  for (let register = BAR0; register < BAR0 + 24; register += 4) {
    writeConfig(ports, slot, fn, register, 4, 0xffffffff);
    const sized = readConfig(ports, slot, fn, register, 4);
    if (sized === 0) continue;
    const io = (sized & BAR_IO) !== 0;
    const size = (-(sized & (io ? 0xfffffffc : 0xfffffff0)) & (io ? 0xffff : 0xffffffff)) >>> 0;
    const space = io ? 'io' : 'memory';
    const base = Math.ceil(next[space] / size) * size;
    next[space] = base + size;
    writeConfig(ports, slot, fn, register, 4, base);
    enable |= io ? COMMAND_IO : COMMAND_MEMORY;
  }
  return enable;
}

function out(ports: PortBus, port: number, ...values: number[]): void {
  for (const value of values) ports.writePort(port, 1, value);
}

/** The controllers and the timer; `levelIrqs` are triggered by their level. */
function setUpInterrupts(ports: PortBus, memory: GuestMemory, levelIrqs: readonly number[]): void {
  // Timer, keyboard, cascade and diskette open, as a BIOS leaves them.
  out(ports, 0x20, 0x11);
  out(ports, 0x21, MASTER_VECTORS, 0x04, 0x01, 0xb8);
  out(ports, 0xa0, 0x11);
  out(ports, 0xa1, SLAVE_VECTORS, 0x02, 0x01, 0x8e);
  const level = levelIrqs.reduce((bits, irq) => bits | (1 << irq), 0);
  out(ports, ELCR, level & 0xff);
  out(ports, ELCR + 1, level >> 8);
  setUpLocalApic(memory);
  // Counter 0: mode 3, 18.2 interrupts a second.
  out(ports, 0x43, 0x36);
  out(ports, 0x40, 0, 0);
}

/** Interrupt on, translation on, mouse off. */
function setUpKeyboard(ports: PortBus): void {
  out(ports, 0x64, 0x60);
  out(ports, 0x60, 0x61);
}

/** Virtual wire mode: the 8259 pair by LINT0, NMIs by LINT1 [MultiProcessor Specification 1.4, 3.6.2.2]. */
export function setUpLocalApic(memory: GuestMemory): void {
  const write = (register: number, value: number): void => memory.writePhys(LOCAL_APIC_BASE + register, 4, value);
  write(APIC_SVR, SVR_ENABLE | 0xff);
  write(APIC_LVT_LINT0, MODE_EXTINT << MODE_SHIFT);
  write(APIC_LVT_LINT1, MODE_NMI << MODE_SHIFT);
}

function writeBiosDataArea({ memory, serialBases }: FirmwareSetup): void {
  const bda = new ByteWriter(0x100);
  for (const [i, base] of serialBases.entries()) bda.u16(i * 2, base);
  bda.u16(0x0e, EBDA_BASE >> 4);
  bda.u16(BDA_EQUIPMENT, 0x0026 | (serialBases.length << 9)); // coprocessor, mouse, 80x25 color, serial ports
  bda.u16(BDA_MEMORY_SIZE, EBDA_BASE / 1024);
  bda.u16(0x1a, 0x1e); // keyboard buffer, empty
  bda.u16(0x1c, 0x1e);
  bda.u8(0x49, 3); // video mode
  bda.u16(0x4a, 80);
  bda.u16(0x4c, 0x1000);
  bda.u16(0x60, 0x0d0e); // cursor
  bda.u16(0x63, 0x3d4);
  bda.u16(0x80, 0x1e);
  bda.u16(0x82, 0x3e);
  bda.u8(0x84, 24);
  bda.u16(0x85, 16);
  memory.write(physAddr(0x400), bda.bytes);
  // The first byte of the extended area is its size in KiB.
  memory.write(physAddr(EBDA_BASE), Uint8Array.of(1));
}
