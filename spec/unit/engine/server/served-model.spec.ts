import test from 'ava';
import { checkServedModel } from '../../../../engine/server/served-model.ts';

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
