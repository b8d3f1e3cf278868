/** The handlers of the instruction set, by number: the generated module and the translator have them from here. */
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import { enumerateHandlers, FIRST_HANDLER, type HandlerSet, type Variant } from './variant.ts';

export const HANDLERS: HandlerSet = enumerateHandlers(INSTRUCTION_SET);

const slotsOf = (belongs: (variant: Variant) => boolean): ReadonlySet<number> =>
  new Set(HANDLERS.variants.flatMap((variant, n) => (belongs(variant) ? [FIRST_HANDLER + n] : [])));
/** Table slots of the handlers of indirect jumps, and of repeated instructions. */
export const INDIRECT_JUMPS = slotsOf(({ row }) => row.mnemonic === 'JMP_INDIRECT');
export const REPEATED = slotsOf(({ repeat }) => repeat !== 'none');
