/** Makes what the processor runs on, into build/. Everything else loads it from there. */
import { mkdir, writeFile } from 'node:fs/promises';
import { HANDLERS } from '../src/interp/handlers.ts';
import { FIRST_HANDLER } from '../src/interp/variant.ts';
import { processorFiles } from './processor-files.ts';

const DIRECTORY = new URL('../build/', import.meta.url);

await mkdir(DIRECTORY, { recursive: true });
const sizes: string[] = [];
for (const [name, content] of await processorFiles()) {
  await writeFile(new URL(name, DIRECTORY), content);
  sizes.push(`${name} ${Math.round(content.length / 1024)} KiB`);
}
console.log(`wasm: ${HANDLERS.end - FIRST_HANDLER} handlers; ${sizes.join(', ')}`);
