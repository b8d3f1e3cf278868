/**
 * Where regions of one module lead to each other, and to themselves: an edge to an entry of theirs is a direct tail call, while the entry
 * stands where the branch leads. Which entry that is, is a guess: by the page that its region knows, or by where it led when that was found.
 */
import { NOWHERE } from '../interp/installed-regions.ts';
import * as R from '../interp/record.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { branchOffset, type CodeRecord, hostOf, isReturn, pageOf, type Region, type RegionEntry } from './region.ts';

export interface Neighbour {
  /** Arena addresses of the entry's first byte of code, and of its record. */
  readonly host: number;
  readonly record: number;
  /** Its function, as `returnCallDefined` takes it. */
  readonly body: number;
  /** The module's global that has the slot in the record while the entry stands there; else NOWHERE. */
  readonly slot: number;
}

/** Name of the export of that global, where anything leads to the entry. */
export const slotName = (entry: string): string => `${entry}.slot`;

export class Neighbours {
  private readonly module: ModuleBuilder;
  private readonly entries: { readonly name: string; readonly mode: number; readonly entry: RegionEntry; readonly body: number }[] = [];
  private readonly known = new Map<RegionEntry, Neighbour>();

  constructor(module: ModuleBuilder) {
    this.module = module;
  }

  /** @param name that of the function's export; @param mode that of its region; @param body its number among the module's functions */
  add(name: string, mode: number, entry: RegionEntry, body: number): void {
    this.entries.push({ name, mode, entry, body });
  }

  /** The entry that a direct branch or a return of a region is thought to lead to. */
  of(branch: CodeRecord, region: Pick<Region, 'mode' | 'pages'>): Neighbour | undefined {
    const offset = branchOffset(branch);
    const isKnown = offset !== undefined && region.pages.some(({ delta }) => delta === pageOf(offset));
    const host = isKnown ? hostOf(region.pages, offset) : undefined;
    const link = linkOf(branch);
    // The same bytes are other code in another mode.
    const found = this.entries.find(({ mode, entry }) => mode === region.mode && (entry.host === host || entry.record === link));
    if (!found) return undefined;
    const { entry, body, name } = found;
    let neighbour = this.known.get(entry);
    if (!neighbour) {
      neighbour = { host: entry.host, record: entry.record, body, slot: this.module.exportGlobal(slotName(name), NOWHERE) };
      this.known.set(entry, neighbour);
    }
    return neighbour;
  }
}

/** The record that a branch had a link to; 0: none, or it has it elsewhere. */
function linkOf(branch: CodeRecord): number {
  const fields = new DataView(branch.bytes.buffer, branch.bytes.byteOffset);
  const isDirect = branchOffset(branch) !== undefined;
  const inPage = isDirect ? fields.getUint32(R.REC_LINK, true) : 0;
  if (inPage !== 0 || !(isDirect || isReturn(branch))) return inPage;
  return fields.getUint32(R.REC_TARGET, true) === 0 ? 0 : fields.getUint32(R.REC_TARGET_RECORD, true);
}
