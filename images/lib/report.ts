/**
 * Progress of the recipes, as lines that a person can follow: a title per step, a percentage that rewrites its line
 * on a terminal and appears in quarters where output goes to a file.
 */

/** Says what is being done now. */
export function step(text: string): void {
  process.stdout.write(`  ${text}\n`);
}

/** A problem that does not stop the whole, with what to do about it. */
export function warn(text: string): void {
  process.stderr.write(`  ! ${text}\n`);
}

export interface Progress {
  update(percent: number): void;
  done(): void;
}

/** A percentage for a step that takes long. */
export function progress(text: string): Progress {
  const terminal = process.stdout.isTTY === true;
  let shown = -1;
  return {
    update(percent) {
      const whole = Math.floor(Math.min(100, Math.max(0, percent)));
      if (whole <= shown) return;
      if (terminal) process.stdout.write(`\r  ${text} ${whole}%`);
      else if (shown < 0 || Math.floor(whole / 25) > Math.floor(shown / 25)) step(`${text} ${whole}%`);
      shown = whole;
    },
    done() {
      if (terminal) process.stdout.write(`\r  ${text} done\n`);
      else step(`${text} done`);
    },
  };
}

/** 5707712 → "5.4 MiB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
