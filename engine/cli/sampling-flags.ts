import type { Command } from 'commander';
import type { SamplingOptions } from '../serving/sampling-params.ts';
import { decimal, logitBias, repeatable, wholeNumber } from './arguments.ts';

/** The sampling options as the command line names them; three names differ from the engine's. */
export interface SamplingFlags extends Omit<SamplingOptions, 'n' | 'minNewTokens' | 'stopTokenIds'> {
  samples?: number;
  minTokens?: number;
  stopId?: readonly number[];
}

export function addSamplingFlags(command: Command): Command {
  return command
    .option(
      '--temperature <t>',
      'divide the logits by t; 0 takes the most likely token (default: 0)',
      decimal,
    )
    .option('--top-k <k>', 'draw from the k most likely tokens; 0 draws from all (default: 0)', wholeNumber)
    .option(
      '--top-p <p>',
      'draw from the fewest tokens whose probabilities add up to p (default: 1)',
      decimal,
    )
    .option(
      '--min-p <p>',
      'draw from tokens at least p times as likely as the likeliest (default: 0)',
      decimal,
    )
    .option(
      '--repetition-penalty <x>',
      'make all tokens of prompt and continuation less likely (default: 1)',
      decimal,
    )
    .option('--presence-penalty <x>', 'subtract x from the logits of generated tokens (default: 0)', decimal)
    .option(
      '--frequency-penalty <x>',
      'subtract x once for each time a token was generated (default: 0)',
      decimal,
    )
    .option('--logit-bias <id:bias>', 'add a bias to the logit of a token; can be repeated', logitBias)
    .option('--seed <n>', 'seed the random numbers; same seed, same tokens (default: 0)', wholeNumber)
    .option('--min-tokens <n>', 'generate no stop token before n tokens (default: 0)', wholeNumber)
    .option('--stop <text>', 'end at this text, and leave it out; can be repeated', repeatable(String))
    .option('--stop-id <id>', 'end at this token as well; can be repeated', repeatable(wholeNumber))
    .option('--samples <n>', 'continue each prompt n times; needs --temperature (default: 1)', wholeNumber)
    .option('--logprobs <n>', 'add log-probabilities of tokens and of the n likeliest to --json', wholeNumber)
    .option('--prompt-logprobs <n>', "add the same of the prompt's tokens to --json", wholeNumber);
}

/** @returns the given options by their names in the engine. */
export function samplingOptions(flags: SamplingFlags): SamplingOptions {
  const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty } = flags;
  const { logitBias, seed, minTokens, stop, stopId, ignoreEos, samples, logprobs, promptLogprobs } = flags;
  // The type has every key, so that an option that is forgotten here does not compile.
  const options: { [K in keyof Required<SamplingOptions>]: SamplingOptions[K] } = {
    ...{ temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty },
    ...{ logitBias, seed, minNewTokens: minTokens, stop, stopTokenIds: stopId, ignoreEos, n: samples },
    ...{ logprobs, promptLogprobs },
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
