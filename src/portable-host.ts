/** The host interface of a machine, from what browsers, workers and Node have in common. */
import type { MachineHost } from './machine/host.ts';

/** Node's way to call back after I/O; absent in browsers. */
type SetImmediate = (callback: () => void) => unknown;

export function portableHost(): MachineHost {
  return {
    nowMs: () => performance.now(),
    dateMs: () => Date.now(),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    soon: soonFunction(),
    later: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  };
}

/** Nested timeouts wait at least 4 ms in browsers; a message to oneself does not. */
function soonFunction(): (callback: () => void) => void {
  const immediate = (globalThis as { setImmediate?: SetImmediate }).setImmediate;
  if (typeof immediate === 'function') return (callback) => void immediate(callback);
  const channel = new MessageChannel();
  const waiting: (() => void)[] = [];
  channel.port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    channel.port2.postMessage(undefined);
  };
}
