import { type CaseTensors, type Noise, type RecordedCase, storedIds, TOP } from '../../golden/schema.ts';
import { isTie, tolerance } from '../../golden/tolerance.ts';
import { DifferenceStats } from './difference-stats.ts';

/** A case that the reference did not refuse, and its numbers. */
export interface Recording {
  golden: RecordedCase;
  tensors: CaseTensors;
}

/** A greedy token that changed. */
export interface FlippedToken {
  step: number;
  was: number;
  now: number;
  /** The recorded margin of the old token, in logits. */
  margin: number;
}

/** How two recordings of one prompt differ. */
export interface NumberChanges {
  /** One line each; empty if the recordings differ only within the reference's noise. */
  reasons: string[];
  flipped: FlippedToken[];
  /** Largest and root-mean-square difference of the stored logits; 0 if they cannot be compared. */
  largest: number;
  rms: number;
}

/** Largest ratio of the noise on two CPUs, which compute in different orders. */
const NOISE_RATIO = 10;
/** Noise below this is treated as equal: no tolerance depends on it. */
const NOISE_FLOOR = 2.5e-6;

/**
 * Compares all stored numbers of a case with a new recording, also those that only widen a tolerance of the
 * suite. Bounds come from the new recording, since a golden may have been edited.
 *
 * @param vocabularySample of the manifest, the same for both.
 */
export function compareNumbers(
  was: Recording,
  is: Recording,
  vocabularySample?: readonly number[],
): NumberChanges {
  const sizes = otherSizes(was, is);
  if (sizes.length > 0) return { reasons: sizes, flipped: [], largest: 0, rms: 0 };
  return new Comparison(was, is, vocabularySample).run();
}

/** Lists whose lengths differ, as reasons. */
function otherSizes(was: Recording, is: Recording): string[] {
  const [old, now] = [sizesOf(was), sizesOf(is)];
  return Object.keys(now)
    .filter((what) => now[what] !== old[what])
    .map((what) => `${now[what]} ${what} are stored, ${old[what]} were`);
}

function sizesOf({ golden, tensors }: Recording): Record<string, number> {
  const { logits, logitsFloat64, hiddenStates, sampled } = tensors;
  return {
    'greedy tokens': golden.greedy.tokens.length,
    margins: golden.greedy.margins.length,
    logits: logits.length,
    'float64 logits': logitsFloat64?.length ?? 0,
    stages: golden.noise.hiddenStates.length,
    'hidden states': hiddenStates?.length ?? 0,
    'top ids': sampled?.topIds.length ?? 0,
    'row maxima': sampled?.rowMax.length ?? 0,
    'log-sum-exps': sampled?.logSumExp.length ?? 0,
  };
}

/** Two recordings whose lists have the same lengths. */
class Comparison {
  readonly #was: Recording;
  readonly #is: Recording;
  readonly #sample: readonly number[] | undefined;
  readonly #columns: number;
  readonly #noise: number;
  readonly #result: NumberChanges = { reasons: [], flipped: [], largest: 0, rms: 0 };

  constructor(was: Recording, is: Recording, sample?: readonly number[]) {
    this.#was = was;
    this.#is = is;
    this.#sample = sample;
    this.#columns = is.tensors.logits.length / rowsOf(is.golden);
    this.#noise = Math.max(was.golden.noise.logits, is.golden.noise.logits);
  }

