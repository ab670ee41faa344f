import test from 'ava';
import { OptionError } from '../../../../engine/errors.ts';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { maxNewTokensOf, toNumLogprobs } from '../../../../engine/server/request-limits.ts';

test('−1 asks for the whole vocabulary, as far as the server gives it', (t) => {
  const all = { vocabSize: 50, maxLogprobs: -1 };
  const some = { vocabSize: 50, maxLogprobs: 20 };
  t.deepEqual(
    [null, 0, 50, -1].map((value) => toNumLogprobs('logprobs', value, all)),
    [undefined, 0, 50, 50],
  );
  t.is(toNumLogprobs('logprobs', 20, some), 20);
  for (const value of [21, -1, -2, 1.5, '3', true]) {
    t.throws(() => toNumLogprobs('top_logprobs', value, some), {
      instanceOf: OptionError,
      message: `top_logprobs is ${JSON.stringify(value)}; expected a whole number from 0 to 20, the limit that --max-logprobs sets`,
    });
  }
  for (const limits of [all, { vocabSize: 50, maxLogprobs: 50 }, { vocabSize: 50, maxLogprobs: 99 }]) {
    t.is(toNumLogprobs('logprobs', -1, limits), 50);
    t.throws(() => toNumLogprobs('logprobs', 51, limits), {
      instanceOf: OptionError,
      message: 'logprobs is 51; expected a whole number from 0 to 50, the size of the vocabulary',
    });
  }
  t.is(toNumLogprobs('logprobs', 0, { vocabSize: 50, maxLogprobs: 0 }), 0);
});

const budget = { promptTokens: 10, maxTokens: undefined, field: 'max_tokens', byDefault: 16 };

test('prompt and continuation fit together; the default is what fits', (t) => {
  t.is(maxNewTokensOf(budget, { maxTokens: 100 }), 16);
  t.is(maxNewTokensOf(budget, { maxTokens: 12 }), 2);
  t.is(maxNewTokensOf({ ...budget, maxTokens: 90 }, { maxTokens: 100 }), 90);
  t.is(maxNewTokensOf({ ...budget, maxTokens: 0 }, { maxTokens: 10 }), 0);
});

test('what does not fit is refused, with the tokens given and the tokens allowed', (t) => {
  t.like(
    t.throws(() => maxNewTokensOf(budget, { maxTokens: 8 }), {
      instanceOf: ApiError,
      message: 'the prompt has 10 tokens; expected at most 7: shorten it by 3',
    }),
    { status: 400, param: 'prompt' },
  );
  t.throws(() => maxNewTokensOf({ ...budget, maxTokens: 91 }, { maxTokens: 100 }), {
    message:
      'max_tokens is 91; expected at most 90, because the prompt has 10 of 100 tokens: ask for fewer, or shorten the prompt',
  });
  t.throws(() => maxNewTokensOf({ ...budget, maxTokens: 0 }, { maxTokens: 8 }), {
    message: 'the prompt has 10 tokens; expected at most 8: shorten it by 2',
  });
  t.is(maxNewTokensOf(budget, { maxTokens: 11 }), 1);
  t.like(
    t.throws(() => maxNewTokensOf({ ...budget, promptField: 'messages' }, { maxTokens: 10 }), {
      message: 'the prompt has 10 tokens; expected at most 9: shorten it by 1',
    }),
    { param: 'messages' },
  );
  for (const [maxTokens, shown] of [
    [-1, '-1'],
    [0.5, '0.5'],
    ['5', '"5"'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [true, 'true'],
  ]) {
    t.throws(() => maxNewTokensOf({ ...budget, maxTokens }, { maxTokens: 100 }), {
      instanceOf: OptionError,
      message: `max_tokens is ${shown}; expected a whole number, 0 or more`,
    });
  }
  const exact = { ...budget, maxTokens: 5, minTokens: 5, field: 'max_completion_tokens' };
  t.is(maxNewTokensOf(exact, { maxTokens: 100 }), 5);
  t.throws(() => maxNewTokensOf({ ...exact, minTokens: 6 }, { maxTokens: 100 }), {
    instanceOf: OptionError,
    message: 'min_tokens is 6; expected at most max_completion_tokens, 5',
  });
  t.throws(() => maxNewTokensOf({ ...budget, minTokens: 17 }, { maxTokens: 100 }), {
    message: 'min_tokens is 17; expected at most max_tokens, 16',
  });
});
