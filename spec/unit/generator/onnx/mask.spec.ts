import test from 'ava';
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { GraphBuilder } from '../../../../generator/onnx/builder.ts';
import { attendable } from '../../../../generator/onnx/mask.ts';
import type { Teardown } from './checkpoints.ts';
import { int64, sessionOf } from './sessions.ts';

/** @returns for each sequence and each new token, the positions that it attends to as a string. */
async function mask(t: Teardown, ids: number[][], attentionMask: number[][]): Promise<string[][]> {
  const graph = new GraphBuilder('float32');
  const inputIds = graph.input('input_ids', DataType.INT64, ['batch_size', 'time']);
  const given = graph.input('attention_mask', DataType.INT64, ['batch_size', 'total']);
  const allowed = graph.cast(attendable(graph, inputIds, given), DataType.FLOAT);
  graph.output('allowed', allowed, ['batch_size', 1, 1, 'time', 'total']);
  const loaded = await sessionOf(t, graph);
  const outputs = await loaded.run({ input_ids: int64(ids), attention_mask: int64(attentionMask) });
  const [batch, , , time, total] = outputs.allowed.dims;
  const bits = (outputs.allowed.data as Float32Array).join('');
  return Array.from({ length: batch }, (_, b) =>
    Array.from({ length: time }, (_, i) => bits.slice((b * time + i) * total, (b * time + i + 1) * total)),
  );
}

test('a token attends to itself and the tokens before it', async (t) => {
  t.deepEqual(await mask(t, [[7, 7, 7]], [[1, 1, 1]]), [['100', '110', '111']]);
});

test('new tokens attend to the whole cache', async (t) => {
  t.deepEqual(await mask(t, [[7, 7]], [[1, 1, 1, 1]]), [['1110', '1111']]);
});

test('no token attends to padding, which each sequence has its own', async (t) => {
  const masks = await mask(
    t,
    [
      [0, 7, 7],
      [7, 7, 7],
    ],
    [
      [0, 1, 1],
      [1, 1, 1],
    ],
  );
  t.deepEqual(masks, [
    ['000', '010', '011'],
    ['100', '110', '111'],
  ]);
});