  run(): NumberChanges {
    const [was, is] = [this.#was.golden.greedy, this.#is.golden.greedy];
    // After a flipped token, the two continue different texts.
    const flippedAt = is.tokens.findIndex((token, step) => token !== was.tokens[step]);
    this.#compareRows(flippedAt < 0 ? rowsOf(this.#is.golden) : this.#rowOfStep(flippedAt) + 1);
    this.#compareHiddenStates();
    this.#compareMargins(flippedAt < 0 ? is.tokens.length : flippedAt);
    if (flippedAt >= 0) {
      this.#noteFlip(flippedAt);
    } else {
      if (was.text !== is.text) this.#result.reasons.push('the greedy text differs');
      this.#compareNoise();
    }
    return this.#result;
  }

  #compareRows(rows: number): void {
    const logits = new DifferenceStats();
    const float64 = new DifferenceStats();
    const summaries = new DifferenceStats();
    const [was, is] = [this.#was.tensors, this.#is.tensors];
    for (let i = 0; i < rows; i++) {
      const bound = tolerance(this.#rowMax(i), this.#noise);
      this.#addLogits(logits, i, bound);
      for (let c = i * this.#columns; was.logitsFloat64 && c < (i + 1) * this.#columns; c++) {
        float64.add(was.logitsFloat64[c], is.logitsFloat64![c], bound);
      }
      if (was.sampled && is.sampled) {
        summaries.add(was.sampled.rowMax[i], is.sampled.rowMax[i], bound);
        summaries.add(was.sampled.logSumExp[i], is.sampled.logSumExp[i], bound);
      }
    }
    this.#result.largest = logits.largest;
    this.#result.rms = logits.rms;
    this.#note(logits, 'logits');
    this.#note(float64, 'float64 logits');
    this.#note(summaries, 'row maxima and log-sum-exps');
  }

  #addLogits(stats: DifferenceStats, i: number, bound: number): void {
    const [was, is] = [this.#row(this.#was, i), this.#row(this.#is, i)];
    const sampled = this.#sample?.length ?? this.#columns;
    for (let c = 0; c < sampled; c++) stats.add(was[c], is[c], bound);
    const [wasTop, isTop] = [topOf(this.#was, i, was), topOf(this.#is, i, is)];
    const [wasLast, isLast] = [was[was.length - 1], is[is.length - 1]];
    // The logit of an id outside the top is at most the last logit of the top.
    for (const [id, logit] of wasTop) stats.add(logit, isTop.get(id) ?? Math.min(logit, isLast), bound);
    for (const [id, logit] of isTop) if (!wasTop.has(id)) stats.add(Math.min(logit, wasLast), logit, bound);
  }

  #compareHiddenStates(): void {
    const [was, is] = [this.#was.tensors.hiddenStates, this.#is.tensors.hiddenStates];
    if (!was || !is) return;
    const [wasNoise, isNoise] = [this.#was.golden.noise.hiddenStates, this.#is.golden.noise.hiddenStates];
    const positions = this.#is.golden.positions.length;
    const width = is.length / isNoise.length / positions;
    const stats = new DifferenceStats();
    for (let row = 0; row < isNoise.length * positions; row++) {
      const stage = Math.floor(row / positions);
      const [begin, end] = [row * width, (row + 1) * width];
      const bound = tolerance(magnitude(is.subarray(begin, end)), Math.max(wasNoise[stage], isNoise[stage]));
      for (let c = begin; c < end; c++) stats.add(was[c], is[c], bound);
    }
    this.#note(stats, 'hidden states');
  }

  #compareMargins(steps: number): void {
    const stats = new DifferenceStats();
    for (let step = 0; step < steps; step++) {
      const bound = tolerance(this.#rowMax(this.#rowOfStep(step)), this.#noise);
      stats.add(this.#was.golden.greedy.margins[step], this.#is.golden.greedy.margins[step], 2 * bound);
    }
    this.#note(stats, 'margins');
  }

  #compareNoise(): void {
    const [was, is] = [this.#was.golden.noise, this.#is.golden.noise].map(noiseFigures);
    for (const [what, now] of Object.entries(is)) {
      const [low, high] = [Math.min(was[what], now), Math.max(was[what], now)];
      if (!(high <= NOISE_RATIO * Math.max(low, NOISE_FLOOR))) {
        this.#result.reasons.push(`noise.${what} is ${now}, was ${was[what]}`);
      }
    }
  }

  #noteFlip(step: number): void {
    const [was, is] = [this.#was.golden.greedy, this.#is.golden.greedy];
    const margin = was.margins[step];
    this.#result.flipped.push({ step, was: was.tokens[step], now: is.tokens[step], margin });
    const i = this.#rowOfStep(step);
    const logits = this.#row(this.#is, i);
    const ids = storedIds(this.#columns, this.#sample, [...topOf(this.#is, i, logits).keys()]);
    const logitOf = (id: number) => logits[ids.lastIndexOf(id)] ?? Number.NEGATIVE_INFINITY;
    const behind = logitOf(is.tokens[step]) - logitOf(was.tokens[step]);
    if (!isTie(behind, this.#rowMax(i), this.#noise)) {
      this.#result.reasons.push(
        `greedy token ${step} changed: the old one is now ${behind} below the new one; its recorded margin was ${margin}`,
      );
    }
  }

  #note({ beyond, count }: DifferenceStats, what: string): void {
    if (beyond > 0) this.#result.reasons.push(`${beyond} of ${count} ${what} differ beyond the noise`);
  }

  #rowOfStep(step: number): number {
    return this.#is.golden.positions.length + step;
  }

  #rowMax(i: number): number {
    return this.#is.tensors.sampled?.rowMax[i] ?? magnitude(this.#row(this.#is, i));
  }

  #row({ tensors }: Recording, i: number): Float32Array {
    return tensors.logits.subarray(i * this.#columns, (i + 1) * this.#columns);
  }
}

function rowsOf({ positions, greedy }: RecordedCase): number {
  return positions.length + greedy.tokens.length;
}

/** A row's largest logits by id; empty if whole rows are stored. */
function topOf({ tensors }: Recording, i: number, row: Float32Array): Map<number, number> {
  const topIds = tensors.sampled?.topIds.subarray(i * TOP, (i + 1) * TOP) ?? [];
  return new Map(Array.from(topIds, (id, rank) => [id, row[row.length - TOP + rank]]));
}

/** Largest magnitude; NaN if any value is NaN. */
function magnitude(values: Float32Array): number {
  return values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

function noiseFigures({ hiddenStates, ...figures }: Noise): Record<string, number> {
  return {
    ...figures,
    ...Object.fromEntries(hiddenStates.map((noise, i) => [`hiddenStates.${i}`, noise])),
  };
}
