import { z } from 'zod';
import type { Dialect, Sampling, ScoredRow } from '../dialect.ts';
import { readAs, refuse, tokenId } from '../nonsense.ts';
import { answerOf } from './models.ts';
import { chatBody } from './openai.ts';

const entry = z.object({ id: tokenId, token: z.string().optional(), logprob: z.number() });
const completion = z.object({
  tokens: z.array(tokenId),
  tokens_evaluated: z.int().min(0).nullish(),
  stop_type: z.string().nullish(),
  completion_probabilities: z.array(z.object({ id: tokenId, top_logprobs: z.array(entry) })).nullish(),
});
/** The last event counts the prompt's tokens and says why it stopped. */
const event = completion.partial({ tokens: true });
const props = z.looseObject({
  default_generation_settings: z.looseObject({}),
  build_info: z.string().nullish(),
});
const tokenized = z.object({ tokens: z.array(tokenId) });
const rendered = z.object({ prompt: z.string() });

/** llama.cpp's settings, all of them, so that those of a model file do not matter. Default greedy. */
export function llamaSampling({ temperature, topK = 0 }: Sampling = { temperature: 0 }) {
  return {
    temperature,
    top_k: topK,
    top_p: 1,
    min_p: 0,
    repeat_penalty: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
  };
}

/** llama.cpp's server, by its own /completion. */
export const llamaServer: Dialect = {
  name: 'llama-server',
  title: 'llama-server',
  prompts: ['ids'],
  tops: [64],
  scoresPrompts: false,
  scoresAfterTemperature: false,
  showsPromptTokens: false,
  omitsCutCharacters: true,
  rawScoresAdvice: 'use a build whose /completion honours post_sampling_probs: false',
  async identify(ask) {
    const found = await answerOf(ask, '/props', props);
    return found && { version: found.build_info ?? undefined };
  },
  completionRequest({ prompt, maxNewTokens, top, sampling, forcedToken }) {
    return {
      method: 'POST',
      path: '/completion',
      body: {
        prompt: 'ids' in prompt ? prompt.ids : prompt.text,
        n_predict: maxNewTokens,
        ...llamaSampling(sampling),
        n_probs: top,
        post_sampling_probs: false,
        return_tokens: true,
        // A cached prefix changes the shape of the batch: an answer would depend on earlier questions.
        cache_prompt: false,
        // `ignore_eos` would forbid the token; a greedy continuation may contain it.
        ignore_eos: false,
        stream: false,
        ...(forcedToken === undefined ? {} : { logit_bias: [[forcedToken, 1e6]] }),
      },
    };
  },
  readCompletion(answer, { asked, top }) {
    const { tokens, tokens_evaluated, stop_type, completion_probabilities } = readAs(
      asked,
      completion,
      answer,
    );
    const scored = (completion_probabilities ?? []).map(({ id, top_logprobs }) => ({
      id,
      row: top_logprobs.map(toScored),
    }));
    return {
      tokens: tokens.map((id) => ({ id })),
      ...(top > 0 ? { rows: alignRows(asked, tokens, scored) } : {}),
      promptLength: tokens_evaluated ?? undefined,
      finishReason: stop_type ?? undefined,
    };
  },
  stream: {
    body: (whole) => ({ ...whole, stream: true }),
    join(events, asked) {
      const parts = events.map((each) => readAs(asked, event, each));
      return {
        ...parts.at(-1),
        tokens: parts.flatMap(({ tokens }) => tokens ?? []),
        completion_probabilities: parts.flatMap((part) => part.completion_probabilities ?? []),
      };
    },
  },
  async tokenize(ask, text) {
    const body = { content: text, add_special: true, parse_special: true };
    return readAs('tokenize', tokenized, await ask({ method: 'POST', path: '/tokenize', body })).tokens;
  },
  async tokenizeChat(ask, conversation) {
    const answer = await ask({ method: 'POST', path: '/apply-template', body: chatBody(conversation) });
    const { prompt } = readAs('tokenizeChat', rendered, answer);
    return llamaServer.tokenize!(ask, prompt, undefined);
  },
};

/**
 * The row of each token. The server leaves out the rows of tokens that end in the middle of a character, so
 * that rows are matched with tokens by id; where that is ambiguous, a token has none.
 */
function alignRows(
  asked: string,
  tokens: readonly number[],
  scored: readonly { id: number; row: ScoredRow }[],
): (ScoredRow | undefined)[] {
  if (scored.length === tokens.length) {
    const wrong = scored.findIndex(({ id }, i) => id !== tokens[i]);
    if (wrong < 0) return scored.map(({ row }) => row);
    refuse(asked, `a row of token ${scored[wrong].id} for token ${tokens[wrong]}`, 'the row of each token');
  }
  if (scored.length > tokens.length) {
    refuse(asked, `${scored.length} rows for ${tokens.length} tokens`, 'one row for each token at most');
  }
  // Rows before the first one that is left out are certain.
  const certain = tokens.findIndex((id, i) => scored[i]?.id !== id);
  return tokens.map((_, i) => (i < certain ? scored[i].row : undefined));
}

function toScored({ id, token, logprob }: z.infer<typeof entry>): ScoredRow[number] {
  return { id, text: token, logprob };
}
