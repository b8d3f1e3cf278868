/** Functions that do nothing and give 0 for all that a module imports, beside what it is given as `env`: for an instance of it that is only there to be tried. */
export function stubImports(module: WebAssembly.Module, env: WebAssembly.ModuleImports): WebAssembly.Imports {
  const imports: Record<string, WebAssembly.ModuleImports> = { env };
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === 'function') (imports[from] ??= {})[name] = () => 0;
  }
  return imports;
}
