/** A fixed-seed share of the system's cases; `npm run test:oracle -- --only system` runs on. Skipped where there is no QEMU. */
import { expect, it } from 'vitest';
import { hasQemu } from '../available.ts';
import { SystemCampaign } from './campaign.ts';

const SEED = Number(process.env.ORACLE_SEED ?? '1');

it.skipIf(!hasQemu())(`single instructions at level 0 and in real mode agree with QEMU, seed ${SEED}`, async () => {
  const campaign = new SystemCampaign({ seed: SEED, tiers: ['block'], perForm: 1 });
  await campaign.run();
  expect([...campaign.findings.values()].map((f) => f.example)).toEqual([]);
  expect(campaign.cases).toBeGreaterThan(4000);
});
