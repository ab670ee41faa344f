import type { GenerateEvent, GenerateResult, ResultEvent, TokenEvent } from '../serving/requests.ts';

/** What {@link AnswerPrinter} is given beside the events. */
export interface AnswerPrinterOptions {
  /** How errors call each request, and how many samples it has. */
  requests: readonly { name: string; n?: number }[];
  /** A line of JSON for each sample instead of its text. */
  json: boolean;
  print(text: string): void;
  printError(line: string): void;
}

/** Where one sample's output waits for its turn. */
interface Slot {
  /** Of its text, including what has been printed. */
  told: string;
  waiting: string;
  error: string | undefined;
  isDone: boolean;
}

/**
 * Prints what becomes of requests in the order they were given in, though they end in any: the first that is not
 * finished as its tokens come, those after it when their turn is.
 */
export class AnswerPrinter {
  readonly #options: AnswerPrinterOptions;
  /** By request, then by sample. */
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

  /** Prints what still waits; after an interrupt, samples that never began stand before others that did. */
  end(): void {
    for (const slot of this.#order.slice(this.#turn)) this.#print(slot);
  }

  #addToken({ request, sample, token, text }: TokenEvent): void {
    if (this.#options.json) return;
    const slot = this.#slots[request][sample];
    // Where there is no tokenizer, ids are written as numbers with a space between.
    const piece = text ?? `${slot.told === '' ? '' : ' '}${token}`;
    slot.told += piece;
    slot.waiting += piece;
  }

  #finish({ request, sample, result }: ResultEvent): void {
    const slot = this.#slots[request][sample];
    slot.isDone = true;
    this.#numDone++;
    // Nothing was begun, so there is nothing to be told.
    if (result.finishReason === 'abort' && result.tokens.length === 0) return;
    if (this.#options.json) slot.waiting = toLine(request, sample, result);
    else slot.waiting += `${(result.text ?? result.tokens.join(' ')).slice(slot.told.length)}\n`;
  }

  #fail(request: number, { message }: Error): void {
    const [first] = this.#slots[request];
    if (this.#options.json) first.waiting = `${JSON.stringify({ index: request, error: message })}\n`;
    else first.error = `${this.#options.requests[request].name}: ${message}`;
    for (const slot of this.#slots[request]) slot.isDone = true;
    this.#numDone += this.#slots[request].length;
    this.#numFailed++;
  }

  #print(slot: Slot): void {
    if (slot.waiting !== '') this.#options.print(slot.waiting);
    slot.waiting = '';
    if (slot.error !== undefined) this.#options.printError(slot.error);
  }
}

function createSlot(): Slot {
  return { told: '', waiting: '', error: undefined, isDone: false };
}

/** The keys in the order that the documentation gives; those that were not asked for are left out. */
function toLine(index: number, sample: number, result: GenerateResult): string {
  const { promptTokens, cachedTokens, tokens, text = null, finishReason, fingerprint } = result;
  const { logprobs, promptLogprobs, timing } = result;
  return `${JSON.stringify({
    ...{ index, sample, promptTokens, cachedTokens, tokens, text, finishReason, fingerprint },
    ...{ logprobs, promptLogprobs, timing },
  })}\n`;
}
