import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { readJsonSync } from '../../../engine/terminal/read-json.ts';
import { casesJson, type DumpCase, type DumpCases } from '../../../golden/dump-layout.ts';
import { SubjectError } from '../../errors.ts';

const engineSchema = z.strictObject({
  name: z.string().min(1),
  version: z.string().optional(),
  language: z.string().optional(),
  issues: z.string().optional(),
  precision: z.enum(['f32', 'f16', 'bf16', '8bit', '4bit']).optional(),
});
/** `engine.json` */
export type DumpEngine = z.infer<typeof engineSchema>;

const tokenIds = z.array(z.int().nonnegative());
const answerSchema = z.strictObject({
  tokens: tokenIds.optional(),
  promptIds: tokenIds.optional(),
  error: z.string().min(1).optional(),
});
/** `<case>.json`; it has either tokens or an error. */
export type DumpAnswer = z.infer<typeof answerSchema>;

const casesSchema = z.looseObject({ cases: z.array(z.looseObject({ id: z.string() })) });

/** @throws SubjectError if the file cannot be read or is not of its schema. */
export function readDumpEngine(path: string): DumpEngine {
  return readJson(path, engineSchema);
}

/** @throws SubjectError likewise, or unless there is either an error or as many tokens as were asked for. */
export function readDumpAnswer(path: string, { generate: { maxNewTokens } }: DumpCase): DumpAnswer {
  const answer = readJson(path, answerSchema);
  const { tokens, error } = answer;
  if ((tokens === undefined) === (error === undefined)) {
    throw new SubjectError(`${path}: expected either "tokens" or "error"`);
  }
  if (tokens && tokens.length !== maxNewTokens) {
    throw new SubjectError(`${path}: ${tokens.length} tokens; expected ${maxNewTokens}`);
  }
  return answer;
}

/** @throws SubjectError if the file does not ask what the judge asks: its answers are to other questions. */
export function checkCasesFile(path: string, expected: DumpCases): void {
  const found = readJson(path, casesSchema);
  const wanted = JSON.parse(casesJson(expected)) as DumpCases;
  if (isDeepStrictEqual(found, wanted)) return;
  const differs = wanted.cases.find((each, i) => !isDeepStrictEqual(found.cases[i], each));
  const where = differs ? `, from "${differs.id}" on` : '';
  throw new SubjectError(`${path}: asks other questions than this judge does${where}; export it again`);
}

function readJson<T>(path: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(readJsonSync(path, SubjectError));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 3).map(({ path: keys, message }) => {
    return keys.length > 0 ? `${keys.join('.')}: ${message}` : message;
  });
  throw new SubjectError(`${path}: ${problems.join('; ')}`);
}
