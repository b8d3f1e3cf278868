/** The comparison in Node, bundled and run as a process of its own: `node FILE INTERPRETER KERNEL ITERATIONS REPETITIONS`. */
import { readFile } from 'node:fs/promises';
import { createCoracleLoop } from './coracle-loop.ts';
import { measureLoops } from './loop.ts';
import { createSketchLoop } from './sketch-loop.ts';

const [interpreter, kernel, iterations, repetitions] = process.argv.slice(2);
const compile = async (path: string): Promise<WebAssembly.Module> => WebAssembly.compile(await readFile(path));
const modules = { interpreter: await compile(interpreter), kernel: await compile(kernel) };
const rates = measureLoops(createCoracleLoop(modules), createSketchLoop(), Number(iterations), Number(repetitions));
process.stdout.write(JSON.stringify(rates));
