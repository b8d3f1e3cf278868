/**
 * Names of files, as a guest has them and as the File System API takes them: what it refuses is written as %XX, as is a % that
 * would look like one [File System, "valid file name"; Chromium keeps to what all operating systems can store].
 */

const CODE = '(?:5C|22|2A|3A|3C|3E|3F|7C|[01][0-9A-F]|7F|2E$|20$)';
const REFUSED = new RegExp(String.raw`[\\"*:<>?|\x00-\x1f\x7f]|[. ]$|%(?=(?:25)*${CODE})`, 'g');
const ESCAPE = new RegExp(`%(?:${CODE}|25(?=(?:25)*${CODE}))`, 'g');

const escaped = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

export const hostName = (name: string): string => name.replace(REFUSED, escaped);

export const guestName = (name: string): string => name.replace(ESCAPE, (text) => String.fromCharCode(Number.parseInt(text.slice(1), 16)));
