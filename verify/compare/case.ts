import type { LoadedCase } from '../../golden/goldens.ts';
import type { Manifest } from '../../golden/schema.ts';
import { NotSupportedError } from '../errors.ts';
import type { ForwardAnswer, GreedyAnswer, SubjectModel } from '../subject.ts';
import { allRows, checkGenerated, checkHidden, checkRows } from './answers.ts';
import type { Difference } from './difference.ts';
import { expectedRows } from './expected-rows.ts';
import { compareGreedy, isTieIn } from './greedy.ts';
import { compareHiddenStates } from './hidden-states.ts';
import { compareRms, compareRows, pairRows } from './rows.ts';

/** How one case compares. */
export interface Comparison {
  /** In the order in which a forward pass computes: the first is where subject and golden part. */
  readonly differences: readonly Difference[];
  /** Greedy steps with another token that are no difference: the margin is within the reference's noise. */
  readonly ties: number;
  /** The subject's own, of the greedy generation. */
  readonly fingerprint: string | undefined;
  /** What the subject gave beside its greedy tokens; what it did not give is not compared. */
  readonly gave: { readonly hidden: boolean; readonly rows: boolean; readonly steps: boolean };
}

/** The sizes that a comparison needs. */
export interface ModelSizes {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
}

/** What a subject answered to one case. */
export interface CaseAnswers {
  /** Absent if the subject cannot be asked for scores. */
  readonly forward?: ForwardAnswer;
  readonly generated: GreedyAnswer;
}

/**
 * Asks a subject for one recorded case and compares its answers.
 *
 * @throws SubjectError, NoAnswerError as the subject does, and as {@link compareAnswers} does.
 */
export async function compareCase(
  loaded: LoadedCase,
  manifest: Manifest,
  sizes: ModelSizes,
  subject: Pick<SubjectModel, 'forward' | 'generate'>,
): Promise<Comparison> {
  const { ids, positions, greedy } = loaded.recorded;
  const asked = subject.forward({ ids, positions, hidden: true });
  const forward = await asked.then(allRows).catch((error) => {
    if (error instanceof NotSupportedError) return undefined;
    throw error;
  });
  const generated = await subject.generate({ ids, maxNewTokens: greedy.tokens.length });
  return compareAnswers(loaded, manifest, sizes, { forward, generated });
}

/**
 * Compares answers with a recorded case: hidden states after each layer, scores at every stored position and
 * of every greedy step, all of them together with the float64 truth, greedy tokens.
 *
 * @throws SubjectError if the answers have NaN, an infinity, or other lengths than were asked for.
 */
export function compareAnswers(
  loaded: LoadedCase,
  { projections, vocabularySample }: Manifest,
  sizes: ModelSizes,
  { forward, generated }: CaseAnswers,
): Comparison {
  const { recorded, tensors } = loaded;
  const { id, ids, positions, greedy, noise } = recorded;
  const { vocabSize, hiddenSize, numHiddenLayers } = sizes;
  const stages: Difference[][] = [];
  const asked = (call: string) => `${call} of "${id}"`;

  if (tensors.hiddenStates && forward?.hidden) {
    checkHidden(asked('forward'), forward.hidden, (numHiddenLayers + 2) * ids.length * hiddenSize);
    const stored = { values: tensors.hiddenStates, positions, noise: noise.hiddenStates, projections };
    stages.push(compareHiddenStates(forward.hidden, ids.length, stored, sizes));
  }

  const count = greedy.tokens.length;
  checkGenerated(asked('generate'), generated.tokens, { count, vocabSize });
  if (forward) checkRows(asked('forward'), forward.rows, { count: positions.length, vocabSize });
  if (generated.scores) checkRows(asked('generate'), generated.scores, { count, vocabSize });
  const expected = expectedRows(loaded, vocabSize, vocabularySample);
  const steps = expected.slice(positions.length);
  const { flippedAt, difference } = compareGreedy(
    generated.tokens,
    greedy.tokens,
    ids.length,
    (step, token) => isTieIn(steps[step], greedy.tokens[step], token, noise.logits),
  );

  // A step's scores are comparable up to and including the first token that differs.
  const comparable = flippedAt === undefined ? count : flippedAt + 1;
  const scores = [
    ...(forward ? forward.rows.map((row, i) => ({ row, expected: expected[i] })) : []),
    ...(generated.scores?.slice(0, comparable) ?? []).map((row, i) => ({ row, expected: steps[i] })),
  ];
  const rows = pairRows(
    `scores of "${id}"`,
    scores.map(({ row }) => row),
    scores.map(({ expected: row }) => row),
    noise,
  );
  stages.push(compareRows(rows, noise), compareRms(rows, noise.logitsRms), difference ? [difference] : []);
  return {
    differences: stages.flat(),
    ties: flippedAt !== undefined && !difference ? 1 : 0,
    fingerprint: generated.fingerprint,
    gave: {
      hidden: forward?.hidden !== undefined,
      rows: forward !== undefined,
      steps: generated.scores !== undefined,
    },
  };
}
