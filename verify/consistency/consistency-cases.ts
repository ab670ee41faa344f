import type { VerifyCase } from '../../golden/verify-case.ts';
import type { SubjectModel } from '../subject.ts';

/** Positions of a prompt whose rows are compared, at most: servers may be asked for each by itself. */
const POSITIONS = 8;
/** Ids that every vocabulary of a language model has: in tokenizers of bytes they stand for single ones. */
const COMMON_IDS = 200;
const NUM_ID_PROMPTS = 6;
const ID_PROMPT_LENGTH = 24;

/** Prompts of several lengths; some begin alike, as requests do that share a system prompt. */
const TEXTS: Readonly<Record<string, string>> = Object.freeze({
  'text-one-word': 'Water',
  'text-sentence': 'The longest river of South America is the',
  'text-list': 'Colours of the rainbow, in order:\n1. red\n2. orange\n3. yellow\n4.',
  'text-list-longer':
    'Colours of the rainbow, in order:\n1. red\n2. orange\n3. yellow\n4. green\n5. blue\n6. indigo\n7. violet\n\nMonths:\n1.',
  'text-code': 'def fibonacci(n):\n    if n < 2:\n        return n\n    return fibonacci(n - 1) +',
  'text-scripts': 'Guten Morgen, доброе утро, 早上好, صباح الخير,',
});

/**
 * Prompts for a subject whose model is not known: texts in the ids of its own tokenizer, or, if it cannot be
 * asked for them, ids that every vocabulary has. Nothing is expected of them but equal answers.
 *
 * @throws what the subject's `tokenize` throws.
 */
export async function consistencyCases({ capabilities, tokenize }: SubjectModel): Promise<VerifyCase[]> {
  if (!capabilities.tokenize || !tokenize) {
    return Array.from({ length: NUM_ID_PROMPTS }, (_, i) => caseOf(`ids-${i + 1}`, commonIds(i)));
  }
  const cases: VerifyCase[] = [];
  for (const [id, text] of Object.entries(TEXTS)) cases.push({ ...caseOf(id, await tokenize(text)), text });
  return cases;
}

function caseOf(id: string, promptIds: readonly number[]): VerifyCase {
  const last = promptIds.length - 1;
  const spread = Array.from({ length: POSITIONS }, (_, i) => Math.floor((i * last) / (POSITIONS - 1)));
  return { id, promptIds, greedy: [], positions: [...new Set(spread)] };
}

/** Even prompts begin like the one before them. */
function commonIds(prompt: number): number[] {
  const idAt = (seed: number, i: number) => 1 + ((seed * 7919 + i * 104_729) % COMMON_IDS);
  const shared = ID_PROMPT_LENGTH / 2;
  return Array.from({ length: ID_PROMPT_LENGTH - prompt }, (_, i) =>
    idAt(i < shared ? prompt >> 1 : 10 + prompt, i),
  );
}
