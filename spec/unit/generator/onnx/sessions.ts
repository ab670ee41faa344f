import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import { readModelConfig } from '../../../../engine/checkpoint/read-config.ts';
import { GraphBuilder, type Precision, type Value } from '../../../../generator/onnx/builder.ts';
import type { ModelGraph } from '../../../../generator/onnx/model-graph.ts';
import { Weights } from '../../../../generator/onnx/weights.ts';
import { type Teardown, temporaryDir } from './checkpoints.ts';

/** Loads a graph on one thread of the CPU; released after the test. */
export async function session(t: Teardown, path: string): Promise<InferenceSession> {
  const loaded = await InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'basic',
  });
  t.teardown(() => loaded.release());
  return loaded;
}

/** Loads a graph that is being built, as if it were beside the weights of a model directory. */
export async function sessionOf(
  t: Teardown,
  graph: GraphBuilder,
  modelDir?: string,
): Promise<InferenceSession> {
  const path = join(modelDir ?? (await temporaryDir(t)), 'part.onnx');
  await writeFile(path, graph.toBytes());
  return session(t, path);
}

export type Outputs = Record<string, Tensor>;

/** The inputs of a decoder for {@link run}; all sequences have the same length. */
export interface DecoderFeeds {
  ids: number[][];
  /** Default: no padding. */
  attentionMask?: number[][];
  /** Default: 0, 1, … after the past. */
  positionIds?: number[][];
  /** Outputs of a run whose cache this one continues. Default: none. */
  past?: Outputs;
  /** Default 0: all. */
  numLogitsToKeep?: number;
}

/** Runs a decoder as transformers.js does. */
export async function run(loaded: InferenceSession, feeds: DecoderFeeds): Promise<Outputs> {
  const { ids, past, numLogitsToKeep = 0 } = feeds;
  const pastLength = past?.['present.0.key'].dims[2] ?? 0;
  const counted = (length: number, value: (i: number) => number) =>
    ids.map(() => Array.from({ length }, (_, i) => value(i)));
  const inputs: Record<string, Tensor> = {
    input_ids: int64(ids),
    attention_mask: int64(feeds.attentionMask ?? counted(pastLength + ids[0].length, () => 1)),
    position_ids: int64(feeds.positionIds ?? counted(ids[0].length, (i) => pastLength + i)),
    num_logits_to_keep: new Tensor('int64', BigInt64Array.of(BigInt(numLogitsToKeep)), []),
  };
  for (const meta of loaded.inputMetadata) {
    if (!meta.isTensor || !meta.name.startsWith('past_key_values')) continue;
    const [, heads, , headDim] = meta.shape as number[];
    const empty = meta.type === 'float64' ? new Float64Array() : new Float32Array();
    inputs[meta.name] =
      past?.[meta.name.replace('past_key_values', 'present')] ??
      float(empty, [ids.length, heads, 0, headDim]);
  }
  return loaded.run(inputs);
}

export function int64(rows: number[][]): Tensor {
  return new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length]);
}

export function float(data: Float32Array | Float64Array, shape: number[]): Tensor {
  return data instanceof Float64Array
    ? new Tensor('float64', data, shape)
    : new Tensor('float32', data, shape);
}

/** A float output's values. */
export function values(outputs: Outputs, name: string): number[] {
  return Array.from(outputs[name].data as Float32Array | Float64Array);
}

/** @throws Error if the lengths differ, there are no values, or one is not finite. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length || a.length === 0)
    throw new Error(`lengths ${a.length} and ${b.length} cannot be compared`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!Number.isFinite(difference)) throw new Error(`${a[i]} and ${b[i]} at ${i} cannot be compared`);
    largest = Math.max(largest, difference);
  }
  return largest;
}

/** A graph with one float input `x` to build one part of a model in. */
export async function partOfModel(
  t: Teardown,
  modelDir: string,
  width: number,
  options: { precision?: Precision; quantization?: 'int8' } = {},
): Promise<ModelGraph & { modelDir: string }> {
  const opened = Checkpoint.open(modelDir);
  t.teardown(() => opened.close());
  const graph = new GraphBuilder(options.precision ?? 'float32');
  graph.input('x', graph.floatType, ['rows', width]);
  return {
    modelDir,
    config: await readModelConfig(modelDir),
    graph,
    weights: new Weights(graph, opened),
    // Only values [batch, time, …] need it.
    batchAndTime: 'batch_and_time',
    quantization: options.quantization,
    tap: () => {},
  };
}

/** Makes `y` an output of a graph with the input `x` and evaluates it. */
export async function evaluate(
  t: Teardown,
  part: { graph: GraphBuilder; modelDir?: string },
  y: Value,
  x: { values: Float32Array | Float64Array; shape: number[] },
): Promise<number[]> {
  part.graph.output('y', y, ['rows', 'columns']);
  const loaded = await sessionOf(t, part.graph, part.modelDir);
  return values(await loaded.run({ x: float(x.values, x.shape) }), 'y');
}
