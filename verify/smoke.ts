import { type Outcome, settle } from './ask/outcome.ts';
import { allRows, checkGenerated, checkRows } from './compare/answers.ts';
import { NoAnswerError, type SubjectError } from './errors.ts';
import { terminalLine } from './report/words.ts';
import type { ForwardAnswer, GreedyAnswer, SubjectModel, TokenScores } from './subject.ts';

/** Tokens that are generated: enough to see a row that is scored at a wrong position. */
const NUM_TOKENS = 4;
/**
 * Scores of one engine for the same tokens differ by less, in nats, however it rounds and batches. What a
 * wrong position or a state that was left behind changes is a multiple.
 */
const NOISE = 0.25;

export interface SmokeOptions {
  /** A short prompt. */
  readonly ids: readonly number[];
  readonly vocabSize: number;
  readonly signal?: AbortSignal;
}

/** One thing that has to hold before any number is worth comparing. */
export interface SmokeCheck {
  readonly what: string;
  readonly verdict: 'right' | 'wrong' | 'no answer' | 'not checked';
  /** What came and what was expected, or why there is no answer or it was not checked. */
  readonly message?: string;
  /** Which of the two is wrong if the check fails. */
  readonly fault: 'adapter' | 'engine';
}

export interface SmokeReport {
  /** Unknown: there was no answer, or nothing could be checked. */
  readonly verdict: 'right' | 'wrong' | 'unknown';
  /** The fault of the first check that is wrong: later ones may only follow from it. */
  readonly fault?: 'adapter' | 'engine';
  readonly checks: readonly SmokeCheck[];
  readonly requests: SmokeRequests;
}

/** What was asked, twice. */
export interface SmokeRequests {
  readonly generate: { readonly ids: readonly number[]; readonly maxNewTokens: number };
  /** The prompt and the tokens that were generated, but the last one. */
  readonly forward: { readonly ids: readonly number[]; readonly positions: readonly number[] };
}

/**
 * Asks a subject one tiny case, to find a wrong adapter before a wrong engine: answers of the right lengths,
 * finite scores, a likeliest token that is the greedy one, and the same again.
 *
 * @throws the reason of `signal` if it is aborted.
 */
export async function smoke(subject: SubjectModel, options: SmokeOptions): Promise<SmokeReport> {
  const checks: SmokeCheck[] = [];
  const first = await askOnce(subject, options);
  checks.push(answered('generate', first.generated), answered('forward', first.forward));
  const { generated, forward, requests } = first;
  if (generated.kind !== 'result') return report(checks, requests);
  const { tokens } = generated.value;
  const what = 'the likeliest token of each row is the greedy one';
  if (forward.kind === 'result') checks.push({ what, ...compareWithGreedy(forward.value.rows, tokens) });
  else checks.push({ what, verdict: 'not checked', message: 'there are no scores', fault: 'engine' });
  checks.push(sameTwice(first, await askOnce(subject, options)));
  return report(checks, requests);
}

/** What is reported of a subject that could not be loaded. */
export function smokeOfUnloaded(error: NoAnswerError | SubjectError, ids: readonly number[]): SmokeReport {
  const check: SmokeCheck = {
    what: 'the engine starts and loads the model',
    verdict: error instanceof NoAnswerError ? 'no answer' : 'wrong',
    message: error.message,
    fault: 'adapter',
  };
  const generate = { ids, maxNewTokens: NUM_TOKENS };
  return report([check], { generate, forward: { ids, positions: [ids.length - 1] } });
}

/** The report as lines for a terminal. @param reproduce a command that asks the same. */
export function smokeText({ verdict, checks, fault }: SmokeReport, reproduce: string): string {
  const lines = checks.map(
    (each) => `${each.verdict}: ${each.what}${each.message ? `: ${each.message}` : ''}`,
  );
  const conclusion = {
    adapter: 'The adapter is wrong: what it passes on cannot be judged.',
    engine: 'The adapter works, and the engine is wrong.',
    right: 'The adapter works. What the whole run finds is the engine’s.',
    unknown: 'Nothing can be concluded: there is no answer.',
  }[fault ?? (verdict === 'right' ? 'right' : 'unknown')];
  return [...lines.map(terminalLine), conclusion, `The same requests: ${reproduce}`, ''].join('\n');
}

interface Answers {
  readonly requests: SmokeRequests;
  readonly generated: Outcome<GreedyAnswer>;
  readonly forward: Outcome<ForwardAnswer>;
}

/** Greedy tokens, and the scores of the rows that they were chosen from. */
async function askOnce(subject: SubjectModel, { ids, vocabSize, signal }: SmokeOptions): Promise<Answers> {
  const generate = { ids, maxNewTokens: NUM_TOKENS };
  const generated = await settle(async () => {
    const answer = await subject.generate({ ...generate, signal });
    checkGenerated('generate', answer.tokens, { count: NUM_TOKENS, vocabSize });
    return answer;
  }, signal);
  const tokens = generated.kind === 'result' ? generated.value.tokens : [];
  // The last token is chosen, and not given.
  const given = [...ids, ...tokens.slice(0, -1)];
  const positions = given.map((_, position) => position).slice(ids.length - 1);
  const forward = await settle(async () => {
    const answer = allRows(await subject.forward({ ids: given, positions, signal }));
    checkRows('forward', answer.rows, { count: positions.length, vocabSize });
    return answer;
  }, signal);
  return { requests: { generate, forward: { ids: given, positions } }, generated, forward };
}

