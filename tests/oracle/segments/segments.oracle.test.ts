/** Segment limits, types and privilege against the model of the manual, which needs no reference. */
import { expect, it } from 'vitest';
import { SegmentCampaign } from './compare.ts';

const SEED = Number(process.env.ORACLE_SEED ?? '1');

it(`segments do what the manual's model does, seed ${SEED}`, () => {
  const report = new SegmentCampaign(SEED).run(60_000);
  expect(report.findings).toEqual([]);
  expect(Math.min(report.accesses, report.loads, report.inspections * 10, report.faults)).toBeGreaterThan(5000);
});
