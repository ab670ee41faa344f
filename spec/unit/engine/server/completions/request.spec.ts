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
  t.like(sampling, { n: 1, temperature: 1 });
  t.deepEqual(request, {
    ...{ prompts: [{ text: 'a' }], isSeeded: false, maxTokens: undefined, cacheSalt: undefined },
    ...{ logprobs: undefined, promptLogprobs: undefined, echo: false, returnTokenIds: false, asIds: false },
    ...{ addSpecialTokens: true, skipSpecialTokens: true },
    ...{ stream: false, includeUsage: false, continuousUsage: false },
  });
});

test('null is absence', (t) => {
  const names =
    'model echo logprobs max_tokens n seed stop stream stream_options suffix temperature cache_salt best_of';
  const nothing = Object.fromEntries(names.split(' ').map((name) => [name, null]));
  t.notThrows(() => parseCompletion({ ...nothing, prompt: 'a' }, context));
});

for (const [body, status, param] of [
  [{ model: 'other' }, 404, 'model'],
  [{ model: 4 }, 400, 'model'],
  [{ prompt: [16] }, 400, 'prompt[0]'],
  [{ echo: 1 }, 400, 'echo'],
  [{ logprobs: 6 }, 400, 'logprobs'],
  [{ prompt_logprobs: -2 }, 400, 'prompt_logprobs'],
  [{ prompt_logprobs: 1, stream: true }, 400, 'prompt_logprobs'],
  [{ stream_options: {} }, 400, 'stream_options'],
  [{ best_of: 2 }, 400, 'best_of'],
  [{ suffix: 'x' }, 400, 'suffix'],
  [{ response_format: { type: 'json_object' } }, 400, 'response_format'],
  [{ prompt: ['a', 'b'], n: 513 }, 400, 'n'],
  [{ top_p: 2 }, 400, 'top_p'],
] as const) {
  test(`refused with ${status}: ${JSON.stringify(body)}`, (t) => {
    t.like(errorOf({ prompt: 'a', ...body }), { status, param });
  });
}

test('what asks for nothing more is taken', (t) => {
  t.is(errorOf({ prompt: 'a', n: 2, best_of: 2, suffix: '', logprobs: 5, model: 'fake' }), undefined);
});

test('a body that is no object is refused', (t) => {
  for (const body of [undefined, null, 4, 'text', [], [1]]) t.is(errorOf(body)?.status, 400);
});
