/** The command line of `npm run bench`. */
import { GUEST_NAMES, type GuestName, MACHINE_NAMES, MACHINES_OF, type MachineName } from './machines/machine.ts';
import { PROGRAM_GROUPS } from './programs/list.ts';

export const GROUPS = ['interpreter', 'memory-use', 'first-answer', 'boot', ...PROGRAM_GROUPS] as const;
/** Those of them that need no browser. */
export const NODE_GROUPS: readonly string[] = ['boot', ...PROGRAM_GROUPS];
const PLACES = ['browser', 'node'] as const;

export interface BenchOptions {
  readonly groups: readonly string[];
  /** Repetitions that count; medians are taken over them. */
  readonly runs: number;
  /** Work of the guest programs, in percent. */
  readonly percent: number;
  /** Only programs whose name is one of these; empty: all. */
  readonly programs: readonly string[];
  readonly guest: GuestName;
  readonly machines: readonly MachineName[];
  /** Where Coracle and v86 run. */
  readonly place: (typeof PLACES)[number];
  /** Folder for V8's profiles of the machines in Node. */
  readonly profiles: string | undefined;
  readonly json: string | undefined;
  readonly svg: string | undefined;
  /** Writes the table into this document, between its markers. */
  readonly document: string | undefined;
}

export const USAGE = `npm run bench -- [options]
  --group NAME[,NAME]    ${GROUPS.join(', ')}; default: all
  --only NAME[,NAME]     only these guest programs
  --runs N               repetitions, of which the median counts; default: 5
  --scale PERCENT        work of the guest programs; default: 100
  --guest NAME           ${GUEST_NAMES.join(' or ')}: what kernel and programs are made for; default: i386
  --machines NAMES       ${MACHINE_NAMES.join(', ')} (Coracle with the i386 guest beside the amd64 one); default: all that run the guest and are installed
  --in PLACE             browser, or node to look closer: headless, without a browser; default: browser
  --cpu-prof FOLDER      with --in node: V8's profile of each machine's process
  --json FILE            writes the figures
  --svg FILE             draws the ratios
  --document FILE        puts the table into a document, e.g. docs/performance.md
Each program is also shown beside the last measurement of it in the same place and at the same scale.`;

export class UsageError extends Error {}

const DEFAULT_RUNS = 5, DEFAULT_PERCENT = 100;
const KNOWN = /^--(group|only|runs|scale|guest|machines|in|cpu-prof|json|svg|document)$/;

export function parseOptions(args: readonly string[]): BenchOptions {
  const values = new Map<string, string>();
  for (let n = 0; n < args.length; n += 2) {
    if (!KNOWN.test(args[n])) throw new UsageError(`unknown option ${args[n]}`);
    if (args[n + 1] === undefined) throw new UsageError(`${args[n]} needs a value`);
    values.set(args[n].slice(2), args[n + 1]);
  }
  const place = names(values.get('in'), PLACES, 'place')?.[0] ?? 'browser';
  const groups = names(values.get('group'), GROUPS, 'group');
  const inBrowserOnly = place === 'node' ? groups?.find((group) => !NODE_GROUPS.includes(group)) : undefined;
  if (inBrowserOnly !== undefined) throw new UsageError(`${inBrowserOnly} needs a browser; leave out --in node`);
  const guest = names(values.get('guest'), GUEST_NAMES, 'guest')?.[0] ?? 'i386';
  const machines = names(values.get('machines'), MACHINE_NAMES, 'machine') ?? MACHINES_OF[guest];
  const unfit = machines.find((machine) => !MACHINES_OF[guest].includes(machine));
  if (unfit !== undefined) throw new UsageError(`${unfit} does not run beside a guest for ${guest}; ${MACHINES_OF[guest].join(', ')} do`);
  if (values.has('cpu-prof') && place !== 'node') throw new UsageError('--cpu-prof needs --in node');
  return {
    groups: groups ?? (place === 'node' ? NODE_GROUPS : GROUPS),
    runs: count(values.get('runs'), DEFAULT_RUNS, 'runs'),
    percent: count(values.get('scale'), DEFAULT_PERCENT, 'scale'),
    programs: values.get('only')?.split(',') ?? [],
    guest,
    machines,
    place,
    profiles: values.get('cpu-prof'),
    json: values.get('json'),
    svg: values.get('svg'),
    document: values.get('document'),
  };
}

function names<T extends string>(list: string | undefined, known: readonly T[], what: string): T[] | undefined {
  return list?.split(',').map((name) => {
    const found = known.find((candidate) => candidate === name);
    if (found === undefined) throw new UsageError(`no ${what} ${name}; there are ${known.join(', ')}`);
    return found;
  });
}

function count(text: string | undefined, fallback: number, what: string): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${what} takes a whole number from 1 on, not ${text}`);
  return value;
}
