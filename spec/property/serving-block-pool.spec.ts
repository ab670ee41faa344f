import test from 'ava';
import fc from 'fast-check';
import { BlockPool } from '../../engine/serving/block-pool.ts';

const SEED = 20261122;

/** A pool by its definition: the references of each block, and the free blocks in two lists. */
interface Model {
  refCounts: Map<number, number>;
  empty: number[];
  /** The least recently released first. */
  cached: number[];
  evicted: number[];
}

interface Real {
  pool: BlockPool;
  evicted: number[];
}

const seen = { evictions: 0, exhaustions: 0, refusals: 0, rescues: 0 };

function assertAgree(model: Model, { pool, evicted }: Real): void {
  const free = model.empty.length + model.cached.length;
  if (pool.numFreeBlocks !== free) throw new Error(`${pool.numFreeBlocks} blocks are free, expected ${free}`);
  if (evicted.join() !== model.evicted.join()) throw new Error(`${evicted} evicted, not ${model.evicted}`);
  if (pool.numEvictions !== evicted.length) throw new Error(`${pool.numEvictions} evictions are counted`);
  for (let block = 0; block < pool.numBlocks; block++) {
    const expected = model.refCounts.get(block) ?? 0;
    if (pool.refCount(block) === expected) continue;
    throw new Error(`block ${block} has ${pool.refCount(block)} references, expected ${expected}`);
  }
  if (free + model.refCounts.size !== pool.numBlocks) throw new Error('the model has lost a block');
}

const remove = (list: number[], block: number) => list.splice(list.indexOf(block), 1);

class Take implements fc.Command<Model, Real> {
  check = () => true;
  run(model: Model, real: Real): void {
    const block = real.pool.take();
    if (block === undefined) {
      seen.exhaustions += 1;
    } else {
      if (model.empty.includes(block)) {
        remove(model.empty, block);
      } else {
        if (model.empty.length > 0 || model.cached[0] !== block)
          throw new Error(`${block} is not to be taken`);
        model.evicted.push(model.cached.shift()!);
        seen.evictions += 1;
      }
      model.refCounts.set(block, 1);
    }
    assertAgree(model, real);
    if (block === undefined && real.pool.numFreeBlocks > 0) throw new Error('there was a free block');
  }
  toString = () => 'take()';
}

/** A command that may be refused: then it throws, and nothing changes. */
function attempt(allowed: boolean, action: () => void): void {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  if (allowed !== (thrown === undefined)) throw new Error(`allowed: ${allowed}, thrown: ${thrown}`);
  if (!allowed) seen.refusals += 1;
}

class Retain implements fc.Command<Model, Real> {
  readonly block: number;
  constructor(block: number) {
    this.block = block;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const count = model.refCounts.get(this.block) ?? 0;
    const rescued = model.cached.includes(this.block);
    attempt(count > 0 || rescued, () => real.pool.retain(this.block));
    if (rescued) remove(model.cached, this.block);
    if (rescued) seen.rescues += 1;
    if (count > 0 || rescued) model.refCounts.set(this.block, count + 1);
    assertAgree(model, real);
  }
  toString = () => `retain(${this.block})`;
}

class Release implements fc.Command<Model, Real> {
  readonly block: number;
  readonly isCached: boolean;
  constructor(block: number, isCached: boolean) {
    this.block = block;
    this.isCached = isCached;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const count = model.refCounts.get(this.block) ?? 0;
    attempt(count > 0, () => real.pool.release(this.block, this.isCached));
    if (count > 1) model.refCounts.set(this.block, count - 1);
    if (count === 1) {
      model.refCounts.delete(this.block);
      (this.isCached ? model.cached : model.empty).push(this.block);
    }
    assertAgree(model, real);
  }
  toString = () => `release(${this.block}, ${this.isCached})`;
}

test('the block pool agrees with its model after any blocks are taken, retained and released', (t) => {
  // One block more than the smallest pool has: some do not exist.
  const block = fc.nat(4);
  const commands = fc.commands(
    [
      fc.constant(new Take()),
      block.map((b) => new Retain(b)),
      fc.tuple(block, fc.boolean()).map(([b, isCached]) => new Release(b, isCached)),
      fc.tuple(block, fc.boolean()).map(([b, isCached]) => new Release(b, isCached)),
    ],
    { maxCommands: 60, size: 'max' },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), commands, (numBlocks, run) => {
      fc.modelRun(() => {
        const evicted: number[] = [];
        return {
          model: { refCounts: new Map(), empty: [...Array(numBlocks).keys()], cached: [], evicted: [] },
          real: { pool: new BlockPool(numBlocks, (b) => evicted.push(b)), evicted },
        };
      }, run);
    }),
    { seed: SEED, numRuns: 1000 },
  );
  for (const [what, times] of Object.entries(seen)) t.true(times > 50, `${what}: ${times}`);
});
