/**
 * The interrupt controllers of a PC and the wires between them: an interrupt request goes to the 8259 pair and
 * to the I/O APIC, the pair's output to LINT0 of the local APIC, and that one's to the processor.
 */
import { ApicBus, type MessageTarget } from '../../devices/apic/apic-bus.ts';
import { IoApic } from '../../devices/apic/io-apic.ts';
import { LocalApic } from '../../devices/apic/local-apic.ts';
import type { Device, IrqLine } from '../../devices/device.ts';
import { Hpet } from '../../devices/hpet.ts';
import { Pic } from '../../devices/pic.ts';
import type { BoardParts } from '../machine.ts';

/** The I/O APIC's input for the 8254, and for the event timers themselves. */
const TIMER_INPUT = 2;

export class PcInterrupts {
  readonly localApic: LocalApic;
  /** Takes interrupts that are messages. */
  readonly messages: MessageTarget;
  /** Where the outputs of the 8254 and of the real-time clock go. */
  readonly pitLine: IrqLine;
  readonly rtcLine: IrqLine;
  /** In the order of their reset: after all other devices, since it lets every line fall. */
  readonly devices: readonly Device<unknown>[];
  private readonly pic: Pic;
  private readonly ioApic: IoApic;

  constructor(parts: BoardParts, options: { readonly hpet: boolean }) {
    const bus = new ApicBus();
    this.messages = bus;
    this.pic = new Pic({ intr: { set: (level) => this.localApic.lint0.set(level) } });
    this.localApic = new LocalApic({
      apicId: 0, bootstrap: true, clock: parts.clock, bus, external: this.pic,
      intr: { set: (level) => parts.interruptChanged(level) },
      nmi: () => parts.nmi(),
    });
    this.ioApic = new IoApic({ bus });
    const irq0 = this.line(0), irq8 = this.line(8);
    const hpet = options.hpet ? new Hpet({ clock: parts.clock, irq0, irq8, routed: this.ioApic.line(TIMER_INPUT) }) : undefined;
    this.pitLine = hpet?.pit ?? irq0;
    this.rtcLine = hpet?.rtc ?? irq8;
    this.devices = [...(hpet ? [hpet] : []), this.pic, this.ioApic, this.localApic];
  }

  /** A new source for an interrupt request of ISA, 0 to 15. */
  line(irq: number): IrqLine {
    const pic = this.pic.line(irq), ioApic = this.ioApic.line(irq === 0 ? TIMER_INPUT : irq);
    return {
      set: (level) => {
        pic.set(level);
        ioApic.set(level);
      },
    };
  }
}
