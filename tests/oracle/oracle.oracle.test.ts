/** A fixed-seed share of the oracle; `npm run test:oracle` runs on. Parts whose reference is missing are skipped. */
import { describe, expect, it } from 'vitest';
import { hasHost, hasQemu, hasSegments } from './available.ts';
import { TIERS } from './coracle.ts';
import { Coverage, longForm } from './coverage.ts';
import { DecoderCampaign } from './decoder.ts';
import { LockstepCampaign, type LockstepReference } from './lockstep.ts';
import { LongCampaign, makeSubjects } from './long/campaign.ts';
import { ProgramCampaign } from './long/program-campaign.ts';
import { hostReference, qemuReference, type Reference } from './reference.ts';
import { SingleCampaign } from './single.ts';
import { checkVectors } from './vectors.ts';

const SEED = Number(process.env.ORACLE_SEED ?? '1');

/** What the tests of this file run, and the x87 and SIMD oracles beside it. */
const coverage = new Coverage();

async function single(reference: Reference, perForm: number): Promise<void> {
  const campaign = new SingleCampaign(reference, { seed: SEED, tiers: ['block'], perForm });
  await campaign.run();
  reference.executor.close();
  for (const [form, n] of campaign.coverage) coverage.add(reference.name, form, n);
  expect([...campaign.findings.values()].map((f) => f.example)).toEqual([]);
  expect(campaign.cases).toBeGreaterThan(2000);
}

async function lockstep(options: { reference: LockstepReference; selfModifying?: boolean }, programs: number): Promise<void> {
  const campaign = await LockstepCampaign.create({ ...options, seed: SEED, tiers: Object.keys(TIERS), programs });
  await campaign.run();
  campaign.close();
  expect(campaign.findings).toEqual([]);
}

describe(`oracle, seed ${SEED}`, () => {
  it.skipIf(!hasSegments())('single instructions agree with the host processor', () => single(hostReference(), 3));
  it.skipIf(!hasQemu())('single instructions agree with QEMU', async () => single(await qemuReference(), 1));

  it.skipIf(!hasHost())('single instructions of 64-bit code agree with the host processor', async () => {
    const subjects = makeSubjects(['block', 'step']);
    const campaign = new LongCampaign(subjects, { seed: SEED, perForm: 1 });
    await campaign.run();
    subjects.native.close();
    for (const [form, n] of campaign.coverage) coverage.add('host', longForm(form), n);
    expect([...campaign.findings.values()].map((f) => f.example)).toEqual([]);
    expect(campaign.cases).toBeGreaterThan(20_000);
  });

  it.skipIf(!hasSegments() || !hasQemu())('every row has cases in every form and size', () => {
    coverage.addFx(1, 1);
    expect(coverage.missing()).toEqual([]);
  });

  it.skipIf(!hasHost())('programs of 64-bit code agree with the host processor', async () => {
    const subjects = makeSubjects(Object.keys(TIERS));
    const campaign = new ProgramCampaign(subjects, { seed: SEED, programs: 512 });
    await campaign.run();
    subjects.native.close();
    expect(campaign.findings).toEqual([]);
  });

  it.skipIf(!hasSegments()).each([false, true])('programs agree with the host processor, self-modifying: %s', (selfModifying) => lockstep({ reference: 'host', selfModifying }, 128));
  it.skipIf(!hasQemu()).each([false, true])('programs agree with QEMU, self-modifying: %s', (selfModifying) => lockstep({ reference: 'qemu', selfModifying }, 128));

  it.each([16, 32, 64] as const)('decoding agrees with iced-x86 in %i bits', (size) => {
    const campaign = new DecoderCampaign(SEED);
    campaign.run(100_000, size);
    expect([...campaign.report.findings.values()].map((f) => f.example)).toEqual([]);
  });
});

describe('recorded vectors', () => {
  it.each(['host', 'qemu'])('agree with what %s gave', async (name) => {
    const { failures } = await checkVectors(new URL(`vectors/${name}.bin.gz`, import.meta.url), 'block');
    expect(failures).toEqual([]);
  });
});
