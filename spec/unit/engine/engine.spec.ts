import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LoadOptions } from '../../../engine/distributed/load-model.ts';
import { Engine } from '../../../engine/engine.ts';
import {
  CheckpointError,
  ConfigError,
  EngineClosedError,
  KernelError,
  OptionError,
  PromptError,
} from '../../../engine/errors.ts';
import { createScalarKernels } from '../../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../../engine/kernels/wasm.ts';
import { cacheBytesPerToken } from '../../../engine/model/kv-cache.ts';
import { HEAD_ROWS } from '../../../engine/model/qwen3.ts';
import { completeEngineOptions } from '../../../engine/options.ts';
import type { ForwardOptions } from '../../../engine/serving/requests.ts';
import { oracleFromWeights } from '../../../verify/oracle/oracle.ts';
import { closing, trackResources } from '../../support/processes/cleanup.ts';
import { bitDifference } from './kernels/same-bits.ts';
import { relativeDifference } from './model/parts.ts';
import { DENSE_CONFIG, denseModel, loadEngine, modelDirectory, moeModel } from './tiny-models.ts';

// A model that cannot be loaded must be closed again: a file that stays open fails this spec.
trackResources(test);

const VOCAB = 19;
const IDS = [3, 0, 18, 7, 7, 11];

test('an engine has the default options, and a cache of as many blocks as they say', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const small = closing(t, await Engine.load(dir));
  t.deepEqual(small.options, completeEngineOptions({}, small.config));
  t.is(small.config.vocabSize, VOCAB);
  t.deepEqual(small.stats().blocks, { total: 4, free: 4, cached: 0, evictions: 0, copies: 0 });
});

test('memory grows with the cache by what a position costs, and is given back when the engine closes', async (t) => {
  const model = denseModel();
  const bytes = async (cacheTokens: number) => {
    const engine = await loadEngine(t, model, { cacheTokens, blockSize: 8, kernels: createScalarKernels() });
    return engine.bytesAllocated;
  };
  // Beside keys and values there are 32 scores for each position, and an entry in the block table for each
  // block.
  const perBlock = 8 * (cacheBytesPerToken(model.config) + 4 * 32) + 4;
  t.is((await bytes(200)) - (await bytes(136)), 8 * perBlock);
  const engine = await loadEngine(t, model);
  const weights = [...model.weights.values()].reduce((sum, { data }) => sum + 4 * data.length, 0);
  t.true(engine.bytesAllocated > weights + 64 * cacheBytesPerToken(model.config));
  engine.close();
  t.is(engine.bytesAllocated, 0);
});

test('progress is reported until all weights are read', async (t) => {
  const reported: [number, number][] = [];
  await loadEngine(t, denseModel(), { onProgress: (...progress) => reported.push(progress) });
  const [done, total] = reported.at(-1)!;
  t.is(done, total);
  t.true(reported.length > 10 && reported[0][0] < total);
});

test('a wrong option is refused, and nothing stays open', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const kernels = await createWasmKernels({ maxBytes: 2 ** 24 });
  await t.throwsAsync(Engine.load(dir, { maxBatchTokens: 0, kernels }), {
    instanceOf: OptionError,
    message: 'maxBatchTokens is 0; expected a whole number from 1 to 2147483647',
  });
  t.throws(() => kernels.allocate(1), { instanceOf: KernelError, message: /disposed/ });
});

