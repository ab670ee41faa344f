import { z } from 'zod';
import type { Dialect, ScoredRow } from '../dialect.ts';
import { readAs, tokenId } from '../nonsense.ts';
import { answerOf } from './models.ts';

/** Log-probability, id, and the text or null. */
const triple = z.tuple([z.number(), tokenId, z.string().nullish()]);
/** The log-probability of a prompt's first token is null. */
const maybeScored = z.tuple([z.number().nullable(), tokenId, z.string().nullish()]);
const rows = z.array(z.array(triple).nullable());
const completion = z.object({
  output_ids: z.array(tokenId).nullish(),
  meta_info: z.object({
    prompt_tokens: z.int().min(0).nullish(),
    finish_reason: z.looseObject({ type: z.string() }).nullish(),
    input_token_logprobs: z.array(maybeScored).nullish(),
    output_token_logprobs: z.array(triple).nullish(),
    input_top_logprobs: rows.nullish(),
    output_top_logprobs: rows.nullish(),
  }),
});
const modelInfo = z.looseObject({ model_path: z.string() });
const tokenized = z.object({ tokens: z.array(tokenId) });

/** SGLang, by its own /generate. */
export const sglang: Dialect = {
  name: 'sglang',
  title: 'SGLang',
  prompts: ['ids'],
  tops: [64, 20, 5],
  scoresPrompts: true,
  scoresAfterTemperature: true,
  showsPromptTokens: false,
  omitsCutCharacters: false,
  rawScoresAdvice:
    'set SGLANG_RETURN_ORIGINAL_LOGPROB=1 in the environment of the server, which then scores before temperature',
  async identify(ask) {
    const info =
      (await answerOf(ask, '/get_model_info', modelInfo)) ?? (await answerOf(ask, '/model_info', modelInfo));
    if (!info) return undefined;
    const server = await answerOf(ask, '/get_server_info', z.looseObject({ version: z.string() }));
    return { version: server?.version, models: [info.model_path] };
  },
  completionRequest({ prompt, maxNewTokens, top, promptRows, sampling }) {
    return {
      method: 'POST',
      path: '/generate',
      body: {
        ...('ids' in prompt ? { input_ids: prompt.ids } : { text: prompt.text }),
        sampling_params: {
          max_new_tokens: maxNewTokens,
          temperature: sampling?.temperature ?? 0,
          top_k: sampling?.topK ?? -1,
          top_p: 1,
          min_p: 0,
          repetition_penalty: 1,
          presence_penalty: 0,
          frequency_penalty: 0,
          ignore_eos: true,
          skip_special_tokens: false,
        },
        return_logprob: true,
        top_logprobs_num: top,
        logprob_start_len: promptRows ? 0 : -1,
      },
    };
  },
  readCompletion(answer, { asked, top, promptRows }) {
    const { output_ids, meta_info } = readAs(asked, completion, answer);
    const { output_token_logprobs, output_top_logprobs, input_top_logprobs, input_token_logprobs } =
      meta_info;
    const ids = output_ids ?? output_token_logprobs?.map(([, id]) => id) ?? [];
    const scored = top > 0 ? output_top_logprobs : undefined;
    return {
      tokens: ids.map((id) => ({ id })),
      ...(scored ? { rows: scored.map(readRow) } : {}),
      ...(promptRows && input_top_logprobs ? { promptRows: input_top_logprobs.map(readRow) } : {}),
      ...(promptRows && input_token_logprobs ? { promptIds: input_token_logprobs.map(([, id]) => id) } : {}),
      promptLength: meta_info.prompt_tokens ?? undefined,
      finishReason: meta_info.finish_reason?.type,
    };
  },
  stream: {
    body: (whole) => ({ ...whole, stream: true }),
    join(events, asked) {
      // Each event has all scores so far; `output_ids` may be those of the event alone, so that they are
      // taken from the scores.
      const { meta_info } = readAs(asked, completion, events.at(-1));
      return { meta_info };
    },
  },
  async tokenize(ask, text, model) {
    const answer = await ask({ method: 'POST', path: '/tokenize', body: { model, prompt: text } });
    return readAs('tokenize', tokenized, answer).tokens;
  },
};

function readRow(row: z.infer<typeof rows>[number]): ScoredRow | undefined {
  return row?.map(([logprob, id]) => ({ id, logprob }));
}
