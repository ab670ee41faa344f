import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { TensorProto_DataType as DataType, ModelProtoSchema } from 'onnx-buf';
import { SafetensorsFile } from '../../../../engine/checkpoint/safetensors.ts';
import { checkpoint, DENSE } from './checkpoints.ts';
import { partOfModel } from './sessions.ts';

const NAME = 'model.layers.1.self_attn.q_proj.weight';

test('a weight refers to its own bytes in the safetensors file', async (t) => {
  const dir = await checkpoint(t, DENSE);
  const { graph, weights } = await partOfModel(t, dir, 1);
  t.is(weights.get(NAME), NAME);
  const [tensor] = fromBinary(ModelProtoSchema, graph.toBytes()).graph!.initializer.slice(-1);
  const file = SafetensorsFile.open(join(dir, 'model.safetensors'));
  t.teardown(() => file.close());
  const { begin, end } = file.tensors.get(NAME)!;
  t.deepEqual(Object.fromEntries(tensor.externalData.map(({ key, value }) => [key, value])), {
    location: 'model.safetensors',
    offset: `${begin}`,
    length: `${end - begin}`,
  });
  t.deepEqual(tensor.dims, [24n, 20n]);
  t.deepEqual([...weights.files], [join(dir, 'model.safetensors')]);
});

for (const [dtype, type] of [
  ['F16', DataType.FLOAT16],
  ['BF16', DataType.BFLOAT16],
] as const) {
  test(`a weight stored as ${dtype} is widened by one Cast, however often it is used`, async (t) => {
    const { graph, weights } = await partOfModel(t, await checkpoint(t, DENSE, dtype), 1);
    t.is(weights.get(NAME), weights.get(NAME));
    t.is(weights.stored(NAME), NAME);
    const { node, initializer } = fromBinary(ModelProtoSchema, graph.toBytes()).graph!;
    t.is(initializer.find(({ name }) => name === NAME)!.dataType, type);
    t.deepEqual(
      node.map(({ opType, input }) => [opType, input]),
      [['Cast', [NAME]]],
    );
  });
}

test('f32 needs a Cast only in a float64 graph', async (t) => {
  const dir = await checkpoint(t, DENSE);
  const single = await partOfModel(t, dir, 1);
  const double = await partOfModel(t, dir, 1, { precision: 'float64' });
  t.is(single.weights.get(NAME), NAME);
  t.not(double.weights.get(NAME), NAME);
});
