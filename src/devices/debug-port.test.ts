import { expect, it } from 'vitest';
import { DebugPort } from './debug-port.ts';
import { IsaDebugExit } from './isa-debug-exit.ts';
import { TestBus } from './test-rig.ts';

it('the debug console takes bytes and shows that it is there', () => {
  const bus = new TestBus();
  let text = '';
  new DebugPort({ id: 'debugcon', base: 0x402, output: (byte) => (text += String.fromCharCode(byte)) }).attach(bus);
  for (const c of 'ok') bus.out8(0x402, c.charCodeAt(0));
  expect(bus.in8(0x402)).toBe(0xe9);
  expect(text).toBe('ok');
});

it('isa-debug-exit gives QEMU its exit status', () => {
  const bus = new TestBus();
  const statuses: number[] = [];
  new IsaDebugExit({ base: 0xf4, size: 4, onExit: (status) => statuses.push(status) }).attach(bus);
  bus.out8(0xf4, 0x10);
  bus.out32(0xf4, 0);
  expect(statuses).toEqual([33, 1]);
  expect(bus.in8(0xf4)).toBe(0);
});
