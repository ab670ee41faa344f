import { NotSupportedError } from '../../errors.ts';
import type { GreedyAnswer, GreedyRequest, TokenScores } from '../../subject.ts';
import { askServer, idOfToken, type ServerProfile, scoresOf } from './asking.ts';
import { rowAt } from './forward.ts';

/**
 * A greedy continuation. A server that stops at an end-of-sequence token and shows it is asked to go on
 * from there.
 *
 * @throws NotSupportedError if it stops early and cannot be made to go on, or a token's id is unknown.
 */
export async function generate(
  server: ServerProfile,
  { ids, maxNewTokens, stream, signal }: GreedyRequest,
): Promise<GreedyAnswer> {
  const tokens: number[] = [];
  const scores: (TokenScores | undefined)[] = [];
  while (tokens.length < maxNewTokens) {
    const asked = `generate: ${maxNewTokens} tokens after ${ids.length}, from token ${tokens.length} on`;
    const question = {
      ...{ asked, ids: [...ids, ...tokens], maxNewTokens: maxNewTokens - tokens.length, signal },
      ...(stream ? { stream } : {}),
    };
    const completion = await askServer(server, question);
    if (completion.tokens.length === 0) {
      const reason = completion.finishReason ? ` (it says: ${completion.finishReason})` : '';
      throw new NotSupportedError(
        `${asked}: the server ended early${reason}, after ${tokens.length} of ${maxNewTokens} tokens; ` +
          'expected a continuation that no token ends',
      );
    }
    for (const [i, token] of completion.tokens.entries()) {
      tokens.push(idOfToken(server, asked, token));
      const row = completion.rows?.[i];
      scores.push(row && scoresOf(server, asked, row));
    }
  }
  if (server.top === 0) return { tokens };
  return { tokens, ...(await withMissingRows(server, { ids, tokens, scores, signal })) };
}

/** Greedy tokens after ids, and the rows that came with them. */
interface GreedyRows {
  readonly ids: readonly number[];
  readonly tokens: readonly number[];
  readonly scores: readonly (TokenScores | undefined)[];
  readonly signal?: AbortSignal;
}

/** Asks for the rows that did not come with the tokens. Without one of them there are no scores. */
async function withMissingRows(
  server: ServerProfile,
  { ids, tokens, scores, signal }: GreedyRows,
): Promise<Pick<GreedyAnswer, 'scores'>> {
  const context = [...ids, ...tokens];
  const whole: TokenScores[] = [];
  for (const [i, row] of scores.entries()) {
    try {
      whole.push(row ?? (await rowAt(server, context, ids.length - 1 + i, signal)));
    } catch (error) {
      if (error instanceof NotSupportedError) return {};
      throw error;
    }
  }
  return { scores: whole };
}
