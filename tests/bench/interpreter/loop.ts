/**
 * The guest loop that both interpreters run, and how its rate is measured:
 *
 *   again: mov eax,[esi+8]; add eax,edx; xor ebx,eax; mov [edi+16],eax; dec ecx; jnz again
 */

/** Registers by their encoding. */
export const EAX = 0, ECX = 1, EDX = 2, EBX = 3, ESI = 6, EDI = 7;

export const INSTRUCTIONS_PER_ITERATION = 6;
/** Where the loop reads and writes, in guest addresses. */
export const SOURCE = 0x6000, TARGET = 0x7000;
export const SOURCE_VALUE = 12345, ADDEND = 3;

/** One interpreter, ready to run the loop from its start. */
export interface LoopRunner {
  /** Runs so many iterations in one go. */
  run(iterations: number): void;
  /** What the loop leaves behind: EAX, EBX, ECX and the word that it wrote. */
  result(): readonly number[];
}

/** What the loop has to leave behind. */
export function expectedResult(iterations: number): readonly number[] {
  const sum = SOURCE_VALUE + ADDEND;
  return [sum, iterations % 2 === 0 ? 0 : sum, 0, sum];
}

export interface LoopRates {
  /** Millions of guest instructions a second, one number a repetition. */
  readonly coracle: readonly number[];
  readonly sketch: readonly number[];
}

/** Interleaves the two, after one run of each that warms the host's compiler up and does not count. */
export function measureLoops(coracle: LoopRunner, sketch: LoopRunner, iterations: number, repetitions: number): LoopRates {
  const rate = (runner: LoopRunner, name: string): number => {
    const startMs = performance.now();
    runner.run(iterations);
    const elapsedMs = performance.now() - startMs;
    const result = runner.result().join();
    const expected = expectedResult(iterations).join();
    if (result !== expected) throw new Error(`${name} leaves ${result}, not ${expected}`);
    return (iterations * INSTRUCTIONS_PER_ITERATION) / elapsedMs / 1e3;
  };
  rate(coracle, 'coracle');
  rate(sketch, 'sketch');
  const rates = { coracle: [] as number[], sketch: [] as number[] };
  for (let n = 0; n < repetitions; n++) {
    rates.coracle.push(rate(coracle, 'coracle'));
    rates.sketch.push(rate(sketch, 'sketch'));
  }
  return rates;
}
