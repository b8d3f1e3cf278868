import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { buildX87Kernel } from '../cpu/x87/build-kernel.ts';
import { unpackKernel } from './linux.ts';

const LEAF = new WebAssembly.Module((await buildX87Kernel()) as BufferSource);
const unpack = (packed: Uint8Array): Promise<Uint8Array | undefined> => unpackKernel(packed, LEAF);

/** Bytes like those of code, of which many are calls and jumps, words, and a long run: what the packed ones below were made from. */
function original(): Uint8Array {
  const bytes: number[] = [];
  let x = 12345;
  const random = (below: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return (x >>> 16) % below;
  };
  const likeCode = [0xe8, 0xe9, 0x00, 0xff, 0x90, 0x41, 0x0f, 0x85];
  for (let n = 0; n < 600; n++) bytes.push(likeCode[random(8)]);
  for (let n = 0; n < 100; n++) {
    const distance = 4000 - (bytes.length + 1) - random(64) * 16;
    bytes.push(0xe8, ...[0, 8, 16, 24].map((shift) => (distance >>> shift) & 0xff), 0x89, 0xc3);
  }
  for (let n = 0; n < 60; n++) bytes.push(...new TextEncoder().encode(`The quick brown fox ${random(50)} `));
  return Uint8Array.from([...bytes, ...Array(3000).fill(0x61)]);
}
const ORIGINAL = original();

