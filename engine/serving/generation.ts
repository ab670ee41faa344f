import type { TextStream } from '../text/stream.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { CheckedRequest } from './check-request.ts';
import { Fingerprint } from './fingerprint.ts';
import { type PromptTokenLogprobs, rankOf, type TokenLogprobs, tokenLogprobs } from './logprobs.ts';
import { PromptLookup } from './prompt-lookup.ts';
import type { FinishReason, GenerateResult, TokenEvent } from './requests.ts';
import { type SamplingScratch, TokenSampler } from './sampler.ts';
import type { SamplingParams } from './sampling-params.ts';
import { Sequence } from './sequence.ts';
import { StopStrings } from './stop-strings.ts';

/** What all samples of a request share. */
export interface GenerationContext extends CheckedRequest {
  /** Index of the request in its call of `Engine.generate`. */
  readonly index: number;
  readonly tokenizer: Pick<Tokenizer, 'createStream'> | undefined;
  readonly scratch: SamplingScratch;
  /** The most tokens of a draft. Default 0: none. */
  readonly promptLookup?: number;
  /** When the request arrived, in ms of `performance.now()`. */
  readonly begun: number;
  /** Tokens of the prompt that were found in the prefix cache; undefined before its first step. */
  cachedTokens?: number;
  /** Those of each prompt token but the first. The first sample fills the array. */
  readonly promptLogprobs: PromptTokenLogprobs[];
}

/** One unfinished sample of a request: turns logits into tokens, text, log-probabilities and a result. */
export class Generation {
  readonly context: GenerationContext;
  readonly sample: number;
  readonly sequence: Sequence<SamplingParams>;
  finishReason: FinishReason | undefined;
  readonly #sampler: TokenSampler;
  readonly #fingerprint = new Fingerprint();
  readonly #stream: TextStream | undefined;
  readonly #stopStrings: StopStrings;
  readonly #stopIds: ReadonlySet<number>;
  readonly #promptLookup: PromptLookup | undefined;
  readonly #logprobs: TokenLogprobs[] = [];
  #text = '';
  #firstToken = 0;

  constructor(context: GenerationContext, sequenceId: number, sample: number) {
    const { params, ids, scratch, tokenizer, cacheSalt, skipSpecialTokens, promptLookup = 0 } = context;
    this.context = context;
    this.sample = sample;
    this.sequence = new Sequence(sequenceId, params, ids, cacheSalt);
    this.#sampler = new TokenSampler(params, ids, sample, scratch);
    this.#stream = tokenizer?.createStream({ skipSpecialTokens });
    this.#stopStrings = new StopStrings(params.stop);
    this.#stopIds = new Set(params.stopIds);
    this.#promptLookup = promptLookup > 0 ? new PromptLookup(promptLookup, ids.length) : undefined;
  }

  /** Records how much of the prompt was cached, when the sequence is computed for the first time. */
  begin(): void {
    this.context.cachedTokens ??= this.sequence.numComputedTokens;
  }

  /**
   * Computes the log-probabilities of the prompt's next token.
   *
   * @param position of the prompt, not its last.
   * @param logits f32 [vocabSize] at that position, valid only during the call.
   */
  addPromptLogprobs(position: number, logits: Float32Array): void {
    const { params, scratch, ids, promptLogprobs } = this.context;
    // By position, because a preempted prompt is computed again.
    const token = ids[position + 1];
    const scored = tokenLogprobs(logits, token, params.promptLogprobs!, scratch.sorting);
    promptLogprobs[position] = { ...scored, rank: rankOf(logits, token) };
  }

  /**
   * Drafts tokens that may come next.
   *
   * @param most tokens that there is room for.
   */
  draft(most: number): number[] {
    const { numNewTokens, tokens } = this.sequence;
    // The last token of a request is not computed.
    const left = this.context.maxNewTokens - numNewTokens - 1;
    return this.#promptLookup?.propose(tokens, Math.min(most, left)) ?? [];
  }

  /** Records what became of a draft token that was computed. */
  recordDraft(isAccepted: boolean): void {
    this.#promptLookup?.record(isAccepted);
  }

  /**
   * Samples the next token, and sets `finishReason` if it is the last.
   *
   * @param logits f32 [vocabSize], valid only during the call.
   * @param largest as {@link TokenSampler.sample} takes it.
   * @returns undefined if `maxNewTokens` is 0: then only the prompt's log-probabilities are computed.
   */
  sampleToken(logits: Float32Array, largest?: number): TokenEvent | undefined {
    const { index, maxNewTokens, returnLogits } = this.context;
    if (maxNewTokens === 0) {
      this.finishReason = 'length';
      return undefined;
    }
    if (this.sequence.numNewTokens === 0) this.#firstToken = performance.now();
    this.#fingerprint.add(logits);
    const { token, logprobs } = this.#sampler.sample(logits, largest);
    if (logprobs) this.#logprobs.push(logprobs);
    this.sequence.append(token);
    const isStop = this.#stopIds.has(token);
    let text = isStop || !this.#stream ? '' : this.#stopStrings.push(this.#stream.push(token));
    if (isStop || this.#stopStrings.found !== undefined) this.finishReason = 'stop';
    else if (this.sequence.numNewTokens === maxNewTokens) this.finishReason = 'length';
    if (this.finishReason) text += this.#endOfText();
    this.#text += text;
    return {
      type: 'token',
      request: index,
      sample: this.sample,
      token,
      text: this.#stream ? text : undefined,
      logprobs,
      logits: returnLogits ? logits.slice() : undefined,
    };
  }

  /** @param finishReason `abort` if it ends early. */
  result(finishReason: FinishReason): GenerateResult {
    if (finishReason === 'abort') this.#text += this.#endOfText();
    const { params, ids, begun, cachedTokens = 0 } = this.context;
    const now = performance.now();
    const firstToken = this.#firstToken || now;
    return {
      promptTokens: ids.length,
      cachedTokens,
      tokens: this.sequence.tokens.slice(ids.length),
      text: this.#stream ? this.#text : undefined,
      finishReason,
      stopReason: this.#stopReason(finishReason),
      fingerprint: this.#fingerprint.digest(),
      logprobs: params.logprobs === undefined ? undefined : this.#logprobs,
      promptLogprobs: params.promptLogprobs === undefined ? undefined : [...this.context.promptLogprobs],
      ...(this.#promptLookup && { promptLookup: { ...this.#promptLookup.counts } }),
      timing: { prefillMs: firstToken - begun, decodeMs: now - firstToken },
    };
  }

  #stopReason(finishReason: FinishReason): number | string | undefined {
    if (finishReason !== 'stop') return undefined;
    const { stopTokenIds } = this.context.params;
    const last = this.sequence.tokens.at(-1)!;
    return stopTokenIds.includes(last) ? last : this.#stopStrings.found;
  }

  /** Text that was held back: half a character, or the beginning of a possible stop string. */
  #endOfText(): string {
    return this.#stream ? this.#stopStrings.push(this.#stream.end()) + this.#stopStrings.end() : '';
  }
}
