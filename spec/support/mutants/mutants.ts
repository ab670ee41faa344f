/** A bug, as edits of the engine's source. */
export interface Mutant {
  /** What is wrong with this engine. */
  name: string;
  /** The model whose goldens must catch it. */
  model: string;
  /** Each `find` stands exactly once in its file, relative to `engine/`. */
  edits: readonly { file: string; find: string; replace: string }[];
}

const edit = (file: string, find: string, replace: string) => ({ file, find, replace });
// Bugs in the kernels' numerics are edits of the scalar kernels, which the engine then uses.
const scalar = (find: string, replace: string) => edit('kernels/scalar.ts', find, replace);
const scalarAttention = (find: string, replace: string) => edit('kernels/scalar-attention.ts', find, replace);

// Lines of attention.ts that are left out or moved.
const Q_NORM =
  '    kernels.rmsNorm({ x: q, rows: rows * numAttentionHeads, weight: this.qNorm, eps: rmsNormEps, y: q });\n';
const K_NORM =
  '    kernels.rmsNorm({ x: k, rows: rows * numKeyValueHeads, weight: this.kNorm, eps: rmsNormEps, y: k });\n';
const Q_ROPE = '    kernels.rope({ x: q, rows, heads: numAttentionHeads, headDim, cos, sin });\n';
const attention = (find: string, replace: string) => edit('model/attention.ts', find, replace);
const qwen3 = (find: string, replace: string) => edit('model/qwen3.ts', find, replace);
const runner = (find: string, replace: string) => edit('runner.ts', find, replace);
const generation = (find: string, replace: string) => edit('serving/generation.ts', find, replace);
const sampler = (find: string, replace: string) => edit('serving/sampler.ts', find, replace);
const moe = (find: string, replace: string) => edit('model/moe.ts', find, replace);