function answered(call: string, outcome: Outcome<unknown>): SmokeCheck {
  const what = `${call} gives as many values as were asked for, all finite and of the vocabulary`;
  if (outcome.kind === 'result') return { what, verdict: 'right', fault: 'adapter' };
  const { kind, message } = outcome;
  if (kind === 'skipped') return { what, verdict: 'not checked', message, fault: 'adapter' };
  if (kind === 'no answer') return { what, verdict: 'no answer', message, fault: 'adapter' };
  // An adapter that garbles numbers seldom makes them NaN: an engine that overflows does.
  const fault = /\b(NaN|Infinity)\b; expected a finite number/.test(message) ? 'engine' : 'adapter';
  return { what, verdict: 'wrong', message, fault };
}

/** @param rows of the last position of the prompt, and of each token but the last. */
function compareWithGreedy(
  rows: readonly TokenScores[],
  tokens: readonly number[],
): Omit<SmokeCheck, 'what'> {
  const step = tokens.findIndex((token, i) => regretOf(rows[i], token) > NOISE);
  if (step < 0) return { verdict: 'right', fault: 'engine' };
  const [row, token] = [rows[step], tokens[step]];
  const found = `after ${step === 0 ? 'the prompt' : `${step} tokens`} generate chose ${token}, and forward finds ${likeliest(row)} likeliest`;
  // A row of position p that scores ids[p] itself, or the token after the next.
  for (const [shift, words] of [
    [-1, 'ids[p] itself'],
    [1, 'the token after the next'],
  ] as const) {
    const pairs = tokens.flatMap((_, i) =>
      tokens[i + shift] === undefined ? [] : [[rows[i], tokens[i + shift]] as const],
    );
    if (!pairs.every(([each, shifted]) => regretOf(each, shifted) <= NOISE)) continue;
    const message = `${found}: the rows are shifted by one, the row of position p scores ${words}; expected the token after ids[p]`;
    return { verdict: 'wrong', message, fault: 'adapter' };
  }
  const message = `${found}; expected the same: prefill and decode differ, or the scores are of other positions`;
  return { verdict: 'wrong', message, fault: 'engine' };
}

function sameTwice(first: Answers, second: Answers): SmokeCheck {
  const check = { what: 'the same requests again have the same answers', fault: 'engine' } as const;
  const left = 'something is left of the requests before, such as a cache that is not emptied';
  for (const call of ['generated', 'forward'] as const) {
    const [before, after] = [first[call], second[call]];
    if (before.kind !== after.kind) {
      const why = 'message' in after ? `: ${after.message}` : '';
      return { ...check, verdict: 'wrong', message: `${before.kind} at first, then ${after.kind}${why}` };
    }
  }
  const { generated, forward } = first;
  if (generated.kind === 'result' && second.generated.kind === 'result') {
    const [a, b] = [generated.value.tokens, second.generated.value.tokens];
    if (a.join() !== b.join()) {
      return { ...check, verdict: 'wrong', message: `tokens ${a.join(' ')}, then ${b.join(' ')}: ${left}` };
    }
  }
  if (forward.kind === 'result' && second.forward.kind === 'result') {
    const change = largestChange(forward.value.rows, second.forward.value.rows);
    if (change > NOISE) {
      const message = `a score changes by ${change.toPrecision(3)} nats; expected at most ${NOISE}: ${left}`;
      return { ...check, verdict: 'wrong', message };
    }
  }
  return { ...check, verdict: 'right' };
}

/** Scores of the tokens that both rows have, less their largest: free of the constant of a row. */
function largestChange(before: readonly TokenScores[], after: readonly TokenScores[]): number {
  let largest = 0;
  for (const [i, row] of before.entries()) {
    const others = scoresByToken(after[i]);
    for (const [token, score] of scoresByToken(row)) {
      const other = others.get(token);
      if (other !== undefined) largest = Math.max(largest, Math.abs(score - other));
    }
  }
  return largest;
}

function scoresByToken({ ids, values }: TokenScores): Map<number, number> {
  const max = maxOf(values);
  return new Map(Array.from(values, (value, i) => [ids ? ids[i] : i, value - max]));
}

/** How much less than the largest score a token has; infinite if the row does not have it. */
function regretOf({ ids, values }: TokenScores, token: number): number {
  const index = ids ? ids.indexOf(token) : token;
  return index < 0 ? Number.POSITIVE_INFINITY : maxOf(values) - values[index];
}

function likeliest({ ids, values }: TokenScores): number {
  const index = values.indexOf(maxOf(values));
  return ids ? ids[index] : index;
}

function maxOf(values: Float32Array): number {
  return values.reduce((a, b) => Math.max(a, b));
}

function report(checks: readonly SmokeCheck[], requests: SmokeRequests): SmokeReport {
  const first = checks.find(({ verdict }) => verdict === 'wrong' || verdict === 'no answer');
  if (first?.verdict === 'wrong') return { verdict: 'wrong', fault: first.fault, checks, requests };
  const isRight = !first && checks.some(({ verdict }) => verdict === 'right');
  return { verdict: isRight ? 'right' : 'unknown', checks, requests };
}
