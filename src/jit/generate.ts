/** From regions to a WebAssembly module with functions for each (see region-code.ts for how they are entered and left). */
import * as L from '../cpu/layout.ts';
import { MODE_CODE32, MODE_CODE64, MODE_FLAT } from '../cpu/mode.ts';
import { DISPATCH, HANDLER_SIGNATURE, tlbEntry } from '../interp/record-ops.ts';
import type { I32, I64, Int } from '../isa/ops.ts';
import { FunctionBuilder, type Label, type Variable } from '../wasm/function.ts';
import type { IntType } from '../wasm/opcodes.ts';
import { type FunctionBody, ModuleBuilder } from '../wasm/module.ts';
import { type BasicBlock, type CodeRecord, pageOf, type Region, type RegionEntry, successors, variantOf } from './region.ts';
import { MAX_ENTRIES } from './graph.ts';
import { Neighbours } from './neighbours.ts';
import { RegionCode, type RegionFunction } from './region-code.ts';
import type { FlagForm } from './region-flags.ts';
import { type Edges, RegionOps } from './region-ops.ts';
import { type EdgeKind, Structure } from './structure.ts';
import { Summaries } from './summary.ts';
import { stackDepths } from './x87-depth.ts';

/** EIP of a page's first byte up to which no branch inside the page wraps around at 64 KiB. */
const LAST_PLAIN_PAGE = 0xf000;
/** An entry function tells the region where to begin: number in its table of targets, and number of the page above. */
const TARGET_BITS = 8;
const FSW_ES = 0x80;

const summaries = new Summaries();

/** Name of the export by which entry `entry` of region `region` of a module is called. */
export const exportName = (region: number, entry: number): string => `${region}.${entry}`;

/** Looks on while the function of a region is made. */
export interface GenerationObserver {
  /** What is to stand in the place of the function's builder. */
  watch(e: RegionFunction): RegionFunction;
  /** From now on, what is emitted belongs to this instruction; to none of them where control comes in and leaves. */
  instruction(record: CodeRecord | undefined): void;
}

export interface GeneratorOptions {
  /** The regions of the same module. */
  readonly neighbours?: Neighbours | undefined;
  readonly observer?: GenerationObserver | undefined;
}

/** The bytes of a module that exports a function for each entry of each region; imports as the interpreter's has them. */
export function generateModule(regions: readonly Region[]): Uint8Array {
  const module = new ModuleBuilder();
  const neighbours = new Neighbours(module);
  const generators = regions.map((region) => new RegionGenerator(module, region, { neighbours }));
  // The regions' functions come first, then those of entries, of regions that have such.
  let bodies = regions.length;
  const entries = generators.flatMap((generator, n) =>
    regions[n].entries.map((entry, i) => ({ generator, n, i, entry, body: generator.alone ? n : bodies++, name: exportName(n, i) })),
  );
  for (const { name, n, entry, body } of entries) neighbours.add(name, regions[n].mode, entry, body);
  for (const generator of generators) module.define(generator.generate());
  for (const { generator, n, i, entry, body, name } of entries) {
    if (!generator.alone) module.define(generator.entry(entry, i, n));
    module.export(name, body);
  }
  return module.finish();
}

/**
 * Node 0 of the graph is where control comes in, node n the region's block n - 1. A region with one way in is the function
 * of its entry. One with several begins with a table of targets, and has a small function for each entry; indirect jumps
 * and irreducible edges go by the table too.
 */
