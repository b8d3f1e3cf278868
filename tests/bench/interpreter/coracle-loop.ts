/** The loop in Coracle's own interpreter: flat protected mode without paging, from a page of guest memory. */
import { Cpu, type CpuModules } from '../../../src/cpu/cpu.ts';
import { setFlatSegment } from '../../../src/cpu/segments.ts';
import { physAddr } from '../../../src/memory/address.ts';
import { Arena } from '../../../src/memory/arena.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { PagePool } from '../../../src/memory/pool.ts';
import { ADDEND, EAX, EBX, ECX, EDI, EDX, ESI, type LoopRunner, SOURCE, SOURCE_VALUE, TARGET } from './loop.ts';

const ENTRY = 0x1000;
const CODE = Uint8Array.from([
  0x8b, 0x46, 0x08, // mov eax, [esi+8]
  0x01, 0xd0, // add eax, edx
  0x31, 0xc3, // xor ebx, eax
  0x89, 0x47, 0x10, // mov [edi+16], eax
  0x49, // dec ecx
  0x75, 0xf3, // jnz ENTRY
  0xeb, 0xfe, // jmp to itself, until the fuel is used up
]);
const RAM_BYTES = 1 << 20;
const CR0_PE = 1;
/** Access bytes of a present, writable data segment and of a readable code segment. */
const FLAT_DATA = 16, FLAT_CODE = 8;
const CS = 1, SEGMENT_COUNT = 6;

export function createCoracleLoop(modules: CpuModules): LoopRunner {
  const arena = new Arena();
  const memory = new GuestMemory(new PagePool(arena), RAM_BYTES);
  const cpu = new Cpu(arena, {
    memory,
    ports: { readPort: () => 0xffffffff, writePort: () => {} },
    interrupts: { pending: false, acknowledge: () => 0 },
    tsc: () => 0n,
  }, modules, { tier: 'interp' });
  const { state } = cpu;
  state.setCr(0, state.cr(0) | CR0_PE);
  for (let n = 0; n < SEGMENT_COUNT; n++) setFlatSegment(state, n, n === CS ? FLAT_CODE : FLAT_DATA, 0);
  cpu.updateMode();
  memory.write(physAddr(ENTRY), CODE);
  const word = (address: number): number => memory.readPhys(address, 4);
  return {
    run: (iterations) => {
      state.setReg(ECX, iterations);
      state.setReg(EBX, 0);
      state.setReg(EDX, ADDEND);
      state.setReg(ESI, SOURCE);
      state.setReg(EDI, TARGET);
      memory.writePhys(SOURCE + 8, 4, SOURCE_VALUE);
      state.eip = ENTRY;
      cpu.run(iterations * 6);
    },
    result: () => [state.reg(EAX), state.reg(EBX), state.reg(ECX), word(TARGET + 16)],
  };
}
