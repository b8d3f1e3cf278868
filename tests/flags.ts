/** Flags of the programs that test at length: a wrong one ends them with what there is. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

export function parseFlags<O extends NonNullable<ParseArgsConfig['options']>>(options: O): ReturnType<typeof parseArgs<{ options: O }>>['values'] {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(`${(error as Error).message}\nthere are: ${Object.keys(options).map((name) => `--${name}`).join(' ')}`);
  }
}

/** One of a flag's values, if it is given. */
export function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value)) refuse(`--${name} ${value}: give one of ${choices.join(', ')}`);
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}
