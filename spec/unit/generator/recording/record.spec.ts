import test from 'ava';
import { PromptError } from '../../../../engine/errors.ts';
import { type Recorder, RecordingError, recordCase } from '../../../../generator/recording/record.ts';
import type { RecordedCase } from '../../../../golden/schema.ts';
import { type Faults, fakeRecorder, logitsAfter, stateAt } from './fake-recorder.ts';
import { CONFIG, SAMPLED } from './recordings.ts';

const PROMPT = { id: 'a-case', category: 'short', ids: [4, 40, 2] } as const;
const prompt = { ...PROMPT, ids: [...PROMPT.ids] };

async function record(recorder: Recorder, what: Parameters<typeof recordCase>[0] = prompt) {
  const { golden, tensors } = await recordCase(what, recorder);
  return { golden: golden as RecordedCase, tensors: tensors! };
}

const float32 = (rows: readonly Float64Array[]) => Float32Array.from(rows.flatMap((row) => Array.from(row)));

test('a case has the ids, the greedy tokens and the margins they were chosen with', async (t) => {
  const { recorder } = fakeRecorder();
  const { golden } = await record(recorder);
  const { noise, ...rest } = golden;
  const tokens: number[] = [];
  const margins: number[] = [];
  for (let step = 0; step < 3; step++) {
    const row = float32([logitsAfter([...prompt.ids, ...tokens])]);
    const [best, second] = [...row].sort((a, b) => b - a);
    tokens.push(row.indexOf(best));
    margins.push(best - second);
  }
  t.deepEqual(rest, { ...prompt, positions: [0, 1, 2], greedy: { tokens, margins } });
  t.true(noise.logits > 0 && noise.logits < 1e-6);
  t.is(noise.hiddenStates.length, 3);
});

test('logits are stored of every position, then of every greedy step, and beside them the twin’s', async (t) => {
  const { recorder } = fakeRecorder();
  const { golden, tensors } = await record(recorder);
  const all = [...prompt.ids, ...golden.greedy.tokens];
  const rows = [1, 2, 3, 3, 4, 5].map((length) => logitsAfter(all.slice(0, length)));
  t.deepEqual(tensors.logits, float32(rows));
  t.deepEqual(tensors.logitsFloat64, Float64Array.from(rows.flatMap((row) => Array.from(row))));
});

test('hidden states are stored stage by stage, position by position', async (t) => {
  const { tensors } = await record(fakeRecorder().recorder);
  const states = [0, 1, 2].flatMap((stage) => [0, 1, 2].map((position) => stateAt(stage, position)));
  t.deepEqual(tensors.hiddenStates, float32(states));
});

test('logits come from the graph that is recorded, not from ours beside it', async (t) => {
  const { recorder } = fakeRecorder({ tapped: 0.004 });
  const { tensors, golden } = await record(recorder);
  t.deepEqual(tensors, (await record(fakeRecorder().recorder)).tensors);
  t.true(golden.noise.logits < 1e-6);
});

test('a graph of another model than our own graph of the weights is refused', async (t) => {
  // The largest logit is about 5.
  for (const tapped of [0.006, -1, NaN]) {
    await t.throwsAsync(record(fakeRecorder({ tapped }).recorder), {
      instanceOf: RecordingError,
      message:
        /^a-case: the last logits of the reference's graph and of our own graph of the weights differ by \S+; /,
    });
  }
});

test('of a long prompt, the reference computes only the rows from the first stored position on', async (t) => {
  const { recorder, calls } = fakeRecorder();
  const ids = Array.from({ length: 30 }, (_, i) => (i * 11) % 48);
  const { golden, tensors } = await record(
    { ...recorder, selection: { maxPositions: 4 } },
    { ...prompt, ids },
  );
  const { positions } = golden;
  t.deepEqual([positions[0], positions[3], positions.length], [0, 29, 4]);
  const rows = positions.map((position) => logitsAfter(ids.slice(0, position + 1)));
  t.deepEqual(tensors.logits.slice(0, 4 * 48), float32(rows));
  const states = [0, 1, 2].flatMap((stage) => positions.map((position) => stateAt(stage, position)));
  t.deepEqual(tensors.hiddenStates, float32(states));
  t.deepEqual(
    calls.map(({ call, ids, rows }) => [call, ids.length, rows]),
    [
      ['generate', 30, 3],
      ['reference.forward', 30, 30],
      ['tapped.forward', 30, 1],
      // The last of three tokens is generated, but not computed.
      ['twin.forward', 32, 32],
    ],
  );
});

