import type { Ora } from 'ora';
import type { Output } from './output.ts';

/** Counts change faster than they can be read; a count is drawn at most this often. */
const REDRAW_MS = 80;

/**
 * One line on a terminal that says what a command is doing. Drawn at once: no timer fires during
 * computation.
 */
export interface Progress {
  /** Replaces the line. */
  show(text: string): void;
  /** Replaces the line, unless it was drawn less than 80 ms ago. */
  count(text: string): void;
  /** Removes the line; `show` and `count` draw it again. */
  hide(): void;
}

/**
 * @param output nothing is written to it unless it is a terminal.
 * @param now a clock, in ms.
 */
export async function createProgress(output: Output, now: () => number = Date.now): Promise<Progress> {
  // In a terminal of unknown width (a pseudo-terminal without a size) ora would count lines in an endless
  // loop.
  if (!output.isTTY || !output.columns) return { show() {}, count() {}, hide() {} };
  const { default: ora } = await import('ora');
  // Raw mode on standard input would swallow Ctrl-C, and a killed process would leave the cursor hidden.
  const spinner: Ora = ora({
    stream: output as NodeJS.WriteStream,
    isEnabled: true,
    discardStdin: false,
    hideCursor: false,
  });
  let drawn = Number.NEGATIVE_INFINITY;
  const show = (text: string) => {
    drawn = now();
    spinner.text = text;
    if (spinner.isSpinning) spinner.render();
    else spinner.start();
  };
  return {
    show,
    count(text) {
      if (now() - drawn >= REDRAW_MS) show(text);
    },
    hide() {
      if (spinner.isSpinning) spinner.stop();
    },
  };
}

/** @returns e.g. `reading weights 45 % of 1.2 GB`; sizes in powers of 1000. */
export function share(what: string, done: number, total: number): string {
  const percent = total > 0 ? Math.floor((100 * done) / total) : 100;
  return `${what} ${percent} % of ${formatBytes(total)}`;
}

/** @returns e.g. `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return unit === 0 ? `${value} bytes` : `${value.toFixed(1)} ${units[unit]}`;
}
