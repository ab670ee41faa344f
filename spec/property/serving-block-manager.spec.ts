import test from 'ava';
import fc from 'fast-check';
import { BlockManager } from '../../engine/serving/block-manager.ts';
import { Sequence } from '../../engine/serving/sequence.ts';
import { assertSound, blocksToWrite, contentAt, countOwners, SimulatedMemory } from './serving-memory.ts';

const SEED = 20261122;

/** The cached block of given tokens: `tokens so far → block`. */
interface Model {
  prefixCaching: boolean;
  cached: Map<string, number>;
}

interface Real {
  manager: BlockManager;
  memory: SimulatedMemory;
  sequences: Sequence[];
}

const seen = { hits: 0, rejections: 0, evictions: 0, copies: 0, exhaustions: 0, duplicates: 0, skips: 0 };

function assertAgree({ cached }: Model, { manager, memory, sequences }: Real): void {
  assertSound(manager, memory, sequences);
  const count = manager.stats().cached;
  if (count !== cached.size) throw new Error(`${count} blocks are cached, expected ${cached.size}`);
}

/** Blocks that no sequence uses, and how many of them are cached. */
function countFree({ cached }: Model, { manager, sequences }: Real): { free: number; cachedFree: number } {
  const owners = countOwners(sequences);
  const cachedFree = [...cached.values()].filter((block) => !owners.has(block)).length;
  return { free: manager.numBlocks - owners.size, cachedFree };
}

/** The reference's answer to a lookup. */
function prefixOf({ cached, prefixCaching }: Model, sequence: Sequence, blockSize: number): number[] {
  const blocks: number[] = [];
  if (!prefixCaching || sequence.request.promptLogprobs !== undefined) return blocks;
  for (let end = blockSize; end < sequence.numTokens; end += blockSize) {
    const block = cached.get(contentAt(sequence, end - 1));
    if (block === undefined) break;
    blocks.push(block);
  }
  return blocks;
}

abstract class OnSequence implements fc.Command<Model, Real> {
  readonly index: number;
  readonly amount: number;
  constructor(index: number, amount: number) {
    this.index = index;
    this.amount = amount;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    if (real.sequences.length === 0) return;
    this.act(real.sequences[this.index % real.sequences.length], model, real);
    assertAgree(model, real);
  }
  abstract act(sequence: Sequence, model: Model, real: Real): void;
  toString(): string {
    return `${this.constructor.name}(${this.index}, ${this.amount})`;
  }
}

let lastId = 0;

class Create implements fc.Command<Model, Real> {
  readonly tokens: number[];
  readonly promptLogprobs: 0 | undefined;
  readonly salt: string | undefined;
  constructor(tokens: number[], promptLogprobs: 0 | undefined, salt: string | undefined) {
    this.tokens = tokens;
    this.promptLogprobs = promptLogprobs;
    this.salt = salt;
  }
  check = () => true;
  run(_: Model, { sequences }: Real): void {
    lastId += 1;
    sequences.push(new Sequence(lastId, { promptLogprobs: this.promptLogprobs }, this.tokens, this.salt));
  }
  toString = () => `create([${this.tokens}], ${this.promptLogprobs}, ${this.salt})`;
}

class Admit extends OnSequence {
  act(sequence: Sequence, model: Model, real: Real): void {
    if (sequence.blockTable.length > 0) return;
    const { manager } = real;
    const prefix = prefixOf(model, sequence, manager.blockSize);
    const owners = countOwners(real.sequences);
    const { free } = countFree(model, real);
    const end = Math.min(sequence.numTokens, prefix.length * manager.blockSize + this.amount);
    const needed = Math.ceil(end / manager.blockSize) - prefix.filter((block) => owners.has(block)).length;
    const before = manager.stats();
    const admitted = manager.admit(sequence, this.amount);
    if (admitted !== needed <= free) throw new Error(`${needed} of ${free} blocks: ${admitted}`);
    const expected = admitted ? prefix : [];
    if (sequence.blockTable.join() !== expected.join()) throw new Error(`${prefix}: ${sequence.blockTable}`);
    if (sequence.numComputedTokens !== expected.length * manager.blockSize) throw new Error('wrong position');
    const { savedTokens, hits } = manager.stats();
    if (savedTokens - before.savedTokens !== sequence.numComputedTokens) throw new Error('miscounted tokens');
    if (hits - before.hits !== (expected.length > 0 ? 1 : 0)) throw new Error('miscounted hits');
    if (expected.length > 0) seen.hits += 1;
    if (!admitted) seen.rejections += 1;
    if (sequence.request.promptLogprobs !== undefined) seen.skips += 1;
  }
}

