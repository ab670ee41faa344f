import test from 'ava';
import { tokenize } from '../../../../engine/cli/tokenize.ts';
import { TokenizerError, UsageError } from '../../../../engine/errors.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { ID, modelDir } from '../text/tiny.ts';
import { FakeTerminal, fakeIo, jsonFile, TEXT_MODEL } from './support.ts';

trackResources(test);

const { 'config.json': _, ...TOKENIZER } = TEXT_MODEL;

test('a text is printed with a token in each line: id, tab, spelling', async (t) => {
  const io = fakeIo();
  await tokenize({ model: modelDir(t, TOKENIZER), text: 'hello "\n<|end|>' }, io);
  const lines = ['257\t"hel"', '108\t"l"', '111\t"o"', '32\t"Ġ"', '34\t"\\""', '10\t"Ċ"', '300\t"<|end|>"'];
  t.is(io.stdout.text, `${lines.join('\n')}\n`);
});

test('several texts are separated by an empty line', async (t) => {
  const io = fakeIo();
  await tokenize({ model: modelDir(t, TOKENIZER), file: jsonFile(t, ['a', 'bc', '']) }, io);
  t.is(io.stdout.text, '97\t"a"\n\n98\t"b"\n99\t"c"\n\n');
});

test('--json prints ids, tokens and decoded text of every text, in order', async (t) => {
  const io = fakeIo();
  const file = jsonFile(t, ['he\u0301', '', '<|end|>']);
  await tokenize({ model: modelDir(t, TOKENIZER), file, json: true }, io);
  t.deepEqual(JSON.parse(io.stdout.text), [
    { ids: [0x68, 0xc3, 0xa9], tokens: ['h', 'Ã', '©'], decoded: 'hé' },
    { ids: [], tokens: [], decoded: '' },
    { ids: [ID.end], tokens: ['<|end|>'], decoded: '<|end|>' },
  ]);
  t.true(io.stdout.text.endsWith(']\n'));
});

test('the line of a terminal is removed at the end', async (t) => {
  const stderr = new FakeTerminal();
  await tokenize({ model: modelDir(t, TOKENIZER), text: 'a' }, { ...fakeIo(), stderr });
  t.regex(stderr.text, /fetching config\.json.*\r$/s);
});

test('an empty text has no tokens', async (t) => {
  const io = fakeIo();
  await tokenize({ model: modelDir(t, TOKENIZER), text: '', json: true }, io);
  t.is(io.stdout.text, '[{"ids":[],"tokens":[],"decoded":""}]\n');
});

test('only the files of the tokenizer are fetched', async (t) => {
  const io = fakeIo();
  const model = modelDir(t, TOKENIZER);
  await tokenize({ model, text: 'a' }, io);
  t.deepEqual(io.resolved, [
    [model, { files: ['tokenizer.json', 'tokenizer_config.json'], revision: undefined }],
  ]);
});

test('no text is wrong usage, a model without tokenizer is an error of the run', async (t) => {
  const model = modelDir(t, {});
  await t.throwsAsync(tokenize({ model }, fakeIo()), {
    instanceOf: UsageError,
    message: 'nothing to tokenize: give --text or --file',
  });
  await t.throwsAsync(tokenize({ model, text: 'a' }, fakeIo()), { instanceOf: TokenizerError });
});
