/**
 * Recorded logs, and the tables beside them that say where QEMU writes something else and why.
 * A row of `logs/NAME.differences.md`: `| check | QEMU | reason with the section of the manual |`, where the check is
 * the text before the first colon of the log's line and QEMU's column what it writes behind it, or `*` where that
 * depends on the host's time or on stray memory.
 */
import { existsSync, readFileSync } from 'node:fs';

export const logPath = (name: string): URL => new URL(`logs/${name}.log`, import.meta.url);
const tablePath = (name: string): URL => new URL(`logs/${name}.differences.md`, import.meta.url);

const read = (path: URL): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

export const recordedLog = (name: string): string => read(logPath(name));

export interface Difference {
  readonly recorded: string | undefined;
  readonly found: string | undefined;
}

const linesOf = (log: string): string[] => log.split('\n').filter((line) => line !== '');

/**
 * The one difference that no table lists: QEMU 7.2 never sets RF in the flags that it saves for a fault
 * [SDM3 17.3.1.1]. Clears the bit in a log.
 */
export function withoutResumeFlag(log: string): string {
  return log.replace(/ fl=([0-9a-f]{8})/g, (_, digits: string) => {
    const flags = Number.parseInt(digits, 16) & ~0x10000;
    return ` fl=${flags.toString(16).padStart(8, '0')}`;
  });
}

/** Lines that differ; a line belongs to its check, so that one too many does not move all that follow. */
export function differences(recorded: string, found: string): Difference[] {
  const byCheck = new Map(linesOf(found).map((line) => [checkOf(line), line]));
  const out: Difference[] = [];
  for (const line of linesOf(recorded)) {
    const other = byCheck.get(checkOf(line));
    byCheck.delete(checkOf(line));
    if (other !== line) out.push({ recorded: line, found: other });
  }
  for (const line of byCheck.values()) out.push({ recorded: undefined, found: line });
  return out;
}

/** The name of a line's check. No name has a colon before a space. */
export function checkOf(line: string): string {
  const end = line.search(/:( |$)/);
  return end < 0 ? line : line.slice(0, end);
}

/** What a line says about its check. */
const findingOf = (line: string | undefined): string => (line === undefined ? '' : line.slice(checkOf(line).length + 1).trim());

interface Known {
  readonly check: string;
  readonly found: string;
}

function knownDifferences(name: string): Known[] {
  return read(tablePath(name))
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, check, found]) => ({ check, found }));
}

/** Why QEMU cannot run a kernel, when its table says so. */
export function notForQemu(name: string): string | undefined {
  return /^QEMU does not run it: (.*)$/m.exec(read(tablePath(name)))?.[1];
}

/** How QEMU's log differs from what is recorded and what the table explains; one line each. */
export function unexplained(name: string, log: string): string[] {
  const known = new Map(knownDifferences(name).map(({ check, found }) => [check, found]));
  const out: string[] = [];
  for (const { recorded, found } of differences(withoutResumeFlag(recordedLog(name)), withoutResumeFlag(log))) {
    const check = checkOf(recorded ?? found ?? '');
    const expected = known.get(check);
    if (expected !== '*' && expected !== findingOf(found)) out.push(`${check}: recorded “${findingOf(recorded)}”, QEMU “${findingOf(found)}”`);
  }
  return out;
}
