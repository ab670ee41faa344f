import type { GenerateEvent, GenerateResult, ResultEvent, TokenEvent } from '../serving/requests.ts';

/** What {@link AnswerPrinter} takes. */
export interface AnswerPrinterOptions {
  /** The name that begins errors of each request, and its number of samples. */
  requests: readonly { name: string; n?: number }[];
  /** Whether each sample is printed as a line of JSON instead of its text. */
  json: boolean;
  print(text: string): void;
  printError(line: string): void;
}

/** The output of one sample, which waits until the samples before it are complete. */
interface Slot {
  /** Its text until now, printed or not. */
  text: string;
  /** What is not yet printed. */
  pending: string;
  error: string | undefined;
  isDone: boolean;
}

/**
 * Prints results in the order of the requests, whatever order they finish in. Tokens of the first unfinished
 * sample are printed as they are generated; later samples wait for it.
 */
export class AnswerPrinter {
  readonly #options: AnswerPrinterOptions;
  /** Indexed by request, then by sample. */
  readonly #slots: readonly (readonly Slot[])[];
  readonly #order: readonly Slot[];
  #turn = 0;
  #numDone = 0;
  #numFailed = 0;

  constructor(options: AnswerPrinterOptions) {
    this.#options = options;
    this.#slots = options.requests.map(({ n = 1 }) => Array.from({ length: n }, createSlot));
    this.#order = this.#slots.flat();
  }

  /** Samples of all requests. */
  get numSamples(): number {
    return this.#order.length;
  }

  get numDone(): number {
    return this.#numDone;
  }

  /** Requests that ended in an error. */
  get numFailed(): number {
    return this.#numFailed;
  }

  take(event: GenerateEvent): void {
    if (event.type === 'token') this.#addToken(event);
    else if (event.type === 'result') this.#finish(event);
    else this.#fail(event.request, event.error);
    while (this.#turn < this.#order.length) {
      const slot = this.#order[this.#turn];
      this.#print(slot);
      if (!slot.isDone) break;
      this.#turn++;
    }
  }

  /** Prints what still waits: after an interrupt, samples that never started precede others that did. */
  end(): void {
    for (const slot of this.#order.slice(this.#turn)) this.#print(slot);
  }

  #addToken({ request, sample, token, text }: TokenEvent): void {
    if (this.#options.json) return;
    const slot = this.#slots[request][sample];
    // Without a tokenizer, ids are printed as numbers separated by spaces.
    const piece = text ?? `${slot.text === '' ? '' : ' '}${token}`;
    slot.text += piece;
    slot.pending += piece;
  }

  #finish({ request, sample, result }: ResultEvent): void {
    const slot = this.#slots[request][sample];
    slot.isDone = true;
    this.#numDone++;
    // Cancelled before its first token: nothing to print.
    if (result.finishReason === 'abort' && result.tokens.length === 0) return;
    if (this.#options.json) slot.pending = toLine(request, sample, result);
    else slot.pending += `${(result.text ?? result.tokens.join(' ')).slice(slot.text.length)}\n`;
  }

  #fail(request: number, { message }: Error): void {
    const [first] = this.#slots[request];
    if (this.#options.json) first.pending = `${JSON.stringify({ index: request, error: message })}\n`;
    else first.error = `${this.#options.requests[request].name}: ${message}`;
    for (const slot of this.#slots[request]) slot.isDone = true;
    this.#numDone += this.#slots[request].length;
    this.#numFailed++;
  }

  #print(slot: Slot): void {
    if (slot.pending !== '') this.#options.print(slot.pending);
    slot.pending = '';
    if (slot.error !== undefined) this.#options.printError(slot.error);
  }
}

function createSlot(): Slot {
  return { text: '', pending: '', error: undefined, isDone: false };
}

/**
 * A line of JSON with the keys in documented order, without log-probabilities that were not requested, and
 * without a stop reason where no stop string or token was met.
 */
function toLine(index: number, sample: number, result: GenerateResult): string {
  const { promptTokens, cachedTokens, tokens, text = null, finishReason, stopReason } = result;
  const { fingerprint, logprobs, promptLogprobs, promptLookup, timing } = result;
  return `${JSON.stringify({
    ...{ index, sample, promptTokens, cachedTokens, tokens, text, finishReason, stopReason },
    ...{ fingerprint, logprobs, promptLogprobs, promptLookup, timing },
  })}\n`;
}
