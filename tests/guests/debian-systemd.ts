/**
 * A minimal Debian with systemd on a virtio disk (images/debian-systemd), booted to a login, and Debian's programs in it: what
 * they print is compared with what Node's own arithmetic, hashes and ciphers make of it, or with published test vectors.
 * With CORACLE_LONG=1 (`npm run test:guests -- --long`) all programs run, and the boots of the interpreter alone.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type SystemArchitecture, systemDisk } from '../../images/debian-systemd/recipe.ts';
import { SYSTEMS } from '../../images/lib/paths.ts';
import { boot, guestFile } from './boot.ts';

const LONG = process.env.CORACLE_LONG === '1';
const SHORT_MS = 900_000, LONG_MS = 3_600_000;
/** The guest's end, before the test's. */
const LESS_MS = 60_000;
/** Of what a check wrote, where it failed. */
const LAST_WORDS = 20_000;
const LOGIN = 'coracle login: root (automatic login)';
const PROMPT = 'root@coracle:~# ';

const hash = (algorithm: string, data: Uint8Array | string) => createHash(algorithm).update(data);
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A git object's name. */
const gitObject = (kind: string, data: Buffer): Buffer => hash('sha1', Buffer.concat([Buffer.from(`${kind} ${data.length}\0`), data])).digest();

/** A name with a file's content or a folder's entries. */
type TreeEntry = readonly [name: string, content: string | Buffer | readonly TreeEntry[]];

/** The name of a git tree of plain files. */
function gitTree(entries: readonly TreeEntry[]): Buffer {
  // Folders are sorted as if a slash followed their names.
  const rows = entries.map(([name, content]) => {
    const file = typeof content === 'string' || Buffer.isBuffer(content);
    const object = file ? gitObject('blob', Buffer.from(content)) : gitTree(content);
    return { key: file ? name : `${name}/`, row: Buffer.concat([Buffer.from(`${file ? '100644' : '40000'} ${name}\0`), object]) };
  });
  return gitObject('tree', Buffer.concat(rows.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ row }) => row)));
}

const readTree = (folder: string): TreeEntry[] =>
  readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== '.git').map((entry) =>
    [entry.name, entry.isDirectory() ? readTree(join(folder, entry.name)) : readFileSync(join(folder, entry.name))]);

/** What `checks NAME` (images/debian-systemd/root) has to print, whatever else it prints. */
const EXPECTED: Record<string, () => (string | RegExp)[]> = {
  apt: () => ['Setting up libonig5', 'Setting up jq', '{"product":42,"root":0.7071067811865476}', 'Removing jq'],
  python: () => ['All 4 tests OK.', 'Tests result: SUCCESS'],
  perl: () => {
    const factorial = numbers(1, 200).reduce((product, n) => product * BigInt(n), 1n);
    const sums = new Float64Array(1009);
    for (const n of numbers(1, 200_000)) sums[n % 1009] += Math.sqrt(n);
    return [`200! ${hash('sha256', String(factorial)).digest('hex')}`, `roots ${sums.reduce((a, b) => a + b, 0).toFixed(6)}`, 'runs 12000'];
  },
  gcc: () => {
    const values = new Uint32Array(100_000);
    let state = 1;
    for (const i of values.keys()) values[i] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let fnv = 14695981039346656037n;
    for (const value of values.sort()) fnv = BigInt.asUintN(64, (fnv ^ BigInt(value)) * 1099511628211n);
    const sum = numbers(1, 100_000).reduce((total, n) => total + Math.sin(n) / n, 0);
    // Without and with two grades of optimization.
    const line = `hash ${fnv.toString(16).padStart(16, '0')} sum ${sum.toFixed(12)}`;
    return [new RegExp(`(${line}\\s+){3}`)];
  },
  openssl: () => [
    ...['md5', 'sha1', 'sha256', 'sha512', 'sha3-256', 'blake2b512'].map((name) => `${name} ${hash(name, 'abc').digest('hex')} `),
    // FIPS 197, appendices C.1 and C.3; RFC 8032, section 7.1, test 2.
    'aes-128 69c4e0d86a7b0430d8cdb78070b4c55a',
    'aes-256 8ea2b7ca516745bfeafc49904b496089',
    'ed25519 92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    'Verified OK',
    ...[/^sha256 +[1-9][\d.]+k/m, /^AES-128-GCM +[1-9][\d.]+k/m, /^ *256 bits ecdsa \(nistp256\)( +[\d.]+s){2}( +\d[\d.]+){2}/m],
  ],
  sqlite3: () => {
    const all = numbers(1, 20_000), left = all.filter((n) => n % 3 !== 0);
    const byText = all.toSorted((a, b) => ((a * 2654435761) % 2 ** 32) - ((b * 2654435761) % 2 ** 32));
    const mean = left.reduce((sum, n) => sum + n, 0) / left.length;
    return [`squares|${all.reduce((sum, n) => sum + n * n, 0)}|third|${byText[2]}`, `left|${left.length}|mean|${mean.toFixed(4)}`, /^ok\r?$/m];
  },
  git: () => {
    let tree: Buffer = Buffer.alloc(0), commit: Buffer = Buffer.alloc(0);
    for (const number of numbers(1, 8)) {
      const files = numbers(1, 12).map((file): TreeEntry => [`file-${file}`, numbers(number * file, number * file + 400).join('\n') + '\n']);
      tree = gitTree(files);
      const who = `checks <checks@coracle> ${1700000000 + number} +0000`;
      const parent = commit.length > 0 ? `parent ${commit.toString('hex')}\n` : '';
      commit = gitObject('commit', Buffer.from(`tree ${tree.toString('hex')}\n${parent}author ${who}\ncommitter ${who}\n\nchange ${number}\n`));
    }
    return [`commits 8 tree ${tree.toString('hex')} head ${commit.toString('hex')}`, '12 files changed, 546 insertions(+), 546 deletions(-)'];
  },
  ssh_keygen: () => {
    const key = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64');
    const good = ['ED25519', 'ECDSA', 'RSA'].map((type) => `Good "file" signature for checks with ${type} key`);
    return [`256 SHA256:${hash('sha256', key).digest('base64').replace(/=+$/, '')} known (ED25519)`, ...good];
  },
  stress: () => ['successful run completed', 'zlib checksum values matches'],
};

