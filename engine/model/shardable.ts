import type { ModelConfig } from '../config.ts';
import { ShardingError } from '../errors.ts';
import { LEAVES } from '../kernels/kernels.ts';
import type { Parallelism } from './shard.ts';

/** The sizes of tensor parallelism: those at which the leaves of a matmul divide. */
const TENSOR_SIZES = [1, 2, 4, 8];

/**
 * Makes sure that a model can be spread so.
 *
 * @throws ShardingError that names what does not divide, and the sizes that would.
 */
export function checkShardable(config: ModelConfig, { tp, ep }: Parallelism): void {
  if (tp > 1 && ep > 1 && tp !== ep) {
    throw new ShardingError(
      `tensor parallelism over ${tp} and expert parallelism over ${ep} ranks do not share a group; with both, expected ` +
        'the same number: the ranks that share the attention share out the experts',
    );
  }
  if (ep > 1 && !config.moe) {
    throw new ShardingError(
      `expert parallelism over ${ep} ranks: this model has no experts; use tensor parallelism`,
    );
  }
  const problem = tensorProblem(config, tp, ep) ?? expertProblem(config, ep);
  if (problem === undefined) return;
  const isTensor = tensorProblem(config, tp, ep) !== undefined;
  const sizes = isTensor
    ? TENSOR_SIZES.filter((size) => tensorProblem(config, size, ep) === undefined)
    : divisors(config.moe?.numExperts ?? 1);
  const what = isTensor ? `tensor parallelism over ${tp}` : `expert parallelism over ${ep}`;
  throw new ShardingError(`${what} ranks: ${problem}; this model can be spread over ${sizes.join(', ')}`);
}

/** @returns what does not divide, undefined if all does. */
function tensorProblem(config: ModelConfig, tp: number, ep: number): string | undefined {
  const { numKeyValueHeads, numAttentionHeads, headDim, vocabSize, intermediateSize, moe } = config;
  if (!TENSOR_SIZES.includes(tp)) return `expected one of ${TENSOR_SIZES.join(', ')}`;
  if (tp === 1) return undefined;
  if (numKeyValueHeads % tp !== 0) return `${numKeyValueHeads} key/value heads do not divide`;
  if (vocabSize % tp !== 0) return `a vocabulary of ${vocabSize} does not divide`;
  // A sum over inputs is cut at its leaves, which have to be of one length.
  const widths: [string, number][] = [['query heads', numAttentionHeads * headDim]];
  if (!moe?.sparseLayers.every(Boolean)) widths.push(['MLP', intermediateSize]);
  if (moe && ep === 1) widths.push(['experts', moe.moeIntermediateSize]);
  const uneven = widths.find(([, width]) => width % LEAVES !== 0);
  return uneven && `the ${uneven[0]} have a width of ${uneven[1]}, which is no multiple of ${LEAVES}`;
}

function expertProblem({ moe }: ModelConfig, ep: number): string | undefined {
  if (!Number.isInteger(ep) || ep < 1) return 'expected a whole number of at least 1';
  if (!moe || moe.numExperts % ep === 0) return undefined;
  return `${moe.numExperts} experts do not divide`;
}

function divisors(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1).filter((size) => n % size === 0);
}
