/**
 * Debian packages without touching the host's package state: a private apt root below `.cache/apt` with its own
 * package lists, so that packages of both architectures can be fetched on any Debian, as any user, and nothing gets installed. The
 * host's `/etc/apt` says where packages come from, and apt itself verifies signatures and checksums.
 * [apt.conf(5), apt-get(8), dpkg-deb(1)]
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './paths.ts';
import { formatBytes, progress, step, warn } from './report.ts';

/** A package source that cannot be used on this machine; the message says why and what to do. */
export class AptError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AptError';
  }
}

const APT_MISSING =
  'apt-get and dpkg-deb are needed to fetch Debian packages, and this machine has none of them. ' +
  'Run on Debian 12 (a container will do), or use the embedded teaching guest, which needs nothing.';

/** How long fetched package lists count as fresh. */
const LISTS_MAX_AGE_MS = 24 * 60 * 60 * 1000;

interface PackageRecord {
  name: string;
  architecture: string;
  version: string;
  sizeBytes: number;
  depends: string;
}

export class Apt {
  readonly #root = join(CACHE, 'apt');
  readonly #config = join(this.#root, 'apt.conf');
  #updated = false;
  #hostArchitecture = '';

  /** Throws AptError when this machine has no apt. */
  open(): void {
    const probe = spawnSync('dpkg-deb', ['--version']);
    const dpkg = spawnSync('dpkg', ['--print-architecture'], { encoding: 'utf8' });
    if (probe.error || dpkg.error || spawnSync('apt-get', ['--version']).error) throw new AptError(APT_MISSING);
    this.#hostArchitecture = dpkg.stdout.trim();
    for (const folder of ['state/lists/partial', 'cache/archives/partial', 'debs', 'unpacked']) {
      mkdirSync(join(this.#root, folder), { recursive: true });
    }
    writeFileSync(join(this.#root, 'state/status'), '');
    writeFileSync(this.#config, this.#configText());
  }

  get hostArchitecture(): string {
    return this.#hostArchitecture;
  }

  /** Fetches package lists unless fresh ones are here. A list that fails is left out: the others may do. */
  async update(force = false): Promise<void> {
    if (this.#updated || (!force && this.#listsAreFresh())) return;
    const bar = progress('package lists');
    const result = await this.#run(['update'], bar.update);
    if (result.status !== 0) {
      const reason = lastErrors(result.output);
      if (!this.#listsAreFresh()) throw new AptError(`apt-get update failed, and there are no package lists: ${reason}`);
      warn(`some package lists could not be fetched; going on with the others (${reason})`);
    }
    bar.done();
    this.#updated = true;
  }

  /** The newest version of a package, as `name` or `name:architecture`. */
  show(name: string): PackageRecord {
    const result = spawnSync('apt-cache', ['-c', this.#config, '--no-all-versions', 'show', name], {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    });
    const text = result.stdout.split('\n\n')[0];
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(text)?.[1] ?? '';
    if (result.status !== 0 || field('Package') === '') {
      throw new AptError(`the package ${name} is not in this machine's package sources (Debian 12 has it)`);
    }
    return {
      name: field('Package'),
      architecture: field('Architecture'),
      version: field('Version'),
      sizeBytes: Number(field('Size')),
      depends: field('Depends'),
    };
  }

  /** Downloads a package and unpacks its files into a folder of its own, whose path is returned. Both are cached. */
  async unpack(name: string): Promise<string> {
    const record = this.show(name);
    const stem = stemOf(record);
    const folder = join(this.#root, 'unpacked', stem);
    if (existsSync(folder)) return folder;
    const file = await this.download(name);
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial);
    const unpacked = spawnSync('dpkg-deb', ['-x', file, partial], { encoding: 'utf8' });
    if (unpacked.status !== 0) throw new AptError(`${stem}.deb cannot be unpacked: ${unpacked.stderr.trim()}`);
    renameSync(partial, folder);
    return folder;
  }

  /** Fetches a package, unless the cache has it; gives the path of its file. */
  async download(name: string): Promise<string> {
    const record = this.show(name);
    const file = join(this.#root, 'debs', `${stemOf(record)}.deb`);
    if (existsSync(file) && statSync(file).size === record.sizeBytes) return file;
    const bar = progress(`${record.name} ${record.version} (${formatBytes(record.sizeBytes)})`);
    const result = await this.#run(['download', name], bar.update, join(this.#root, 'debs'));
    if (result.status !== 0 || !existsSync(file)) {
      throw new AptError(`${name} could not be downloaded: ${lastErrors(result.output)}`);
    }
    if (statSync(file).size !== record.sizeBytes) throw new AptError(`${name}: wrong size after the download`);
    bar.done();
    return file;
  }

  /** Debian's sources among the host's, as lines of a sources.list. [apt-get(8) indextargets] */
  debianSources(): string {
    const format = ['indextargets', '--format', 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages', 'Origin: Debian'];
    const { stdout } = spawnSync('apt-get', ['-c', this.#config, ...format], { encoding: 'utf8' });
    return `${[...new Set(stdout.trim().split('\n'))].join('\n')}\n`;
  }

  /** The host's, for tools, and those of the guests. */
  get #architectures(): string[] {
    return [...new Set([this.#hostArchitecture, 'i386', 'amd64'])];
  }

  #listsAreFresh(): boolean {
    const lists = join(this.#root, 'state/lists');
    const names = readdirSync(lists).filter((name) => name.includes('_Packages'));
    return this.#architectures.every((architecture) => names.some((name) => name.includes(`binary-${architecture}_`))) && Date.now() - statSync(lists).mtimeMs < LISTS_MAX_AGE_MS;
  }

  #configText(): string {
    return [
      `Dir::State "${this.#root}/state";`,
      `Dir::State::status "${this.#root}/state/status";`,
      `Dir::Cache "${this.#root}/cache";`,
      'Dir::Cache::pkgcache "pkgcache.bin";',
      'Dir::Cache::srcpkgcache "srcpkgcache.bin";',
      `APT::Architecture "${this.#hostArchitecture}";`,
      '#clear APT::Architectures;',
      `APT::Architectures { ${this.#architectures.map((name) => `"${name}";`).join(' ')} };`,
      'APT::Sandbox::User "root";',
      'Acquire::Languages "none";',
      'Acquire::Retries "3";',
      '#clear APT::Update::Pre-Invoke;',
      '#clear APT::Update::Post-Invoke;',
      '#clear APT::Update::Post-Invoke-Success;',
      '#clear Acquire::IndexTargets::deb::DEP-11;',
      '',
    ].join('\n');
  }

  /** Runs apt-get with the private root; percentages come from apt's status file descriptor. */
  #run(args: string[], onPercent: (percent: number) => void, cwd = this.#root): Promise<{ status: number; output: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn('apt-get', ['-q', '-c', this.#config, '-o', 'APT::Status-Fd=3', ...args], {
        cwd,
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        env: { ...process.env, LC_ALL: 'C' },
      });
      let output = '';
      const collect = (chunk: Buffer): void => {
        output += chunk.toString();
      };
      child.stdout?.on('data', collect);
      child.stderr?.on('data', collect);
      child.stdio[3]?.on('data', (chunk: Buffer) => {
        for (const line of chunk.toString().split('\n')) {
          const match = /^dlstatus:\d+:([\d.]+):/.exec(line);
          if (match) onPercent(Number(match[1]));
        }
      });
      child.on('error', (cause) => reject(new AptError(APT_MISSING, { cause })));
      child.on('close', (status) => resolve({ status: status ?? 1, output }));
    });
  }
}

/** A package's file name without its ending. */
function stemOf(record: PackageRecord): string {
  return `${record.name}_${record.version.replace(/:/g, '%3a')}_${record.architecture}`;
}

/** The lines in which apt says what went wrong, without the addresses it asked. */
function lastErrors(output: string): string {
  const lines = output.split('\n').filter((line) => /^[EW]: /.test(line));
  const text = (lines.length > 0 ? lines : output.trim().split('\n').slice(-2)).slice(-2).join(' ');
  return text.replace(/https?:\/\/\S+/g, '(address)').replace(/\[IP: [^\]]*\]/g, '').replace(/\s+/g, ' ').trim();
}

/** Says what is about to be used, once, so that a reader knows why packages are fetched. */
export function announce(apt: Apt): void {
  step(`Debian packages through apt, into .cache/apt (nothing is installed; host architecture ${apt.hostArchitecture})`);
}
