import { fromBinary } from '@bufbuild/protobuf';
import test from 'ava';
import { TensorProto_DataType as DataType, ModelProtoSchema } from 'onnx-buf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder } from '../../../../generator/onnx/builder.ts';

function parse(graph: GraphBuilder) {
  return fromBinary(ModelProtoSchema, graph.toBytes());
}

test('a graph is a model of opset 17 that ONNX Runtime loads and evaluates', async (t) => {
  const graph = new GraphBuilder('float32');
  const x = graph.input('x', DataType.FLOAT, ['n', 2]);
  graph.output('y', graph.node('Add', [graph.node('Mul', [x, x]), graph.float(0.5)]), ['n', 2]);
  t.deepEqual(
    parse(graph).opsetImport.map(({ domain, version }) => ({ domain, version })),
    [{ domain: '', version: 17n }],
  );
  const session = await InferenceSession.create(graph.toBytes());
  t.teardown(() => session.release());
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3, 4), [2, 2]) });
  t.deepEqual([...(y.data as Float32Array)], [1.5, 4.5, 9.5, 16.5]);
  t.deepEqual(y.dims, [2, 2]);
});

test('scalars have the precision of the graph', (t) => {
  const bytesOf = (graph: GraphBuilder) => {
    graph.float(0.1);
    return parse(graph).graph!.initializer[0];
  };
  const single = bytesOf(new GraphBuilder('float32'));
  const double = bytesOf(new GraphBuilder('float64'));
  t.deepEqual([single.dataType, double.dataType], [DataType.FLOAT, DataType.DOUBLE]);
  t.deepEqual(single.rawData, new Uint8Array(Float32Array.of(0.1).buffer));
  t.deepEqual(double.rawData, new Uint8Array(Float64Array.of(0.1).buffer));
});

test('a constant that is used twice is stored once', (t) => {
  const graph = new GraphBuilder('float32');
  t.is(graph.ints(0, -1), graph.ints(0, -1));
  t.not(graph.ints(0, -1), graph.ints(0, 1));
  t.not(graph.int(3), graph.ints(3));
  t.is(parse(graph).graph!.initializer.length, 4);
});

test('nodes and outputs have unique names that begin with their part of the model', (t) => {
  const graph = new GraphBuilder('float32');
  graph.scoped('layers.1', () => {
    graph.scoped('experts.0', () => graph.node('Neg', ['x']));
    graph.nodeWithOutputs('Split', ['x'], 2, { axis: -1 });
  });
  graph.node('Neg', ['x']);
  const nodes = parse(graph).graph!.node;
  t.deepEqual(
    nodes.map(({ name }) => name),
    ['layers.1/experts.0/Neg_0', 'layers.1/Split_1', 'Neg_2'],
  );
  t.is(new Set(nodes.flatMap(({ output }) => output)).size, 4);
});

test('whole numbers and lists of them become attributes of their types', (t) => {
  const graph = new GraphBuilder('float32');
  graph.node('Something', [], { axis: -1, perm: [0, 2, 1] });
  const [axis, perm] = parse(graph).graph!.node[0].attribute;
  t.deepEqual([axis.name, axis.i], ['axis', -1n]);
  t.deepEqual([perm.name, perm.ints], ['perm', [0n, 2n, 1n]]);
});

test('an external initializer has file, offset and length, and no bytes', (t) => {
  const graph = new GraphBuilder('float32');
  graph.external('w', DataType.BFLOAT16, [3, 2], { file: 'model.safetensors', offset: 96, length: 12 });
  const [tensor] = parse(graph).graph!.initializer;
  t.deepEqual(Object.fromEntries(tensor.externalData.map(({ key, value }) => [key, value])), {
    location: 'model.safetensors',
    offset: '96',
    length: '12',
  });
  t.deepEqual(tensor.dims, [3n, 2n]);
  t.is(tensor.rawData.length, 0);
});