export class RegionGenerator {
  private readonly module: ModuleBuilder;
  private readonly region: Region;
  private readonly code: RegionCode;
  private readonly edges: number[][];
  /** Nodes that node 0 leads to: the entries first. */
  private readonly targets: number[];
  private readonly structure: Structure;
  /** Whether the flags are needed at the start of a node before they are set: read, or by a way out of the region. */
  private readonly flagsNeeded: readonly boolean[];
  /** How they are at the start of a node that paths meet at. */
  private readonly flagForms: readonly FlagForm[];
  /** Irreducible edges come back to node 0. */
  private comesBack = false;
  /** Most instructions from a node on to where the fuel is looked at again. */
  private readonly longest: readonly number[];
  /** Where regions have the x87 in locals: the register that is ST(0), by node. */
  private readonly depths: readonly number[] | undefined;
  private readonly labels: Label[] = [];
  /** Of headers, the outermost loop's first. */
  private readonly loops: Label[][] = [];
  /** Where node 0 goes: a number of a target, or, past those, the distance of an indirect jump's from the lowest one. */
  private readonly target: Variable<'i32'>;
  /** Address that the last indirect jump went to. */
  private readonly jumped: Variable<IntType>;
  private current = 0;
  private readonly observer: GenerationObserver | undefined;

  constructor(module: ModuleBuilder, region: Region, { neighbours, observer }: GeneratorOptions = {}) {
    this.module = module;
    this.region = region;
    this.observer = observer;
    const environment = region.mode & MODE_CODE64 ? 'long' : region.mode & MODE_FLAT ? 'flat' : 'segmented';
    this.depths = x87Depths(region);
    this.code = new RegionCode(module, environment, region, { x87: this.depths !== undefined, neighbours, watch: observer && ((e) => observer.watch(e)) });
    this.target = this.code.e.variable('i32', 'target');
    this.targets = [...new Set([...region.entries.map(({ block }) => block), ...region.jumpTargets])].map((block) => block + 1);
    this.jumped = this.code.e.variable(this.code.wide ? 'i64' : 'i32', 'jumped');
    this.edges = [this.targets, ...region.blocks.map((block) => [...successors(block).map((b) => b + 1), ...(block.jumps ? [0] : [])])];
    this.structure = this.reducible();
    for (const [n, { records }] of region.blocks.entries()) if (this.structure.isLooping(n + 1)) this.code.loopPages.note(records);
    this.flagsNeeded = this.neededFlags();
    this.flagForms = this.formsOfFlags();
    this.longest = this.longestPaths();
  }

  /** The region has one way in, which is its function. */
  get alone(): boolean {
    return this.targets.length === 1 && this.region.jumpTargets.length === 0;
  }

  /** The graph's structure, once the targets of irreducible edges are in the table. */
  private reducible(): Structure {
    for (;;) {
      const structure = new Structure(this.edges, !this.alone);
      const irreducible = structure.order.flatMap((from) => this.edges[from].filter((to) => structure.edge(from, to) === 'irreducible'));
      this.comesBack = irreducible.length > 0 || this.region.jumpTargets.length > 0;
      const more = irreducible.filter((to) => !this.targets.includes(to));
      if (more.length === 0) return structure;
      this.targets.push(...new Set(more));
    }
  }

  generate(): FunctionBody {
    const { code, region } = this;
    const { e } = code;
    const entry = region.entries[0];
    const page = this.pageOf(entry);
    if (this.alone) this.guard(e, entry);
    code.frame(this.alone ? region.pages[page].delta : 0, this.entryDepth(), () => {
      const first = e.param(0, 'i32');
      if (!this.alone) e.set(this.target, e.binary('and', first, e.i32((1 << TARGET_BITS) - 1)));
      if (region.pages.length > 1) {
        const number = this.alone ? e.i32(page) : e.binary('shrU', first, e.i32(TARGET_BITS));
        e.set(code.pages, e.binary('shl', e.i32(1), number));
      }
      this.tree(0);
      this.observer?.instruction(undefined);
    });
    return e.finish();
  }

  /** Which x87 register is ST(0) where the region is entered. */
  private entryDepth(): I32 {
    const { e } = this.code;
    const depths = this.region.entries.map(({ block }) => this.depths?.[block + 1] ?? 0);
    if (depths.every((depth) => depth === depths[0])) return e.i32(depths[0]);
    // Four bits for each entry, of which there are at most 16.
    const all = e.i64(BigInt.asIntN(64, depths.reduceRight((packed, depth) => (packed << 4n) | BigInt(depth), 0n)));
    const n = e.binary('and', e.param(0, 'i32'), e.i32(MAX_ENTRIES - 1));
    return e.binary('and', e.convert('wrap', e.binary('shrU', all, e.convert('extendU', e.binary('shl', n, e.i32(2))))), e.i32(7));
  }

