import type { Span } from '../model/step.ts';
import type { ProcessGroup, WaitOptions } from '../parallel/process-group.ts';

/** Ranks may idle for any time: until every rank has loaded its weights, or until rank 0 has a step. */
export const NO_TIMEOUT: WaitOptions = { timeoutMs: Number.POSITIVE_INFINITY };

/** Sent in place of a plan's length when rank 0 closes the engine. */
const CLOSE = -1;

/** One step, as every rank computes it. */
export interface StepPlan {
  /** Blocks of the cache to copy before the step, in this order. */
  readonly copies: readonly { readonly from: number; readonly to: number }[];
  readonly spans: readonly Span[];
  /** Rows of the step whose logits are computed, ascending. */
  readonly logitsRows: readonly number[];
}

/** Sends a step to all other ranks. @param plan undefined if there are no more steps. */
export function sendPlan(group: ProcessGroup, plan: StepPlan | undefined): void {
  const words = plan && encodePlan(plan);
  group.broadcast(Int32Array.of(words?.length ?? CLOSE), 0);
  if (words) group.broadcast(words, 0);
}

/** Receives the next step from rank 0. @returns undefined if there are no more steps. */
export function receivePlan(group: ProcessGroup): StepPlan | undefined {
  const length = new Int32Array(1);
  group.broadcast(length, 0, NO_TIMEOUT);
  if (length[0] === CLOSE) return undefined;
  const words = new Int32Array(length[0]);
  group.broadcast(words, 0);
  return decodePlan(words);
}

/** A plan as i32: three counts, the copies, the spans (three counts, ids, blocks), the rows. */
export function encodePlan({ copies, spans, logitsRows }: StepPlan): Int32Array {
  return Int32Array.from([
    copies.length,
    spans.length,
    logitsRows.length,
    ...copies.flatMap(({ from, to }) => [from, to]),
    ...spans.flatMap(({ ids, startPosition, blockTable }) => [
      ids.length,
      startPosition,
      blockTable.length,
      ...Array.from(ids),
      ...Array.from(blockTable),
    ]),
    ...logitsRows,
  ]);
}

/** @param words as {@link encodePlan} returned them. */
export function decodePlan(words: Int32Array): StepPlan {
  let position = 0;
  const take = (count: number) => {
    position += count;
    return words.subarray(position - count, position);
  };
  const [numCopies, numSpans, numRows] = take(3);
  const copies = Array.from({ length: numCopies }, () => {
    const [from, to] = take(2);
    return { from, to };
  });
  const spans = Array.from({ length: numSpans }, () => {
    const [numIds, startPosition, numBlocks] = take(3);
    return { ids: take(numIds), startPosition, blockTable: take(numBlocks) };
  });
  return { copies, spans, logitsRows: [...take(numRows)] };
}
