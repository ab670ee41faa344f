import { z } from 'zod';

/** The version of the layout; a reader of another version refuses. */
export const DUMP_FORMAT = 1;

/** The file of a dump's folder, or of an export, that lists what was asked. */
export const CASES_FILE = 'cases.json';
/** The file that says which engine wrote the answers; it may be left out. */
export const ENGINE_FILE = 'engine.json';

/** What an engine is asked, without what is expected of it. */
export const dumpCaseSchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][\w.-]*$/),
  /** The prompt. */
  ids: z.array(z.int().nonnegative()),
  /** Positions of the prompt whose rows are wanted, ascending. */
  positions: z.array(z.int().nonnegative()),
  /** Greedy tokens that are wanted after the prompt; none of them ends the generation. */
  maxNewTokens: z.int().positive(),
});
export type DumpCase = z.infer<typeof dumpCaseSchema>;

/** `cases.json` */
export const dumpCasesSchema = z.strictObject({
  format: z.literal(DUMP_FORMAT),
  /** As `--model` named it when the cases were exported. */
  model: z.string(),
  cases: z.array(dumpCaseSchema),
});
export type DumpCases = z.infer<typeof dumpCasesSchema>;

/** `<case>.json`: the greedy tokens, or why the engine refuses the prompt. */
export const dumpAnswerSchema = z.union([
  z.strictObject({ tokens: z.array(z.int()) }),
  z.strictObject({ error: z.string() }),
]);
export type DumpAnswer = z.infer<typeof dumpAnswerSchema>;

/** `engine.json` */
export const dumpEngineSchema = z.strictObject({
  name: z.string(),
  version: z.string().optional(),
  language: z.string().optional(),
  /** Where its faults are reported. */
  issues: z.string().optional(),
});
export type DumpEngine = z.infer<typeof dumpEngineSchema>;

/**
 * The arrays of a case, in `<case>.safetensors` under these names, or each in `<case>.<name>.npy`. Either
 * `logits`, or `ids` and `logprobs`; `hidden` may be added.
 *
 * | name | dtype | shape | |
 * |---|---|---|---|
 * | `logits` | f32 | [positions, vocabulary] | or log-probabilities: a constant per row does not matter |
 * | `ids` | i32 | [positions, N] | the likeliest tokens, in any order |
 * | `logprobs` | f32 | [positions, N] | natural logarithms of their probabilities |
 * | `hidden` | f32 | [layers + 2, prompt, hidden size] | embedding, each layer, after the final norm |
 */
export const DUMP_ARRAYS = ['logits', 'ids', 'logprobs', 'hidden'] as const;
export type DumpArray = (typeof DUMP_ARRAYS)[number];

/** The names of the files that may answer a case. */
export interface DumpFiles {
  /** The greedy tokens, or the engine's refusal. */
  readonly answer: string;
  /** All arrays in one file, in place of `npy`. */
  readonly safetensors: string;
  readonly npy: Readonly<Record<DumpArray, string>>;
}

export function dumpFiles(id: string): DumpFiles {
  const npy = Object.fromEntries(DUMP_ARRAYS.map((name) => [name, `${id}.${name}.npy`]));
  return {
    answer: `${id}.json`,
    safetensors: `${id}.safetensors`,
    npy: npy as Record<DumpArray, string>,
  };
}
