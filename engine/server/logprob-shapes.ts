import { isUtf8 } from 'node:buffer';
import type { PromptTokenLogprobs, TokenLogprob, TokenLogprobs } from '../serving/logprobs.ts';
import type { ServedVocabulary } from './context.ts';
import { mapInTurns } from './turns.ts';

/** vLLM writes this for minus infinity, which JSON does not have. */
const LEAST_LOGPROB = -9999;

/** How an answer writes tokens. */
export interface TokenNames {
  readonly vocabulary: Pick<ServedVocabulary, 'bytesOf'>;
  /** Write `token_id:42` for every token (vLLM's `return_tokens_as_token_ids`). */
  readonly asIds: boolean;
}

/** Log-probabilities in the form of OpenAI's completions: parallel lists, one entry for each token. */
export interface CompletionLogprobs {
  /** Where each token begins in the choice's text, in Unicode characters. */
  text_offset: number[];
  tokens: string[];
  /** Natural logarithms; null for the first token of an echoed prompt. */
  token_logprobs: (number | null)[];
  /** The most probable tokens by name, and the token itself. */
  top_logprobs: (Record<string, number> | null)[];
}

/** A token in the form of OpenAI's chat API. */
export interface ChatLogprob {
  token: string;
  logprob: number;
  /** Exact, also if the token is no whole character. */
  bytes: number[];
}

/** A generated token in the form of OpenAI's chat API. */
export interface ChatTokenLogprobs extends ChatLogprob {
  top_logprobs: ChatLogprob[];
}

/** A token of the prompt in vLLM's form. */
export interface PromptLogprob {
  logprob: number;
  /** The token's place among all tokens, 1 for the most probable. */
  rank: number;
  decoded_token: string;
}

/** A token of an answer; log-probabilities are undefined for the first of a prompt. */
export interface ScoredToken {
  readonly token: number;
  readonly logprobs: TokenLogprobs | undefined;
  /** Where it begins in the choice's text, in Unicode characters. */
  readonly offset: number;
}

/**
 * The name of a token, different for every token: its text; `bytes:\xe2\x80` for bytes that are no whole
 * characters, as OpenAI writes them; `token_id:42` for an id without a token.
 */
export function tokenName(token: number, { vocabulary, asIds }: TokenNames): string {
  const bytes = asIds ? undefined : vocabulary.bytesOf(token);
  if (!bytes?.length) return `token_id:${token}`;
  // A decoder that throws would take ten times as long for bytes that are no characters.
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  return `bytes:${Array.from(bytes, escapeByte).join('')}`;
}

/** The tokens of a part of a completion in OpenAI's form. */
export function completionLogprobs(tokens: readonly ScoredToken[], names: TokenNames): CompletionLogprobs {
  return inLists(tokens.map((each) => namedToken(each, names)));
}

/** The same of many tokens, in turns. */
export async function manyCompletionLogprobs(
  tokens: readonly ScoredToken[],
  names: TokenNames,
): Promise<CompletionLogprobs> {
  return inLists(await mapInTurns(tokens, (each) => namedToken(each, names)));
}

/** A token with its entries of the four lists. */
interface NamedToken {
  readonly offset: number;
  readonly name: string;
  readonly logprob: number | null;
  readonly top: Record<string, number> | null;
}

function namedToken({ token, logprobs, offset }: ScoredToken, names: TokenNames): NamedToken {
  return {
    offset,
    name: tokenName(token, names),
    logprob: logprobs ? jsonOf(logprobs.logprob) : null,
    top: logprobs ? byName(logprobs, names) : null,
  };
}

function inLists(tokens: readonly NamedToken[]): CompletionLogprobs {
  return {
    text_offset: tokens.map(({ offset }) => offset),
    tokens: tokens.map(({ name }) => name),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) => top),
  };
}

function byName(row: TokenLogprobs, names: TokenNames): Record<string, number> {
  // Without a prototype it is a dictionary from the start: V8 would make a class of each row's names.
  const named: Record<string, number> = Object.create(null);
  for (const { token, logprob } of withToken(row)) named[tokenName(token, names)] = jsonOf(logprob);
  return named;
}

/** A token of a chat answer in OpenAI's form. */
export function chatLogprobs({ top, ...own }: TokenLogprobs, names: TokenNames): ChatTokenLogprobs {
  return { ...chatLogprob(own, names), top_logprobs: top.map((each) => chatLogprob(each, names)) };
}

/**
 * The tokens of a prompt in vLLM's form, by id, in turns.
 *
 * @param logprobs of each token but the first.
 */
export async function promptLogprobs(
  logprobs: readonly PromptTokenLogprobs[],
  names: TokenNames,
): Promise<(Record<string, PromptLogprob> | null)[]> {
  return [null, ...(await mapInTurns(logprobs, (each) => promptRow(each, names)))];
}

function promptRow(row: PromptTokenLogprobs, names: TokenNames): Record<string, PromptLogprob> {
  return Object.fromEntries(
    withToken(row).map(({ token, logprob }) => {
      const place = row.top.findIndex((each) => each.token === token);
      const rank = place < 0 ? row.rank : place + 1;
      return [token, { logprob: jsonOf(logprob), rank, decoded_token: tokenName(token, names) }];
    }),
  );
}

function chatLogprob({ token, logprob }: TokenLogprob, names: TokenNames): ChatLogprob {
  return {
    token: tokenName(token, names),
    logprob: jsonOf(logprob),
    bytes: [...names.vocabulary.bytesOf(token)],
  };
}

/** The most probable tokens, then the token itself if it is not one of them. */
function withToken({ token, logprob, top }: TokenLogprobs): readonly TokenLogprob[] {
  return top.some((each) => each.token === token) ? top : [...top, { token, logprob }];
}

function jsonOf(logprob: number): number {
  return Math.max(logprob, LEAST_LOGPROB);
}

function escapeByte(byte: number): string {
  const isPrintable = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
  return isPrintable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}
