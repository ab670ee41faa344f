import test from 'ava';
import { z } from 'zod';
import { ApiError } from '../../../../engine/server/api-error.ts';
import {
  arrayOf,
  parseBody,
  refuseUnsupported,
  textOf,
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
  t.throws(() => parseBody(ones, { a: 1 }), { message: 'cannot read a: expected an array of ones' });
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
  t.notThrows(() => refuseUnsupported({ suffix: '' }, { suffix: (value) => value === '' }));
});

/** Fields with the only value that they may have, if there is one. */
const UNSUPPORTED: Readonly<Record<string, unknown>> = {
  allowed_token_ids: undefined,
  bad_words: [],
  guided_choice: undefined,
  guided_grammar: undefined,
  guided_json: undefined,
  guided_regex: undefined,
  include_stop_str_in_output: false,
  kv_transfer_params: undefined,
  logits_processors: [],
  logprob_token_ids: undefined,
  priority: 0,
  prompt_embeds: undefined,
  repetition_detection: undefined,
  response_format: { type: 'text' },
  structured_outputs: undefined,
  suffix: '',
  thinking_token_budget: -1,
  truncate_prompt_tokens: undefined,
  use_beam_search: false,
  watermarking: false,
};
const VALUES = [[], ['a'], {}, { type: 'text' }, { type: 'json_object' }, false, true, -1, 0, 1, '', 'x'];

test('each field that is not supported may have one value, or none', (t) => {
  for (const [param, harmless] of Object.entries(UNSUPPORTED)) {
    for (const value of [null, undefined, ...VALUES]) {
      const ask = () => refuseUnsupported({ [param]: value }, { suffix: (given) => given === '' });
      if (value == null || JSON.stringify(value) === JSON.stringify(harmless)) {
        t.notThrows(ask, `${param}: ${JSON.stringify(value)}`);
        continue;
      }
      const message = `cannot serve ${param}: this server does not support it; leave it out`;
      t.like(t.throws(ask, { instanceOf: ApiError, message }, JSON.stringify(value)), { status: 400, param });
    }
  }
});

test('a body is text in UTF-8, or refused', (t) => {
  t.is(textOf(Buffer.from('{"é": "😀"}')), '{"é": "😀"}');
  for (const bytes of [[0xff], [0x22, 0xc3], [0xed, 0xa0, 0x80]]) {
    const error = t.throws(() => textOf(Uint8Array.from(bytes)), {
      instanceOf: ApiError,
      message: 'cannot read the body: it is not UTF-8',
    });
    t.is(error.status, 400);
  }
});
