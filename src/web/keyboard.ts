/**
 * The keyboard in front of the screen: an invisible text field over the canvas, so that a tap brings up the keyboard of
 * a phone, text can be pasted, and input methods work. Physical keys go to the guest as keys, everything else as text.
 */
import { isLeaveChord } from './terminal.ts';

export interface KeyboardOptions {
  readonly field: HTMLTextAreaElement;
  readonly hint: HTMLElement;
  readonly onKey: (code: string, down: boolean) => void;
  readonly onText: (text: string) => void;
  readonly onRelease: () => void;
  readonly onLeave: () => void;
}

const IDLE_HINT = 'Click to type into it';
const ACTIVE_HINT = 'Keys go to the machine; Ctrl+Alt+G leaves';

export function connectKeyboard({ field, hint, onKey, onText, onRelease, onLeave }: KeyboardOptions): void {
  hint.textContent = IDLE_HINT;
  field.addEventListener('focus', () => (hint.textContent = ACTIVE_HINT));
  field.addEventListener('blur', () => {
    hint.textContent = IDLE_HINT;
    onRelease();
  });
  field.addEventListener('keydown', (event) => {
    if (isLeaveChord(event)) {
      event.preventDefault();
      onLeave();
      return;
    }
    if (!belongsToGuest(event)) return;
    event.preventDefault();
    // The guest's keyboard repeats a key that is held by itself.
    if (!event.repeat) onKey(event.code, true);
  });
  field.addEventListener('keyup', (event) => {
    if (event.code === '' || event.isComposing) return;
    event.preventDefault();
    onKey(event.code, false);
  });
  field.addEventListener('input', (event) => {
    if ((event as InputEvent).isComposing) return;
    takeText();
  });
  field.addEventListener('compositionend', () => takeText());
  field.addEventListener('beforeinput', (event) => {
    // A phone's keyboard erases what is not in the field.
    if (event.inputType === 'deleteContentBackward') onText('\b');
  });

  function takeText(): void {
    const text = field.value;
    field.value = '';
    if (text !== '') onText(text);
  }
}

/** A phone's keyboard has no codes; combinations with the command key, and for pasting, are the browser's. */
function belongsToGuest(event: KeyboardEvent): boolean {
  if (event.code === '' || event.isComposing || event.key === 'Unidentified' || event.metaKey) return false;
  return !(event.ctrlKey && event.shiftKey && event.code === 'KeyV');
}
