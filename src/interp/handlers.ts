/** The handlers of the instruction set, by number: the generated module and the translator have them from here. */
import { INSTRUCTION_SET } from '../isa/instruction-set.ts';
import { enumerateHandlers, type HandlerSet } from './variant.ts';

export const HANDLERS: HandlerSet = enumerateHandlers(INSTRUCTION_SET);
