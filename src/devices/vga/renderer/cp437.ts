/** Code page 437, what the characters of the VGA's own font stand for, as Unicode. */

const CONTROL_GLYPHS = ' ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼';
const UPPER_HALF =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ';

function ascii(): string {
  return String.fromCharCode(...Array.from({ length: 0x5f }, (_, i) => 0x20 + i)) + '⌂';
}

/** By character code, 0 to 255. Codes 0 and 255 are blanks. */
export const CP437: readonly string[] = [...CONTROL_GLYPHS, ...ascii(), ...UPPER_HALF];
