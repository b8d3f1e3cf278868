/** The keystrokes that type a text on a keyboard with the US layout, for tests and for pasting into a screen. */

export interface Keystroke {
  /** As `KeyboardEvent.code`. */
  readonly code: string;
  readonly down: boolean;
}

const PLAIN: Readonly<Record<string, string>> = {
  ' ': 'Space', '\n': 'Enter', '\r': 'Enter', '\t': 'Tab', '\b': 'Backspace', '\x7f': 'Backspace', '\x1b': 'Escape',
  '-': 'Minus', '=': 'Equal', '[': 'BracketLeft', ']': 'BracketRight', '\\': 'Backslash', ';': 'Semicolon',
  "'": 'Quote', '`': 'Backquote', ',': 'Comma', '.': 'Period', '/': 'Slash',
};
const SHIFTED: Readonly<Record<string, string>> = {
  '!': 'Digit1', '@': 'Digit2', '#': 'Digit3', $: 'Digit4', '%': 'Digit5', '^': 'Digit6', '&': 'Digit7', '*': 'Digit8',
  '(': 'Digit9', ')': 'Digit0', _: 'Minus', '+': 'Equal', '{': 'BracketLeft', '}': 'BracketRight', '|': 'Backslash',
  ':': 'Semicolon', '"': 'Quote', '~': 'Backquote', '<': 'Comma', '>': 'Period', '?': 'Slash',
};

/** Characters that the layout does not have are left out; control characters A to Z are typed with Control. */
export function usKeystrokes(text: string): Keystroke[] {
  const strokes: Keystroke[] = [];
  for (const character of text) {
    const { code, modifier } = keyFor(character);
    if (code === undefined) continue;
    if (modifier !== undefined) strokes.push({ code: modifier, down: true });
    strokes.push({ code, down: true }, { code, down: false });
    if (modifier !== undefined) strokes.push({ code: modifier, down: false });
  }
  return strokes;
}

function keyFor(character: string): { code?: string | undefined; modifier?: string } {
  if (/^[a-z]$/.test(character)) return { code: `Key${character.toUpperCase()}` };
  if (/^[A-Z]$/.test(character)) return { code: `Key${character}`, modifier: 'ShiftLeft' };
  if (/^[0-9]$/.test(character)) return { code: `Digit${character}` };
  const plain = PLAIN[character];
  if (plain !== undefined) return { code: plain };
  const shifted = SHIFTED[character];
  if (shifted !== undefined) return { code: shifted, modifier: 'ShiftLeft' };
  const value = character.charCodeAt(0);
  if (value >= 1 && value <= 26) return { code: `Key${String.fromCharCode(0x40 + value)}`, modifier: 'ControlLeft' };
  return {};
}
