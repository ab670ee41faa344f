import { z } from 'zod';
import { readPackageJson } from '../engine/terminal/package-json.ts';

/**
 * The verdict on an engine, as `plumbline-verify --json` writes it and as every report is rendered from. The
 * JSON schema beside this file (`verdict.schema.json`) is made of it.
 */

/** Raised by every change that a reader of older verdicts has to know of. */
export const VERDICT_FORMAT = 1;

const verdict = z.enum(['right', 'wrong', 'unknown']);
const precisionClass = z.enum(['f32', 'f16', 'bf16', '8bit', '4bit']);
const count = z.int().nonnegative();
/** JSON has neither infinity nor NaN: a figure that is not finite is null. */
const figure = z.number().nullable();
const value = z.union([z.number(), z.string()]);

const place = z
  .object({
    what: z.string().describe('hidden_states.2, logits, log-probability, greedy token, prompt ids …'),
    position: count.describe('index into the ids of prompt and generated tokens, from 0'),
    got: value,
    expected: value,
  })
  .describe('where subject and reference part first, in the order of the computation');

const errorMap = z
  .object({
    stages: z
      .array(z.string())
      .describe('in the order of the computation; the last is the log-probabilities'),
    positions: z.array(count),
    ratios: z.array(z.array(figure)).describe("[stages][positions], the error in units of the class's noise"),
  })
  .describe('how far the subject is from what is right');

const caseVerdict = z.object({
  id: z.string(),
  verdict,
  outcome: z
    .enum(['result', 'skipped', 'error', 'no answer'])
    .describe('skipped: the subject cannot be asked this; no answer: crash, time limit, closed connection'),
  message: z.string().optional().describe('why there is no result'),
  first: place.optional(),
  map: errorMap.optional(),
});

const promptCase = z.object({
  id: z.string(),
  verdict,
  by: z.string().describe('what told the ids: tokenize, returned ids, number of tokens'),
  first: place.optional(),
  cause: z.string().optional().describe('the likely cause, where the difference is a known one'),
});

const consistency = z.object({
  name: z.string().describe('alone and among others, cold and after a prefix hit …'),
  verdict,
  equalBits: z.boolean().describe('whether every compared value was the same'),
  largest: figure.describe('the largest change of a log-probability, in nats'),
  case: z.string().optional(),
  position: count.optional().describe('where it began'),
});

export const verdictSchema = z.object({
  format: z.literal(VERDICT_FORMAT),
  subject: z.object({
    name: z.string(),
    version: z.string().optional(),
    language: z.string().optional(),
    issues: z.string().optional().describe('where its faults are reported'),
    adapter: z.string().describe('how it was reached, as on the command line'),
  }),
  model: z.object({
    name: z.string(),
    source: z.enum(['fixture', 'directory', 'hub', 'any']).describe('any: the model is not read'),
  }),
  reference: z.object({
    kind: z
      .enum(['goldens', 'engine', 'itself'])
      .describe("goldens of transformers.js, Plumbline's own engine at f32, or the subject's first answers"),
    description: z.string(),
  }),
  verdict,
  reasons: z.array(z.string()).describe('why, the most important first'),
  precision: z.object({
    class: z
      .union([precisionClass, z.literal('none')])
      .nullable()
      .describe('null: not checked'),
    ratio: figure.describe("median over rows of the error in units of the class's noise"),
    demanded: precisionClass.optional(),
    classes: z.array(
      z.object({
        class: precisionClass,
        ratio: figure,
        noise: figure.describe('measured on the compared rows: RMS in nats, median over rows'),
        holds: z.boolean().describe('whether the noise explains the error in all rows but a few'),
        judgeable: z
          .boolean()
          .describe(
            'false: on this model the noise is so large that a broken engine can look like one of the class',
          ),
      }),
    ),
    exceptions: z.array(
      z.object({ case: z.string(), firstPosition: count, lastPosition: count, ratio: figure }),
    ),
  }),
  prompt: z.object({ verdict, cases: z.array(promptCase) }),
  bugs: z.array(
    z.object({
      name: z.string(),
      title: z.string().describe('what the bug is, in a sentence'),
      verdict: z.enum(['found', 'ruled out', 'cannot tell']),
      coefficient: figure.describe('1: this bug; 0: not this bug'),
      standardError: figure.describe('null: the bug changes nothing that can be seen'),
    }),
  ),
  greedy: z.object({
    verdict: z.enum(['right', 'wrong', 'not checked']),
    tokens: count,
    ties: count,
    rows: z
      .object({ compared: count, ratio: figure })
      .optional()
      .describe('the rows that the tokens were chosen from, compared like those of prompts'),
    worst: z.object({ case: z.string(), position: count, regret: figure, allowed: figure }).optional(),
  }),
  consistency: z.array(consistency),
  power: z.object({ refused: count, of: count, missed: z.array(z.string()) }),
  compared: z.object({ rows: count, values: count }),
  cases: z.array(caseVerdict),
  unchecked: z.array(z.object({ what: z.string(), why: z.string() })),
  versions: z.object({ plumbline: z.string(), node: z.string() }),
});

/** See {@link verdictSchema}. */
export type Verdict = z.infer<typeof verdictSchema>;
export type VerdictCase = Verdict['cases'][number];
export type ErrorMap = z.infer<typeof errorMap>;

/** What judges here: the package and Node, for every verdict of this process. */
export function versionsHere(): Verdict['versions'] {
  return { plumbline: readPackageJson().version, node: process.version };
}
