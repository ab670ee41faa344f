import { SubjectError } from '../../errors.ts';
import { askServer, type ServerProfile, scoresOf } from './asking.ts';
import type { Sampling } from './dialect.ts';
import { HttpStatusError } from './nonsense.ts';

/** Runs of one server differ by less than this fraction of a row's range, and this many nats. */
const REPEATED = { fraction: 0.1, nats: 0.02 };

/** Requests that must not change what a log-probability is. */
const SAMPLINGS: readonly Sampling[] = [{ temperature: 1 }, { temperature: 2 }, { temperature: 1, topK: 1 }];

/**
 * Finds out what a server's log-probabilities mean: those of the model itself do not change with
 * temperature and top-k, and the largest belongs to the greedy token.
 *
 * @param ids a short prompt.
 * @throws SubjectError that says what to set at the server, if they are others.
 */
export async function probeScores(
  server: ServerProfile,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<void> {
  const { dialect } = server;
  const greedy = await probedRow(server, ids, undefined, signal);
  if (!greedy) return;
  const { row, token } = greedy;
  const [best] = [...row.values()].sort((a, b) => b - a);
  const own = token === undefined ? best : row.get(token);
  if (own === undefined || best - own > REPEATED.nats) {
    const found = own === undefined ? 'not in its row' : `${(best - own).toFixed(3)} below the largest`;
    throw new SubjectError(
      `the greedy token ${token} has a log-probability that is ${found}; expected the largest of the row; ${dialect.rawScoresAdvice}`,
    );
  }
  // Greedy requests are scored before sampling even where others are not.
  if (dialect.scoresAfterTemperature) return;
  for (const sampling of SAMPLINGS) {
    const other = await probedRow(server, ids, sampling, signal);
    const change = other && changeOf(row, other.row);
    if (change === undefined) continue;
    const range = best - Math.min(...row.values());
    if (change <= REPEATED.fraction * range + REPEATED.nats) continue;
    const { temperature, topK } = sampling;
    const found = topK === undefined ? `temperature ${temperature}` : `top_k ${topK}`;
    throw new SubjectError(
      `log-probabilities change by ${Number.isFinite(change) ? change.toFixed(2) : 'all they have'} with ${found}; expected ` +
        `those of the model, from before sampling; ${dialect.rawScoresAdvice}`,
    );
  }
}

interface ProbedRow {
  /** By id. */
  readonly row: ReadonlyMap<number, number>;
  readonly token: number | undefined;
}

/** Undefined if the server gives no row, or does not take such sampling. */
async function probedRow(
  server: ServerProfile,
  ids: readonly number[],
  sampling: Sampling | undefined,
  signal?: AbortSignal,
): Promise<ProbedRow | undefined> {
  const how = sampling
    ? `temperature ${sampling.temperature}${sampling.topK ? `, top_k ${sampling.topK}` : ''}`
    : 'greedy';
  const asked = `probe of log-probabilities, ${how}`;
  const forcedToken = sampling && server.wholeToken;
  try {
    const { tokens, rows } = await askServer(server, {
      asked,
      ids,
      maxNewTokens: 1,
      signal,
      ...(sampling ? { sampling } : {}),
      ...(forcedToken === undefined ? {} : { forcedToken }),
    });
    const scores = rows?.[0] && scoresOf(server, asked, rows[0]);
    if (!scores?.ids) return undefined;
    const row = new Map(Array.from(scores.ids, (id, i) => [id, scores.values[i]]));
    const [{ id, text }] = tokens;
    return { row, token: id ?? (text === undefined ? undefined : server.text?.idOf(text)) };
  } catch (error) {
    if (sampling && error instanceof HttpStatusError) return undefined;
    throw error;
  }
}

/** The largest change of a token that both rows show; infinite if less than half of them are in both. */
function changeOf(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number {
  const common = [...a.keys()].filter((id) => b.has(id));
  if (common.length < a.size / 2) return Number.POSITIVE_INFINITY;
  return Math.max(...common.map((id) => Math.abs(a.get(id)! - b.get(id)!)));
}
