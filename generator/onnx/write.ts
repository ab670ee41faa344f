import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { checkWeights } from '../../engine/checkpoint/weights.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { FileError } from '../../engine/errors.ts';
import { makeFolder } from '../../engine/terminal/make-folder.ts';
import { GraphBuilder, type Precision } from './builder.ts';
import { linkOrCopy } from './link.ts';
import type { ModelGraph } from './model-graph.ts';
import { decoderInputs, qwen3 } from './qwen3.ts';
import { Weights } from './weights.ts';

/** What {@link writeOnnxGraph} takes. */
export type WriteOnnxGraphOptions = {
  /**
   * A HuggingFace checkpoint directory: config.json and safetensors. The graph goes to its subfolder `onnx`.
   */
  modelDir: string;
  /** Whether the values that `tapNames` lists are outputs, beside logits and cache. */
  taps: boolean;
  /**
   * Name of the file, without suffix and extension: the `model_file_name` of transformers.js.
   * Default `model` for float32 and `model_float64` for float64.
   */
  fileName?: string;
} & (FloatingPoint | Quantized);

/** The graph computes with the stored weights. */
interface FloatingPoint {
  precision: Precision;
  quantization?: undefined;
}

/**
 * The graph rounds the weights of all linear layers, and their inputs when it runs. The rounded weights go
 * into the ONNX file itself, which holds at most 2 GB.
 */
interface Quantized {
  precision: 'float32';
  quantization: 'int8';
}

/**
 * Writes an ONNX graph of a Qwen3 or Qwen3-MoE checkpoint to `onnx/` in its directory, where transformers.js
 * finds it (`model.onnx` as dtype `fp32`, `model_quantized.onnx` as `q8`). Its weights are not copied: the
 * safetensors files appear in the same folder as hard links, and the graph points into them.
 *
 * @returns the path of the graph. An existing graph is replaced atomically, or kept after a failure.
 * @throws ConfigError if config.json is missing, invalid or not supported.
 * @throws CheckpointError if weights are missing, malformed, or do not match config.json.
 * @throws FileError if the graph or a link cannot be written; no partial file is left.
 */
export async function writeOnnxGraph(options: WriteOnnxGraphOptions): Promise<string> {
  const { modelDir, precision, quantization } = options;
  const fileName = options.fileName ?? (precision === 'float64' ? 'model_float64' : 'model');
  const onnxDir = join(modelDir, 'onnx');
  const path = join(onnxDir, `${fileName}${quantization === 'int8' ? '_quantized' : ''}.onnx`);
  const config = await readModelConfig(modelDir);
  const { bytes, weightFiles } = buildGraph(config, options);
  try {
    makeFolder(onnxDir);
    for (const file of weightFiles) await linkOrCopy(file, join(onnxDir, basename(file)));
    await writeAtomically(path, bytes);
  } catch (cause) {
    throw new FileError(`cannot write ${path} (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  return path;
}

/** The bytes of an ONNX file, and the files that it expects in its folder. */
interface BuiltGraph {
  readonly bytes: Uint8Array;
  readonly weightFiles: ReadonlySet<string>;
}

function buildGraph(config: ModelConfig, options: WriteOnnxGraphOptions): BuiltGraph {
  const checkpoint = Checkpoint.open(options.modelDir);
  try {
    checkWeights(checkpoint, config);
    const graph = new GraphBuilder(options.precision);
    const weights = new Weights(graph, checkpoint);
    const inputs = decoderInputs(graph);
    const batchAndTime = graph.node('Shape', [inputs.inputIds]);
    const tap: ModelGraph['tap'] = options.taps
      ? (name, value, shape) => graph.output(name, value, ['batch_size', 'time', ...shape])
      : () => {};
    qwen3({ config, graph, weights, batchAndTime, quantization: options.quantization, tap }, inputs);
    return { bytes: graph.toBytes(), weightFiles: weights.files };
  } finally {
    checkpoint.close();
  }
}

async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