/** As the commands made them that are named, in base64. */
const PACKED = {
  // xz --check=crc32 --x86 --lzma2=preset=9
  'XZ with the filter for x86':
  '/Td6WFoAAAFpIt42AgEEACEBHACHbtrl4BYeAzldAHSkLdKBUFBNzYDeE1bzFQvB/mPNQp32/rucnQtSoGDtbgCyg9ZnL21Q/akynvO1/QxetDjn+Weezjx4HrQPqhAXAchJX1Bmv50rP232ba9+Og' +
  'UKTNxNgAet0XTwaqLbDb5uAPa5Ef19pmbSnxFF1MTIHeyZwSfWcnJHFrGBPDviVfNYLmeWLHsBzxIqc/zfW2pxXrX+7HjVFJ8GHGnU0A6iLWE7h2Vcfkx9DMa+rgn5SsXr4+mZ1bbpzNFvg+HpCGF4' +
  'TgptcIuotkBdr5zrflINNw3U00HWkHW0r19sySRJ7XHZnMVbyInIFREa4zmqGnFOr8W3zwAvDdvJe7f3c0T/K/2bVoH+Hm2H4MfAhHOfHqNtOjlCmoZgnvm98mk1pqExB+ND7FmtfhmnQihjmUHa1L' +
  'ZgCsnB3nKixSubfZRiqqGkTBFZinrAqC6BeitYzaeqOzufCMEz15QCUroFiYAuKwHgaIB07eWWBeg0iEG7oyrRWRHdzWoJUkgeFwM22b99N5XOday/I83fACrnOBHTznSSddzeiqT4gBhN2/k7oxPk' +
  'hAa7lUUhsisSaq0zOiSBBnakqzZCbTQg9N8eXMX+hoVTGdIHOcFumUWX7CGuGLG5tooZb54cXT8Zu1j15VlILR/h9551x/dPf/DzYDJDy6SpDf3Rwg0+mC93iTbdluZxUjLElzx2qJAEa1irMxN9T8' +
  '2n4/4v5Z6lKFO2D021nGbMg+qCZpEsH2ErGieMIVJGSy/dLEPnDQST6GSndKyAfnDJ0xFhrTQWi9BQNjoz4m2N8Za91N082W3cTQYVCsGfY/gXTDXrhNlE3mN/dpurL6r4s04vbAFJ0dW1oeaQ1Mow' +
  '+8yRYtGAVRwYbMAfRr6OqKhJEyupADRUmLJdJ6oiiRu9gtJ5MXzfmxMJctNtiz+MHLh/vNr+FLWvIuFvYSdkAIlFyILL2PtQZGR0JuriJlWtOXE4MXo+kGVgbJ3uggQkFn/hZJftldN6xYtiQe1BTt' +
  'UBCdaKTe5je3hTqXTbxXWOs0eXj1p709Sl20VlvqeQ4ST5F2mxexmIe0VM1bZpt4dUJXGJemRcYLv5kylXjJkOhxcJAAAAAAAhdTViAAHRBp8sAACBoANBPjANiwIAAAAAAVla',
  // xz --check=crc64 --lzma2=preset=0,lc=0,lp=2,pb=1
  'XZ without it, with other properties':
  '/Td6WFoAAATm1rRGAgAhAQwAAACPmEGc4BYeA08/AHSkDp+BMPehM9nAdYkysmQuz29rDGbhVcsiLaLP0aG8RhAqSbVoRrl5mi7sjAZQ73VONXVqHSaV4hmUrK7RICM/J56fjILmFeKeRp8MeA9am8' +
  'KxKJvSCW0PxGjdMLs6bRbIdKJBMyj/rmg/Q0RDlWaDdz3DEjuYOjzX9ZGM9a2ZfvkVhkNKhJ/6rUNvymyyxJZgwHiLuE0rZKSIFcxLXexIYfV9piwYX5vSK3d1myahQ2Q8q84IF4s0bVixPL49bT/d' +
  '4RoaT2NAL5GEAP1uNecXSXBua7vi07AQ01w6WozqvbbJFjn383TTxd4UFGG6ul5IjQ4iRPwMjK0la3O7EIy2iXpR562qgNYBgiiBmCuGWDKvQAb8j4YHc350Q8iClwmEmRWZLx+1JHWeiOf4P/qucA' +
  'KCWUxBzpm+x6GwuUewCzi/oO1o763m7p0C9mf3VxBLcDbVOWtLN4E553QsrcsMFUgFF2tkiNMyuE9+sd3rIhFFaoyM70j21/kdEXeBGQbLgW7qxNU3MJt4KSivWvsE+1BFk5fENBsJo5lV4qLCUYYG' +
  'SAM+0j7ieivryFkcDgRc+OStanxGh0o7KyjOY5q6feRJM5M1+zHI4qJ8How+XFd3tOKnOLOCHYKR0RhaW1DLDZIF8EtZTmUs9vC0PpWHsnmhz9b6yqsWvsvvHaPhER8fln0zqWxYg+2TDNetEN3/ek' +
  'cZZQ+CcC8XNO1PoIa/3rTCXF/ThZvtjeCN2Qazj0ch2WSam1KmtsJHVx4tTBefbEXL7+lT0jn2GqJGIiWD95eUB8dNZ00/BiwVHgetT/J8vd9IWwhd1jhdIkV7P1XCAPM1MTaNaoW7t28bZMKowOy0' +
  'UdnrhMbd37gsPnEj2cg4ueWfZwi9fwrxfoSn0YiTE8HmvyMNwYLixZGZmBw3U55k47y7qoMPNhgWpNeDG52CYhVmFzhNoRIV9+5QPgLb1+lbry4kSkvNnihRrIqLEnWYxmiH4cF1TsCtxQE+DjNMvI' +
  'KPkOMFIQeY6WBsh2mFbdZbSPZRmLn9GCXv0+NrSFj16hiSyAvtMsMq1zSLaT4VVrZw7sMsGUBYzQj72QdhMFYKqvXVlb45vfMIOYgrGPH4W2/MfHQV0jp0rhgAADlqosi8qZk9AAHrBp8sAABKhOLk' +
  'scRn+wIAAAAABFla',
  // zstd -19
  Zstandard:
  'KLUv/WQfFRUWAHbwfjUQWTIcCikaX+6FWgXQEOqauOgJuT7Uy3rmRJuiaU4prkIq98iVFqrVGIRsDURFG1x4FL59MlUAVABVAHa0qvmMvSKx9jreZ9tdkZ3Hu6/zRvf39f6m6q099ax05ppYtKPtdB' +
  'NPVbvX/UxqedUWj2RFV8ablYznK1HtrqRqjzaqY7V3ybbrp/P1Lb/+0RHVZg5Xvdba87E1G+nq1/pLu/4iu5WdReKPLF1Hd5PPVj3rzq7LHtWu7V833hWNL6srul80mYyKvaOe3e7Jfc3T9Wr9RVe2' +
  'XtU0lbG/1m3ma/E81yWN6AZnVDQb/aa/7GT20+/MZOZts9lVSdVTWXXn2ZH1RT/2JDpbUU/EOtZpLv41tko1/2w32oms6G47eduLVdJbLPImm8s8u3g3/a5Pem+a9V7ti+yL6lgBIDQum83j0tKB4b' +
  'xoOh0OzKbzvHQ4TwvneV6e53laXDacl06ETadl0+k8MC4dCBwNZ6OJEVNCwwJGTIsQGhUiULiQ0ZA4seGxEhNEjFjhpJB5ienQY8OOHzU0FRgwGbBCwQyVayDkwR0ogsSJDhZBrOCYqSgYhNigMATA' +
  'hSk6JEDwEMCAjIUPWGwQyCElQYEMMxhwsIJjZrPAh4AsI6rIaJIByg0jPIAk0UBjwoseVxwYeFLgwoEpt6QGEYIjR66iBYCOqEHIq/61MwaQkEyN0wESyKANJ8IjlJr41xu7AbQjG2Eo+mVEWsWRKD' +
  'Qifi6kxSiKxJ+cG0lslCKEGjBoqPWrfWnucVFf3g/NbvwQZCCoW1btSfqupvfMCZF4lkxjOBT2LnATa86mgR9apznWb6Jiiddx75JimgtQAZGZpvyZXsxsPV5RYdx1gmuRg2ggOguJYnCA5yJBS4zV' +
  'jUFXiNqYBvZ7NNavqAsmeBE4i/2hS2Kphm/atTpTBmXTqzw3avwHVAM97U2w',
  // lz4 -l -9
  LZ4:
  'AiFMGMAEAADwKumQkOmFAADoAOj/6YX/6UGF/4Xo6egA//9B6enp6QCF6f+FhUEP6EEAkOkP6IWFQQAPhejokIUAACcA8B8PkACFkJD/D5BB6ABBkAAP6A9BhYVB6A+FhQAP6ej/6EH/6JCFQQD/Dw' +
  'Dp/wD/QgAikA8MAPAWQQ8A6YXpkOgAhZDohQD/hYWQ/4VBAOn//4X/Qf+F///oAJD/DwsA8ADp/w/oD/+QAEHo6JDp6egPAPAYQf+QhQ8AD0HohQ+Q6OmQhUGQD+iQhekPAJAPD4XphenoD/8PQYXo' +
  '2gDyA/9Bhej/hQ+QQQDpD+mFQeiFkHYAEOmxAPAH//9BhUH/QekP/w/phf+F6QD/henp/5AA8Bfo6IUPQQCQAOkA6Q9B/+n/AEHoQZBB/w+QD0Ho6A+Q/0H//4WFhQcBIeiFcwDwC+no6EEP/4VBkO' +
  'no6QDp/+gA6EHpD4UPD+j/qQBxD/+QQZD/kHIAUenpD4X/lwDxB0HoAA+Q6ZCFhQ/o6eiFhZCFheiFQehsAWBB/4UPD0F6AfAD/+iFkJAP6f+F/wAP/+mF6f//XwCgD0Hp6egP6UHpkG4AUA8PQQ9B' +
  'IQBghUEPQf+QEQAABgABkwHwDQD/kA+Q/5Dp6P/pkIUAhUGFD5CF//8PQemQD/9rAGAPAAD/hQC4AIAAAA//hQ/o/30AsJAA6JDoD//oQUEPnQEA9QHxDEHokJDpkOnp/w/pkADpkOjo/wD//5CQAP' +
  '+QQZQAUP8AkOmQNQHxAuiQD0FB6QDotwwAAInD6OALBwAhSQkHACHSCgcAEisHABL0BwASnQcAEnYqABI/DgASiDEAElFGABK6HAASowcAEpwcABK1DgASjgcAEtcVABJQBwASyQcAEoI/ABLrDgAS' +
  'ZA4AEv0OABIGBwASnz8AEhh3ABIxFQASiioAEpMOABLsHAASVRUAEh4xABKHFQASUAcAEgkVABISMQAS2wcAIZQIBwASjSMAEvYHABJfFQASSAcAEnEHABIKMQASAwcAElwVABI1DgASPlsAEpcOAB' +
  'LgBwASSRUAEgIOABKrDgASRA4AEo0HABKmRgASTw4AEtgOABJBhQApigvgAAIHABKlBwAobglwABLQMQASuT8AErIHABkL4AASLQcAEqYVACgfC3AAE+FwAAIHABITHAAhbAcHACjFCFABEkc/ABIg' +
  'FQASiQ4AEqIOABKbMQASVA4AEp0OABJWIwASb1sAEjgOABJxDgASaioAEzPgAAIOABK1DgASrgcAEmdGABLAHAAS6Q4AETIcAP8IVGhlIHF1aWNrIGJyb3duIGZveCAxMyAXAAEvMzUXAAIvNDcXAA' +
  'IfORYAAi8yNEQAAx8xFwADDxYAAh8wLAADD54AAy8xNi4AAw8XAAQfOMwAGB8ztQADLzM34wAZD80AAy8yMlQBGR8yzAAZDy0AAx84tAAZHzIJAhofMlwAAy8zMLABGQ9bAAMfNeIAAw+XARkfM1QB' +
  'Ax80ngAEHzieABgfMhcAAw8fAhoPqAIELzE5mQEaD/oAAx80TgIaLzQgKwQZHzigABkvMzmhABkvNDB+AgQPQwRFHzKbAQMvMTDfAQQfYQEA//////////////+qUGFhYWFh',
};

