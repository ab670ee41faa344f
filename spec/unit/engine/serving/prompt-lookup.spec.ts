import test from 'ava';
import fc from 'fast-check';
import { PromptLookup } from '../../../../engine/serving/prompt-lookup.ts';

/** A draft of the tokens after these, with room for as many as are asked for. */
const draftOf = (tokens: readonly number[], most: number) => {
  const lookup = new PromptLookup(most, tokens.length);
  for (let i = 0; i < 2 * most; i++) lookup.record(true);
  return lookup.propose(tokens, most);
};

test('a draft is what followed the last tokens where they stood before', (t) => {
  t.deepEqual(draftOf([1, 2, 3, 4, 5, 6, 1, 2], 3), [3, 4, 5]);
  t.deepEqual(draftOf([1, 2, 3, 4, 5, 6, 1, 2], 1), [3]);
});

test('three equal tokens outweigh two, and of equally many the last occurrence counts', (t) => {
  t.deepEqual(draftOf([9, 1, 2, 5, 8, 1, 2, 6, 9, 1, 2], 1), [5]);
  t.deepEqual(draftOf([7, 1, 2, 5, 8, 1, 2, 6, 9, 1, 2], 1), [6]);
});

test('one equal token is no match', (t) => {
  for (const tokens of [[1], [1, 1], [1, 2, 3, 1], [1, 2, 3, 4]]) t.deepEqual(draftOf(tokens, 4), []);
});

test('a text with a period is continued with it', (t) => {
  t.deepEqual(draftOf([5, 5, 5], 4), [5, 5, 5, 5]);
  t.deepEqual(draftOf([9, 1, 2, 3, 1, 2, 3], 8), [1, 2, 3, 1, 2, 3, 1, 2]);
});

test('a draft has room for the tokens that are asked for, and is at most as long as the lookup drafts', (t) => {
  const lookup = new PromptLookup(3, 4);
  for (let i = 0; i < 9; i++) lookup.record(true);
  t.deepEqual(lookup.propose([5, 5, 5, 5], 2), [5, 5]);
  t.deepEqual(lookup.propose([5, 5, 5, 5], 0), []);
  t.deepEqual(lookup.propose([5, 5, 5, 5], 9), [5, 5, 5]);
});

test('drafts begin with three tokens and grow with each that is right', (t) => {
  const lookup = new PromptLookup(15, 3);
  const lengths = [];
  for (let round = 0; round < 5; round++) {
    const draft = lookup.propose([5, 5, 5], 99);
    lengths.push(draft.length);
    for (const _ of draft) lookup.record(true);
  }
  t.deepEqual(lengths, [3, 4, 6, 9, 14]);
  t.deepEqual(lookup.counts, { drafted: 36, accepted: 36 });
});

test('a text that was copied for long is given up after twice the longest draft', (t) => {
  const lookup = new PromptLookup(5, 3);
  for (let i = 0; i < 1000; i++) lookup.record(true);
  for (let i = 0; i < 10; i++) lookup.record(false);
  t.deepEqual(lookup.propose([5, 5, 5], 99), []);
});

/** Tokens after which a text that refutes every draft has been tried once more. */
const RETRY = 16;

test('after three drafts that were wrong, one token is tried in sixteen', (t) => {
  const lookup = new PromptLookup(7, 3);
  const tokens = [5, 5, 5];
  const drafted = [];
  for (let i = 0; i < 3 * RETRY; i++) {
    for (const _ of lookup.propose(tokens, 99)) {
      lookup.record(false);
      drafted.push(i);
    }
    tokens.push(5);
  }
  t.deepEqual(drafted, [0, 0, 0, 1, 2, RETRY, 2 * RETRY]);
});

test('rejected tokens are never more than accepted ones, six, and one in sixteen, whatever comes', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(20), { maxLength: 200 }), (most, rounds) => {
      const tokens = [5, 5, 5];
      const lookup = new PromptLookup(most, tokens.length);
      for (const right of rounds) {
        const draft = lookup.propose(tokens, 99);
        for (const i of draft.keys()) lookup.record(i < right);
        const { drafted, accepted } = lookup.counts;
        const numNew = tokens.length - 3;
        t.true(
          drafted - accepted <= accepted + 6 + numNew / RETRY,
          `${drafted} drafted, ${accepted} accepted`,
        );
        tokens.push(...draft.slice(0, right), 5);
      }
    }),
    { seed: 20261129, numRuns: 200 },
  );
});
