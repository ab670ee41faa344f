import { z } from 'zod';
import type { Dialect, Question, ScoredRow } from '../dialect.ts';
import { readAs, tokenId } from '../nonsense.ts';
import { answerOf, listModels, serverName } from './models.ts';
import { chatBody, completionBody, readOpenAiCompletion } from './openai.ts';
import { openaiStream } from './openai-logprobs.ts';

/** What vLLM adds to OpenAI's fields. */
const choice = z.object({
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
const completion = z.object({ choices: z.array(choice).length(1) });
const tokenized = z.object({ tokens: z.array(tokenId) });

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
    return { name: serverName(models), version: version?.version, models: models.map(({ id }) => id) };
  },
  completionRequest(question, model) {
    const { top, promptRows, sampling } = question;
    return {
      method: 'POST',
      path: '/v1/completions',
      body: {
        ...completionBody(question, model),
        // -1 is "all" in every version; 0 is only in newer ones.
        top_k: sampling?.topK ?? -1,
        min_p: 0,
        repetition_penalty: 1,
        ignore_eos: true,
        skip_special_tokens: false,
        ...(promptRows ? { prompt_logprobs: top } : {}),
        // Versions that do not know it have the ids in `logprobs.tokens`.
        return_token_ids: true,
        return_tokens_as_token_ids: true,
      },
    };
  },
  readCompletion(answer, question) {
    const common = readOpenAiCompletion(answer, question);
    const [{ token_ids, prompt_token_ids, prompt_logprobs }] = readAs(
      question.asked,
      completion,
      answer,
    ).choices;
    return {
      ...common,
      ...(token_ids ? { tokens: token_ids.map((id) => ({ id })) } : {}),
      ...(prompt_logprobs
        ? { promptRows: prompt_logprobs.map((row) => (row ? readPromptRow(row, question) : undefined)) }
        : {}),
      ...(prompt_token_ids ? { promptIds: prompt_token_ids } : {}),
    };
  },
  stream: openaiStream,
  async tokenize(ask, text, model) {
    const body = { model, prompt: text, add_special_tokens: true };
    const answer = await ask({ method: 'POST', path: '/tokenize', body });
    return readAs('tokenize', tokenized, answer).tokens;
  },
  async tokenizeChat(ask, conversation, model) {
    const body = { model, ...chatBody(conversation) };
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