/** With the size behind it, as Linux's build puts it there. */
function withSize(packed: Uint8Array, size = ORIGINAL.length): Uint8Array {
  const bytes = new Uint8Array(packed.length + 4);
  bytes.set(packed);
  new DataView(bytes.buffer).setUint32(packed.length, size, true);
  return bytes;
}

function damage(packed: Uint8Array, at: number): Uint8Array {
  const damaged = packed.slice();
  damaged[at] ^= 0x55;
  return damaged;
}

describe.each(Object.entries(PACKED))('a kernel packed by %s', (name, text) => {
  const packed = withSize(Buffer.from(text, 'base64'));

  it('is unpacked', async () => expect(await unpack(packed)).toEqual(ORIGINAL));
  it('is left to the guest where it is damaged, and nothing throws', async () => {
    for (let at = 8; at < packed.length - 40; at += 7) {
      const unpacked = await unpack(damage(packed, at));
      // Only some have checks, and those are looked at; of others the length is right.
      if (unpacked && name.includes('x86')) expect(unpacked).toEqual(ORIGINAL);
      else expect(unpacked?.length ?? ORIGINAL.length).toBe(ORIGINAL.length);
    }
    for (const length of [12, 100, packed.length >> 1]) expect(await unpack(withSize(packed.subarray(0, length)))).toBeUndefined();
  });
});

