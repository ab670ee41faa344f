import { z } from 'zod';
import type { Dialect } from '../dialect.ts';
import { readAs } from '../nonsense.ts';
import { listModels } from './models.ts';
import { openaiLogprobs, readLogprobs } from './openai-logprobs.ts';

const completion = z.object({
  choices: z
    .array(z.object({ finish_reason: z.string().nullish(), logprobs: openaiLogprobs.nullish() }))
    .length(1),
  usage: z.object({ prompt_tokens: z.int().min(0) }).nullish(),
});

/** Any server with OpenAI's /v1/completions, without fields of its own. */
export const openai: Dialect = {
  name: 'openai',
  title: 'an OpenAI-compatible server',
  prompts: ['ids', 'text'],
  tops: [20, 10, 5],
  scoresPrompts: false,
  scoresAfterTemperature: false,
  showsPromptTokens: false,
  omitsCutCharacters: false,
  rawScoresAdvice: 'set the server to return log-probabilities before sampling',
  async identify(ask) {
    const models = await listModels(ask);
    return models && { models: models.map(({ id }) => id) };
  },
  completionRequest({ prompt, maxNewTokens, top, sampling }, model) {
    return {
      method: 'POST',
      path: '/v1/completions',
      body: {
        model,
        prompt: 'ids' in prompt ? prompt.ids : prompt.text,
        max_tokens: maxNewTokens,
        temperature: sampling?.temperature ?? 0,
        top_p: 1,
        presence_penalty: 0,
        frequency_penalty: 0,
        // With 0 the chosen tokens are listed all the same.
        logprobs: top,
        ...(sampling?.topK ? { top_k: sampling.topK } : {}),
      },
    };
  },
  readCompletion(answer, { asked, top }) {
    const { choices, usage } = readAs(asked, completion, answer);
    const [{ finish_reason, logprobs }] = choices;
    const { tokens, rows } = logprobs ? readLogprobs(asked, logprobs) : { tokens: [] };
    return {
      tokens,
      ...(top > 0 && rows ? { rows } : {}),
      promptLength: usage?.prompt_tokens,
      finishReason: finish_reason ?? undefined,
    };
  },
};
