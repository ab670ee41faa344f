import { z } from 'zod';
import type { ModelIdentity } from '../engine/checkpoint/identity.ts';

/** The version of this format; a reader of another version refuses. */
export const SCHEMA_VERSION = 1;

const message = z.looseObject({ role: z.string() });

/** How a conversation is rendered. */
const template = z.strictObject({
  enableThinking: z.boolean().optional(),
  addGenerationPrompt: z.boolean().optional(),
  tools: z.array(z.unknown()).optional(),
});

const named = {
  id: z.string().regex(/^[a-z0-9-]+$/),
  category: z.enum(['short', 'long', 'multi-turn', 'edge']),
};

/**
 * A prompt. `text` and `messages` need a tokenizer; `ids` and `seededIds` suit every model. An id below 0
 * counts from the end of the vocabulary: -1 is its last.
 */
export const promptSchema = z.union([
  z.strictObject({ ...named, text: z.string() }),
  z.strictObject({ ...named, messages: z.array(message), template: template.optional() }),
  z.strictObject({ ...named, ids: z.array(z.int()) }),
  z.strictObject({ ...named, seededIds: z.strictObject({ seed: z.string(), length: z.int().positive() }) }),
]);
export type Prompt = z.infer<typeof promptSchema>;

/** `prompts.json` */
export const promptsSchema = z.strictObject({
  maxNewTokens: z.int().positive(),
  prompts: z.array(promptSchema),
});
export type Prompts = z.infer<typeof promptsSchema>;

/**
 * How far the reference itself is from its float64 twin, as a fraction of the largest magnitude in the row.
 */
export const noiseSchema = z.strictObject({
  /** Largest difference of a logit. */
  logits: z.number().nonnegative(),
  /** Root mean square of the differences of all stored logits, in logits. */
  logitsRms: z.number().nonnegative(),
  /** Largest difference of a next-token probability. */
  probabilities: z.number().nonnegative(),
  /** Largest difference of a hidden state, for the embedding, each layer, and the final norm. */
  hiddenStates: z.array(z.number().nonnegative()),
});
export type Noise = z.infer<typeof noiseSchema>;

/**
 * A case that the reference computed: `<model>/<case>.json`; the numbers are beside it in
 * `<case>.safetensors`.
 */
export const recordedCaseSchema = z.strictObject({
  id: z.string(),
  category: z.string(),
  /** The rendered conversation or the text, where there is one. */
  text: z.string().optional(),
  ids: z.array(z.int().nonnegative()),
  /** Positions of the prompt whose logits and hidden states are stored, ascending. */
  positions: z.array(z.int().nonnegative()),
  greedy: z.strictObject({
    tokens: z.array(z.int().nonnegative()),
    text: z.string().optional(),
    /** For each token, the best logit less the second best. */
    margins: z.array(z.number().nonnegative()),
  }),
  noise: noiseSchema,
});
export type RecordedCase = z.infer<typeof recordedCaseSchema>;

/** A case that the reference refused, and that an engine must refuse too. */
const refusedCaseSchema = z.strictObject({
  id: z.string(),
  category: z.string(),
  text: z.string().optional(),
  ids: z.array(z.int()),
  /** The reference's own words. */
  refusal: z.string(),
});

export const caseSchema = z.union([recordedCaseSchema, refusedCaseSchema]);
export type GoldenCase = z.infer<typeof caseSchema>;

/** Where goldens come from: `<model>/manifest.json`. */
export const manifestSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  model: z.string(),
  /** `fixture`, or the hub id or directory of a real model. */
  source: z.string(),
  /** The hub id that the reference's graph came from, if not the model itself. */
  graph: z.string().optional(),
  seed: z.string().optional(),
  maxNewTokens: z.int().positive(),
  /** SHA-256 of the model's files, and of the graph that the reference ran. */
  sha256: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
  versions: z.strictObject({ transformersJs: z.string(), onnxruntimeNode: z.string() }),
  /** The machine: the reference's last bits depend on it. */
  recordedOn: z.strictObject({
    node: z.string(),
    platform: z.string(),
    cpu: z.string(),
    features: z.array(z.string()),
  }),
  /** Vocabulary ids whose logits are stored; absent where all of them are. */
  vocabularySample: z.array(z.int().nonnegative()).optional(),
  /** Hidden states are stored as this many seeded random projections; absent where they are stored whole. */
  projections: z.strictObject({ seed: z.string(), count: z.int().positive() }).optional(),
  cases: z.array(z.string()),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** What a real model is known by, see `ModelIdentity` of the engine. */
