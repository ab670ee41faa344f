import { logSumExp } from '../../../golden/tolerance.ts';
import type { SubjectModel } from '../../../verify/subject.ts';

/** A token and its natural log-probability. */
export interface Scored {
  readonly id: number;
  readonly logprob: number;
}

/** What servers turn into text and back. */
export interface ServedText {
  encode(text: string): number[];
  /** The text of one token. */
  pieceOf(id: number): string;
  /** The prompt of a conversation. */
  render(messages: readonly object[], options: RenderRequest): string;
}

export interface RenderRequest {
  readonly tools?: readonly object[];
  readonly enableThinking?: boolean;
  readonly addGenerationPrompt: boolean;
}

/** How scores are made of logits. */
export interface ScoreOptions {
  /** The likeliest tokens of a row. */
  readonly top: number;
  /** Logits are divided by it. Default 1. */
  readonly temperature?: number;
}

/**
 * A model as a server uses it: rows of log-probabilities in float64 of any model whose subject shows all
 * logits.
 */
export class ServedModel {
  readonly name: string;
  readonly eosTokenId: number;
  readonly #model: SubjectModel;
  readonly #text: ServedText | undefined;

  constructor(model: SubjectModel, options: { name: string; eosTokenId: number; text?: ServedText }) {
    this.name = options.name;
    this.eosTokenId = options.eosTokenId;
    this.#model = model;
    this.#text = options.text;
  }

  /** @throws Error if the model has no tokenizer. */
  get text(): ServedText {
    if (!this.#text) throw new Error(`${this.name} is served without a tokenizer`);
    return this.#text;
  }

  /** The text of a token; `<id>` of a model without a tokenizer. */
  pieceOf(id: number): string {
    return this.#text?.pieceOf(id) ?? `<${id}>`;
  }

  /** The rows of all positions of a prompt. */
  async promptRows(
    ids: readonly number[],
    top: number,
  ): Promise<{ likeliest: Scored[]; logprobs: Float64Array }[]> {
    const { rows } = await this.#model.forward({ ids, positions: [...ids.keys()] });
    return rows.map(({ values }) => {
      const logprobs = logProbabilities(values, 1);
      return { likeliest: likeliest(logprobs, top), logprobs };
    });
  }

  /**
   * The likeliest tokens, always: tests ask for other sampling only to see its scores.
   *
   * @param stops whether the end-of-sequence token, which is then the last, ends the continuation.
   */
  async generate(
    ids: readonly number[],
    { maxNewTokens, stops, top, temperature = 1 }: ScoreOptions & { maxNewTokens: number; stops: boolean },
  ): Promise<{ tokens: number[]; rows: Scored[][]; isStopped: boolean }> {
    const { tokens, scores = [] } = await this.#model.generate({ ids, maxNewTokens });
    const end = stops ? tokens.indexOf(this.eosTokenId) : -1;
    const length = end < 0 ? tokens.length : end + 1;
    return {
      tokens: tokens.slice(0, length),
      rows: scores
        .slice(0, length)
        .map(({ values }) => likeliest(logProbabilities(values, temperature), top)),
      isStopped: end >= 0,
    };
  }
}

function logProbabilities(logits: Float32Array, temperature: number): Float64Array {
  // In place and without iterators: a vocabulary has 151,936 tokens, and a server many rows.
  const row = new Float64Array(logits);
  for (let id = 0; id < row.length; id++) row[id] /= temperature;
  const sum = logSumExp(row);
  for (let id = 0; id < row.length; id++) row[id] -= sum;
  return row;
}

/** The n likeliest tokens, the likeliest first, of equal ones the lower id. */
function likeliest(logprobs: Float64Array, n: number): Scored[] {
  const best: Scored[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logprobs.length; id++) {
    const logprob = logprobs[id];
    if (best.length === n && logprob <= last) continue;
    const at = best.findIndex((each) => each.logprob < logprob);
    best.splice(at < 0 ? best.length : at, 0, { id, logprob });
    if (best.length > n) best.pop();
    last = best[best.length - 1]?.logprob ?? Number.POSITIVE_INFINITY;
  }
  return best;
}