/** Grows, and computes all of the new positions or fewer; the rest is computed later. */
class Compute extends OnSequence {
  act(sequence: Sequence, model: Model, real: Real): void {
    const { manager, memory } = real;
    const { blockSize } = manager;
    const numTokens = Math.min(1 + this.amount, sequence.numUncomputedTokens);
    if (numTokens === 0) return;
    const { free, cachedFree } = countFree(model, real);
    const table = [...sequence.blockTable];
    const [first, end] = [sequence.numComputedTokens, sequence.numComputedTokens + numTokens];
    const shared = table.filter(
      (block, i) => (i + 1) * blockSize > first && i * blockSize < end && manager.refCount(block) > 1,
    );
    const needed = shared.length + Math.max(0, Math.ceil(end / blockSize) - table.length);
    const copies = manager.grow(sequence, numTokens);
    if ((copies !== undefined) !== needed <= free) throw new Error(`${needed} of ${free} blocks: ${copies}`);
    if (!copies) {
      if (sequence.blockTable.join() !== table.join()) throw new Error('some blocks were taken');
      seen.exhaustions += 1;
      return;
    }
    if (copies.map(({ from }) => from).join() !== shared.join()) throw new Error(`not ${shared} were copied`);
    seen.copies += copies.length;
    this.#evict(
      model,
      sequence.blockTable.filter((block) => !table.includes(block)),
      free - cachedFree,
    );
    memory.copy(copies);
    const written = blocksToWrite(manager, sequence, numTokens);
    const isCached = [...model.cached.values()].find((block) => written.includes(block));
    if (isCached !== undefined) throw new Error(`block ${isCached} is written, but others may find it`);
    const computed = Math.max(1, numTokens - (this.index % 2));
    memory.compute(sequence, computed);
    manager.commit(sequence, computed);
    if (sequence.numComputedTokens !== first + computed) throw new Error('wrong position');
    this.#addFullBlocks(model, sequence, first, blockSize);
  }

  /** A cached block that is taken loses its content; empty blocks must be taken first. */
  #evict({ cached }: Model, taken: number[], numEmpty: number): void {
    const lost = [...cached].filter(([, block]) => taken.includes(block));
    for (const [content] of lost) cached.delete(content);
    const expected = Math.max(0, taken.length - numEmpty);
    if (lost.length !== expected) throw new Error(`${lost.length} blocks were evicted, not ${expected}`);
    seen.evictions += lost.length;
  }

  #addFullBlocks({ cached, prefixCaching }: Model, sequence: Sequence, first: number, size: number): void {
    const { numComputedTokens, blockTable } = sequence;
    for (let i = Math.floor(first / size); prefixCaching && (i + 1) * size <= numComputedTokens; i++) {
      const content = contentAt(sequence, (i + 1) * size - 1);
      if (cached.has(content)) seen.duplicates += 1;
      else cached.set(content, blockTable[i]);
    }
  }
}

class Append extends OnSequence {
  act(sequence: Sequence): void {
    if (sequence.numTokens < 9) sequence.append(this.amount % 2);
  }
}

class Fork extends OnSequence {
  act(parent: Sequence, _: Model, { manager, sequences }: Real): void {
    if (parent.numComputedTokens === 0) return;
    lastId += 1;
    const { request, tokens, numComputedTokens, cacheSalt } = parent;
    const child = new Sequence(lastId, request, tokens.slice(0, numComputedTokens), cacheSalt);
    child.append(this.amount % 2);
    manager.fork(parent, child);
    if (child.numComputedTokens !== parent.numComputedTokens) throw new Error('the child begins elsewhere');
    sequences.push(child);
  }
}

/** Preempts a sequence, or ends it. */
class Free extends OnSequence {
  act(sequence: Sequence, _: Model, { manager, sequences }: Real): void {
    manager.free(sequence);
    if (this.amount % 2 === 0) sequences.splice(sequences.indexOf(sequence), 1);
  }
}

test('sequences own the blocks they write, share the others, and find in them what they computed', (t) => {
  const tokens = fc.array(fc.constantFrom(0, 1), { minLength: 1, maxLength: 7 });
  const on = (Command: new (index: number, amount: number) => OnSequence) =>
    fc.tuple(fc.nat(5), fc.nat(5)).map(([index, amount]) => new Command(index, amount));
  const create = fc
    .tuple(
      tokens,
      fc.constantFrom(undefined, undefined, undefined, 0 as const),
      fc.constantFrom(undefined, undefined, undefined, 'a', 'b'),
    )
    .map(([ids, promptLogprobs, salt]) => new Create(ids, promptLogprobs, salt));
  const commands = fc.commands(
    [create, on(Admit), on(Admit), on(Compute), on(Compute), on(Compute), on(Append), on(Fork), on(Free)],
    { maxCommands: 80, size: 'max' },
  );
  const options = fc.record({
    numBlocks: fc.integer({ min: 1, max: 9 }),
    blockSize: fc.integer({ min: 1, max: 3 }),
    prefixCaching: fc.constantFrom(true, true, true, false),
  });
  fc.assert(
    fc.property(options, commands, (setup, run) => {
      fc.modelRun(() => {
        const [manager, memory] = [new BlockManager(setup), new SimulatedMemory(setup.blockSize)];
        const model: Model = { prefixCaching: setup.prefixCaching, cached: new Map() };
        return { model, real: { manager, memory, sequences: [] } };
      }, run);
    }),
    { seed: SEED, numRuns: 600 },
  );
  for (const [what, times] of Object.entries(seen)) t.true(times > 50, `${what}: ${times}`);
});
