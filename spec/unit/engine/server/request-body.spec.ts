import test from 'ava';
import { z } from 'zod';
import { ApiError } from '../../../../engine/server/api-error.ts';
import {
  arrayOf,
  parseBody,
  refuseUnsupported,
  toolsJsonOf,
  withToolsJson,
} from '../../../../engine/server/request-body.ts';

const schema = z.looseObject(
  { a: z.array(z.object({ b: z.string('expected a string') })) },
  'expected an object',
);

test('a field at fault is named by its path', (t) => {
  t.deepEqual(parseBody(schema, { a: [{ b: 'x' }], other: 1 }), { a: [{ b: 'x' }], other: 1 });
  const named = t.throws(() => parseBody(schema, { a: [{ b: 'x' }, { b: 4 }] }), { instanceOf: ApiError });
  t.like(named, { status: 400, param: 'a[1].b', message: 'cannot read a[1].b: expected a string' });
  const whole = t.throws(() => parseBody(schema, [1]), { instanceOf: ApiError });
  t.like(whole, { param: undefined, message: 'cannot read the body: expected an object' });
});

test('of an array the first wrong element is refused, and no other is looked at', (t) => {
  let numAsked = 0;
  const wrongIn = (element: unknown) => {
    numAsked++;
    return element === 1 ? undefined : { path: ['x'], message: 'expected one' };
  };
  const ones = z.object({ a: arrayOf<number>(wrongIn, 'expected an array of ones') });
  t.deepEqual(parseBody(ones, { a: [1, 1] }), { a: [1, 1] });
  numAsked = 0;
  const error = t.throws(() => parseBody(ones, { a: [1, 2, ...Array(9).fill(3)] }), { instanceOf: ApiError });
  t.like(error, { param: 'a[1].x', message: 'cannot read a[1].x: expected one' });
  t.is(numAsked, 2);
  t.throws(() => parseBody(ones, { a: 1 }), { message: /expected an array of ones/ });
});

test('the JSON of tools goes with a body, where no field that a client sends can stand for it', (t) => {
  const body = withToolsJson({ tools: [1], n: 1 }, '[1.0]');
  t.is(toolsJsonOf(body), '[1.0]');
  t.deepEqual(Object.keys(body as object), ['tools', 'n']);
  for (const without of [{ toolsJson: '[1.0]', 'Symbol(toolsJson)': '[1.0]' }, [], 'text', null, undefined]) {
    t.is(toolsJsonOf(without), undefined);
  }
});

test('what is not supported is refused by name, unless it asks for nothing', (t) => {
  t.notThrows(() =>
    refuseUnsupported({
      ...{
        response_format: { type: 'text' },
        use_beam_search: false,
        bad_words: [],
        structured_outputs: null,
      },
      ...{ priority: 0, user: 'me', metadata: {}, constructor: 1 },
    }),
  );
  for (const [param, value] of Object.entries({
    ...{ response_format: { type: 'json_object' }, guided_json: {}, use_beam_search: true, bad_words: ['a'] },
    ...{ priority: 1, prompt_embeds: 'x', include_stop_str_in_output: true, logprob_token_ids: [1] },
  })) {
    const error = t.throws(() => refuseUnsupported({ [param]: value }), { instanceOf: ApiError }, param);
    t.like(error, { status: 400, param });
    t.regex(error?.message ?? '', new RegExp(`^cannot serve ${param}: .* leave it out$`));
  }
  t.notThrows(() => refuseUnsupported({ suffix: '' }, { suffix: (value) => value === '' }));
  t.throws(() => refuseUnsupported({ suffix: 'x' }, { suffix: (value) => value === '' }), {
    message: /suffix/,
  });
});
