import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { templateTraits } from '../../../../engine/server/chat/template-traits.ts';
import { startThreads } from '../../../../engine/server/start-threads.ts';
import { systemFingerprint } from '../../../../engine/server/system-fingerprint.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { TINY_TOKENIZER_CONFIG, tinyTokenizerJson } from '../text/tiny.ts';
import { denseModel, modelDirectory } from '../tiny-models.ts';

// A thread that is left fails this file.
trackResources(test);

const options = { threads: 1, cacheTokens: 32, maxBatch: 2 };

/** A model with these files of a tokenizer beside it. */
function modelWith(t: ExecutionContext, files: Readonly<Record<string, unknown>> = {}): string {
  const dir = modelDirectory(t, denseModel());
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(dir, name), JSON.stringify(content));
  }
  return dir;
}
const chat_template = '{{ tools }}</think>';
const TOKENIZER = {
  'tokenizer.json': tinyTokenizerJson(),
  'tokenizer_config.json': { ...TINY_TOKENIZER_CONFIG, chat_template },
};

test('a model has the traits of its template, the name of its weights, and text if it has a tokenizer', async (t) => {
  const modelDir = modelWith(t, TOKENIZER);
  const progress: number[] = [];
  const onProgress = (done: number, total: number) => void progress.push(done / total);
  const { engine, text, ...model } = await startThreads({ modelDir, options, onProgress });
  closing(t, engine);
  t.deepEqual(model, {
    templateTraits: templateTraits(new Map([['default', chat_template]])),
    systemFingerprint: await systemFingerprint(modelDir),
  });
  t.is(progress.at(-1), 1);
  t.deepEqual(await closing(t, text!).encode('a'), [0x61]);
  const events = [];
  const request = { ids: [1], maxNewTokens: 1, resultsOnly: true };
  for await (const event of engine.generate(request)) events.push(event);
  t.is(typeof (events[0].type === 'result' && events[0].result.text), 'string', 'the engine has it too');
});

test('a model without one of the files of a tokenizer has no text', async (t) => {
  const { 'tokenizer.json': _, ...config } = TOKENIZER;
  const { engine, text, ...model } = await startThreads({
    ...{ modelDir: modelWith(t, config), options: { ...options, cacheTokens: 128 } },
  });
  closing(t, engine);
  t.is(text, undefined);
  t.true(model.templateTraits.hasThinking);
  // As many positions as the model has, of a cache that has more.
  t.deepEqual(engine.limits, { vocabSize: 19, maxTokens: 64, maxBatch: 2 });
});

test('if a thread cannot be started, the other one is ended', async (t) => {
  const broken = modelWith(t, { ...TOKENIZER, 'tokenizer.json': {} });
  t.like(await t.throwsAsync(startThreads({ modelDir: broken, options })), { kind: 'TokenizerError' });
  const refused = { modelDir: modelWith(t, TOKENIZER), options: { ...options, maxBatch: 0 } };
  t.like(await t.throwsAsync(startThreads(refused)), { kind: 'OptionError', option: 'maxBatch' });
});
