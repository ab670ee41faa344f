import test from 'ava';
import { Sequence } from '../../../../engine/serving/sequence.ts';
import { compute, computed, newManager, newSequence } from './bookkeeping.ts';

test('a sequence gets as many blocks as its next tokens need', (t) => {
  const manager = newManager();
  const sequence = newSequence([1, 2, 3, 4, 5]);
  t.deepEqual(manager.grow(sequence, 1), []);
  t.deepEqual(sequence.blockTable, [0]);
  manager.commit(sequence, 1);
  t.is(sequence.numComputedTokens, 1);
  t.deepEqual(manager.grow(sequence, 1), []);
  t.deepEqual(sequence.blockTable, [0]);
  t.deepEqual(manager.grow(sequence, 4), []);
  t.deepEqual(sequence.blockTable, [0, 1, 2]);
  const { free, used } = manager.stats();
  t.deepEqual([free, used], [3, 3]);
});

test('if there are too few blocks, none is taken', (t) => {
  const manager = newManager({ numBlocks: 3 });
  const one = newSequence([1, 2, 3]);
  manager.grow(one, 3);
  const two = newSequence([4, 5, 6]);
  t.is(manager.grow(two, 3), undefined);
  t.deepEqual([two.blockTable, manager.stats().free], [[], 1]);
  t.deepEqual(manager.grow(two, 2), []);
});

test('a sequence fits if the whole cache is enough', (t) => {
  const manager = newManager({ numBlocks: 3 });
  t.deepEqual(
    [1, 5, 6, 7].map((n) => manager.fits(n)),
    [true, true, true, false],
  );
});

test('a cached prefix is taken over, all but the last token', (t) => {
  const manager = newManager();
  const first = computed(manager, [1, 2, 3, 4]);
  const second = newSequence([1, 2, 3, 4]);
  t.true(manager.admit(second, 4));
  t.deepEqual([second.blockTable, second.numComputedTokens], [[0], 2]);
  t.deepEqual(second.blockHashes, first.blockHashes.slice(0, 1));
  t.is(manager.refCount(0), 2);
  const { queries, hits, savedTokens, cached } = manager.stats();
  t.deepEqual([queries, hits, savedTokens, cached], [2, 1, 2, 2]);
});

test('a prefix outlives its sequence until its blocks are needed', (t) => {
  const manager = newManager({ numBlocks: 3 });
  manager.free(computed(manager, [1, 2, 3, 4, 5]));
  t.deepEqual([manager.stats().used, manager.stats().cached], [0, 2]);
  const again = newSequence([1, 2, 3, 4, 5]);
  t.true(manager.admit(again, 5));
  t.is(again.numComputedTokens, 4);
  manager.free(again);
  const other = newSequence([9, 9, 9, 9]);
  manager.grow(other, 4);
  manager.free(other);
  // The end of the chain went first.
  t.deepEqual([manager.stats().evictions, manager.stats().cached], [1, 1]);
  t.true(manager.admit(again, 1));
  t.is(again.numComputedTokens, 2);
});

test('blocks that are not computed yet are not found', (t) => {
  const manager = newManager();
  const first = newSequence([1, 2, 3]);
  manager.grow(first, 3);
  manager.commit(first, 1);
  const second = newSequence([1, 2, 3]);
  manager.admit(second, 3);
  t.is(second.numComputedTokens, 0);
  manager.free(second);
  manager.commit(first, 1);
  manager.admit(second, 3);
  t.is(second.numComputedTokens, 2);
});

test('a sequence is not admitted if there are too few blocks beside its prefix', (t) => {
  const manager = newManager({ numBlocks: 3 });
  manager.free(computed(manager, [1, 2, 3, 4]));
  manager.grow(newSequence([9]), 1);
  const sequence = newSequence([1, 2, 3, 4, 5, 6, 7]);
  const before = manager.stats();
  t.false(manager.admit(sequence, 3));
  t.deepEqual([sequence.blockTable, sequence.numComputedTokens], [[], 0]);
  t.deepEqual(manager.stats(), before);
});

test('an admitted sequence can grow by what it was admitted for', (t) => {
  const manager = newManager({ numBlocks: 3 });
  manager.free(computed(manager, [1, 2, 3, 4]));
  const sequence = newSequence([1, 2, 3, 4, 5, 6, 7]);
  t.true(manager.admit(sequence, 2));
  t.deepEqual(manager.grow(sequence, 2), []);
  t.is(manager.stats().free, 0);
  t.is(manager.grow(sequence, 3), undefined);
});

test('the tokens after a prefix are no more than the sequence has', (t) => {
  const manager = newManager({ numBlocks: 2 });
  t.true(manager.admit(newSequence([1, 2, 3]), 100));
});

for (const promptLogprobs of [0, 5]) {
  test(`a request for the prompt's log-probabilities (${promptLogprobs}) uses no prefix but leaves one`, (t) => {
    const manager = newManager();
    const sequences = [
      newSequence([1, 2, 3], { promptLogprobs }),
      newSequence([1, 2, 3], { promptLogprobs }),
    ];
    for (const sequence of sequences) {
      t.true(manager.admit(sequence, 3));
      t.is(sequence.numComputedTokens, 0);
      compute(manager, sequence);
    }
    t.is(manager.stats().queries, 0);
    t.is(computed(manager, [1, 2, 3]).blockTable[0], 0);
  });
}

