/** The ratios as a bar chart: the incumbent's time over ours, a bar for each group and incumbent, on a logarithmic axis. */
import { MACHINES_OF } from '../machines/machine.ts';
import type { BenchResults } from '../results.ts';

const TITLE = 'Their time over Coracle’s: right of 1, Coracle is faster';
const WIDTH = 720, LABEL = 110, RIGHT = 60, TOP = 56, BAR = 14, GAP = 14;
const ALL_SERIES = [
  { key: 'v86', name: 'v86', colour: '#2f6f8f' },
  { key: 'tcg', name: 'QEMU TCG', colour: '#c98b2b' },
  { key: 'i386', name: 'the i386 program', colour: '#7a9a4a' },
] as const;

export function drawChart(results: BenchResults): string {
  const groups = Object.entries(results.groups);
  const series = ALL_SERIES.filter(({ key }) => MACHINES_OF[results.guest].includes(key));
  const ratios = groups.flatMap(([, group]) => series.flatMap(({ key }) => group[key] ?? []));
  const low = Math.min(0.1, ...ratios), high = Math.max(10, ...ratios);
  const span = Math.log(high / low);
  const x = (ratio: number): number => LABEL + (Math.log(ratio / low) / span) * (WIDTH - LABEL - RIGHT);
  const rowHeight = BAR * series.length + GAP;
  const height = TOP + groups.length * rowHeight + 24;
  const bars = groups.flatMap(([name, group], row) => {
    const y = TOP + row * rowHeight;
    const label = `<text x="${LABEL - 8}" y="${y + BAR + 4}" text-anchor="end">${name}</text>`;
    const own = series.flatMap(({ key, colour }, n) => {
      const ratio = group[key];
      return ratio === undefined ? [] : [bar(x(1), x(ratio), y + n * BAR, ratio, colour)];
    });
    return [label, ...own];
  });
  const ticks = [0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 50].filter((ratio) => ratio >= low && ratio <= high);
  const axis = ticks.map((ratio) => {
    const at = x(ratio).toFixed(1);
    return `<path d="M${at} ${TOP - 4}V${height - 20}" stroke="${ratio === 1 ? '#444' : '#ddd'}"/><text x="${at}" y="${height - 6}" text-anchor="middle">${ratio}</text>`;
  });
  const legend = series.map(({ name, colour }, n) => {
    const at = LABEL + n * 130;
    return `<rect x="${at}" y="28" width="12" height="12" fill="${colour}"/><text x="${at + 18}" y="38">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<title>${TITLE}</title>`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="${LABEL}" y="18" font-weight="bold">${TITLE}</text>`,
    ...legend, ...axis, ...bars, '</svg>', '',
  ].join('\n');
}

function bar(one: number, at: number, y: number, ratio: number, colour: string): string {
  const left = Math.min(one, at), width = Math.abs(at - one);
  const text = at >= one ? `x="${(at + 4).toFixed(1)}"` : `x="${(left - 4).toFixed(1)}" text-anchor="end"`;
  return `<rect x="${left.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>` +
    `<text ${text} y="${y + BAR - 4}" font-size="11">${ratio}</text>`;
}
