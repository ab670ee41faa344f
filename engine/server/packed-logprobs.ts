import type { PromptTokenLogprobs, TokenLogprobs } from '../serving/logprobs.ts';
import type { GenerateResult, ResultEvent, TokenEvent } from '../serving/requests.ts';

/**
 * Rows of log-probabilities as arrays of numbers, row after row. As objects, 4,000 rows of 20 would hold up
 * the server's thread for 30 ms while it receives them.
 */
export interface PackedRows {
  /** [rows, 3]: the token, its rank (0 if it has none), and how many of the most probable the row has. */
  readonly heads: Uint32Array;
  /** [rows]: the token's log-probability. */
  readonly logprobs: Float64Array;
  /** The most probable tokens of all rows. */
  readonly topTokens: Uint32Array;
  readonly topLogprobs: Float64Array;
}

const HEAD_LENGTH = 3;

type PackedResult = Omit<GenerateResult, 'logprobs' | 'promptLogprobs'> & {
  readonly logprobs: PackedRows | undefined;
  readonly promptLogprobs: PackedRows | undefined;
};

/** An event as a thread sends it. */
export type PackedEvent = TokenEvent | (Omit<ResultEvent, 'result'> & { readonly result: PackedResult });

export function packEvent(event: TokenEvent | ResultEvent): PackedEvent {
  if (event.type === 'token') return event;
  const { logprobs, promptLogprobs } = event.result;
  const packed = {
    logprobs: logprobs && packRows(logprobs),
    promptLogprobs: promptLogprobs && packRows(promptLogprobs),
  };
  return { ...event, result: { ...event.result, ...packed } };
}

/** The event that was packed, to the bit. */
export function unpackEvent(event: PackedEvent): TokenEvent | ResultEvent {
  if (event.type === 'token') return event;
  const { logprobs, promptLogprobs } = event.result;
  const rows = {
    logprobs: logprobs && unpackRows(logprobs),
    promptLogprobs:
      promptLogprobs &&
      unpackRows(promptLogprobs).map((row, i): PromptTokenLogprobs => {
        return { ...row, rank: promptLogprobs.heads[HEAD_LENGTH * i + 1] };
      }),
  };
  return { ...event, result: { ...event.result, ...rows } };
}

function packRows(rows: readonly (TokenLogprobs & { readonly rank?: number })[]): PackedRows {
  const tops = rows.flatMap(({ top }) => top);
  const heads = new Uint32Array(HEAD_LENGTH * rows.length);
  for (const [i, { token, rank = 0, top }] of rows.entries()) {
    heads.set([token, rank, top.length], HEAD_LENGTH * i);
  }
  return {
    heads,
    logprobs: Float64Array.from(rows, ({ logprob }) => logprob),
    topTokens: Uint32Array.from(tops, ({ token }) => token),
    topLogprobs: Float64Array.from(tops, ({ logprob }) => logprob),
  };
}

function unpackRows({ heads, logprobs, topTokens, topLogprobs }: PackedRows): TokenLogprobs[] {
  const rows: TokenLogprobs[] = [];
  let next = 0;
  for (let i = 0; i < logprobs.length; i++) {
    const top: TokenLogprobs['top'] = [];
    const end = next + heads[HEAD_LENGTH * i + 2];
    for (; next < end; next++) top.push({ token: topTokens[next], logprob: topLogprobs[next] });
    rows.push({ token: heads[HEAD_LENGTH * i], logprob: logprobs[i], top });
  }
  return rows;
}
