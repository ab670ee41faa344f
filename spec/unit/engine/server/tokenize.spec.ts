import test from 'ava';
import { toApiError } from '../../../../engine/server/api-error.ts';
import { templateTraits } from '../../../../engine/server/chat/template-traits.ts';
import type { ServerContext } from '../../../../engine/server/context.ts';
import { withToolsJson } from '../../../../engine/server/request-body.ts';
import { ThreadError } from '../../../../engine/server/thread-error.ts';
import { detokenize, tokenize } from '../../../../engine/server/tokenize.ts';
import { fakeEngine, fakeText } from './fakes.ts';

function contextWith(text: Partial<ServerContext['text']> = {}): ServerContext {
  return {
    engine: fakeEngine(),
    text: { ...fakeText(), ...text },
    templateTraits: { ...templateTraits(), rendersTools: true },
    servedModelName: 'm',
  } as unknown as ServerContext;
}

test('a text becomes tokens, their number and, on demand, their spelling', async (t) => {
  const answer = { count: 2, max_model_len: 64, tokens: [104, 105], token_strs: null };
  t.deepEqual(await tokenize({ prompt: 'hi', model: 'm', unknown: 1 }, contextWith()), answer);
  const spelt = { ...answer, token_strs: ['h', 'i'] };
  t.deepEqual(await tokenize({ prompt: 'hi', return_token_strs: true }, contextWith()), spelt as never);
});

test('special tokens are added to a text, unless the request says otherwise', async (t) => {
  const given: unknown[] = [];
  const context = contextWith({
    encode: async (_, options) => {
      given.push(options);
      return [7];
    },
  });
  for (const add_special_tokens of [undefined, null, true, false]) {
    await tokenize({ prompt: 'hi', add_special_tokens }, context);
  }
  t.deepEqual(
    given,
    [true, true, true, false].map((addSpecialTokens) => ({ addSpecialTokens })),
  );
});

test('messages are rendered as they are for an answer, unless the request says otherwise', async (t) => {
  const given: unknown[] = [];
  const context = contextWith({
    encodeChat: async (chat) => {
      given.push(chat);
      return [7];
    },
  });
  const messages = [{ role: 'user', content: 'hi' }];
  t.is((await tokenize({ messages }, context)).count, 1);
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const kwargs = { chat_template_kwargs: { enable_thinking: false } };
  await tokenize({ messages, tools, add_generation_prompt: false, ...kwargs }, context);
  await tokenize(withToolsJson({ messages, tools }, '[1.0]'), context);
  const common = { messages, argumentsAsJson: false, continueFinalMessage: false };
  t.deepEqual(given, [
    { ...common, addGenerationPrompt: true },
    { ...common, addGenerationPrompt: false, toolsJson: JSON.stringify(tools), enableThinking: false },
    { ...common, addGenerationPrompt: true, toolsJson: '[1.0]' },
  ]);
});

test('tokens become their text', async (t) => {
  t.deepEqual(await detokenize({ tokens: [104, 105] }, contextWith()), { prompt: 'hi' });
});

test('a wrong field is named', async (t) => {
  const refuse = async () => {
    throw new ThreadError({ name: 'ChatTemplateError', message: 'no such role', stack: undefined });
  };
  const context = contextWith({ encodeChat: refuse });
  const either = 'expected either prompt or messages';
  const roles = 'expected system, developer, user, assistant, tool';
  const other = 'cannot find the model "other"; served is "m"';
  for (const [asked, param, message, status = 400] of [
    [tokenize({}, context), 'prompt', `cannot tokenize: found neither; ${either}`],
    [
      tokenize({ prompt: null, messages: null }, context),
      'prompt',
      `cannot tokenize: found neither; ${either}`,
    ],
    [tokenize({ prompt: 'a', messages: [] }, context), 'prompt', `cannot tokenize: found both; ${either}`],
    [tokenize({ prompt: 3 }, context), 'prompt', 'cannot read prompt: expected a string'],
    [
      tokenize({ prompt: 'a', model: 3 }, context),
      'model',
      'cannot read model: expected the name of a model',
    ],
    ...['add_special_tokens', 'return_token_strs'].map(
      (field) =>
        [
          tokenize({ prompt: 'a', [field]: 1 }, context),
          field,
          `cannot read ${field}: expected true or false`,
        ] as const,
    ),
    [tokenize({ prompt: 'a', model: 'other' }, context), 'model', other, 404],
    [tokenize({ messages: [{}] }, context), 'messages[0].role', `messages[0].role is undefined; ${roles}`],
    [tokenize({ messages: [{ role: 'user', content: '' }] }, context), 'messages', 'no such role'],
    ...[[1.5], [-1], ['1'], [2 ** 32]].map(
      (tokens) =>
        [detokenize({ tokens }, context), 'tokens[0]', 'cannot read tokens[0]: expected a token id'] as const,
    ),
    [detokenize({ tokens: [0, null] }, context), 'tokens[1]', 'cannot read tokens[1]: expected a token id'],
    [detokenize({}, context), 'tokens', 'cannot read tokens: expected an array of token ids'],
    [detokenize({ tokens: [], model: 'other' }, context), 'model', other, 404],
  ] as const) {
    const error = toApiError(await t.throwsAsync(asked as Promise<never>));
    t.deepEqual([error.status, error.param, error.message], [status, param, message]);
  }
  for (const answer of [tokenize, detokenize]) {
    t.like(toApiError(await t.throwsAsync(answer('text', context) as Promise<never>)), {
      status: 400,
      param: undefined,
    });
  }
  t.notThrows(() => detokenize({ tokens: [2 ** 32 - 1] }, context));
  const refusing = contextWith({ encode: refuse, decode: refuse });
  t.like(toApiError(await t.throwsAsync(tokenize({ prompt: 'a' }, refusing))), {
    status: 400,
    param: 'prompt',
  });
  t.like(toApiError(await t.throwsAsync(detokenize({ tokens: [] }, refusing))), {
    status: 400,
    param: 'tokens',
  });
});

test('a broken engine is no fault of a field', async (t) => {
  const refuse = async () => {
    throw new RangeError('broken');
  };
  await t.throwsAsync(detokenize({ tokens: [] }, contextWith({ decode: refuse })), { message: 'broken' });
});
