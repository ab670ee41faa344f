import test from 'ava';
import type { StepPlan } from '../../engine/distributed/step-plan.ts';
import { runTraffic } from '../bench/parallel/run-ranks.ts';
import { stepBytes } from '../bench/parallel/step-bytes.ts';
import { planOf } from '../bench/parallel/step-traffic.ts';
import { shardedDense } from '../support/groups/sharded-models.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const model = shardedDense();
const { config } = model;

/** Ids from all parts of the vocabulary. */
const ids = (count: number) => Array.from({ length: count }, (_, i) => (7 * i) % config.vocabSize);
const sequences = (count: number, past: number, tokens: number) =>
  planOf(Array.from({ length: count }, () => ({ past, ids: ids(tokens) })));
/** Rows enough for sums that more than two ranks exchange by slices. */
const LONG = Math.ceil(16_381 / config.hiddenSize / 200);

const steps: [what: string, plan: StepPlan][] = [
  ['a decode step', sequences(1, 17, 1)],
  ['a decode step of a batch', sequences(8, 40, 1)],
  ['a prefill', sequences(1, 0, 37)],
  [
    'a prefill with decodes beside it',
    planOf([
      { past: 0, ids: ids(20) },
      { past: 33, ids: ids(1) },
    ]),
  ],
  ['a long prefill', sequences(LONG, 0, 200)],
  [
    'a step that copies blocks and wants the logits of more rows than the head takes at once',
    { ...sequences(1, 0, 30), copies: [{ from: 0, to: 1 }], logitsRows: ids(24).map((_, i) => i) },
  ],
];

for (const tp of [2, 4]) {
  let counted: ReturnType<typeof runTraffic> | undefined;
  for (const [step, [what, plan]] of steps.entries()) {
    test.serial(`${what} over ${tp} ranks sends as many bytes as the formula computes`, async (t) => {
      // One group computes all steps.
      const plans = steps.map(([, each]) => each);
      counted ??= runTraffic(tp, { name: 'traffic', modelDir: modelDirectory(t, model), plans });
      const sent = (await counted)[step];
      t.is(sent.length, tp);
      t.is(
        sent.reduce((sum, bytes) => sum + bytes, 0),
        stepBytes(config, plan, tp),
        `by rank: ${sent.join(', ')}`,
      );
    });
  }
}

test('the formula adds up the parts of a decode step', (t) => {
  const plan = sequences(1, 17, 1);
  // Length, counts, one span of one id and two blocks, one row; the embedding; the logits of the other half.
  const once = 4 * (1 + 3 + (3 + 1 + 2) + 1 + config.hiddenSize + config.vocabSize / 2);
  t.is(stepBytes(config, plan, 2), once + 2 * config.numHiddenLayers * 2 * 4 * config.hiddenSize);
  t.is(stepBytes(config, plan, 1), 0, 'one process sends nothing');
});
