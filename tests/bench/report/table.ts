/** The figures as tables in Markdown, for the terminal and for docs/performance.md: ratios of one run; times are in the JSON file. */
import type { GuestName } from '../machines/machine.ts';
import type { BenchResults, GroupResult, LoopResult } from '../results.ts';

const MIB = 2 ** 20;

export function formatTable(results: BenchResults): string {
  const parts = [origin(results)];
  if (results.interpreter) parts.push(interpreterTable(results.interpreter));
  if (results.memoryUse) parts.push(memoryTable(results.memoryUse));
  if (results.firstAnswer) parts.push(answerTable(results.firstAnswer));
  const groups = Object.entries(results.groups);
  if (groups.length > 0) parts.push(programTable(groups, results.guest));
  if (results.longestCompilePauseMs !== undefined) parts.push(pauseTable(results.longestCompilePauseMs));
  return `${parts.join('\n\n')}\n`;
}

function origin(results: BenchResults): string {
  const qemu = results.qemu ?? 'no QEMU';
  const scale = results.percent === 100 ? '' : `, programs at ${results.percent} %`;
  const browser = results.chromium === undefined ? 'no browser' : `Chromium ${results.chromium}`;
  return `${results.date}, ${results.processor}; ${browser}, Node ${results.node}, v86 ${results.v86Version}, ${qemu}; ` +
    `medians of ${results.runs}${scale}.`;
}

function interpreterTable(result: NonNullable<BenchResults['interpreter']>): string {
  const row = (name: string, { ratio }: LoopResult): string => `| ${name} | ${ratio} |`;
  return [
    '| Six-instruction loop | Coracle / smallest interpreter |', '|---|---|',
    row('Node', result.node), row('Chromium', result.chromium),
  ].join('\n');
}

function memoryTable(result: NonNullable<BenchResults['memoryUse']>): string {
  const row = (name: string, bytes: number): string => `| ${name} | ${(bytes / MIB).toFixed(1)} |`;
  return [
    `| Guest with ${result.guestMiB} MiB | MiB |`, '|---|---|',
    row('frames at the shell', result.shellFrameBytes),
    row(`frames for ${result.touchedMiB} MiB touched`, result.frameBytesForTouched),
    row('arena beside frames', result.arenaFixedBytes),
    row('tab above an empty one', result.tabBytes),
    row('tab beside frames', result.tabFixedBytes),
    row('of which the page without a machine', result.pageBytes),
    row('of which the machine', result.machineFixedBytes),
  ].join('\n');
}

function answerTable({ medianMs, longestMs }: NonNullable<BenchResults['firstAnswer']>): string {
  return ['| Library OS, from its start to its first answer | ms |', '|---|---|', `| median | ${medianMs} |`, `| longest | ${longestMs} |`].join('\n');
}

function programTable(groups: readonly (readonly [string, GroupResult])[], guest: GuestName): string {
  const cell = (value: number | undefined): string => (value === undefined ? '' : String(value));
  const bold = (value: number | undefined): string => (value === undefined ? '' : `**${value}**`);
  const columns = guest === 'i386' ? (['v86', 'tcg'] as const) : (['tcg', 'i386'] as const);
  const heads = { v86: 'v86 / ours', tcg: 'TCG / ours', i386: 'the i386 program in Coracle / the amd64 one' };
  const lines = [`| | ${columns.map((column) => heads[column]).join(' | ')} |`, '|---|---|---|'];
  for (const [group, result] of groups) {
    for (const [name, program] of Object.entries(result.programs)) {
      const wrong = program.differing ? ` (wrong result: ${program.differing.join(', ')})` : '';
      lines.push(`| ${group} ${name}${wrong} | ${columns.map((column) => cell(program[column])).join(' | ')} |`);
    }
    lines.push(`| **${group}** | ${columns.map((column) => bold(result[column])).join(' | ')} |`);
  }
  return lines.join('\n');
}

function pauseTable(ms: number): string {
  return ['| Longest pause of the machine caused by compiling | ms |', '|---|---|', `| all groups above | ${ms.toFixed(1)} |`].join('\n');
}

/** Replaces what is between the document's two markers, which the guest has of its own. */
export function intoDocument(document: string, results: BenchResults): string {
  const marker = results.guest === 'i386' ? 'bench' : `bench ${results.guest}`;
  const first = `<!-- ${marker}: written by npm run bench -->`, last = `<!-- /${marker} -->`;
  const start = document.indexOf(first);
  const end = document.indexOf(last);
  if (start < 0 || end < start) throw new Error(`the document has no “${first}” … “${last}”`);
  return `${document.slice(0, start + first.length)}\n${formatTable(results)}${document.slice(end)}`;
}
