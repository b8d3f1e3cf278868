import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import { VirtioBlk } from './blk.ts';
import { VirtioConsole } from './console.ts';
import { F_EVENT_IDX, STATUS_NEEDS_RESET } from './registers.ts';
import { VirtioRng } from './rng.ts';
import { BUFFERS, TestDoor, TestDriver } from './test-driver.ts';

let door: TestDoor;
beforeEach(() => {
  door = new TestDoor();
});

describe('split virtqueue [VIRTIO 2.7]', () => {
  let printed: string;
  let driver: TestDriver;
  const text = (address: number, words: string): number => {
    driver.put(address, new TextEncoder().encode(words));
    return words.length;
  };

  beforeEach(() => {
    printed = '';
    const output = (byte: number): void => void (printed += String.fromCharCode(byte));
    driver = new TestDriver(new VirtioConsole({ id: 'console', output }));
  });

  it('gives chains back in order, and interrupts', () => {
    driver.send([{ address: BUFFERS, length: text(BUFFERS, 'one ') }, { address: BUFFERS + 16, length: text(BUFFERS + 16, 'two') }], 1);
    expect([printed, driver.used(1), driver.interrupts]).toEqual(['one two', [[0, 0]], 1]);
  });

  it('follows indirect tables, once [VIRTIO 2.7.5.3]', () => {
    const table = BUFFERS + 0x100;
    driver.descriptor(table, 0, BUFFERS, text(BUFFERS, 'in'), 1, 2);
    driver.descriptor(table, 2, BUFFERS + 16, text(BUFFERS + 16, 'direct'), 0);
    driver.descriptor(driver.queue(1).descriptors, 3, table, 48, 4);
    driver.offer(3, 1);
    expect(printed).toBe('indirect');
    driver.descriptor(table, 0, table, 48, 4);
    driver.offer(3, 1);
    expect([driver.used(1).length, driver.core.status & STATUS_NEEDS_RESET]).toEqual([1, STATUS_NEEDS_RESET]);
  });

  it('interrupts only when it is asked to', () => {
    const { available } = driver.queue(1);
    driver.put(available, Uint8Array.of(1, 0));
    driver.send([{ address: BUFFERS, length: 1 }], 1);
    expect(driver.interrupts).toBe(0);
    driver.core.reset();
    driver.core.writeDriverFeatures(0, Number(F_EVENT_IDX));
    driver.setUp();
    // The third used buffer is the first to be told of.
    driver.put(available + 4 + 2 * 16, Uint8Array.of(2, 0));
    for (const expected of [0, 0, 1, 1]) {
      driver.send([{ address: BUFFERS, length: 1 }], 1);
      expect(driver.interrupts).toBe(expected);
    }
    // Where it wants to be notified next.
    expect([...driver.get(driver.queue(1).used + 4 + 8 * 16, 2)]).toEqual([4, 0]);
  });

  it.each([
    ['a loop', () => driver.descriptor(driver.queue(1).descriptors, 0, BUFFERS, 1, 1, 0)],
    ['a descriptor past the end', () => driver.descriptor(driver.queue(1).descriptors, 0, BUFFERS, 1, 1, 16)],
    ['writable before readable', () => driver.chain([{ address: BUFFERS, length: 1, write: true }, { address: BUFFERS, length: 1 }], 0, 1)],
    ['a table of no whole entries', () => driver.descriptor(driver.queue(1).descriptors, 0, BUFFERS, 17, 4)],
  ])('%s makes the device need a reset', (_name, make) => {
    make();
    driver.offer(0, 1);
    expect(driver.core.status & STATUS_NEEDS_RESET).toBe(STATUS_NEEDS_RESET);
    driver.core.reset();
    driver.setUp();
    driver.send([{ address: BUFFERS, length: text(BUFFERS, 'well') }], 1);
    expect(printed).toBe('well');
  });

  it('is the same after saving and restoring', () => {
    driver.send([{ address: BUFFERS, length: 1 }], 1);
    const state = driver.core.save();
    driver.core.reset();
    driver.core.restore(state);
    expect(driver.core.save()).toEqual(state);
    driver.send([{ address: BUFFERS, length: text(BUFFERS, 'again') }], 1);
    expect(printed.endsWith('again')).toBe(true);
  });

  it('throws nothing whatever the rings hold', () => {
    let seed = 1;
    const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8;
    for (let round = 0; round < 300; round++) {
      driver.core.reset();
      driver.setUp();
      for (let i = 0; i < 3000; i++) driver.memory.bytes[0x1000 + (random() % 0x8000)] = random() % 3 === 0 ? random() : random() % 4;
      for (const queue of driver.core.queues) {
        if (random() & 1) queue.used = queue.available;
        queue.eventIndex = (random() & 1) === 1;
      }
      for (let i = 0; i < 4; i++) driver.core.notify(random() & 1);
      (driver.core.function as VirtioConsole).receive(Uint8Array.of(1, 2, 3));
    }
  });
});

