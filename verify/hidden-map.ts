import { readModelConfig } from '../engine/index.ts';
import type { VerifyCase } from '../golden/verify-case.ts';
import { sequenceOf } from '../golden/verify-case.ts';
import type { AskedCase } from './ask/ask-cases.ts';
import { worstRatio } from './judge/precision-verdict.ts';
import { median } from './judge/statistics.ts';
import type { PrecisionClass } from './precision.ts';
import { type HiddenReferenceOptions, loadHiddenReference, rowRms } from './reference/hidden-reference.ts';
import type { RowsCase } from './reference/rows.ts';
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

export interface HiddenMapOptions
  extends Pick<HiddenReferenceOptions, 'precision' | 'folder' | 'signal' | 'onProgress'> {
  /** Cases without hidden states are left out. */
  readonly asked: readonly AskedCase[];
}

/**
 * Holds hidden states to those of our engine at f32. The noise of the class is measured on the same rows, by
 * the imitations of particular engines.
 *
 * @throws as {@link loadHiddenReference} does.
 */
export async function hiddenMaps(
  modelDir: string,
  { asked, ...options }: HiddenMapOptions,
): Promise<ReadonlyMap<string, HiddenMap>> {
  const given = new Map(
    asked.flatMap(({ case: each, forward }) =>
      forward.kind === 'result' && forward.value.hidden ? [[each.id, forward.value.hidden]] : [],
    ),
  );
  const cases = asked.flatMap(({ case: each }) => (given.has(each.id) ? [rowsCaseOf(each)] : []));
  if (cases.length === 0) return new Map();
  const config = await readModelConfig(modelDir);
  const { hiddenSize } = config;
  const stages = hiddenStateNames(config);
  const reference = await loadHiddenReference(modelDir, cases, { ...options, config });
  return new Map(
    cases.map((each) => {
      const { truth, noise } = reference.get(each.id)!;
      const own = ownStates(given.get(each.id)!, each, { hiddenSize, numStages: stages.length });
      const errors = rowRms(own, truth, hiddenSize);
      const least = rowRms(truth, undefined, hiddenSize).map((size) => size * F32_ROUNDING);
      const { positions } = each;
      return [each.id, mapOf({ stages, positions, errors, noise, least, precision: options.precision })];
    }),
  );
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

/** What a map is made of: each [stages, positions]. */
interface MapParts {
  readonly stages: readonly string[];
  readonly positions: readonly number[];
  readonly errors: Float64Array;
  readonly noise: Float32Array;
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
