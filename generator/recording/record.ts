import type { PreTrainedTokenizer } from '@huggingface/transformers';
import type { ModelConfig } from '../../engine/config.ts';
import { PlumblineError } from '../../engine/errors.ts';
import type { Prompt, RecordedGolden } from '../../golden/schema.ts';
import { type CaseRows, largest, type StageRows, selectTensors } from './case-tensors.ts';
import type { Float64Twin } from './float64-twin.ts';
import { promptIds } from './prompt-ids.ts';
import type { Reference } from './reference.ts';
import { type Selection, selectPositions } from './selection.ts';

/** Everything that computes a model's goldens. */
export interface Recorder {
  config: ModelConfig;
  tokenizer?: Pick<PreTrainedTokenizer, 'encode' | 'decode' | 'apply_chat_template'>;
  /** The graph whose logits are recorded. */
  reference: Pick<Reference, 'forward' | 'generate'>;
  /**
   * Our graph of the same weights, for hidden states; absent for a foreign graph without weights beside it.
   */
  tapped?: Pick<Reference, 'forward'>;
  /** Our graph of the same weights in float64; absent where `tapped` is. */
  twin?: Pick<Float64Twin, 'forward'>;
  selection: Selection;
  maxNewTokens: number;
}

/**
 * Largest difference between two graphs of the same weights, as a fraction of the largest logit: a hundred
 * times the difference of correct f32 graphs, and less than that of other weights, or of the same in fewer
 * bits.
 */
const SAME_MODEL = 1e-3;

/** The reference computed something that cannot be a golden. */
export class RecordingError extends PlumblineError {}

/**
 * Records one prompt: the greedy continuation with the logits of every step, the logits and hidden states of
 * the prompt itself, and both again in float64.
 *
 * @param onToken is called after every greedy token.
 * @throws RecordingError if the reference accepts an empty prompt, returns NaN, an infinity or logits of
 * another vocabulary, or computes another model than our own graph of the weights.
 * @throws PromptError if an id is outside the vocabulary.
 */
export async function recordCase(
  prompt: Prompt,
  recorder: Recorder,
  onToken?: () => void,
): Promise<RecordedGolden> {
  const { config, tokenizer, reference } = recorder;
  const { ids, text } = promptIds(prompt, config.vocabSize, tokenizer);
  const head = { id: prompt.id, category: prompt.category, ...(text === undefined ? {} : { text }), ids };
  if (ids.length === 0) {
    // The golden of an empty prompt is the error of the reference.
    try {
      await reference.generate(ids, recorder.maxNewTokens);
    } catch (error) {
      return { golden: { ...head, refusal: (error as Error).message.split('\n')[0] } };
    }
    throw new RecordingError(
      `${prompt.id}: the reference accepted an empty prompt; expected an error, which engines must give as well`,
    );
  }
  const greedy = await reference.generate(ids, recorder.maxNewTokens, onToken);
  const positions = selectPositions(ids.length, config, recorder.selection);
  const { rows, stages, ours } = await forward(ids, positions, greedy, recorder);
  refuseUnlessFinite(prompt.id, rows, stages);
  // The last stored position is the last of the prompt.
  if (ours) refuseUnlessSameModel(prompt.id, rows.float32[positions.length - 1], ours);
  const { tensors, noise } = selectTensors(config, rows, stages, recorder.selection);
  const margins = greedy.logits.map((row) => {
    const [best, second] = largest(row, 2);
    return row[best] - row[second];
  });
  const greedyText = tokenizer?.decode(greedy.tokens, { skip_special_tokens: false });
  return {
    golden: {
      ...head,
      positions,
      greedy: { tokens: greedy.tokens, ...(greedyText === undefined ? {} : { text: greedyText }), margins },
      noise,
    },
    tensors,
  };
}

/**
 * @returns the rows of logits at the stored positions and greedy steps, the hidden states at the positions,
 * and the prompt's last row of logits from our own graph.
 */
async function forward(
  ids: readonly number[],
  positions: readonly number[],
  greedy: { tokens: number[]; logits: Float32Array[] },
  { config, reference, tapped, twin }: Recorder,
): Promise<{ rows: CaseRows; stages: StageRows[]; ours?: Float32Array }> {
  const kept = ids.length - positions[0];
  const { logits } = await reference.forward(ids, kept);
  if (logits.length !== kept * config.vocabSize) {
    throw new RecordingError(
      `the reference returned ${logits.length / kept} logits a row; config.json says vocab_size ${config.vocabSize}`,
    );
  }
  const rowAt = <T extends Float32Array | Float64Array>(all: T, row: number) =>
    all.subarray(row * config.vocabSize, (row + 1) * config.vocabSize) as T;
  const offsets = positions.map((position) => position - positions[0]);
  const float32 = [...offsets.map((row) => rowAt(logits, row)), ...greedy.logits];
  if (!tapped || !twin) return { rows: { float32 }, stages: [] };
  const tap = await tapped.forward(ids, 1);
  // The twin computes the reference's continuation, so that their rows are comparable.
  const continued = [...ids, ...greedy.tokens.slice(0, -1)];
  const isHiddenState = (stage: string) => stage.startsWith('hidden_states.');
  const truth = await twin.forward(continued, continued.length - positions[0], isHiddenState);
  const steps = greedy.tokens.map((_, step) => kept - 1 + step);
  const float64 = [...offsets, ...steps].map((row) => rowAt(truth.logits, row));
  const names = Array.from({ length: config.numHiddenLayers + 1 }, (_, i) => `hidden_states.${i}`);
  const stages = [...names, 'hidden_states.final'].map((name) => ({
    float32: takeRows(tap.stages.get(name)!, positions, config.hiddenSize),
    float64: takeRows(truth.stages.get(name)!, positions, config.hiddenSize),
  }));
  return { rows: { float32, float64 }, stages, ours: tap.logits };
}

/** The noise of a foreign graph of other weights would widen every tolerance. */
function refuseUnlessSameModel(id: string, theirs: Float32Array, ours: Float32Array): void {
  let [largest, distance] = [0, 0];
  for (const [i, value] of theirs.entries()) {
    largest = Math.max(largest, Math.abs(value));
    distance = Math.max(distance, Math.abs(value - ours[i]));
  }
  if (!(distance <= SAME_MODEL * largest)) {
    throw new RecordingError(
      `${id}: the last logits of the reference's graph and of our own graph of the weights differ by ${distance}; ` +
        `expected at most ${SAME_MODEL} of ${largest}: take the fp32 graph that was exported from these weights`,
    );
  }
}

/** A comparison with NaN never passes, or if written carelessly always does. */
function refuseUnlessFinite(id: string, rows: CaseRows, stages: readonly StageRows[]): void {
  const all = [
    ...rows.float32.map((row) => ['logits', row] as const),
    ...(rows.float64 ?? []).map((row) => ['float64 logits', row] as const),
    ...stages.flatMap(({ float32, float64 }, i) =>
      [float32, float64].map((row) => [`hidden states of stage ${i}`, row] as const),
    ),
  ];
  for (const [what, row] of all) {
    const index = row.findIndex((value) => !Number.isFinite(value));
    if (index >= 0) throw new RecordingError(`${id}: the reference's ${what} hold ${row[index]}`);
  }
}

function takeRows<T extends Float32Array | Float64Array>(
  values: T,
  rows: readonly number[],
  width: number,
): T {
  const taken = rows.flatMap((row) => Array.from(values.subarray(row * width, (row + 1) * width)));
  return (values instanceof Float32Array ? Float32Array.from(taken) : Float64Array.from(taken)) as T;
}
