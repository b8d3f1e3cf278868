import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, formatMips } from './format.ts';

describe('formats', () => {
  it('bytes with two or three digits', () => {
    expect([0, 1023, 1536, 39_936, 1_048_576, 50_331_648, 1024 ** 4].map(formatBytes)).toEqual([
      '0 bytes', '1023 bytes', '1.5 KiB', '39 KiB', '1.0 MiB', '48 MiB', '1.0 TiB',
    ]);
  });

  it('durations as clocks show them', () => {
    expect([0.9, 61, 3599, 3600, 36_061].map(formatDuration)).toEqual(['0:00', '1:01', '59:59', '1:00:00', '10:01:01']);
  });

  it('speeds', () => {
    expect([0, 9.87, 123.4].map(formatMips)).toEqual(['0.0', '9.9', '123']);
  });
});
