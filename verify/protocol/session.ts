import { NoAnswerError, NotSupportedError, SubjectError } from '../errors.ts';
import { type AnswerEnvelope, answerProblem, ProtocolError, parseAnswerLine } from './answer-line.ts';
import { EngineProcess } from './engine-process.ts';
import {
  ANSWER_TYPES,
  type Answer,
  type AnswerOf,
  type RequestFields,
  type RequestType,
} from './messages.ts';
import { Slots } from './slots.ts';

export interface SessionOptions {
  /** Ends the program at once. */
  readonly signal?: AbortSignal;
  readonly maxLineBytes?: number;
}

export interface RequestOptions {
  /** What is asked for, in words: messages begin with it. */
  readonly asked: string;
  readonly limitMs: number;
  /** Stops waiting; the program goes on, and its answer is ignored. */
  readonly signal?: AbortSignal;
}

/** A request that has no answer yet. */
interface InFlight {
  readonly type: RequestType;
  readonly asked: string;
  readonly settle: (outcome: { answer: Answer } | { error: unknown }) => void;
}

/** Why a session has ended. */
interface Ending {
  /** `nonsense`: the program broke the protocol; `silence`: it ended, or was too slow. */
  readonly kind: 'nonsense' | 'silence' | 'aborted';
  readonly text: string;
}

/**
 * The judge's side of the protocol: requests to one program, whose answers come in any order. A program that
 * breaks the protocol, is too slow or ends leaves every request in flight without an answer and is not asked
 * again.
 */
export class EngineSession {
  readonly #process: EngineProcess;
  readonly #signal: AbortSignal | undefined;
  readonly #inFlight = new Map<string, InFlight>();
  /** Requests that were answered, in words, by their ids. */
  readonly #answered = new Map<string, string>();
  #slots = new Slots(1);
  #numRequests = 0;
  #ending: Ending | undefined;

  /** Starts the program. @param argv the program and its arguments; there is no shell between. */
  constructor(argv: readonly string[], { signal, maxLineBytes }: SessionOptions = {}) {
    this.#signal = signal;
    this.#process = new EngineProcess(argv, {
      maxLineBytes,
      onLine: (line) => this.#receive(line),
      onEnd: (how) => this.#onEnd(how),
    });
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
  }

  /** Requests that may be in flight at once; 1 until it is set, before any of them is. */
  set maxConcurrency(count: number) {
    this.#slots = new Slots(count);
  }

  /**
   * Asks the program, after waiting until fewer than `maxConcurrency` requests are in flight.
   *
   * @throws NotSupportedError if the answer is `skipped`.
   * @throws SubjectError if the answer is `error`, of another type, or not of its schema, or the protocol is
   * broken.
   * @throws NoAnswerError if the program ends, or does not answer within the limit.
   * @throws the reason of a signal that is aborted.
   */
  async request<Type extends RequestType>(
    type: Type,
    fields: RequestFields[Type],
    options: RequestOptions,
  ): Promise<AnswerOf<Type>> {
    const { asked, signal } = options;
    const slots = this.#slots;
    await slots.acquire(signal);
    if (this.#ending || signal?.aborted) {
      slots.release();
      throw this.#ending ? this.#errorFor(asked, this.#ending, 'was not asked: ') : signal?.reason;
    }
    const id = `r${++this.#numRequests}`;
    const answer = await this.#exchange(
      id,
      { type, ...options },
      JSON.stringify({ type, id, ...fields }),
      slots,
    );
    if (answer.type === ANSWER_TYPES[type]) return answer as AnswerOf<Type>;
    if (answer.type === 'skipped') throw new NotSupportedError(`${asked}: skipped: ${answer.reason}`);
    if (answer.type === 'error') throw new SubjectError(`${asked}: the engine answers: ${answer.message}`);
    throw new SubjectError(
      `${asked}: the answer is ${answer.type}; expected ${ANSWER_TYPES[type]}, skipped or error`,
    );
  }

  /**
   * Ends the program: in order if it has nothing left to answer, else at once.
   *
   * @param graceMs how long it may take to end in order.
   */
  async close(graceMs: number): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#inFlight.size > 0 || this.#ending) {
      this.#fail({ kind: 'silence', text: 'the session was closed' });
      await this.#process.kill();
      return;
    }
    this.#ending = { kind: 'silence', text: 'the session is closed' };
    await this.#process.send(JSON.stringify({ type: 'stop', id: `r${++this.#numRequests}` }));
    await this.#process.stop(graceMs);
  }

  /** The slot is given back when the program has answered, however early the caller stops waiting. */
  #exchange(
    id: string,
    { type, asked, limitMs, signal }: RequestOptions & { type: RequestType },
    line: string,
    slots: Slots,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        const text = `${asked} took longer than its time limit of ${limitMs / 1000} s and the program was ended (is standard output flushed after each line?)`;
        this.#fail({ kind: 'silence', text });
      }, limitMs);
      const abandon = () => reject(signal?.reason);
      signal?.addEventListener('abort', abandon, { once: true });
      const settle: InFlight['settle'] = (outcome) => {
        clearTimeout(limit);
        signal?.removeEventListener('abort', abandon);
        this.#inFlight.delete(id);
        this.#answered.set(id, asked);
        slots.release();
        if ('answer' in outcome) resolve(outcome.answer);
        else reject(outcome.error);
      };
      this.#inFlight.set(id, { type, asked, settle });
      void this.#process.send(line);
    });
  }

  #receive(line: string): void {
    if (this.#ending || line.trim() === '') return;
    try {
      const message = parseAnswerLine(line);
      const { settle, asked } = this.#requestOf(message);
      const problem = answerProblem(message);
      if (problem === undefined) settle({ answer: message as Answer });
      else settle({ error: new SubjectError(`${asked}: ${problem}`) });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail({ kind: 'nonsense', text: error.message });
    }
  }

  /** @throws ProtocolError if no such request is in flight. */
  #requestOf({ type, id }: AnswerEnvelope): InFlight {
    const request = this.#inFlight.get(id);
    if (request) return request;
    const before = this.#answered.get(id);
    if (before !== undefined) throw new ProtocolError(`${before} ("${id}") was answered a second time`);
    const ids = [...this.#inFlight.keys()].join(', ') || 'nothing';
    throw new ProtocolError(`a message ${type} answers "${id}", which was never asked; in flight: ${ids}`);
  }

  /** Ends the program; requests in flight are rejected when it has ended, and standard error has arrived. */
  #fail(ending: Ending): void {
    if (this.#ending) return;
    this.#ending = ending;
    void this.#process.kill();
  }

  #onEnd(how: string): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#ending ??= { kind: 'silence', text: how };
    const ending = this.#ending;
    const prefix = ending.kind === 'nonsense' ? '' : 'no answer: ';
    for (const { asked, settle } of [...this.#inFlight.values()]) {
      settle({ error: this.#errorFor(asked, ending, prefix) });
    }
  }

  readonly #onAbort = (): void => this.#fail({ kind: 'aborted', text: 'it was aborted' });

  #errorFor(asked: string, { kind, text }: Ending, prefix: string): unknown {
    if (kind === 'aborted') return this.#signal?.reason;
    const tail = this.#process.stderrTail.map((line) => `\n  | ${line}`).join('');
    const message = `${asked}: ${prefix}${text}${tail === '' ? '' : `; standard error ends:${tail}`}`;
    const isNonsense = kind === 'nonsense' && prefix === '';
    return isNonsense ? new SubjectError(message) : new NoAnswerError(message);
  }
}
