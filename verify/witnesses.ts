import { countParameters } from '../engine/checkpoint/parameters.ts';
import type { ModelConfig } from '../engine/config.ts';
import { Engine } from '../engine/index.ts';
import { loadOracle } from './oracle/oracle.ts';

/** The oracle recomputes everything for every token; beyond this many multiplications it takes minutes. */
const ORACLE_LIMIT = 2e9;

/** Stages of a forward pass by name, in the order in which they are computed: each f32 or f64 [T, width]. */
export type Stages = ReadonlyMap<string, Float32Array | Float64Array>;

/** `hidden_states.0` to `hidden_states.N` and `hidden_states.final`, of a model of N layers. */
export function hiddenStateNames({ numHiddenLayers }: Pick<ModelConfig, 'numHiddenLayers'>): string[] {
  const layers = Array.from({ length: numHiddenLayers + 1 }, (_, layer) => `hidden_states.${layer}`);
  return [...layers, 'hidden_states.final'];
}

/**
 * All stages that our engine computes of a prompt, and its logits. @throws as `Engine.load` and `forward` do.
 */
export async function engineStages(modelDir: string, ids: readonly number[]): Promise<Stages> {
  const engine = await Engine.load(modelDir, { threads: 1 });
  try {
    const chunks = new Map<string, Float32Array[]>();
    // A long prompt is computed in chunks, and every stage comes once for each.
    const observe = (stage: string, values: Float32Array) => {
      chunks.set(stage, [...(chunks.get(stage) ?? []), values.slice()]);
    };
    const { logits } = engine.forward(ids, { observe });
    const stages = [...chunks].map(([name, parts]) => [name, concatenate(parts)] as const);
    return new Map([...stages, ['logits', logits]]);
  } finally {
    await engine.close();
  }
}

/** The same from the float64 oracle; undefined if that takes too long. @throws as `loadOracle` does. */
export async function oracleStages(
  modelDir: string,
  config: ModelConfig,
  ids: readonly number[],
): Promise<Stages | undefined> {
  if (!isWithinOracle(config, ids.length)) return undefined;
  const { hidden, stages, logits } = (await loadOracle(modelDir)).forward(ids);
  const named = hiddenStateNames(config).map((name, i) => [name, hidden[i]] as const);
  return new Map([...named, ...stages, ['logits', logits]]);
}

/** Whether the oracle computes a prompt of `length` tokens in seconds. */
export function isWithinOracle(config: ModelConfig, length: number): boolean {
  return length * countParameters(config).total <= ORACLE_LIMIT;
}

/** Hidden states as a subject gives them, f32 [numHiddenLayers + 2, T, hiddenSize], by their names. */
export function hiddenStages(
  hidden: Float32Array,
  config: Pick<ModelConfig, 'numHiddenLayers' | 'hiddenSize'>,
): Stages {
  const names = hiddenStateNames(config);
  const length = hidden.length / names.length;
  return new Map(names.map((name, i) => [name, hidden.subarray(i * length, (i + 1) * length)]));
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let begin = 0;
  for (const part of parts) {
    all.set(part, begin);
    begin += part.length;
  }
  return all;
}
