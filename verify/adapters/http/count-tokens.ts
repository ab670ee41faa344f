import { NotSupportedError } from '../../errors.ts';
import type { ServerProfile } from './asking.ts';
import type { Question } from './dialect.ts';
import { isRefusal } from './nonsense.ts';

/**
 * How many tokens a server makes of a text: what it counts as the prompt of a completion.
 *
 * @throws NotSupportedError if it does not take the text, or does not count; SubjectError if the answer is
 * nonsense; NoAnswerError if the server does not answer.
 */
export async function countTokens(
  { dialect, client, model }: Pick<ServerProfile, 'dialect' | 'client' | 'model'>,
  text: string,
): Promise<number> {
  const asked = 'number of tokens';
  const question: Question = { asked, prompt: { text }, maxNewTokens: 1, top: 0 };
  let answer: unknown;
  try {
    answer = await client.json(dialect.completionRequest(question, model), asked);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new NotSupportedError(`${error.message}; expected an answer to a text`, { cause: error });
  }
  const { promptIds, promptLength } = dialect.readCompletion(answer, question);
  const count = promptIds?.length ?? promptLength;
  if (count !== undefined) return count;
  throw new NotSupportedError(`${asked}: ${dialect.title} does not say how many it makes of a text`);
}
