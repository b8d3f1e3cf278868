/** What a board without display, keyboard and mouse has in their places. */
import type { KeyboardInput, MouseInput, Screen } from '../board.ts';

/** A picture of one black dot that never changes, and no text. */
export const NO_SCREEN: Screen = {
  render: () => undefined,
  current: { width: 1, height: 1, pixels: new Uint8ClampedArray([0, 0, 0, 0xff]), aspect: 1 },
  textScreen: () => undefined,
};

export const NO_KEYBOARD: KeyboardInput = { key: () => {}, releaseAll: () => {} };

export const NO_MOUSE: MouseInput = { move: () => {} };
