import test from 'ava';
import {
  answerHead,
  checkServedModel,
  findServedModel,
  listModels,
} from '../../../../engine/server/served-model.ts';

const CONTEXT = { servedModelName: 'qwen3' };

test('a request names the served model, or none', (t) => {
  for (const model of ['qwen3', null, undefined]) t.notThrows(() => checkServedModel(model, CONTEXT));
});

test('another model is not found; the error says which is served', (t) => {
  t.throws(() => checkServedModel('gpt-4', CONTEXT), {
    message: 'cannot find the model "gpt-4"; served is "qwen3"',
  });
  for (const [model, shown] of [
    ['', ''],
    ['Qwen3', 'Qwen3'],
    ['x'.repeat(101), 'x'.repeat(100)],
  ]) {
    t.like(
      t.throws(() => checkServedModel(model, CONTEXT), {
        message: `cannot find the model "${shown}"; served is "qwen3"`,
      }),
      { status: 404, param: 'model' },
    );
  }
});

test('an answer begins with its time in seconds, the model and what names its weights', (t) => {
  const begun = Date.now();
  const { created, ...names } = answerHead({ ...CONTEXT, systemFingerprint: 'fp' });
  t.deepEqual(names, { model: 'qwen3', system_fingerprint: 'fp' });
  t.true(Number.isInteger(created) && Math.abs(created - begun / 1000) < 60, `${created}`);
});

const context = {
  servedModelName: 'Qwen/Qwen3-0.6B',
  created: 1_700_000_000,
  engine: { limits: { maxTokens: 4096 } },
} as Parameters<typeof listModels>[0];

test('the list of models has the served one, with its length', (t) => {
  const name = 'Qwen/Qwen3-0.6B';
  t.deepEqual(listModels(context), {
    object: 'list',
    data: [
      {
        ...{ id: name, object: 'model', created: 1_700_000_000, owned_by: 'plumbline' },
        ...{ root: name, parent: null, max_model_len: 4096 },
      },
    ],
  });
});

test('only the served model is found by its name', (t) => {
  t.deepEqual(findServedModel('Qwen/Qwen3-0.6B', context), listModels(context).data[0]);
  t.like(
    t.throws(() => findServedModel('qwen', context)),
    { status: 404, param: 'model' },
  );
});
