import { quote } from 'shlex';
import { readModelConfig } from '../engine/checkpoint/read-config.ts';
import { type Projections, project } from '../golden/projection.ts';
import type { RecordedCase } from '../golden/schema.ts';
import { logSumExp } from '../golden/tolerance.ts';
import { type Difference, MISSING_TOKEN, RMS_DISTANCE } from './compare/difference.ts';
import { loadOracle } from './oracle/oracle.ts';
import { isWithinOracle } from './witnesses.ts';

/** What {@link explain} takes. */
export interface ExplainOptions {
  /** The name of the golden's folder. */
  readonly model: string;
  readonly recorded: RecordedCase;
  /** In the order of the computation; at least one. */
  readonly differences: readonly Difference[];
  readonly modelDir: string;
  /** How hidden states are stored, from the manifest. */
  readonly projections?: Projections;
  /** What `SUBJECT` is set to. Default: our engine is tested. */
  readonly subjectPath?: string;
}

/**
 * Says where the subject differs from the golden first, whether the float64 oracle agrees with one of them,
 * and which command shows more.
 */
export async function explain(options: ExplainOptions): Promise<string> {
  const { model, recorded, differences, modelDir, projections, subjectPath } = options;
  const [first] = differences;
  const lines = [
    `${model} · ${recorded.id}: ${where(first, recorded)}`,
    `  got ${first.got}, expected ${first.expected}, tolerance ${first.tolerance}`,
    `  ${await judge(recorded, first, modelDir, projections)}`,
    ...differences
      .slice(1)
      .map((d) => `  also ${d.what} at ${d.position}, ${d.index}: got ${d.got}, expected ${d.expected}`),
    `  to see every stage: ${subjectPath ? `SUBJECT=${quote(subjectPath)} ` : ''}npm run inspect -- --model ${model} --case ${recorded.id}`,
    pageHint(model, subjectPath),
  ];
  return lines.join('\n');
}

/** The line that names the command for a page of all cases. @param subjectPath what `SUBJECT` is set to */
export function pageHint(model: string, subjectPath: string | undefined): string {
  const subject = subjectPath ? `--module ${quote(subjectPath)} ` : '';
  return `  to see all cases on a page: npx plumbline-verify --model ${model} ${subject}--precision f32 --html report.html`;
}

function where({ what, position, index }: Difference, { ids }: RecordedCase): string {
  if (what === RMS_DISTANCE)
    return 'each value is within its tolerance, but all logits together are farther from the truth';
  const generated = position >= ids.length ? ' (generated)' : '';
  return `differs from the golden first at ${what}, position ${position}${generated}, index ${index}`;
}

async function judge(
  recorded: RecordedCase,
  difference: Difference,
  modelDir: string,
  projections: Projections | undefined,
): Promise<string> {
  const { what, got, expected, tolerance } = difference;
  if (what === RMS_DISTANCE) return 'the truth is the float64 twin: the subject is wrong';
  const witness = await askOracle(recorded, difference, modelDir, projections);
  if (witness === undefined) return `the oracle was not asked about ${what} of a prompt of this size`;
  const [isSubject, isGolden] = [got, expected].map((value) => Math.abs(value - witness) <= tolerance);
  if (isGolden && !isSubject) return `the oracle says ${witness}, as the golden does: the subject is wrong`;
  if (isSubject && !isGolden) return `the oracle says ${witness}, as the subject does: the golden is wrong`;
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
  if (!isWithinOracle(config, context.length)) return undefined;
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
