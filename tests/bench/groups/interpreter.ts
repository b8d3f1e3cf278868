/** The interpreter's rate beside that of the smallest one that runs the same loop, in Node and in Chromium. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BUILT } from '../artifacts.ts';
import type { Browser } from '../browser.ts';
import type { LoopRates } from '../interpreter/loop.ts';
import type { InterpreterPage } from '../pages/interpreter-page.ts';
import type { InterpreterResult, LoopResult } from '../results.ts';
import { median, rounded } from '../statistics.ts';

declare const interpreterPage: InterpreterPage;

const ITERATIONS = 10_000_000;

export async function benchInterpreter(browser: Browser, runs: number, say: (text: string) => void): Promise<InterpreterResult> {
  const node = summary(inNode(runs));
  say(`node: ${described(node)}`);
  const chromium = summary(await inChromium(browser, runs));
  say(`chromium: ${described(chromium)}`);
  return { node, chromium };
}

function inNode(runs: number): LoopRates {
  const args = [join(BUILT, 'interpreter-node.mjs'), BUILT, String(ITERATIONS), String(runs)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as LoopRates;
}

async function inChromium(browser: Browser, runs: number): Promise<LoopRates> {
  const page = await browser.open('bench/interpreter.html');
  const request = { codeUrl: '/bench/', iterations: ITERATIONS, repetitions: runs };
  const rates = await page.evaluate((loop) => interpreterPage.measure('/bench/interpreter-worker.js', loop), request);
  await page.close();
  return rates;
}

function summary(rates: LoopRates): LoopResult {
  const coracle = median(rates.coracle);
  const sketch = median(rates.sketch);
  return { coracle: rounded(coracle), sketch: rounded(sketch), ratio: rounded(coracle / sketch) };
}

const described = ({ coracle, sketch, ratio }: LoopResult): string => `${coracle} MIPS, the sketch's loop ${sketch} MIPS: ${ratio}`;
