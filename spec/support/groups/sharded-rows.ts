import type { Engine } from '../../../engine/engine.ts';
import { resultsOf } from '../../../verify/generate.ts';
import { bitDifference } from '../../unit/engine/kernels/same-bits.ts';
import { type Results, serveEvents, type TimedRequest } from '../serving/serving.ts';

/** What requests got, with the logits of each step, so that a difference has its step and its rank. */
export interface ServedRows {
  readonly results: Results;
  /** By `request 0, sample 0`, then by step: f32 [vocabSize] in base64, for JSON. */
  readonly rows: Readonly<Record<string, readonly string[]>>;
}

/** Serves requests together, see `serve`. */
export async function serveRows(
  engine: Pick<Engine, 'generate'>,
  requests: readonly TimedRequest[],
  firstIndex = 0,
): Promise<ServedRows> {
  const events = await serveEvents(
    engine,
    requests.map((request) => ({ ...request, returnLogits: true })),
  );
  const rows: Record<string, string[]> = {};
  for (const event of events) {
    if (event.type !== 'token') continue;
    const { buffer, byteOffset, byteLength } = event.logits!;
    const which = `request ${firstIndex + event.request}, sample ${event.sample}`;
    rows[which] ??= [];
    rows[which].push(Buffer.from(buffer, byteOffset, byteLength).toString('base64'));
  }
  return { results: resultsOf(events), rows };
}

/** Serves each request alone, see `serveAlone`. */
export async function serveRowsAlone(
  engine: Pick<Engine, 'generate'>,
  requests: readonly TimedRequest[],
): Promise<ServedRows> {
  const results: Results[number][] = [];
  const rows: Record<string, readonly string[]> = {};
  for (const [i, { delay: _, cancelAfter: __, ...request }] of requests.entries()) {
    const alone = await serveRows(engine, [request], i);
    results.push(...alone.results);
    Object.assign(rows, alone.rows);
  }
  return { results, rows };
}

/**
 * The first step whose logits differ, and the ranks whose columns of the vocabulary do: those of all ranks
 * if the hidden states differ already.
 *
 * @param tp ranks that share the vocabulary.
 */
export function rowDifference(alone: ServedRows, served: ServedRows, tp: number): string | undefined {
  for (const [which, steps] of Object.entries(served.rows)) {
    for (const [step, encoded] of steps.entries()) {
      const [got, expected] = [encoded, alone.rows[which]?.[step] ?? ''].map(floatsOf);
      const difference = bitDifference(got, expected, (at) => `logit ${at}`);
      if (difference === undefined) continue;
      const width = got.length / tp;
      const ranks = Array.from({ length: tp }, (_, rank) => rank).filter((rank) => {
        const [begin, end] = [rank * width, (rank + 1) * width];
        return bitDifference(got.subarray(begin, end), expected.subarray(begin, end)) !== undefined;
      });
      const columns = ranks.length === tp ? 'of all ranks' : `of rank ${ranks.join(', ')} alone`;
      return `${which}, step ${step}: ${difference}; the columns ${columns} differ`;
    }
  }
  return undefined;
}

function floatsOf(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}
