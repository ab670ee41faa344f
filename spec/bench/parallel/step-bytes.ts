import type { ModelConfig } from '../../../engine/config.ts';
import type { StepPlan } from '../../../engine/distributed/step-plan.ts';

/** Bytes of an f32 or int32. */
const VALUE_BYTES = 4;
/** An all-reduce of more values over more than two ranks goes by slices. */
const STRAIGHT_VALUES = 16_380;

/**
 * Bytes that all ranks of a dense model send together for a step, with tensor parallelism over `tp` of them.
 * With rows R (tokens), rows of logits W (logits), layers L, hidden size H and vocabulary V:
 *
 * - **the plan**, from rank 0 to each other: its length, three counts, two numbers for each copy of a block,
 *   three counts, the ids and the blocks of each span, and the rows of logits: `(tp − 1) · 4 · (1 + 3 +
 *   2·copies + Σ(3 + ids + blocks) + W)`.
 * - **the embedding**: each row from the one rank that has it to all others: `(tp − 1) · 4 · R · H`.
 * - **two sums a layer**, of the attention's output projection and the MLP's down projection, R · H values
 *   each. Straight, every rank sends all to all others: `tp · (tp − 1) · 4 · R · H`. By slices, every rank
 *   first sends all but its own slice, `tp · N − N` together, and then its own to all others, `(tp − 1) · N`:
 *   `2 · (tp − 1) · 4 · R · H`. Two ranks send the same number of bytes either way.
 * - **the logits**, their part of the vocabulary from all others to rank 0: `(tp − 1) · 4 · W · V / tp`.
 *
 * One process sends nothing.
 */
export function stepBytes(
  { numHiddenLayers, hiddenSize, vocabSize }: ModelConfig,
  plan: StepPlan,
  tp: number,
): number {
  const { copies, spans, logitsRows } = plan;
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const tokens = sum(spans.map(({ ids }) => ids.length));
  const words = sum(spans.map(({ ids, blockTable }) => 3 + ids.length + blockTable.length));
  const hidden = tokens * hiddenSize;
  const others = tp - 1;
  const timesSent = hidden > STRAIGHT_VALUES ? 2 : tp;
  const values =
    others * (1 + 3 + 2 * copies.length + words + logitsRows.length) +
    others * hidden +
    2 * numHiddenLayers * others * timesSent * hidden +
    (others * logitsRows.length * vocabSize) / tp;
  return VALUE_BYTES * values;
}
