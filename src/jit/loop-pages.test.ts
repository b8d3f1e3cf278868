import { describe, it } from 'vitest';
import { bothDo, EAX, EBX, ECX, EDI, ESI } from './loop-fixture.ts';

const MOV_EAX_ESI = [0x8b, 0x06], ADD_EBX_EAX = [0x01, 0xc3], ADD_EBX_AT_ESI = [0x03, 0x1e], MOV_EDI_ECX = [0x89, 0x0f];

describe('accesses in a loop by the same register', () => {
  it.each([1, 3, 4, 64, 0x7f])('go from page to page, every %i bytes', (step) => {
    bothDo([...MOV_EAX_ESI, ...ADD_EBX_EAX, 0x83, 0xc6, step], { [EBX]: 0, [ESI]: 0x8000, [ECX]: 4000 }); // add esi, step
  });
  it('take turns between pages', () => {
    bothDo([...MOV_EAX_ESI, ...ADD_EBX_EAX, 0x29, 0x1e, 0x81, 0xf6, 4, 0x10, 0, 0], { [EBX]: 0, [ESI]: 0x8100, [ECX]: 2000 }); // sub [esi], ebx; xor esi, 0x1004
  });
  it('cross the end of their page now and then', () => {
    bothDo([...MOV_EAX_ESI, ...ADD_EBX_EAX, 0x83, 0xf6, 0x03, 0x83, 0xf6, 0x01], { [EAX]: 0, [EBX]: 0, [ESI]: 0x8ffc, [ECX]: 2000 }); // xor esi, 3; xor esi, 1
  });
  it('see what was written to a page that had no memory of its own before', () => {
    const written = [0x81, 0xf9, 100, 0, 0, 0, 0x75, MOV_EDI_ECX.length, ...MOV_EDI_ECX]; // cmp ecx, 100; jne past mov [edi], ecx
    bothDo([...written, ...ADD_EBX_AT_ESI], { [EBX]: 0, [ESI]: 0x20010, [EDI]: 0x20010, [ECX]: 2000 });
  });
  it('by a register that moves in long strides', () => {
    bothDo([...MOV_EAX_ESI, ...ADD_EBX_EAX, 0x81, 0xc6, 0, 3, 0, 0], { [EBX]: 0, [ESI]: 0x8000, [ECX]: 1000 }); // add esi, 0x300
  });
});
