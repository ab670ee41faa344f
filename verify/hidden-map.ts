import type { VerifyCase } from '../golden/verify-case.ts';
import { sequenceOf } from '../golden/verify-case.ts';
import type { AskedCase } from './ask/ask-cases.ts';
import { worstRatio } from './judge/precision-verdict.ts';
import { median, rms } from './judge/statistics.ts';
import type { PrecisionClass } from './precision.ts';
import { IMITATIONS } from './reference/imitations.ts';
import type { RowsCase } from './reference/rows.ts';
import { TappedModel } from './reference/tapped-model.ts';
import { hiddenStateNames } from './witnesses.ts';

/** How far a subject's hidden states are from what is right, for one case. */
export interface HiddenMap {
  /** In the order of the computation. */
  readonly stages: readonly string[];
  /** [stages][positions of the case], the RMS error in units of the class's noise. */
  readonly ratios: readonly (readonly number[])[];
  /** The first stage and position from which on the noise no longer explains the error. */
  readonly first?: { readonly stage: string; readonly position: number; readonly ratio: number };
}

/** A row's noise is at least this part of the stage's median; and of the row itself, the rounding of f32. */
const LEAST_OF_MEDIAN = 0.25;
const F32_ROUNDING = 2 ** -24;

/**
 * Holds hidden states to those of our engine at f32. The noise of the class is measured on the same rows, by
 * the imitations of particular engines.
 *
 * @param asked cases without hidden states are left out.
 * @throws what `Engine.load` and `Engine.forward` throw, or the reason of `signal`.
 */
export async function hiddenMaps(
  modelDir: string,
  asked: readonly AskedCase[],
  precision: PrecisionClass,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, HiddenMap>> {
  const given = new Map(
    asked.flatMap(({ case: each, forward }) =>
      forward.kind === 'result' && forward.value.hidden ? [[each.id, forward.value.hidden]] : [],
    ),
  );
  const cases = asked.flatMap(({ case: each }) => (given.has(each.id) ? [rowsCaseOf(each)] : []));
  if (cases.length === 0) return new Map();
  const model = await TappedModel.load(modelDir, cases);
  const { config } = model;
  const stages = hiddenStateNames(config);
  const truth = await statesOf(model, (states) => states);
  const errorsOf = (states: Float32Array, { id }: RowsCase) =>
    rowRms(states, truth.get(id)!, config.hiddenSize);
  const imitated: ReadonlyMap<string, Float64Array>[] = [];
  for (const { taps: make } of IMITATIONS.filter((one) => one.precision === precision && !one.isDraw)) {
    const taps = make();
    const other = await TappedModel.load(modelDir, cases, { weights: taps.weights });
    imitated.push(await statesOf(other, errorsOf, taps));
  }
  return new Map(
    cases.map((each) => {
      const right = truth.get(each.id)!;
      const own = ownStates(given.get(each.id)!, each, { ...config, numStages: stages.length });
      const errors = rowRms(own, right, config.hiddenSize);
      const least = rowRms(right, undefined, config.hiddenSize).map((size) => size * F32_ROUNDING);
      const noise = errors.map((_, r) => rms(imitated.map((of) => of.get(each.id)![r])));
      return [each.id, mapOf({ stages, positions: each.positions, errors, noise, least, precision })];
    }),
  );

  async function statesOf<T>(
    from: TappedModel,
    take: (states: Float32Array, next: RowsCase) => T,
    taps = {},
  ): Promise<ReadonlyMap<string, T>> {
    try {
      return await from.states(cases, stages, take, { taps, signal });
    } finally {
      await from.close();
    }
  }
}

function rowsCaseOf(each: VerifyCase): RowsCase {
  const { id, promptIds, positions } = each;
  return { id, ids: sequenceOf(each), promptLength: promptIds.length, positions };
}

/** f32 [stages, positions, hiddenSize] of f32 [stages, T, hiddenSize]. */
function ownStates(
  hidden: Float32Array,
  { ids, positions }: RowsCase,
  { hiddenSize, numStages }: { hiddenSize: number; numStages: number },
): Float32Array {
  const own = new Float32Array(numStages * positions.length * hiddenSize);
  for (let stage = 0; stage < numStages; stage++) {
    for (const [i, position] of positions.entries()) {
      const from = (stage * ids.length + position) * hiddenSize;
      own.set(hidden.subarray(from, from + hiddenSize), (stage * positions.length + i) * hiddenSize);
    }
  }
  return own;
}

/** RMS of each row of `a − b`, f64 [rows]. @param b default: zeros */
function rowRms(a: Float32Array, b: Float32Array | undefined, width: number): Float64Array {
  return Float64Array.from({ length: a.length / width }, (_, row) => {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += (a[i] - (b ? b[i] : 0)) ** 2;
    return Math.sqrt(sum / width);
  });
}

/** What a map is made of: each f64 [stages, positions]. */
interface MapParts {
  readonly stages: readonly string[];
  readonly positions: readonly number[];
  readonly errors: Float64Array;
  readonly noise: Float64Array;
  readonly least: Float64Array;
  readonly precision: PrecisionClass;
}

function mapOf({ stages, positions, errors, noise, least, precision }: MapParts): HiddenMap {
  const count = positions.length;
  const ratios = stages.map((_, stage) => {
    const typical = median(noise.subarray(stage * count, (stage + 1) * count));
    return positions.map((_, i) => {
      const at = stage * count + i;
      const unit = Math.max(noise[at], LEAST_OF_MEDIAN * typical, least[at], Number.MIN_VALUE);
      return Number((errors[at] / unit).toPrecision(3));
    });
  });
  // An honest engine may be far off in one stage; a bug's error is still there in those that follow.
  const most = worstRatio(precision);
  const lasts = (stage: number, i: number) => ratios.slice(stage).every((row) => !(row[i] <= most));
  for (const [stage, row] of ratios.entries()) {
    const i = row.findIndex((_, at) => lasts(stage, at));
    if (i >= 0)
      return { stages, ratios, first: { stage: stages[stage], position: positions[i], ratio: row[i] } };
  }
  return { stages, ratios };
}
