import test from 'ava';
import { computed, newManager, newSequence } from './bookkeeping.ts';

test('a fork shares all blocks, and the first sequence to write gets a copy', (t) => {
  const manager = newManager();
  const parent = computed(manager, [1, 2, 3]);
  const child = newSequence([1, 2, 3]);
  manager.fork(parent, child);
  t.deepEqual([child.blockTable, child.numComputedTokens], [[0, 1], 3]);
  t.deepEqual(child.blockHashes, parent.blockHashes);
  t.not(child.blockHashes, parent.blockHashes);
  t.deepEqual([manager.refCount(0), manager.refCount(1)], [2, 2]);
  parent.append(4);
  child.append(5);
  t.deepEqual(manager.grow(parent, 1), [{ from: 1, to: 2 }]);
  t.deepEqual(parent.blockTable, [0, 2]);
  t.deepEqual(manager.grow(child, 1), []);
  t.deepEqual(child.blockTable, [0, 1]);
  t.is(manager.stats().copies, 1);
});

test('a fork at the edge of a block copies nothing', (t) => {
  const manager = newManager();
  const parent = computed(manager, [1, 2]);
  const child = newSequence([1, 2]);
  manager.fork(parent, child);
  for (const sequence of [parent, child]) {
    sequence.append(3);
    t.deepEqual(manager.grow(sequence, 1), []);
  }
  t.deepEqual(
    [parent.blockTable, child.blockTable],
    [
      [0, 1],
      [0, 2],
    ],
  );
});

test('a fork takes no blocks that the parent has not computed', (t) => {
  const manager = newManager();
  const parent = computed(manager, [1, 2]);
  parent.append(3);
  manager.grow(parent, 1);
  const child = newSequence([1, 2, 4]);
  manager.fork(parent, child);
  t.deepEqual(child.blockTable, [0]);
});

test('if there is no block for the copy, nothing is taken', (t) => {
  const manager = newManager({ numBlocks: 2 });
  const parent = computed(manager, [1, 2, 3]);
  const child = newSequence([1, 2, 3, 4]);
  manager.fork(parent, child);
  t.is(manager.grow(child, 1), undefined);
  t.deepEqual([child.blockTable, manager.refCount(1)], [[0, 1], 2]);
  manager.free(parent);
  t.deepEqual(manager.grow(child, 1), []);
});

test('a fork must begin as its parent does', (t) => {
  const manager = newManager();
  const parent = computed(manager, [1, 2, 3]);
  for (const [tokens, found] of [
    [[1, 2, 4], 'is 4'],
    [[1, 2], 'is undefined'],
  ] as const) {
    const child = newSequence([...tokens]);
    t.throws(() => manager.fork(parent, child), {
      instanceOf: RangeError,
      message: `sequence ${child.id} is forked off ${parent.id}, but at position 2 its token ${found}, not 3`,
    });
    t.deepEqual(child.blockTable, []);
  }
  t.is(manager.refCount(0), 1);
});
