/** The figures as tables in Markdown, for the terminal and for docs/performance.md: ratios of one run; times are in the JSON file. */
import type { BenchResults, GroupResult, LoopResult } from '../results.ts';

const START = '<!-- bench: written by npm run bench -->', END = '<!-- /bench -->';
const MIB = 2 ** 20;

export function formatTable(results: BenchResults): string {
  const parts = [origin(results)];
  if (results.interpreter) parts.push(interpreterTable(results.interpreter));
  if (results.memoryUse) parts.push(memoryTable(results.memoryUse));
  const groups = Object.entries(results.groups);
  if (groups.length > 0) parts.push(programTable(groups));
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

function programTable(groups: readonly (readonly [string, GroupResult])[]): string {
  const cell = (value: number | undefined): string => (value === undefined ? '' : String(value));
  const bold = (value: number | undefined): string => (value === undefined ? '' : `**${value}**`);
  const lines = ['| | v86 / ours | TCG / ours |', '|---|---|---|'];
  for (const [group, result] of groups) {
    for (const [name, { v86, tcg, differing }] of Object.entries(result.programs)) {
      const wrong = differing ? ` (wrong result: ${differing.join(', ')})` : '';
      lines.push(`| ${group} ${name}${wrong} | ${cell(v86)} | ${cell(tcg)} |`);
    }
    lines.push(`| **${group}** | ${bold(result.v86)} | ${bold(result.tcg)} |`);
  }
  return lines.join('\n');
}

function pauseTable(ms: number): string {
  return ['| Longest pause of the machine caused by compiling | ms |', '|---|---|', `| all groups above | ${ms.toFixed(1)} |`].join('\n');
}

/** Replaces what is between the document's two markers. */
export function intoDocument(document: string, results: BenchResults): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`the document has no “${START}” … “${END}”`);
  return `${document.slice(0, start + START.length)}\n${formatTable(results)}${document.slice(end)}`;
}
