import test from 'ava';
import { checkServedModel, findServedModel, listModels } from '../../../../engine/server/served-model.ts';

const CONTEXT = { servedModelName: 'qwen3' };

test('a request names the served model, or none', (t) => {
  for (const model of ['qwen3', null, undefined]) t.notThrows(() => checkServedModel(model, CONTEXT));
});

test('another model is not found; the error says which is served', (t) => {
  t.throws(() => checkServedModel('gpt-4', CONTEXT), {
    message: 'cannot find the model "gpt-4"; served is "qwen3"',
  });
  t.like(
    t.throws(() => checkServedModel('', CONTEXT)),
    { status: 404, param: 'model' },
  );
});

const context = {
  servedModelName: 'Qwen/Qwen3-0.6B',
  created: 1_700_000_000,
  engine: { limits: { maxTokens: 4096 } },
} as Parameters<typeof listModels>[0];

test('the list of models has the served one, with its length', (t) => {
  const { object, data } = listModels(context);
  t.is(object, 'list');
  t.like(data, [{ id: 'Qwen/Qwen3-0.6B', object: 'model', created: 1_700_000_000, max_model_len: 4096 }]);
});

test('only the served model is found by its name', (t) => {
  t.deepEqual(findServedModel('Qwen/Qwen3-0.6B', context), listModels(context).data[0]);
  t.like(
    t.throws(() => findServedModel('qwen', context)),
    { status: 404, param: 'model' },
  );
});