describe('block device [VIRTIO 5.2]', () => {
  const bytes = Uint8Array.from({ length: 2048 }, (_, i) => i >> 9);
  const HEADER = BUFFERS, DATA = BUFFERS + 0x1000, STATUS = BUFFERS + 0x800;
  let backend: MemoryBackend;
  let driver: TestDriver;
  let errors: Error[];

  beforeEach(() => {
    backend = new MemoryBackend(bytes.slice(0, 2000));
    errors = [];
    driver = new TestDriver(new VirtioBlk({ id: 'disk', backend, door, onError: (error) => errors.push(error) }));
  });

  const request = (type: number, sector: number, length: number, write: boolean): number => {
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(0, type, true);
    header.setUint32(8, sector, true);
    driver.put(HEADER, new Uint8Array(header.buffer));
    driver.put(STATUS, Uint8Array.of(0xee));
    driver.send([
      { address: HEADER, length: 16 }, ...(length > 0 ? [{ address: DATA, length, write }] : []), { address: STATUS, length: 1, write: true },
    ]);
    door.open();
    return driver.get(STATUS, 1)[0];
  };

  it('tells its size in sectors', () => {
    expect([driver.core.readConfig(0, 4), driver.core.readConfig(20, 4)]).toEqual([4, 512]);
  });

  it('reads and writes sectors, and pads the last one', () => {
    expect([request(0, 2, 1024, true), driver.used()]).toEqual([0, [[0, 1025]]]);
    expect([DATA, DATA + 512, DATA + 975, DATA + 976].map((at) => driver.get(at, 1)[0])).toEqual([2, 3, 3, 0]);
    driver.put(DATA, new Uint8Array(512).fill(9));
    expect([request(1, 1, 512, false), backend.bytes[511], backend.bytes[512], backend.bytes[1024]]).toEqual([0, 0, 9, 2]);
    expect(request(4, 0, 0, false)).toBe(0);
  });

  it('gives errors for what it does not have', () => {
    expect([request(0, 4, 512, true), request(0, 0, 100, true), request(1, 3, 1024, false)]).toEqual([1, 1, 1]);
    expect(request(77, 0, 0, false)).toBe(2);
    backend.read = () => {
      throw new Error('gone');
    };
    expect([request(0, 0, 512, true), errors.length]).toEqual([1, 1]);
  });

  it('drops answers that come after a reset', () => {
    driver.send([{ address: HEADER, length: 16 }, { address: DATA, length: 512, write: true }, { address: STATUS, length: 1, write: true }]);
    driver.core.reset();
    driver.setUp();
    driver.put(STATUS, Uint8Array.of(0xee));
    door.open();
    expect([driver.used(), driver.get(STATUS, 1)[0]]).toEqual([[], 0xee]);
  });

  it('reads no more of a long write’s buffer once nobody waits for it', () => {
    const bytes = new Uint8Array(1 << 20);
    const long = new TestDriver(new VirtioBlk({ id: 'disk', backend: new MemoryBackend(bytes), door, onError: () => {} }));
    long.put(HEADER, Uint8Array.of(1));
    long.memory.bytes.fill(7, DATA, DATA + 0x80000);
    long.send([{ address: HEADER, length: 16 }, { address: DATA, length: 0x80000 }, { address: STATUS, length: 1, write: true }]);
    long.core.reset();
    door.open();
    expect([bytes.indexOf(0), bytes.lastIndexOf(7)]).toEqual([0x40000, 0x3ffff]);
  });
});

it('the entropy device fills what it is given [VIRTIO 5.4]', () => {
  const driver = new TestDriver(new VirtioRng({ id: 'rng', door, random: (length) => new Uint8Array(length).fill(7) }));
  driver.send([{ address: BUFFERS, length: 5, write: true }, { address: BUFFERS + 8, length: 3, write: true }]);
  door.open();
  expect([driver.used(), [...driver.get(BUFFERS, 12)]]).toEqual([[[0, 8]], [7, 7, 7, 7, 7, 0, 0, 0, 7, 7, 7, 0]]);
});

it('an answer that comes after a reset goes nowhere: the memory may be somebody else’s', () => {
  const driver = new TestDriver(new VirtioRng({ id: 'rng', door, random: (length) => new Uint8Array(length).fill(7) }));
  driver.send([{ address: BUFFERS, length: 4, write: true }]);
  driver.core.status = 0;
  driver.setUp();
  door.open();
  expect([driver.used(), [...driver.get(BUFFERS, 4)]]).toEqual([[], [0, 0, 0, 0]]);
});

it('console input waits for buffers [VIRTIO 5.3]', () => {
  const console = new VirtioConsole({ id: 'console', output: () => {} });
  const driver = new TestDriver(console);
  console.receive(Uint8Array.of(1, 2, 3));
  driver.send([{ address: BUFFERS, length: 2, write: true }]);
  driver.send([{ address: BUFFERS + 16, length: 2, write: true }]);
  console.receive(Uint8Array.of(4));
  expect([driver.used(), [...driver.get(BUFFERS, 2)], driver.get(BUFFERS + 16, 1)[0]]).toEqual([[[0, 2], [0, 1]], [1, 2], 3]);
});