  /** The function of an entry of a region with several. */
  entry(entry: RegionEntry, n: number, body: number): FunctionBody {
    const f = new FunctionBuilder(this.module, HANDLER_SIGNATURE);
    const cpu = f.param(1, 'i32');
    const page = this.pageOf(entry);
    const { delta } = this.region.pages[page];
    this.guard(f, entry);
    if (delta !== 0 && this.code.wide) f.store('i64', cpu, f.binary('sub', f.load('i64', cpu, L.IP_BASE), f.i64(delta)), L.IP_BASE);
    else if (delta !== 0) f.store('i32', cpu, f.binary('sub', f.load('i32', cpu, L.IP_BASE), f.i32(delta)), L.IP_BASE);
    f.returnCallDefined(body, [f.i32(n | (page << TARGET_BITS)), cpu, f.param(2, 'i32')]);
    return f.finish();
  }

  private pageOf(entry: RegionEntry): number {
    const offset = this.region.blocks[entry.block].records[0].offset;
    return this.region.pages.findIndex(({ delta }) => delta === pageOf(offset));
  }

  /** Before anything: does the fuel cover the region up to where it is looked at again? If not, the interpreter goes on. */
  private guard(e: FunctionBuilder, entry: RegionEntry): void {
    const [record, cpu, fuel] = [0, 1, 2].map((n) => e.param(n, 'i32'));
    const short = e.compare('ltS', fuel, e.i32(this.longest[entry.block + 1]));
    const wraps = e.compare('gtU', e.load('i32', cpu, L.IP_BASE), e.i32(LAST_PLAIN_PAGE));
    const inPlainPage = this.region.mode & (MODE_CODE32 | MODE_CODE64) ? short : e.binary('or', short, wraps);
    const pending = (): I32 => e.binary('and', e.load('u16', cpu, L.FSW), e.i32(FSW_ES));
    const declined = this.depths ? e.binary('or', inPlainPage, pending()) : inPlainPage;
    e.ifRarely(declined, () => e.returnCall(DISPATCH, [e.i32(entry.handler), record, cpu, fuel]));
  }

  /** The code of a node and of all that it dominates. */
  private tree(node: number): void {
    if (!(node === 0 ? this.comesBack : this.structure.isHeader(node))) return this.withMerged(node, 0);
    this.code.flags.join(this.flagForms[node]);
    this.loops[node] = [];
    this.loop(node, node === 0 ? 1 : this.structure.loopsAt(node));
  }
  private loop(node: number, loops: number): void {
    if (loops === 0) return this.withMerged(node, 0);
    this.code.e.loop((label) => {
      this.loops[node].push(label);
      this.loop(node, loops - 1);
    });
  }
  private withMerged(node: number, from: number): void {
    const behind = this.structure.merged[node][from];
    if (behind === undefined) return node === 0 ? this.start() : this.block(node);
    this.code.e.block((label) => {
      this.labels[behind] = label;
      this.withMerged(node, from + 1);
    });
    this.code.join(this.flagForms[behind]);
    this.tree(behind);
  }

  private start(): void {
    const { code, targets } = this;
    code.join(this.flagForms[0]);
    const { e } = code;
    if (this.alone) return this.tree(targets[0]);
    const labels = targets.map((to) => this.labels[to]);
    if (this.region.jumpTargets.length === 0) return e.branchTable(labels, e.get(this.target));
    e.block((elsewhere) => {
      const byOffset = new Map(this.region.jumpTargets.map((block) => [this.placeOf(block), this.labels[block + 1]]));
      const { lowest, span } = this.jumpRange();
      e.branchTable([...labels, ...Array.from({ length: span }, (_, n) => byOffset.get(lowest + n) ?? elsewhere)], e.get(this.target));
    });
    const jump = this.region.blocks.find((block) => block.jumps) as BasicBlock;
    this.setDepth(this.region.jumpTargets[0] + 1);
    code.leaveTo(e.get(this.jumped), jump.records[jump.records.length - 1], 0);
  }

