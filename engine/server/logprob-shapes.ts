import type { PromptTokenLogprobs, TokenLogprob, TokenLogprobs } from '../serving/logprobs.ts';
import type { ServedVocabulary } from './context.ts';

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

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The name of a token, different for every token: its text; `bytes:\xe2\x80` for bytes that are no whole
 * characters, as OpenAI writes them; `token_id:42` for an id without a token.
 */
export function tokenName(token: number, { vocabulary, asIds }: TokenNames): string {
  const bytes = asIds ? [] : vocabulary.bytesOf(token);
  if (bytes.length === 0) return `token_id:${token}`;
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    return `bytes:${Array.from(bytes, escapeByte).join('')}`;
  }
}

/** The tokens of a completion in OpenAI's form. */
export function completionLogprobs(tokens: readonly ScoredToken[], names: TokenNames): CompletionLogprobs {
  return {
    text_offset: tokens.map(({ offset }) => offset),
    tokens: tokens.map(({ token }) => tokenName(token, names)),
    token_logprobs: tokens.map(({ logprobs }) => (logprobs ? jsonOf(logprobs.logprob) : null)),
    top_logprobs: tokens.map(({ logprobs }) =>
      logprobs
        ? Object.fromEntries(
            withToken(logprobs).map(({ token, logprob }) => [tokenName(token, names), jsonOf(logprob)]),
          )
        : null,
    ),
  };
}

/** A token of a chat answer in OpenAI's form. */
export function chatLogprobs({ top, ...own }: TokenLogprobs, names: TokenNames): ChatTokenLogprobs {
  return { ...chatLogprob(own, names), top_logprobs: top.map((each) => chatLogprob(each, names)) };
}

/**
 * The tokens of a prompt in vLLM's form, by id.
 *
 * @param logprobs of each token but the first.
 */
export function promptLogprobs(
  logprobs: readonly PromptTokenLogprobs[],
  names: TokenNames,
): (Record<string, PromptLogprob> | null)[] {
  return [null, ...logprobs.map((each) => promptRow(each, names))];
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
