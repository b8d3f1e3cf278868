/**
 * The bus between local and I/O APICs: interrupt messages one way, ends of interrupts the other. Messages that PCI
 * functions write to FEExxxxxH enter here too [SDM3 10.11].
 */
import {
  DESTINATION_LOGICAL, MODE_FIELD, MODE_LOWEST_PRIORITY, MODE_SHIFT, TRIGGER_LEVEL,
} from './registers.ts';

export interface ApicMessage {
  readonly destination: number;
  /** The destination is a set of logical identifiers. */
  readonly logical: boolean;
  readonly mode: number;
  readonly vector: number;
  readonly level: boolean;
}

/** A local APIC, as the bus sees it. */
export interface ApicAgent {
  /** Whether a destination means it. */
  matches(destination: number, logical: boolean): boolean;
  receive(message: ApicMessage): void;
}

/** Where PCI functions send their message-signalled interrupts. */
export interface MessageTarget {
  message(address: number, data: number): void;
}

const MESSAGE_LOGICAL = 1 << 2, MESSAGE_DESTINATION_SHIFT = 12;

export class ApicBus implements MessageTarget {
  private readonly agents: ApicAgent[] = [];
  private readonly eoiListeners: ((vector: number) => void)[] = [];

  add(agent: ApicAgent): void {
    this.agents.push(agent);
  }

  /** An I/O APIC hears which level-triggered vector has been served. */
  onEoi(listener: (vector: number) => void): void {
    this.eoiListeners.push(listener);
  }

  send(message: ApicMessage): void {
    for (const agent of this.agents) {
      if (!agent.matches(message.destination, message.logical)) continue;
      agent.receive(message);
      // One of those that are addressed, and any will do.
      if (message.mode === MODE_LOWEST_PRIORITY) return;
    }
  }

  /** Address and data of a message-signalled interrupt [SDM3 figures 10-24, 10-25]. */
  message(address: number, data: number): void {
    this.send({
      destination: (address >>> MESSAGE_DESTINATION_SHIFT) & 0xff, logical: (address & MESSAGE_LOGICAL) !== 0, ...deliveryOf(data),
    });
  }

  endOfInterrupt(vector: number): void {
    for (const listener of this.eoiListeners) listener(vector);
  }
}

/** The fields that interrupt commands, redirection entries and message data have in common. */
export function deliveryOf(low: number): { mode: number; vector: number; level: boolean } {
  return { mode: (low >>> MODE_SHIFT) & MODE_FIELD, vector: low & 0xff, level: (low & TRIGGER_LEVEL) !== 0 };
}

export const isLogical = (low: number): boolean => (low & DESTINATION_LOGICAL) !== 0;
