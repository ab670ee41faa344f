import test from 'ava';
import fc from 'fast-check';
import { BlockPool } from '../../../../engine/serving/block-pool.ts';

test('blocks are handed out from the lowest on', (t) => {
  const pool = new BlockPool(5);
  t.is(pool.numBlocks, 5);
  t.deepEqual(pool.allocate(2), Int32Array.of(0, 1));
  t.deepEqual(pool.allocate(3), Int32Array.of(2, 3, 4));
  t.is(pool.numFreeBlocks, 0);
});

test('if there are too few blocks, none is taken', (t) => {
  const pool = new BlockPool(3);
  t.deepEqual(pool.allocate(1), Int32Array.of(0));
  t.is(pool.allocate(3), undefined);
  t.is(pool.numFreeBlocks, 2);
  t.deepEqual(pool.allocate(2), Int32Array.of(1, 2));
});

test('a table of no blocks is no exhaustion', (t) => {
  const pool = new BlockPool(1);
  pool.allocate(1);
  t.deepEqual(pool.allocate(0), new Int32Array());
});

test('what is given back is handed out again', (t) => {
  const pool = new BlockPool(3);
  const first = pool.allocate(2)!;
  pool.allocate(1);
  pool.free(first);
  t.is(pool.numFreeBlocks, 2);
  t.deepEqual(pool.allocate(2)!.sort(), Int32Array.of(0, 1));
});

test('a block that nobody owns cannot be freed', (t) => {
  const pool = new BlockPool(3);
  const blocks = pool.allocate(2)!;
  for (const stranger of [2, 3, -1, 0.5]) {
    t.throws(() => pool.free([stranger]), {
      instanceOf: RangeError,
      message: `block ${stranger} is freed, but nobody owns it`,
    });
  }
  pool.free(blocks);
  t.throws(() => pool.free(blocks), { instanceOf: RangeError, message: /block 0 is freed/ });
  t.is(pool.numFreeBlocks, 3);
});

test('a block that is freed twice at once is found out', (t) => {
  const pool = new BlockPool(2);
  pool.allocate(1);
  t.throws(() => pool.free([0, 0]), { instanceOf: RangeError });
  t.deepEqual(pool.allocate(2)!.sort(), Int32Array.of(0, 1));
});

test('however blocks come and go, each has one owner, and none is lost', (t) => {
  const operations = fc.array(fc.record({ count: fc.nat(5), freed: fc.option(fc.nat(9)) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(operations, (steps) => {
      const pool = new BlockPool(9);
      const owned: Int32Array[] = [];
      for (const { count, freed } of steps) {
        const free = pool.numFreeBlocks;
        const blocks = pool.allocate(count);
        if ((blocks === undefined) !== count > free) throw new Error(`${count} of ${free} blocks: ${blocks}`);
        if (blocks) owned.push(blocks);
        if (freed !== null && freed < owned.length) pool.free(owned.splice(freed, 1)[0]);
        const all = owned.flatMap((table) => [...table]);
        if (new Set(all).size !== all.length) throw new Error(`a block has two owners: ${all}`);
        if (all.some((block) => block < 0 || block >= 9)) throw new Error(`there is no such block: ${all}`);
        if (pool.numFreeBlocks + all.length !== 9) throw new Error('a block is lost');
      }
    }),
    { seed: 20261122, numRuns: 300 },
  );
  t.pass();
});
