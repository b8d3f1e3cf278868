/**
 * CLI, STI, PUSHF and POPF [SDM2]: what kernels do all the time is done here, the helpers have the rest: levels below IOPL,
 * virtual-8086 mode, and a change that the dispatcher has to act on.
 */
import * as L from '../../cpu/layout.ts';
import {
  CS, EFLAGS_AC, EFLAGS_ARITHMETIC, EFLAGS_DF, EFLAGS_FIXED, EFLAGS_ID, EFLAGS_IF, EFLAGS_IOPL, EFLAGS_IOPL_SHIFT, EFLAGS_NT, EFLAGS_RF,
  EFLAGS_TF, EFLAGS_VM,
} from '../../cpu/registers.ts';
import type { Body, I32, Ops } from '../ops.ts';

const DPL_SHIFT = 5;
/** What POPF changes at any level and may change here, of what EFLAGS holds in the state. */
const POPPED = EFLAGS_DF | EFLAGS_NT | EFLAGS_ID;

/** EFLAGS without the arithmetic flags. */
const systemFlags = (o: Ops): I32 => o.stateLoad('i32', L.EFLAGS);
const level = (o: Ops): I32 => o.and(o.shrU(o.stateLoad('i32', L.SEGMENTS + CS * L.SEGMENT_SIZE + L.SEG_ATTRIBUTES), o.i32(DPL_SHIFT)), o.i32(3));

/** The current level may change IF: it is at most IOPL. */
function ownsInterruptFlag(o: Ops, flags: I32): I32 {
  const iopl = o.and(o.shrU(flags, o.i32(EFLAGS_IOPL_SHIFT)), o.i32(3));
  return o.e.compare('leU', level(o), iopl);
}

const cli: Body = (o) => {
  const flags = systemFlags(o);
  o.e.if(
    ownsInterruptFlag(o, flags),
    () => o.stateStore('i32', L.EFLAGS, o.and(flags, o.i32(~EFLAGS_IF))),
    () => o.helper('CLI'),
  );
};

/** Where IF was clear, interrupts stay inhibited until the next instruction is done. */
const sti: Body = (o) => {
  const flags = systemFlags(o);
  const asks = o.or(o.and(flags, o.i32(EFLAGS_TF)), o.stateLoad('i32', L.INTERRUPT_WAITS));
  o.e.if(
    o.and(ownsInterruptFlag(o, flags), o.eqz(asks)),
    () => {
      o.e.if(o.eqz(o.and(flags, o.i32(EFLAGS_IF))), () => o.stateStore('i32', L.SHADOW_FUEL, o.fuelAfterThis()));
      o.stateStore('i32', L.EFLAGS, o.or(flags, o.i32(EFLAGS_IF)));
    },
    () => o.helper('STI'),
  );
};

const pushf: Body = (o) => {
  const image = o.e.variable('i32');
  const flags = systemFlags(o);
  o.e.if(
    o.and(flags, o.i32(EFLAGS_VM)),
    () => o.e.set(image, o.helperValue('PUSHF', o.i32(o.osize))),
    () => o.e.set(image, o.or(o.and(flags, o.i32(~EFLAGS_RF)), o.readFlags())),
  );
  o.push(o.e.get(image), o.osize);
};

/** At level 0, which real mode has and virtual-8086 mode has not. */
const popf: Body = (o) => {
  const value = o.fit(o.stackTop(o.osize), 32) as I32;
  const old = systemFlags(o);
  const changed = o.xor(old, value);
  const interruptible = o.and(changed, o.and(value, o.i32(EFLAGS_IF)));
  const asks = o.and(interruptible, o.sub(o.i32(0), o.stateLoad('i32', L.INTERRUPT_WAITS)));
  const hard = o.or(o.and(value, o.i32(EFLAGS_TF)), o.osize === 16 ? o.i32(0) : o.and(changed, o.i32(EFLAGS_AC)));
  o.e.if(
    o.eqz(o.or(o.or(hard, asks), level(o))),
    () => {
      const mask = (POPPED | EFLAGS_TF | EFLAGS_IF | EFLAGS_IOPL) & (o.osize === 16 ? 0xffff : -1);
      const kept = o.and(old, o.i32(~(mask | EFLAGS_RF | EFLAGS_FIXED)));
      o.stateStore('i32', L.EFLAGS, o.or(o.or(kept, o.i32(EFLAGS_FIXED)), o.and(value, o.i32(mask))));
      o.writeFlags(o.and(value, o.i32(EFLAGS_ARITHMETIC)));
      o.adjustStack(o.osize / 8);
    },
    () => o.helper('POPF', value, o.i32(o.osize)),
  );
};

export const eflagsBodies: Record<string, Body> = { CLI: cli, STI: sti, PUSHF: pushf, POPF: popf };
