import type { Span } from '../model/step.ts';

/** One step, as all ranks compute it. */
export interface Plan {
  /** Blocks of the cache to be copied first. */
  readonly copies: readonly { readonly from: number; readonly to: number }[];
  readonly spans: readonly Span[];
  /** Rows whose logits are wanted, ascending. */
  readonly rows: readonly number[];
}

/** A plan as whole numbers: three counts, the copies, the spans (three counts, ids, blocks), the rows. */
export function encodePlan({ copies, spans, rows }: Plan): Int32Array {
  return Int32Array.from([
    copies.length,
    spans.length,
    rows.length,
    ...copies.flatMap(({ from, to }) => [from, to]),
    ...spans.flatMap(({ ids, startPosition, blockTable }) => [
      ids.length,
      startPosition,
      blockTable.length,
      ...Array.from(ids),
      ...Array.from(blockTable),
    ]),
    ...rows,
  ]);
}

/** @param words what {@link encodePlan} gave. */
export function decodePlan(words: Int32Array): Plan {
  let at = 0;
  const take = (count: number) => {
    at += count;
    return words.subarray(at - count, at);
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
  return { copies, spans, rows: [...take(numRows)] };
}