  private placeOf(block: number): number {
    return this.region.blocks[block].records[0].offset;
  }
  /** Places of the jump targets: the lowest one, and bytes up to the highest one and it. */
  private jumpRange(): { lowest: number; span: number } {
    const places = this.region.jumpTargets.map((block) => this.placeOf(block));
    const lowest = Math.min(...places);
    return { lowest, span: Math.max(...places) - lowest + 1 };
  }

  /** An indirect jump goes on in the region if its target is one of those that were thought of. */
  private jump(to: Int, record: CodeRecord): void {
    const { code } = this;
    const { e } = code;
    const { lowest, span } = this.jumpRange();
    const far = e.binary('sub', to, code.ipAt(lowest));
    e.ifRarely(e.compare('geU', far, code.wide ? e.i64(span) : e.i32(span)), () => code.leaveTo(to, record, 1));
    const pages = this.region.jumpTargets.reduce((all, block) => all | this.region.blocks[block].pages, 0);
    this.checkPages(pages & ~this.blockOf(this.current).pages, () => code.leaveTo(to, record, 1));
    if (this.flagsNeeded[0]) code.flags.toAny();
    e.set(code.fuel, code.fuelAfter(1));
    code.retired = 0;
    e.ifRarely(e.compare('ltS', e.get(code.fuel), e.i32(this.longest[0])), () => code.leaveSpentTo(to, record));
    e.set(this.jumped, to);
    const distance = far.type === 'i64' ? e.convert('wrap', far as I64) : (far as I32);
    e.set(this.target, e.binary('add', distance, e.i32(this.targets.length)));
    e.branch(this.loops[0][0]);
  }

  private blockOf(node: number): BasicBlock {
    return this.region.blocks[node - 1];
  }

  private setDepth(node: number): void {
    if (this.depths && this.code.x87) this.code.x87.depth = this.depths[node];
  }

  private block(node: number): void {
    const { code } = this;
    this.setDepth(node);
    const outer = this.current;
    this.current = node;
    const block = this.blockOf(node);
    const read = usedAfter(block, this.readAtEnd(node), 'needs');
    for (const [i, record] of block.records.entries()) {
      this.instruction(block, record, read[i]);
      if (code.dead) break;
      code.retired++;
    }
    code.checks.flush();
    if (!code.dead) this.fallThrough(block);
    this.current = outer;
    // The branch that led here goes on.
    if (outer > 0) this.observer?.instruction(this.blockOf(outer).records.at(-1));
  }

  private instruction(block: BasicBlock, record: CodeRecord, flagsRead: boolean): void {
    const { code } = this;
    this.observer?.instruction(record);
    const variant = variantOf(record);
    // What this mode refuses.
    if (!variant) return code.leaveAt(record);
    const { flags } = code;
    if (variant.repeat !== 'none' || record === block.records.at(-1)) code.checks.flush();
    code.checks.begin();
    const summary = summaries.of(record);
    flags.begin();
    flags.keepsCarry = summary.keepsCarry;
    flags.unread = !flagsRead && !summary.readsOwn;
    flags.eager = summary.setsSome && !flags.unread;
    if (flags.eager) {
      // What waits goes back to the flags that are in locals.
      code.checks.flush();
      flags.toWhole();
    }
    const ops = new RegionOps(code, record, variant, flags, this.edgesOf(block, record), this.structure.isLooping(this.current));
    variant.row.body(ops);
    flags.unread = flags.eager = false;
    if (variant.repeat !== 'none' && !code.dead) this.recount(record);
  }

