/** A Chromium for the tests of the page, driven by Playwright. */
import { type Browser, chromium } from 'playwright-core';
import { ensureChromium } from '../../scripts/chromium.mjs';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** @throws Error that says how to get a Chromium */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await ensureChromium((text) => console.log(text));
  return chromium.launch({ executablePath, args: ARGUMENTS });
}
