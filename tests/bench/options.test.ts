import { expect, test } from 'vitest';
import { GROUPS, parseOptions, UsageError } from './options.ts';

test('without options everything runs', () => {
  expect(parseOptions([])).toMatchObject({ groups: GROUPS, runs: 5, percent: 100, place: 'browser', json: undefined });
});

test('groups and machines are lists', () => {
  const options = parseOptions(['--group', 'integer,boot', '--machines', 'coracle,v86', '--runs', '3']);
  expect(options).toMatchObject({ groups: ['integer', 'boot'], machines: ['coracle', 'v86'], runs: 3 });
});

test('in Node the groups are those that need no browser', () => {
  const { groups } = parseOptions(['--in', 'node', '--cpu-prof', 'profiles']);
  expect(groups).toContain('integer');
  expect(groups).not.toContain('memory-use');
  expect(() => parseOptions(['--in', 'node', '--group', 'memory-use'])).toThrow(/browser/);
  expect(() => parseOptions(['--cpu-prof', 'profiles'])).toThrow(/--in node/);
});

test('what makes no sense is named', () => {
  expect(() => parseOptions(['--group', 'float'])).toThrow(/no group float/);
  expect(() => parseOptions(['--runs', '0'])).toThrow(UsageError);
  expect(() => parseOptions(['--runs'])).toThrow(/needs a value/);
  expect(() => parseOptions(['--fast', '1'])).toThrow(/unknown option/);
});
