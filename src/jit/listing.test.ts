import { describe, expect, it, vi } from 'vitest';
import type { Cpu, CpuOptions } from '../cpu/cpu.ts';
import { flatMachine } from '../cpu/flat-machine-fixture.ts';
import { type TraceEvent, type TraceItem, Tracer } from '../cpu/trace.ts';
import { RegionGenerator } from './generate.ts';

const EAX = 0, ECX = 1, EBX = 3, ESI = 6;
const ENTRY = 0x1000;
/** An instruction each. */
const LOOP = [
  [0x03, 0x06], // again: add eax, [esi]
  [0x43], // inc ebx
  [0x49], // dec ecx
  [0x75, 0xfa], // jnz again
  [0xcd, 0x40], // int 0x40
];

/** Runs the loop `rounds` times, up to the interrupt, which nobody handles: the processor shuts down. */
function run(rounds: number, options: CpuOptions): Cpu {
  const { cpu } = flatMachine(options, ENTRY, LOOP.flat());
  const { state } = cpu;
  state.setReg(ESI, 0x4000);
  state.setReg(EAX, 0);
  state.setReg(EBX, 0);
  state.setReg(ECX, rounds);
  while (cpu.run(1000) === 'budget');
  return cpu;
}

function traced(items: readonly TraceItem[], rounds: number, options: CpuOptions = {}): TraceEvent[] {
  const events: TraceEvent[] = [];
  run(rounds, { ...options, tracer: new Tracer(items, (event) => events.push(event)) });
  return events;
}
const isCode = (event: TraceEvent): boolean => event.item === 'in_asm' && event.linear === ENTRY;

describe('a region’s listing', () => {
  it('has the guest code, and for each instruction its operations and WebAssembly', () => {
    const listing = run(1000, { compileThreshold: 10 }).listRegion(ENTRY)!;
    expect(listing).toMatchObject({ linear: ENTRY, bits: 32 });
    const own = listing.parts.filter(({ bytes }) => bytes.length > 0);
    expect(own.map(({ bytes }) => [...bytes])).toEqual(LOOP.slice(0, own.length));
    expect(own.length).toBeGreaterThanOrEqual(4);
    const [add, inc] = own;
    expect(add.ir.join('\n')).toMatch(/(%\d+) = binary add %\d+ %\d+\n *set \$eax \1/);
    expect(inc.ir.join('\n')).toMatch(/(%\d+) = binary add %\d+ 1\n(.*\n)*? *set \$ebx \1/);
    expect(inc.wasm.join('\n')).toMatch(/i32.const 1\n *i32.add\n/);
    const text = listing.parts.flatMap(({ wasm }) => wasm);
    expect(text.filter((line) => /^ *(block|loop|if)\b/.test(line))).toHaveLength(text.filter((line) => line.trim() === 'end').length);
  });

  it('is of the code that is generated when nobody looks on', () => {
    const watched = vi.spyOn(RegionGenerator.prototype, 'generate');
    const cpu = run(1000, { compileThreshold: 10 });
    const code = watched.mock.results.map(({ value }) => value.code);
    expect(code).toHaveLength(1);
    cpu.listRegion(ENTRY);
    expect(watched.mock.results[1].value.code).toEqual(code[0]);
    watched.mockRestore();
  });

  it('is the same whether somebody runs it or not, and there is none where no code is', () => {
    const cpu = run(1000, { compileThreshold: 10 });
    expect(cpu.listRegion(ENTRY)).toEqual(cpu.listRegion(ENTRY));
    expect(cpu.listRegion(0x8000_0000)).toBeUndefined();
  });
});

describe('a trace', () => {
  it('tells of decoded blocks, once', () => {
    const events = traced(['in_asm'], 100);
    expect(events.filter(isCode)).toEqual([{ item: 'in_asm', instructions: 0, linear: ENTRY, bits: 32, bytes: Uint8Array.from(LOOP.flat()) }]);
  });
  it('tells of regions', () => {
    const regions = traced(['wasm'], 1000, { compileThreshold: 10 });
    expect(regions).toMatchObject([{ item: 'region', listing: { linear: ENTRY } }]);
  });
  it('tells where code is entered: each block on its own without chaining', () => {
    const entries = (items: readonly TraceItem[]): number => traced(items, 100).filter((event) => event.item === 'exec' && event.linear === ENTRY).length;
    expect(entries(['exec', 'nochain'])).toBe(100);
    expect(entries(['exec'])).toBeLessThan(20);
  });
  it('tells of interrupts, and of the exceptions on their way', () => {
    expect(traced(['int'], 1)[0]).toMatchObject({ item: 'int', instructions: 4, vector: 0x40, kind: 'software', cpl: 0, selector: 8, ip: ENTRY + 6 });
    expect(traced(['int'], 1).map((event) => event.item === 'int' && event.vector)).toEqual([0x40, 13, 8]);
  });
});

it('counters tell what ran where', () => {
  const cpu = run(10_000, { compileThreshold: 10, countTiers: true });
  const { blocks, lookups, exits, tiers } = cpu.codeCounters;
  // The last instructions of each slice are the interpreter's.
  expect(tiers!.compiledInstructions).toBeGreaterThan(0.9 * cpu.instructions);
  expect(tiers!.compiledInstructions).toBeLessThan(cpu.instructions);
  expect(blocks).toBeLessThan(lookups);
  expect(exits).toMatchObject({ helper: 1, lookup: 0 });
  expect(exits.hot).toBeGreaterThan(0);
  expect(run(10_000, { compileThreshold: 10 }).codeCounters.tiers).toBeUndefined();
});