/** What the exercisers of a shared folder have to print, and to leave on the host. */
function expectShared(folder: string, text: string): void {
  const exercised = hash('sha256', readFileSync(join(folder, 'exercised'))).digest('hex');
  const headers = gitTree(readTree(join(folder, 'three'))).toString('hex');
  const lines = [
    `exercised ${exercised}`, 'attributes are kept', 'folders hold many files', 'large files are large', 'locks exclude', 'trees are the same', `headers ${headers}`,
    'compiled here', '2001000',
  ];
  for (const line of lines) expect(text).toContain(line);
  const file = statSync(join(folder, 'attributes/file'));
  expect([file.mode, file.uid, file.gid, file.mtimeMs]).toEqual([0o100640, 12, 34, 1_234_567_890_000]);
  expect(readlinkSync(join(folder, 'attributes/moved/link'))).toBe('../file');
}

interface Run {
  readonly limitMs: number;
  readonly checks: readonly string[];
  readonly words?: readonly string[];
  /** Lends a folder, and looks at it afterwards and at what the first check printed. */
  readonly share?: (folder: string, text: string) => void;
}

/** Debian's kernels for clouds have no 9p. */
function kernelWithShares(architecture: SystemArchitecture): string[] {
  if (architecture === 'i386') return kernelOf('debian-i386');
  return ['-kernel', join(SYSTEMS, 'debian-amd64-full-vmlinuz'), '-initrd', join(SYSTEMS, 'debian-amd64-full-initrd.img')];
}
const kernelOf = (guest: string): string[] => ['-kernel', guestFile(guest, 'kernel'), '-initrd', guestFile(guest, 'initrd')];

/** Boots to a login, runs the checks, and powers off. */
async function run(architecture: SystemArchitecture, { limitMs, checks, words = [], share }: Run): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-share-'));
  const shared = share === undefined ? [] : ['-virtfs', `local,path=${folder},mount_tag=share,security_model=none`];
  try {
    const { status, output } = await boot(
      '-m', '1024', ...(share === undefined ? kernelOf(`debian-${architecture}`) : kernelWithShares(architecture)), '-append', 'root=LABEL=coracle console=ttyS0,115200',
      '-drive', `file=${systemDisk(architecture)},if=virtio,snapshot=on`, ...shared, '-pace', 'none', '--timeout', String((limitMs - LESS_MS) / 1000),
      '--send', `${PROMPT}=>checks ${checks.join(' ')}; systemctl is-system-running; poweroff`, ...words,
    );
    expect(output).toContain(LOGIN);
    const texts = output.slice(output.indexOf(LOGIN)).split(/^checks: /m);
    for (const [i, name] of checks.entries()) {
      expect(texts[i + 1], texts[i]?.slice(-LAST_WORDS)).toMatch(new RegExp(`^${name} passed`));
      for (const text of EXPECTED[name]?.() ?? []) expect(texts[i]).toMatch(text);
    }
    share?.(folder, texts[0]);
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function describeSystem(architecture: SystemArchitecture): void {
  // Only root can make the disk (scripts/systems.ts).
  describe.skipIf(!existsSync(systemDisk(architecture)))(`Debian ${architecture} with systemd`, () => {
    it('comes up to a login, where Debian’s programs find what they should', () => run(architecture, { limitMs: SHORT_MS, checks: ['openssl', 'gcc', 'sqlite3', 'git'] }), SHORT_MS);
    it('mounts a folder, where what exercises file systems finds no fault', () => run(architecture, { limitMs: SHORT_MS, checks: ['share'], share: expectShared }), SHORT_MS);
    it.runIf(LONG)(
      'installs packages, and runs the longer programs and stressors',
      () => run(architecture, { limitMs: LONG_MS, checks: ['apt', 'python', 'perl', 'ssh_keygen', 'stress'] }), LONG_MS,
    );
    it.runIf(LONG)('mounts a folder, where longer exercisers find no fault', () => run(architecture, { limitMs: LONG_MS, checks: ['share_long'], share: () => {} }), LONG_MS);
    it.runIf(LONG)(
      'comes up by the interpreter alone', () => run(architecture, { limitMs: LONG_MS, checks: ['apt', 'openssl', 'gcc'], words: ['--tier', 'interp'] }), LONG_MS,
    );
  });
}
