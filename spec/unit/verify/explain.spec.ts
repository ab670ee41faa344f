import test from 'ava';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { readCase, readTensors } from '../../../golden/goldens.ts';
import { project } from '../../../golden/projection.ts';
import type { RecordedCase } from '../../../golden/schema.ts';
import { logSumExp } from '../../../golden/tolerance.ts';
import { type Difference, MISSING_TOKEN, RMS_DISTANCE } from '../../../verify/compare/difference.ts';
import { explain } from '../../../verify/explain.ts';

const recorded = readCase('dense', 'ids-short') as RecordedCase;
const tensors = readTensors('dense', 'ids-short');
const HIDDEN_SIZE = 64;
const VOCAB_SIZE = 384;

/** What the golden holds at index 5 of position 3 after layer 2, and the logit of id 9 there. */
const state = tensors.hiddenStates![(2 * recorded.ids.length + 3) * HIDDEN_SIZE + 5];
const logit = tensors.logits[3 * VOCAB_SIZE + 9];

const explained = async (difference: Partial<Difference>, projections?: { seed: string; count: number }) => {
  const whole = {
    what: 'logits',
    position: 3,
    index: 9,
    got: 0,
    expected: logit,
    tolerance: 1e-3,
    ...difference,
  };
  const modelDir = await ensureFixture('dense');
  return explain({ model: 'dense', recorded, differences: [whole], modelDir, projections });
};

test('the one that the oracle does not agree with is said to be wrong', async (t) => {
  t.regex(await explained({ got: logit + 1 }), /at logits, position 3, index 9\n[\s\S]*the subject is wrong/);
  t.regex(await explained({ got: logit, expected: logit + 1 }), /the golden is wrong/);
  t.regex(await explained({ got: logit + 1, expected: logit + 2 }), /no two agree/);
  t.regex(await explained({ got: logit + 5e-4, expected: logit - 5e-4 }), /: between the two\n/);
  t.regex(await explained({ what: MISSING_TOKEN, got: logit + 1 }), /the subject is wrong/);
  const row = tensors.logits.subarray(3 * VOCAB_SIZE, 4 * VOCAB_SIZE);
  const p = Math.exp(logit - logSumExp(row));
  const probability = { what: 'probability', got: p + 0.1, expected: p };
  t.regex(
    await explained(probability),
    new RegExp(`the oracle says ${String(p).slice(0, 5)}.*the subject is wrong`),
  );
  const last = tensors.hiddenStates![(4 * recorded.ids.length + 3) * HIDDEN_SIZE + 5];
  const final = { what: 'hidden_states.final', index: 5, got: last + 1, expected: last };
  t.regex(await explained(final), /the subject is wrong/);
  const hidden = { what: 'hidden_states.2', index: 5, got: state + 1, expected: state };
  t.regex(await explained(hidden), /at hidden_states\.2, position 3, index 5\n[\s\S]*the subject is wrong/);
});

test('a generated token is judged in the context of the tokens before it', async (t) => {
  const [, second] = recorded.greedy.tokens;
  const message = await explained({
    what: 'greedy token',
    position: recorded.ids.length + 1,
    index: 1,
    got: second + 1,
    expected: second,
    tolerance: 0,
  });
  t.regex(message, /position 10 \(generated\)/);
  const [first] = recorded.greedy.tokens;
  const position = recorded.ids.length;
  const whole = { what: 'greedy token', position, index: 0, got: first + 1, expected: first, tolerance: 0 };
  t.regex(
    await explained(whole),
    new RegExp(`position ${position} \\(generated\\)[^]*the oracle says ${first}, as the golden`),
  );
  t.regex(message, new RegExp(`the oracle says ${second}, as the golden does: the subject is wrong`));
});

test("a projected hidden state is judged by the projection of the oracle's", async (t) => {
  const projections = { seed: 'some', count: 4 };
  const from = (2 * recorded.ids.length + 3) * HIDDEN_SIZE;
  const projected = project(
    tensors.hiddenStates!.subarray(from, from + HIDDEN_SIZE),
    HIDDEN_SIZE,
    projections,
  )[3];
  const difference = { what: 'hidden_states.2', index: 3, got: projected + 1, expected: projected };
  t.regex(await explained(difference, projections), /the subject is wrong/);
});

test('a distance of all logits together is named as such', async (t) => {
  const message = await explained({
    what: RMS_DISTANCE,
    position: 0,
    index: 0,
    got: 3,
    expected: 1,
    tolerance: 2,
  });
  t.regex(message, /all logits together are farther from the truth\n {2}got 3, expected 1, tolerance 2/);
  t.notRegex(message, /oracle/);
});

test('a prompt that the oracle takes long for is not given to it', async (t) => {
  const long = readCase('dense', 'ids-thousand') as RecordedCase;
  const difference = { what: 'logits', position: 3, index: 9, got: 0, expected: 1, tolerance: 1e-3 };
  const huge = { ...long, ids: new Array(100_000).fill(1) };
  t.regex(
    await explain({
      model: 'dense',
      recorded: huge,
      differences: [difference],
      modelDir: await ensureFixture('dense'),
    }),
    /the oracle was not asked/,
  );
});

test('the differences that follow are listed, and the command that shows more', async (t) => {
  const first = { what: 'logits', position: 3, index: 9, got: 0, expected: logit, tolerance: 1e-3 };
  const modelDir = await ensureFixture('dense');
  const whole = { model: 'dense', recorded, differences: [first, { ...first, index: 10 }], modelDir };
  const message = await explain(whole);
  t.regex(message, /also logits at 3, 10: got 0/);
  t.regex(message, /: npm run inspect -- --model dense --case ids-short\n/);
  t.regex(message, /: npx plumbline-verify --model dense --precision f32 --html report\.html$/);
  const lines = (await explain({ ...whole, subjectPath: '/my own/adapter.ts' })).split('\n').slice(-2);
  t.deepEqual(lines, [
    "  to see every stage: SUBJECT='/my own/adapter.ts' npm run inspect -- --model dense --case ids-short",
    "  to see all cases on a page: npx plumbline-verify --model dense --module '/my own/adapter.ts' --precision f32 --html report.html",
  ]);
});
