/** The handlers of the instruction set, by number: the generated module and the translator have them from here. */
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import { enumerateHandlers, FIRST_HANDLER, type HandlerSet } from './variant.ts';

export const HANDLERS: HandlerSet = enumerateHandlers(INSTRUCTION_SET);

/** Table slots of the handlers of indirect jumps. */
export const INDIRECT_JUMPS: ReadonlySet<number> = new Set(
  HANDLERS.variants.flatMap(({ row }, n) => (row.mnemonic === 'JMP_INDIRECT' ? [FIRST_HANDLER + n] : [])),
);
