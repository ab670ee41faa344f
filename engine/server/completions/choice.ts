import type { TokenLogprobs } from '../../serving/logprobs.ts';
import type { GenerateResult, TokenEvent } from '../../serving/requests.ts';
import type { ServedVocabulary } from '../context.ts';
import {
  type CompletionLogprobs,
  completionLogprobs,
  manyCompletionLogprobs,
  type PromptLogprob,
  promptLogprobs,
  type ScoredToken,
} from '../logprob-shapes.ts';
import type { CompletionRequest } from './request.ts';
import { TextOffsets } from './text-offsets.ts';

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
  #hasPromptIds = false;
  #offsets: TextOffsets;

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
    this.#offsets = new TextOffsets(this.#shownBytes);
  }

  /** The echoed prompt. @param logprobs of its tokens but the first, if the request has `logprobs`. */
  async prompt(logprobs: readonly TokenLogprobs[] | undefined): Promise<CompletionChoice> {
    const { text, tokens } = this.#echo(logprobs);
    return this.#part(text, await this.#many(tokens), []);
  }

  /** The part that a token adds. */
  token({ token, text, logprobs }: TokenEvent): CompletionChoice {
    const tokens = this.#score([token], logprobs && [logprobs]);
    const shown = this.#hasLogprobs ? completionLogprobs(tokens, this.#names) : null;
    return this.#part(text ?? '', shown, [token]);
  }

  /** The last part. */
  end(result: GenerateResult): CompletionChoice {
    return { ...this.#part('', null, []), ...endOf(result) };
  }

  async whole(result: GenerateResult): Promise<CompletionChoice> {
    const echo = this.#request.echo ? this.#echo(result.promptLogprobs) : { text: '', tokens: [] };
    const tokens = this.#score(result.tokens, result.logprobs);
    const { promptLogprobs: top } = this.#request;
    const logprobs = await this.#many([...echo.tokens, ...tokens]);
    return {
      ...this.#part(echo.text + (result.text ?? ''), logprobs, result.tokens),
      ...(top !== undefined && {
        prompt_logprobs: await promptLogprobs((result.promptLogprobs ?? []).map(upTo(top)), this.#names),
      }),
      ...endOf(result),
    };
  }

  get #names() {
    return { vocabulary: this.#vocabulary, asIds: this.#request.asIds };
  }

  get #hasLogprobs(): boolean {
    return this.#request.logprobs !== undefined;
  }

  async #many(tokens: readonly ScoredToken[]): Promise<CompletionLogprobs | null> {
    return this.#hasLogprobs ? await manyCompletionLogprobs(tokens, this.#names) : null;
  }

  /** @param ids generated tokens of the part. */
  #part(text: string, logprobs: CompletionLogprobs | null, ids: readonly number[]): CompletionChoice {
    const { returnTokenIds } = this.#request;
    const showsPromptIds = returnTokenIds && !this.#hasPromptIds;
    this.#hasPromptIds = true;
    this.numTokens += ids.length;
    return {
      index: this.#index,
      text,
      logprobs,
      finish_reason: null,
      stop_reason: null,
      ...(returnTokenIds && { token_ids: ids }),
      ...(showsPromptIds && { prompt_token_ids: this.ids }),
    };
  }

  /** The prompt as the model reads it: special tokens are a part of it. */
  #echo(logprobs: readonly TokenLogprobs[] | undefined): { text: string; tokens: ScoredToken[] } {
    const offsets = new TextOffsets((id) => this.#vocabulary.bytesOf(id));
    const pieces: string[] = [];
    const tokens = this.ids.map((token, i) => {
      const { offset, text } = offsets.push(token);
      pieces.push(text);
      return { token, offset, logprobs: i === 0 ? undefined : this.#cut(logprobs?.[i - 1]) };
    });
    pieces.push(offsets.end());
    this.#offsets = new TextOffsets(this.#shownBytes, offsets.length);
    return { text: pieces.join(''), tokens };
  }

  /** @returns nothing if the request has no `logprobs`. */
  #score(tokens: readonly number[], logprobs: readonly TokenLogprobs[] | undefined): ScoredToken[] {
    if (!logprobs) return [];
    return tokens.map((token, i) => {
      return { token, offset: this.#offsets.push(token).offset, logprobs: this.#cut(logprobs[i]) };
    });
  }

  /** What a generated token adds to the text. */
  #shownBytes = (id: number): Uint8Array =>
    this.#request.skipSpecialTokens && this.#vocabulary.isSpecial(id)
      ? NO_BYTES
      : this.#vocabulary.bytesOf(id);

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
function upTo(top: number): <Row extends TokenLogprobs>(row: Row) => Row {
  return (row) => ({ ...row, top: row.top.slice(0, top) });
}
