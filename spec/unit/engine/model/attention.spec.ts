import test, { type ExecutionContext } from 'ava';
import { Attention } from '../../../../engine/model/attention.ts';
import type { Span } from '../../../../engine/model/step.ts';
import { type OracleRun, oracleFromWeights } from '../../../../verify/oracle/oracle.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { bitDifference } from '../kernels/same-bits.ts';
import { denseModel } from '../tiny-models.ts';
import { openParts, relativeDifference } from './parts.ts';

trackResources(test);

const MODEL = denseModel();
const IDS = [3, 0, 18, 7, 7, 11, 2];
const HIDDEN = 13;
const STAGES = ['q_norm', 'k_norm', 'q_rope', 'k_rope', 'attention'] as const;

/** The truth about the first layer, and what it begins with: the normed embedding, f32 [T, hiddenSize]. */
function truth(): { run: OracleRun; input: Float32Array } {
  const run = oracleFromWeights(MODEL.config, MODEL.weights).forward(IDS);
  const gains = MODEL.weights.get('model.layers.0.input_layernorm.weight')!.data;
  const input = new Float32Array(run.hidden[0].length);
  for (let begin = 0; begin < input.length; begin += HIDDEN) {
    const row = run.hidden[0].subarray(begin, begin + HIDDEN);
    const mean = row.reduce((sum, x) => sum + x * x, 0) / HIDDEN;
    row.forEach((x, i) => {
      input[begin + i] = (gains[i] * x) / Math.sqrt(mean + MODEL.config.rmsNormEps);
    });
  }
  return { run, input };
}

/** Attends rows [first, end) of the prompt for each span, and collects the stages. */
function openAttention(t: ExecutionContext) {
  const { weights, step } = openParts(t, MODEL);
  const attention = new Attention(weights, 0);
  const stages = new Map<string, number[]>();
  const { input } = truth();
  return {
    stages,
    attend(spans: { first: number; end: number; blocks: number[] }[]): Float32Array {
      step.begin(
        spans.map(({ first, end, blocks }): Span => {
          return { ids: IDS.slice(first, end), startPosition: first, blockTable: Int32Array.from(blocks) };
        }),
        (stage, values) => stages.set(stage, [...(stages.get(stage) ?? []), ...values]),
      );
      const x = spans.flatMap(({ first, end }) => [...input.subarray(first * HIDDEN, end * HIDDEN)]);
      const y = new Float32Array(x.length);
      attention.forward(step, Float32Array.from(x), y);
      return y;
    },
  };
}

test('every stage is what the formulae say', (t) => {
  const { attend, stages } = openAttention(t);
  attend([{ first: 0, end: 7, blocks: [0, 1] }]);
  t.deepEqual(
    [...stages.keys()],
    STAGES.map((stage) => `layers.0.${stage}`),
  );
  const { run } = truth();
  for (const [stage, values] of stages) {
    const difference = relativeDifference(values, run.stages.get(stage)!);
    t.true(difference < 2e-6, `${stage} is off by ${difference}`);
  }
});

test('a sequence that comes in pieces, in any blocks, gives the same bits', (t) => {
  const whole = openAttention(t).attend([{ first: 0, end: 7, blocks: [0, 1] }]);
  const { attend } = openAttention(t);
  const blocks = [6, 3];
  const pieces = [
    attend([{ first: 0, end: 3, blocks }]),
    attend([{ first: 3, end: 6, blocks }]),
    attend([{ first: 6, end: 7, blocks }]),
  ];
  t.is(bitDifference(Float32Array.from(pieces.flatMap((piece) => [...piece])), whole), undefined);
});

test('the spans of a step each see their own sequence alone', (t) => {
  const alone = openAttention(t).attend([{ first: 0, end: 7, blocks: [0, 1] }]);
  const { attend } = openAttention(t);
  const first = attend([
    { first: 0, end: 4, blocks: [5, 2] },
    { first: 0, end: 2, blocks: [7] },
  ]);
  const second = attend([
    { first: 2, end: 3, blocks: [7] },
    { first: 4, end: 7, blocks: [5, 2] },
  ]);
  const rows = (y: Float32Array, from: number, to: number) => y.slice(from * HIDDEN, to * HIDDEN);
  t.is(bitDifference(rows(first, 0, 4), rows(alone, 0, 4)), undefined);
  t.is(bitDifference(rows(first, 4, 6), rows(alone, 0, 2)), undefined);
  t.is(bitDifference(rows(second, 0, 1), rows(alone, 2, 3)), undefined);
  t.is(bitDifference(rows(second, 1, 4), rows(alone, 4, 7)), undefined);
});

test('spans whose block tables have no room in one call of attention give the same bits', (t) => {
  // Five tables of eight blocks, which the spans share; there is room for eight spans of eight blocks in all.
  const alone = openAttention(t).attend([{ first: 0, end: 7, blocks: [0, 1] }]);
  const { attend } = openAttention(t);
  attend([{ first: 0, end: 6, blocks: [0, 1] }]);
  const blocks = [0, 1, 2, 3, 4, 5, 6, 7];
  const spans = Array.from({ length: 5 }, () => ({ first: 6, end: 7, blocks }));
  const together = attend(spans);
  for (const i of spans.keys()) {
    const row = together.slice(i * HIDDEN, (i + 1) * HIDDEN);
    t.is(bitDifference(row, alone.slice(6 * HIDDEN)), undefined, `span ${i}`);
  }
});