for (const [what, spoil, expectation] of [
  [
    'a folder that is not there',
    (dir: string) => rmSync(dir, { recursive: true }),
    { instanceOf: ConfigError, message: /cannot read .*config\.json \(ENOENT\)/ },
  ],
  [
    'weights that are not there',
    (dir: string) => rmSync(join(dir, 'model.safetensors')),
    { instanceOf: CheckpointError, message: /has neither model\.safetensors nor/ },
  ],
  [
    'weights that are cut short',
    (dir: string) => truncateSync(join(dir, 'model.safetensors'), 5000),
    { instanceOf: CheckpointError, message: /truncated/ },
  ],
  [
    'weights of another model',
    (dir: string) =>
      writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...DENSE_CONFIG, head_dim: 8 })),
    { instanceOf: CheckpointError, message: /q_proj\.weight" has shape \[24, 13\].*\[32, 13\]/ },
  ],
] as const) {
  test(`${what} is refused, and nothing stays open`, async (t) => {
    const dir = modelDirectory(t, denseModel());
    spoil(dir);
    const kernels = await createWasmKernels({ maxBytes: 2 ** 24 });
    await t.throwsAsync(Engine.load(dir, { kernels }), expectation);
    t.throws(() => kernels.allocate(1), { instanceOf: KernelError, message: /disposed/ });
  });
}

test('a cache that the memory cannot hold is refused, and nothing stays open', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const kernels = await createWasmKernels({ maxBytes: 2 ** 20 });
  await t.throwsAsync(Engine.load(dir, { cacheTokens: 10_000, kernels }), {
    instanceOf: KernelError,
    message: /cannot allocate .*smaller cache/,
  });
  t.throws(() => kernels.allocate(1), { instanceOf: KernelError, message: /disposed/ });
});

for (const [what, model] of [
  ['a dense model', denseModel()],
  ['a mixture of experts', moeModel()],
] as const) {
  test(`logits and hidden states of ${what} are what the formulae say`, async (t) => {
    const engine = await loadEngine(t, model, { prefillChunk: 4 });
    const { logits, hidden } = engine.forward(IDS, { hidden: true });
    const truth = oracleFromWeights(model.config, model.weights).forward(IDS);
    t.true(relativeDifference(logits, truth.logits) < 4e-6);
    const width = truth.hidden[0].length;
    t.is(hidden!.length, width * 4);
    for (const [stage, expected] of truth.hidden.entries()) {
      const difference = relativeDifference(hidden!.subarray(stage * width, (stage + 1) * width), expected);
      t.true(difference < 4e-6, `hidden state ${stage} is off by ${difference}`);
    }
  });
}

test('logits of some positions are rows of the logits of all', async (t) => {
  const engine = await loadEngine(t, denseModel(), { prefillChunk: 4 });
  const all = engine.forward(IDS).logits;
  t.is(all.length, IDS.length * VOCAB);
  const row = (position: number) => [...all.subarray(position * VOCAB, (position + 1) * VOCAB)];
  for (const positions of [[0], [5], [1, 4], [3, 4, 5]]) {
    const { logits, hidden } = engine.forward(IDS, { positions });
    t.is(bitDifference(logits, Float32Array.from(positions.flatMap(row))), undefined);
    t.is(hidden, undefined);
  }
  t.is(engine.forward(IDS, { positions: [] }).logits.length, 0);
});

test('a prompt may have more positions than are computed at once by the head', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const ids = Array.from({ length: 2 * HEAD_ROWS + 3 }, (_, i) => (i * i) % VOCAB);
  const { logits } = engine.forward(ids);
  for (const position of [HEAD_ROWS - 1, HEAD_ROWS, 2 * HEAD_ROWS + 2]) {
    const alone = engine.forward(ids, { positions: [position] }).logits;
    t.is(bitDifference(logits.slice(position * VOCAB, (position + 1) * VOCAB), alone), undefined);
  }
});

test('returned logits and hidden states do not change with later passes', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { logits, hidden } = engine.forward(IDS, { hidden: true });
  const [kept, keptHidden] = [logits.slice(), hidden!.slice()];
  engine.forward([...IDS].reverse(), { hidden: true });
  t.deepEqual(logits, kept);
  t.deepEqual(hidden, keptHidden);
});

