import test from 'ava';
import fc from 'fast-check';
import { PrefixCache } from '../../engine/serving/prefix-cache.ts';

const SEED = 20261122;

/** The salt and the exact tokens, from the first of the sequence to the last of the block, by block. */
type Model = Map<number, string>;

const seen = { hits: 0, partialHits: 0, misses: 0, duplicates: 0, refusals: 0, forgotten: 0 };

function assertAgree(model: Model, cache: PrefixCache): void {
  if (cache.size !== model.size) throw new Error(`${cache.size} blocks are cached, expected ${model.size}`);
  for (let block = 0; block < NUM_BLOCKS; block++) {
    if (cache.has(block) !== model.has(block)) throw new Error(`block ${block}: ${cache.has(block)}`);
  }
}

const NUM_BLOCKS = 8;
const blockOf = (model: Model, content: string) =>
  [...model].find(([, cachedContent]) => cachedContent === content)?.[0];

/** Chain hashes of the full blocks. */
function hashesOf(cache: PrefixCache, tokens: readonly number[], salt: string | undefined): string[] {
  const hashes: string[] = [];
  for (let end = cache.blockSize; end <= tokens.length; end += cache.blockSize) {
    hashes.push(cache.hash(hashes.at(-1) ?? cache.root(salt), tokens.slice(end - cache.blockSize, end)));
  }
  return hashes;
}

/** Names a block after the last full block of some tokens. */
class Add implements fc.Command<Model, PrefixCache> {
  readonly tokens: number[];
  readonly salt: string | undefined;
  readonly block: number;
  constructor(tokens: number[], salt: string | undefined, block: number) {
    this.tokens = tokens;
    this.salt = salt;
    this.block = block;
  }
  check = () => true;
  run(model: Model, cache: PrefixCache): void {
    const hash = hashesOf(cache, this.tokens, this.salt).at(-1);
    if (hash === undefined) return;
    const whole = this.tokens.slice(0, this.tokens.length - (this.tokens.length % cache.blockSize));
    const content = `${this.salt}: ${whole}`;
    const [before, other] = [model.get(this.block), blockOf(model, content)];
    if (before !== undefined && before !== content) {
      seen.refusals += 1;
      let thrown: unknown;
      try {
        cache.add(hash, this.block);
      } catch (error) {
        thrown = error;
      }
      if (!(thrown instanceof RangeError)) throw new Error(`block ${this.block} has two contents`);
    } else {
      const isNew = other === undefined || other === this.block;
      if (cache.add(hash, this.block) !== isNew) throw new Error(`added: ${!isNew}`);
      if (isNew) model.set(this.block, content);
      else seen.duplicates += 1;
    }
    assertAgree(model, cache);
  }
  toString = () => `add([${this.tokens}], ${this.salt}, ${this.block})`;
}

class Find implements fc.Command<Model, PrefixCache> {
  readonly tokens: number[];
  readonly salt: string | undefined;
  /** Number of hashes that the caller knows. */
  readonly numKnown: number;
  constructor(tokens: number[], salt: string | undefined, numKnown: number) {
    this.tokens = tokens;
    this.salt = salt;
    this.numKnown = numKnown;
  }
  check = () => true;
  run(model: Model, cache: PrefixCache): void {
    const hashes = hashesOf(cache, this.tokens, this.salt);
    const expected: number[] = [];
    for (let end = cache.blockSize; end < this.tokens.length; end += cache.blockSize) {
      const block = blockOf(model, `${this.salt}: ${this.tokens.slice(0, end)}`);
      if (block === undefined) break;
      expected.push(block);
    }
    const found = cache.find(this.tokens, hashes.slice(0, this.numKnown), this.salt);
    if (found.blocks.join() !== expected.join()) throw new Error(`found ${found.blocks}, not ${expected}`);
    const expectedHashes = hashes.slice(0, expected.length);
    if (found.hashes.join() !== expectedHashes.join()) throw new Error(`found ${found.hashes}`);
    if (expected.length === 0) seen.misses += 1;
    else if (expected.length < Math.floor((this.tokens.length - 1) / cache.blockSize)) seen.partialHits += 1;
    else seen.hits += 1;
    assertAgree(model, cache);
  }
  toString = () => `find([${this.tokens}], ${this.salt}, ${this.numKnown} known)`;
}

class Forget implements fc.Command<Model, PrefixCache> {
  readonly block: number;
  constructor(block: number) {
    this.block = block;
  }
  check = () => true;
  run(model: Model, cache: PrefixCache): void {
    cache.forget(this.block);
    if (model.delete(this.block)) seen.forgotten += 1;
    assertAgree(model, cache);
  }
  toString = () => `forget(${this.block})`;
}

test('a block is found by exactly the salt and tokens it was computed from, until it is forgotten', (t) => {
  // Few ids and short sequences: the same ids come again, elsewhere and after others.
  const tokens = fc.array(fc.constantFrom(0, 1), { minLength: 1, maxLength: 7 });
  const salt = fc.constantFrom(undefined, undefined, 'a', 'b');
  const block = fc.nat(NUM_BLOCKS - 1);
  const commands = fc.commands(
    [
      fc.tuple(tokens, salt, block).map(([ids, s, b]) => new Add(ids, s, b)),
      fc.tuple(tokens, salt, block).map(([ids, s, b]) => new Add(ids, s, b)),
      fc.tuple(tokens, salt, fc.nat(3)).map(([ids, s, numKnown]) => new Find(ids, s, numKnown)),
      block.map((b) => new Forget(b)),
    ],
    { maxCommands: 60, size: 'max' },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), commands, (blockSize, run) => {
      fc.modelRun(() => ({ model: new Map(), real: new PrefixCache(blockSize, 'salt') }), run);
    }),
    { seed: SEED, numRuns: 500 },
  );
  for (const [what, times] of Object.entries(seen)) t.true(times > 50, `${what}: ${times}`);
});
