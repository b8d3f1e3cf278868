/** The programs by group: what is typed at the guest's shell, and how long it may take. */

export const PROGRAM_GROUPS = ['integer', 'sse2', 'x87', 'memory', 'system', 'tools', 'cold'] as const;
export type ProgramGroup = (typeof PROGRAM_GROUPS)[number];

export interface GuestProgram {
  readonly group: ProgramGroup;
  readonly name: string;
  /** A command of the guest's shell; its output is the same on every machine. */
  readonly command: string;
}

/** Text for the tools, and how much of it there is at full scale. */
const TEXT_FILE = '/tmp/text';
const TEXT_KIB = 4096;
const SUMMED_FILE = '/tmp/summed';
const SUMMED_COPIES = 4;

const NATIVE: Record<Exclude<ProgramGroup, 'tools'>, readonly string[]> = {
  integer: ['sieve', 'quicksort', 'sha256', 'crc32', 'matrix', 'search', 'bytecode', 'math64', 'records'],
  sse2: ['matmul', 'nbody', 'fft'],
  x87: ['matmul', 'nbody', 'fft'],
  memory: ['chase-l1', 'chase-l2', 'chase-ram', 'copy-words', 'copy-string'],
  system: ['getpid', 'pipe', 'fork-exec', 'page-faults', 'switches'],
  cold: ['self-modifying', 'fresh-code'],
};

const TOOLS: readonly (readonly [name: string, command: string])[] = [
  ['gzip', `gzip -c ${TEXT_FILE} | wc -c`],
  ['sha256sum', `sha256sum ${SUMMED_FILE}`],
  ['sort', `sort ${TEXT_FILE} | tail -n 1`],
  ['awk', `awk '{ n[$1] += NF } END { print n["ba"], NR }' ${TEXT_FILE}`],
];

/** Makes the tools' files; not measured. */
export function preparation(percent: number): string {
  const kib = Math.max(1, Math.round((TEXT_KIB * percent) / 100));
  const copies = Array(SUMMED_COPIES).fill(TEXT_FILE).join(' ');
  return `bench-system text ${kib} | grep -v ^text > ${TEXT_FILE}; cat ${copies} > ${SUMMED_FILE}`;
}

/** The programs of the groups, with their work scaled. */
export function guestPrograms(groups: readonly string[], percent: number): GuestProgram[] {
  const programs: GuestProgram[] = [];
  for (const group of PROGRAM_GROUPS) {
    if (!groups.includes(group)) continue;
    if (group === 'tools') {
      for (const [name, command] of TOOLS) programs.push({ group, name, command });
    } else {
      for (const name of NATIVE[group]) programs.push({ group, name, command: `bench-${group} ${name} ${percent}` });
    }
  }
  return programs;
}
