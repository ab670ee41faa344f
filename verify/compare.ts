import type { LoadedCase } from '../golden/goldens.ts';
import { project } from '../golden/projection.ts';
import { type Manifest, storedIds, TOP } from '../golden/schema.ts';
import {
  ComparisonError,
  isTie,
  logSumExp,
  maxAbs,
  probabilityTolerance,
  RMS_FACTOR,
  tolerance,
} from '../golden/tolerance.ts';
import { SubjectError } from './errors.ts';
import type { SubjectModel, TokenScores } from './subject.ts';

/** A place where a subject is not what the golden says. */
export interface Difference {
  /** `hidden_states.2`, `logits`, `probability`, `greedy token`, `RMS distance`. */
  what: string;
  /** Of the prompt, or, beyond it, of the generated token. */
  position: number;
  /** Which of the row's values. */
  index: number;
  got: number;
  expected: number;
  tolerance: number;
}

/** What comparing one case brought to light. */
export interface Comparison {
  /** In the order in which a forward pass computes: the first is where the two part. */
  differences: Difference[];
  /** Greedy steps that were let pass because the reference itself could not tell its two best tokens apart. */
  ties: number;
  /** The subject's own, of the greedy generation. */
  fingerprint: string | undefined;
  /** Whether the subject gave hidden states, and the logits of each step: without them less is compared. */
  gave: { hidden: boolean; steps: boolean };
}

/** The sizes a comparison needs. */
export interface ModelSizes {
  vocabSize: number;
  hiddenSize: number;
  numHiddenLayers: number;
}

/** The name of a {@link Difference} of all logits together. */
export const RMS_DISTANCE = 'RMS distance';

/** At most so many differences are listed: the first ones tell. */
const LISTED = 5;

/**
 * Holds a subject to one recorded case: hidden state after each layer, logits at every stored position, logits of
 * every greedy step, greedy tokens.
 *
 * @throws ComparisonError if the subject returns NaN, an infinity, or arrays of other lengths than expected.
 */
export async function compareCase(
  { recorded, tensors }: LoadedCase,
  manifest: Manifest,
  sizes: ModelSizes,
  subject: Pick<SubjectModel, 'forward' | 'generate'>,
): Promise<Comparison> {
  const { ids, positions, greedy } = recorded;
  const differences: Difference[] = [];
  const forward = await subject.forward({ ids, positions, hidden: true });
  if (tensors.hiddenStates && forward.hidden) {
    compareHiddenStates(differences, forward.hidden, { recorded, tensors }, manifest, sizes);
  }
  const generated = await subject.generate({ ids, maxNewTokens: greedy.tokens.length });
  expectLength('generated tokens', generated.tokens, greedy.tokens.length);
  const flippedAt = generated.tokens.findIndex((token, step) => token !== greedy.tokens[step]);
  expectLength('rows of logits', forward.rows, positions.length);
  if (generated.scores) expectLength('steps', generated.scores, greedy.tokens.length);
  // The logits of a step are comparable up to the first token that differs.
  const steps = (generated.scores ?? []).slice(0, flippedAt < 0 ? undefined : flippedAt + 1);
  const comparison = new RowComparison({ recorded, tensors }, manifest, sizes);
  for (const [i, row] of [...forward.rows, ...steps].entries()) comparison.add(i, wholeRow(row), differences);
  comparison.finish(differences);
  const flip = flippedAt < 0 ? undefined : comparison.judgeFlip(flippedAt, generated.tokens[flippedAt]);
  if (flip) differences.push(flip);
  return {
    differences,
    ties: flippedAt >= 0 && !flip ? 1 : 0,
    fingerprint: generated.fingerprint,
    gave: { hidden: forward.hidden !== undefined, steps: generated.scores !== undefined },
  };
}

function compareHiddenStates(
  differences: Difference[],
  hidden: Float32Array,
  { recorded, tensors }: LoadedCase,
  { projections }: Manifest,
  { hiddenSize, numHiddenLayers }: ModelSizes,
): void {
  const { ids, positions, noise } = recorded;
  const stages = numHiddenLayers + 2;
  expectLength('hidden states', hidden, stages * ids.length * hiddenSize);
  const width = projections?.count ?? hiddenSize;
  expectLength('stored hidden states', tensors.hiddenStates!, stages * positions.length * width);
  for (let stage = 0; stage < stages && differences.length === 0; stage++) {
    const what = `hidden_states.${stage > numHiddenLayers ? 'final' : stage}`;
    for (const [i, position] of positions.entries()) {
      const begin = (stage * ids.length + position) * hiddenSize;
      const got = project(hidden.subarray(begin, begin + hiddenSize), hiddenSize, projections);
      const stored = (stage * positions.length + i) * width;
      const expected = tensors.hiddenStates!.subarray(stored, stored + width);
      maxAbs(got);
      const bound = tolerance(maxAbs(expected), noise.hiddenStates[stage]);
      const index = got.findIndex((value, d) => !(Math.abs(value - expected[d]) <= bound));
      if (index >= 0 && differences.length < LISTED) {
        differences.push({
          what,
          position,
          index,
          got: got[index],
          expected: expected[index],
          tolerance: bound,
        });
      }
    }
  }
}

