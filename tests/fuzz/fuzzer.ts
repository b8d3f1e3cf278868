/** What a fuzzer is, and what one case of it gets: its own stream of random numbers and a log of its last steps. */
import { Random } from '../oracle/random.ts';

/** Steps that a report shows. */
const NOTES_KEPT = 40;

/** What is wrong with the machine, as opposed to what the host throws. */
export class Finding extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Finding';
  }
}

export class FuzzCase {
  readonly random: Random;
  /** Steps taken in this case. */
  steps = 0;
  private readonly notes: string[] = [];
  private readonly beat: () => void;

  constructor(seed: number, beat: () => void) {
    this.random = new Random(seed);
    this.beat = beat;
  }

  /** To call before each step: what it is about to do, for the report, and a sign of life for the watchdog. */
  note(text: string): void {
    this.steps++;
    this.beat();
    this.notes.push(text);
    if (this.notes.length > 2 * NOTES_KEPT) this.notes.splice(0, NOTES_KEPT);
  }

  /** The last steps, oldest first. */
  get lastNotes(): readonly string[] {
    return this.notes.slice(-NOTES_KEPT);
  }
}

export interface Fuzzer {
  readonly name: string;
  /** Cases in the share of `npm test`. */
  readonly share: number;
  /** Throws when something is wrong. The same seed does the same. */
  run(fuzz: FuzzCase): void | Promise<void>;
}

/** Seed of a case: what its number, its fuzzer's name and the seed of the run have in common with no other. */
export function caseSeed(seed: number, name: string, number: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const character of name) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15) ^ number, 0x85ebca6b);
  return Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
}
