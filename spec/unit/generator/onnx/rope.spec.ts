import test from 'ava';
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { parseModelConfig } from '../../../../engine/config.ts';
import { GraphBuilder, type Precision } from '../../../../generator/onnx/builder.ts';
import { inverseFrequencies, rotate, rotation } from '../../../../generator/onnx/rope.ts';
import { DENSE, type Teardown } from './checkpoints.ts';
import { float, int64, largestDifference, sessionOf, values } from './sessions.ts';

const config = parseModelConfig({ ...DENSE, head_dim: 6, rope_theta: 500 });
const POSITIONS = [0, 1, 7, 12, 100, 999, 40_959];

/** Rotates one head, the same at every position. */
async function turn(t: Teardown, precision: Precision, head: number[]): Promise<number[]> {
  const graph = new GraphBuilder(precision);
  const positions = graph.input('positions', DataType.INT64, ['batch_size', 'time']);
  const x = graph.input('x', graph.floatType, ['batch_size', 'time', 1, 6]);
  graph.output('y', rotate(graph, x, rotation(graph, positions, config)), ['batch_size', 'time', 1, 6]);
  const floats = precision === 'float64' ? Float64Array : Float32Array;
  const heads = floats.from(POSITIONS.flatMap(() => head));
  const loaded = await sessionOf(t, graph);
  return values(
    await loaded.run({ positions: int64([POSITIONS]), x: float(heads, [1, POSITIONS.length, 1, 6]) }),
    'y',
  );
}

/** The formula, with angles given. */
function turned(head: number[], angle: (position: number, pair: number) => number): number[] {
  return POSITIONS.flatMap((position) =>
    head.map((_, i) => {
      const a = angle(position, i % 3);
      const sign = i < 3 ? -1 : 1;
      return head[i] * Math.cos(a) + sign * head[(i + 3) % 6] * Math.sin(a);
    }),
  );
}

const HEAD = [1, 0.5, -2, 3, -0.25, 0.75];

test('in float64, the pair (i, i + headDim/2) is rotated by position / theta^(2i/headDim)', async (t) => {
  const expected = turned(HEAD, (position, i) => position / 500 ** ((2 * i) / 6));
  t.true(largestDifference(await turn(t, 'float64', HEAD), expected) < 1e-10);
});

test('in float32, exponent, frequency and angle are rounded one after the other, as HuggingFace does', async (t) => {
  const { fround } = Math;
  const expected = turned(HEAD, (position, i) => {
    const frequency = fround(1 / fround(500 ** fround((2 * i) / 6)));
    return fround(position * frequency);
  });
  t.true(largestDifference(await turn(t, 'float32', HEAD), expected) < 1e-6);
  // Angles of float64 would be far beyond the tolerance at large positions.
  const unrounded = turned(HEAD, (position, i) => position / 500 ** ((2 * i) / 6));
  t.true(largestDifference(expected, unrounded) > 1e-4);
});

test('cosine and sine of float32 are those of float64, rounded', async (t) => {
  const heads = await turn(t, 'float32', [1, 1, 1, 0, 0, 0]);
  const { fround } = Math;
  const angles = POSITIONS.flatMap((position) =>
    Array.from(inverseFrequencies(config, 'float32'), (frequency) => fround(position * frequency)),
  );
  const half = (which: number) => heads.filter((_, i) => Math.floor(i / 3) % 2 === which);
  t.deepEqual(
    half(0),
    angles.map((angle) => fround(Math.cos(angle))),
  );
  t.deepEqual(
    half(1),
    angles.map((angle) => fround(Math.sin(angle))),
  );
});

test('frequencies of float64 are not those of float32 widened', (t) => {
  const single = inverseFrequencies(config, 'float32');
  const double = inverseFrequencies(config, 'float64');
  t.is(single[0], 1);
  t.is(double[0], 1);
  t.not(single[1], double[1]);
  t.is(single[1], Math.fround(double[1]));
});
