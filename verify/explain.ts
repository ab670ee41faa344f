import { countParameters } from '../engine/checkpoint/parameters.ts';
import { readModelConfig } from '../engine/config.ts';
import { type Projections, project } from '../golden/projection.ts';
import type { RecordedCase } from '../golden/schema.ts';
import { logSumExp } from '../golden/tolerance.ts';
import { type Difference, MISSING_TOKEN, RMS_DISTANCE } from './compare/difference.ts';
import { loadOracle } from './oracle/oracle.ts';

/** The oracle recomputes everything for every token; beyond this many multiplications nobody wants to wait. */
const ORACLE_LIMIT = 2e9;

/**
 * Says where subject and golden part first, which of the three witnesses stands alone there, and how to look closer.
 *
 * @param differences in the order of the computation; at least one.
 * @param projections how hidden states are stored, from the manifest.
 */
export async function explain(
  model: string,
  recorded: RecordedCase,
  differences: readonly Difference[],
  modelDir: string,
  projections?: Projections,
): Promise<string> {
  const [first] = differences;
  const lines = [
    `${model} · ${recorded.id}: ${where(first, recorded)}`,
    `  got ${first.got}, expected ${first.expected}, tolerance ${first.tolerance}`,
    `  ${await judge(recorded, first, modelDir, projections)}`,
    ...differences
      .slice(1)
      .map((d) => `  also ${d.what} at ${d.position}, ${d.index}: got ${d.got}, expected ${d.expected}`),
    `  look closer: npm run inspect -- --model ${model} --case ${recorded.id}`,
  ];
  return lines.join('\n');
}

function where({ what, position, index }: Difference, { ids }: RecordedCase): string {
  if (what === RMS_DISTANCE)
    return 'no value is off by itself, but all logits together are farther from the truth';
  const generated = position >= ids.length ? ' (generated)' : '';
  return `parts from the golden at ${what}, position ${position}${generated}, index ${index}`;
}

async function judge(
  recorded: RecordedCase,
  difference: Difference,
  modelDir: string,
  projections: Projections | undefined,
): Promise<string> {
  const { what, got, expected, tolerance } = difference;
  if (what === RMS_DISTANCE) return 'the truth is the float64 twin: the subject stands alone';
  const witness = await askOracle(recorded, difference, modelDir, projections);
  if (witness === undefined) return `the oracle was not asked about ${what} of a prompt of this size`;
  const [isSubject, isGolden] = [got, expected].map((value) => Math.abs(value - witness) <= tolerance);
  if (isGolden && !isSubject) return `the oracle says ${witness}: the subject stands alone`;
  if (isSubject && !isGolden) return `the oracle says ${witness}: the golden stands alone`;
  return `the oracle says ${witness}: ${isGolden ? 'between the two' : 'no two agree'}`;
}

async function askOracle(
  recorded: RecordedCase,
  difference: Difference,
  modelDir: string,
  projections: Projections | undefined,
): Promise<number | undefined> {
  const { what, position, index } = difference;
  const config = await readModelConfig(modelDir);
  const { ids, greedy } = recorded;
  const generated = Math.max(0, position - ids.length + 1);
  const context = generated ? [...ids, ...greedy.tokens.slice(0, generated - 1)] : ids;
  if (context.length * countParameters(config).total > ORACLE_LIMIT) return undefined;
  const { hidden, logits } = (await loadOracle(modelDir)).forward(context);
  const row = generated ? context.length - 1 : position;
  const rowOfLogits = logits.subarray(row * config.vocabSize, (row + 1) * config.vocabSize);
  if (what === 'logits' || what === MISSING_TOKEN) return rowOfLogits[index];
  if (what === 'probability') return Math.exp(rowOfLogits[index] - logSumExp(rowOfLogits));
  if (what === 'greedy token')
    return rowOfLogits.reduce((best, logit, id) => (logit > rowOfLogits[best] ? id : best), 0);
  const stage = /^hidden_states\.(\d+|final)$/.exec(what)?.[1];
  if (stage === undefined) return undefined;
  const layer = stage === 'final' ? config.numHiddenLayers + 1 : Number(stage);
  const state = hidden[layer].subarray(row * config.hiddenSize, (row + 1) * config.hiddenSize);
  return project(state, config.hiddenSize, projections)[index];
}
