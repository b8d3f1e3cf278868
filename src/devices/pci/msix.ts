/**
 * MSI-X: a function's interrupts as messages, from a table in one of its memory BARs [PCI 3.0, 6.8.2].
 */
import type { MessageTarget } from '../apic/apic-bus.ts';
import type { BusRegistrar, Region, Width } from '../device.ts';
import type { PciConfig } from './pci-config.ts';

const CAP_MSIX = 0x11, CAP_SIZE = 12;
const ENABLE = 0x8000, FUNCTION_MASK = 0x4000;
const ENTRY_SIZE = 16, ENTRY_WORDS = 4, CONTROL = 3, CONTROL_MASKED = 1;
const SIZE = 0x1000, PENDING_BITS = 0x800;

export interface MsixState {
  readonly table: readonly number[];
  readonly pending: readonly boolean[];
}

export class Msix {
  private readonly vectors: number;
  private readonly target: MessageTarget;
  private readonly config: PciConfig;
  private readonly capability: number;
  private readonly table: Uint32Array;
  private readonly pending: boolean[];

  /** Adds the capability to `config`, whose `bar` has the table. */
  constructor(config: PciConfig, bar: number, vectors: number, target: MessageTarget) {
    this.config = config;
    this.vectors = vectors;
    this.target = target;
    this.table = new Uint32Array(vectors * ENTRY_WORDS);
    this.pending = new Array<boolean>(vectors).fill(false);
    this.capability = config.addCapability(CAP_MSIX, CAP_SIZE);
    config.define(this.capability + 2, 2, vectors - 1, ENABLE | FUNCTION_MASK);
    config.define(this.capability + 4, 4, bar);
    config.define(this.capability + 8, 4, PENDING_BITS | bar);
    this.reset();
  }

  get enabled(): boolean {
    return (this.control & ENABLE) !== 0;
  }

  /** The region of the BAR. */
  region(bus: BusRegistrar, name: string): Region {
    const handler = {
      read: (offset: number) => this.read(offset),
      write: (offset: number, _width: Width, value: number) => this.write(offset, value),
    };
    return bus.memory(name, SIZE, handler, { widths: [4] });
  }

  /** Sends a vector's message, now or when it is no longer masked. */
  send(vector: number): void {
    if (vector >= this.vectors || !this.enabled) return;
    if (this.isMasked(vector)) this.pending[vector] = true;
    else if (this.config.busMaster) this.target.message(this.table[vector * ENTRY_WORDS], this.table[vector * ENTRY_WORDS + 2]);
  }

  /** The guest wrote to [offset, offset + width) of the configuration space. */
  configWritten(offset: number, width: Width): void {
    if (offset < this.capability + 4 && offset + width > this.capability + 2) this.sendPending();
  }

  reset(): void {
    this.table.fill(0);
    for (let vector = 0; vector < this.vectors; vector++) this.table[vector * ENTRY_WORDS + CONTROL] = CONTROL_MASKED;
    this.pending.fill(false);
  }

  save(): MsixState {
    return { table: [...this.table], pending: this.pending.slice() };
  }

  restore(state: MsixState): void {
    this.table.set(state.table);
    for (let vector = 0; vector < this.vectors; vector++) this.pending[vector] = state.pending[vector];
  }

  private get control(): number {
    return this.config.get(this.capability + 2, 2);
  }

  private isMasked(vector: number): boolean {
    return (this.control & FUNCTION_MASK) !== 0 || (this.table[vector * ENTRY_WORDS + CONTROL] & CONTROL_MASKED) !== 0;
  }

  private sendPending(): void {
    for (let vector = 0; vector < this.vectors; vector++) {
      if (!this.pending[vector] || !this.enabled || this.isMasked(vector)) continue;
      this.pending[vector] = false;
      this.send(vector);
    }
  }

  private read(offset: number): number {
    if ((offset & 3) !== 0) return 0;
    if (offset < this.vectors * ENTRY_SIZE) return this.table[offset >> 2];
    const first = (offset - PENDING_BITS) * 8;
    let bits = 0;
    for (let i = 0; i < 32 && first >= 0; i++) if (this.pending[first + i]) bits |= 1 << i;
    return bits >>> 0;
  }

  private write(offset: number, value: number): void {
    if ((offset & 3) !== 0 || offset >= this.vectors * ENTRY_SIZE) return;
    this.table[offset >> 2] = (offset >> 2) % ENTRY_WORDS === CONTROL ? value & CONTROL_MASKED : value;
    this.sendPending();
  }
}
