/**
 * The yardstick of the interpreter: the smallest threaded interpreter that can run the loop. Handlers over 16-byte
 * records, operands from the record, a software TLB in front of each access, a lazy result for the one flag, fuel at
 * the branch, and a tail call to the next record's handler. It has no decoder, one addressing form, no segments and no
 * faults; what a real interpreter costs more than this is the price of those.
 */
import { FunctionBuilder, type Val } from '../../../src/wasm/function.ts';
import { ModuleBuilder, type Signature } from '../../../src/wasm/module.ts';
import { ADDEND, EAX, EBX, ECX, EDI, EDX, ESI, type LoopRunner, SOURCE, SOURCE_VALUE, TARGET } from './loop.ts';

type I32 = Val<'i32'>;

/** Record and fuel; gives the record at which it stopped. */
const SIGNATURE: Signature = { params: ['i32', 'i32'], results: ['i32'] };

const RECORD_BYTES = 16;
const REC_HANDLER = 0, REC_TO = 4, REC_FROM = 5, REC_DISPLACEMENT = 8, REC_TARGET = 12;

/** Places in the memory: registers of 8 bytes, the flag's result, records, TLB, guest memory. */
const REGISTERS = 0, RESULT = 64, RECORDS = 4096, TLB = 65536, GUEST = 1 << 20;
const TLB_ENTRIES = 4096, TLB_ENTRY_BYTES = 16, TLB_ADDEND = 8;
const WASM_PAGES = 64;

class Handler {
  readonly f: FunctionBuilder;
  readonly ip: I32;
  readonly fuel: I32;

  constructor(module: ModuleBuilder) {
    this.f = new FunctionBuilder(module, SIGNATURE);
    this.ip = this.f.param(0, 'i32');
    this.fuel = this.f.param(1, 'i32');
  }
  field(offset: number): I32 {
    return this.f.load('i32', this.ip, offset);
  }
  slot(field: number): I32 {
    return this.f.binary('shl', this.f.load('u8', this.ip, field), this.f.i32(3));
  }
  register(field: number): I32 {
    return this.f.load('i32', this.slot(field), REGISTERS);
  }
  setRegister(field: number, value: I32): void {
    this.f.store('i32', this.slot(field), value, REGISTERS);
  }
  setFlags(result: I32): void {
    this.f.store('i32', this.f.i32(0), result, RESULT);
  }
  /** Base register and displacement through the TLB; a miss leaves. */
  address(field: number): I32 {
    const { f } = this;
    const linear = f.binary('add', this.register(field), this.field(REC_DISPLACEMENT));
    const entry = f.binary('and', f.binary('shrU', linear, f.i32(8)), f.i32((TLB_ENTRIES - 1) * TLB_ENTRY_BYTES));
    const page = f.binary('and', f.binary('add', linear, f.i32(3)), f.i32(-4096));
    f.if(f.compare('ne', f.load('i32', entry, TLB), page), () => f.return(this.ip));
    return f.binary('add', linear, f.load('i32', entry, TLB + TLB_ADDEND));
  }
  /** Tail call to the handler of `record`. */
  go(record: I32, fuel: I32): void {
    this.f.returnCallIndirect(SIGNATURE, [record, fuel], this.f.load('i32', record, REC_HANDLER));
  }
  next(): void {
    this.go(this.f.binary('add', this.ip, this.f.i32(RECORD_BYTES)), this.fuel);
  }
}

const BODIES: readonly ((h: Handler) => void)[] = [
  // mov eax, [esi+8]
  (h) => {
    h.setRegister(REC_TO, h.f.load('i32', h.address(REC_FROM), GUEST));
    h.next();
  },
  // add eax, edx
  (h) => {
    const sum = h.f.binary('add', h.register(REC_TO), h.register(REC_FROM));
    h.setRegister(REC_TO, sum);
    h.setFlags(sum);
    h.next();
  },
  // xor ebx, eax
  (h) => {
    const result = h.f.binary('xor', h.register(REC_TO), h.register(REC_FROM));
    h.setRegister(REC_TO, result);
    h.setFlags(result);
    h.next();
  },
  // mov [edi+16], eax
  (h) => {
    const value = h.register(REC_FROM);
    h.f.store('i32', h.address(REC_TO), value, GUEST);
    h.next();
  },
  // dec ecx
  (h) => {
    const result = h.f.binary('sub', h.register(REC_TO), h.f.i32(1));
    h.setRegister(REC_TO, result);
    h.setFlags(result);
    h.next();
  },
  // jnz again
  (h) => {
    const { f } = h;
    const fuel = f.binary('sub', h.fuel, f.i32(1));
    f.if(f.eqz(fuel), () => f.return(h.ip));
    const notZero = f.load('i32', f.i32(0), RESULT);
    f.if(notZero, () => h.go(h.field(REC_TARGET), fuel));
    h.go(f.binary('add', h.ip, f.i32(RECORD_BYTES)), fuel);
  },
];

/** Past the loop: stops. */
const LAST = BODIES.length;

function buildModule(): Uint8Array {
  const module = new ModuleBuilder();
  const define = (body: (h: Handler) => void): number => {
    const h = new Handler(module);
    body(h);
    h.f.unreachable();
    return module.define(h.f.finish());
  };
  const handlers = BODIES.map(define);
  handlers.push(define((h) => h.f.return(h.ip)));
  module.fillTable(0, handlers);
  module.export('enter', define((h) => h.go(h.ip, h.fuel)));
  return module.finish();
}

export function createSketchLoop(): LoopRunner {
  const memory = new WebAssembly.Memory({ initial: WASM_PAGES });
  const table = new WebAssembly.Table({ initial: LAST + 1, element: 'anyfunc' });
  const module = new WebAssembly.Module(buildModule() as BufferSource);
  const enter = new WebAssembly.Instance(module, { env: { memory, table } }).exports.enter as (record: number, fuel: number) => number;
  const words = new Int32Array(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  for (let page = 0; page < TLB_ENTRIES; page++) words[(TLB + page * TLB_ENTRY_BYTES) >> 2] = page << 12;

  const operands: readonly (readonly [to: number, from: number, displacement: number])[] = [
    [EAX, ESI, 8], [EAX, EDX, 0], [EBX, EAX, 0], [EDI, EAX, 16], [ECX, 0, 0], [0, 0, 0], [0, 0, 0],
  ];
  for (const [n, [to, from, displacement]] of operands.entries()) {
    const record = RECORDS + n * RECORD_BYTES;
    words[(record + REC_HANDLER) >> 2] = n;
    bytes[record + REC_TO] = to;
    bytes[record + REC_FROM] = from;
    words[(record + REC_DISPLACEMENT) >> 2] = displacement;
    words[(record + REC_TARGET) >> 2] = RECORDS;
  }
  const register = (n: number): number => (REGISTERS + n * 8) >> 2;
  return {
    run: (iterations) => {
      words[register(ECX)] = iterations;
      words[register(EBX)] = 0;
      words[register(EDX)] = ADDEND;
      words[register(ESI)] = SOURCE;
      words[register(EDI)] = TARGET;
      words[(GUEST + SOURCE + 8) >> 2] = SOURCE_VALUE;
      enter(RECORDS, iterations + 1);
    },
    result: () => [words[register(EAX)], words[register(EBX)], words[register(ECX)], words[(GUEST + TARGET + 16) >> 2]],
  };
}
