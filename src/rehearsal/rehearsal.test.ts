import { expect, it } from 'vitest';
import { generatedModules } from '../cpu/modules-fixture.ts';
import type { Machine } from '../machine/machine.ts';
import { portableHost } from '../portable-host.ts';
import { randomProgram } from './program.ts';
import { Rehearsal, rehearsalMachine } from './rehearsal.ts';

it('programs are as long as they may be, and different', () => {
  const programs = Array.from({ length: 20 }, (_, n) => randomProgram(n + 1, 0x8000));
  for (const { length } of programs) {
    expect(length).toBeGreaterThan(0x6000);
    expect(length).toBeLessThanOrEqual(0x8000);
  }
  expect(programs[0]).not.toEqual(programs[1]);
});

it('the guest runs one program after the other, and some of their code becomes hot', async () => {
  let machine: Machine | undefined;
  const printed = await new Promise<string>((resolve, reject) => {
    const host = portableHost();
    machine = rehearsalMachine(generatedModules(), host, 'none', { compileThreshold: 200, nowMs: () => host.nowMs() });
    let text = '';
    machine.on('serial-output', ({ data }) => {
      text += String.fromCharCode(...data);
      // Each program has run, and the first ones again.
      if (text.length >= 10) resolve(text);
    });
    machine.on('exit', ({ reason }) => reject(new Error(reason)));
    machine.on('error', reject);
    machine.run();
  });
  machine?.pause();
  expect(printed).toMatch(/^\.+$/);
  expect(machine?.statistics().compiler?.regions).toBeGreaterThan(0);
  await machine?.dispose();
});

it('compiles all modules, and gives its compiler thread away or ends it', async () => {
  // Answers nothing.
  const modules = { ...generatedModules(), compilerScript: 'self.onmessage = () => {};' };
  const rehearsal = new Rehearsal(modules);
  expect((await rehearsal.modules)?.wideHandlers).toBeInstanceOf(WebAssembly.Module);
  rehearsal.stop();
  const thread = await rehearsal.takeThread();
  await rehearsal.dispose();
  expect(thread).toBeDefined();
  expect(rehearsal.modules).toBeUndefined();
  thread?.terminate();
});

it('fails in silence where the modules cannot be had', async () => {
  const rehearsal = new Rehearsal(Promise.reject(new Error('no modules')));
  await expect(rehearsal.modules).rejects.toThrow('no modules');
  await expect(rehearsal.takeThread()).rejects.toThrow('no modules');
  await rehearsal.dispose();
});
