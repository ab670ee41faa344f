import { sequenceOf, type VerifyCase } from '../../golden/verify-case.ts';
import { checkGenerated, checkHidden, checkRows } from '../compare/answers.ts';
import type { ModelSizes } from '../compare/case.ts';
import type { ForwardAnswer, GreedyAnswer, SubjectModel, UnreachedPosition } from '../subject.ts';
import { inParallel } from './in-parallel.ts';
import { type Outcome, settle } from './outcome.ts';

/** What a subject answered to one case. */
export interface AskedCase {
  /** Its positions are those that the subject has rows of. */
  readonly case: VerifyCase;
  /** The others. Default: none. */
  readonly unreached?: readonly UnreachedPosition[];
  /** Scores of prompt and reference's greedy tokens at the case's positions. */
  readonly forward: Outcome<ForwardAnswer>;
  /** The subject's own greedy tokens after the prompt. */
  readonly generated: Outcome<GreedyAnswer>;
}

export interface AskOptions {
  readonly sizes: ModelSizes;
  /** Requests at a time, at most; never more than the subject takes. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  /** Called after each case. */
  readonly onCase?: (asked: AskedCase, done: number) => void;
}

/**
 * Asks a subject every case: its scores and its greedy tokens. Nonsense (other lengths, values that are not
 * finite, tokens outside the vocabulary) is an error, never a result.
 *
 * @throws the reason of `signal` if it is aborted.
 */
export function askCases(
  subject: SubjectModel,
  cases: readonly VerifyCase[],
  { sizes, concurrency, signal, onCase }: AskOptions,
): Promise<AskedCase[]> {
  let done = 0;
  const limit = Math.min(concurrency, subject.capabilities.maxConcurrency);
  return inParallel(cases, limit, async (each) => {
    signal?.throwIfAborted();
    const forward = await settle(() => askForward(subject, each, sizes, signal), signal);
    const generated = await settle(() => askGreedy(subject, each, sizes, signal), signal);
    const unreached = forward.kind === 'result' ? forward.value.unreached : undefined;
    const asked: AskedCase = {
      case: unreached ? { ...each, positions: reached(each.positions, unreached) } : each,
      ...{ forward, generated },
      ...(unreached ? { unreached } : {}),
    };
    onCase?.(asked, ++done);
    return asked;
  });
}

async function askForward(
  subject: SubjectModel,
  each: VerifyCase,
  { vocabSize, hiddenSize, numHiddenLayers }: ModelSizes,
  signal?: AbortSignal,
): Promise<ForwardAnswer> {
  const { id, positions } = each;
  const ids = sequenceOf(each);
  const { hidden } = subject.capabilities;
  const answer = await subject.forward({ ids, positions, hidden, signal });
  const count = reached(positions, answer.unreached).length;
  checkRows(`forward of "${id}"`, answer.rows, { count, vocabSize });
  if (answer.hidden) {
    checkHidden(`forward of "${id}"`, answer.hidden, (numHiddenLayers + 2) * ids.length * hiddenSize);
  }
  return answer;
}

function reached(positions: readonly number[], unreached: readonly UnreachedPosition[] = []): number[] {
  const without = new Set(unreached.map(({ position }) => position));
  return positions.filter((position) => !without.has(position));
}

async function askGreedy(
  subject: SubjectModel,
  { id, promptIds, greedy, refusal }: VerifyCase,
  { vocabSize }: ModelSizes,
  signal?: AbortSignal,
): Promise<GreedyAnswer> {
  // A prompt that has to be refused is continued by one token.
  const maxNewTokens = refusal === undefined ? greedy.length : 1;
  const answer = await subject.generate({ ids: promptIds, maxNewTokens, signal });
  checkGenerated(`generate of "${id}"`, answer.tokens, { count: maxNewTokens, vocabSize });
  if (answer.scores) checkRows(`generate of "${id}"`, answer.scores, { count: maxNewTokens, vocabSize });
  return answer;
}
