import { describe, expect, it } from 'vitest';
import { device, eisaId, integer, name, nameString, packageOf, resources, ioPorts, isaIrq, scope } from './aml.ts';
import { buildMicrovmTables } from './microvm-tables.ts';
import { buildPcTables } from './pc-tables.ts';
import { acpiFiles, placeAcpiTables, RSDP_ADDRESS } from './tables.ts';

const text = (bytes: Uint8Array, at: number, length: number): string => String.fromCharCode(...bytes.subarray(at, at + length));
const sum = (bytes: Uint8Array, at: number, length: number): number => bytes.subarray(at, at + length).reduce((a, b) => a + b, 0) & 0xff;

describe('AML encoder', () => {
  // Expected bytes as ACPICA's compiler makes them.
  it('encodes names, integers and identifiers', () => {
    expect(nameString('\\_S5')).toEqual([0x5c, 0x5f, 0x53, 0x35, 0x5f]);
    expect(nameString('\\_SB.PCI0')).toEqual([0x5c, 0x2e, 0x5f, 0x53, 0x42, 0x5f, 0x50, 0x43, 0x49, 0x30]);
    expect([integer(1), integer(5), integer(0x1234), integer(0x12345678)]).toEqual([
      [0x01], [0x0a, 0x05], [0x0b, 0x34, 0x12], [0x0c, 0x78, 0x56, 0x34, 0x12],
    ]);
    expect(eisaId('PNP0A03')).toEqual([0x0c, 0x41, 0xd0, 0x0a, 0x03]);
  });

  it('encodes package lengths of one and two bytes', () => {
    expect(packageOf(integer(0), integer(5))).toEqual([0x12, 0x05, 0x02, 0x00, 0x0a, 0x05]);
    const body = name('_STA', integer(15));
    const big = scope('\\_SB', ...Array.from({ length: 10 }, () => device('DEV0', body)));
    const length = 5 + 10 * 14 + 2;
    expect(big.slice(0, 3)).toEqual([0x10, 0x40 | (length & 15), length >> 4]);
    expect(big.length).toBe(length + 1);
  });

  it('encodes resource templates', () => {
    expect(resources(ioPorts(0x3f8, 8), isaIrq(4))).toEqual([
      0x11, 0x10, 0x0a, 0x0d, 0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08, 0x22, 0x10, 0x00, 0x79, 0x00,
    ]);
  });
});

