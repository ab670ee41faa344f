import type { ModelConfig } from '../../engine/config.ts';
import { project } from '../../golden/projection.ts';
import { type CaseTensors, type Noise, storedIds, TOP } from '../../golden/schema.ts';
import { logSumExp, maxAbs } from '../../golden/tolerance.ts';
import type { Selection } from './selection.ts';

/** Rows of whole logits of one case: the stored positions, then one for each greedy token. */
export interface CaseRows {
  float32: readonly Float32Array[];
  /** The same of the float64 twin, if there is one. */
  float64?: readonly Float64Array[];
}

/** A stage of the residual stream at the stored positions: f32 [positions, hiddenSize], and the twin's. */
export interface StageRows {
  float32: Float32Array;
  float64: Float64Array;
}

/**
 * Selects the stored numbers of a case, and measures the distance of the reference from its float64 twin.
 */
export function selectTensors(
  config: ModelConfig,
  rows: CaseRows,
  stages: readonly StageRows[],
  selection: Selection,
): { tensors: CaseTensors; noise: Noise } {
  const { vocabularySample, projections } = selection;
  const topIds = rows.float32.map((row) => (vocabularySample ? largest(row, TOP) : []));
  const columns = rows.float32.map((_, i) => storedIds(config.vocabSize, vocabularySample, topIds[i]));
  const pick = (all: readonly ArrayLike<number>[]) =>
    all.flatMap((row, i) => columns[i].map((id) => row[id]));
  const projected = stages.map(({ float32, float64 }) => ({
    float32: project(float32, config.hiddenSize, projections),
    float64: project(float64, config.hiddenSize, projections),
  }));
  const width = projections?.count ?? config.hiddenSize;
  const tensors: CaseTensors = { logits: Float32Array.from(pick(rows.float32)) };
  if (rows.float64) tensors.logitsFloat64 = Float64Array.from(pick(rows.float64));
  if (stages.length) {
    tensors.hiddenStates = Float32Array.from(projected.flatMap(({ float32 }) => Array.from(float32)));
  }
  if (vocabularySample) {
    tensors.sampled = {
      topIds: Int32Array.from(topIds.flat()),
      rowMax: Float32Array.from(rows.float32, maxAbs),
      logSumExp: Float64Array.from(rows.float32, logSumExp),
    };
  }
  const noise: Noise = {
    ...logitNoise(rows),
    logitsRms: rootMeanSquareDistance(tensors),
    hiddenStates: projected.map(({ float32, float64 }) => relativeDistance(float32, float64, width)),
  };
  return { tensors, noise };
}

function logitNoise({ float32, float64 }: CaseRows): Pick<Noise, 'logits' | 'probabilities'> {
  const noise = { logits: 0, probabilities: 0 };
  if (!float64) return noise;
  for (const [i, row] of float32.entries()) {
    const truth = float64[i];
    noise.logits = Math.max(noise.logits, relativeDistance(row, truth, row.length));
    const [sum, sumTruth] = [logSumExp(row), logSumExp(truth)];
    for (let id = 0; id < row.length; id++) {
      const difference = Math.abs(Math.exp(row[id] - sum) - Math.exp(truth[id] - sumTruth));
      noise.probabilities = Math.max(noise.probabilities, difference);
    }
  }
  return noise;
}

/** Over the stored logits, since the suite compares an engine's at the same positions and ids. */
function rootMeanSquareDistance({ logits, logitsFloat64 }: CaseTensors): number {
  if (!logitsFloat64) return 0;
  let squares = 0;
  for (let i = 0; i < logits.length; i++) squares += (logits[i] - logitsFloat64[i]) ** 2;
  return Math.sqrt(squares / logits.length);
}

/** The largest difference in any row, as a fraction of the row's largest magnitude. */
function relativeDistance(values: ArrayLike<number>, truth: ArrayLike<number>, width: number): number {
  let worst = 0;
  for (let begin = 0; begin < values.length; begin += width) {
    let difference = 0;
    let rowMax = 0;
    for (let i = begin; i < begin + width; i++) {
      difference = Math.max(difference, Math.abs(values[i] - truth[i]));
      rowMax = Math.max(rowMax, Math.abs(truth[i]));
    }
    if (rowMax > 0) worst = Math.max(worst, difference / rowMax);
  }
  return worst;
}

/** Ids of the largest values, descending; of equal ones the lower id first. */
export function largest(row: Float32Array, count: number): number[] {
  const ids: number[] = [];
  // One pass with a short sorted list; sorting a vocabulary of 151,936 takes a hundred times as long.
  for (let id = 0; id < row.length; id++) {
    if (ids.length === count && !(row[id] > row[ids[count - 1]])) continue;
    let place = ids.length;
    while (place > 0 && row[id] > row[ids[place - 1]]) place--;
    ids.splice(place, 0, id);
    if (ids.length > count) ids.pop();
  }
  return ids;
}