/** Compares rows of logits with the stored ones, and all of them together with the float64 truth. */
class RowComparison {
  readonly #case: LoadedCase;
  readonly #manifest: Manifest;
  readonly #sizes: ModelSizes;
  readonly #columns: number;
  #squares = 0;
  #count = 0;
  #differing = 0;

  constructor(loaded: LoadedCase, manifest: Manifest, sizes: ModelSizes) {
    this.#case = loaded;
    this.#manifest = manifest;
    this.#sizes = sizes;
    const rows = loaded.recorded.positions.length + loaded.recorded.greedy.tokens.length;
    this.#columns = loaded.tensors.logits.length / rows;
  }

  /**
   * A greedy token that is not the golden's may be chosen only if the reference could not tell the two apart.
   *
   * @returns the difference, unless it is a tie.
   */
  judgeFlip(step: number, token: number): Difference | undefined {
    const { recorded } = this.#case;
    const { ids, positions, greedy, noise } = recorded;
    const i = positions.length + step;
    const column = this.#columnIds(i).indexOf(token);
    const best = this.#stored(i)[this.#columnIds(i).indexOf(greedy.tokens[step])];
    // A token whose logit is not stored is not among the largest.
    const margin = column < 0 ? Number.POSITIVE_INFINITY : best - this.#stored(i)[column];
    if (isTie(margin, this.#rowMax(i), noise.logits)) return undefined;
    const expected = greedy.tokens[step];
    return {
      what: 'greedy token',
      position: ids.length + step,
      index: step,
      got: token,
      expected,
      tolerance: 0,
    };
  }

  /** @param i the row of the golden @param row f32 [vocabSize] of the subject */
  add(i: number, row: Float32Array, differences: Difference[]): void {
    const { recorded, tensors } = this.#case;
    const { noise, positions, ids } = recorded;
    expectLength('a row of logits', row, this.#sizes.vocabSize);
    maxAbs(row);
    const stored = this.#stored(i);
    const columns = this.#columnIds(i);
    expectLength('stored columns', columns, this.#columns);
    const position = i < positions.length ? positions[i] : ids.length + i - positions.length;
    const bound = tolerance(this.#rowMax(i), noise.logits);
    const [sum, storedSum] = [logSumExp(row), tensors.sampled?.logSumExp[i] ?? logSumExp(stored)];
    for (const [column, index] of columns.entries()) {
      const [got, expected] = [row[index], stored[column]];
      if (!(Math.abs(got - expected) <= bound)) {
        this.#note(differences, { what: 'logits', position, index, got, expected, tolerance: bound });
      }
      const [p, expectedP] = [Math.exp(got - sum), Math.exp(expected - storedSum)];
      const boundP = probabilityTolerance(expectedP, noise.probabilities);
      if (!(Math.abs(p - expectedP) <= boundP)) {
        this.#note(differences, {
          what: 'probability',
          position,
          index,
          got: p,
          expected: expectedP,
          tolerance: boundP,
        });
      }
      if (tensors.logitsFloat64) {
        this.#squares += (got - tensors.logitsFloat64[i * this.#columns + column]) ** 2;
        this.#count++;
      }
    }
  }

  /** The subject may be no more than a small factor farther from the truth than the reference is. */
  finish(differences: Difference[]): void {
    const { logitsRms } = this.#case.recorded.noise;
    const got = Math.sqrt(this.#squares / this.#count);
    const bound = RMS_FACTOR * logitsRms;
    if (this.#count > 0 && !(got <= bound)) {
      this.#note(differences, {
        what: RMS_DISTANCE,
        position: 0,
        index: 0,
        got,
        expected: logitsRms,
        tolerance: bound,
      });
    }
  }

  #rowMax(i: number): number {
    return this.#case.tensors.sampled?.rowMax[i] ?? maxAbs(this.#stored(i));
  }

  /** The vocabulary ids of a row's stored logits. */
  #columnIds(i: number): number[] {
    const topIds = this.#case.tensors.sampled?.topIds.subarray(i * TOP, (i + 1) * TOP);
    return storedIds(this.#sizes.vocabSize, this.#manifest.vocabularySample, topIds);
  }

  #stored(i: number): Float32Array {
    return this.#case.tensors.logits.subarray(i * this.#columns, (i + 1) * this.#columns);
  }

  #note(differences: Difference[], difference: Difference): void {
    if (this.#differing++ < LISTED) differences.push(difference);
  }
}

function wholeRow({ ids, values }: TokenScores): Float32Array {
  if (!ids) return values;
  throw new SubjectError(
    `a row has the scores of ${ids.length} tokens only; expected the logits of the whole vocabulary`,
  );
}

function expectLength(what: string, array: ArrayLike<unknown>, length: number): void {
  if (array.length !== length)
    throw new ComparisonError(`${what}: ${array.length} values, expected ${length}`);
}
