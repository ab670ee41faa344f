import test from 'ava';
import { cacheTokensFor, checkPrompts } from '../../../../engine/cli/prompts.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { PromptError } from '../../../../engine/errors.ts';
import { TINY_CONFIG } from './support.ts';

const config = parseModelConfig(TINY_CONFIG);

test('the first prompt that the model cannot be given is named', (t) => {
  const good = [1, 2, 3];
  t.notThrows(() => checkPrompts([good, good], config, 13));
  t.throws(() => checkPrompts([good, [], [999]], config), {
    instanceOf: PromptError,
    message: /^prompt 1: the prompt is empty/,
  });
  t.throws(() => checkPrompts([good, good, [999]], config), { message: /^prompt 2: .*position 0 is 999/ });
  t.throws(() => checkPrompts([good], config, 14), { message: /^prompt 0: .* 17 positions/ });
});

test('the cache has room for the longest prompt and its continuation', (t) => {
  t.is(cacheTokensFor([[1], [1, 2, 3], [1, 2]]), 3);
  t.is(cacheTokensFor([[1], [1, 2, 3], [1, 2]], 10), 13);
});
