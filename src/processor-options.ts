/** What runs the guest's code and what is told of it, from words of a command line or of an address. */
import type { Tier } from './cpu/cpu.ts';
import { TRACE_ITEMS, type TraceItem } from './cpu/trace.ts';
import { EmulatorError } from './errors.ts';

/** Options of `createMachine`. */
export interface ProcessorOptions {
  readonly tier?: Tier;
  readonly compileThreshold?: number;
  readonly trace?: readonly TraceItem[];
  readonly countTiers?: boolean;
}

const LARGEST_THRESHOLD = 1e9;

/** @param word the value of a switch by its name; undefined where it is not given. @throws EmulatorError `bad-option` */
export function processorOptions(word: (name: 'tier' | 'compile-threshold' | 'trace') => string | undefined): ProcessorOptions {
  const tier = word('tier'), threshold = word('compile-threshold'), trace = word('trace');
  return {
    ...(tier === undefined ? {} : { tier: tierNamed(tier) }),
    ...(threshold === undefined ? {} : { compileThreshold: edges(threshold) }),
    ...(trace === undefined ? {} : { trace: trace.split(',').map(traceItem) }),
  };
}

function tierNamed(word: string): Tier {
  if (word === 'interp' || word === 'compiled' || word === 'auto') return word;
  throw new EmulatorError('bad-option', `tier ${word}: it is interp, compiled or auto`);
}

function edges(word: string): number {
  const n = Number(word);
  if (Number.isInteger(n) && n >= 1 && n <= LARGEST_THRESHOLD) return n;
  throw new EmulatorError('bad-option', `compile-threshold ${word}: give a number from 1 to ${LARGEST_THRESHOLD}`);
}

function traceItem(word: string): TraceItem {
  if (Object.hasOwn(TRACE_ITEMS, word)) return word as TraceItem;
  throw new EmulatorError('bad-option', `trace ${word}: it is made of ${Object.keys(TRACE_ITEMS).join(', ')}, with commas between`);
}
