/** `coracle`: a PC on the command line, with QEMU's flags. */
import { EmulatorError } from '../errors.ts';
import { machineOptions, sessionOptions } from './boot-options.ts';
import { firmwareFolders } from './firmware.ts';
import { createMachine } from './index.ts';
import { helpText, parseFlags } from './flags.ts';
import { runSession, STATUS_BAD_INPUT, STATUS_FAILED, STATUS_OK, type SessionStreams } from './session.ts';

/** @param words the command line without the program; gives the exit status. */
export async function main(words: readonly string[], streams: SessionStreams): Promise<number> {
  const [command, ...rest] = words;
  if (command === undefined || /^(--?help|-h|help)$/.test(command)) {
    streams.output.write(helpText());
    return command === undefined ? STATUS_BAD_INPUT : STATUS_OK;
  }
  try {
    if (command !== 'boot') throw new EmulatorError('bad-option', `${command}: the command is boot (coracle boot --help)`);
    return await boot(rest, streams);
  } catch (error) {
    if (error instanceof EmulatorError) {
      streams.errors.write(`coracle: ${error.message}\n`);
      return STATUS_BAD_INPUT;
    }
    streams.errors.write(`coracle: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return STATUS_FAILED;
  }
}

async function boot(words: readonly string[], streams: SessionStreams): Promise<number> {
  const flags = parseFlags(words);
  if (flags.has('help')) {
    streams.output.write(helpText());
    return STATUS_OK;
  }
  const session = sessionOptions(flags);
  const around = { firmwareFolders: firmwareFolders(), say: (text: string) => streams.errors.write(`coracle: ${text}\n`) };
  const machine = await createMachine(await machineOptions(flags, session.serialPorts, around));
  try {
    return await runSession(machine, session, streams);
  } finally {
    if (flags.has('stats')) streams.errors.write(`${JSON.stringify(machine.statistics(), undefined, 2)}\n`);
    await machine.dispose();
  }
}
