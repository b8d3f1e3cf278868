/** The processor's modules, made afresh from the sources, the kernel too. */
import type { CpuModules } from '../../../src/cpu/cpu.ts';
import { buildX87Kernel } from '../../../src/cpu/x87/build-kernel.ts';
import { generatedModules } from '../../../src/cpu/modules-fixture.ts';

export async function makeModules(): Promise<CpuModules> {
  return { ...generatedModules(), kernel: new WebAssembly.Module((await buildX87Kernel()) as BufferSource) };
}
