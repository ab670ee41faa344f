import type { TokenLogprobs } from '../../serving/logprobs.ts';
import type { GenerateResult, TokenEvent } from '../../serving/requests.ts';
import { createTextStream, type TextStream } from '../../text/stream.ts';
import type { ServedVocabulary } from '../context.ts';
import {
  type CompletionLogprobs,
  completionLogprobs,
  type PromptLogprob,
  promptLogprobs,
  type ScoredToken,
} from '../logprob-shapes.ts';
import type { CompletionRequest } from './request.ts';

/** A choice in the form of OpenAI's completions with vLLM's fields: whole, or a part of a stream. */
export interface CompletionChoice {
  index: number;
  text: string;
  logprobs: CompletionLogprobs | null;
  finish_reason: 'stop' | 'length' | null;
  /** The stop token or string that ended it, if the request gave it. */
  stop_reason: number | string | null;
  token_ids?: readonly number[];
  prompt_token_ids?: readonly number[];
  prompt_logprobs?: (Record<string, PromptLogprob> | null)[];
  /** SHA-256 over the logits of every token, as `plumbline generate` prints it. */
  fingerprint?: string;
}

const NO_BYTES = new Uint8Array();

/** Writes one sample of a prompt, in parts or whole. */
export class Choice {
  /** Generated tokens so far. */
  numTokens = 0;
  readonly ids: readonly number[];
  readonly #index: number;
  readonly #request: CompletionRequest;
  readonly #vocabulary: ServedVocabulary;
  readonly #stream: TextStream;
  #hasPromptIds = false;
  /** Characters of the text before the next token. */
  #offset = 0;

  /** @param ids of the prompt. */
  constructor(
    index: number,
    ids: readonly number[],
    request: CompletionRequest,
    vocabulary: ServedVocabulary,
  ) {
    this.ids = ids;
    this.#index = index;
    this.#request = request;
    this.#vocabulary = vocabulary;
    this.#stream = createTextStream((id) =>
      request.skipSpecialTokens && vocabulary.isSpecial(id) ? NO_BYTES : vocabulary.bytesOf(id),
    );
  }

  /** The echoed prompt. @param logprobs of each of its tokens but the first, if the request has `logprobs`. */
  prompt(logprobs: readonly TokenLogprobs[] | undefined): CompletionChoice {
    const { text, tokens } = this.#echo(logprobs);
    return this.#part(text, tokens, []);
  }

  /** The part that a token adds. */
  token({ token, text, logprobs }: TokenEvent): CompletionChoice {
    return this.#part(text ?? '', [this.#score(token, logprobs)], [token]);
  }

  /** The last part. */
  end(result: GenerateResult): CompletionChoice {
    return { ...this.#part('', [], []), ...endOf(result), logprobs: null };
  }

  whole(result: GenerateResult): CompletionChoice {
    const echo = this.#request.echo ? this.#echo(result.promptLogprobs) : { text: '', tokens: [] };
    const tokens = result.tokens.map((token, i) => this.#score(token, result.logprobs?.[i]));
    const { promptLogprobs: top } = this.#request;
    return {
      ...this.#part(echo.text + (result.text ?? ''), [...echo.tokens, ...tokens], result.tokens),
      ...(top !== undefined && {
        prompt_logprobs: promptLogprobs((result.promptLogprobs ?? []).map(upTo(top)), this.#names),
      }),
      ...endOf(result),
    };
  }

  get #names() {
    return { vocabulary: this.#vocabulary, asIds: this.#request.asIds };
  }

  /** @param ids generated tokens of the part. */
  #part(text: string, tokens: readonly ScoredToken[], ids: readonly number[]): CompletionChoice {
    const { logprobs, returnTokenIds } = this.#request;
    const showsPromptIds = returnTokenIds && !this.#hasPromptIds;
    this.#hasPromptIds = true;
    this.numTokens += ids.length;
    return {
      index: this.#index,
      text,
      logprobs: logprobs === undefined ? null : completionLogprobs(tokens, this.#names),
      finish_reason: null,
      stop_reason: null,
      ...(returnTokenIds && { token_ids: ids }),
      ...(showsPromptIds && { prompt_token_ids: this.ids }),
    };
  }

  /** The prompt as the model reads it: special tokens are a part of it. */
  #echo(logprobs: readonly TokenLogprobs[] | undefined): { text: string; tokens: ScoredToken[] } {
    const stream = createTextStream((id) => this.#vocabulary.bytesOf(id));
    let text = '';
    const tokens = this.ids.map((token, i) => {
      const offset = this.#offset;
      const piece = stream.push(token);
      text += piece;
      this.#offset += countCharacters(piece);
      return { token, offset, logprobs: i === 0 ? undefined : this.#cut(logprobs?.[i - 1]) };
    });
    const rest = stream.end();
    this.#offset += countCharacters(rest);
    return { text: text + rest, tokens };
  }

  #score(token: number, logprobs: TokenLogprobs | undefined): ScoredToken {
    const offset = this.#offset;
    this.#offset += countCharacters(this.#stream.push(token));
    return { token, offset, logprobs: this.#cut(logprobs) };
  }

  #cut(logprobs: TokenLogprobs | undefined): TokenLogprobs | undefined {
    return logprobs && upTo(this.#request.logprobs ?? 0)(logprobs);
  }
}

function endOf({ finishReason, stopReason, fingerprint }: GenerateResult) {
  return {
    finish_reason: finishReason === 'stop' ? ('stop' as const) : ('length' as const),
    stop_reason: stopReason ?? null,
    fingerprint,
  };
}

/** A row may have more of the most probable tokens, for another list of the same answer. */
function upTo(top: number): (row: TokenLogprobs) => TokenLogprobs {
  return (row) => ({ ...row, top: row.top.slice(0, top) });
}

/** Unicode characters, not UTF-16 units. */
function countCharacters(text: string): number {
  return [...text].length;
}
