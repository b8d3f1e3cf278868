/** scripts/chromium.mjs is plain JavaScript, so that it runs before anything is installed. */
declare module '*/scripts/chromium.mjs' {
  export function ensureChromium(say: (text: string) => void): Promise<string>;
}
