/**
 * Blocks whose code is written to again and again, as inline caches and addresses of calls in the code of compilers in the guest are:
 * the records of the changed instructions are made anew in their places, which costs less than to drop the block and make it again.
 */
import type { CodePage } from './code-page.ts';
import type { InstalledRegions } from './installed-regions.ts';
import * as R from './record.ts';
import type { Translator } from './translator.ts';
import { isCrossing } from './variant.ts';

/** The block has to go; it was patched, and executed since it was made or patched before; or it was not. */
export type Patched = 'impossible' | 'executed' | 'unused';

/** Bytes of a page that have changed, and the record that is executing, which nobody may touch but to stop what comes after it; 0: none. */
export interface Change {
  readonly page: CodePage;
  readonly start: number;
  readonly end: number;
  readonly executing: number;
}

/**
 * Patches the block of a mode that begins with a record: possible where instructions are as long as they were, and the block ends
 * where it did. No region is made from these bytes any more.
 */
export function patchBlock({ page, start, end, executing }: Change, mode: number, block: number, translator: Translator, regions: InstalledRegions): Patched {
  const { u8, u16, u32 } = translator.arena;
  const frame = page.frame >>> 0;
  let record = block;
  while (u8[record + R.REC_LENGTH] > 0 && u16[(record + R.REC_OFFSET) >>> 1] + u8[record + R.REC_LENGTH] <= start) record += R.RECORD_SIZE;
  for (; u8[record + R.REC_LENGTH] > 0 && u16[(record + R.REC_OFFSET) >>> 1] < end; record += R.RECORD_SIZE) {
    if (record === executing || regions.isCompiled(record)) return 'impossible';
    const handler = u32[record >>> 2];
    const length = u8[record + R.REC_LENGTH];
    const offset = u16[(record + R.REC_OFFSET) >>> 1];
    const result = translator.instruction(frame + offset, frame + 4096, mode, record, offset, u8[record + R.REC_COUNT]);
    if (result === 'truncated' || u8[record + R.REC_LENGTH] !== length) return 'impossible';
    // Instructions that end a block have handlers of their own.
    const isLast = u8[record + R.RECORD_SIZE + R.REC_LENGTH] === 0;
    if (u32[record >>> 2] !== handler && (isLast || result === 'ended')) return 'impossible';
  }
  while (u8[record + R.REC_LENGTH] > 0) record += R.RECORD_SIZE;
  if (isCrossing(u32[record >>> 2]) && u16[(record + R.REC_OFFSET) >>> 1] < end) return 'impossible';
  const hasLed = countAnew(record, translator);
  return countAnew(record - R.RECORD_SIZE, translator) || hasLed ? 'executed' : 'unused';
}

/** Edges that a record has led along are counted anew; true when there were any. */
function countAnew(record: number, translator: Translator): boolean {
  const { u32, i32 } = translator.arena;
  const edges = (record + R.REC_EDGES) >>> 2;
  if (!translator.counts(u32[record >>> 2]) || i32[edges] === translator.hotAfter) return false;
  i32[edges] = translator.hotAfter;
  return true;
}
