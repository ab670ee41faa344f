import { z } from 'zod';
import type { Dialect } from '../dialect.ts';
import { readAs, tokenId } from '../nonsense.ts';
import { answerOf } from './models.ts';

const token = z.object({ id: tokenId, text: z.string(), logprob: z.number() });
const completion = z.object({
  details: z.object({
    finish_reason: z.string().nullish(),
    prefill: z.array(z.object({ id: tokenId })).nullish(),
    tokens: z.array(token),
    top_tokens: z.array(z.array(token)).nullish(),
  }),
});
const event = z.object({
  token,
  top_tokens: z.array(token).nullish(),
  details: z.object({ finish_reason: z.string().nullish() }).nullish(),
});
const info = z.looseObject({ model_id: z.string(), version: z.string(), max_concurrent_requests: z.int() });
const tokenized = z.array(z.object({ id: tokenId }));

/** HuggingFace's text-generation-inference: takes text alone, scores only a prompt's own tokens. */
export const tgi: Dialect = {
  name: 'tgi',
  title: 'text-generation-inference',
  prompts: ['text'],
  tops: [64, 20, 5],
  scoresPrompts: false,
  scoresAfterTemperature: true,
  showsPromptTokens: false,
  omitsCutCharacters: false,
  rawScoresAdvice: 'start the server without options that change sampling',
  async identify(ask) {
    const found = await answerOf(ask, '/info', info);
    return found && { version: found.version, models: [found.model_id] };
  },
  completionRequest({ prompt, maxNewTokens, top }) {
    return {
      method: 'POST',
      path: '/generate',
      body: {
        inputs: 'text' in prompt ? prompt.text : '',
        parameters: {
          max_new_tokens: maxNewTokens,
          do_sample: false,
          details: true,
          decoder_input_details: true,
          ...(top > 0 ? { top_n_tokens: top } : {}),
        },
      },
    };
  },
  readCompletion(answer, { asked, top }) {
    const { finish_reason, prefill, tokens, top_tokens } = readAs(asked, completion, answer).details;
    return {
      tokens: tokens.map(({ id, text }) => ({ id, text })),
      ...(top > 0 && top_tokens ? { rows: top_tokens } : {}),
      // Without --enable-prefill-logprobs the list is empty.
      ...(prefill && prefill.length > 0 ? { promptIds: prefill.map(({ id }) => id) } : {}),
      finishReason: finish_reason ?? undefined,
    };
  },
  stream: {
    path: '/generate_stream',
    body({ inputs, parameters }) {
      // A stream does not show the prompt's tokens, and is refused if it is asked for them.
      return { inputs, parameters: { ...(parameters as object), decoder_input_details: false } };
    },
    join(events, asked) {
      const parts = events.map((each) => readAs(asked, event, each));
      const rows = parts.map(({ top_tokens }) => top_tokens ?? undefined);
      return {
        details: {
          finish_reason: parts.at(-1)?.details?.finish_reason,
          tokens: parts.map((part) => part.token),
          ...(rows.every((row) => row) ? { top_tokens: rows } : {}),
        },
      };
    },
  },
  async tokenize(ask, text) {
    const answer = await ask({ method: 'POST', path: '/tokenize', body: { inputs: text } });
    return readAs('tokenize', tokenized, answer).map(({ id }) => id);
  },
};
