import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FIXTURES } from '../../../../../generator/fixtures/fixture-specs.ts';
import { dumpSubject } from '../../../../../verify/adapters/dump/dump-subject.ts';
import { NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';
import { DUMP_CASES, DUMP_SIZES, writeDump } from '../../../../support/adapters/write-dump.ts';
import { temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

/** A model's folder of which only the sizes are read. */
function modelDirOf(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  const sizes = {
    vocab_size: DUMP_SIZES.vocabSize,
    hidden_size: DUMP_SIZES.hiddenSize,
    num_hidden_layers: 1,
  };
  const ids = { bos_token_id: 0, eos_token_id: 0 };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...FIXTURES.dense.config, ...sizes, ...ids }));
  return folder;
}

async function load(t: ExecutionContext, form: Parameters<typeof writeDump>[1]) {
  const folder = temporaryFolder(t);
  writeDump(folder, form);
  const subject = dumpSubject(folder, DUMP_CASES);
  return { folder, subject, model: await subject.load(modelDirOf(t)) };
}
const [one] = DUMP_CASES.cases;

test('what an engine has written is what it answers', async (t) => {
  const { subject, model } = await load(t, 'npy');
  t.deepEqual(subject.info, { name: 'mine', version: '2' });
  t.deepEqual(model.capabilities, {
    ...{ scores: 'all', hidden: true, tokenize: true, chat: true },
    ...{ maxConcurrency: 1, precision: 'bf16' },
  });
  const answer = await model.forward({ ...one.forward!, hidden: true });
  t.deepEqual(answer.rows, [
    { values: Float32Array.of(0, 1, 2, 3) },
    { values: Float32Array.of(100, 101, 102, 103) },
  ]);
  t.is(answer.hidden?.length, 18);
  t.is((await model.forward(one.forward!)).hidden, undefined);
  t.deepEqual(await model.generate(one.generate), { tokens: [3] });
  t.deepEqual(await model.tokenize?.('a b'), [7, 8]);
  t.deepEqual(await model.tokenizeChat?.({ messages: [{ role: 'user', content: 'hi' }] }), [7, 8]);
  await model.close();
});

test('the likeliest tokens come with their ids', async (t) => {
  const { model } = await load(t, 'top');
  t.like(model.capabilities, { scores: 'top', hidden: false });
  t.deepEqual((await model.forward(one.forward!)).rows, [
    { ids: Int32Array.of(0, 1), values: Float32Array.of(0, 1) },
    { ids: Int32Array.of(2, 3), values: Float32Array.of(100, 101) },
  ]);
});

test('a request that no case has is skipped, and a failed case is an error', async (t) => {
  const { model } = await load(t, 'safetensors');
  const skipped = {
    instanceOf: NotSupportedError,
    message: /: skipped: the files have no answer to this request$/,
  };
  await t.throwsAsync(model.forward({ ids: [1, 2, 3], positions: [1] }), skipped);
  await t.throwsAsync(model.generate({ ids: [1, 2], maxNewTokens: 2 }), skipped);
  await t.throwsAsync(async () => model.tokenize?.('b a'), skipped);
  await t.throwsAsync(async () => model.tokenizeChat?.({ messages: [] }), skipped);
  const messages = [{ role: 'user', content: 'hi' }];
  for (const other of [{ addGenerationPrompt: false }, { enableThinking: false }, { tools: [] }])
    await t.throwsAsync(async () => model.tokenizeChat?.({ messages, ...other }), skipped);
  const failed = { instanceOf: SubjectError, message: /: the engine answers: the prompt is empty$/ };
  await t.throwsAsync(model.generate({ ids: [], maxNewTokens: 1 }), failed);
  await t.throwsAsync(model.forward({ ids: [], positions: [] }), failed);
});

test('a dump of tokens alone has no scores', async (t) => {
  const { model } = await load(t, 'none');
  t.is(model.capabilities.scores, 'none');
  await t.throwsAsync(model.forward(one.forward!), {
    instanceOf: NotSupportedError,
    message: /the files have no scores/,
  });
});

test('a folder without engine.json is called by its name, and one that is not whole is refused at load', async (t) => {
  const { folder } = await load(t, 'none');
  rmSync(join(folder, 'engine.json'));
  rmSync(join(folder, 'one.json'));
  const subject = dumpSubject(folder, DUMP_CASES);
  t.deepEqual(subject.info, { name: `answers in ${basename(folder)}` });
  await t.throwsAsync(subject.load(modelDirOf(t)), {
    instanceOf: SubjectError,
    message: /one\.json: is missing/,
  });
});