it('a kernel packed by gzip is unpacked, or left to the guest where it is damaged', async () => {
  const packed = gzipSync(ORIGINAL);
  expect(await unpack(packed)).toEqual(ORIGINAL);
  for (let at = 12; at < packed.length - 4; at += 7) expect(await unpack(damage(packed, at)), `byte ${at}`).toBeUndefined();
});
it('a kernel packed otherwise is left to the guest', async () => {
  expect(await unpack(Uint8Array.of(0x42, 0x5a, 0x68, 0x39, 1, 2, 3, 4, 5, 6, 7, 8))).toBeUndefined();
  expect(await unpack(new Uint8Array(0))).toBeUndefined();
});

it('an LZ4 block that is longer than what comes out at once is unpacked', async () => {
  /** So many literals, counted up, then a match. */
  const sequences = [{ literals: 20, distance: 20, length: 70_000 }, { literals: 3, distance: 7, length: 66_000 }, { literals: 1, distance: 65_535, length: 300 }];
  const long = (length: number): number[] => (length < 15 ? [] : [...Array(Math.floor((length - 15) / 255)).fill(255), (length - 15) % 255]);
  const packed: number[] = [];
  const original: number[] = [];
  for (const { literals, distance, length } of sequences) {
    const plain = Array.from({ length: literals }, (_, n) => (n * 7 + original.length) & 0xff);
    packed.push((Math.min(literals, 15) << 4) | 15, ...long(literals), ...plain, distance & 0xff, distance >> 8, ...long(length - 4));
    original.push(...plain);
    for (let n = 0; n < length; n++) original.push(original[original.length - distance]);
  }
  packed.push(0x10, 42);
  original.push(42);
  const frame = [0x02, 0x21, 0x4c, 0x18, packed.length & 0xff, packed.length >> 8, 0, 0, ...packed];
  expect(await unpack(withSize(Uint8Array.from(frame), original.length))).toEqual(Uint8Array.from(original));
});
