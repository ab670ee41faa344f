import { show } from '../../engine/errors.ts';
import type { Answer } from './messages.ts';
import { quoteLine } from './quote-line.ts';
import { ANSWER_SCHEMAS, problemsOf } from './schemas.ts';

/** Problems of a message that are shown. */
const MAX_PROBLEMS = 3;

/** A line that belongs to no request: the program cannot be understood any more. */
export class ProtocolError extends Error {}

/** An answer of which only type and id were looked at. */
export type AnswerEnvelope = Pick<Answer, 'type' | 'id'>;

/**
 * Reads type and id of an answer.
 *
 * @throws ProtocolError if the line is not JSON, not an object, of no known type, or without an id.
 */
export function parseAnswerLine(line: string): AnswerEnvelope {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    const isNumber = line.trimStart().startsWith('{') && /\b(NaN|Infinity)\b/.test(line);
    const hint = isNumber ? 'JSON has neither NaN nor Infinity' : 'log to standard error';
    throw new ProtocolError(`standard output has a line that is not JSON: ${quoteLine(line)}; ${hint}`);
  }
  const { type, id } = (message ?? {}) as { type?: unknown; id?: unknown };
  const types = Object.keys(ANSWER_SCHEMAS);
  if (typeof type !== 'string' || !types.includes(type)) {
    throw new ProtocolError(
      `standard output has a line that is no message: ${quoteLine(line)}; expected an object whose type is ${types.join(', ')}`,
    );
  }
  if (typeof id !== 'string') {
    throw new ProtocolError(
      `a message ${type} has the id ${show(id)}; expected the string that the request has`,
    );
  }
  return message as AnswerEnvelope;
}

/** How an answer differs from its schema; undefined if it does not. */
export function answerProblem(answer: AnswerEnvelope): string | undefined {
  const problems = problemsOf(answer.type, answer);
  if (problems.length === 0) return undefined;
  const more = problems.length > MAX_PROBLEMS ? `; and ${problems.length - MAX_PROBLEMS} more` : '';
  const first = problems.slice(0, MAX_PROBLEMS).join('; ');
  return `the answer ${answer.type} is not as its schema says: ${first}${more}`;
}
