import test from 'ava';
import { type GenerateOptions, generate } from '../../../../engine/cli/generate.ts';
import { Interrupted } from '../../../../engine/cli/interrupt.ts';
import { PromptError, TokenizerError } from '../../../../engine/errors.ts';
import { trackResources } from '../../../support/cleanup.ts';
import { ID, modelDir } from '../text/tiny.ts';
import { FakeTerminal, fakeIo, jsonFile, TEXT_MODEL, TINY_CONFIG } from './support.ts';

trackResources(test);

const REPLY = [ID.hel, 0x6c, 0x6f, ID.end, 0x21];

test('a text is continued as it comes, up to its end, and a newline follows', async (t) => {
  const io = fakeIo(REPLY);
  const seen: string[] = [];
  io.engine.onToken = () => seen.push(io.stdout.text);
  await generate({ model: modelDir(t, TEXT_MODEL), prompt: 'abc', maxTokens: 10 }, io);
  t.is(io.stdout.text, 'hello\n');
  t.deepEqual(seen, ['', 'hel', 'hell', 'hello']);
  t.is(io.stderr.text, '');
  t.true(io.engine.closed);
});

test('the engine is given the ids, the limit, and a cache of just that size', async (t) => {
  const io = fakeIo(REPLY);
  await generate({ model: modelDir(t, TEXT_MODEL), prompt: 'abc', maxTokens: 2 }, io);
  t.is(io.engine.loadedWith?.cacheTokens, 5);
  t.like(io.engine.requests[0], { ids: [0x61, 0x62, 0x63], maxNewTokens: 2, ignoreEos: false });
  t.is(io.stdout.text, 'hell\n');
});

test('with --ignore-eos the end is gone past', async (t) => {
  const io = fakeIo(REPLY);
  await generate({ model: modelDir(t, TEXT_MODEL), prompt: 'abc', maxTokens: 5, ignoreEos: true }, io);
  t.is(io.stdout.text, 'hello<|end|>!\n');
});

test('with --json every prompt has a line, and its keys are in the order of the documentation', async (t) => {
  const io = fakeIo(REPLY);
  const ids = jsonFile(t, [[1, 2], [3]]);
  await generate({ model: modelDir(t, TEXT_MODEL), ids, maxTokens: 10, json: true }, io);
  const end = `"fingerprint":"${'f'.repeat(64)}","timing":{"prefillMs":1,"decodeMs":2}}\n`;
  const reply = `"tokens":[257,108,111,300],"text":"hello","finishReason":"stop",${end}`;
  t.is(io.stdout.text, `{"index":0,"promptTokens":2,${reply}{"index":1,"promptTokens":1,${reply}`);
});

test('a model without tokenizer files continues ids: printed as numbers, null as text in JSON', async (t) => {
  const model = modelDir(t, { 'config.json': TINY_CONFIG });
  const options: GenerateOptions = { model, ids: jsonFile(t, [[1], [2]]), maxTokens: 3 };
  const [plain, json] = [fakeIo(REPLY), fakeIo(REPLY)];
  await generate(options, plain);
  t.is(plain.stdout.text, '257 108 111\n257 108 111\n');
  await generate({ ...options, json: true }, json);
  t.deepEqual(
    json.stdout.text.split('\n', 2).map((line) => JSON.parse(line).text),
    [null, null],
  );
});

test('one prompt that the model cannot be given stops the run before any is begun', async (t) => {
  const io = fakeIo(REPLY);
  const options = { model: modelDir(t, TEXT_MODEL), maxTokens: 4 };
  await t.throwsAsync(generate({ ...options, ids: jsonFile(t, [[1], [304]]) }, io), {
    instanceOf: PromptError,
    message: /^prompt 1: .*expected a whole number from 0 to 303/,
  });
  await t.throwsAsync(generate({ ...options, prompt: '' }, io), {
    message: /^prompt 0: the prompt is empty/,
  });
  await t.throwsAsync(generate({ ...options, prompt: '13 characters' }, io), { message: /17 positions/ });
  t.is(io.engine.loadedWith, undefined);
  t.is(io.stdout.text, '');
});

test('an interrupt ends the answer after the next token, and leaves out the prompts that follow', async (t) => {
  const io = fakeIo(REPLY);
  io.engine.onToken = (index) => index === 1 && io.signals.emit('SIGINT', 'SIGINT');
  const options = { model: modelDir(t, TEXT_MODEL), ids: jsonFile(t, [[1], [2]]), maxTokens: 10 };
  await t.throwsAsync(generate(options, io), { instanceOf: Interrupted });
  t.is(io.stdout.text, 'hell\n');
  t.is(io.engine.requests.length, 1);
  t.true(io.engine.closed);
  await t.throwsAsync(generate({ ...options, json: true }, io), { instanceOf: Interrupted });
  t.like(JSON.parse(io.stdout.text.slice('hell\n'.length)), {
    tokens: [ID.hel, 0x6c],
    finishReason: 'abort',
  });
});

test('an engine that fails is closed all the same', async (t) => {
  const io = fakeIo(REPLY);
  io.engine.onToken = () => {
    throw new RangeError('of the engine');
  };
  const options = { model: modelDir(t, TEXT_MODEL), prompt: 'a', maxTokens: 1 };
  await t.throwsAsync(generate(options, io), { instanceOf: RangeError });
  t.true(io.engine.closed);
});

test('a terminal is shown what is going on, and nothing of it stays beside the text', async (t) => {
  const stderr = new FakeTerminal();
  const io = { ...fakeIo(REPLY), stderr };
  const model = modelDir(t, TEXT_MODEL);
  await generate({ model, prompt: 'abc', maxTokens: 4 }, io);
  t.regex(stderr.text, /prompt 1 of 1, 3 tokens/);
  t.true(stderr.text.endsWith('\r'), JSON.stringify(stderr.text));
  const before = stderr.text.length;
  await generate({ model, ids: jsonFile(t, [[1], [2]]), maxTokens: 4, json: true }, io);
  t.regex(stderr.text.slice(before), /prompt 2 of 2, 1 tokens/);
});

test('a text for a model without a tokenizer is refused', async (t) => {
  const model = modelDir(t, { 'config.json': TINY_CONFIG });
  await t.throwsAsync(generate({ model, prompt: 'a', maxTokens: 1 }, fakeIo()), {
    instanceOf: TokenizerError,
  });
});
