import { z } from 'zod';
import type { Dialect, ScoredToken } from '../dialect.ts';
import { readAs } from '../nonsense.ts';
import { llamaSampling } from './llama-server.ts';
import { answerOf } from './models.ts';

const scored = z.object({ token: z.string(), logprob: z.number() });
const completion = z.object({
  response: z.string(),
  done_reason: z.string().nullish(),
  prompt_eval_count: z.int().min(0).nullish(),
  logprobs: z.array(scored.extend({ top_logprobs: z.array(scored).nullish() })).nullish(),
});
const tags = z.object({ models: z.array(z.looseObject({ name: z.string() })) });

/** Ollama, by its own /api/generate, from 0.12.11 on. It takes text and gives text. */
export const ollama: Dialect = {
  name: 'ollama',
  title: 'Ollama',
  prompts: ['text'],
  tops: [20, 5],
  scoresPrompts: false,
  scoresAfterTemperature: false,
  showsPromptTokens: false,
  omitsCutCharacters: false,
  rawScoresAdvice: 'use a version of Ollama that scores before temperature',
  async identify(ask) {
    const found = await answerOf(ask, '/api/version', z.object({ version: z.string() }));
    if (!found) return undefined;
    const list = await answerOf(ask, '/api/tags', tags);
    return { version: found.version, models: list?.models.map(({ name }) => name) };
  },
  completionRequest({ prompt, maxNewTokens, top, sampling }, model) {
    return {
      method: 'POST',
      path: '/api/generate',
      body: {
        model,
        prompt: 'text' in prompt ? prompt.text : '',
        raw: true,
        stream: false,
        // Without top log-probabilities each token is still listed.
        logprobs: true,
        top_logprobs: top,
        options: { num_predict: maxNewTokens, ...llamaSampling(sampling) },
      },
    };
  },
  readCompletion(answer, { asked, top }) {
    const { done_reason, prompt_eval_count, logprobs } = readAs(asked, completion, answer);
    return {
      tokens: (logprobs ?? []).map(({ token }) => ({ text: token })),
      ...(top > 0 && logprobs
        ? { rows: logprobs.map(({ top_logprobs }) => top_logprobs?.map(toScored)) }
        : {}),
      promptLength: prompt_eval_count ?? undefined,
      finishReason: done_reason ?? undefined,
    };
  },
  stream: {
    body: (whole) => ({ ...whole, stream: true }),
    join(events, asked) {
      const parts = events.map((each) => readAs(asked, completion, each));
      const logprobs = parts.flatMap((part) => part.logprobs ?? []);
      return {
        ...parts.at(-1),
        response: parts.map(({ response }) => response).join(''),
        ...(logprobs.length > 0 ? { logprobs } : {}),
      };
    },
  },
};

function toScored({ token, logprob }: z.infer<typeof scored>): ScoredToken {
  return { text: token, logprob };
}
