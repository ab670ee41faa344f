import { NotSupportedError } from '../../errors.ts';
import type { ForwardAnswer, ForwardRequest, TokenScores, UnreachedPosition } from '../../subject.ts';
import { askServer, type ServerProfile, scoresOf } from './asking.ts';
import type { Completion, ScoredRow } from './dialect.ts';
import { refuse } from './nonsense.ts';

/** Between a token's own log-probability and a row that leaves it out, rounding apart. */
const ROUNDING = 1e-3;

/**
 * The rows of some positions of a prompt. Servers that score prompts are asked once. Others are walked: for
 * each position one request with the ids up to it, for one token, in ascending order.
 *
 * @throws NotSupportedError if the server gives no scores, or none of the positions can be reached.
 */
export async function forward(
  server: ServerProfile,
  { ids, positions, signal }: ForwardRequest,
): Promise<ForwardAnswer> {
  const { dialect, top, scoresPrompts } = server;
  if (top === 0) {
    throw new NotSupportedError(
      `forward: ${dialect.title} gives no log-probabilities; expected the likeliest tokens`,
    );
  }
  const outside = positions.find((position) => !(position >= 0 && position < ids.length));
  if (outside !== undefined)
    refuse('forward', `position ${outside}`, `positions from 0 to ${ids.length - 1}`);
  if (positions.length === 0) return { rows: [] };
  // One request for the last position alone is cheaper than all rows of the prompt.
  const isLast = positions.length === 1 && positions[0] === ids.length - 1;
  if (scoresPrompts && !isLast) {
    try {
      return { rows: await scorePrompt(server, { ids, positions, signal }) };
    } catch (error) {
      // No text may encode to all of the ids, and some to their beginnings.
      if (!(error instanceof NotSupportedError)) throw error;
    }
  }
  return await walk(server, { ids, positions, signal });
}

/** Positions that cannot be reached are left out, with the reason. */
async function walk(
  server: ServerProfile,
  { ids, positions, signal }: ForwardRequest,
): Promise<ForwardAnswer> {
  const rows: TokenScores[] = [];
  const unreached: UnreachedPosition[] = [];
  let first: NotSupportedError | undefined;
  for (const position of positions) {
    try {
      rows.push(await rowAt(server, ids, position, signal));
    } catch (error) {
      if (!(error instanceof NotSupportedError)) throw error;
      first ??= error;
      unreached.push({ position, why: error.message });
    }
  }
  if (first && rows.length === 0) throw first;
  return { rows, ...(first ? { unreached } : {}) };
}

/**
 * The row of one position: what the server gives for the first token after the ids up to it.
 *
 * @throws NotSupportedError if the server gives no row, or the ids of all its tokens are unknown.
 */
export async function rowAt(
  server: ServerProfile,
  ids: readonly number[],
  position: number,
  signal?: AbortSignal,
): Promise<TokenScores> {
  const asked = nameOf(ids, position);
  const question = { asked, ids: ids.slice(0, position + 1), maxNewTokens: 1, signal };
  const completion = await askServer(server, question);
  const row = completion.rows?.[0] ?? (await rowOfCutCharacter(server, question, completion));
  if (!row) {
    const end = completion.finishReason ? `; it stopped: ${completion.finishReason}` : '';
    throw new NotSupportedError(
      `${asked}: the server gives no log-probabilities${end}; expected those of one token`,
    );
  }
  return told(asked, scoresOf(server, asked, row));
}

/**
 * llama-server leaves out the row of a token that ends in the middle of a character. Its scores are from
 * before sampling, so that they are the same when it is made to choose another token.
 */
async function rowOfCutCharacter(
  server: ServerProfile,
  question: Parameters<typeof askServer>[1],
  { tokens: [chosen] }: Completion,
): Promise<ScoredRow | undefined> {
  const forcedToken = server.wholeToken;
  if (chosen?.id === undefined || forcedToken === undefined) return undefined;
  const row = (await askServer(server, { ...question, forcedToken })).rows?.[0];
  const best = row?.toSorted((a, b) => b.logprob - a.logprob)[0];
  if (!row || !best) return undefined;
  const own = row.find(({ id }) => id === chosen.id);
  if (own && own.logprob >= best.logprob - ROUNDING) return row;
  refuse(
    question.asked,
    `token ${best.id} as the likeliest when another is forced, and token ${chosen.id} when none is`,
    'log-probabilities from before sampling',
  );
}

async function scorePrompt(
  server: ServerProfile,
  { ids, positions, signal }: ForwardRequest,
): Promise<TokenScores[]> {
  const asked = `forward: ${ids.length} positions`;
  const { rows, promptRows } = await askServer(server, {
    asked,
    ids,
    maxNewTokens: 1,
    promptRows: true,
    signal,
  });
  return positions.map((position) => {
    const where = nameOf(ids, position);
    const isLast = position === ids.length - 1;
    const row = isLast ? rows?.[0] : promptRows?.[position + 1];
    if (!row) refuse(where, 'no row', 'a row of log-probabilities');
    // Servers add the prompt's own token to its row. One that lacks it is of another prompt.
    if (!isLast && server.dialect.showsPromptTokens && !row.some(({ id }) => id === ids[position + 1])) {
      refuse(where, `a row without the prompt's next token ${ids[position + 1]}`, 'the row of this prompt');
    }
    return told(where, scoresOf(server, where, row));
  });
}

function told(asked: string, scores: TokenScores | undefined): TokenScores {
  if (scores) return scores;
  throw new NotSupportedError(
    `${asked}: the ids of the two likeliest tokens cannot be told from their texts; expected ids in the answer, or texts of one token`,
  );
}

function nameOf(ids: readonly number[], position: number): string {
  return `forward: position ${position} of ${ids.length}`;
}
