import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { TensorProto_DataType as DataType, ModelProtoSchema, TensorProtoSchema } from 'onnx-buf';
import { writeOnnxGraph } from '../../../../generator/onnx/write.ts';
import { checkpoint, DENSE, type Teardown } from '../onnx/checkpoints.ts';

/**
 * Turns a graph of ours with weights in one safetensors file into one like other exporters': it computes the
 * logits of all positions, and its weights are in `<graph>_data` beside it.
 *
 * @param path of the graph; it is overwritten.
 * @param constants new values of float scalars by their old ones, so that the graph differs from ours.
 */
export function makeForeign(path: string, constants: ReadonlyMap<number, number> = new Map()): void {
  const model = fromBinary(ModelProtoSchema, readFileSync(path));
  const graph = model.graph!;
  graph.input = graph.input.filter(({ name }) => name !== 'num_logits_to_keep');
  const rawData = new Uint8Array(8);
  graph.initializer.push(
    create(TensorProtoSchema, { name: 'num_logits_to_keep', dataType: DataType.INT64, rawData }),
  );
  const data = `${path}_data`;
  for (const tensor of graph.initializer) {
    const location = tensor.externalData.find(({ key }) => key === 'location');
    if (location) location.value = 'model.onnx_data';
    const value = constants.get(Number(/^float\/(.*)$/.exec(tensor.name)?.[1]));
    if (value !== undefined) tensor.rawData = new Uint8Array(Float32Array.of(value).buffer);
  }
  renameSync(join(dirname(path), 'model.safetensors'), data);
  writeFileSync(path, toBinary(ModelProtoSchema, model));
}

/**
 * A model directory of transformers.js: configuration and graph alone, or the weights as well. The graph has
 * another epsilon than the model.
 */
export async function transformersJsDirectory(
  t: Teardown,
  { weights }: { weights: boolean },
): Promise<string> {
  const modelDir = await checkpoint(t, DENSE);
  makeForeign(await writeOnnxGraph({ modelDir, precision: 'float32', taps: false }), new Map([[1e-5, 0.01]]));
  if (!weights) rmSync(join(modelDir, 'model.safetensors'));
  return modelDir;
}
