import { createHash } from 'node:crypto';
import test from 'ava';
import { PrefixCache } from '../../../../engine/serving/prefix-cache.ts';

/** Names the blocks of a chain, from block `first` on. @returns their hashes. */
function addChain(cache: PrefixCache, tokens: number[], first = 0): string[] {
  const hashes: string[] = [];
  for (let i = 0; (i + 1) * cache.blockSize <= tokens.length; i++) {
    const ids = tokens.slice(i * cache.blockSize, (i + 1) * cache.blockSize);
    hashes.push(cache.hash(hashes.at(-1), ids));
    cache.add(hashes[i], first + i);
  }
  return hashes;
}

test('a hash is SHA-256 over the parent and the ids as little-endian i32', (t) => {
  const sha256 = (...parts: (string | Uint8Array)[]) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const cache = new PrefixCache(2, 'salt');
  const first = sha256(sha256('salt'), Uint8Array.of(1, 0, 0, 0, 0x04, 0x03, 0x02, 0x01));
  t.is(cache.hash(undefined, [1, 0x01020304]), first.toString('hex'));
  const second = sha256(first, Uint8Array.of(5, 0, 0, 0, 6, 0, 0, 0));
  t.is(cache.hash(first.toString('hex'), [5, 6]), second.toString('hex'));
});

test('hashes differ by id, by order, by parent and by salt', (t) => {
  const cache = new PrefixCache(2);
  const first = cache.hash(undefined, [1, 2]);
  const hashes = [
    first,
    cache.hash(undefined, [1, 3]),
    cache.hash(undefined, [2, 1]),
    cache.hash(first, [1, 2]),
    cache.hash(cache.hash(undefined, [1, 3]), [1, 2]),
    new PrefixCache(2, 'other weights').hash(undefined, [1, 2]),
  ];
  t.is(new Set(hashes).size, hashes.length);
  t.is(new PrefixCache(2).hash(undefined, [1, 2]), first);
});

test('only full blocks are hashed', (t) => {
  const cache = new PrefixCache(3);
  t.throws(() => cache.hash(undefined, [1, 2]), {
    instanceOf: RangeError,
    message: 'a block of 2 tokens is hashed; expected a full block of 3',
  });
  t.throws(() => cache.hash(undefined, [1, 2, 3, 4]), {
    instanceOf: RangeError,
    message: 'a block of 4 tokens is hashed; expected a full block of 3',
  });
});

test('the longest cached prefix is found, in order', (t) => {
  const cache = new PrefixCache(2);
  const hashes = addChain(cache, [1, 2, 3, 4, 5, 6], 7);
  t.is(cache.size, 3);
  t.deepEqual(cache.find([1, 2, 3, 4, 9, 9, 9]), { blocks: [7, 8], hashes: hashes.slice(0, 2) });
  t.deepEqual(cache.find([1, 2, 3, 4, 5, 6, 7]), { blocks: [7, 8, 9], hashes });
  t.deepEqual(cache.find([9, 2, 3, 4, 5, 6, 7]), { blocks: [], hashes: [] });
});

test('a chain with a salt is found with that salt only', (t) => {
  const cache = new PrefixCache(2, 'engine');
  const salted = cache.hash(cache.root('mine'), [1, 2]);
  cache.add(salted, 4);
  cache.add(cache.hash(cache.root(undefined), [1, 2]), 5);
  t.deepEqual(cache.find([1, 2, 3], [], 'mine'), { blocks: [4], hashes: [salted] });
  t.deepEqual(cache.find([1, 2, 3]).blocks, [5]);
  for (const other of ['yours', '', 'min']) t.deepEqual(cache.find([1, 2, 3], [], other).blocks, [], other);
  t.not(new PrefixCache(2, 'other weights').root('mine'), cache.root('mine'));
});

test('the last token is never covered', (t) => {
  const cache = new PrefixCache(2);
  addChain(cache, [1, 2, 3, 4]);
  const found = [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5]].map((tokens) => cache.find(tokens));
  t.deepEqual(
    found.map(({ blocks }) => blocks.length),
    [0, 0, 1, 1, 2],
  );
});

test('the same ids elsewhere in a sequence are another block', (t) => {
  const cache = new PrefixCache(1);
  addChain(cache, [1, 1, 1]);
  t.deepEqual(cache.find([1, 1, 1, 1]).blocks, [0, 1, 2]);
  t.deepEqual(cache.find([2, 1, 1, 1]).blocks, []);
});

test('hashes that the caller knows are not computed again', (t) => {
  const cache = new PrefixCache(1);
  const hashes = addChain(cache, [1, 2, 3]);
  let read = 0;
  const tokens = new Proxy([1, 2, 3, 4], {
    get: (target, key) => {
      if (key === 'slice') read += 1;
      return Reflect.get(target, key);
    },
  });
  t.deepEqual(cache.find(tokens, hashes.slice(0, 2)), { blocks: [0, 1, 2], hashes });
  t.is(read, 1);
});

test('a forgotten block is not found, nor the blocks after it', (t) => {
  const cache = new PrefixCache(1);
  addChain(cache, [1, 2, 3]);
  cache.forget(1);
  t.deepEqual(
    [0, 1, 2].map((block) => cache.has(block)),
    [true, false, true],
  );
  t.is(cache.size, 2);
  t.deepEqual(cache.find([1, 2, 3, 4]).blocks, [0]);
  cache.forget(1);
  t.is(cache.size, 2);
});

test('the first of two blocks with the same content is found', (t) => {
  const cache = new PrefixCache(1);
  const hash = cache.hash(undefined, [1]);
  t.true(cache.add(hash, 4));
  t.true(cache.add(hash, 4));
  t.false(cache.add(hash, 5));
  t.deepEqual([cache.has(4), cache.has(5), cache.size], [true, false, 1]);
  t.deepEqual(cache.find([1, 2]).blocks, [4]);
});

test('a block cannot have two contents', (t) => {
  const cache = new PrefixCache(1);
  const [one, two] = [1, 2].map((id) => cache.hash(undefined, [id]));
  cache.add(one, 4);
  t.throws(() => cache.add(two, 4), {
    instanceOf: RangeError,
    message: `block 4 is cached as ${one}; forget it before it is cached as ${two}`,
  });
  cache.forget(4);
  t.true(cache.add(two, 4));
});
