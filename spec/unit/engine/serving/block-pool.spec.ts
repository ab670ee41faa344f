import test from 'ava';
import { BlockPool } from '../../../../engine/serving/block-pool.ts';

const takeAll = (pool: BlockPool) => Array.from({ length: pool.numFreeBlocks }, () => pool.take());

test('blocks are handed out from the lowest on, each with one reference', (t) => {
  const pool = new BlockPool(3);
  t.is(pool.numBlocks, 3);
  t.is(pool.numFreeBlocks, 3);
  t.deepEqual([pool.take(), pool.take()], [0, 1]);
  t.is(pool.numFreeBlocks, 1);
  t.deepEqual(
    [0, 1, 2].map((block) => pool.refCount(block)),
    [1, 1, 0],
  );
});

test('an exhausted pool gives no block', (t) => {
  const pool = new BlockPool(1);
  pool.take();
  t.is(pool.take(), undefined);
  t.is(pool.numEvictions, 0);
});

test('a block is free after as many releases as it had references', (t) => {
  const pool = new BlockPool(1);
  pool.take();
  pool.retain(0);
  t.is(pool.refCount(0), 2);
  pool.release(0);
  t.is(pool.refCount(0), 1);
  t.is(pool.take(), undefined);
  pool.release(0);
  t.is(pool.refCount(0), 0);
  t.is(pool.take(), 0);
  t.is(pool.numEvictions, 0, 'by default its content is not kept');
});

test('as many sequences as a request may have samples, and more, share a block', (t) => {
  const pool = new BlockPool(1);
  pool.take();
  for (let count = 2; count <= 70_000; count++) {
    pool.retain(0);
    if (pool.refCount(0) !== count) t.is(pool.refCount(0), count, `${count} references`);
  }
  t.is(pool.refCount(0), 70_000);
});

test('a cached block stays as it is while there are empty ones', (t) => {
  const evicted: number[] = [];
  const pool = new BlockPool(3, (block) => evicted.push(block));
  takeAll(pool);
  pool.release(0, true);
  pool.release(1, false);
  pool.release(2, true);
  t.is(pool.numFreeBlocks, 3);
  t.is(pool.take(), 1);
  t.deepEqual([evicted, pool.numEvictions], [[], 0]);
});

test('the cached block released least recently is evicted first', (t) => {
  const evicted: number[] = [];
  const pool = new BlockPool(3, (block) => evicted.push(block));
  takeAll(pool);
  for (const block of [1, 2, 0]) pool.release(block, true);
  t.deepEqual(takeAll(pool), [1, 2, 0]);
  t.deepEqual([evicted, pool.numEvictions], [[1, 2, 0], 3]);
});

test('a cached block that is retained is no longer free, and recent when it is released', (t) => {
  const pool = new BlockPool(2);
  takeAll(pool);
  pool.release(0, true);
  pool.release(1, true);
  pool.retain(0);
  t.deepEqual([pool.refCount(0), pool.numFreeBlocks], [1, 1]);
  pool.release(0, true);
  t.deepEqual(takeAll(pool), [1, 0]);
});

test('an evicted block is empty when it is released as such', (t) => {
  const pool = new BlockPool(1);
  pool.take();
  pool.release(0, true);
  pool.take();
  pool.release(0, false);
  t.throws(() => pool.retain(0), {
    instanceOf: RangeError,
    message: 'block 0 is retained, but it is empty',
  });
  pool.take();
  t.is(pool.numEvictions, 1);
});

test('a free block cannot be released', (t) => {
  const pool = new BlockPool(2);
  const error = { instanceOf: RangeError, message: 'block 0 is released, but it is free' };
  t.throws(() => pool.release(0), error);
  pool.take();
  pool.release(0, true);
  t.throws(() => pool.release(0, true), error);
  t.is(pool.numFreeBlocks, 2);
});

test('an empty block cannot be retained', (t) => {
  const pool = new BlockPool(2);
  t.throws(() => pool.retain(1), {
    instanceOf: RangeError,
    message: 'block 1 is retained, but it is empty',
  });
  t.is(pool.numFreeBlocks, 2);
});

test('a block that does not exist is named', (t) => {
  const pool = new BlockPool(2);
  for (const block of [2, -1, 0.5]) {
    const error = { instanceOf: RangeError, message: `there is no block ${block}; expected one from 0 to 1` };
    t.throws(() => pool.refCount(block), error);
    t.throws(() => pool.retain(block), error);
    t.throws(() => pool.release(block), error);
  }
});

test('a pool without blocks is refused', (t) => {
  for (const numBlocks of [0, -1, 1.5, NaN]) {
    t.throws(() => new BlockPool(numBlocks), {
      instanceOf: RangeError,
      message: `a pool of ${numBlocks} blocks; expected a whole number, 1 or more`,
    });
  }
});
