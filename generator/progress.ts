import ora from 'ora';
import type { Progress } from './recording/regenerate.ts';

/** Shows how far a recording is on a terminal's standard error, and nothing where that is not a terminal. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr, now: () => number = Date.now) {
  const spinner = ora({
    stream,
    text: 'loading',
    // For a terminal that tells no width ora would count lines for ever.
    isSilent: !stream.isTTY || !stream.columns,
    // In raw mode Ctrl-C is no signal any more; and a process that is killed would leave the cursor hidden.
    discardStdin: false,
    hideCursor: false,
  }).start();
  let model = '';
  let begun = now();
  return {
    report(progress: Progress): void {
      if (progress.model !== model) {
        model = progress.model;
        begun = now();
      }
      spinner.text = progressLine(progress, now() - begun);
    },
    /** Shows a line before there is anything to report. */
    note(text: string): void {
      spinner.text = text;
    },
    /** A fixture is being made first: so many bytes of so many. */
    making(name: string, done: number, total: number): void {
      spinner.text = makingLine(name, done, total);
    },
    stop(): void {
      spinner.stop();
    },
  };
}

/** @returns e.g. `making qwen3-0.6b-shape · 45 % of 1.19 GB` */
export function makingLine(name: string, done: number, total: number): string {
  return `making ${name} · ${Math.floor((100 * done) / total)} % of ${(total / 1e9).toFixed(2)} GB`;
}

/** @param elapsedMs since the model's first case began. */
export function progressLine(progress: Progress, elapsedMs: number): string {
  const { model, done, total, tokens, maxNewTokens } = progress;
  const share = (done + tokens / (maxNewTokens + 1)) / total;
  const left =
    share > 0 ? ` · about ${Math.ceil((elapsedMs / share - elapsedMs) / 1000)} s left for ${model}` : '';
  return `${model} · ${progress.case} (${done + 1}/${total}) · token ${tokens}/${maxNewTokens}${left}`;
}
