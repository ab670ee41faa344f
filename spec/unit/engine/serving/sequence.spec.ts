import test from 'ava';
import { Sequence } from '../../../../engine/serving/sequence.ts';

test('a new sequence has its prompt, and nothing computed', (t) => {
  const request = { promptLogprobs: 3 };
  const sequence = new Sequence(7, request, [5, 6]);
  t.is(sequence.id, 7);
  t.is(sequence.request, request);
  t.deepEqual(sequence.tokens, [5, 6]);
  t.deepEqual([sequence.numPromptTokens, sequence.numTokens, sequence.numNewTokens], [2, 2, 0]);
  t.deepEqual([sequence.numComputedTokens, sequence.numUncomputedTokens], [0, 2]);
  t.deepEqual([sequence.blockTable, sequence.blockHashes], [[], []]);
  t.false(sequence.paused);
});

test('generated tokens follow the prompt and count as new', (t) => {
  const sequence = new Sequence(1, {}, [5, 6]);
  sequence.append(8);
  sequence.append(9);
  t.deepEqual(sequence.tokens, [5, 6, 8, 9]);
  t.deepEqual([sequence.numPromptTokens, sequence.numTokens, sequence.numNewTokens], [2, 4, 2]);
});

test('uncomputed tokens may be of the prompt or generated', (t) => {
  const sequence = new Sequence(1, {}, [5, 6, 7]);
  sequence.numComputedTokens = 2;
  t.is(sequence.numUncomputedTokens, 1);
  sequence.append(8);
  t.is(sequence.numUncomputedTokens, 2);
});

test("appending leaves the caller's prompt alone", (t) => {
  const prompt = [5, 6];
  new Sequence(1, {}, prompt).append(8);
  t.deepEqual(prompt, [5, 6]);
});

test('a sequence without tokens is refused', (t) => {
  t.throws(() => new Sequence(4, {}, []), {
    instanceOf: RangeError,
    message: 'sequence 4 has no tokens; expected 1 or more',
  });
});
