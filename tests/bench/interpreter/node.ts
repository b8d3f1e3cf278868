/** The comparison in Node, bundled and run as a process of its own: `node FILE BUILT ITERATIONS REPETITIONS`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builtModules } from '../../built-modules.ts';
import { createCoracleLoop } from './coracle-loop.ts';
import { measureLoops } from './loop.ts';
import { createSketchLoop } from './sketch-loop.ts';

const [built, iterations, repetitions] = process.argv.slice(2);
const modules = await builtModules((name) => readFile(join(built, name)));
const rates = measureLoops(createCoracleLoop(modules), createSketchLoop(), Number(iterations), Number(repetitions));
process.stdout.write(JSON.stringify(rates));
