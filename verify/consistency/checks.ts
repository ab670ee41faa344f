import { sequenceOf, type VerifyCase } from '../../golden/verify-case.ts';
import { inParallel } from '../ask/in-parallel.ts';
import type { SubjectModel, TokenScores } from '../subject.ts';
import { type Change, changeOf, continuationChange } from './change.ts';
import { type SimilarPrompt, similarPrompts } from './similar-prompts.ts';

/** Answers that were given before, to compare with. */
export interface FirstAnswer {
  readonly case: VerifyCase;
  /** Rows at the case's positions; undefined if the subject gave none. */
  readonly rows?: readonly TokenScores[];
  readonly tokens?: readonly number[];
  /** Scores of the rows that the tokens were chosen from. */
  readonly scores?: readonly TokenScores[];
}

/** One way to ask the same again. Its answers must be those of the first time. */
export interface ConsistencyCheck {
  readonly name: string;
  /** Why a subject cannot be asked so; undefined if it can. */
  unless(subject: SubjectModel, options?: AskAgainOptions): string | undefined;
  /** @returns the change of each case. */
  run(subject: SubjectModel, first: readonly FirstAnswer[], options?: AskAgainOptions): Promise<CaseChange[]>;
}

export interface AskAgainOptions {
  /** Requests at a time, at most. Default: as many as the subject takes. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

export interface CaseChange extends Change {
  readonly case: string;
}

/** Requests that are on their way together. */
const CONCURRENT = 8;

const withRows = (first: readonly FirstAnswer[]) =>
  first.flatMap((each) => (each.rows ? [{ ...each, rows: each.rows }] : []));

async function askAgain(
  subject: SubjectModel,
  { case: each, rows }: Required<Pick<FirstAnswer, 'case' | 'rows'>>,
  signal?: AbortSignal,
): Promise<CaseChange> {
  const { id, positions } = each;
  const { rows: again } = await subject.forward({ ids: sequenceOf(each), positions, signal });
  return { case: id, ...changeOf(rows, again, positions) };
}

/** Asks one after the other. */
async function inTurn<T, R>(first: readonly T[], ask: (each: T) => Promise<R>): Promise<R[]> {
  const changes: R[] = [];
  for (const each of first) changes.push(await ask(each));
  return changes;
}

const scoresNothing = ({ capabilities }: SubjectModel) =>
  capabilities.scores === 'none' ? 'the subject gives no scores' : undefined;

/**
 * What is asked of a case among others: to continue it, to continue its first half, which shares blocks of a
 * cache with it and ends sooner, and to score it. The last that comes is the first to be preempted.
 */
function amongOthers(
  subject: SubjectModel,
  { case: each, rows, tokens = [], scores }: FirstAnswer,
  signal?: AbortSignal,
): (() => Promise<CaseChange | undefined>)[] {
  const { id, promptIds } = each;
  const request = { ids: promptIds, maxNewTokens: tokens.length, signal };
  const half = promptIds.slice(0, Math.ceil(promptIds.length / 2));
  return [
    ...(tokens.length > 0
      ? [
          async () => {
            const again = await subject.generate(request);
            return { case: id, ...continuationChange({ tokens, scores }, again, promptIds.length) };
          },
          async () => {
            await subject.generate({ ids: half, maxNewTokens: Math.ceil(tokens.length / 4), signal });
            return undefined;
          },
        ]
      : []),
    ...(rows ? [() => askAgain(subject, { case: each, rows }, signal)] : []),
  ];
}

/** Undefined if the subject has no row of the continuation, or none of the prompt's end. */
async function scoreAndContinue(
  subject: SubjectModel,
  { id, promptIds, ids }: SimilarPrompt,
  signal?: AbortSignal,
): Promise<CaseChange | undefined> {
  await subject.generate({ ids: promptIds, maxNewTokens: 1, signal });
  const { tokens, scores } = await subject.generate({ ids, maxNewTokens: 1, signal });
  // Servers that score prompts look nothing up in a cache for that.
  const positions = [ids.length - 1];
  const { rows } = await subject.forward({ ids: [...ids, ...tokens], positions, signal });
  return scores && rows.length > 0 ? { case: id, ...changeOf(scores, rows, positions) } : undefined;
}

/** The checks that ask nothing but the first requests again. */
export const SAME_REQUESTS: ReadonlySet<string> = new Set([
  'the same request twice',
  'in another order',
  'alone and among others',
]);

/** In the order in which they are asked. */
export const CONSISTENCY_CHECKS: readonly ConsistencyCheck[] = [
  {
    name: 'the same request twice',
    unless: scoresNothing,
    run: (subject, first, { signal } = {}) =>
      inTurn(withRows(first), (each) => askAgain(subject, each, signal)),
  },
  {
    name: 'in another order',
    unless: scoresNothing,
    run: (subject, first, { signal } = {}) =>
      inTurn(withRows(first).reverse(), (each) => askAgain(subject, each, signal)),
  },
  {
    name: 'alone and among others',
    unless({ capabilities }, { concurrency = CONCURRENT } = {}) {
      if (capabilities.maxConcurrency < 2) return 'the subject takes one request at a time';
      return concurrency < 2 ? '--concurrency allows one request at a time' : undefined;
    },
    async run(subject, first, { concurrency = CONCURRENT, signal } = {}) {
      const limit = Math.min(CONCURRENT, concurrency, subject.capabilities.maxConcurrency);
      const asks = first.flatMap((each) => amongOthers(subject, each, signal));
      return (await inParallel(asks, limit, (ask) => ask())).flatMap((change) => change ?? []);
    },
  },
  {
    name: 'after a request with a common prefix',
    unless: scoresNothing,
    run: (subject, first, { signal } = {}) =>
      inTurn(withRows(first), async (each) => {
        const ids = sequenceOf(each.case);
        const prefix = ids.slice(0, Math.max(1, Math.floor(ids.length / 2)));
        await subject.forward({ ids: prefix, positions: [prefix.length - 1], signal });
        return askAgain(subject, each, signal);
      }),
  },
  {
    name: 'scored and continued, after a prompt that differs in one token',
    unless: scoresNothing,
    run: async (subject, first, { signal } = {}) =>
      (
        await inTurn(similarPrompts(withRows(first)), (each) => scoreAndContinue(subject, each, signal))
      ).flatMap((change) => change ?? []),
  },
  {
    name: 'in one go and continued from the middle',
    unless: () => undefined,
    run: (subject, first, { signal } = {}) =>
      inTurn(
        first.filter(({ tokens }) => tokens !== undefined && tokens.length > 1),
        async ({ case: { id, promptIds }, tokens = [], scores }) => {
          const half = Math.floor(tokens.length / 2);
          const ids = [...promptIds, ...tokens.slice(0, half)];
          const rest = await subject.generate({ ids, maxNewTokens: tokens.length - half, signal });
          const known = { tokens: tokens.slice(half), scores: scores?.slice(half) };
          return { case: id, ...continuationChange(known, rest, ids.length) };
        },
      ),
  },
  {
    name: 'streamed and not',
    unless: ({ capabilities }) =>
      capabilities.stream ? undefined : 'the subject does not stream its answers',
    run: (subject, first, { signal } = {}) =>
      inTurn(
        first.filter(({ tokens }) => tokens !== undefined && tokens.length > 0),
        async ({ case: { id, promptIds }, tokens = [], scores }) => {
          const request = { ids: promptIds, maxNewTokens: tokens.length, stream: true, signal };
          const change = continuationChange(
            { tokens, scores },
            await subject.generate(request),
            promptIds.length,
          );
          return { case: id, ...change };
        },
      ),
  },
];
