import test from 'ava';
import { z } from 'zod';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { parseBody, refuseUnsupported, withExactTools } from '../../../../engine/server/request-body.ts';
import { parseJson } from '../../../../engine/text/jinja/parse-json.ts';

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

test('tools keep what JSON.parse would lose, and the rest of a body is plain', (t) => {
  const exact = (text: string) => withExactTools(JSON.parse(text), text);
  const body =
    '{"n": 9007199254740993, "tools": [1], "tools": [{"a": [9007199254740993, 1.0, 0.5, 2, "1.0"]}]}';
  t.deepEqual(exact(body), {
    n: 9007199254740992,
    tools: [{ a: [9007199254740993n, Object(1), 0.5, 2, '1.0'] }],
  });
  t.deepEqual(exact('{"tools": [{"b": 1, "10": 2}]}'), {
    tools: [new Map(Object.entries({ b: 1, 10: 2 }).reverse())],
  });
  for (const plain of [
    '{"tools": [{"a": 1}]}',
    '{"tools": []}',
    '{"tools": 1.0}',
    '[{"tools": [1.0]}]',
    'null',
  ]) {
    t.deepEqual(exact(plain), JSON.parse(plain));
  }
});

// One in each body: a second one would have the whole read without loss.
for (const json of [
  '9007199254740993',
  '-9007199254740993',
  '1.0',
  '1e2',
  '1E2',
  '-0',
  '{"10": 1, "2": 1}',
]) {
  test(`tools keep ${json}, also if nothing else in them would be lost`, (t) => {
    const text = `{"tools": [{"a": ${json}}]}`;
    const read = withExactTools(JSON.parse(text), text);
    t.deepEqual(read, { tools: parseJson(`[{"a": ${json}}]`) });
    t.notDeepEqual(read, JSON.parse(text), 'JSON.parse loses it');
  });
}

test('tools that take long to read are refused', (t) => {
  const text = `{"tools": [${'1.0,'.repeat(2 ** 14)}1]}`;
  const error = t.throws(() => withExactTools(JSON.parse(text), text), { instanceOf: ApiError });
  t.like(error, {
    status: 400,
    param: 'tools',
    message: 'the JSON of tools has 65539 characters; expected at most 65536',
  });
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
