import { z } from 'zod';
import type { Conversation } from '../../../subject.ts';
import type { Completion, Dialect, Question } from '../dialect.ts';
import { readAs } from '../nonsense.ts';
import { listModels, serverName } from './models.ts';
import { openaiLogprobs, openaiStream, readLogprobs } from './openai-logprobs.ts';
import { openaiMessages } from './openai-messages.ts';

const completion = z.object({
  choices: z
    .array(z.object({ finish_reason: z.string().nullish(), logprobs: openaiLogprobs.nullish() }))
    .length(1),
  usage: z.object({ prompt_tokens: z.int().min(0) }).nullish(),
});

/** What every server with /v1/completions is asked, in OpenAI's own fields. */
export function completionBody({ prompt, maxNewTokens, top, sampling }: Question, model?: string) {
  return {
    model,
    prompt: 'ids' in prompt ? prompt.ids : prompt.text,
    max_tokens: maxNewTokens,
    temperature: sampling?.temperature ?? 0,
    // A server's defaults (of a model's generation_config.json, e.g.) might be others.
    top_p: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    // With 0 the chosen tokens are listed all the same.
    logprobs: top,
  };
}

/**
 * What every server with /v1/completions answers, in OpenAI's own fields.
 *
 * @throws SubjectError if it is something else.
 */
export function readOpenAiCompletion(answer: unknown, { asked, top }: Question): Completion {
  const { choices, usage } = readAs(asked, completion, answer);
  const [{ finish_reason, logprobs }] = choices;
  const { tokens, rows } = logprobs ? readLogprobs(asked, logprobs) : { tokens: [] };
  return {
    tokens,
    ...(top > 0 && rows ? { rows } : {}),
    promptLength: usage?.prompt_tokens,
    finishReason: finish_reason ?? undefined,
  };
}

/** A conversation in the fields of OpenAI's chat API. */
export function chatBody({ messages, tools, enableThinking, addGenerationPrompt = true }: Conversation) {
  return {
    messages: openaiMessages(messages),
    add_generation_prompt: addGenerationPrompt,
    ...(tools ? { tools } : {}),
    ...(enableThinking === undefined ? {} : { chat_template_kwargs: { enable_thinking: enableThinking } }),
  };
}

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
    return models && { name: serverName(models), models: models.map(({ id }) => id) };
  },
  completionRequest(question, model) {
    const { sampling } = question;
    const body = {
      ...completionBody(question, model),
      ...(sampling?.topK ? { top_k: sampling.topK } : {}),
    };
    return { method: 'POST', path: '/v1/completions', body };
  },
  readCompletion: readOpenAiCompletion,
  stream: openaiStream,
};