test('an observer is called with every stage of every step, chunk by chunk', async (t) => {
  const engine = await loadEngine(t, moeModel(), { prefillChunk: 4 });
  const reported: [string, number][] = [];
  const options = {
    hidden: true,
    observe: (stage: string, values: Float32Array) => {
      reported.push([stage, values.length]);
    },
  };
  const { hidden } = engine.forward(IDS, options);
  const step = (rows: number): [string, number][] => [
    ['hidden_states.0', rows * 13],
    ...[0, 1].flatMap((layer): [string, number][] => [
      [`layers.${layer}.q_norm`, rows * 24],
      [`layers.${layer}.k_norm`, rows * 12],
      [`layers.${layer}.q_rope`, rows * 24],
      [`layers.${layer}.k_rope`, rows * 12],
      [`layers.${layer}.attention`, rows * 13],
      ...(layer === 1 ? [['layers.1.router_logits', rows * 4] satisfies [string, number]] : []),
      [`layers.${layer}.mlp`, rows * 13],
      [`hidden_states.${layer + 1}`, rows * 13],
    ]),
    ['hidden_states.final', rows * 13],
  ];
  t.deepEqual(reported, [...step(4), ...step(2)]);
  t.is(hidden!.length, 4 * 6 * 13);
});

const REFUSED: [string, readonly number[], ForwardOptions, RegExp][] = [
  ['an empty prompt', [], {}, /the prompt is empty/],
  ['an empty prompt, whatever the positions', [], { positions: [0] }, /the prompt is empty/],
  ['an id beyond the vocabulary', [0, 19], {}, /id at position 1 is 19; expected .* from 0 to 18/],
  ['a negative id', [-1], {}, /id at position 0 is -1/],
  ['half an id', [1, 2, 2.5], {}, /id at position 2 is 2\.5/],
  ['an id that is no number', [NaN], {}, /id at position 0 is NaN/],
  [
    'a prompt beyond the positions of the model',
    new Array(65).fill(1),
    {},
    /65 positions .* the model has 64/,
  ],
  [
    'a prompt beyond the cache',
    new Array(33).fill(1),
    {},
    /prompt has 33 tokens; the cache has 32 free positions: raise cacheTokens, or wait/,
  ],
];
for (const [what, ids, options, message] of REFUSED) {
  test(`refused: ${what}`, async (t) => {
    const engine = await loadEngine(t, denseModel(), { cacheTokens: 32 });
    t.throws(() => engine.forward(ids, options), { instanceOf: PromptError, message });
    t.notThrows(() => engine.forward(new Array(32).fill(1)), 'a refused prompt takes no blocks');
  });
}

test('a prompt beyond the cache is refused with all free positions, however many chunks were computed', async (t) => {
  const engine = await loadEngine(t, denseModel(), { cacheTokens: 32, prefillChunk: 10 });
  t.throws(() => engine.forward(new Array(33).fill(1)), {
    message: /33 tokens; the cache has 32 free positions/,
  });
});

test('an observer that throws takes no blocks with it', async (t) => {
  const engine = await loadEngine(t, denseModel(), { cacheTokens: 32 });
  const observe = () => {
    throw new Error('observer failed');
  };
  t.throws(() => engine.forward(IDS, { observe }), { message: 'observer failed' });
  t.notThrows(() => engine.forward(new Array(32).fill(1)));
});

test('an engine of one rank has no rank that can end, and looks for none once it is closed', async (t) => {
  const engine = await loadEngine(t, denseModel());
  t.notThrows(() => engine.checkRanks());
  await engine.close();
  t.throws(() => engine.checkRanks(), { instanceOf: EngineClosedError });
});

test('a closed engine refuses to compute, whatever its kernels are', async (t) => {
  const options: LoadOptions[] = [{}, { kernels: createScalarKernels() }];
  for (const option of options) {
    const engine = await loadEngine(t, denseModel(), option);
    engine.close();
    t.throws(() => engine.forward(IDS), {
      instanceOf: EngineClosedError,
      message: 'the engine is closed and its memory released; load it again',
    });
    t.notThrows(() => engine.close());
  }
});
