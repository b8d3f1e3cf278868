/**
 * Records from templates (../template-layout.ts), documented in ../kernel-interface.ts: what makes most records of code that is new. As
 * WebAssembly it is fast from the first block of a guest on.
 */
import {
  REC_DISPLACEMENT, REC_HANDLER, REC_IMMEDIATE, REC_IMMEDIATE2, REC_INDEX, REC_LINK, REC_OFFSET, RECORD_SIZE,
} from '../record';
import {
  FAR_AHEAD, FILLED_BYTES_SHIFT, FILLED_END, FORM_BRANCHES, FORM_BYTES, FORM_DISPLACEMENT_SHIFT, FORM_ENDS, FORM_IMMEDIATE_SHIFT,
  FORM_RELATIVE, FORM_RIP, FORM_SIGNED, STEP_BITS, STEP_KEY, STEP_SIZE, STEP_TARGET, TEMPLATE_ADJUST, TEMPLATE_FORM,
} from '../template-layout';

function keyOf(node: i32, at: usize): u32 {
  return (node << 8) | load<u8>(at);
}
function stepOf(tables: usize, key: u32): usize {
  return tables + ((key * 0x9e3779b1) >>> (32 - STEP_BITS)) * STEP_SIZE;
}

/** The template for the bytes at `at`; 0: none is known. */
function templateOf(tables: usize, root: i32, at: usize, end: usize): usize {
  let node = root;
  for (; at < end; at++) {
    const key = keyOf(node, at);
    const step = stepOf(tables, key);
    if (load<u32>(step, STEP_KEY) != key) return 0;
    node = load<i32>(step, STEP_TARGET);
    if (node < 0) return tables + ~node;
  }
  return 0;
}

export function add_head(tables: usize, root: i32, at: usize, length: i32, nodes: i32, template: usize): i32 {
  let node = root;
  for (let left = length; left > 0; left--) {
    const key = keyOf(node, at++);
    const step = stepOf(tables, key);
    if (left == 1 || load<u32>(step, STEP_KEY) != key) {
      store<u32>(step, key, STEP_KEY);
      store<i32>(step, left == 1 ? ~(template - tables) : nodes++, STEP_TARGET);
    }
    node = load<i32>(step, STEP_TARGET);
  }
  return nodes;
}

/** The number in the up to four bytes before `end`, which other bytes lie before. */
function numberBefore(end: usize, bytes: i32, signed: i32): i32 {
  if (bytes == 0) return 0;
  const word = load<i32>(end - 4);
  const others = 32 - (bytes << 3);
  return signed ? word >> others : word >>> others;
}

export function fill_records(
  tables: usize, root: i32, at: usize, end: usize, stop: usize, out: usize, offset: i32, count: i32, limit: i32, edges: i32,
): i32 {
  const start = at;
  let filled = 0;
  while (filled < limit && at < stop) {
    const template = templateOf(tables, root, at, end);
    if (template == 0) break;
    const form = load<i32>(template, TEMPLATE_FORM);
    const displacementBytes = (form >> FORM_DISPLACEMENT_SHIFT) & FORM_BYTES;
    const immediateBytes = (form >> FORM_IMMEDIATE_SHIFT) & FORM_BYTES;
    const length = (form & FORM_BYTES) + displacementBytes + immediateBytes;
    const after = at + length;
    if (after > end) break;
    const displacement = numberBefore(after - immediateBytes, displacementBytes, 1);
    let immediate = numberBefore(after, immediateBytes, form & FORM_SIGNED);
    const next = offset + length;
    if (displacement > FAR_AHEAD || (form & FORM_RELATIVE && immediate > i32.MAX_VALUE - next)) break;
    if (form & FORM_RELATIVE) immediate += next;
    store<i64>(out, load<i64>(template, REC_HANDLER), REC_HANDLER);
    store<i32>(out, load<i32>(template, REC_INDEX), REC_INDEX);
    store<i32>(out, displacement + load<i32>(template, TEMPLATE_ADJUST) + (form & FORM_RIP ? next : 0), REC_DISPLACEMENT);
    store<i32>(out, immediate, REC_IMMEDIATE);
    store<i32>(out, form & FORM_BRANCHES ? edges : load<i32>(template, REC_IMMEDIATE2), REC_IMMEDIATE2);
    store<i32>(out, 0, REC_LINK);
    store<i32>(out, offset | (length << 16) | ((count + filled) << 24), REC_OFFSET);
    at = after;
    out += RECORD_SIZE;
    offset = next;
    filled++;
    if (form & FORM_ENDS) return ((at - start) << FILLED_BYTES_SHIFT) | FILLED_END | filled;
  }
  return ((at - start) << FILLED_BYTES_SHIFT) | filled;
}
