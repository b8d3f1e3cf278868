import { expect, it } from 'vitest';
import type { CpuModules } from './engine.ts';
import { cpuProfile } from './profiles.ts';
import { flatMachine } from './flat-machine-fixture.ts';
import { generatedModules } from './modules-fixture.ts';
import { RAX } from './registers.ts';

const ENTRY = 0x1000;
const HLT = 0xf4;

/** EAX after `code`, on an engine whose module of wide handlers is `wideHandlers`. */
function result(wideHandlers: CpuModules['wideHandlers'], ...code: number[]): number {
  const { cpu } = flatMachine({ profile: cpuProfile('max') }, ENTRY, [...code, HLT], undefined, { ...generatedModules(), wideHandlers });
  cpu.run(1000);
  return cpu.state.reg(RAX);
}

it('compiles the handlers of 64-bit code and VEX instructions when a guest first has some', () => {
  const unreadable = new Uint8Array(8);
  const MOV_EAX_5 = [0xb8, 5, 0, 0, 0], MOV_EDX_6 = [0xba, 6, 0, 0, 0];
  const ANDN_EAX_EDX_EAX = [0xc4, 0xe2, 0x68, 0xf2, 0xc0];
  expect(result(unreadable, ...MOV_EAX_5)).toBe(5);
  const { wideHandlers } = generatedModules();
  expect(result(wideHandlers, ...MOV_EAX_5, ...MOV_EDX_6, ...ANDN_EAX_EDX_EAX)).toBe(~6 & 5);
  expect(() => result(unreadable, ...MOV_EAX_5, ...MOV_EDX_6, ...ANDN_EAX_EDX_EAX)).toThrow();
});