test('without prefix caching nothing is found or kept', (t) => {
  const manager = newManager({ prefixCaching: false });
  manager.free(computed(manager, [1, 2, 3, 4, 5]));
  const again = computed(manager, [1, 2, 3, 4, 5]);
  t.deepEqual(again.blockHashes, []);
  t.deepEqual(manager.stats(), {
    free: 3,
    used: 3,
    cached: 0,
    evictions: 0,
    queries: 0,
    hits: 0,
    savedTokens: 0,
    copies: 0,
  });
});

test('another salt gives other hashes', (t) => {
  const hashes = ['a', 'b'].map((salt) => computed(newManager({ salt }), [1, 2]).blockHashes[0]);
  t.not(hashes[0], hashes[1]);
});

test('a block is found by sequences with the salt of the one that computed it', (t) => {
  const manager = newManager({ numBlocks: 12 });
  const cachedTokens = (...salts: (string | undefined)[]) =>
    salts.map((salt, id) => {
      const sequence = new Sequence(id, {}, [1, 2, 3, 4, 5], salt);
      t.true(manager.admit(sequence, 5));
      const found = sequence.numComputedTokens;
      compute(manager, sequence);
      manager.free(sequence);
      return found;
    });
  t.deepEqual(cachedTokens('a', 'a', 'b', undefined, 'b', undefined, 'a', ''), [0, 4, 0, 0, 4, 4, 4, 0]);
});

test('the blocks of draft tokens that were rejected are given back, the others stay', (t) => {
  const manager = newManager();
  const sequence = computed(manager, [1, 2, 3]);
  sequence.append(4);
  t.deepEqual(manager.grow(sequence, 1, 5), []);
  t.deepEqual(sequence.blockTable, [0, 1, 2, 3, 4]);
  manager.commit(sequence, 1);
  manager.trim(sequence);
  t.deepEqual([sequence.blockTable, manager.stats().free], [[0, 1], 4]);
  manager.trim(sequence);
  t.deepEqual([sequence.blockTable, manager.stats().free], [[0, 1], 4]);
  const other = newSequence([7, 8, 9]);
  manager.grow(other, 3);
  t.deepEqual(other.blockTable, [2, 3], 'the lowest first, as if they had never been taken');
});

test('of two blocks with equal content only one is cached; the other is empty when free', (t) => {
  const manager = newManager();
  const sequences = [newSequence([1, 2]), newSequence([1, 2])];
  for (const sequence of sequences) compute(manager, sequence);
  t.is(manager.stats().cached, 1);
  for (const sequence of sequences) manager.free(sequence);
  t.deepEqual([manager.stats().free, manager.stats().cached], [6, 1]);
});

test('a freed sequence begins again, and keeps its hashes', (t) => {
  const manager = newManager();
  const sequence = computed(manager, [1, 2, 3]);
  const hashes = [...sequence.blockHashes];
  manager.free(sequence);
  t.deepEqual([sequence.blockTable, sequence.numComputedTokens], [[], 0]);
  t.deepEqual(sequence.blockHashes, hashes);
  manager.free(sequence);
  t.is(manager.stats().free, 6);
});

test('a sequence that has blocks is neither admitted nor forked off another', (t) => {
  const manager = newManager();
  const one = computed(manager, [1]);
  const two = computed(manager, [1]);
  t.throws(() => manager.admit(one, 1), {
    instanceOf: RangeError,
    message: `sequence ${one.id} is admitted, but it already has blocks`,
  });
  t.throws(() => manager.fork(one, two), {
    instanceOf: RangeError,
    message: `sequence ${two.id} is forked off ${one.id}, but it already has blocks`,
  });
});

test('a sequence cannot grow or commit more tokens than it has to compute', (t) => {
  const manager = newManager();
  const sequence = newSequence([1, 2]);
  for (const numTokens of [0, -1, 3, 0.5, NaN]) {
    const expected = `by ${numTokens} tokens; expected a whole number, 1 to 2`;
    t.throws(() => manager.grow(sequence, numTokens), {
      instanceOf: RangeError,
      message: `sequence ${sequence.id} is grown ${expected}`,
    });
    t.throws(() => manager.commit(sequence, numTokens), {
      instanceOf: RangeError,
      message: `sequence ${sequence.id} is committed ${expected}`,
    });
  }
});

test('positions without blocks cannot be committed', (t) => {
  const manager = newManager();
  const sequence = newSequence([1, 2, 3]);
  manager.grow(sequence, 2);
  t.throws(() => manager.commit(sequence, 3), {
    instanceOf: RangeError,
    message: `3 positions of sequence ${sequence.id} are committed, but it has 1 blocks of 2`,
  });
  t.is(sequence.numComputedTokens, 0);
});

test('sizes that are not positive whole numbers are refused', (t) => {
  for (const size of [0, -1, 1.5, NaN]) {
    t.throws(() => newManager({ blockSize: size }), {
      instanceOf: RangeError,
      message: `blockSize is ${size}; expected a whole number, 1 or more`,
    });
    t.throws(() => newManager({ numBlocks: size }), {
      instanceOf: RangeError,
      message: `a pool of ${size} blocks; expected a whole number, 1 or more`,
    });
  }
});

test('there is no reference count of a block that does not exist', (t) => {
  t.throws(() => newManager().refCount(6), {
    instanceOf: RangeError,
    message: 'there is no block 6; expected one from 0 to 5',
  });
});
