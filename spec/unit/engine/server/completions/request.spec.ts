import test from 'ava';
import { toApiError } from '../../../../../engine/server/api-error.ts';
import { parseCompletion } from '../../../../../engine/server/completions/request.ts';
import { fakeContext } from '../fake-engine.ts';

const context = fakeContext();
const errorOf = (body: unknown) => {
  try {
    parseCompletion(body, context);
  } catch (error) {
    return toApiError(error);
  }
  return undefined;
};

test('defaults are those of vLLM', (t) => {
  const { sampling, ...request } = parseCompletion({ prompt: 'a' }, context);
  const { seed, ...others } = sampling;
  t.deepEqual(others, { n: 1, temperature: 1 });
  t.true(Number.isSafeInteger(seed));
  t.deepEqual(request, {
    ...{ prompts: [{ text: 'a' }], isSeeded: false, maxTokens: undefined, cacheSalt: undefined },
    ...{ logprobs: undefined, promptLogprobs: undefined, echo: false, returnTokenIds: false, asIds: false },
    ...{ addSpecialTokens: true, skipSpecialTokens: true },
    ...{ stream: false, includeUsage: false, continuousUsage: false },
  });
});

test('every field of a body is read', (t) => {
  const body = {
    ...{ prompt: [1, 2], seed: 0, max_tokens: 'many', logprobs: 2, prompt_logprobs: 3, echo: true, n: 2 },
    ...{ add_special_tokens: false, skip_special_tokens: false, cache_salt: 's', return_token_ids: true },
    ...{ return_tokens_as_token_ids: true, temperature: 0.5 },
  };
  const expected = {
    ...{ prompts: [{ ids: [1, 2] }], sampling: { n: 2, seed: 0, temperature: 0.5 }, isSeeded: true },
    ...{ maxTokens: 'many', logprobs: 2, promptLogprobs: 3, echo: true, addSpecialTokens: false },
    ...{ skipSpecialTokens: false, cacheSalt: 's', returnTokenIds: true, asIds: true },
    ...{ stream: false, includeUsage: false, continuousUsage: false },
  };
  t.deepEqual(parseCompletion(body, context), expected);
  const { prompt_logprobs: _, ...others } = body;
  for (const [stream_options, includeUsage, continuousUsage] of [
    [undefined, false, false],
    [{}, false, false],
    [{ include_usage: true, continuous_usage_stats: null }, true, false],
    [{ continuous_usage_stats: true }, false, true],
  ] as const) {
    t.deepEqual(parseCompletion({ ...others, stream: true, stream_options }, context), {
      ...{ ...expected, promptLogprobs: undefined, stream: true, includeUsage, continuousUsage },
    });
  }
});

test('null is absence', (t) => {
  const names =
    'model echo logprobs max_tokens n seed stop stream stream_options suffix temperature cache_salt best_of';
  const nothing = Object.fromEntries(names.split(' ').map((name) => [name, null]));
  t.notThrows(() => parseCompletion({ ...nothing, prompt: 'a' }, context));
});

for (const [body, status, param, message] of [
  [{ model: 'other' }, 404, 'model'],
  [{ model: 4 }, 400, 'model'],
  [{ prompt: [16] }, 400, 'prompt[0]'],
  [{ echo: 1 }, 400, 'echo', 'cannot read echo: expected true or false'],
  [
    { add_special_tokens: 'no' },
    400,
    'add_special_tokens',
    'cannot read add_special_tokens: expected true or false',
  ],
  [{ logprobs: 6 }, 400, 'logprobs'],
  [{ prompt_logprobs: -2 }, 400, 'prompt_logprobs'],
  [
    { prompt_logprobs: 1, stream: true },
    400,
    'prompt_logprobs',
    'cannot stream prompt_logprobs; ask for a whole answer, or for echo with logprobs',
  ],
  [{ stream_options: {} }, 400, 'stream_options', 'cannot serve stream_options without stream true'],
  [{ best_of: 2 }, 400, 'best_of', 'cannot serve best_of: this server does not support it; leave it out'],
  [{ suffix: 'x' }, 400, 'suffix'],
  [{ response_format: { type: 'json_object' } }, 400, 'response_format'],
  [{ prompt: ['a', 'b'], n: 513 }, 400, 'n', 'n is 513; expected at most 512 with 2 prompts'],
  [{ top_p: 2 }, 400, 'top_p'],
] as const) {
  test(`refused with ${status}: ${JSON.stringify(body)}`, (t) => {
    const error = errorOf({ prompt: 'a', ...body });
    t.deepEqual([error?.status, error?.param], [status, param]);
    if (message !== undefined) t.is(error?.message, message);
  });
}

test('what asks for nothing more is taken', (t) => {
  t.is(errorOf({ prompt: 'a', n: 2, best_of: 2, suffix: '', logprobs: 5, model: 'fake' }), undefined);
  t.is(errorOf({ prompt: ['a', 'b'], n: 512 }), undefined);
});

test('a body that is no object is refused', (t) => {
  for (const body of [undefined, null, 4, 'text', [], [1]]) {
    t.like(errorOf(body), { status: 400, message: 'cannot read the body: expected an object' });
  }
});
