import { z } from 'zod';
import type { Completion, Dialect, Question, ScoredRow } from '../dialect.ts';
import { readAs, tokenId } from '../nonsense.ts';
import { answerOf, listModels } from './models.ts';
import { openaiLogprobs, readLogprobs } from './openai-logprobs.ts';

const choice = z.object({
  finish_reason: z.string().nullish(),
  logprobs: openaiLogprobs.nullish(),
  token_ids: z.array(tokenId).nullish(),
  prompt_token_ids: z.array(tokenId).nullish(),
  prompt_logprobs: z
    .array(
      z
        .record(z.string().regex(/^\d+$/), z.object({ logprob: z.number(), rank: z.int().nullish() }))
        .nullable(),
    )
    .nullish(),
});
const completion = z.object({
  choices: z.array(choice).length(1),
  usage: z.object({ prompt_tokens: z.int().min(0) }).nullish(),
});
const tokenized = z.object({ tokens: z.array(tokenId) });

/** What a server's defaults (a model's generation_config.json, e.g.) might set otherwise. */
const NEUTRAL = {
  top_p: 1,
  min_p: 0,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
};

/** vLLM's OpenAI-compatible server, with its own fields. */
export const vllm: Dialect = {
  name: 'vllm',
  title: 'vLLM',
  prompts: ['ids'],
  tops: [64, 20, 5],
  scoresPrompts: true,
  scoresAfterTemperature: false,
  showsPromptTokens: true,
  omitsCutCharacters: false,
  rawScoresAdvice: 'start vLLM with --logprobs-mode raw_logprobs',
  async identify(ask) {
    const models = await listModels(ask);
    const version = await answerOf(ask, '/version', z.object({ version: z.string() }));
    if (!models || (!version && !models.some(({ ownedBy }) => ownedBy === 'vllm'))) return undefined;
    return { version: version?.version, models: models.map(({ id }) => id) };
  },
  completionRequest({ prompt, maxNewTokens, top, promptRows, sampling }, model) {
    return {
      method: 'POST',
      path: '/v1/completions',
      body: {
        model,
        prompt: 'ids' in prompt ? prompt.ids : prompt.text,
        max_tokens: maxNewTokens,
        temperature: sampling?.temperature ?? 0,
        // -1 is "all" in every version; 0 is only in newer ones.
        top_k: sampling?.topK ?? -1,
        ...NEUTRAL,
        ignore_eos: true,
        skip_special_tokens: false,
        // 0 scores the chosen token alone: `logprobs.tokens` has its id without `return_token_ids`.
        logprobs: top,
        ...(promptRows ? { prompt_logprobs: top } : {}),
        return_token_ids: true,
        return_tokens_as_token_ids: true,
      },
    };
  },
  readCompletion(answer, question) {
    const { choices, usage } = readAs(question.asked, completion, answer);
    const [{ finish_reason, logprobs, token_ids, prompt_token_ids, prompt_logprobs }] = choices;
    const scored = logprobs ? readLogprobs(question.asked, logprobs) : undefined;
    const rows = question.top > 0 ? scored?.rows : undefined;
    return {
      tokens: token_ids?.map((id) => ({ id })) ?? scored?.tokens ?? [],
      ...(rows ? { rows } : {}),
      ...(prompt_logprobs
        ? { promptRows: prompt_logprobs.map((row) => (row ? readPromptRow(row, question) : undefined)) }
        : {}),
      ...(prompt_token_ids ? { promptIds: prompt_token_ids } : {}),
      promptLength: usage?.prompt_tokens,
      finishReason: finish_reason ?? undefined,
    } satisfies Completion;
  },
  async tokenize(ask, text, model) {
    const body = { model, prompt: text, add_special_tokens: true };
    const answer = await ask({ method: 'POST', path: '/tokenize', body });
    return readAs('tokenize', tokenized, answer).tokens;
  },
  async tokenizeChat(ask, { messages, tools, enableThinking, addGenerationPrompt = true }, model) {
    const body = {
      model,
      messages,
      add_generation_prompt: addGenerationPrompt,
      ...(tools ? { tools } : {}),
      ...(enableThinking === undefined ? {} : { chat_template_kwargs: { enable_thinking: enableThinking } }),
    };
    const answer = await ask({ method: 'POST', path: '/tokenize', body });
    return readAs('tokenizeChat', tokenized, answer).tokens;
  },
};

function readPromptRow(row: Record<string, { logprob: number }>, { asked }: Question): ScoredRow {
  return Object.entries(row).map(([id, { logprob }]) => ({
    id: readAs(asked, tokenId, Number(id)),
    logprob,
  }));
}