describe('tables in memory', () => {
  const memory = new Uint8Array(0x100000);
  placeAcpiTables(buildPcTables({ ramBytes: 128 << 20 }), (address, bytes) => memory.set(bytes, address));
  const view = new DataView(memory.buffer);
  const word = (at: number): number => view.getUint32(at, true);
  const rsdt = word(RSDP_ADDRESS + 16);
  const fadt = word(rsdt + 36);

  it('start at an RSDP that a guest finds by scanning', () => {
    expect(RSDP_ADDRESS % 16).toBe(0);
    expect(text(memory, RSDP_ADDRESS, 8)).toBe('RSD PTR ');
    expect(sum(memory, RSDP_ADDRESS, 20)).toBe(0);
  });

  it('are linked, with good checksums', () => {
    const dsdt = word(fadt + 40);
    for (const [at, signature] of [[rsdt, 'RSDT'], [fadt, 'FACP'], [dsdt, 'DSDT']] as const) {
      expect(text(memory, at, 4)).toBe(signature);
      expect(sum(memory, at, word(at + 4))).toBe(0);
    }
    const facs = word(fadt + 36);
    expect([text(memory, facs, 4), facs % 64]).toEqual(['FACS', 0]);
  });

  it('tell of the APICs and the event timers [ACPI 2.0, 5.2.10]', () => {
    const madt = word(rsdt + 40), hpet = word(rsdt + 44);
    expect([text(memory, madt, 4), text(memory, hpet, 4)]).toEqual(['APIC', 'HPET']);
    expect([sum(memory, madt, word(madt + 4)), sum(memory, hpet, word(hpet + 4))]).toEqual([0, 0]);
    expect([word(madt + 36), word(hpet + 44)]).toEqual([0xfee00000, 0xfed00000]);
    const entries: number[][] = [];
    for (let at = madt + 44; at < madt + word(madt + 4); at += memory[at + 1]) entries.push([...memory.subarray(at, at + memory[at + 1])]);
    expect(entries.slice(0, 3)).toEqual([
      [0, 8, 0, 0, 1, 0, 0, 0], [1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0], [2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
    ]);
    expect(entries.length).toBe(8);
  });

  it('tell where the fixed hardware is', () => {
    expect([word(fadt + 56), word(fadt + 64), word(fadt + 76), word(fadt + 120)]).toEqual([0x600, 0x604, 0x608, 0xcf9]);
    expect(view.getUint16(fadt + 46, true)).toBe(9);
  });
});

it('the FADT says where firmware has put the power management registers', () => {
  const { tables } = buildPcTables({ ramBytes: 128 << 20, pmBase: 0xb000 });
  const at = text(tables, 0, tables.length).indexOf('FACP'), view = new DataView(tables.buffer);
  expect([56, 64, 76].map((offset) => view.getUint32(at + offset, true))).toEqual([0xb000, 0xb004, 0xb008]);
});

it('the loader script allocates, points and sums', () => {
  const files = acpiFiles(buildPcTables({ ramBytes: 128 << 20 }));
  const script = files.get('etc/table-loader')!;
  expect(script.length).toBe(14 * 128);
  const view = new DataView(script.buffer);
  const commands = Array.from({ length: 14 }, (_, i) => view.getUint32(128 * i, true));
  expect(commands).toEqual([1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3]);
  expect(text(script, 4, 13)).toBe('etc/acpi/rsdp');
  expect([view.getUint32(60, true), script[64]]).toEqual([16, 2]);
  const pointer = 7 * 128;
  expect(text(script, pointer + 60, 15)).toBe('etc/acpi/tables');
  expect([view.getUint32(pointer + 116, true), script[pointer + 120]]).toEqual([16, 4]);
});

describe('tables of the microvm', () => {
  const memory = new Uint8Array(0x100000);
  placeAcpiTables(
    buildMicrovmTables({ serialPorts: [[0x3f8, 4]], virtio: [{ base: 0xfeb00000, size: 0x200, irq: 5 }], eventIrq: 9 }),
    (address, bytes) => memory.set(bytes, address),
  );
  const view = new DataView(memory.buffer);
  const word = (at: number): number => view.getUint32(at, true);
  const fadt = word(word(RSDP_ADDRESS + 16) + 36);

  it('say that the hardware is reduced, and where sleep and reset registers are [ACPI 6.0, 5.2.9]', () => {
    expect([text(memory, fadt, 4), sum(memory, fadt, word(fadt + 4)), memory[fadt + 8]]).toEqual(['FACP', 0, 5]);
    expect(word(fadt + 112) & (1 << 20)).not.toBe(0);
    expect([word(fadt + 120), memory[fadt + 128], word(fadt + 248), word(fadt + 260)]).toEqual([0xfea00202, 0x42, 0xfea00200, 0xfea00201]);
  });

  it('describe the virtio devices', () => {
    const dsdt = word(fadt + 40);
    const found = Buffer.from(memory.subarray(dsdt, dsdt + word(dsdt + 4)));
    const crs = [0x86, 9, 0, 1, 0, 0, 0xb0, 0xfe, 0, 2, 0, 0, 0x89, 6, 0, 1, 1, 5, 0, 0, 0, 0x79, 0];
    expect([found.includes('LNRO0005'), found.includes(Buffer.from(crs)), found.includes('ACPI0013')]).toEqual([true, true, true]);
  });
});
