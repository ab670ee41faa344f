import test from 'ava';
import type { Precision } from '../../../../generator/onnx/builder.ts';
import { writeOnnxGraph } from '../../../../generator/onnx/write.ts';
import { checkpoint, MOE, type Teardown } from './checkpoints.ts';
import { largestDifference, type Outputs, run, session, values } from './sessions.ts';

/** Logits go up to about 10. */
const NOISE = { float32: 1e-4, float64: 1e-12 };
const { vocab_size: VOCAB } = MOE;
const LONG = [7, 52, 3, 3, 19, 0, 44, 8];
const SHORT = [30, 11, 2];
const PAD = 5;

async function model(t: Teardown, precision: Precision) {
  return session(t, await writeOnnxGraph({ modelDir: await checkpoint(t, MOE), precision, taps: false }));
}

/** The logits of one sequence's last `count` positions. */
function lastLogits(outputs: Outputs, sequence: number, count: number): number[] {
  const [, time] = outputs.logits.dims;
  return values(outputs, 'logits').slice(
    ((sequence + 1) * time - count) * VOCAB,
    (sequence + 1) * time * VOCAB,
  );
}

/** LONG, and SHORT with padding before it up to the same length. */
const padded = (pad: number) => ({
  ids: [LONG, [...Array(PAD).fill(pad), ...SHORT]],
  attentionMask: [LONG.map(() => 1), [...Array(PAD).fill(0), ...SHORT.map(() => 1)]],
  // As transformers.js counts them: padding is at position 1.
  positionIds: [LONG.map((_, i) => i), [...Array(PAD).fill(1), ...SHORT.map((_, i) => i)]],
});

for (const precision of ['float32', 'float64'] as const) {
  test(`${precision}: left padding gives the logits of no padding`, async (t) => {
    const loaded = await model(t, precision);
    const batch = await run(loaded, padded(0));
    const long = largestDifference(
      lastLogits(batch, 0, LONG.length),
      values(await run(loaded, { ids: [LONG] }), 'logits'),
    );
    const short = largestDifference(
      lastLogits(batch, 1, SHORT.length),
      values(await run(loaded, { ids: [SHORT] }), 'logits'),
    );
    t.true(Math.max(long, short) < NOISE[precision], `off by ${long} and ${short}`);
  });

  test(`${precision}: decoding with the cache gives the logits of one whole prefill`, async (t) => {
    const loaded = await model(t, precision);
    const whole = await run(loaded, { ids: [LONG] });
    let outputs = await run(loaded, { ids: [LONG.slice(0, 3)] });
    const logits = values(outputs, 'logits');
    for (const id of LONG.slice(3)) {
      outputs = await run(loaded, { ids: [[id]], past: outputs });
      logits.push(...values(outputs, 'logits'));
    }
    const off = largestDifference(logits, values(whole, 'logits'));
    const offKeys = largestDifference(values(outputs, 'present.1.key'), values(whole, 'present.1.key'));
    t.true(Math.max(off, offKeys) < NOISE[precision], `logits are off by ${off}, keys by ${offKeys}`);
  });
}

test('decoding continues with padding in the cache', async (t) => {
  const loaded = await model(t, 'float64');
  const { ids, attentionMask, positionIds } = padded(0);
  const prefill = await run(loaded, padded(0));
  const batch = await run(loaded, {
    ids: ids.map(() => [9]),
    attentionMask: attentionMask.map((mask) => [...mask, 1]),
    positionIds: positionIds.map((positions) => [positions.at(-1)! + 1]),
    past: prefill,
  });
  for (const [i, sequence] of [LONG, SHORT].entries()) {
    const alone = await run(loaded, { ids: [[...sequence, 9]], numLogitsToKeep: 1 });
    t.true(largestDifference(lastLogits(batch, i, 1), values(alone, 'logits')) < NOISE.float64);
  }
});

test('the ids of padding do not change a bit', async (t) => {
  const loaded = await model(t, 'float32');
  const zeros = await run(loaded, padded(0));
  const others = await run(loaded, padded(41));
  t.deepEqual(lastLogits(zeros, 1, SHORT.length), lastLogits(others, 1, SHORT.length));
  t.notDeepEqual(lastLogits(zeros, 1, SHORT.length + 1), lastLogits(others, 1, SHORT.length + 1));
});

test('a later token does not change a bit of the positions before it', async (t) => {
  const loaded = await model(t, 'float32');
  const one = values(await run(loaded, { ids: [LONG] }), 'logits');
  const other = values(await run(loaded, { ids: [[...LONG.slice(0, -1), 9]] }), 'logits');
  const before = (LONG.length - 1) * VOCAB;
  t.deepEqual(one.slice(0, before), other.slice(0, before));
  t.notDeepEqual(one.slice(before), other.slice(before));
});