/**
 * Engines with bugs that have been seen, or are likely. The golden comparison must refuse every one of them.
 * A new kind of bug gets a row here.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'one layer is removed',
    model: 'dense',
    edits: [qwen3('this.#layers.forEach(', 'this.#layers.slice(0, -1).forEach(')],
  },
  {
    name: 'the norms of q and k are swapped',
    model: 'dense',
    edits: [
      attention('.q_norm.weight`', '.swapped.weight`'),
      attention('.k_norm.weight`', '.q_norm.weight`'),
      attention('.swapped.weight`', '.k_norm.weight`'),
    ],
  },
  {
    name: 'q is normed after RoPE',
    model: 'dense',
    edits: [attention(Q_NORM, ''), attention(Q_ROPE, Q_ROPE + Q_NORM)],
  },
  {
    name: 'k is not normed',
    model: 'dense',
    edits: [attention(K_NORM, '')],
  },
  {
    name: 'RoPE rotates interleaved pairs',
    model: 'dense',
    edits: [
      scalar(
        '* headDim + d;\n        const second = first + half;',
        '* headDim + 2 * d;\n        const second = first + 1;',
      ),
    ],
  },
  {
    name: 'RoPE turns the other way',
    model: 'moe',
    edits: [scalar(', sin[row * half + d]];', ', -sin[row * half + d]];')],
  },
  {
    name: 'v is rotated too',
    model: 'dense',
    edits: [
      attention(
        '    kernels.rope({ x: k, rows,',
        '    kernels.rope({ x: v, rows, heads: numKeyValueHeads, headDim, cos, sin });\n    kernels.rope({ x: k, rows,',
      ),
    ],
  },
  {
    name: 'theta is the default in place of the configured one',
    model: 'dense',
    edits: [edit('model/rope.ts', 'Math.fround(ropeTheta ** ', 'Math.fround(10000 ** ')],
  },
  {
    name: 'the theta of rope_parameters is not read',
    model: 'moe-nonorm',
    edits: [edit('config.ts', 'raw.rope_parameters?.rope_theta,', '10000,')],
  },
  {
    name: 'eps is the default in place of the configured one',
    model: 'dense',
    edits: [edit('config.ts', 'rmsNormEps: raw.rms_norm_eps', 'rmsNormEps: 1e-6')],
  },
  {
    name: 'key/value heads are mapped by remainder',
    model: 'dense',
    edits: [
      scalarAttention('Math.floor(head / (numAttentionHeads / numKeyValueHeads))', 'head % numKeyValueHeads'),
    ],
  },
  {
    name: 'attention is not causal',
    model: 'dense',
    edits: [scalarAttention('startPosition + row + 1;', 'startPosition + sequence.rows;')],
  },
  {
    name: 'a token does not see itself',
    model: 'dense',
    edits: [
      scalarAttention('sequence.startPosition + row + 1;', 'Math.max(1, sequence.startPosition + row);'),
    ],
  },
  {
    name: 'decode begins one position too late',
    model: 'dense',
    edits: [
      runner(
        'startPosition: sequence.numComputedTokens,',
        'startPosition: sequence.numComputedTokens + (sequence.numNewTokens > 0 ? 1 : 0),',
      ),
      edit(
        'serving/block-manager.ts',
        'const end = this.#blocksFor(numComputedTokens + numTokens + numDraftTokens);',
        'const end = this.#blocksFor(numComputedTokens + numTokens + numDraftTokens + 1);',
      ),
    ],
  },
  {
    name: 'decode begins one position too early',
    model: 'dense',
    edits: [
      runner(
        'startPosition: sequence.numComputedTokens,',
        'startPosition: sequence.numComputedTokens - (sequence.numNewTokens > 0 ? 1 : 0),',
      ),
    ],
  },
  {
    name: 'a second chunk of the prompt begins at position 0 again',
    model: 'dense',
    edits: [
      edit('distributed/prompt-runner.ts', 'startPosition: first,', 'startPosition: 0,'),
      runner(
        'startPosition: sequence.numComputedTokens,',
        'startPosition: sequence.numNewTokens > 0 ? sequence.numComputedTokens : 0,',
      ),
    ],
  },
  {
    name: 'the cache wraps around at a block',
    model: 'dense',
    edits: [scalarAttention('blockTable[Math.floor(position / blockSize)]', 'blockTable[0]')],
  },
  {
    name: 'scores are not scaled',
    model: 'dense',
    edits: [attention('scale: 1 / Math.sqrt(headDim)', 'scale: 1')],
  },
  {
    name: 'scores are scaled by the hidden size',
    model: 'moe',
    edits: [attention('scale: 1 / Math.sqrt(headDim)', 'scale: 1 / Math.sqrt(config.hiddenSize)')],
  },
  {
    name: 'gate and up are swapped',
    model: 'dense',
    edits: [
      edit('model/mlp.ts', 'kernels.siluMultiply(gate, up, rows', 'kernels.siluMultiply(up, gate, rows'),
      edit('model/mlp.ts', 'kernels.matmul(gate, rows,', 'kernels.matmul(up, rows,'),
    ],
  },
  {
    name: 'the residual around attention is dropped',
    model: 'dense',
    edits: [
      qwen3(
        'layer.selfAttn.forward(step, normed, y);\n      kernels.add(x, y, rows * hiddenSize);',
        'layer.selfAttn.forward(step, normed, y);\n      x.set(y);',
      ),
    ],
  },
  {
    name: 'the residual around the MLP is taken after the norm',
    model: 'dense',
    edits: [
      qwen3(
        'layer.mlp.forward(step, normed, rows, y);',
        'layer.mlp.forward(step, normed, rows, y);\n      x.set(normed);',
      ),
    ],
  },
  {
    name: 'the last norm is skipped',
    model: 'dense',
    edits: [qwen3('kernels.rmsNorm({ x, rows, weight: this.#norm, eps: rmsNormEps, y });', 'y.set(x);')],
  },
  {
    name: 'an untied head is taken from the embedding',
    model: 'dense',
    edits: [qwen3('config.tieWordEmbeddings ? this.#embedTokens', 'config.vocabSize ? this.#embedTokens')],
  },
  {
    name: 'a tied head is not tied and stays empty',
    model: 'moe',
    edits: [
      qwen3(
        'config.tieWordEmbeddings ? this.#embedTokens',
        "config.tieWordEmbeddings ? kernels.pack({ outputs: config.vocabSize, inputs: config.hiddenSize, dtype: 'BF16' }, (_, n) => new Uint8Array(n * config.hiddenSize * 2))",
      ),
    ],
  },
  {
    name: 'the chosen experts are not renormalised',
    model: 'moe',
    edits: [moe('normTopkProb ? Math', '!normTopkProb ? Math')],
  },
  {
    name: 'the chosen experts are renormalised where they should not be',
    model: 'moe-nonorm',
    edits: [moe('normTopkProb ? Math', 'sum ? Math')],
  },
  {
    name: 'one expert too few is chosen',
    model: 'moe',
    edits: [moe('.slice(0, numExpertsPerTok)', '.slice(0, numExpertsPerTok - 1)')],
  },
  {
    name: 'the least probable experts are chosen',
    model: 'moe-nonorm',
    edits: [moe('probabilities[b] - probabilities[a]', 'probabilities[a] - probabilities[b]')],
  },
  {
    name: 'NaN in one logit',
    model: 'dense',
    edits: [
      qwen3(
        '    const values = this.#logits.subarray(0,',
        '    this.#logits[7] = NaN;\n    const values = this.#logits.subarray(0,',
      ),
    ],
  },
  {
    name: 'the logits are constant',
    model: 'outliers',
    edits: [
      qwen3(
        '    const values = this.#logits.subarray(0,',
        '    this.#logits.fill(1);\n    const values = this.#logits.subarray(0,',
      ),
    ],
  },
  {
    name: 'two ids of the vocabulary are exchanged',
    model: 'outliers',
    edits: [
      qwen3(
        '    const values = this.#logits.subarray(0,',
        '    [this.#logits[3], this.#logits[4]] = [this.#logits[4], this.#logits[3]];\n    const values = this.#logits.subarray(0,',
      ),
    ],
  },
  {
    name: 'generation stops a token early',
    model: 'dense',
    edits: [generation('=== maxNewTokens)', '=== maxNewTokens - 1)')],
  },
  {
    name: 'the second best token is taken',
    model: 'dense',
    edits: [
      sampler(
        'this.#greedy(logits, largest)',
        'argmax(logits.map((logit, id) => (id === argmax(logits) ? -Infinity : logit)))',
      ),
    ],
  },
  {
    name: 'the logits of the last but one row are returned',
    model: 'dense',
    edits: [runner('logitsRows.map(({ row }) => row)', 'logitsRows.map(({ row }) => Math.max(0, row - 1))')],
  },
  {
    name: 'weights are truncated to bfloat16',
    model: 'dense',
    edits: [
      scalar(
        'widenBits(dtype, bits[panel + k * PANEL + lane])',
        'widenBits(dtype, (bits[panel + k * PANEL + lane] & 0xffff0000) >>> 0)',
      ),
    ],
  },
];
