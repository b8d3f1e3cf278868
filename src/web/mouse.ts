/**
 * The mouse of the machine: captured over the screen when its button is pressed, so that it can move on and on and only
 * the guest shows a pointer. Escape, or leaving the page, sets it free, as browsers demand.
 */
import type { MouseMove } from '../devices/i8042/mouse.ts';

export interface MouseOptions {
  /** Takes the events while the mouse is captured. */
  readonly place: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly onMove: (move: MouseMove) => void;
  readonly onError: (error: unknown) => void;
}

/** The buttons of an event, bit by bit, are those of a PS/2 mouse [UI Events, MouseEvent.buttons]. */
const BUTTONS = 0x1f;

export function connectMouse({ place, button, onMove, onError }: MouseOptions): void {
  const captured = (): boolean => document.pointerLockElement === place;
  const follow = (event: MouseEvent, dz = 0): void => {
    if (!captured()) return;
    event.preventDefault();
    const { movementX: dx, movementY: dy, buttons } = event;
    onMove({ dx: dz === 0 ? dx : 0, dy: dz === 0 ? dy : 0, dz, buttons: buttons & BUTTONS });
  };
  button.hidden = typeof place.requestPointerLock !== 'function';
  button.addEventListener('click', async () => {
    try {
      // Older browsers give no promise.
      await place.requestPointerLock();
      place.focus();
    } catch (error) {
      onError(error);
    }
  });
  document.addEventListener('pointerlockchange', () => {
    button.setAttribute('aria-pressed', String(captured()));
    if (!captured()) onMove({ dx: 0, dy: 0, buttons: 0 });
  });
  for (const type of ['mousemove', 'mousedown', 'mouseup'] as const) place.addEventListener(type, (event) => follow(event));
  place.addEventListener('contextmenu', (event) => captured() && event.preventDefault());
  place.addEventListener('wheel', (event) => follow(event, Math.sign(event.deltaY)), { passive: false });
}
