/** Coracle or v86 in a Node process: for profiles, and to look at one program without a browser around it. */
import { join } from 'node:path';
import { type GuestFiles, BUILT } from '../artifacts.ts';
import { LOADED, START } from '../node/protocol.ts';
import type { MachineName } from './machine.ts';
import { ProcessMachine } from './process-machine.ts';

export function nodeMachine(name: Exclude<MachineName, 'tcg'>, files: GuestFiles, memoryMiB: number, profiles: string | undefined): ProcessMachine {
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`];
  const { bios, vgaBios } = files;
  const images = [files.kernel, files.initrd, files.guest.append ?? '', String(memoryMiB), BUILT, bios, vgaBios];
  const args = [...profiling, join(BUILT, `${name === 'v86' ? name : 'coracle'}-node.mjs`), ...images];
  return new ProcessMachine(name, { program: process.execPath, args, loaded: { marker: LOADED, start: START } }, files.guest);
}
