import { NotSupportedError } from '../../errors.ts';
import type { TokenScores } from '../../subject.ts';
import type { Client } from './client.ts';
import type { Ask, Completion, Dialect, Prompt, Question, ScoredRow } from './dialect.ts';
import type { TextOfTokens } from './interned-text.ts';
import { isRefusal, refuse } from './nonsense.ts';
import { readRow } from './rows.ts';

/** What is known of a server after the probes. */
export interface ServerProfile {
  readonly dialect: Dialect;
  readonly client: Pick<Client, 'json' | 'events'>;
  /** The name of the model in requests. */
  readonly model?: string;
  readonly prompts: 'ids' | 'text';
  /** Likeliest tokens of a row; 0 if the server gives none. */
  readonly top: number;
  /** Whether rows of the prompt's own positions come in one request. */
  readonly scoresPrompts: boolean;
  /** A token of whole characters, for servers that leave out rows of others. */
  readonly wholeToken?: number;
  readonly vocabSize?: number;
  readonly text?: TextOfTokens;
  /** Called with the number of a row's entries whose ids are unknown. */
  readonly onDropped?: (count: number) => void;
}

/** A question about ids, before it is known how the prompt is given. */
export type IdsQuestion = Omit<Question, 'prompt' | 'top'> & {
  readonly ids: readonly number[];
  /** Default: the profile's. */
  readonly top?: number;
  readonly signal?: AbortSignal;
};

/**
 * Asks one question, and checks that the prompt was taken as it was meant and that lengths are right.
 *
 * @throws NotSupportedError if a server of text cannot be given these ids, or counts other tokens;
 * SubjectError if the answer is nonsense; NoAnswerError if the server does not answer.
 */
export async function askServer(server: ServerProfile, question: IdsQuestion): Promise<Completion> {
  const { dialect, client, model } = server;
  const { ids, signal, ...rest } = question;
  const { asked, maxNewTokens } = rest;
  const prompt = promptOf(server, ids, asked);
  const whole: Question = { ...rest, prompt, top: question.top ?? server.top };
  const answer = question.stream
    ? await streamed(server, whole, signal)
    : await client.json(dialect.completionRequest(whole, model), asked, signal);
  const completion = await withPromptIds(server, prompt, dialect.readCompletion(answer, whole), signal);
  checkPrompt(asked, ids, completion, server);
  const { tokens, rows, promptRows } = completion;
  if (tokens.length > maxNewTokens) {
    refuse(asked, `${tokens.length} generated tokens`, `${maxNewTokens} at most`);
  }
  if (rows && rows.length !== tokens.length) {
    refuse(
      asked,
      `${rows.length} rows of log-probabilities for ${tokens.length} tokens`,
      'one row for each token',
    );
  }
  if (promptRows && promptRows.length !== ids.length) {
    refuse(
      asked,
      `${promptRows.length} rows for the prompt of ${ids.length} tokens`,
      'one row for each token',
    );
  }
  return completion;
}

/**
 * The answer that a server sends in parts, put together. @throws NotSupportedError if it does not send any so
 */
async function streamed(
  { dialect, client, model }: ServerProfile,
  question: Question,
  signal?: AbortSignal,
): Promise<unknown> {
  const { asked } = question;
  const form = dialect.stream;
  if (!form) {
    throw new NotSupportedError(
      `${asked}: ${dialect.title} is not asked for parts; expected a server that streams`,
    );
  }
  const { method, path, body } = dialect.completionRequest(question, model);
  const request = { method, path: form.path ?? path, body: form.body(body as Record<string, unknown>) };
  try {
    return form.join(await client.events(request, asked, signal), asked);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new NotSupportedError(`${error.message}; expected an answer in parts`, { cause: error });
  }
}

/** The row of a position as a subject gives it; undefined if too few of its tokens have known ids. */
export function scoresOf(server: ServerProfile, asked: string, row: ScoredRow): TokenScores | undefined {
  const { top, vocabSize, text, onDropped } = server;
  const { scores, dropped } = readRow(row, { asked, top, vocabSize, text });
  if (dropped > 0) onDropped?.(dropped);
  return scores;
}

/**
 * The id of a generated token.
 *
 * @throws NotSupportedError if the server gives a text that is not one token.
 */
export function idOfToken(
  server: ServerProfile,
  asked: string,
  { id, text }: Completion['tokens'][number],
): number {
  const found = id ?? (text === undefined ? undefined : server.text?.idOf(text));
  if (found === undefined) {
    throw new NotSupportedError(
      `${asked}: the server gives the text ${JSON.stringify(text)} of a token and no id; expected a text that the model's ` +
        'tokenizer turns into one token',
    );
  }
  if (server.vocabSize !== undefined && found >= server.vocabSize) {
    refuse(asked, `token ${found}`, `ids from 0 to ${server.vocabSize - 1}`);
  }
  return found;
}

/** Asks a server that takes text and does not say what it made of it for the ids of its tokenizer. */
async function withPromptIds(
  { dialect, client, model }: ServerProfile,
  prompt: Prompt,
  completion: Completion,
  signal?: AbortSignal,
): Promise<Completion> {
  const isTold = completion.promptIds !== undefined || completion.promptLength !== undefined;
  if (isTold || !('text' in prompt) || !dialect.tokenize) return completion;
  const ask: Ask = (request) => client.json(request, 'tokenize', signal);
  return { ...completion, promptIds: await dialect.tokenize(ask, prompt.text, model) };
}

function promptOf({ prompts, dialect, text }: ServerProfile, ids: readonly number[], asked: string): Prompt {
  if (prompts === 'ids') return { ids };
  if (text) return { text: text.textOf(ids, asked) };
  throw new NotSupportedError(
    `${asked}: ${dialect.title} takes text, and the model's directory has no tokenizer; expected tokenizer.json in it`,
  );
}

function checkPrompt(
  asked: string,
  ids: readonly number[],
  { promptIds, promptLength }: Completion,
  { prompts, dialect, text }: ServerProfile,
): void {
  if (prompts === 'text' && text?.isExact === false) return;
  const count = promptIds?.length ?? promptLength;
  const isOther = count !== undefined && count !== ids.length;
  const at = promptIds?.findIndex((id, i) => id !== ids[i]) ?? -1;
  if (!isOther && at < 0) {
    if (count !== undefined || prompts === 'ids') return;
    throw new NotSupportedError(
      `${asked}: ${dialect.title} takes text and does not tell how many tokens it makes of it; expected their number`,
    );
  }
  const found =
    at >= 0 && !isOther ? `prompt token ${promptIds?.[at]} at index ${at}` : `a prompt of ${count} tokens`;
  const expected = at >= 0 && !isOther ? `token ${ids[at]}` : `the ${ids.length} tokens of the question`;
  if (prompts === 'ids') refuse(asked, found, expected);
  // The server's tokenizer makes other ids of the text: judged as a prompt, and no question about these ids.
  throw new NotSupportedError(
    `${asked}: the server's tokenizer makes ${found} of the text; expected ${expected}`,
  );
}
