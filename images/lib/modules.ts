/**
 * Kernel modules and what they need, read from the modules themselves: each carries `depends=` in its `.modinfo`
 * section, from which `modules.dep` is written as depmod would. [depmod(8), modules.dep(5)]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface KernelModule {
  /** Path below `lib/modules/VERSION`. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly depends: readonly string[];
  /** What it answers to: patterns of devices as in `/sys/.../modalias`, file systems, algorithms. */
  readonly aliases: readonly string[];
}

/** Module names use underscores where file names have either. */
function moduleName(path: string): string {
  return (path.split('/').at(-1) as string).replace(/\.ko$/, '').replace(/-/g, '_');
}

/** All values of one key of the `.modinfo` section, which is a row of NUL-terminated `key=value` strings. */
function modinfo(data: Buffer, key: string): string[] {
  const values: string[] = [];
  const mark = `\0${key}=`;
  for (let at = data.indexOf(mark); at >= 0; at = data.indexOf(mark, at + 1)) {
    values.push(data.subarray(at + mark.length, data.indexOf(0, at + 1)).toString('latin1'));
  }
  return values;
}

/** Names of what the kernel has in itself, as its package lists them. [Linux Documentation/kbuild/kbuild.rst, modules.builtin] */
function builtinModules(modulesFolder: string): Set<string> {
  return new Set(readFileSync(join(modulesFolder, 'modules.builtin'), 'utf8').trim().split('\n').map(moduleName));
}

function moduleFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return moduleFiles(path);
    return entry.name.endsWith('.ko') ? [path] : [];
  });
}

/** The wanted modules that are not part of the kernel, with all that they need, in an order in which they can be loaded. */
export function moduleClosure(modulesFolder: string, wanted: readonly string[]): KernelModule[] {
  const files = new Map(moduleFiles(modulesFolder).map((path) => [moduleName(path), path]));
  const builtin = builtinModules(modulesFolder);
  const loaded = new Map<string, KernelModule>();
  const add = (name: string, neededBy: string): void => {
    if (loaded.has(name)) return;
    const file = files.get(name);
    if (file === undefined) throw new Error(`the kernel package has no module ${name} (needed by ${neededBy})`);
    const data = readFileSync(file);
    const depends = modinfo(data, 'depends').flatMap((list) => (list === '' ? [] : list.split(',')));
    const needs = depends.map((dependency) => dependency.replace(/-/g, '_'));
    for (const dependency of needs) add(dependency, name);
    const aliases = modinfo(data, 'alias');
    loaded.set(name, { path: relative(modulesFolder, file), data, depends: needs, aliases });
  };
  for (const name of wanted.map(moduleName)) if (!builtin.has(name)) add(name, 'the recipe');
  return [...loaded.values()];
}

/** The text of `modules.dep`: every module with its closure, nearest first. */
export function modulesDep(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [moduleName(module.path), module]));
  const closure = (module: KernelModule, found: Set<string>): Set<string> => {
    for (const name of module.depends) {
      const dependency = byName.get(name) as KernelModule;
      if (found.has(dependency.path)) continue;
      found.add(dependency.path);
      closure(dependency, found);
    }
    return found;
  };
  return modules.map((module) => `${[`${module.path}:`, ...closure(module, new Set())].join(' ')}\n`).join('');
}

/** The text of `modules.alias`: which module answers to which name. */
export function modulesAlias(modules: readonly KernelModule[]): string {
  return modules
    .flatMap((module) => module.aliases.map((alias) => `alias ${alias} ${moduleName(module.path)}\n`))
    .join('');
}
