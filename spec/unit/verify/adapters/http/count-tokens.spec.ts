import test from 'ava';
import { countTokens } from '../../../../../verify/adapters/http/count-tokens.ts';
import { openai } from '../../../../../verify/adapters/http/dialects/openai.ts';
import { HttpStatusError } from '../../../../../verify/adapters/http/nonsense.ts';
import { NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';

function server(answer: () => unknown) {
  const bodies: unknown[] = [];
  const json = async ({ body }: { body?: unknown }) => {
    bodies.push(body);
    return answer();
  };
  const client = { json, events: () => Promise.reject(new Error('not asked')) };
  return { bodies, counted: countTokens({ dialect: openai, client, model: 'm' }, 'a text') };
}

test('the tokens of a text are those that a completion counts as its prompt', async (t) => {
  const { bodies, counted } = server(() => ({ choices: [{}], usage: { prompt_tokens: 7 } }));
  t.is(await counted, 7);
  t.like(bodies[0], { prompt: 'a text', max_tokens: 1, logprobs: 0 });
});

test('a server that does not count, or takes no text, cannot be asked; nonsense is its fault', async (t) => {
  const uncounted = server(() => ({ choices: [{}] }));
  await t.throwsAsync(uncounted.counted, { instanceOf: NotSupportedError, message: /does not say how many/ });
  const refusing = server(() => {
    throw new HttpStatusError('number of tokens: the server answers 400', 400);
  });
  await t.throwsAsync(refusing.counted, { instanceOf: NotSupportedError, message: /400; expected/ });
  await t.throwsAsync(server(() => ({})).counted, { instanceOf: SubjectError });
  const locked = new HttpStatusError('no key', 401);
  const asked = server(() => {
    throw locked;
  });
  t.is(await t.throwsAsync(asked.counted), locked);
});
