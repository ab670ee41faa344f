import test from 'ava';
import { completeRequest, type RequestFlags } from '../../../../engine/cli/requests.ts';
import { PromptError, UsageError } from '../../../../engine/errors.ts';
import type { SamplingOptions } from '../../../../engine/serving/sampling-params.ts';

function complete(flags: RequestFlags, sampling: SamplingOptions = {}, maxTokens?: number) {
  return completeRequest({ name: 'f: line 1', prompt: { ids: [1] }, maxTokens, sampling }, flags);
}

test('what a line says goes before the flags, zero too', (t) => {
  t.deepEqual(complete({ maxTokens: 5, topK: 7, seed: 1 }, { seed: 0 }), {
    ...{ name: 'f: line 1', maxNewTokens: 5, topK: 7, seed: 0 },
  });
  t.is(complete({ maxTokens: 5 }, {}, 0).maxNewTokens, 0);
  t.is(complete({}, {}, 6).maxNewTokens, 6);
});

test('a request without a limit is wrong usage', (t) => {
  t.throws(() => complete({}), { instanceOf: UsageError, message: 'give --max-tokens' });
  t.throws(() => complete({ requests: 'f' }), {
    instanceOf: UsageError,
    message: 'f: line 1: has no maxTokens: add it, or give --max-tokens',
  });
});

test('log-probabilities without --json are wrong usage, for nobody would see them', (t) => {
  for (const options of [{ logprobs: 0 }, { promptLogprobs: 0 }]) {
    const expected = { instanceOf: UsageError, message: /^log-probabilities are printed with --json only/ };
    t.throws(() => complete({ maxTokens: 1, ...options }), expected);
    t.throws(() => complete({ maxTokens: 1 }, options), expected);
    t.like(complete({ maxTokens: 1, json: true }, options), options);
  }
});

test('samples that would all be the same are wrong usage', (t) => {
  for (const temperature of [undefined, 0]) {
    t.throws(() => complete({ maxTokens: 1, samples: 2, temperature }), {
      instanceOf: UsageError,
      message: /^--samples without --temperature/,
    });
  }
  t.is(complete({ maxTokens: 1, samples: 1 }).n, 1);
  t.is(complete({ maxTokens: 1, samples: 2, temperature: 1 }).n, 2);
  t.is(complete({ maxTokens: 1, samples: 2, requests: 'f' }, { temperature: 1 }).n, 2);
});

test('a value that makes no sense is wrong usage as a flag, and an error of its line in a file', (t) => {
  t.throws(() => complete({ maxTokens: 1, temperature: -1 }), {
    instanceOf: UsageError,
    message: /^temperature is -1; expected 0/,
  });
  t.throws(() => complete({ maxTokens: 1, requests: 'f' }, { n: 2 }), {
    instanceOf: PromptError,
    message: /^f: line 1: n is 2; expected 1 with temperature 0/,
  });
});
