/**
 * Recorded logs, and the tables beside them that say where QEMU writes something else and why.
 * A row of `logs/NAME.differences.md`: `| check | QEMU | reason with the section of the manual |`, where the check is
 * the text before the first colon of the log's line and QEMU's column what it writes behind it.
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

/** What QEMU is known to write in place of the recorded lines, by check. */
export function knownDifferences(name: string): Map<string, string> {
  const rows = read(tablePath(name))
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(rows.map(([, check, found]) => [check, found]));
}
