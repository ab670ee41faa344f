import { join } from 'node:path';
import test from 'ava';
import { ChatTemplateError, FileError, TokenizerError } from '../../../../engine/errors.ts';
import { parseJson } from '../../../../engine/text/jinja/parse-json.ts';
import { readJsonFile, readTextFile } from '../../../../engine/text/json-file.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from './tiny.ts';

trackResources(test);

test('a file that does not exist is undefined', async (t) => {
  const path = join(modelDir(t, {}), 'tokenizer.json');
  t.is(await readTextFile(path, TokenizerError), undefined);
  t.is(await readJsonFile(path, TokenizerError), undefined);
});

test('a byte order mark is not part of the text', async (t) => {
  const path = join(modelDir(t, { 'a.json': '\ufeff{"é": 1}' }), 'a.json');
  t.is(await readTextFile(path, TokenizerError), '{"é": 1}');
  t.deepEqual(await readJsonFile(path, TokenizerError), { é: 1 });
});

test("an unreadable file is an error of the given class with the system's code", async (t) => {
  const dir = modelDir(t, {});
  const error = await t.throwsAsync(readTextFile(dir, TokenizerError), {
    instanceOf: TokenizerError,
    message: `cannot read ${dir} (EISDIR)`,
  });
  t.like(error?.cause, { code: 'EISDIR' });
  await t.throwsAsync(readTextFile(dir, ChatTemplateError), { instanceOf: ChatTemplateError });
});

test('bytes that are not UTF-8 are refused, not replaced', async (t) => {
  const path = join(modelDir(t, { 'a.json': Uint8Array.of(0x22, 0xc3, 0x22) }), 'a.json');
  await t.throwsAsync(readJsonFile(path, TokenizerError), {
    instanceOf: TokenizerError,
    message: `cannot read ${path} as UTF-8; the file is damaged, fetch it again`,
  });
});

test('the error for truncated JSON has its length', async (t) => {
  const path = join(modelDir(t, { 'a.json': '{"model": {"ty' }), 'a.json');
  await t.throwsAsync(readJsonFile(path, TokenizerError), {
    instanceOf: TokenizerError,
    message: /cannot read .*a\.json as JSON \(14 characters, perhaps cut short\): ./,
  });
});

test('a parser of its own reads the text, and says what is wrong with it', async (t) => {
  const path = join(modelDir(t, { 'a.json': 'text' }), 'a.json');
  t.deepEqual(await readJsonFile(path, TokenizerError, (text) => [text]), ['text']);
  const cause = new RangeError('no such word');
  const refuse = () => {
    throw cause;
  };
  const error = await t.throwsAsync(readJsonFile(path, ChatTemplateError, refuse), {
    instanceOf: ChatTemplateError,
    message: `cannot read ${path} as JSON (4 characters, perhaps cut short): no such word`,
  });
  t.is(error?.cause, cause);
});

test('JSON that is nested too deeply was not cut short', async (t) => {
  const path = join(modelDir(t, { 'a.json': `${'['.repeat(8000)}${']'.repeat(8000)}` }), 'a.json');
  await t.throwsAsync(readJsonFile(path, FileError, parseJson), {
    instanceOf: FileError,
    message: `cannot read ${path} as JSON: it is nested too deeply`,
  });
});

test('a Git LFS pointer in place of a file is called that', async (t) => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 11422654\n`;
  const path = join(modelDir(t, { 'tokenizer.json': pointer }), 'tokenizer.json');
  await t.throwsAsync(readJsonFile(path, TokenizerError), {
    instanceOf: TokenizerError,
    message: `cannot read ${path}: it is a Git LFS pointer, not the file itself; run git lfs pull where the model was cloned`,
  });
});
