import { NotSupportedError, SubjectError } from '../errors.ts';
import type { ForwardAnswer, TokenScores } from '../subject.ts';

/**
 * Checks rows of scores before they are compared.
 *
 * @param asked what the rows answer, e.g. `forward of "ids-short"`; messages begin with it.
 * @throws SubjectError if there is not one row for each position, or a row has no values, a value that is not
 * finite, not one value for each token, a token outside the vocabulary, or a token twice.
 */
export function checkRows(
  asked: string,
  rows: readonly TokenScores[],
  { count, vocabSize }: { count: number; vocabSize: number },
): void {
  expectLength(asked, 'rows', rows, count);
  for (const [i, { ids, values }] of rows.entries()) {
    const row = `${asked}: row ${i}`;
    expectLength(row, 'values', values, ids ? ids.length : vocabSize);
    expectFinite(row, values);
    if (ids) checkTokens(row, ids, vocabSize);
    if (ids && new Set(ids).size < ids.length) throw new SubjectError(`${row} has a token twice`);
  }
}

/** @throws SubjectError if there are not `length` values, or one of them is not finite. */
export function checkHidden(asked: string, hidden: Float32Array, length: number): void {
  expectLength(asked, 'hidden states', hidden, length);
  expectFinite(`${asked}: hidden states`, hidden);
}

/** @throws SubjectError if there are not `count` tokens of the vocabulary. */
export function checkGenerated(
  asked: string,
  tokens: readonly number[],
  { count, vocabSize }: { count: number; vocabSize: number },
): void {
  expectLength(asked, 'tokens', tokens, count);
  checkTokens(asked, tokens, vocabSize);
}

function checkTokens(where: string, ids: ArrayLike<number>, vocabSize: number): void {
  for (let i = 0; i < ids.length; i++) {
    if (!(Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabSize)) {
      throw new SubjectError(`${where}: token ${ids[i]} at index ${i}; expected 0 to ${vocabSize - 1}`);
    }
  }
}

function expectLength(where: string, what: string, array: ArrayLike<unknown>, length: number): void {
  if (array?.length !== length) {
    throw new SubjectError(`${where}: ${array?.length ?? 'no'} ${what}; expected ${length}`);
  }
}

function expectFinite(where: string, values: ArrayLike<number>): void {
  if (values.length === 0) throw new SubjectError(`${where} has no values; expected at least one`);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new SubjectError(`${where}: the value at index ${i} is ${values[i]}; expected a finite number`);
    }
  }
}

/**
 * An answer that is good for nothing unless it has all rows.
 *
 * @throws NotSupportedError with the reason why the first missing position has none.
 */
export function allRows(answer: ForwardAnswer): ForwardAnswer {
  const [first] = answer.unreached ?? [];
  if (first) throw new NotSupportedError(first.why);
  return answer;
}
