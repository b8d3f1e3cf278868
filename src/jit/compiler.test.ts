import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cpu, CpuOptions } from '../cpu/cpu.ts';
import type { Engine } from '../cpu/engine.ts';
import { flatMachine } from '../cpu/flat-machine-fixture.ts';
import { physAddr } from '../memory/address.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { generateModule } from './generate.ts';
import { unpackRegions } from './packing.ts';
import type { CompileReply, CompilerThread, CompileRequest } from './thread-protocol.ts';

const EAX = 0, ECX = 1, EBX = 3, ESP = 4, EBP = 5, ESI = 6, EDI = 7;
const ENTRY = 0x1000;
const DATA = 0x4000;
/** A device that answers reads of memory with a number that grows. */
const DEVICE = 0x80000;

const LOOP = [
  0x03, 0x06, // again: add eax, [esi]
  0x43, // inc ebx
  0x49, // dec ecx
  0x75, 0xfa, // jnz again
  0xf4, // hlt
];

describe('compiled code', () => {
  let memory: GuestMemory;
  let cpu: Cpu;
  let engine: Engine;
  let reads = 0;

  function start(options: CpuOptions, code: readonly number[] = LOOP): void {
    reads = 0;
    ({ cpu, memory, engine } = flatMachine(options, ENTRY, code, (of) => {
      of.memory('device', 4096, { read: () => ++reads, write: () => {} }, { widths: [4] }).mapAt(DEVICE);
    }));
    const { state } = cpu;
    memory.writePhys(DATA, 4, 3);
    state.setReg(ESI, DATA);
    state.setReg(EAX, 0);
    state.setReg(EBX, 0);
  }
  /** In slices, as a machine runs. */
  function run(fuel = 1000): void {
    while (cpu.run(fuel) === 'budget');
  }

  beforeEach(() => start({ compileThreshold: 10 }));

  it('takes over a loop that runs hot, and ends it as the interpreter does', () => {
    cpu.state.setReg(ECX, 100_000);
    run();
    expect([cpu.state.reg(EAX), cpu.state.reg(EBX), cpu.state.reg(ECX)]).toEqual([300_000, 100_000, 0]);
    expect(cpu.instructions).toBe(400_001);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
  });

  describe('while the guest starts', () => {
    /** After so many rounds of the loop. */
    const regionsAt = (rounds: number): number => {
      while (cpu.state.reg(EBX) < rounds) cpu.run(1000);
      return cpu.compilerCounters.regions;
    };

    beforeEach(() => {
      start({ compileThreshold: 1000 });
      cpu.state.setReg(ECX, 100_000);
    });

    it('is made when a loop has become hot eleven times', () => {
      expect([regionsAt(10_500), regionsAt(12_000)]).toEqual([0, 1]);
    });

    it('is made sooner later on', () => {
      engine.compiler.executed(1_500_000_000);
      expect([regionsAt(2500), regionsAt(5000)]).toEqual([0, 1]);
    });

    it('and at once when that is over', () => {
      engine.compiler.executed(2_000_000_000);
      expect([regionsAt(500), regionsAt(2000)]).toEqual([0, 1]);
    });
  });

  it('is not made by the interpreter alone', () => {
    start({ tier: 'interp' });
    cpu.state.setReg(ECX, 100_000);
    run();
    expect(cpu.state.reg(EBX)).toBe(100_000);
    expect(cpu.compilerCounters.regions).toBe(0);
  });

  it('stops at exact counts of instructions', () => {
    start({ tier: 'compiled' });
    cpu.state.setReg(ECX, 1_000_000);
    let done = 0;
    for (const fuel of [5000, 1, 777, 4, 12_345, 61, 122, 9999]) {
      cpu.run(fuel);
      done += fuel;
      expect(cpu.instructions).toBe(done);
      expect(cpu.state.reg(EBX)).toBe(Math.floor((done + 2) / 4));
    }
  });

  it('goes when its guest code is written to', () => {
    cpu.state.setReg(ECX, 1_000_000);
    for (let i = 0; i < 50; i++) cpu.run(1000);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
    const before = cpu.state.reg(EBX);
    memory.write(physAddr(ENTRY + 2), Uint8Array.of(0x4b)); // dec ebx
    for (let i = 0; i < 50; i++) cpu.run(1000);
    expect(cpu.state.reg(EBX)).toBeLessThan(before);
    expect(cpu.compilerCounters.dropped).toBeGreaterThan(0);
  });

  it('goes when it has not run for a while, and not before', () => {
    let ms = 0;
    start({ compileThreshold: 10, keptCodeBytes: 0, nowMs: () => ms });
    const runs = (instructions: number): number => {
      ms += 31_000;
      if (instructions > 0) cpu.run(instructions);
      cpu.run(1);
      return cpu.compilerCounters.dropped;
    };
    cpu.state.setReg(ECX, 1_000_000);
    for (let i = 0; i < 50; i++) cpu.run(1000);
    expect(cpu.compilerCounters.regions).toBe(1);
    expect([runs(5000), runs(5000), runs(5000)]).toEqual([0, 0, 0]);
    cpu.state.eip = ENTRY + 8;
    memory.write(physAddr(ENTRY + 8), Uint8Array.of(0xeb, 0xfe)); // jmp $
    expect([runs(0), runs(0), runs(0), runs(0), runs(0)]).toEqual([0, 0, 0, 0, 1]);
    cpu.state.eip = ENTRY;
    cpu.state.setReg(EBX, 0);
    const before = cpu.instructions;
    cpu.run(5000);
    expect([cpu.instructions - before, cpu.state.reg(EBX)]).toEqual([5000, 1250]);
  });

  it('goes when more is made than may stay, what has not run for longest first', () => {
    let ms = 0;
    const begin = (mostCodeBytes = 1 << 20): void => {
      start({ compileThreshold: 10, keptCodeBytes: 1, mostCodeBytes, nowMs: () => ms });
      for (const eip of [0x3000, 0x4000, 0x5000]) memory.write(physAddr(eip), Uint8Array.of(0x43, 0x49, 0x75, 0xfc)); // again: inc ebx; dec ecx; jnz again
    };
    const loop = (eip: number) => {
      cpu.state.eip = eip;
      cpu.state.setReg(ECX, 1_000_000);
      for (let i = 0; i < 20; i++) cpu.run(1000);
      const { regions, dropped, liveBytes } = cpu.compilerCounters;
      return { regions, dropped, liveBytes };
    };
    begin();
    const { liveBytes } = loop(0x3000);
    begin(liveBytes * 5 / 2);
    expect([loop(0x3000), loop(0x4000)]).toEqual([{ regions: 1, dropped: 0, liveBytes }, { regions: 2, dropped: 0, liveBytes: liveBytes * 2 }]);
    // Both rest, until they are asked for again.
    ms += 20_000;
    loop(0x3000);
    const third = { regions: 3, dropped: 1, liveBytes: liveBytes * 2 };
    expect([loop(0x5000), loop(0x3000)]).toEqual([third, third]);
    expect(loop(0x4000)).toEqual({ regions: 4, dropped: 2, liveBytes: liveBytes * 2 });
  });

  it('is not made while the guest is nearly idle, and is once it is busy', () => {
    let ms = 0;
    start({ compileThreshold: 10, nowMs: () => ms });
    cpu.state.setReg(ECX, 1_000_000);
    const regions = (slices: number, pauseMs: number): number => {
      for (let i = 0; i < slices; i++) {
        ms += pauseMs;
        cpu.run(500);
      }
      return cpu.compilerCounters.regions;
    };
    cpu.state.eip = ENTRY + 8;
    memory.write(physAddr(ENTRY + 8), Uint8Array.of(0xeb, 0xfe)); // jmp $
    regions(10, 1000);
    const before = cpu.compilerCounters.regions;
    cpu.state.eip = ENTRY;
    expect(regions(30, 1000)).toBe(before);
    expect(regions(100, 1)).toBe(before + 1);
  });

  it('leaves nothing of it in the table when it goes', () => {
    const set = vi.spyOn(WebAssembly.Table.prototype, 'set');
    cpu.state.setReg(ECX, 1_000_000);
    for (let i = 0; i < 50; i++) cpu.run(1000);
    expect(set.mock.calls.length).toBeGreaterThan(0);
    memory.write(physAddr(ENTRY + 2), Uint8Array.of(0x90)); // nop
    cpu.run(10);
    const last = new Map(set.mock.calls.map(([slot, value]) => [slot, value]));
    set.mockRestore();
    expect([...last.values()]).toEqual([...last.values()].map(() => null));
  });

  it('stays when bytes beside its guest code are written to', () => {
    const beside = ENTRY + 12;
    memory.write(physAddr(ENTRY), Uint8Array.of(
      0x88, 0x0d, beside & 0xff, beside >> 8, 0, 0, // again: mov [beside], cl
      0x43, 0x49, // inc ebx; dec ecx
      0x75, 0xf6, // jnz again
      0xf4, // hlt
    ));
    cpu.state.setReg(ECX, 100_000);
    run();
    memory.write(physAddr(beside + 1), Uint8Array.of(1, 2, 3));
    expect([cpu.state.reg(EBX), memory.readPhys(beside, 1)]).toEqual([100_000, 1]);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
    expect(cpu.compilerCounters.dropped).toBe(0);
  });

  it('leaves with the flags as they are by an indirect jump between the places it was thought to lead to', () => {
    const target = ENTRY + 0x100f;
    const called = [0x39, 0xc0, 0xc3]; // cmp eax, eax; ret
    start({ tier: 'compiled' }, []);
    memory.write(physAddr(ENTRY + 0xffb), Uint8Array.of(
      0xe8, 0x12, 0, 0, 0, // call, into the next page
      0x83, 0xc8, 0x01, // or eax, 1
      0xba, target & 0xff, target >> 8, 0, 0, // mov edx, target
      0xff, 0xe2, // jmp edx
      0x90, 0x90, 0x90, 0x90, 0x90,
      0xf4, // target: hlt
      0x90, 0x90, ...called,
    ));
    cpu.state.setReg(ESP, DATA + 0x100);
    cpu.state.eip = ENTRY + 0xffb;
    run();
    expect([cpu.state.eip, cpu.state.eflags & 0x40]).toEqual([target + 1, 0]);
  });

  it.each<[string, readonly number[]]>([
    ['add al, 0x31', [0x04, 0x31]], ['sub bl, 0x9d', [0x80, 0xeb, 0x9d]], ['sub ax, 0x1235', [0x66, 0x2d, 0x35, 0x12]],
    ['add eax, 0x12345679', [0x05, 0x79, 0x56, 0x34, 0x12]], ['sub eax, 0x72345679', [0x2d, 0x79, 0x56, 0x34, 0x72]], ['cmp eax, ebx', [0x40, 0x01, 0xc3, 0x39, 0xd8]],
    ['adc eax, 0x77777777', [0x15, 0x77, 0x77, 0x77, 0x77]], ['inc eax', [0x05, 0xff, 0xff, 0xff, 0x7f, 0x40]], ['dec bl', [0xfe, 0xcb]],
    ['add, inc, dec', [0x05, 0x79, 0x56, 0x34, 0x72, 0x43, 0x66, 0x4b]], ['dec eax alone', [0x48]], ['neg eax', [0x83, 0xc0, 0x0d, 0xf7, 0xd8]],
    ['and eax, ecx', [0x01, 0xc8, 0x21, 0xc8]], ['rol eax, 3; dec ebx', [0x83, 0xc0, 0x0d, 0xc1, 0xc0, 0x03, 0x4b]], ['cmc; inc ebx', [0xf5, 0x43]],
    ['shl eax, cl', [0x83, 0xc0, 0x0d, 0xd3, 0xe0]], ['shl eax, cl; dec ebx', [0x83, 0xc0, 0x0d, 0xd3, 0xe0, 0x4b]],
  ])('leaves with the flags of %s wherever the fuel ends', (_, operation) => {
    const distance = 0x100 - (2 + operation.length + 2);
    // again: mov edx, [esi]; the operation; loop again
    const code = [0x8b, 0x16, ...operation, 0xe2, distance, 0xf4];
    const flagsOf = (tier: 'interp' | 'compiled'): unknown[] => {
      start({ tier }, code);
      cpu.state.setReg(ECX, 100_000);
      return Array.from({ length: 200 }, (_, n) => {
        cpu.run(190 + n);
        return [cpu.state.eip, cpu.state.eflags, cpu.state.reg(EAX)];
      });
    };
    expect(flagsOf('compiled')).toEqual(flagsOf('interp'));
  });

  it('leaves to the interpreter what is seldom reached, until it is hot', () => {
    // again: test cl, 127; jz rare; back: inc ebx; dec ecx; jnz again; hlt; rare: inc eax; jmp back
    start({ compileThreshold: 160 }, [0xf6, 0xc1, 0x7f, 0x74, 0x05, 0x43, 0x49, 0x75, 0xf7, 0xf4, 0x40, 0xeb, 0xf8]);
    cpu.state.setReg(ECX, 100_000);
    cpu.run(2000);
    const listed = (): unknown[] | undefined => cpu.listRegion(ENTRY)?.parts.map(({ linear }) => linear);
    expect(listed()).toContain(ENTRY + 5);
    expect(listed()).not.toContain(ENTRY + 10);
    run();
    expect([cpu.state.reg(EAX), cpu.state.reg(EBX)]).toEqual([781, 100_000]);
    expect(cpu.listRegion(ENTRY + 10)).toBeDefined();
  });

  it('knows how often an edge was taken from blocks that begin in the middle of others', () => {
    const code = [
      0x83, 0xf9, 0x01, // again: cmp ecx, 1
      0x75, 0x01, // jne on
      0x90, // nop
      0x49, // on: dec ecx
      0x75, 0x01, // jnz more
      0xf4, // hlt
      0x43, // more: inc ebx
      0xeb, 0xf3, // jmp again
    ];
    start({ compileThreshold: 1000 }, code);
    cpu.state.setReg(ECX, 500);
    run();
    expect(cpu.listRegion(ENTRY)?.parts.map(({ linear }) => linear)).toContain(ENTRY + 10);
  });

  it('leaves device memory to the interpreter, one access for one', () => {
    cpu.state.setReg(ECX, 5000);
    cpu.state.setReg(ESI, DEVICE);
    run();
    expect(reads).toBe(5000);
    expect(cpu.state.reg(EAX)).toBe((5000 * 5001) / 2);
  });

  it('raises a fault with the registers of the instruction that faults', () => {
    start({ tier: 'compiled' }, [0x03, 0x06, 0x83, 0xc6, 0x04, 0x49, 0x75, 0xf8, 0xf4]); // add eax, [esi]; add esi, 4; dec ecx; jnz
    cpu.state.setReg(ECX, 100);
    cpu.run(40);
    expect(cpu.instructions).toBe(40);
    expect([cpu.state.reg(ESI), cpu.state.reg(ECX)]).toEqual([DATA + 40, 90]);
  });

  /** `again: call f; dec ecx; jnz again; hlt` at `at`, and f, which adds 3 to EAX, at `f`. */
  function callInLoop(at: number, f: number): void {
    const offset = f - (at + 5);
    memory.write(physAddr(at), Uint8Array.of(0xe8, ...[0, 8, 16, 24].map((n) => (offset >> n) & 0xff), 0x49, 0x75, 0xf8, 0xf4));
    memory.write(physAddr(f), Uint8Array.of(0x83, 0xc0, 0x03, 0xc3));
    cpu.state.eip = at;
    cpu.state.setReg(ESP, 0x8000);
  }

  it('calls a function in another page, and returns from it', () => {
    callInLoop(0x1000, 0x2100);
    cpu.state.setReg(ECX, 20_000);
    run();
    expect([cpu.state.reg(EAX), cpu.state.reg(ECX), cpu.state.reg(ESP)]).toEqual([60_000, 0, 0x8000]);
    expect(cpu.instructions).toBe(5 * 20_000 + 1);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
  });

  it('returns to where the stack says, wherever the call came from', () => {
    start({ tier: 'compiled' });
    callInLoop(0x1000, 0x2100);
    // f puts another address in the place of its return address: that of the hlt.
    memory.write(physAddr(0x2100), Uint8Array.of(0xc7, 0x04, 0x24, 0x08, 0x10, 0, 0, 0xc3));
    cpu.state.setReg(ECX, 5);
    run();
    expect([cpu.state.reg(ECX), cpu.state.eip]).toEqual([5, 0x1009]);
  });

  it('goes with any of the pages that it was made from', () => {
    callInLoop(0x1000, 0x2100);
    cpu.state.setReg(ECX, 1_000_000);
    for (let i = 0; i < 50; i++) cpu.run(1000);
    memory.write(physAddr(0x2102), Uint8Array.of(0x00)); // add eax, 0
    cpu.run(10);
    const before = cpu.state.reg(EAX);
    for (let i = 0; i < 50; i++) cpu.run(1000);
    expect(cpu.state.reg(EAX)).toBe(before);
    expect(cpu.compilerCounters.dropped).toBeGreaterThan(0);
  });

  it('goes on in slices of any length where a call returns to an instruction in two pages', () => {
    // again: call of a function too long to stand there instead; add eax, 3 from 0x1ffd on; dec ecx; jnz again
    start({ tier: 'compiled' });
    memory.write(physAddr(0x1ff8), Uint8Array.of(0xff, 0x15, 0, 0x50, 0, 0, 0x05, 3, 0, 0, 0, 0x49, 0x75, 0xf2, 0xf4));
    memory.writePhys(0x5000, 4, 0x3000);
    memory.write(physAddr(0x3000), Uint8Array.of(...Array(60).fill(0x90), 0xc3));
    cpu.state.eip = 0x1ff8;
    cpu.state.setReg(ESP, 0x8000);
    cpu.state.setReg(ECX, 2000);
    let done = 0;
    for (let fuel = 1; done + fuel < 10_000; fuel = (fuel % 97) + 1) {
      cpu.run(fuel);
      done += fuel;
      expect(cpu.instructions).toBe(done);
    }
    run();
    expect([cpu.state.reg(EAX), cpu.state.reg(ECX)]).toEqual([6000, 0]);
  });

  it('follows calls of pointers and through stubs to where they went last, and goes where they point now', () => {
    // again: call [0x5000], which is f and g by turns; call stub: jmp [0x5004], which is g; dec ecx; jnz again; hlt
    start({ compileThreshold: 10 }, [
      0xff, 0x15, 0, 0x50, 0, 0, 0x81, 0x35, 0, 0x50, 0, 0, 0x10, 0, 0, 0, 0xe8, 0x04, 0, 0, 0, 0x49, 0x75, 0xe8, 0xf4,
      0xff, 0x25, 0x04, 0x50, 0, 0,
    ]);
    memory.write(physAddr(0x3000), Uint8Array.of(0x43, 0xc3)); // f: inc ebx; ret
    memory.write(physAddr(0x3010), Uint8Array.of(0x46, 0xc3)); // g: inc esi; ret
    memory.writePhys(0x5000, 4, 0x3000);
    memory.writePhys(0x5004, 4, 0x3010);
    cpu.state.setReg(ESP, 0x8000);
    cpu.state.setReg(ESI, 0);
    cpu.state.setReg(ECX, 20_000);
    for (let i = 0; i < 100; i++) cpu.run(1000);
    const left = cpu.state.reg(ECX);
    memory.writePhys(0x5004, 4, 0x3000);
    run();
    const byStub = cpu.state.reg(EBX) - 10_000;
    expect([left - 1, left]).toContain(byStub);
    expect([cpu.state.reg(ESI), cpu.state.reg(ESP)]).toEqual([30_000 - byStub, 0x8000]);
    expect(cpu.instructions).toBe(20_000 * 10 + 1);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
  });

  it('follows a jump table', () => {
    // top: mov eax, ecx; and eax, 3; jmp [table + eax * 4]; four cases of inc reg; jmp next; next: dec ecx; jnz top; hlt
    const top = [0x89, 0xc8, 0x83, 0xe0, 0x03, 0xff, 0x24, 0x85, 0, 0x50, 0, 0];
    const cases = [0x43, 0xeb, 0x07, 0x46, 0xeb, 0x04, 0x47, 0xeb, 0x01, 0x45, 0x49, 0x75, 0xe7, 0xf4];
    start({ compileThreshold: 10 }, [...top, ...cases]);
    [0, 3, 6, 9].forEach((offset, n) => memory.writePhys(0x5000 + n * 4, 4, ENTRY + top.length + offset));
    for (const n of [ESI, EDI, EBP]) cpu.state.setReg(n, 0);
    cpu.state.setReg(ECX, 100_000);
    run(5000);
    expect([EBX, ESI, EDI, EBP].map((n) => cpu.state.reg(n))).toEqual([25_000, 25_000, 25_000, 25_000]);
    expect(cpu.instructions).toBe(3 * 100_000 + 2 * 75_000 + 25_000 + 2 * 100_000 + 1);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
  });

  it('makes a small table of jump tables that are far apart', () => {
    const far = 0x60000;
    const relative = (from: number, to: number) => [...new Uint8Array(Int32Array.of(to - from - 4).buffer)];
    // mov eax, ecx; and eax, 3; jmp [table + eax * 4]; four cases of inc reg; jmp next
    const table = (at: number, ...registers: number[]) => [0x89, 0xc8, 0x83, 0xe0, 0x03, 0xff, 0x24, 0x85, at & 0xff, at >> 8, 0, 0, ...registers.flatMap((n, i) => [0x40 + n, 0xeb, 9 - 3 * i])];
    const first = table(0x5000, EBX, ESI, EDI, EBP), second = table(0x5010, EBX, ESI, EDI, EBP);
    start({ compileThreshold: 10 }, [...first, 0xe9, ...relative(ENTRY + first.length + 1, far)]); // jmp far
    memory.write(physAddr(far), Uint8Array.of(...second, 0x49, 0x0f, 0x85, ...relative(far + second.length + 3, ENTRY), 0xf4)); // dec ecx; jnz top; hlt
    for (const [at, base] of [[0x5000, ENTRY], [0x5010, far]]) for (let n = 0; n < 4; n++) memory.writePhys(at + n * 4, 4, base + 12 + 3 * n);
    for (const n of [ESI, EDI, EBP]) cpu.state.setReg(n, 0);
    cpu.state.setReg(ECX, 100_000);
    run(5000);
    expect([EBX, ESI, EDI, EBP].map((n) => cpu.state.reg(n))).toEqual([50_000, 50_000, 50_000, 50_000]);
    expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
    expect(cpu.compilerCounters.bytes).toBeLessThan(20_000);
  });

  it('follows a loop with two ways in', () => {
    // jmp b; a: inc ebx; b: inc eax; dec ecx; jz out; test al, 1; jz a; jmp b; out: hlt
    start({ tier: 'compiled' }, [0xeb, 0x01, 0x43, 0x40, 0x49, 0x74, 0x06, 0xa8, 0x01, 0x74, 0xf7, 0xeb, 0xf6, 0xf4]);
    cpu.state.setReg(ECX, 10_000);
    run();
    expect([cpu.state.reg(EAX), cpu.state.reg(EBX), cpu.state.reg(ECX)]).toEqual([10_000, 4999, 0]);
  });

  describe('with a thread beside the machine', () => {
    let requests: CompileRequest[] = [];
    let reply: (reply: CompileReply) => void = () => {};
    let end = (): void => {};
    const thread: CompilerThread = {
      post: (request) => void requests.push(structuredClone(request)),
      listen: (onReply, onEnd) => {
        reply = onReply;
        end = onEnd;
      },
    };
    const answer = ({ id, regions }: CompileRequest): void => {
      const bytes = generateModule(unpackRegions(regions));
      reply({ id, module: new WebAssembly.Module(bytes as BufferSource), bytes: bytes.length });
    };

    beforeEach(() => {
      requests = [];
      start({ compileThreshold: 10, compilerThread: thread });
      cpu.state.setReg(ECX, 1_000_000);
    });

    it('goes on until the code is there', () => {
      for (let i = 0; i < 20; i++) cpu.run(1000);
      expect(requests).toHaveLength(1);
      expect(cpu.compilerCounters.regions).toBe(0);
      answer(requests[0]);
      run();
      expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
      expect([cpu.state.reg(EBX), cpu.instructions]).toEqual([1_000_000, 4_000_001]);
    });

    it('does not take code for what has been written to meanwhile', () => {
      for (let i = 0; i < 20; i++) cpu.run(1000);
      memory.write(physAddr(ENTRY + 2), Uint8Array.of(0x4b)); // dec ebx
      const before = cpu.state.reg(EBX);
      answer(requests[0]);
      cpu.run(4000);
      expect(cpu.state.reg(EBX)).toBe(before - 1000);
    });

    it('compiles by itself when the thread has died', () => {
      for (let i = 0; i < 20; i++) cpu.run(1000);
      end();
      run();
      expect(cpu.compilerCounters.regions).toBeGreaterThan(0);
      expect(cpu.state.reg(EBX)).toBe(1_000_000);
    });
  });
});
