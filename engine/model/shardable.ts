import type { ModelConfig } from '../config.ts';
import { ShardingError } from '../errors.ts';
import { LEAVES } from '../kernels/numerics.ts';
import type { Parallelism } from './shard.ts';

/** The sizes of tensor parallelism: divisors of the leaves of a matmul. */
const TENSOR_SIZES = [1, 2, 4, 8];

/**
 * Checks that a model's shape divides by the numbers of ranks.
 *
 * @throws ShardingError that names what does not divide, and the sizes that do.
 */
export function checkShardable(config: ModelConfig, { tp, ep }: Parallelism): void {
  const problem = problemOf(config, { tp, ep });
  if (problem === undefined) return;
  // Suggests sizes for one kind of parallelism, or for both if both were requested.
  const spreads: Parallelism[] =
    tp !== 1 && ep !== 1 && config.moe
      ? TENSOR_SIZES.map((size) => ({ tp: size, ep: size }))
      : tp !== 1 || (ep > 1 && !config.moe)
        ? TENSOR_SIZES.map((size) => ({ tp: size, ep: 1 }))
        : Array.from({ length: config.moe?.numExperts ?? 1 }, (_, i) => ({ tp: 1, ep: i + 1 }));
  const sizes = spreads
    .filter((spread) => problemOf(config, spread) === undefined)
    .map((spread) => Math.max(spread.tp, spread.ep));
  throw new ShardingError(`${problem}; this model can be sharded so over ${sizes.join(', ')}`);
}

/** @returns why a model cannot be sharded so, undefined if it can. */
function problemOf(config: ModelConfig, { tp, ep }: Parallelism): string | undefined {
  const [tensor, expert] = [`tensor parallelism over ${tp}`, `expert parallelism over ${ep}`];
  if (ep > 1 && !config.moe) return `${expert} ranks: this model has no experts; use tensor parallelism`;
  if (tp > 1 && ep > 1 && tp !== ep) {
    return (
      `${tensor} and ${expert} ranks do not share a group; with both, expected the same number: the ranks that ` +
      'share the attention share out the experts'
    );
  }
  const ofTensors = tensorProblem(config, tp, ep);
  if (ofTensors) return `${tensor} ranks: ${ofTensors}`;
  const ofExperts = expertProblem(config, ep);
  return ofExperts && `${expert} ranks: ${ofExperts}`;
}

/** @returns what does not divide, undefined if all does. */
function tensorProblem(config: ModelConfig, tp: number, ep: number): string | undefined {
  const { numKeyValueHeads, numAttentionHeads, headDim, vocabSize, intermediateSize, moe } = config;
  if (!TENSOR_SIZES.includes(tp)) return `expected one of ${TENSOR_SIZES.join(', ')}`;
  if (tp === 1) return undefined;
  if (numKeyValueHeads % tp !== 0) return `${numKeyValueHeads} key/value heads do not divide`;
  if (vocabSize % tp !== 0) return `a vocabulary of ${vocabSize} does not divide`;
  // A sum over inputs is sharded by whole leaves, which must have equal lengths.
  const widths: [string, number][] = [['query heads', numAttentionHeads * headDim]];
  if (!moe?.sparseLayers.every(Boolean)) widths.push(['MLP', intermediateSize]);
  if (moe && ep === 1) widths.push(['experts', moe.moeIntermediateSize]);
  const uneven = widths.find(([, width]) => width % LEAVES !== 0);
  return uneven && `the ${uneven[0]} have a width of ${uneven[1]}; expected a multiple of ${LEAVES}`;
}

function expertProblem({ moe }: ModelConfig, ep: number): string | undefined {
  if (!Number.isInteger(ep) || ep < 1) return 'expected a whole number of at least 1';
  if (!moe || moe.numExperts % ep === 0) return undefined;
  return `${moe.numExperts} experts do not divide`;
}
