/** The handlers of the instruction set, by number: the generated module and the translator have them from here. */
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import { HOT_HANDLERS } from './hot-handlers.ts';
import { FIRST_HANDLER, HandlerSet, type Variant } from './variant.ts';

export const HANDLERS = new HandlerSet(INSTRUCTION_SET, new Set(HOT_HANDLERS));

function slotsOf(belongs: (variant: Variant) => boolean): ReadonlySet<number> {
  const slots = new Set<number>();
  for (let handler = FIRST_HANDLER; handler < HANDLERS.end; handler++) if (belongs(HANDLERS.variant(handler) as Variant)) slots.add(handler);
  return slots;
}
/** Table slots of the handlers of indirect jumps, and of repeated instructions. */
export const INDIRECT_JUMPS = slotsOf(({ row }) => row.mnemonic === 'JMP_INDIRECT');
export const REPEATED = slotsOf(({ repeat }) => repeat !== 'none');
