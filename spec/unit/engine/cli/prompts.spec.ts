import test from 'ava';
import { engineOptions } from '../../../../engine/cli/engine-flags.ts';
import {
  cacheTokensFor,
  checkPrompts,
  checkRequests,
  type NamedRequest,
} from '../../../../engine/cli/prompts.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { PromptError } from '../../../../engine/errors.ts';
import { TINY_CONFIG } from './support.ts';

const config = parseModelConfig(TINY_CONFIG);
const good = [1, 2, 3];

test('the first prompt that the model cannot be given is named', (t) => {
  t.notThrows(() => checkPrompts([good, new Array(16).fill(1)], config));
  t.throws(() => checkPrompts([good, [], [999]], config), {
    instanceOf: PromptError,
    message: /^prompt 1: the prompt is empty/,
  });
  t.throws(() => checkPrompts([good, good, [999]], config), { message: /^prompt 2: .*position 0 is 999/ });
});

function check(request: Partial<NamedRequest>, { hasText = true, blockSize = 2, cacheBlocks = 8 } = {}) {
  const options = engineOptions({ blockSize, cacheBlocks }, [], config);
  const first = { name: 'first', ids: good, maxNewTokens: 13 };
  checkRequests([first, { ...first, name: 'second', ...request }], config, options, hasText);
}

test('the first request that cannot be served is named, and why', (t) => {
  t.notThrows(() => check({ stop: ['a'], stopTokenIds: [303] }));
  for (const [request, message] of [
    [{ ids: [304] }, /^second: .*expected a whole number from 0 to 303/],
    [{ maxNewTokens: 14 }, /^second: .* 17 positions/],
    [{ stopTokenIds: [304] }, /^second: stopTokenIds\[0\] is 304/],
    [{ logprobs: 305 }, /^second: logprobs is 305; expected a whole number from 0 to 304/],
  ] as const) {
    t.throws(() => check(request), { instanceOf: PromptError, message });
  }
});

test('stop strings need a tokenizer', (t) => {
  t.notThrows(() => check({}, { hasText: false }));
  t.throws(() => check({ stop: ['a'] }, { hasText: false }), {
    instanceOf: PromptError,
    message: /^second: stop strings need text/,
  });
});

test('a request that the cache could not hold by itself is refused', (t) => {
  t.notThrows(() => check({}, { blockSize: 5, cacheBlocks: 4 }));
  t.throws(() => check({}, { blockSize: 5, cacheBlocks: 3 }), {
    instanceOf: PromptError,
    message: /^first: .* take 4 blocks of 5 positions; the cache has 3: raise --cache-blocks$/,
  });
});

test('the cache has room for the longest prompt', (t) => {
  t.is(cacheTokensFor([[1], [1, 2, 3], [1, 2]]), 3);
});
