import { z } from 'zod';
import type { ScoredRow, ScoredToken, StreamForm } from '../dialect.ts';
import { readAs, refuse, tokenId } from '../nonsense.ts';

/** A log-probability in JSON; what it means is checked with its row. */
const logprob = z.number();

/** Legacy completions: parallel lists, and a map by text for each token. Some servers write ids as tokens. */
const legacyLogprobs = z.object({
  tokens: z.array(z.union([z.string(), tokenId])),
  top_logprobs: z.array(z.record(z.string(), logprob).nullable()).nullish(),
});

const chatEntry = z.object({ id: tokenId.optional(), token: z.string(), logprob });
/** The chat API's form, which llama-server uses for completions too. */
const chatLogprobs = z.object({
  content: z.array(chatEntry.extend({ top_logprobs: z.array(chatEntry) })),
});

export const openaiLogprobs: z.ZodType<OpenAiLogprobs> = z.union([legacyLogprobs, chatLogprobs]);
export type OpenAiLogprobs = z.infer<typeof legacyLogprobs> | z.infer<typeof chatLogprobs>;

/** An event of a streamed completion; the last one may have no choice but the usage. */
const event = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        logprobs: openaiLogprobs.nullish(),
        token_ids: z.array(tokenId).nullish(),
        prompt_token_ids: z.array(tokenId).nullish(),
      }),
    )
    .max(1),
  usage: z.looseObject({}).nullish(),
});

/** Streaming of OpenAI's completions: each event has the choice's next tokens with their rows. */
export const openaiStream: StreamForm = {
  body: (whole) => ({ ...whole, stream: true, stream_options: { include_usage: true } }),
  join(events, asked) {
    const parts = events.map((each) => readAs(asked, event, each));
    const choices = parts.flatMap((part) => part.choices);
    const logprobs = choices.flatMap((choice) => choice.logprobs ?? []);
    const ids = choices.map((choice) => choice.token_ids ?? undefined);
    return {
      choices: [
        {
          finish_reason: choices.findLast((choice) => choice.finish_reason)?.finish_reason,
          ...(logprobs.length > 0 ? { logprobs: joinLogprobs(logprobs) } : {}),
          ...(ids.some((part) => part) ? { token_ids: ids.flatMap((part) => part ?? []) } : {}),
          prompt_token_ids: choices.find((choice) => choice.prompt_token_ids)?.prompt_token_ids,
        },
      ],
      usage: parts.findLast((part) => part.usage)?.usage,
    };
  },
};

function joinLogprobs(parts: readonly OpenAiLogprobs[]): OpenAiLogprobs {
  if (parts.every((part) => 'content' in part)) return { content: parts.flatMap(({ content }) => content) };
  const legacy = parts.flatMap((part) => ('content' in part ? [] : [part]));
  const hasRows = legacy.some(({ top_logprobs }) => top_logprobs);
  return {
    tokens: legacy.flatMap(({ tokens }) => tokens),
    ...(hasRows
      ? { top_logprobs: legacy.flatMap(({ tokens, top_logprobs }) => top_logprobs ?? tokens.map(() => null)) }
      : {}),
  };
}

/** Tokens and their rows, from either form. Without top log-probabilities there are no rows. */
export function readLogprobs(
  asked: string,
  logprobs: OpenAiLogprobs,
): { tokens: Pick<ScoredToken, 'id' | 'text'>[]; rows?: (ScoredRow | undefined)[] } {
  if ('content' in logprobs) {
    return {
      tokens: logprobs.content.map(({ id, token }) => ({
        ...nameOf(token),
        ...(id === undefined ? {} : { id }),
      })),
      rows: logprobs.content.map(({ top_logprobs }) => top_logprobs.map(toScored)),
    };
  }
  const { tokens, top_logprobs: maps } = logprobs;
  if (maps && maps.length !== tokens.length) {
    refuse(
      asked,
      `${maps.length} rows of log-probabilities for ${tokens.length} tokens`,
      'one row for each token',
    );
  }
  return {
    tokens: tokens.map((token) => (typeof token === 'number' ? { id: token } : nameOf(token))),
    ...(maps
      ? {
          rows: maps.map((map) =>
            map
              ? Object.entries(map).map(([token, value]) => ({ ...nameOf(token), logprob: value }))
              : undefined,
          ),
        }
      : {}),
  };
}

/** `token_id:123` stands for a token whose text is not unique. */
export function nameOf(token: string): Pick<ScoredToken, 'id' | 'text'> {
  const id = /^token_id:(\d{1,9})$/.exec(token)?.[1];
  return id === undefined ? { text: token } : { id: Number(id) };
}

function toScored({ id, token, logprob }: z.infer<typeof chatEntry>): ScoredToken {
  return { ...nameOf(token), ...(id === undefined ? {} : { id }), logprob };
}
