import { Generation, type GenerationContext } from './generation.ts';
import type { FinishReason, GenerateEvent } from './requests.ts';

/** Events that a slow caller has not taken, at most; beyond them its sequences pause. */
const MAX_QUEUED_EVENTS = 256;

/** One call of `Engine.generate`. */
export interface RequestStream {
  /** Events that the caller has not taken yet. */
  readonly events: GenerateEvent[];
  /** Unfinished samples of the caller's requests. */
  readonly generations: Set<Generation>;
}

/**
 * Keeps the unfinished generations of all callers, and passes what they produce to the caller that each
 * belongs to.
 */
export class RequestTracker {
  readonly #streams = new Map<Generation, RequestStream>();
  #numSequences = 0;

  /** A caller without requests. */
  createStream(): RequestStream {
    return { events: [], generations: new Set() };
  }

  /** Makes the first sample of a request. */
  start(context: GenerationContext, stream: RequestStream): Generation {
    const first = this.#create(context, 0);
    this.#track(first, stream);
    return first;
  }

  /**
   * Makes the other samples of a request: all, or none if one cannot be made.
   *
   * @param first its first sample.
   */
  fork(first: Generation): Generation[] {
    const stream = this.#streamOf(first);
    const { context } = first;
    const others = Array.from({ length: context.params.n - 1 }, (_, i) => this.#create(context, i + 1));
    for (const other of others) this.#track(other, stream);
    return others;
  }

  has(generation: Generation): boolean {
    return this.#streams.has(generation);
  }

  /** All unfinished generations. */
  get generations(): Generation[] {
    return [...this.#streams.keys()];
  }

  /** The unfinished samples of a generation's request, itself included. */
  samplesOf({ context }: Generation): Generation[] {
    return this.generations.filter((generation) => generation.context === context);
  }

  /** Pauses the generations of callers that take their events too slowly, and resumes all others. */
  pauseSlow(): void {
    for (const [{ sequence }, { events }] of this.#streams) {
      sequence.paused = events.length >= MAX_QUEUED_EVENTS;
    }
  }

  /** Adds an event to those of the generation's caller. */
  push(generation: Generation, event: GenerateEvent): void {
    this.#streamOf(generation).events.push(event);
  }

  /** Adds the result to the events of the generation's caller, and removes the generation. */
  finish(generation: Generation, finishReason: FinishReason): void {
    const { context, sample } = generation;
    const result = generation.result(finishReason);
    this.push(generation, { type: 'result', request: context.index, sample, result });
    this.remove(generation);
  }

  /** Removes a generation without a result. */
  remove(generation: Generation): void {
    this.#streamOf(generation).generations.delete(generation);
    this.#streams.delete(generation);
  }

  #create(context: GenerationContext, sample: number): Generation {
    return new Generation(context, this.#numSequences++, sample);
  }

  #track(generation: Generation, stream: RequestStream): void {
    stream.generations.add(generation);
    this.#streams.set(generation, stream);
  }

  #streamOf(generation: Generation): RequestStream {
    const stream = this.#streams.get(generation);
    if (!stream) throw new RangeError(`sequence ${generation.sequence.id} is not tracked`);
    return stream;
  }
}