  private edgesOf(block: BasicBlock, record: CodeRecord): Edges {
    const { code } = this;
    const taken = record === block.records[block.records.length - 1] ? block.taken : undefined;
    return {
      direct: taken !== undefined,
      branch: () => {
        if (taken === undefined) return false;
        this.transition(taken + 1, 1);
        return true;
      },
      jump: (to) => {
        if (block.jumps) {
          this.jump(to, record);
          return true;
        }
        if (block.expected === undefined) return false;
        const expected = code.ipAt(this.placeOf(block.expected));
        code.e.ifRarely(code.e.compare('ne', to, expected), () => code.leaveTo(to, record, 1));
        this.transition(block.expected + 1, 1);
        return true;
      },
    };
  }

  /** After a repeated instruction: the fuel may not cover the rest of the path any more. */
  private recount(record: CodeRecord): void {
    const { code } = this;
    const { e } = code;
    const offset = record.offset + record.length;
    e.ifRarely(e.compare('ltS', code.fuelAfter(1), e.i32(this.longest[this.current])), () => code.leaveSpent(offset, record, 1));
  }

  private fallThrough(block: BasicBlock): void {
    if (block.next !== undefined) return this.transition(block.next + 1, 0);
    this.code.leaveTo(this.code.ipAt(block.nextOffset as number), block.records[block.records.length - 1], 0);
  }

  /** Control goes on to a node, `more` instructions being done that are not counted in `retired`. */
  private transition(to: number, more: number): void {
    const { code } = this;
    const { e } = code;
    const kind: EdgeKind = this.structure.edge(this.current, to);
    const first = this.blockOf(to).records[0];
    const from = this.blockOf(this.current).records;
    this.checkPages(this.otherPages(this.current, to), () => code.leaveTo(code.ipAt(first.offset), from[from.length - 1], more));
    code.retired += more;
    if (kind === 'inline' && !this.structure.isHeader(to)) {
      this.tree(to);
      code.dead = true;
      return;
    }
    e.set(code.fuel, code.fuelAfter(0));
    code.retired = 0;
    if (this.flagsNeeded[to]) {
      if (kind === 'irreducible') code.flags.toAny();
      else code.flags.toLocals(this.flagForms[to]);
    }
    if (kind === 'inline') {
      code.join(this.flagForms[to]);
      this.tree(to);
      code.dead = true;
      return;
    }
    if (kind !== 'forward') e.ifRarely(e.compare('ltS', e.get(code.fuel), e.i32(this.longest[to])), () => code.leaveSpent(first.offset, first, 0));
    if (kind === 'irreducible') e.set(this.target, e.i32(this.targets.indexOf(to)));
    if (kind === 'forward') e.branch(this.labels[to]);
    else e.branch(kind === 'irreducible' ? this.loops[0][0] : this.loops[to][this.structure.loopOf(this.current, to)]);
  }

  /** Pages that a node lies in besides those of the current one. */
  private otherPages(from: number, to: number): number {
    return this.blockOf(to).pages & ~this.blockOf(from).pages;
  }
  /** Leaves when one of the pages, given as bits, is not mapped to the frame that its code was made from. */
  private checkPages(other: number, leave: () => void): void {
    const { code } = this;
    const { e } = code;
    for (const [n, page] of this.region.pages.entries()) {
      if (!(other & (1 << n))) continue;
      const known = () => e.get(code.pages);
      e.ifRarely(e.eqz(e.binary('and', known(), e.i32(1 << n))), () => {
        const linear = code.ipAt(page.delta);
        const low = linear.type === 'i64' ? e.convert('wrap', linear as I64) : (linear as I32);
        const entry = tlbEntry(e, e.get(code.tlbSet), low);
        const tagged = e.compare('eq', e.load(linear.type, entry, L.TLB_EXECUTE), linear);
        const same = e.compare('eq', e.binary('add', low, e.load('i32', entry, L.TLB_ADDEND)), e.i32(page.frame));
        e.ifRarely(e.eqz(e.binary('and', tagged, same)), leave);
        e.set(code.pages, e.binary('or', known(), e.i32(1 << n)));
      });
    }
  }

  // Flags and fuel

