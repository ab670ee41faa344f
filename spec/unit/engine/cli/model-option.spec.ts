import test from 'ava';
import { Command } from 'commander';
import {
  addModelOption,
  COMPUTED_FILES,
  findModel,
  TEXT_FILES,
} from '../../../../engine/cli/model-option.ts';
import { Interrupted } from '../../../../engine/errors.ts';
import { fakeIo } from './support.ts';

test('a model is required, a revision is not', (t) => {
  const parse = (...argv: string[]) =>
    addModelOption(new Command().exitOverride().configureOutput({ outputError() {} }))
      .parse(argv, { from: 'user' })
      .opts();
  t.deepEqual(parse('--model', 'a/b'), { model: 'a/b' });
  t.deepEqual(parse('--model', 'a/b', '--revision', 'v1'), { model: 'a/b', revision: 'v1' });
  t.throws(() => parse('--revision', 'v1'), { code: 'commander.missingMandatoryOptionValue' });
});

test('only the files that a command needs are fetched, with progress', async (t) => {
  const io = fakeIo();
  const shown: string[] = [];
  const progress = { show() {}, count: (text: string) => shown.push(text), hide() {} };
  t.is(await findModel({ model: 'a/b', revision: 'v1' }, TEXT_FILES, io, progress), 'a/b');
  t.is(await findModel({ model: 'c/d' }, COMPUTED_FILES, io, progress), 'c/d');
  t.deepEqual(io.resolved, [
    ['a/b', { files: ['tokenizer.json', 'tokenizer_config.json'], revision: 'v1' }],
    [
      'c/d',
      { files: ['config.json'], optional: ['generation_config.json'], weights: true, revision: undefined },
    ],
  ]);
  t.deepEqual(shown, ['fetching config.json 50 % of 2 bytes', 'fetching config.json 50 % of 2 bytes']);
});

test('waiting for another process that fetches a file is shown', async (t) => {
  const io = fakeIo();
  io.resolveModel = async (model, { onWait }) => {
    onWait?.('model.safetensors');
    return model;
  };
  const shown: string[] = [];
  const progress = { show: (text: string) => shown.push(text), count() {}, hide() {} };
  await findModel({ model: 'a/b' }, TEXT_FILES, io, progress);
  t.deepEqual(shown, ['waiting for another process to fetch model.safetensors']);
});

test('a signal ends the download through its AbortSignal, and is an Interrupted', async (t) => {
  const io = fakeIo();
  io.resolveModel = async (_model, { signal }) => {
    io.signals.emit('SIGINT', 'SIGINT');
    t.true(signal?.aborted);
    throw signal?.reason;
  };
  const progress = { show() {}, count() {}, hide() {} };
  const found = findModel({ model: 'a/b' }, TEXT_FILES, io, progress);
  t.like(await t.throwsAsync(found, { instanceOf: Interrupted }), { exitCode: 130 });
  t.deepEqual(io.signals.eventNames(), []);
});
