import { z } from 'zod';

/** Qwen's pattern, of which it is known that no text makes it slow. */
export const QWEN2_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
/** Longer ones than any tokenizer's are not compiled. */
const MAX_PATTERN = 10_000;

/*
 * The stages of a tokenizer that `@huggingface/tokenizers` runs as the Rust library does. It passes over
 * keys and types that it does not know and over several that it does, so what is not listed is refused.
 */

const flag = z.boolean().optional();
const byteLevel = z.strictObject({
  type: z.literal('ByteLevel'),
  add_prefix_space: flag,
  trim_offsets: flag,
  use_regex: flag,
});

const unicodeForm = z.strictObject({ type: z.enum(['NFC', 'NFD', 'NFKC', 'NFKD']) });
export const normalizer = z
  .discriminatedUnion('type', [
    unicodeForm,
    z.strictObject({ type: z.literal('Sequence'), normalizers: z.array(unicodeForm) }),
  ])
  .nullish();

const split = z
  .strictObject({
    type: z.literal('Split'),
    pattern: z.strictObject({ Regex: z.string().min(1).max(MAX_PATTERN) }),
    behavior: z.enum(['Isolated', 'Removed']),
    invert: z.boolean(),
  })
  .refine(({ behavior, invert }) => (behavior === 'Removed') === invert, {
    message: 'expected the behavior Isolated with invert false, or Removed with invert true',
  });
const steps = z.array(z.discriminatedUnion('type', [split, byteLevel]));
export const preTokenizer = z
  .discriminatedUnion('type', [
    byteLevel,
    z.strictObject({ type: z.literal('Sequence'), pretokenizers: steps }),
  ])
  .refine((stage) => stage.type === 'ByteLevel' || endsInBytes(stage.pretokenizers), {
    message: 'expected ByteLevel once, as the last of the sequence',
  });

function endsInBytes(stages: readonly { readonly type: string }[]): boolean {
  return stages.findIndex(({ type }) => type === 'ByteLevel') === stages.length - 1 && stages.length > 0;
}

const piece = z.union([
  z.strictObject({ SpecialToken: z.strictObject({ id: z.string(), type_id: z.number() }) }),
  z.strictObject({ Sequence: z.strictObject({ id: z.enum(['A', 'B']), type_id: z.number() }) }),
]);
const template = z
  .strictObject({
    type: z.literal('TemplateProcessing'),
    single: z.array(piece),
    pair: z.array(piece),
    special_tokens: z.record(
      z.string(),
      z.strictObject({ id: z.string(), ids: z.array(z.number()), tokens: z.array(z.string()) }),
    ),
  })
  // The library adds the token that an entry is called, Rust the ids that it lists.
  .refine(
    ({ single, special_tokens }) =>
      single.every((item) => {
        if (!('SpecialToken' in item)) return true;
        const { id } = item.SpecialToken;
        const tokens = Object.hasOwn(special_tokens, id) ? special_tokens[id].tokens : [];
        return tokens.length === 1 && tokens[0] === id;
      }),
    { message: 'expected an entry of special_tokens for each special token, with that one token' },
  );
export const postProcessor = z
  .discriminatedUnion('type', [
    byteLevel,
    template,
    z.strictObject({
      type: z.literal('Sequence'),
      processors: z.array(z.discriminatedUnion('type', [byteLevel, template])),
    }),
  ])
  .nullish();

export const decoder = byteLevel;

/** Whether a pre-tokenizer has a pattern that may take exponential time on a text. */
export function hasForeignPattern(stage: z.infer<typeof preTokenizer>): boolean {
  return (
    stage.type === 'Sequence' &&
    stage.pretokenizers.some((step) => step.type === 'Split' && step.pattern.Regex !== QWEN2_PATTERN)
  );
}
