import type { GenerateResult } from '../serving/requests.ts';

/** Counts of tokens in OpenAI's form. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** Tokens of the prompts that were found in the prefix cache. */
  prompt_tokens_details?: { cached_tokens: number };
  /** Counts of drafted tokens, if the engine drafts. */
  completion_tokens_details?: { accepted_prediction_tokens: number; rejected_prediction_tokens: number };
}

/** What is counted of one sample. */
export type Counted = Pick<GenerateResult, 'promptTokens' | 'cachedTokens' | 'promptLookup'> & {
  readonly tokens: { readonly length: number };
};

/** vLLM's `continuous_usage_stats`: what one choice has used so far. */
export function usageSoFar(promptTokens: number, numTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: numTokens,
    total_tokens: promptTokens + numTokens,
  };
}

/** @param samples of each prompt; a prompt counts once, whatever the number of its samples. */
export function usageOf(samples: readonly (readonly Counted[])[]): Usage {
  let [prompt, cached, completion] = [0, 0, 0];
  for (const [first, ...others] of samples) {
    prompt += first.promptTokens;
    cached += first.cachedTokens;
    completion += [first, ...others].reduce((sum, { tokens }) => sum + tokens.length, 0);
  }
  const usage = { ...usageSoFar(prompt, completion), prompt_tokens_details: { cached_tokens: cached } };
  const drafts = samples.flat().flatMap(({ promptLookup = [] }) => promptLookup);
  if (drafts.length === 0) return usage;
  const accepted = drafts.reduce((sum, counts) => sum + counts.accepted, 0);
  const drafted = drafts.reduce((sum, counts) => sum + counts.drafted, 0);
  const details = { accepted_prediction_tokens: accepted, rejected_prediction_tokens: drafted - accepted };
  return { ...usage, completion_tokens_details: details };
}