  /** Whatever leaves the region reads the flags, and so does a back edge, where the fuel may be spent. */
  private readAtEnd(node: number, needed: readonly boolean[] = this.flagsNeeded): boolean {
    const block = this.blockOf(node);
    const to = this.edges[node];
    const last = variantOf(block.records[block.records.length - 1]);
    const conditional = last?.row.attributes.has('branch') === true && !last.row.attributes.has('end');
    if (to.length < (conditional ? 2 : 1) || block.expected !== undefined || block.jumps) return true;
    return to.some((n) => needed[n] || this.otherPages(node, n) !== 0 || ['back', 'irreducible'].includes(this.structure.edge(node, n)));
  }
  private neededFlags(): boolean[] {
    // A jump to somewhere between the targets leaves.
    return this.liveness('needs', () => this.region.jumpTargets.length > 0, (node, needed) => this.readAtEnd(node, needed));
  }
  private formsOfFlags(): FlagForm[] {
    const used = (use: FlagUse): boolean[] => {
      const isUsed = (live: readonly boolean[]): boolean => this.region.jumpTargets.some((block) => live[block + 1]);
      return this.liveness(use, isUsed, (node, live) => this.edges[node].some((to) => live[to]));
    };
    const [read, kept] = [used('reads'), used('keepsCarry')];
    return this.edges.map((_, node) => (read[node] ? 'whole' : kept[node] ? 'carry' : 'deferred'));
  }
  /** For each node, whether flags from before it are used; `atStart` tells it for node 0, `atEnd` for the end of another one. */
  private liveness(use: FlagUse, atStart: (live: readonly boolean[]) => boolean, atEnd: (node: number, live: readonly boolean[]) => boolean): boolean[] {
    const live = this.edges.map(() => false);
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of [...this.structure.order].reverse()) {
        if (live[node]) continue;
        if (node === 0) live[0] = atStart(live);
        else {
          const block = this.blockOf(node);
          live[node] = usesBefore(block.records[0], usedAfter(block, atEnd(node, live), use)[0], use);
        }
        changed ||= live[node];
      }
    }
    return live;
  }

  private longestPaths(): number[] {
    const longest = this.edges.map(() => 0);
    for (const node of [...this.structure.order].reverse()) {
      if (node === 0) continue;
      const on = this.edges[node].filter((to) => ['inline', 'forward'].includes(this.structure.edge(node, to)));
      longest[node] = this.blockOf(node).records.length + Math.max(0, ...on.map((to) => longest[to]));
    }
    longest[0] = Math.max(0, ...this.region.jumpTargets.map((block) => longest[block + 1]));
    return longest;
  }
}

/** For each node the x87 register that is ST(0) there; undefined where regions have none in locals. */
function x87Depths({ blocks, jumpTargets }: Region): number[] | undefined {
  const found = blocks.map(({ records }) => records.map((record) => summaries.of(record).x87));
  if (found.flat().some(({ touches }) => touches) || !found.flat().some(({ uses }) => uses)) return undefined;
  const moves = found.map((all) => all.reduce((sum, { moves }) => sum + moves, 0));
  const edges = blocks.map((block) => [...successors(block), ...(block.jumps ? jumpTargets : [])].map((to) => to + 1));
  return stackDepths([[], ...edges], [0, ...moves]);
}

/** What counts as a use of flags: that something needs them, a way out too; that an instruction reads them; that one keeps CF. */
type FlagUse = 'needs' | 'reads' | 'keepsCarry';

/** For each instruction, whether something uses the flags after it before they are all set. */
function usedAfter(block: BasicBlock, atEnd: boolean, use: FlagUse): boolean[] {
  const out: boolean[] = [];
  let used = atEnd;
  for (let i = block.records.length - 1; i >= 0; i--) {
    out[i] = used;
    used = usesBefore(block.records[i], used, use);
  }
  return out;
}
function usesBefore(record: CodeRecord, usedAfterwards: boolean, use: FlagUse): boolean {
  const summary = summaries.of(record);
  return summary[use] || (usedAfterwards && !summary.sets);
}
