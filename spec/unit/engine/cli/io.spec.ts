import { EventEmitter } from 'node:events';
import test from 'ava';
import { createProcessIo } from '../../../../engine/cli/io.ts';
import { SignalReceiver } from '../../../../engine/terminal/interrupt.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from '../text/tiny.ts';
import { TEXT_MODEL } from './support.ts';

trackResources(test);

const host = Object.assign(new EventEmitter(), { exit: () => {} });
const signals = new SignalReceiver(host);
const processIo = createProcessIo(signals);

test('output is that of the process, and signals are those of the receiver', (t) => {
  t.is(processIo.stdout, process.stdout);
  t.is(processIo.stderr, process.stderr);
  t.is(processIo.signals, signals);
});

test('models, tokenizers and templates are the real ones', async (t) => {
  const dir = await processIo.resolveModel(modelDir(t, TEXT_MODEL), { files: ['config.json'] });
  const tokenizer = await processIo.loadTokenizer(dir);
  t.deepEqual(tokenizer.encode('ab'), [0x61, 0x62]);
  const template = await processIo.loadChatTemplate(dir);
  t.is(template.render([{ role: 'user', content: 'x' }]), 'u:x;');
});

test('the engine is the real one; while it is loaded, a signal has its default effect', async (t) => {
  let listeners = 1;
  const onProgress = () => {
    listeners = host.listenerCount('SIGINT');
  };
  const loading = processIo.loadEngine(await ensureFixture('dense'), { cacheTokens: 4, onProgress });
  const engine = closing(t, await loading);
  t.deepEqual([listeners, host.listenerCount('SIGINT')], [0, 1]);
  t.is(engine.forward([1, 2]).logits.length, 2 * 384);
});