const identitySchema = z.strictObject({
  architecture: z.string(),
  hiddenSize: z.int(),
  numHiddenLayers: z.int(),
  numAttentionHeads: z.int(),
  numKeyValueHeads: z.int(),
  headDim: z.int(),
  intermediateSize: z.int(),
  vocabSize: z.int(),
  tieWordEmbeddings: z.boolean(),
  ropeTheta: z.number(),
  rmsNormEps: z.number(),
  parameters: z.int(),
  dtype: z.string(),
}) satisfies z.ZodType<ModelIdentity>;

/** Models of the hub that goldens hold to what they are: `models.json`, by hub id. */
export const realModelsSchema = z.strictObject({
  identities: z.record(z.string(), identitySchema),
  models: z.record(
    z.string(),
    z.strictObject({
      /** One of the identities. */
      identity: z.string(),
      /**
       * The hub id that has the model as a graph for transformers.js; without it, the model's own repository.
       */
      graph: z.string().optional(),
    }),
  ),
});

/** Figures of a model that others have published: `published/<name>.json`. */
export const publishedSchema = z.strictObject({
  source: z.string(),
  /** A hub id of `models.json`. */
  model: z.string(),
  ids: z.array(z.int().nonnegative()),
  /** For each position, the mean of its logits over the vocabulary. */
  meanLogits: z.array(z.number()),
  /** The logits of the first position, of the first ids of the vocabulary. */
  firstLogits: z.array(z.number()),
  /** A figure may be off by `atol + rtol·|figure|`. */
  tolerance: z.strictObject({ atol: z.number().positive(), rtol: z.number().positive() }),
});
export type Published = z.infer<typeof publishedSchema>;

/** The engine's own fingerprints: `<model>/fingerprints.json`. */
export const fingerprintsSchema = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/));

/**
 * The tensors of a recorded case. Rows are the stored positions of the prompt, then one for each greedy
 * token: the logits it was chosen from. Columns are the whole vocabulary, or, where it is sampled, the
 * manifest's sample followed by the row's own {@link TOP} ids of largest logits.
 *
 * | name | dtype | shape | |
 * |---|---|---|---|
 * | `logits` | F32 | [rows, columns] | as transformers.js returned them |
 * | `logits_float64` | F64 | [rows, columns] | the same from the float64 twin; absent for a foreign graph |
 * | `hidden_states` | F32 | [layers + 2, positions, width] | embedding, layers, final norm; likewise |
 *
 * (width: the hidden size, or the number of projections)
 *
 * and where the vocabulary is sampled:
 *
 * | name | dtype | shape | |
 * |---|---|---|---|
 * | `top_ids` | I32 | [rows, TOP] | the ids of the largest logits, descending |
 * | `row_max` | F32 | [rows] | largest magnitude in the whole row |
 * | `log_sum_exp` | F64 | [rows] | of the whole row of f32 logits |
 */
export interface CaseTensors {
  logits: Float32Array;
  logitsFloat64?: Float64Array;
  hiddenStates?: Float32Array;
  sampled?: SampledRows;
}

/** A case and its numbers, which a case that the reference refused does not have. */
export interface RecordedGolden {
  golden: GoldenCase;
  tensors?: CaseTensors;
}

/** What is stored of each row where its logits are not stored whole. */
export interface SampledRows {
  topIds: Int32Array;
  rowMax: Float32Array;
  logSumExp: Float64Array;
}

/** Ids a row in `top_ids` has. */
export const TOP = 20;

/**
 * The vocabulary ids of a row's stored logits, in the order of the columns.
 *
 * @param sample the manifest's `vocabularySample`; without it, the whole vocabulary is stored.
 * @param topIds the row's own.
 */
export function storedIds(
  vocabSize: number,
  sample?: readonly number[],
  topIds?: ArrayLike<number>,
): number[] {
  return sample ? [...sample, ...Array.from(topIds ?? [])] : Array.from({ length: vocabSize }, (_, id) => id);
}
