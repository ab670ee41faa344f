import type { PackedMatrix } from '../kernels/kernels.ts';
import type { Step } from './step.ts';

/**
 * Looks up the embeddings of a step's tokens: `step.x[i] = W[ids[i]]`. Each row is copied from the rank that
 * has it. An all-reduce would change bits, because −0 + 0 is +0.
 *
 * @param matrix this rank's rows of the embedding.
 */
export function embed(step: Step, matrix: PackedMatrix, ids: readonly number[]): void {
  const { kernels, shard, x, y } = step;
  if (shard.tp === 1) {
    kernels.gather(matrix, ids, x);
    return;
  }
  const { outputs, inputs } = matrix;
  const indicesOf = Array.from({ length: shard.tp }, (): number[] => []);
  for (const [i, id] of ids.entries()) indicesOf[Math.floor(id / outputs)].push(i);
  const own = indicesOf[shard.group.rank].map((i) => ids[i] % outputs);
  kernels.gather(matrix, own, x);
  const lengths = indicesOf.map((indices) => indices.length * inputs);
  shard.share(x.subarray(0, own.length * inputs), lengths, y);
  for (const [at, i] of indicesOf.flat().entries()) {
    x.set(y.subarray(at * inputs, (at + 1) * inputs), i * inputs);
  }
}

/**
 * Gathers rows of logits on rank 0.
 *
 * @param part f32 [rows, vocabSize / tp], this rank's part of the vocabulary.
 * @param logits f32 [rows, vocabSize], written on rank 0.
 */
export function gatherLogits({ shard }: Step, part: Float32Array, rows: number, logits: Float32Array): void {
  const { group, tp } = shard;
  if (group.rank > 0) {
    group.send(part, 0);
    return;
  }
  const width = part.length / rows;
  const place = (rank: number, values: Float32Array) => {
    for (let row = 0; row < rows; row++) {
      logits.set(values.subarray(row * width, (row + 1) * width), (row * tp + rank) * width);
    }
  };
  place(0, part);
  for (let rank = 1; rank < tp; rank++) {
    group.receive(part, rank);
    place(rank, part);
  }
}
