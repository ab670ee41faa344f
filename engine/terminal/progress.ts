import type { Ora } from 'ora';
import type { Output } from './output.ts';

/** What is counted changes faster than anyone reads; it is drawn anew at most this often. */
const REDRAW_MS = 80;

/** One line on standard error that tells what a command is at. It is drawn at once: computing lets no timer fire. */
export interface Progress {
  /** Shows a line, in place of the last. */
  show(text: string): void;
  /** Shows a line, unless the last is too young to be replaced. */
  count(text: string): void;
  /** Takes the line away; the others bring it back. */
  hide(): void;
}

/**
 * @param output a terminal; anything else gets nothing.
 * @param now a clock, in ms.
 */
export async function createProgress(output: Output, now: () => number = Date.now): Promise<Progress> {
  // A terminal that tells no width (a pseudo-terminal nobody sized) would make ora count lines for ever.
  if (!output.isTTY || !output.columns) return { show() {}, count() {}, hide() {} };
  const { default: ora } = await import('ora');
  // Raw mode on standard input would swallow Ctrl-C while weights are read, and a hidden cursor would stay hidden.
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

/** @returns e.g. `reading weights 45 % of 1.2 GB`; sizes in powers of 1000, as drives and downloads have them. */
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
