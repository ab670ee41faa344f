import test from 'ava';
import { processIo } from '../../../../engine/cli/io.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from '../text/tiny.ts';
import { TEXT_MODEL } from './support.ts';

trackResources(test);

test('output and signals are those of the process', (t) => {
  t.is(processIo.stdout, process.stdout);
  t.is(processIo.stderr, process.stderr);
  t.is(processIo.signals, process);
});

test('models, tokenizers and templates are the real ones', async (t) => {
  const dir = await processIo.resolveModel(modelDir(t, TEXT_MODEL), { files: ['config.json'] });
  const tokenizer = await processIo.loadTokenizer(dir);
  t.deepEqual(tokenizer.encode('ab'), [0x61, 0x62]);
  const template = await processIo.loadChatTemplate(dir);
  t.is(template.render([{ role: 'user', content: 'x' }]), 'u:x;');
});

test('the engine is the real one', async (t) => {
  const engine = closing(t, await processIo.loadEngine(await ensureFixture('dense'), { cacheTokens: 4 }));
  t.is(engine.forward([1, 2]).logits.length, 2 * 384);
});
