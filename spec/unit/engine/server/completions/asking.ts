import fc from 'fast-check';
import type { CompletionChoice } from '../../../../../engine/server/completions/choice.ts';
import { type Completion, completions } from '../../../../../engine/server/completions/handler.ts';
import type { CompletionLogprobs } from '../../../../../engine/server/logprob-shapes.ts';
import { bytesOf, type FakeContext, fakeContext, isSpecial, VOCAB_SIZE } from '../fake-engine.ts';

export const NEVER = new AbortController().signal;

export async function ask(
  body: object,
  context: FakeContext = fakeContext(),
  signal: AbortSignal = NEVER,
): Promise<Completion> {
  const answer = completions(body, context, signal);
  if (!(answer instanceof Promise)) throw new Error('the answer is a stream');
  return (await answer) as Completion;
}

export async function askStream(
  body: object,
  context: FakeContext = fakeContext(),
  signal: AbortSignal = NEVER,
): Promise<Completion[]> {
  const chunks = completions({ ...body, stream: true }, context, signal);
  if (chunks instanceof Promise) throw new Error('the answer is no stream');
  const all: Completion[] = [];
  for await (const chunk of chunks) all.push(chunk as Completion);
  return all;
}

const LISTS = ['text_offset', 'tokens', 'token_logprobs', 'top_logprobs'] as const;

/** What the parts of a choice make together. */
export function joined(parts: readonly CompletionChoice[]): CompletionChoice {
  const last = parts.at(-1)!;
  const rows = parts.flatMap(({ logprobs }) => logprobs ?? []);
  const logprobs = Object.fromEntries(LISTS.map((list) => [list, rows.flatMap((row) => row[list] as [])]));
  const ids = parts.find(({ prompt_token_ids }) => prompt_token_ids)?.prompt_token_ids;
  return {
    ...last,
    text: parts.map(({ text }) => text).join(''),
    logprobs: rows.length > 0 ? (logprobs as unknown as CompletionLogprobs) : null,
    ...(last.token_ids && { token_ids: parts.flatMap(({ token_ids }) => token_ids ?? []) }),
    ...(ids && { prompt_token_ids: ids }),
  };
}

const id = fc.nat(VOCAB_SIZE - 1);
const someIds = fc.array(id, { minLength: 1, maxLength: 8 });
/** Bodies that are served, alone or streamed. */
export const body = fc.record(
  {
    prompt: fc.oneof(
      someIds,
      fc.constantFrom('abc', 'a\nT'),
      fc.array(someIds, { minLength: 1, maxLength: 3 }),
    ),
    max_tokens: fc.nat(12),
    temperature: fc.constantFrom(0.3, 1, 2),
    seed: fc.nat(9),
    n: fc.integer({ min: 1, max: 3 }),
    stop: fc.oneof(fc.constantFrom('a', 'ab', ' Sa'), fc.constant(['\n', 'é', 'T'])),
    stop_token_ids: fc.array(id, { maxLength: 1 }),
    ignore_eos: fc.boolean(),
    repetition_penalty: fc.constantFrom(0.8, 1.5),
    presence_penalty: fc.constantFrom(-1, 1),
    frequency_penalty: fc.constantFrom(-1, 1),
    logit_bias: fc.constantFrom<Record<number, number>>({ 7: 3 }, { 9: 5, 14: -100 }),
    top_k: fc.constantFrom(-1, 0, 3),
    top_p: fc.constantFrom(1, 0.8),
    min_p: fc.constantFrom(0, 0.1),
    logprobs: fc.nat(4),
    echo: fc.boolean(),
    skip_special_tokens: fc.boolean(),
    return_token_ids: fc.constant(true),
    return_tokens_as_token_ids: fc.boolean(),
  },
  { requiredKeys: ['prompt', 'seed', 'return_token_ids'] },
);

/** A body that is served. */
export type ServedBody = typeof body extends fc.Arbitrary<infer T> ? T : never;

/** The text at a token's offset is that of the token, where it has one. */
export function assertOffsets(
  choice: CompletionChoice,
  { echo, skip_special_tokens = true }: ServedBody,
): void {
  const characters = [...choice.text];
  const { prompt_token_ids = [], token_ids = [] } = choice;
  const ids = [...(echo ? prompt_token_ids : []), ...token_ids];
  const numPrompt = ids.length - token_ids.length;
  const { text_offset } = choice.logprobs!;
  if (text_offset.length !== ids.length)
    throw new Error(`${text_offset.length} offsets, ${ids.length} tokens`);
  ids.forEach((token, i) => {
    const own = [...Buffer.from(bytesOf(token)).toString()];
    const isHidden = i >= numPrompt && skip_special_tokens && isSpecial(token);
    const end = text_offset[i] + own.length;
    // Beyond the end is what stopped the text.
    if (isHidden || own.includes('\ufffd') || end > characters.length) return;
    const shown = characters.slice(text_offset[i], end).join('');
    if (shown !== own.join(''))
      throw new Error(`at ${text_offset[i]} of ${choice.text} is ${shown}, not ${own}`);
  });
}
