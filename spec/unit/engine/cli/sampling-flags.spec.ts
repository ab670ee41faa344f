import test from 'ava';
import { Command } from 'commander';
import { addSamplingFlags, samplingOptions } from '../../../../engine/cli/sampling-flags.ts';

function parse(...argv: string[]) {
  const command = addSamplingFlags(new Command()).option('--ignore-eos');
  return samplingOptions(command.parse(argv, { from: 'user' }).opts());
}

test('flags that are not given set no options', (t) => {
  t.deepEqual(parse(), {});
});

test('every flag sets its option', (t) => {
  const argv = [
    ...['--temperature', '0.6', '--top-k', '20', '--top-p', '0.95', '--min-p', '0.1'],
    ...['--repetition-penalty', '1.1', '--presence-penalty', '-1.5', '--frequency-penalty', '0.5'],
    ...['--logit-bias', '5:-100', '--logit-bias', '6:2', '--seed', '42', '--min-tokens', '3'],
    ...['--stop', 'a', '--stop', '--b', '--stop-id', '7', '--stop-id', '8', '--samples', '4'],
    ...['--logprobs', '0', '--prompt-logprobs', '2', '--ignore-eos'],
  ];
  for (const { long } of addSamplingFlags(new Command()).options) t.true(argv.includes(long!), long);
  t.deepEqual(parse(...argv), {
    ...{ temperature: 0.6, topK: 20, topP: 0.95, minP: 0.1 },
    ...{ repetitionPenalty: 1.1, presencePenalty: -1.5, frequencyPenalty: 0.5 },
    ...{ logitBias: { 5: -100, 6: 2 }, seed: 42, minNewTokens: 3 },
    ...{ stop: ['a', '--b'], stopTokenIds: [7, 8], n: 4 },
    ...{ logprobs: 0, promptLogprobs: 2, ignoreEos: true },
  });
});
