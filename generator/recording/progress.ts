/** How far the recording of a model is. */
export interface RecordingProgress {
  model: string;
  case: string;
  /** Cases of this model that are done, and all of them. */
  done: number;
  total: number;
  /** Tokens of this case that are done, and all of them. */
  tokens: number;
  maxNewTokens: number;
}

/**
 * Writes progress as lines that estimate the time left from the time since the model's first report.
 *
 * @param now a clock, in ms.
 * @returns e.g. `dense · ids-one (2/4) · token 8/15 · about 5 s left for dense` for each report.
 */
export function progressLines(now: () => number = Date.now): (progress: RecordingProgress) => string {
  let current = '';
  let begun = 0;
  return ({ model, case: id, done, total, tokens, maxNewTokens }) => {
    if (model !== current) {
      current = model;
      begun = now();
    }
    const elapsedMs = now() - begun;
    const share = (done + tokens / (maxNewTokens + 1)) / total;
    const secondsLeft = Math.ceil((elapsedMs / share - elapsedMs) / 1000);
    const left = share > 0 ? ` · about ${secondsLeft} s left for ${model}` : '';
    return `${model} · ${id} (${done + 1}/${total}) · token ${tokens}/${maxNewTokens}${left}`;
  };
}
