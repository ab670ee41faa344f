import test from 'ava';
import { chooseModel, detectDialect } from '../../../../../verify/adapters/http/detect.ts';
import type { Ask } from '../../../../../verify/adapters/http/dialect.ts';
import { HttpStatusError } from '../../../../../verify/adapters/http/nonsense.ts';
import { NoAnswerError, SubjectError } from '../../../../../verify/errors.ts';

/** Answers some GETs, and 404 to others. */
const answering =
  (answers: Record<string, unknown>): Ask =>
  async ({ method, path }) => {
    if (method === 'GET' && path in answers) return answers[path];
    throw new HttpStatusError('Not Found', 404);
  };
const models = (ownedBy: string) => ({ data: [{ id: 'm', owned_by: ownedBy }] });

test('the API of a server is detected by what it says of itself', async (t) => {
  for (const [name, answers] of [
    ['vllm', { '/version': { version: '0.11.2' }, '/v1/models': models('vllm') }],
    ['sglang', { '/get_model_info': { model_path: 'm' }, '/v1/models': models('sglang') }],
    ['sglang', { '/model_info': { model_path: 'm' } }],
    [
      'llama-server',
      { '/props': { default_generation_settings: {}, build_info: 'b1' }, '/v1/models': models('llamacpp') },
    ],
    [
      'tgi',
      { '/info': { model_id: 'm', version: '3', max_concurrent_requests: 128 }, '/v1/models': models('m') },
    ],
    ['ollama', { '/api/version': { version: '0.12.11' }, '/v1/models': models('library') }],
    ['openai', { '/v1/models': models('organization') }],
  ] as const) {
    t.is((await detectDialect(answering(answers), 'auto')).dialect.name, name);
  }
});

test('a server that says nothing known is refused with what was asked', async (t) => {
  for (const answers of [{}, { '/props': {}, '/v1/models': { data: 'none' } }]) {
    await t.throwsAsync(detectDialect(answering(answers), 'auto'), {
      instanceOf: SubjectError,
      message:
        /^the server answers none of \/props, .* as expected of llama-server, .*; check the URL, or name the API: --api$/,
    });
  }
});

test('a named API is taken without proof', async (t) => {
  const found = await detectDialect(answering({}), 'vllm');
  t.is(found.dialect.name, 'vllm');
  t.deepEqual(found.identity, {});
});

test('a server that cannot be reached is no unknown server', async (t) => {
  const reason = new NoAnswerError('refused');
  const ask = async () => {
    throw reason;
  };
  t.is(await t.throwsAsync(detectDialect(ask, 'auto')), reason);
});

test('the only model is asked; of several one must be chosen', (t) => {
  t.is(chooseModel({ models: ['a'] }, undefined), 'a');
  t.is(chooseModel({}, undefined), undefined);
  t.is(chooseModel({ models: ['a', 'b'] }, 'b'), 'b');
  t.throws(() => chooseModel({ models: ['a', 'b'] }, undefined), {
    instanceOf: SubjectError,
    message: 'the server serves 2 models: a, b; choose one: --served-model',
  });
});
