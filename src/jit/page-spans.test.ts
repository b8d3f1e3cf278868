import { describe, it } from 'vitest';
import { bothDo, EAX, EBX, ECX, EDI, EDX, ESI, ESP } from './loop-fixture.ts';

describe('accesses by one register', () => {
  const READ_AND_WRITE = [0x8b, 0x06, 0x03, 0x46, 0x08, 0x31, 0x46, 0xfc, 0x01, 0x46, 0x20]; // mov eax, [esi]; add eax, [esi+8]; xor [esi-4], eax; add [esi+32], eax
  it.each([0x8100, 0x8ffc, 0x8ff8, 0x8fe0, 0x9000, 0x9002])('read and write what they should, in one page or two, from %i', (at) => {
    bothDo(READ_AND_WRITE, { [ESI]: at, [ECX]: 2000 });
  });
  it.each([0x9000, 0x9004, 0x900a])('push and pop, from %i', (top) => {
    bothDo([0x50, 0x51, 0x56, 0x8b, 0x44, 0x24, 0x04, 0x5b, 0x5a, 0x58, 0x01, 0xd0], { [ESP]: top, [ESI]: 77, [ECX]: 2000 }); // push eax, ecx, esi; mov eax, [esp+4]; pop ebx, edx, eax; add eax, edx
  });
  it('see what was written to a page that had no memory of its own before', () => {
    // mov eax, [esi]; add eax, [esi+4]; mov [edi], ecx; add edx, [esi]; add esi, 4096; add edi, 4096
    const body = [0x8b, 0x06, 0x03, 0x46, 0x04, 0x89, 0x0f, 0x03, 0x16, 0x81, 0xc6, 0, 0x10, 0, 0, 0x81, 0xc7, 0, 0x10, 0, 0];
    bothDo(body, { [EAX]: 0, [EDX]: 0, [ESI]: 0x20000, [EDI]: 0x20000, [ECX]: 200 });
  });
  it('write on one path only', () => {
    // mov eax, [esi]; add eax, [esi+4]; test cl, 3; jnz +5; mov [esi+8], eax; add ebx, eax; add ebx, [esi+8]
    bothDo([0x8b, 0x06, 0x03, 0x46, 0x04, 0xf6, 0xc1, 0x03, 0x75, 0x05, 0x89, 0x46, 0x08, 0x01, 0xc3, 0x03, 0x5e, 0x08], { [EBX]: 0, [ESI]: 0x8000, [ECX]: 2000 });
  });
});
