import { beforeEach, describe, expect, test } from 'vitest';
import { ticks } from '../memory/address.ts';
import { MachineClock } from './clock.ts';
import { Door } from './door.ts';
import { type Pace, RunLoop } from './run-loop.ts';
import { FakeCpu, FakeHost } from './test-rig.ts';

const SECOND = 1e9;
let host: FakeHost;
let cpu: FakeCpu;
let clock: MachineClock;
let door: Door;
let loop: RunLoop;
let errors: unknown[];
let shutdowns: number;
let boundary: () => boolean;
let rates: number[];

function build(pace: Pace, rate = 10): void {
  host = new FakeHost();
  cpu = new FakeCpu(host);
  clock = new MachineClock(cpu, rate);
  door = new Door(clock);
  errors = [];
  rates = [];
  shutdowns = 0;
  boundary = () => true;
  const hooks = {
    atBoundary: () => boundary(),
    onShutdown: () => shutdowns++,
    onHalt: () => {},
    onPause: () => {},
    onRate: (r: number) => rates.push(r),
    onError: (e: unknown) => errors.push(e),
  };
  loop = new RunLoop({ cpu, clock, door, host, pace, hooks });
}

describe('a busy guest', () => {
  beforeEach(() => build('wall'));

  test('gives the host its turn every few milliseconds', () => {
    loop.start();
    const bursts = host.runUntil(1000);
    expect(bursts).toBeGreaterThan(60);
    expect(bursts).toBeLessThan(140);
  });

  test('gives it its turn more often while the processor waits for a message', () => {
    cpu.awaitsMessage = true;
    loop.start();
    const bursts = host.runUntil(1000);
    expect(bursts).toBeGreaterThan(250);
    expect(bursts).toBeLessThan(600);
  });

  test('gives it its turn in the middle of a slice when devices take long', () => {
    cpu.script = () => {
      // A guest that does nothing but what costs the host a millisecond each time.
      for (let n = 0; n < 1000 && !cpu.attention; n++) {
        host.ms++;
        loop.deviceAccess();
      }
      return undefined;
    };
    loop.start();
    expect(host.runUntil(2000)).toBeGreaterThan(40);
  });

  test.each([0.5, 10, 80])('keeps up with the wall when an instruction costs the host %d ns', (hostNs) => {
    cpu.hostNs = hostNs;
    loop.start();
    host.runUntil(2000);
    expect(Math.abs(clock.now - 2 * SECOND)).toBeLessThan(0.02 * SECOND);
    expect(rates.length).toBeLessThan(50);
  });

  test('does not get ahead of the wall when it becomes a hundred times as fast', () => {
    cpu.hostNs = 20;
    let lead = 0;
    boundary = () => {
      lead = Math.max(lead, clock.now / 1e6 - host.ms);
      return true;
    };
    loop.start();
    host.runUntil(500);
    expect(lead).toBeLessThan(5);
    cpu.hostNs = 0.2;
    host.runUntil(550);
    expect(lead).toBeLessThan(15);
    expect(Math.abs(clock.now / 1e6 - host.ms)).toBeLessThan(2);
  });

  test('does not make up for time in which the host was asleep', () => {
    loop.start();
    host.runUntil(100);
    host.ms += 60_000;
    host.runUntil(host.ms + 1000);
    expect(clock.now).toBeLessThan(2 * SECOND);
  });

  test('stops and goes on', () => {
    loop.start();
    host.runUntil(100);
    loop.stop();
    const before = cpu.instructions;
    host.runUntil(500);
    expect(cpu.instructions).toBe(before);
    expect(host.waiting).toBe(0);
    loop.start();
    host.runUntil(600);
    expect(cpu.instructions).toBeGreaterThan(before);
    expect(clock.now).toBeLessThan(0.3 * SECOND);
  });
});

describe('a guest that halts', () => {
  test('sleeps until its deadline, on the wall', () => {
    build('wall');
    cpu.script = () => 'halted';
    let fired: number | undefined;
    clock.timer('t', () => (fired = host.ms)).armAt(ticks(10 * SECOND));
    loop.start();
    host.runUntil(9990);
    expect(fired).toBeUndefined();
    expect(cpu.runs).toBeLessThan(5);
    expect(loop.isIdle).toBe(true);
    host.runUntil(10_010);
    expect(fired).toBeGreaterThanOrEqual(10_000);
    expect(fired).toBeLessThan(10_010);
    expect(loop.idleMs).toBeGreaterThan(9900);
  });

  test('wakes the host once for each tick', () => {
    build('wall');
    cpu.script = () => 'halted';
    let ticked = 0;
    const timer = clock.timer('t', (now) => {
      ticked++;
      timer.armAt(ticks(now + 3_700_000));
    });
    timer.armAt(ticks(3_700_000));
    loop.start();
    const callbacks = host.runUntil(1000);
    expect(ticked).toBeGreaterThan(245);
    expect(callbacks).toBeLessThan(ticked + 5);
  });

  test('uses no host time without a deadline, and wakes for input at the time of the wall', () => {
    build('wall');
    cpu.script = () => 'halted';
    loop.start();
    host.runUntil(100);
    expect(host.waiting).toBe(0);
    host.ms = 5000;
    let at = 0;
    door.post('key', () => (at = clock.now));
    host.runUntil(5001);
    expect(at).toBeGreaterThan(4.9 * SECOND);
    expect(host.waiting).toBe(0);
  });

  test('skips to its deadlines without a pace, but not past work it waits for', async () => {
    build('none');
    cpu.script = () => 'halted';
    let fired = 0;
    const timer = clock.timer('t', (now) => {
      fired++;
      timer.armAt(ticks(now + SECOND));
      if (fired === 100) {
        const work = new Promise<void>((resolve) => setTimeout(resolve, 5));
        door.enter(work, () => loop.stop(), () => {});
      }
    });
    timer.armAt(ticks(SECOND));
    loop.start();
    host.runUntil(1);
    expect(fired).toBe(100);
    await new Promise((resolve) => setTimeout(resolve, 10));
    host.runUntil(2);
    expect(fired).toBe(100);
    expect(loop.isRunning).toBe(false);
  });
});

test('a deadline that comes closer ends the slice', () => {
  build('wall');
  const timer = clock.timer('t', () => {});
  cpu.script = () => {
    timer.armAt(ticks(clock.now + 10));
    return undefined;
  };
  loop.start();
  host.runUntil(0, 1);
  expect(cpu.attention).toBe(false);
  expect(cpu.runs).toBeGreaterThan(1);
});

test('the machine ends the run at a boundary, and hears of shutdown and of errors', () => {
  build('wall');
  cpu.script = () => 'shutdown';
  boundary = () => shutdowns < 3;
  loop.start();
  host.runUntil(10);
  expect(shutdowns).toBe(3);
  expect(loop.isRunning).toBe(false);
  cpu.script = () => {
    throw new Error('bug');
  };
  boundary = () => true;
  loop.start();
  host.runUntil(20);
  expect(String(errors)).toContain('bug');
  expect(loop.isRunning).toBe(false);
});