test('if only the last positions are stored, only their logits are computed', async (t) => {
  const { recorder, calls } = fakeRecorder();
  const length = Math.ceil(2 ** 24 / CONFIG.vocabSize) + 1;
  const ids = Array.from({ length }, (_, i) => i % 48);
  const states: Recorder = { ...recorder, tapped: undefined, twin: undefined };
  const { golden, tensors } = await record({ ...states, selection: { maxPositions: 2 } }, { ...prompt, ids });
  t.deepEqual(golden.positions, [length - 2, length - 1]);
  t.deepEqual(
    calls.map(({ rows }) => rows),
    [3, 2],
  );
  t.deepEqual(tensors.logits.slice(0, 96), float32([logitsAfter(ids.slice(0, -1)), logitsAfter(ids)]));
});

test('a foreign graph alone has logits, but neither float64 nor hidden states', async (t) => {
  const { recorder } = fakeRecorder();
  for (const alone of [
    { ...recorder, tapped: undefined },
    { ...recorder, twin: undefined },
    { ...recorder, tapped: undefined, twin: undefined },
  ]) {
    const { golden, tensors } = await record(alone);
    t.deepEqual(Object.keys(tensors), ['logits']);
    t.deepEqual(golden.noise, { logits: 0, probabilities: 0, logitsRms: 0, hiddenStates: [] });
  }
});

test('a selection decides which numbers are stored', async (t) => {
  const { recorder } = fakeRecorder();
  const { tensors } = await record({ ...recorder, selection: SAMPLED });
  t.is(tensors.logits.length, 6 * 25);
  t.is(tensors.sampled!.rowMax.length, 6);
  t.is(tensors.hiddenStates!.length, 3 * 3 * 2);
});

test('a text and the text of its tokens are stored, special tokens included', async (t) => {
  const { recorder } = fakeRecorder();
  const decoded: unknown[][] = [];
  const tokenizer = {
    encode: () => [4, 40, 2],
    decode(...args: unknown[]) {
      decoded.push(args);
      return 'a continuation';
    },
  } as unknown as Recorder['tokenizer'];
  const { golden } = await record(
    { ...recorder, tokenizer },
    { id: 'a-case', category: 'short', text: 'a text' },
  );
  t.is(golden.text, 'a text');
  t.deepEqual(golden.ids, [4, 40, 2]);
  t.is(golden.greedy.text, 'a continuation');
  t.deepEqual(decoded, [[golden.greedy.tokens, { skip_special_tokens: false }]]);
});

test('every greedy token is reported', async (t) => {
  let tokens = 0;
  await recordCase(prompt, fakeRecorder().recorder, () => tokens++);
  t.is(tokens, 3);
});

test('an empty prompt is recorded as the first line of the reference’s error', async (t) => {
  const { recorder, calls } = fakeRecorder();
  t.deepEqual(await recordCase({ ...prompt, ids: [] }, recorder), {
    golden: { id: 'a-case', category: 'short', ids: [], refusal: 'nothing to go on' },
  });
  t.deepEqual(
    calls.map(({ call }) => call),
    ['generate'],
  );
});

test('an empty prompt that the reference accepts cannot be recorded', async (t) => {
  await t.throwsAsync(recordCase({ ...prompt, ids: [] }, fakeRecorder({ acceptsEmpty: true }).recorder), {
    instanceOf: RecordingError,
    message: /a-case: the reference accepted an empty prompt/,
  });
});

test('an error for a prompt that is not empty is not recorded', async (t) => {
  const { recorder } = fakeRecorder();
  const reference = { ...recorder.reference, generate: () => Promise.reject(new Error('out of memory')) };
  await t.throwsAsync(recordCase(prompt, { ...recorder, reference }), { message: 'out of memory' });
});

const faults: [what: string, faults: Faults, message: RegExp][] = [
  [
    'a logit of a position is NaN',
    { logits: (row) => row.set([NaN], 47) },
    /^a-case: the reference's logits hold NaN$/,
  ],
  ['a logit is infinite', { logits: (row) => row.set([-Infinity]) }, /logits hold -Infinity$/],
  ['a float64 logit is NaN', { float64: (row) => row.set([NaN], 48) }, /float64 logits hold NaN$/],
  ['a hidden state is NaN', { hidden: (row) => row.set([NaN], 7) }, /hidden states of stage 0 hold NaN$/],
];
for (const [what, fault, message] of faults) {
  test(`nothing is recorded if ${what}`, async (t) => {
    await t.throwsAsync(recordCase(prompt, fakeRecorder(fault).recorder), {
      instanceOf: RecordingError,
      message,
    });
  });
}

test('a graph of another vocabulary than the configuration’s is refused', async (t) => {
  const { recorder } = fakeRecorder();
  await t.throwsAsync(recordCase(prompt, { ...recorder, config: { ...CONFIG, vocabSize: 50 } }), {
    instanceOf: RecordingError,
    message: 'the reference returned 48 logits a row; config.json says vocab_size 50',
  });
});

test('an id outside the vocabulary is refused before the reference sees it', async (t) => {
  const { recorder, calls } = fakeRecorder();
  await t.throwsAsync(recordCase({ ...prompt, ids: [48] }, recorder), { instanceOf: PromptError });
  t.deepEqual(calls, []);
});
