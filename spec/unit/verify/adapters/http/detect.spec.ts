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
  const listed = { '/v1/models': models('organization') };
  const sglang = { '/get_server_info': { version: '0.5' } };
  for (const [name, identity, answers] of [
    ['vllm', { version: '0.11.2', models: ['m'] }, { '/version': { version: '0.11.2' }, ...listed }],
    ['vllm', { models: ['m'] }, { '/v1/models': models('vllm') }],
    [
      'vllm',
      { name: 'Plumbline', version: '0.2', models: ['m'] },
      {
        ...{ '/version': { version: '0.2' }, '/v1/models': models('plumbline') },
      },
    ],
    ['sglang', { version: '0.5', models: ['p'] }, { '/get_model_info': { model_path: 'p' }, ...sglang }],
    ['sglang', { models: ['p'] }, { '/model_info': { model_path: 'p' }, ...listed }],
    [
      'llama-server',
      { version: 'b1' },
      {
        ...{ '/props': { default_generation_settings: {}, build_info: 'b1' }, ...listed },
      },
    ],
    ['llama-server', {}, { '/props': { default_generation_settings: {} } }],
    [
      'tgi',
      { version: '3', models: ['p'] },
      {
        ...{ '/info': { model_id: 'p', version: '3', max_concurrent_requests: 128 }, ...listed },
      },
    ],
    [
      'ollama',
      { version: '0.12.11', models: ['a', 'b'] },
      {
        ...{
          '/api/version': { version: '0.12.11' },
          '/api/tags': { models: [{ name: 'a' }, { name: 'b' }] },
        },
        ...listed,
      },
    ],
    ['ollama', { version: '0.12.11' }, { '/api/version': { version: '0.12.11' }, ...listed }],
    ['openai', { models: ['m'] }, listed],
    ['openai', { name: 'Plumbline', models: ['m'] }, { '/v1/models': models('plumbline') }],
  ] as const) {
    for (const api of ['auto', name] as const) {
      const found = await detectDialect(answering(answers), api);
      t.is(found.dialect.name, name);
      const known = Object.entries(found.identity).filter(([, value]) => value !== undefined);
      t.deepEqual(Object.fromEntries(known), identity, `${name}, asked as ${api}`);
    }
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
