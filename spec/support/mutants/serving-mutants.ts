import type { Mutant } from './mutants.ts';

/** A bug in serving, as an edit of the engine's own source. */
export type ServingMutant = Omit<Mutant, 'model'>;

const edit = (file: string, find: string, replace: string) => ({ file, find, replace });
const pool = (find: string, replace: string) => edit('serving/block-pool.ts', find, replace);
const prefixCache = (find: string, replace: string) => edit('serving/prefix-cache.ts', find, replace);
const blocks = (find: string, replace: string) => edit('serving/block-manager.ts', find, replace);
const sampler = (find: string, replace: string) => edit('serving/sampler.ts', find, replace);
const runner = (find: string, replace: string) => edit('runner.ts', find, replace);
const generation = (find: string, replace: string) => edit('serving/generation.ts', find, replace);
const scalarAttention = (find: string, replace: string) => edit('kernels/scalar-attention.ts', find, replace);

/**
 * Bugs in serving: a request then depends on other requests or on the content of the cache. Comparing each
 * request with the same request alone must catch every one. A new kind of bug gets a row here.
 */
export const SERVING_MUTANTS: readonly ServingMutant[] = [
  {
    name: 'a block is free when all owners but one have released it',
    edits: [pool('if (this.#refCounts[block] > 0) return;', 'if (this.#refCounts[block] > 1) return;')],
  },
  {
    name: 'a block is reused while others own it',
    edits: [pool('    if (this.#refCounts[block] > 0) return;\n', '')],
  },
  {
    name: 'a reference too many is counted',
    edits: [pool('this.#refCounts[block] = 1;', 'this.#refCounts[block] = 2;')],
  },
  {
    name: 'found blocks are not retained',
    edits: [blocks('    for (const block of found) this.#pool.retain(block);\n', '')],
  },
  {
    name: 'a reused block is still found by its old content',
    edits: [
      pool('      this.#onEvict(block);\n', ''),
      prefixCache('known !== undefined && known !== hash', "known === ''"),
    ],
  },
  {
    name: 'keys go into the wrong slot at the edge of a block',
    edits: [
      scalarAttention(
        '* blockSize + (cacheSlot % blockSize);',
        '* blockSize + Math.min(cacheSlot % blockSize, Math.max(0, blockSize - 2));',
      ),
    ],
  },
  {
    name: 'values go into the wrong slot at the edge of a block',
    edits: [
      scalarAttention('(cacheSlot % blockSize)) * headDim', '(cacheSlot % (blockSize - 1))) * headDim'),
    ],
  },
  {
    name: "a block's hash ignores its parent and so its position",
    edits: [prefixCache('parent ?? this.#root', 'this.#root')],
  },
  {
    name: "a block's hash ignores its last token",
    edits: [prefixCache('ids.forEach(', 'ids.slice(0, -1).forEach(')],
  },
  {
    name: 'blocks are cached before they are full',
    edits: [blocks('Math.floor(n / this.blockSize));', 'Math.ceil(n / this.blockSize));')],
  },
  {
    name: 'a hit may cover the whole prompt',
    edits: [prefixCache('(tokens.length - 1) / this.blockSize', 'tokens.length / this.blockSize')],
  },
  {
    name: "the mask takes another sequence's length",
    edits: [
      edit(
        'model/step.ts',
        'sequences.push({ rows: ids.length, startPosition,',
        'sequences.push({ rows: ids.length, startPosition: this.spans[0].startPosition,',
      ),
    ],
  },
  {
    name: "a sequence reads another sequence's blocks",
    edits: [
      edit(
        'model/step.ts',
        'rows: ids.length, startPosition, blockTable });',
        'rows: ids.length, startPosition, blockTable: Array.from(blockTable, (b, i) => this.spans[0].blockTable[i] ?? b) });',
      ),
    ],
  },
  {
    name: 'a preempted sequence goes on from where it was',
    edits: [
      blocks(
        '    sequence.blockTable = [];\n    sequence.numComputedTokens = 0;\n',
        '    sequence.blockTable = [];\n',
      ),
      blocks(
        'sequence.numComputedTokens = cachedTokens;',
        'sequence.numComputedTokens = Math.max(sequence.numComputedTokens, cachedTokens);',
      ),
    ],
  },
  {
    name: 'shared blocks are written without a copy',
    edits: [blocks('if (this.#pool.refCount(blockTable[i]) > 1) shared.push(i);', '')],
  },
  {
    name: 'a copied block stays empty',
    edits: [
      edit(
        'distributed/rank-model.ts',
        '    for (const { from, to } of copies) this.cache.copyBlock(from, to);\n',
        '',
      ),
    ],
  },
  {
    name: 'only the keys of a block are copied',
    edits: [
      edit('model/kv-cache.ts', 'for (const part of [keys, values])', 'for (const part of [keys, keys])'),
    ],
  },
  {
    name: 'requests share one stream of random numbers',
    edits: [
      sampler('const f = Math.fround;', "const f = Math.fround;\nconst stream = seedrandom('0/0');"),
      sampler('this.#random = seedrandom', 'this.#random = stream ?? seedrandom'),
    ],
  },
  {
    name: 'samples of a request draw the same random numbers',
    edits: [generation('new TokenSampler(params, ids, sample,', 'new TokenSampler(params, ids, 0,')],
  },
  {
    name: 'requests share the counts of generated tokens',
    edits: [
      sampler('const f = Math.fround;', 'const f = Math.fround;\nconst counts = new Map<number, number>();'),
      sampler('readonly #generated = new Map<number, number>();', 'readonly #generated = counts;'),
    ],
  },
  {
    name: 'a penalty counts tokens of the prompt twice',
    edits: [
      edit(
        'serving/logits-processors.ts',
        'for (const id of generated.keys()) if (!prompt.has(id)) penalise(id);',
        'for (const id of generated.keys()) penalise(id);',
      ),
    ],
  },
  {
    name: 'a penalty is left in the logits for others to see',
    edits: [
      sampler(
        '    this.#scratch.logits.set(logits);\n    processLogits(this.#scratch.logits,',
        '    this.#scratch.logits.set(logits);\n    processLogits(logits,',
      ),
    ],
  },
  {
    name: 'logits go to the wrong requests of a step',
    edits: [runner('logitsRows.map(({ row }) => row)', 'logitsRows.map(({ row }) => row).reverse()')],
  },
  {
    name: 'a draft is taken for what was chosen',
    edits: [runner('sequence.tokens[position] === draft &&', 'sequence.numTokens > position &&')],
  },
  {
    name: 'log-probabilities of a prompt are given again after a preemption',
    edits: [generation('promptLogprobs[position] =', 'promptLogprobs[promptLogprobs.length] =')],
  },
  {
    name: 'blocks of a request that has ended are kept',
    edits: [
      edit('serving/scheduler.ts', '    this.#blocks.free(sequence);\n    return true;', '    return true;'),
    ],
  },
];
